"""Things that are due at a moment, the earliest first.

Owns the heap. Knows no clock: it is told the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class Timers(Generic[T]):
    """Items with their moments; those of one moment come in the order in which they were added.

    >>> timers = Timers()
    >>> timers.add(2.0, "b"), timers.add(1.0, "a"), list(timers.take(1.5)), timers.due
    (None, None, ['a'], 2.0)
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[T]:
        return (item for _, _, item in self._heap)

    @property
    def due(self) -> float | None:
        """The earliest moment, None if there is none."""
        return self._heap[0][0] if self._heap else None

    def add(self, moment: float, item: T) -> None:
        """Add an item that is due at ``moment``."""
        heappush(self._heap, (moment, next(self._numbers), item))

    def take(self, now: float) -> Iterator[T]:
        """Remove and yield what is due by ``now``, also what is added meanwhile."""
        while self._heap and self._heap[0][0] <= now:
            yield heappop(self._heap)[2]
