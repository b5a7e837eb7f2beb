"""What a live run is doing at this moment, as seen from another thread.

Owns the snapshot. The driver waits for nobody who looks: what it changes meanwhile is copied as it happens to be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nbgraph.clock import Clock

if TYPE_CHECKING:
    from nbgraph.engine.attempt import Assignment
    from nbgraph.engine.task import Task

T = TypeVar("T")

_TRIES = 5
_CHEAP = 0.0005
"""Seconds that a look may take without a rest after it."""
_REST = 50
"""A look that took longer is good for so many times as long: looking takes 2 % of the time at most."""


class Running(NamedTuple):
    """A task that is being executed now. ``attempt`` counts from 1."""

    node: str
    task: str
    attempt: int
    started: float | None
    """Seconds since the Unix epoch; None while it waits for a worker."""


class Glance(NamedTuple):
    """What runs, and node -> how many tasks could start and wait for a worker."""

    running: tuple[Running, ...] = ()
    ready: Mapping[str, int] = {}


class Watch:
    """Looks at one drive of a run, for all who follow it."""

    def __init__(
        self, under_way: Callable[[], Iterable[Assignment]], queued: Callable[[], Iterable[Task]], clock: Clock
    ) -> None:
        self._under_way, self._queued, self._clock = under_way, queued, clock
        self._epoch = clock.now() - clock.monotonic()
        self._seen, self._good = Glance(), float("-inf")

    def look(self) -> Glance:
        """Return how things stand; never raises, whatever the driver does meanwhile."""
        began = self._clock.monotonic()
        if began >= self._good:
            self._seen = Glance(
                tuple([self._running(one) for one in _copied(self._under_way)]),
                dict(Counter([task.node.name for task in _copied(self._queued)])),
            )
            ended = self._clock.monotonic()
            self._good = ended + (_REST * (ended - began) if ended - began > _CHEAP else 0.0)
        return self._seen

    def _running(self, assignment: Assignment) -> Running:
        task, started = assignment.task, assignment.started
        return Running(task.node.name, task.id, task.attempt, None if started is None else self._epoch + started)


def _copied(things: Callable[[], Iterable[T]]) -> list[T]:
    """Return a copy of what another thread is changing; empty where that goes on and on."""
    for _ in range(_TRIES):
        try:
            return list(things())
        except RuntimeError:  # it changed its size under the copy
            continue
    return []
