"""Where async nodes run: an event loop on a thread of its own, or the caller's loop.

Owns asyncio. Starting work and cancelling it are calls from another thread; outcomes go into a queue.
Imported only when a run meets its first async node.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from nbgraph.engine.attempt import Assignment, Outcome, aperform
from nbgraph.engine.printing import hold, release


class LoopRunner:
    """Runs async nodes on one event loop; ``done`` is called with each outcome, on the loop's thread."""

    def __init__(self, done: Callable[[Outcome], None], host: asyncio.AbstractEventLoop | None = None) -> None:
        self._done, self._host = done, host
        self._inbox: deque[Assignment] = deque()
        self._tasks: dict[Assignment, asyncio.Task[None]] = {}
        self._loop = host or asyncio.new_event_loop()
        if host is None:
            self._thread = threading.Thread(target=self._serve, name="nbgraph-loop", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def submit(self, assignment: Assignment) -> None:
        """Start a node; may be called from any thread."""
        self._inbox.append(assignment)
        if len(self._inbox) == 1:
            self._call(self._start_all)

    def _call(self, function: Callable[..., Any], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError as error:  # the host's loop was closed under us
            for assignment in [*self._inbox, *self._tasks]:
                self._done(Outcome(assignment, None, error, 0.0, assignment.clock.monotonic()))

    def _start_all(self) -> None:
        while self._inbox:
            assignment = self._inbox.popleft()
            task = self._loop.create_task(self._run(assignment), context=assignment.variables)
            self._tasks[assignment] = task

    async def _run(self, assignment: Assignment) -> None:
        outcome = await aperform(assignment)
        self._tasks.pop(assignment, None)
        self._done(outcome)

    def abandon(self, assignment: Assignment) -> None:
        """Cancel a node; its outcome no longer matters."""
        self._call(self._cancel, assignment)

    def _cancel(self, assignment: Assignment) -> None:
        task = self._tasks.get(assignment)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """Cancel what still runs, and stop the loop once that has ended; until then what it prints stays its own."""
        left = bool(self._tasks) and self._host is None
        if left:
            hold()
        self._call(self._close, left)

    def _close(self, left: bool) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        if self._host is None:
            self._loop.create_task(self._stop(left))

    async def _stop(self, left: bool) -> None:
        await _others()
        if left:
            release()
        await self._loop.shutdown_asyncgens()
        await _others()  # what closes the streams that a node left behind was started just now
        self._loop.stop()


async def _others() -> None:
    """Give the loop's other tasks half a second to end."""
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    if rest:
        await asyncio.wait(rest, timeout=0.5)
