"""Making what drives a run: for a new one, for one that goes on, for a fork.

Owns the wiring of store, plan, books, recorder and session, and the refusals that come before any of it. The
engine is its front door; the session is what it makes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from operator import index
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from nbgraph.engine.budgets import meter_of
from nbgraph.engine.calls.recorder import Recorder
from nbgraph.engine.continuing import began, borrowed_from, never_began, still_borrowed, take_up
from nbgraph.engine.control import Break, Breakpoints, Stops
from nbgraph.engine.editing import Edit
from nbgraph.engine.feed import NOWHERE
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Merger
from nbgraph.engine.options import Options, combine
from nbgraph.engine.posting import GRACE, Posts, logged, place_of
from nbgraph.engine.record import object_text
from nbgraph.engine.session import Session
from nbgraph.engine.stopping import unbegun, whole
from nbgraph.engine.verdict import freed
from nbgraph.errors import GraphError, NbgraphError, RunError, RunNotFound
from nbgraph.faces import face
from nbgraph.graph.definition import Graph
from nbgraph.graph.plan import Plan
from nbgraph.store.protocol import Lease, Origin, RunRecord, RunRow, RunStatus, Store

if TYPE_CHECKING:
    from nbgraph.engine.calls.book import Book


class Launcher:
    """Makes sessions for one graph and one store; knows those that are alive."""

    def __init__(self, graph: Graph, options: Options, store: Store) -> None:
        self.graph, self.options, self.store = graph, options, store
        self._sessions: WeakValueDictionary[str, Session] = WeakValueDictionary()
        self._stops: dict[str, Stops] = {}
        self.posts = Posts()
        """Bring listeners what is committed."""

    def live(self, run_id: str) -> Session | None:
        """Return what drives a run in this process, None if nothing does or did."""
        return self._sessions.get(run_id)

    def stops(self, run_id: str) -> Stops:
        """Return the breakpoints of a run that may be changed while it goes on; this process keeps them."""
        stops = self._stops.setdefault(run_id, Stops(lambda: self.graph.compile().nodes))
        session = self.live(run_id)
        if session is not None:
            session.heed(stops)
        return stops

    def forget(self, run_id: str) -> None:
        """Know nothing of a run that was deleted."""
        self._stops.pop(run_id, None)
        self._sessions.pop(run_id, None)

    def _known(self, session: Session) -> Session:
        self._sessions[session.run_id] = session
        stops = self._stops.get(session.run_id)  # after the line above: whoever makes them now finds the session
        if stops is not None:
            session.heed(stops)
        return session

    def created(
        self, given: Any, run_id: str | None, breakpoints: Breakpoints, keywords: dict[str, Any], *, blocking: bool
    ) -> Session:
        """Return what drives a new run from ``given``."""
        __tracebackhide__ = True  # IPython and pytest leave such frames out of tracebacks
        options = combine(self.options, (), keywords) if keywords else self.options
        plan = self.graph.compile()
        if breakpoints.before is not None or breakpoints.after is not None:
            breakpoints.check(plan.nodes)
        merger = self.merger(plan, options)
        initial, texts = merger.initial(plan.schema.initial({} if given is None else given))
        host = _host(options, blocking=blocking)
        record = RunRecord(
            run_id or os.urandom(6).hex(),
            plan.name,
            plan.fingerprint,
            plan.description,
            object_text(texts) if texts else "{}",
            options.seed,
            options.clock.now(),
        )
        lease = None
        try:
            lease = self.store.create(record)
            ledger = Ledger(self.store, lease, plan, merger, options.clock)
            if merger.blobs:
                ledger.commit(())
            ledger.begin(initial)
            meter = meter_of(options, self.store, lease.run_id)
            recorder = Recorder(self.store, lease, options.clock, options.redact, merger.types, meter)
            session = Session(self.store, plan, lease, ledger, options, breakpoints, host, recorder)
            watching = self._watching(options)
            if watching:
                self.posts.attach(watching, self.store, session, plan.name, options.clock)
            return self._known(session)
        except KeyboardInterrupt as pressed:
            freed(pressed)
            self._take_back(record, lease)
            raise unbegun(record.run_id) from None

    def _take_back(self, record: RunRecord, lease: Lease | None) -> None:
        """Remove a run that was made just now; without a lease the interrupt came before we were told of it."""
        with suppress(NbgraphError):
            row = self.store.run(record.run_id)
            if lease is None and row.steps == 0 and row.record.created == record.created:
                lease = Lease(record.run_id, 1, row.holder)
            if lease is not None:
                self._remove(lease)

    def _remove(self, lease: Lease) -> None:
        """Remove a run that never began: nothing that anybody should find."""
        self.store.release(lease)
        self.store.delete(lease.run_id)

    def resumed(
        self,
        run_id: str,
        before: Break,
        after: Break,
        quota: int | None,
        keywords: dict[str, Any],
        *,
        blocking: bool = False,
    ) -> Session:
        """Return what goes on with a run that stands still, or stopped.

        Where this process was asked to stop the run, and a node still ends, that is waited for.
        """
        session = self.live(run_id)
        if session is not None and session.pausing:
            session.wait()
        row = self.store.run(run_id)
        if row.status.status == "completed":
            raise RunError(
                f"run {run_id!r} is complete; nothing is left to resume",
                still="its state can be read: engine.open(...).state",
                todo="start a new run",
                run_id=run_id,
            )
        if not row.holder and not began(self.store, run_id):
            raise never_began(run_id, self.store.name)
        plan = self.same_graph(row)
        options = combine(self.options, (), {"seed": row.record.seed, **keywords})
        breakpoints = Breakpoints(before, after, quota)
        breakpoints.check(plan.nodes)
        borrowed = still_borrowed(self.store, run_id)
        lease = whole(partial(self.store.acquire, run_id), self.store.release)
        try:
            return self._taken_up(
                lease, plan, options, breakpoints, "run.resumed", borrowed=borrowed, blocking=blocking
            )
        except BaseException as error:
            freed(error)
            self.store.release(lease)
            raise

    def _taken_up(
        self,
        lease: Lease,
        plan: Plan,
        options: Options,
        breakpoints: Breakpoints,
        kind: str,
        *,
        edit: Edit | None = None,
        borrowed: Mapping[str, Book] | None = None,
        blocking: bool,
        **facts: Any,
    ) -> Session:
        """Return what drives a run that exists; letting go of it where that fails is the caller's."""
        watching = self._watching(options)
        start = place_of(self.store, lease.run_id) if watching else NOWHERE
        merger = self.merger(plan, options)
        note = partial(Ledger.note, kind=kind, **facts)
        migrations = list(self.graph.migrations)
        taken = take_up(self.store, lease, plan, merger, options, migrations=migrations, note=note, edit=edit)
        if borrowed:
            taken.recorder.borrow(borrowed)
        taken.ledger.restored = edit is None  # a fork stands at no breakpoint yet: it heeds all that it was given
        taken.ledger.commit((), RunStatus("running"))
        host = _host(options, blocking=blocking)
        session = Session(self.store, plan, lease, taken.ledger, options, breakpoints, host, taken.recorder)
        earlier = self._sessions.get(lease.run_id)
        if earlier is not None and earlier.feed.chunks:
            session.feed.take_over(earlier.feed, {row.task for row in self.store.steps(lease.run_id)})
        self.posts.attach(watching, self.store, session, plan.name, options.clock, start)
        return self._known(session)

    def _watching(self, options: Options) -> Sequence[Any]:
        """Return who is told of a drive; nobody, where nothing of the kind was asked for."""
        if not options.listeners and options.metrics is False and not logged():
            return ()
        counting = (face("engine.metrics")(options.metrics),) if options.metrics is not False else ()
        return (*options.listeners, *counting, *((face("engine.logs")(),) if logged() else ()))

    def forked(
        self,
        run_id: str,
        step: int | None,
        edit: Edit,
        new_id: str | None,
        breakpoints: Breakpoints,
        keywords: dict[str, Any],
        *,
        reuse_calls: bool,
        blocking: bool,
    ) -> Session:
        """Return what drives a new run that shares another one's past."""
        row = self.store.run(run_id)
        plan = self.same_graph(row)
        origin = Origin(run_id, _step_of(row, step))
        edit.check(plan.schema)
        breakpoints.check(plan.nodes)
        options = combine(self.options, (), {"seed": row.record.seed, **keywords})
        borrowed = borrowed_from(self.store, origin) if reuse_calls else None
        record = RunRecord(
            new_id or os.urandom(6).hex(), plan.name, plan.fingerprint, plan.description, "", options.seed,
            options.clock.now(),
        )  # fmt: skip
        self._clear(record.run_id)
        lease = None
        try:
            lease = whole(partial(self.store.fork, record, origin), self._remove)
            return self._taken_up(
                lease, plan, options, breakpoints, "run.forked", edit=edit, borrowed=borrowed, blocking=blocking,
                origin=run_id, at=origin.step, reuse_calls=reuse_calls,
            )  # fmt: skip
        except BaseException as error:
            freed(error)
            if lease is not None:
                self._remove(lease)
            if isinstance(error, KeyboardInterrupt):
                raise unbegun(record.run_id) from None
            raise

    def _clear(self, run_id: str) -> None:
        """Remove a fork of that id that never began, so that it can be made."""
        with suppress(RunNotFound):
            if not began(self.store, run_id):
                self.store.delete(run_id)

    def drive(self, session: Session, keywords: dict[str, Any]) -> None:
        """Drive on the caller's thread until the run stands still; raise what it failed with."""
        __tracebackhide__ = True
        options = combine(self.options, (), keywords) if keywords else self.options
        if options.nested and (loop := _host(options, blocking=True)) is not None:
            from nbgraph.engine.host import wait_nested  # noqa: PLC0415 - asyncio, only where asked for

            session.start()
            wait_nested(session, loop)
        else:
            session.drive()
        if self.posts:
            self.posts.flush(GRACE)
        if session.error is not None:
            raise session.error

    def same_graph(self, row: RunRow) -> Plan:
        """Return today's plan; raises ``GraphError`` for a run of another graph."""
        plan = self.graph.compile()
        if row.record.graph != plan.name:
            raise GraphError(
                f"run {row.record.run_id!r} is of graph {row.record.graph!r}, not of {plan.name!r}",
                still="the run was not touched",
                todo="use an engine of its own graph",
                run_id=row.record.run_id,
            )
        return plan

    def merger(self, plan: Plan, options: Options) -> Merger:
        """Return what folds updates for one run."""
        return Merger(plan, options.conflicts, options.redact, self.store.blob)


def _step_of(row: RunRow, step: int | None) -> int:
    """Return the step to fork at; raises ``RunError`` for one that the run does not have."""
    if step is None:
        return row.steps
    step = index(step)
    if not 0 <= step <= row.steps:
        raise RunError(
            f"run {row.record.run_id!r} has no step {step}",
            still="nothing was changed",
            todo=f"fork at one of its steps, 0 (the input) to {row.steps}",
            run_id=row.record.run_id,
            step=step,
        )
    return step


def _host(options: Options, *, blocking: bool) -> Any:
    """Return the caller's loop where async nodes shall use it, else None."""
    if options.loop != "host" and not options.nested:
        return None
    from nbgraph.engine.host import host_loop  # noqa: PLC0415 - asyncio, only where asked for

    return host_loop(options, blocking=blocking)
