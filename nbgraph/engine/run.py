"""A run, live or past: one class for both, reading from the store what happened and steering what goes on.

Owns what a person does with a run; ``past`` reads its rows. The engine makes it; the session drives it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbgraph.engine.budgets import exact
from nbgraph.engine.control import Break, Breakpoints, Stops
from nbgraph.engine.editing import Edit
from nbgraph.engine.feed import Stream
from nbgraph.engine.past import Past
from nbgraph.engine.stopping import stopped
from nbgraph.engine.verdict import interrupted, stored_error
from nbgraph.errors import NbgraphError, RunError
from nbgraph.faces import bundle, face
from nbgraph.graph.schema import Schema
from nbgraph.prices import Prices, prices_of
from nbgraph.store.protocol import Store

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from nbgraph.analysis.costs import CallCost
    from nbgraph.analysis.diff import Diff
    from nbgraph.engine.engine import Engine
    from nbgraph.engine.following import Follower
    from nbgraph.engine.replay.rehearsal import Rehearsal
    from nbgraph.engine.replay.report import Replay
    from nbgraph.engine.session import Session
    from nbgraph.graph.definition import Graph


class Run(Past):
    """A run of a graph. Reading works on any run; steering needs the engine that made or opened it.

    ``id`` names it. ``status`` is "running", "paused", "waiting" (for a person), "completed", "failed",
    "cancelled", or "interrupted" where its process died; everything but a completed run can be resumed.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        engine: Engine | None = None,
        schema: Schema | None = None,
        session: Session | None = None,
    ) -> None:
        super().__init__(store, run_id, session.schema if session is not None else schema)
        self._engine, self._session = engine, session

    # -- what it is

    @property
    def _schema(self) -> Schema | None:
        if self._made_with is None and self._engine is not None:
            self._made_with = self._engine.schema
        return self._made_with

    @property
    def _prices(self) -> Prices:
        return super()._prices if self._engine is None else prices_of(self._engine.options.prices)

    @property
    def engine(self) -> Engine | None:
        """What can steer the run; None where it was opened for reading."""
        return self._engine

    @property
    def graph(self) -> Graph | None:
        """Today's graph; None where the run was opened for reading, without one."""
        return None if self._engine is None else self._engine.graph

    @property
    def live(self) -> bool:
        """True while this process drives the run."""
        return self._driven() is not None

    def _driven(self) -> Session | None:
        """Return what drives the run in this process now, whichever handle started it; None if nothing does."""
        session = self._session
        if self._engine is not None and (session is None or not session.alive):
            session = self._engine.launcher.live(self.id)
            if session is not None and session.alive:
                self._session = session
        return session if session is not None and session.alive else None

    def _latest(self) -> Session | None:
        """Return what drove the run in this process last, over or not."""
        known = None if self._engine is None else self._engine.launcher.live(self.id)
        return self._session if known is None else known

    @property
    def error(self) -> NbgraphError | None:
        """What the run ended with, None if nothing went wrong. Of a past run, as recorded."""
        status, session = self._row().status, self._session
        stored = stored_error(status.error)
        mine = session.error if session is not None and not session.alive else None
        if mine is None or (stored is None and status.status != "running"):
            return stored  # if there was one, another handle has gone on since
        return mine if stored is None or stored.message == mine.message else stored  # ours has its cause

    @property
    def state(self) -> Any:
        """The final state; of a run that has not completed, the state after its latest step."""
        last = self._session.ledger.last if self._session is not None and self._session.finished.is_set() else None
        return super().state if last is None else self._shown(last.values, last.later)

    def stream(self, node: str | None = None) -> Stream:
        """Follow the run: its events, and the chunks that its nodes stream, from the beginning, of ``node`` or all.

        An iterator, sync and async, that ends when the run stands still. See ``Stream`` for the order.
        """
        session = self._driven() or self._session
        if session is None and self._engine is not None:
            session = self._engine.launcher.live(self.id)
        return Stream(self._store, self.id, session.feed if session is not None else None, node, self._types)

    def follow(self) -> Follower:
        """Return a place at the run's beginning, whose ``take`` gives what is new since the last time.

        What views stand on: rows, events, calls and chunks, and what runs now. Follows whoever drives the run:
        this process, from memory; another one, through the file; one after the other. Any number may follow.
        """
        from nbgraph.engine.following import Follower  # noqa: PLC0415 - only where somebody watches

        return Follower(self._store, self.id, self._driven, latest=self._latest)

    def plan(self) -> DataFrame:
        """Return what a resume would do, before it does it: task, node, reuse/execute, why, calls kept, step.

        Nodes whose tasks depend on what comes have a row with an empty task. Runs no code, writes nothing.
        """
        engine = self._needs_engine()
        from nbgraph.engine.outlook import plan_of  # noqa: PLC0415 - only when asked

        merger = engine.launcher.merger(engine.plan, engine.options)
        return plan_of(self._store, self.id, engine.plan, merger, engine.options)

    def changes(self) -> DataFrame:
        """Return how today's graph differs from the one that the run followed last: nodes, edges, fields."""
        from nbgraph.engine.outlook import changes_of  # noqa: PLC0415 - only when asked

        return changes_of(self._store, self.id, self._needs_engine().plan)

    def diff(self, other: Run | Replay | str) -> Diff:
        """Compare with another run (or its id): the first difference, then all; cost and duration deltas."""
        from nbgraph.analysis.diff import compare  # noqa: PLC0415 - only when asked
        from nbgraph.engine.sides import side_of  # noqa: PLC0415 - as above

        mine = side_of(self._store, self.id, self._types, self._prices)
        if isinstance(other, str):
            other = Run(self._store, other, self._engine, self._made_with)
        if isinstance(other, Run):
            return compare(mine, side_of(other._store, other.id, other._types, other._prices))
        rows = [other.rows.get(row.task, row) for row in mine.steps]
        return compare(mine, replace(mine, name=f"the replay of {self.id}", steps=rows))

    # -- how it shows itself

    def view(self, **how: Any) -> Any:
        """Return a widget with the graph as the run went through it, live; a picture where no kernel is.

        Follows this process's run, a past one, or one that another kernel drives.
        """
        return face("run.view")(self, **how)

    def to_svg(self, **how: Any) -> str:
        """Return the graph coloured by how the run went through it, a whole SVG document.

        ``how``: as in ``Graph.to_svg``; ``step``, to see it as it was right after that step; ``times=False``, to leave
        seconds out.
        """
        drawing: str = face("run.svg")(self, **how)
        return drawing

    def timeline(self, **how: Any) -> Any:
        """Return a picture of what ran when: tasks, attempts, calls and waits, in lanes.

        ``how``: ``by`` ("node", "branch"), what has a lane; ``axis`` ("time", or "order" for a picture without times,
        the same for equal runs); ``width`` in pixels; ``theme`` ("light", "dark").
        """
        return face("run.timeline")(self, **how)

    def cost_chart(self, **how: Any) -> Any:
        """Return a picture of how the run's cost grew over its steps: a band for each model, unknown costs, the budget.

        ``how``: ``width`` in pixels; ``theme`` ("light", "dark"). In a terminal it is a bar for each model; ``svg()`` is
        the picture as text. Tokens, where no cost is known. Raises ``OptionsError`` for another theme.
        """
        return face("run.cost_chart")(self, **how)

    def costs_view(self, **how: Any) -> Any:
        """Return a widget with what the run's calls used and cost, live: sums, a row for each node and model, the chart.

        ``prices``: as the engine's option, for calls whose lines say no cost.
        """
        return face("run.costs_view")(self, **how)

    def _cost_frame(self, costs: list[CallCost], title: str) -> DataFrame:
        table: Any = super()._cost_frame(costs, title)
        limit = None if self._engine is None else exact(self._engine.options.cost_budget)
        table.told = table.told._replace(budget=limit)
        return table  # type: ignore[no-any-return]  # a CostTable, which the engine does not name

    def report(self, path: str | os.PathLike[str], **how: Any) -> Path:
        """Write the run as one page that needs nothing else, to send to somebody; return its path.

        Graph, timeline, states, calls and errors, readable without scripts. ``how``: ``theme`` ("auto", "light"),
        ``overwrite`` a file that is no report.
        """
        written: Path = face("run.report")(self, path, **how)
        return written

    def export_events(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write everything that happened as JSON lines, in order; return the path.

        The same lines that an ``ng.JsonLines`` listener writes meanwhile. Raises ``OptionsError`` for a file that exists,
        unless ``overwrite``.
        """
        written: Path = face("run.export_events")(self, path, overwrite=overwrite)
        return written

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle("run.bundle", self)

    # -- steering

    def wait(self, timeout: float | None = None) -> Run:
        """Block until the run stands still; raise what it failed with, and return it.

        An interrupt pauses the run and lets go of it; the message says how to go on. ``timeout`` in
        seconds: return then, the run going on.
        """
        __tracebackhide__ = True  # IPython and pytest leave such frames out of tracebacks
        try:
            session = self._driven() or self._session
            return self if session is not None and not session.wait(timeout) else self._checked()
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self._store, self._driven() or self._session, self.id) from None

    def _checked(self) -> Run:
        __tracebackhide__ = True
        error = self.error
        if error is not None:
            raise error
        return self

    def __await__(self) -> Generator[Any, None, Run]:
        __tracebackhide__ = True
        from nbgraph.engine.host import wait_for  # noqa: PLC0415 - asyncio, when somebody awaits

        session = self._driven() or self._session
        if session is not None:
            yield from wait_for(session, interrupted(self.id)).__await__()
        return self._checked()

    def _needs_engine(self) -> Engine:
        if self._engine is None:
            raise RunError(
                f"run {self.id!r} was opened for reading, without its graph",
                todo=f"ng.Engine(graph, store=...).open({self.id!r}) can steer it",
                run_id=self.id,
            )
        return self._engine

    def pause(self, timeout: float | None = None) -> Run:
        """Stop after the nodes that run now; their results are kept. Waits for them, up to ``timeout`` seconds."""
        try:
            session = self._driven()
            if session is not None:
                session.pause()
                session.wait(timeout)
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self._store, self._driven(), self.id) from None
        return self

    @property
    def breakpoints(self) -> Stops:
        """The names of the nodes before which the run stops: a set to ``add`` to and ``discard`` from.

        Works while the run goes on, from any thread; kept, in this process, when it is resumed. The run is then
        "paused", and ``resume`` goes past where it stands. A name that is no node raises ``OptionsError``.
        """
        if self._engine is None:
            return Stops(lambda: self._needs_engine().plan.nodes)  # can be looked at; adding says what is missing
        return self._engine.launcher.stops(self.id)

    @breakpoints.setter
    def breakpoints(self, names: Collection[str]) -> None:
        self.breakpoints.put(names)

    def cancel(self) -> Run:
        """Stop within a second: async nodes are cancelled, sync ones flagged and left behind."""
        session = self._driven()
        if session is not None:
            session.cancel()
        return self

    def resume(self, *, before: Break = None, after: Break = None, **options: Any) -> Run:
        """Go on in the background from where the run stands, with the graph's current code; see ``Engine.resume``."""
        engine = self._needs_engine()
        try:
            session = self._driven()
            if session is None or session.pausing:
                self._session = session = engine.launcher.resumed(self.id, before, after, None, options)
                session.start()
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self._store, self._session, self.id) from None
        return self

    def fork(
        self,
        step: int | None = None,
        *,
        update: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        new_id: str | None = None,
        reuse_calls: bool = False,
        before: Break = None,
        after: Break = None,
        **options: Any,
    ) -> Run:
        """Start a fork in the background and return it, live; see ``Engine.fork``."""
        engine, session = self._needs_engine(), None
        try:
            session = engine.launcher.forked(
                self.id, step, Edit(update or {}, state or {}), new_id, Breakpoints(before, after), options,
                reuse_calls=reuse_calls, blocking=False,
            )  # fmt: skip
            session.start()
            return Run(self._store, session.run_id, engine, session=session)
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self._store, session) from None

    def replay(self, *, strict: bool = True) -> Replay:
        """Run the nodes again against the record; see ``Engine.replay``."""
        return self._needs_engine().replay(self.id, strict=strict)

    def rehearse(self, which: str | int | None = None) -> Rehearsal:
        """Return one task of the run, to be called again alone, with exactly its recorded input and today's function.

        ``which``: a step's number, a task's id (or its beginning), a node's name: its task that did not finish, else
        its last; None: the first that failed. Its calls are answered by the record of that attempt, and
        ``MissingCallError`` is raised where that has none: nothing is called, nothing is written. Works on any run
        of the file. Raises ``RunError`` where there is no such task.
        """
        engine = self._needs_engine()
        from nbgraph.engine.options import combine  # noqa: PLC0415 - only when asked
        from nbgraph.engine.replay.rehearsal import rehearse  # noqa: PLC0415 - as above

        row = self._row()
        plan, options = engine.launcher.same_graph(row), combine(engine.options, (), {"seed": row.record.seed})
        return rehearse(self._store, self.id, plan, engine.launcher.merger(plan, options), options, which)

    def to_pytest(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a test that replays this run, and its recording beside it (``path`` with ``.sqlite``).

        The test imports the graph from its module; a graph of a notebook is written down in it. Secrets are
        as blank in the recording as in the store. Raises ``GraphError`` for code that cannot be written down.
        """
        from nbgraph.engine.keepsake.testfile import write_test  # noqa: PLC0415 - only when asked

        return write_test(self._store, self.id, self._needs_engine().graph, path, overwrite=overwrite)

    def step(self) -> Run:
        """Run exactly one task, the next in canonical order, and stand still again."""
        __tracebackhide__ = True
        return self._stepped(None, 1)

    def until(self, node: str) -> Run:
        """Run until ``node`` is about to run, or the end."""
        __tracebackhide__ = True
        return self._stepped(node, None)

    def _stepped(self, before: Break, quota: int | None) -> Run:
        __tracebackhide__ = True
        engine = self._needs_engine()
        try:
            self.pause()
            if self.status != "completed":
                self._session = engine.launcher.resumed(self.id, before, None, quota, {})
                self._session.drive()
            return self._checked()
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self._store, self._session, self.id) from None
