"""Spans in lanes: in one lane they lie in each other or behind each other, never across, as trace viewers want it.

Owns the places. A task takes the first slot that is free, with what is in it below it; calls beside each other, and
questions, which end in another attempt than they began in, go to further lanes of that slot. Pure; the same spans have
the same lanes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from nbgraph.observe.tracing.spans import Span, Stretch

SHORTEST = 1
"""Nanoseconds: what took no time at all is drawn as this, so that arrows have something to begin at."""


class Lane(NamedTuple):
    """A slot, from 1, and a lane of it, 0 for the task's own. Slot 0 is the run's."""

    slot: int
    beside: int


class Bar(NamedTuple):
    """A span where it is drawn; times in nanoseconds since the Unix epoch."""

    span: Span
    lane: Lane
    start: int
    end: int


def bars_of(spans: Sequence[Span]) -> list[Bar]:
    """Return every span where it is drawn, those that hold others first."""
    inside: dict[int, list[Span]] = {}
    for span in spans:
        inside.setdefault(span.parent, []).append(span)
    runs = inside.get(0, [])
    found = [Bar(run, Lane(0, 0), run.start, max(run.end, run.start + SHORTEST)) for run in runs]
    tasks = [task for run in runs for task in inside.get(run.id, ())]
    slots = _Slots()
    for task in sorted(tasks, key=lambda task: (task.start, task.end, task.id)):
        found += Placing(inside).task(task, slots.take(task))
    return found


class _Slots:
    """Which slots are free: the first of them is taken."""

    def __init__(self) -> None:
        self._busy: list[tuple[int, int]] = []
        self._free: list[int] = []
        self._count = 0

    def take(self, task: Span) -> int:
        """Return the slot of a task that begins now: tasks come in the order of their beginnings."""
        while self._busy and self._busy[0][0] <= task.start:
            heappush(self._free, heappop(self._busy)[1])
        self._count += not self._free
        slot = heappop(self._free) if self._free else self._count
        heappush(self._busy, (max(task.end, task.start + SHORTEST), slot))
        return slot


class Placing:
    """Places one task and what is in it."""

    def __init__(self, inside: dict[int, list[Span]]) -> None:
        self._inside = inside
        self._beside: list[int] = []
        """Until when each further lane of the slot is taken."""

    def task(self, task: Span, slot: int) -> Iterator[Bar]:
        """Yield the bars of a task in ``slot``."""
        room = Stretch(task.start, max(task.end, task.start + SHORTEST))
        yield Bar(task, Lane(slot, 0), *room)
        yield from self._children(task, Lane(slot, 0), room)

    def _children(self, span: Span, lane: Lane, room: Stretch) -> Iterator[Bar]:
        taken = room.start
        inside = self._inside.get(span.id, ())
        for child in sorted(inside, key=lambda child: (child.start, -child.end, child.kind == "ask", child.id)):
            place = _cut(child, room)
            if place.start >= taken:
                here, taken = lane, place.end
            else:
                here = Lane(lane.slot, self._further(place))
            yield Bar(child, here, *place)
            yield from self._children(child, here, place)

    def _further(self, place: Stretch) -> int:
        free = next((lane for lane, until in enumerate(self._beside) if until <= place.start), len(self._beside))
        if free == len(self._beside):
            self._beside.append(0)
        self._beside[free] = place.end
        return free + 1


def _cut(span: Span, room: Stretch) -> Stretch:
    """Return where a span is drawn: what lasted longer than what it is in is cut at its end."""
    start = min(max(span.start, room.start), room.end - SHORTEST)
    return Stretch(start, min(max(span.end, start + SHORTEST), room.end))
