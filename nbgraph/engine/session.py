"""One drive of a run: the lease, the workers and the loop, from the first task to letting go.

Owns the life of these things together, on the caller's thread or on one of its own, and what an
interrupt leaves behind: memory is discarded, the file is the truth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nbgraph.engine.calls.outcome import words
from nbgraph.engine.calls.recorder import Recorder
from nbgraph.engine.control import Breakpoints, Stops
from nbgraph.engine.driver import SLICE, Driver
from nbgraph.engine.feed import Feed, Place
from nbgraph.engine.glance import Glance, Watch
from nbgraph.engine.latch import Latch
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.options import Options
from nbgraph.engine.printing import hold, release
from nbgraph.engine.verdict import cancelled, error_text, freed
from nbgraph.engine.workers import Crew, Workers
from nbgraph.errors import NbgraphError, RunBusyError
from nbgraph.graph.plan import Plan
from nbgraph.store.protocol import EventRecord, Lease, RunStatus, Store

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from contextvars import Context

    from nbgraph.engine.attempt import Assignment

_PATIENCE = 0.1
"""Seconds that a person who pressed stop waits for the run to stand still before the cell lets go of it."""


class Session:
    """Drives a run once. ``finished`` is set when nothing of it runs any more; ``error`` is how it ended."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        lease: Lease,
        ledger: Ledger,
        options: Options,
        breakpoints: Breakpoints,
        host: AbstractEventLoop | None,
        recorder: Recorder,
    ) -> None:
        self._store, self._lease, self._options = store, lease, options
        self.schema = plan.schema
        self.ledger, self._recorder = ledger, recorder
        self._crew = crew_for(options, host)
        self.feed = Feed()
        ledger.after_commit = self.feed.committed
        recorder.log.after_commit = self.feed.called
        self._driver = Driver(plan, ledger, self._crew, options, breakpoints, recorder, self.feed.publish)
        self.finished = Latch()
        self.error: NbgraphError | None = None
        self._watchers: list[Callable[[], None]] = []
        self._taken_over = False
        self._drivers: dict[str, int] = {}
        """The thread that drives, from its first moment on: one call decides which of two it is."""
        self._held = self._gone = False
        """Whether nodes' prints are held, and whether all was let go of."""
        self._watch: Watch | None = None

    @property
    def run_id(self) -> str:
        """The run that is driven."""
        return self._lease.run_id

    @property
    def holder(self) -> str:
        """Who drives, for people."""
        return self._lease.holder

    @property
    def alive(self) -> bool:
        """True until nothing of it runs any more."""
        return not self.finished.is_set()

    def glance(self) -> Glance:
        """Return what runs and what waits for a worker now; callable from any thread."""
        if self._watch is None:
            self._watch = Watch(self._driver.under_way, self._driver.queued, self._options.clock)
        return self._watch.look()

    def heed(self, stops: Stops) -> None:
        """Stop before the nodes of ``stops`` from now on, as they change."""
        stops.heed(self._driver.requests)

    def surround(self, enter: Callable[[str, Context], None]) -> None:
        """Have ``enter`` called with the task and the context variables of each attempt before it starts."""
        before = self._driver.entered

        def entered(assignment: Assignment) -> None:
            if before is not None:
                before(assignment)
            enter(assignment.task.id, assignment.variables)

        self._driver.entered = entered

    def drive(self) -> None:
        """Drive to the end on this thread. An interrupt pauses the run and is raised again."""
        __tracebackhide__ = True  # IPython and pytest leave such frames out of tracebacks
        if not self._mine():
            return
        try:
            hold()
            self._held = True
            self._store.keep_alive(self._lease)
            self.error = self._driver.drive()
        except KeyboardInterrupt as pressed:
            freed(pressed)
            self._driver.cancel_running()
            self._pause_in_file()
            raise
        except NbgraphError as error:
            self._broken(error)
        except BaseException as error:
            self.error = _engine_broke(self._lease.run_id, error)
            raise
        finally:
            self._let_go()

    def _mine(self) -> bool:
        """Say whether this thread drives: the first one that asks does."""
        return self._drivers.setdefault("driver", threading.get_ident()) == threading.get_ident()

    def stop(self) -> None:
        """Pause, as somebody pressed stop: wait a moment for what runs, and let go where nothing drives any more.

        Works whatever the interrupt cut in two: a drive on this thread, or the start of another one.
        """
        if not self._mine():
            self.pause()
            self.wait(_PATIENCE)
        elif not self._gone:
            try:
                self._pause_in_file()
            finally:
                self._let_go()

    def _pause_in_file(self) -> None:
        if self._store.run(self._lease.run_id).status.status == "running":  # it may have ended just before
            self._settle_from_file("paused", "interrupted")
        else:
            self._end_from_file()

    def start(self) -> None:
        """Drive on a thread of its own."""
        name = f"nbgraph-{self._lease.run_id}"
        threading.Thread(target=self._drive_quietly, name=name, daemon=True).start()

    def _drive_quietly(self) -> None:
        """Drive; whatever goes wrong is in ``error`` for whoever waits, since nobody reads a thread's traceback."""
        with suppress(BaseException):
            self.drive()

    def _broken(self, error: NbgraphError) -> None:
        """Note an error of the store's; the run stays as the file has it."""
        if not (self._taken_over and isinstance(error, RunBusyError)):
            self.error = error

    def _settle_from_file(self, status: str, why: str, error: str = "") -> None:
        """Write a status without trusting this process's memory of the run."""
        row = self._store.run(self._lease.run_id)
        number = len(self._store.events(self._lease.run_id)) + 1
        event = EventRecord(number, row.steps, self._options.clock.now(), f"run.{status}", "", "", f'{{"why":"{why}"}}')
        self._store.commit(self._lease, (), (event,), RunStatus(status, error))
        self._end_from_file()

    def _end_from_file(self) -> None:
        """Have whoever listens read how far the run came: something may have been committed and not handed on."""
        run_id = self._lease.run_id
        events, lines = self._store.events(run_id), self._store.calls(run_id, after=self.feed.line)
        seq, line = events[-1].seq if events else 0, lines[-1].seq if lines else self.feed.line
        self.feed.end = Place(self._store.run(run_id).steps, seq, line)
        self.feed.lose()

    def _let_go(self) -> None:
        """Let go of the crew, the log and the lease, whichever of them fails: nobody must be left waiting."""
        _all(self._crew.close, self._recorder.log.close, self._release, self._unhold, self._finish)
        self._gone = True

    def _unhold(self) -> None:
        if self._held:
            self._held = False
            release()

    def _release(self) -> None:
        if self.feed.end is None:  # before anybody else can go on with the run
            self.feed.end = Place(self.ledger.step, self.ledger.committed, self.feed.line)
        if not self._taken_over:
            self._store.release(self._lease)

    def _finish(self) -> None:
        self.finished.set()
        self.feed.close()
        for watcher in self._watchers:
            watcher()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the session has finished, at most ``timeout`` seconds; say whether it has.

        In slices: a signal that comes just before the sleep begins is only heard after it.
        """
        while timeout is None or timeout > SLICE:
            if self.finished.wait(SLICE):
                return True
            timeout = None if timeout is None else timeout - SLICE
        return self.finished.wait(timeout)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call ``watcher`` when the session has finished, at once if it has."""
        self._watchers.append(watcher)
        if self.finished.is_set():
            watcher()

    def wake(self) -> None:
        """Have the run look around now: a question was answered."""
        self._driver.wake()

    @property
    def pausing(self) -> bool:
        """True from the moment when somebody asked it to stop until it has."""
        requests = self._driver.requests
        return self.alive and (requests.pause or requests.cancel)

    def pause(self) -> None:
        """Ask the run to stop after what is running now."""
        self._driver.requests.pause = True
        self._driver.wake()

    def cancel(self, patience: float = 0.5) -> None:
        """Cancel the run: within ``patience`` seconds, whatever the nodes do.

        A sync node that the loop runs itself cannot be left behind by it; then the lease is taken over,
        so that the late result is refused.
        """
        self._driver.requests.cancel = True
        self._driver.cancel_running()
        self._driver.wake()
        if not self.finished.wait(patience):
            self._take_over()

    def _take_over(self) -> None:
        self._taken_over = True
        self._store.release(self._lease)
        self._lease = self._store.acquire(self._lease.run_id)
        self.error = cancelled(self._lease.run_id)
        self._settle_from_file("cancelled", "cancelled", error_text(self.error))
        self._store.release(self._lease)
        self._finish()


def _all(act: Callable[[], None], *others: Callable[[], None]) -> None:
    """Do each in turn, whatever the ones before it raise."""
    try:
        act()
    finally:
        if others:
            _all(*others)


def _engine_broke(run_id: str, error: BaseException) -> NbgraphError:
    told = NbgraphError(
        f"the engine broke: {type(error).__name__}: {words(error)}",
        still="every committed step is kept",
        todo=f"engine.resume({run_id!r}) goes on from there; the cause is below",
        run_id=run_id,
    )
    told.__cause__ = error
    return told


def crew_for(options: Options, host: AbstractEventLoop | None) -> Crew:
    """Return who runs the nodes: an executor that is a crew by itself, or the ordinary workers."""
    executor: Any = options.executor
    if executor is not None and hasattr(executor, "collect"):
        crew: Crew = executor
        return crew
    return Workers(options.max_concurrent, executor, host)
