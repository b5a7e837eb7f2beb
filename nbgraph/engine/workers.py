"""Who runs the nodes: threads for sync ones, a loop for async ones, or an executor of the user's.

Owns threads and queues. Takes assignments, gives outcomes in the order in which they happen to finish;
nothing behind it depends on that order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from nbgraph.engine.attempt import Assignment, Outcome, perform
from nbgraph.engine.calls.current import HERE
from nbgraph.engine.printing import routed
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from nbgraph.engine.loop import LoopRunner


class Crew(Protocol):
    """Runs assignments. ``collect`` gives what finished; ``wake`` makes a waiting ``collect`` return."""

    inline: bool
    """True if the loop may call a lone sync node itself."""

    def submit(self, assignment: Assignment) -> None:
        """Start an assignment; its outcome will be collected."""
        ...

    def collect(self, timeout: float | None) -> list[Outcome]:
        """Return what has finished, waiting up to ``timeout`` seconds for the first (None: until woken)."""
        ...

    def abandon(self, assignment: Assignment) -> None:
        """Nobody waits for this assignment any more: cancel it if it can be."""
        ...

    def wake(self) -> None:
        """Make a waiting ``collect`` return, from any thread."""
        ...

    def close(self) -> None:
        """Let every worker go; what still runs is abandoned."""
        ...


class Workers:
    """The ordinary crew: up to ``size`` daemon threads, one event loop, each made when first needed."""

    def __init__(self, size: int, executor: Executor | None = None, host: AbstractEventLoop | None = None) -> None:
        self.inline = executor is None
        self._size, self._executor, self._host = size, executor, host
        self._jobs: SimpleQueue[Assignment | None] = SimpleQueue()
        self._done: SimpleQueue[Outcome | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0
        self._loop: LoopRunner | None = None

    def submit(self, assignment: Assignment) -> None:
        """Hand an assignment to the loop, the executor or a thread."""
        if assignment.task.node.is_async:
            self._async().submit(assignment)
        elif self._executor is not None:
            self._submit_to(self._executor, assignment)
        else:
            self._busy += 1
            self._jobs.put(assignment)
            if self._threads < min(self._busy, self._size):
                self._threads += 1
                threading.Thread(target=self._work, name="nbgraph-worker", daemon=True).start()

    def _async(self) -> LoopRunner:
        if self._loop is None:
            from nbgraph.engine.loop import LoopRunner  # noqa: PLC0415 - asyncio costs 30 ms; sync graphs do without

            self._loop = LoopRunner(self._done.put, self._host)
        return self._loop

    def _work(self) -> None:
        while (assignment := self._jobs.get()) is not None:
            with routed():  # also where this thread is left behind: what it prints then is still its node's
                outcome = perform(assignment)
            self._done.put(outcome)
            if assignment.gone:  # this thread was given up and replaced while it was stuck
                return

    def _submit_to(self, executor: Executor, assignment: Assignment) -> None:
        assignment.started = assignment.clock.monotonic()
        call = _Call(assignment)
        future = executor.submit(call) if call.here(executor) else executor.submit(_elsewhere, *call.portable())
        future.add_done_callback(lambda done: self._done.put(call.outcome(done)))

    def collect(self, timeout: float | None) -> list[Outcome]:
        """Return everything that has finished by now, waiting for the first."""
        found: list[Outcome] = []
        try:
            self._keep(self._done.get(timeout=timeout), found)
            while True:
                self._keep(self._done.get_nowait(), found)
        except Empty:
            return found

    def _keep(self, outcome: Outcome | None, found: list[Outcome]) -> None:
        if outcome is not None and not outcome.assignment.gone:
            found.append(outcome)
            if not outcome.assignment.task.node.is_async and self._executor is None:
                self._busy -= 1

    def abandon(self, assignment: Assignment) -> None:
        """Give an assignment up: an async node is cancelled, a thread is left behind and replaced."""
        assignment.gone = True
        if assignment.task.node.is_async:
            self._async().abandon(assignment)
        elif self._executor is None:
            self._busy -= 1
            self._threads -= 1

    def wake(self) -> None:
        """Make a waiting ``collect`` return."""
        self._done.put(None)

    def close(self) -> None:
        """Let the threads end and the loop stop."""
        for _ in range(self._threads):
            self._jobs.put(None)
        if self._loop is not None:
            self._loop.close()


class _Call:
    """One node call for somebody else's executor."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment

    def here(self, executor: Executor) -> bool:
        """Say whether the executor's workers share our memory."""
        return not hasattr(executor, "_mp_context")

    def __call__(self) -> Outcome:
        return perform(self.assignment)

    def portable(self) -> tuple[Callable[..., Any], Any, Any]:
        """Return what a worker in another process needs: the node, its state as plain data, its context's facts."""
        assignment = self.assignment
        given = dict(assignment.state) if assignment.given is assignment.state else assignment.given
        ctx, node = assignment.context(), assignment.task.node
        facts = (node.wants_ctx, ctx.run_id, ctx.task_id, ctx.node, ctx._seed, ctx.attempt, ctx.errors)  # noqa: SLF001 - the same fact
        return node.fn, given, facts  # type: ignore[return-value]  # a gather has no assignment

    def outcome(self, done: Future[Any]) -> Outcome:
        """Return what the future holds as an outcome."""
        ended = self.assignment.clock.monotonic()
        seconds = 0.0 if self.assignment.started is None else ended - self.assignment.started
        error = done.exception() if not done.cancelled() else RuntimeError("the executor cancelled the node")
        if error is not None:
            return Outcome(self.assignment, None, error, seconds, ended)
        result = done.result()
        if isinstance(result, Outcome):
            return result
        value, readings, chunks, drew = result
        if self.assignment.ctx is not None or chunks:
            try:
                self.assignment.context().absorb(readings, chunks, drew=drew)
            except CodecError as wrong:
                return Outcome(self.assignment, None, wrong, seconds, ended)
        return Outcome(self.assignment, value, None, seconds, ended)


class _There(NamedTuple):
    """An attempt in a worker's process."""

    ctx: Any

    def context(self) -> Any:
        """Return the context that the attempt has there."""
        return self.ctx

    def hear(self, _: str) -> bool:
        """Let prints pass: nobody brings them back."""
        return False

    def hide(self, values: Iterable[bytes]) -> None:
        """Take nothing: no request is recorded there."""

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """Nothing was taken."""
        return ()


def _elsewhere(fn: Callable[..., Any], given: Any, facts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Call a node in another process: value, clock readings, chunks, and whether it drew anything."""
    import time  # noqa: PLC0415 - in the worker's process

    from nbgraph.engine.context import Context  # noqa: PLC0415 - as above

    wants_ctx, run_id, task, node, seed, attempt, errors = facts
    ctx = Context(run_id, task, node, seed, attempt=attempt, errors=errors, clock=time.time, cancelled=lambda: False)
    HERE.set(_There(ctx))  # so that what @ng.call decorated refuses to go unrecorded
    return fn(given, ctx) if wants_ctx else fn(given), ctx.nows, ctx.afar, ctx.drew
