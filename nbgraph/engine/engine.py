"""The engine: a graph, a store and options, and the verbs that make and continue runs.

Owns the front door to execution. It wires things together and decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from nbgraph.engine import inbox, tables
from nbgraph.engine.control import Break, Breakpoints
from nbgraph.engine.editing import Edit
from nbgraph.engine.history import History
from nbgraph.engine.kernel import somebody_looks
from nbgraph.engine.launching import Launcher
from nbgraph.engine.options import Change, Options, combine
from nbgraph.engine.record import object_text
from nbgraph.engine.run import Run
from nbgraph.engine.session import Session
from nbgraph.engine.stopping import stopped
from nbgraph.faces import face
from nbgraph.graph import compiling  # noqa: F401 - the first run, or the first resume, should not wait for an import
from nbgraph.graph.definition import Graph
from nbgraph.graph.plan import Plan
from nbgraph.graph.schema import Schema
from nbgraph.prices import prices_of
from nbgraph.store import open_store
from nbgraph.store.protocol import Store

if TYPE_CHECKING:
    from decimal import Decimal

    from pandas import DataFrame

    from nbgraph.engine.doctor.diagnosis import Diagnosis
    from nbgraph.engine.replay.report import Replay

Target = str | PathLike[str] | Store


class Engine:
    """Executes a graph against a store.

    ``store`` is a file's path, ":memory:", or a store. Options come as a record (``options=``), as
    functional options, and as keywords; later wins.

    >>> from nbgraph.graph.definition import Graph
    >>> graph = Graph({"n": int}, name="count")
    >>> @graph.node
    ... def increment(state):
    ...     return {"n": state["n"] + 1}
    >>> Engine(graph).run({"n": 1}).state
    {'n': 2}
    """

    def __init__(
        self,
        graph: Graph,
        *changes: Change,
        store: Target = ":memory:",
        options: Options | None = None,
        **keywords: Any,
    ) -> None:
        self.graph = graph
        self.options = combine(options or Options(), changes, keywords)
        self.store: Store = open_store(store, durability=self.options.durability, clock=self.options.clock)
        self.launcher = Launcher(self.graph, self.options, self.store)
        """Makes what drives the runs; ``Run`` asks it too."""

    @property
    def plan(self) -> Plan:
        """The graph as it is now, compiled; raises ``GraphError`` with everything that is wrong."""
        return self.graph.compile()

    @property
    def schema(self) -> Schema:
        """The state's schema; compiles the graph only where subgraphs may have fields of their own."""
        whole = any(node.graph is not None for node in self.graph.nodes)
        return self.plan.schema if whole else self.graph.schema

    # -- new runs

    def run(
        self, given: Any = None, *, run_id: str | None = None, before: Break = None, after: Break = None, **options: Any
    ) -> Run:
        """Execute the graph from ``given`` (fields, or the state's record) and block until the run stands still.

        Raises what the run failed with; the run is then in the store under its ``run_id``, and
        ``resume`` goes on. ``before`` and ``after`` are breakpoints: node names, or a predicate on the
        state. An interrupt pauses the run. A paused run is returned.
        """
        __tracebackhide__ = True  # IPython and pytest leave such frames out of tracebacks
        session = None
        try:
            session = self.launcher.created(given, run_id, Breakpoints(before, after), options, blocking=True)
            return self._driven(session, options)
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self.store, session) from None

    def _driven(self, session: Session, keywords: dict[str, Any]) -> Run:
        __tracebackhide__ = True
        run = Run(self.store, session.run_id, self, session=session)
        with _progress(run, quiet=keywords.get("quiet", self.options.quiet)):
            self.launcher.drive(session, keywords)
        return run

    def start(
        self, given: Any = None, *, run_id: str | None = None, before: Break = None, after: Break = None, **options: Any
    ) -> Run:
        """Execute the graph in the background; return the live run at once."""
        session = None
        try:
            session = self.launcher.created(given, run_id, Breakpoints(before, after), options, blocking=False)
            session.start()
            return Run(self.store, session.run_id, self, session=session)
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self.store, session) from None

    async def arun(
        self, given: Any = None, *, run_id: str | None = None, before: Break = None, after: Break = None, **options: Any
    ) -> Run:
        """Execute the graph and await its end; the loop stays free. Raises like ``run``."""
        __tracebackhide__ = True
        return await self.start(given, run_id=run_id, before=before, after=after, **options)

    # -- runs that exist

    def resume(self, run_id: str | Run, *, before: Break = None, after: Break = None, **options: Any) -> Run:
        """Go on from where a run stands, with the graph's current code, and block until it stands still.

        Works after a crash, a failure, a pause, an interrupt or a bound; only what did not finish
        executes. Raises ``RunBusyError`` while another driver holds the run, ``RunNotFound``,
        ``RunError`` for a completed run, and like ``run``.
        """
        __tracebackhide__ = True
        run_id, session = _id_of(run_id), None
        try:
            session = self.launcher.resumed(run_id, before, after, None, options, blocking=True)
            return self._driven(session, options)
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self.store, session, run_id) from None

    async def aresume(self, run_id: str | Run, *, before: Break = None, after: Break = None, **options: Any) -> Run:
        """Do the same and await its end."""
        __tracebackhide__ = True
        return await self.open(_id_of(run_id)).resume(before=before, after=after, **options)

    # -- forks

    def fork(
        self,
        run: str | Run,
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
        """Execute a new run that shares a run's (or its id's) past up to ``step`` (None: its latest), with today's code.

        ``update`` is taken in after that step as a node's return would be, through the reducers; ``state``
        replaces fields as they are. Edges are decided again by the edited state. The parent is not written;
        the shared steps are not copied. ``reuse_calls=True``: calls whose request is unchanged are served
        from the parent's record until the fork parts from it, also when the fork is resumed; questions are put
        again. A seed and other options may differ.

        Beside other branches an edit is its task's: seen down that branch, merged where that task's update is.
        Blocks and raises like ``run``; also ``RunNotFound``, ``RunError`` for a step that the run does not have,
        ``StateError`` for an edit that does not fit or would replace what other branches merge into,
        ``ConflictError`` for one that writes what a branch beside it has written. Then there is no fork.
        """
        __tracebackhide__ = True
        session = None
        try:
            session = self.launcher.forked(
                _id_of(run), step, Edit(update or {}, state or {}), new_id, Breakpoints(before, after), options,
                reuse_calls=reuse_calls, blocking=True,
            )  # fmt: skip
            return self._driven(session, options)
        except KeyboardInterrupt as pressed:
            raise stopped(pressed, self.store, session) from None

    async def afork(self, run: str | Run, step: int | None = None, **how: Any) -> Run:
        """Do the same and await its end."""
        __tracebackhide__ = True
        return await self.open(_id_of(run)).fork(step, **how)

    def fork_many(
        self, run: str | Run, step: int | None = None, *, edits: Iterable[Mapping[str, Any]], side_by_side: int = 4,
        time_budget: float | None = None, cost_budget: Decimal | float | str | None = None,
        token_budget: int | None = None, **how: Any,
    ) -> DataFrame:  # fmt: skip
        """Fork a run once for each of ``edits`` (what ``update`` takes); return one table, a row a fork.

        At most ``side_by_side`` run at the same time, all within ``time_budget`` seconds, ``cost_budget`` US
        dollars and ``token_budget`` tokens together: what is not done by then is paused, or not begun. A fork that
        fails is a row with its error. ``how`` as in ``fork``; a budget of the engine's own is each fork's. Columns:
        run_id, status, error, the fork's own steps, seconds, calls, reused, tokens (input and output), cost (exact
        Decimal, NaN where a part is unknown), the edited fields as "edit.<field>" and the final state's as "<field>".
        """
        from nbgraph.engine.grid import Grid, Together  # noqa: PLC0415 - only for grids

        budget = Together(time_budget, cost_budget, token_budget)
        return Grid(self, _id_of(run), step, how).run(list(edits), side_by_side, budget)

    # -- replay

    def replay(self, run: str | Run, *, strict: bool = True) -> Replay:
        """Run a recorded run's nodes again, calls, clock and answers from the record; compare what they do.

        Calls nothing, writes nothing, opens no socket. Works for runs in any state; tasks that had not
        finished are not run. ``strict`` raises the first difference in step order: ``ReplayMismatchError``, or
        ``MissingCallError`` for a call that was not recorded. Otherwise all are in the result's ``mismatches``.
        """
        run_id = _id_of(run)
        row = self.store.run(run_id)
        plan, options = self.launcher.same_graph(row), combine(self.options, (), {"seed": row.record.seed})
        from nbgraph.engine.host import off_loop  # noqa: PLC0415 - asyncio, when replayed
        from nbgraph.engine.replay.replayer import Replayer  # noqa: PLC0415 - as above

        replayer = Replayer(self.store, run_id, plan, self.launcher.merger(plan, options), options)
        off_loop(partial(replayer.replay, strict=strict))
        for error in replayer.problems:
            error.facts = {"run_id": run_id, **error.facts}
        report = replayer.report(self.open(run_id).state)
        if strict and report.problems:
            raise report.problems[0]
        return report

    def doctor(self, given: Any = None, *, n: int = 8, **options: Any) -> Diagnosis:
        """Look for what makes the graph's results depend on anything but its input; nothing is called.

        Runs the graph from ``given`` (or the input of that run, or of the run whose id it is) again and again, calls
        answered by the record of a run with that input: ``n`` completion orders, hash seeds, another clock,
        random seed, time zone, locale; reducers on permuted operands. Names node and field that move, and
        why. The trials in processes of their own need the extra ``nbgraph[doctor]``. Raises
        ``MissingCallError`` for a graph that makes calls and has no recorded run of this input.
        """
        from nbgraph.engine.doctor.diagnosis import Doctor  # noqa: PLC0415 - only when asked
        from nbgraph.engine.doctor.recordings import conditions_of  # noqa: PLC0415 - as above

        chosen = combine(self.options, (), options)
        plan = self.plan
        merger = self.launcher.merger(plan, chosen)
        conditions = conditions_of(self.store, plan, merger, chosen, _id_of(given))
        return Doctor(self.graph, conditions, merger, chosen.clock).examine(n)

    # -- people

    def inbox(self) -> DataFrame:
        """Return the open questions of all runs of the store as a table, oldest first."""
        return inbox.inbox(self.store)

    def answer(self, question: str, value: Any, *, by: str = "") -> None:
        """Answer an open question by its id; the value must fit what was asked for.

        Works from any kernel, whoever drives the run. A live run goes on by itself; one that waits goes on
        with ``resume``. Raises ``QuestionError`` for an id that is not open, ``AnswerError`` for a value that
        does not fit; then nothing was changed.
        """
        inbox.answer(self.store, question, value, by, self.options.clock)
        session = self.launcher.live(question.rpartition("/")[0])
        if session is not None:
            session.wake()

    def inbox_form(self, **how: Any) -> Any:
        """Return a widget with a form for each open question, to be answered in place."""
        return face("engine.inbox_form")(self, **how)

    # -- looking

    def browser(self, **how: Any) -> Any:
        """Return a widget with all runs of the store, to find one, open it, resume it, fork it or delete it."""
        return face("engine.browser")(self, **how)

    def open(self, run_id: str | Run) -> Run:
        """Return a run of the store, to read or to steer; raises ``RunNotFound``."""
        run_id = _id_of(run_id)
        self.store.run(run_id)
        session = self.launcher.live(run_id)
        alive = session is not None and not session.finished.is_set()
        return Run(self.store, run_id, self, session=session if alive else None)

    def runs(self) -> DataFrame:
        """Return all runs of the store as a table, oldest first; ``origin`` "r@3": a fork of run r at step 3."""
        return _table(self.store)

    def costs(self) -> DataFrame:
        """Return what each run of the store used and cost, oldest first: one row a run, ``attrs["total"]`` for all.

        Columns: run_id, graph, status, and those of ``Run.costs_by``. Each call counts once, in the run that paid for
        it: a fork's costs are its own, and failed attempts are paid too. So the sum is what all runs together cost.
        """
        return tables.costs(self.store, prices_of(self.options.prices))

    def prune(self, run_id: str | Run, *, before: int) -> int:
        """Drop a run's steps before ``before``, as far as the run can then still be resumed and read.

        The state at the new beginning is written and checked before anything is dropped. Returns the
        first step that is kept, 1 if nothing could be dropped.
        """
        run_id = _id_of(run_id)
        marks = [row.step for row in self.store.steps(run_id, 1, before) if row.mark]
        if not marks:
            return 1
        history = History(self.store, run_id, self.launcher.merger(self.plan, self.options).types)
        merger = self.launcher.merger(self.plan, self.options)
        texts = {name: merger.text(name, value) for name, value in history.at(marks[-1]).items()}
        self.store.rebase(run_id, marks[-1], object_text(texts))
        return marks[-1]

    def delete(self, run_id: str | Run) -> None:
        """Remove a run from the store, whole; nothing of it can be read any more.

        Raises ``RunBusyError`` while somebody drives it, ``StoreError`` naming its forks if it has any (they share
        its steps), ``RunNotFound``; then nothing was changed.
        """
        self.store.delete(_id_of(run_id))
        self.launcher.forget(_id_of(run_id))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until all listeners were told what is committed now; say whether they were, within ``timeout`` seconds."""
        return self.launcher.posts.flush(timeout)

    def close(self) -> None:
        """Let go of the listeners, once they were told what is committed (5 seconds at most), and of the store."""
        self.flush()
        self.launcher.posts.close()
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _progress(run: Run, *, quiet: bool) -> AbstractContextManager[None]:
    """Return what shows a line of progress, where somebody could see it."""
    if quiet or not somebody_looks():
        return nullcontext()
    shown: AbstractContextManager[None] = face("progress")(run)
    return shown


def _id_of(run: str | Run) -> str:
    return run.id if isinstance(run, Run) else run


def open_run(store: Target, run_id: str) -> Run:
    """Open a run of a file for reading: no graph is needed, no code runs.

    Values of classes that only a graph could rebuild come as read-only records.
    """
    run = Run(open_store(store, read_only=True) if not isinstance(store, Store) else store, run_id)
    run._row()  # noqa: SLF001 - raises RunNotFound now, not at the first look
    return run


def _table(store: Store) -> DataFrame:
    return tables.runs((row, row.standing, store.origin(row.record.run_id)) for row in store.runs())


def costs(store: Target) -> DataFrame:
    """Return what each run in a file used and cost, without a graph; see ``Engine.costs``."""
    opened = open_store(store, read_only=True)
    try:
        return tables.costs(opened, prices_of(None))
    finally:
        if opened is not store:
            opened.close()


def runs(store: Target) -> DataFrame:
    """Return the runs in a file as a table, without a graph."""
    opened = open_store(store, read_only=True)
    try:
        return _table(opened)
    finally:
        if opened is not store:
            opened.close()
