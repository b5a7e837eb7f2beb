"""Who may start now: the bounded queue before the workers, limits per node, and the wait when it is full.

Owns DESIGN section 3, rule 9 for concurrency. Knows tasks and counts; no thread, no clock of its own,
no store.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from nbgraph.engine.task import Task


class Admission:
    """Admitted tasks that wait for a worker, at most ``depth``; the first in canonical order starts first."""

    def __init__(self, depth: int, max_concurrent: int) -> None:
        self._depth, self._max = depth, max_concurrent
        self._queue: list[Task] = []
        self._held: dict[str, list[Task]] = {}
        self._running: dict[str, int] = {}
        self._count = 0
        self.running = 0
        self.waiting_since: float | None = None

    def __len__(self) -> int:
        return self._count

    def full(self) -> bool:
        """Say whether admission has to wait."""
        return self._count >= self._depth

    def idle(self) -> bool:
        """Say whether a worker is free and will take something from the queue at once."""
        return self.running < self._max and len(self._queue) > 0

    def admit(self, task: Task) -> None:
        """Take a task into the queue."""
        heappush(self._queue, task)
        self._count += 1
        self.waiting_since = None

    def wait(self, now: float) -> bool:
        """Note that a ready task found the queue full; True where a new wait begins."""
        begins = self.waiting_since is None
        if begins:
            self.waiting_since = now
        return begins

    def next(self) -> Task | None:
        """Return the next task that may start, None if there is none or no worker is free."""
        while self.running < self._max and self._queue:
            task = heappop(self._queue)
            limit = task.node.limit
            if limit is None or self._running.get(task.node.name, 0) < limit:
                self._count -= 1
                return task
            heappush(self._held.setdefault(task.node.name, []), task)
        return None

    def started(self, task: Task) -> None:
        """Note that a worker has the task."""
        self.running += 1
        self._running[task.node.name] = self._running.get(task.node.name, 0) + 1

    def ended(self, task: Task) -> None:
        """Note that the task's worker is free again."""
        self.running -= 1
        self._running[task.node.name] -= 1
        if held := self._held.get(task.node.name):
            heappush(self._queue, heappop(held))

    def waiting(self) -> list[Task]:
        """Return everything that has not started."""
        return [*self._queue, *(task for held in self._held.values() for task in held)]

    def drain(self) -> Iterable[Task]:
        """Remove and return everything that has not started."""
        rest = self.waiting()
        self._queue.clear()
        self._held.clear()
        self._count = 0
        return rest
