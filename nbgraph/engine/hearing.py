"""What a drive commits, kept until those who listen have taken it: once for all of them, however many they are.

Owns the keeping and its limits. One thread at a time writes, each ear is one thread's; no thread waits for another.
Nothing is made for a commit but longer lists: an object more for each of 10,000 commits is a garbage collection more.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from weakref import ref

from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord

_FULL = 20_000
"""Steps and events, or lines of the log of calls, that are kept for somebody who does not take them."""
_HEAVY = 16_000_000
"""Characters of updates that are kept so."""
_LONG, _LOAD = 500, 1_000_000
"""Steps and events, and characters, of one part of the tape: as much is kept although it was taken."""

_CHANGING = threading.Lock()
"""Held by whoever changes who listens to a tape: seldom, and not for long."""


class _Part:
    """A stretch of the tape. Who holds it holds all that follows; what lies before everybody is gone by itself."""

    __slots__ = ("before", "events", "marks", "next", "steps", "weight", "weight_before")

    def __init__(self, before: int, weight_before: int) -> None:
        self.steps: list[StepRecord] = []
        self.events: list[EventRecord] = []
        self.marks = 0, 0
        """How many of both are in whole commits."""
        self.weight, self.next = 0, None  # type: int, _Part | None
        self.before, self.weight_before = before, weight_before


class Ear:
    """What was committed and its listener has not taken yet. The run forgets an ear that nobody holds any more.

    ``full``: it gets nothing any more, too much was not taken; what it gave has no gap.
    """

    __slots__ = ("__weakref__", "_events", "_part", "_steps", "calls", "full")

    def __init__(self, part: _Part) -> None:
        self._part: _Part | None = part
        self._steps, self._events = part.marks
        self.calls: deque[CallRecord] = deque()
        self.full = False

    def commits(self) -> tuple[Sequence[StepRecord], Sequence[EventRecord]]:
        """Take the steps and events of whole commits, in order."""
        steps: list[StepRecord] = []
        events: list[EventRecord] = []
        part = self._part
        while part is not None:
            following = part.next  # before the marks: a part that has one grows no more
            marks = part.marks
            steps += part.steps[self._steps : marks[0]]
            events += part.events[self._events : marks[1]]
            self._steps, self._events = marks if following is None else (0, 0)
            if following is None:
                break
            part = following
        self._part = None if self.full else part
        return steps, events

    def lines(self) -> Sequence[CallRecord]:
        """Take the lines of the log of calls, in order."""
        return [self.calls.popleft() for _ in range(len(self.calls))]

    def called(self, lines: Sequence[CallRecord]) -> None:
        """Keep lines of the log of calls."""
        self.full = self.full or len(self.calls) >= _FULL
        if not self.full:
            self.calls.extend(lines)

    def stop(self) -> None:
        """Be full."""
        self.full, self._part = True, None

    def measure(self, rows: int, weight: int) -> None:
        """Be full where the tape, so long and so heavy by now, is too far ahead."""
        part = self._part
        if part is not None and (rows - part.before > _FULL or weight - part.weight_before > _HEAVY):
            self.stop()


class Tape:
    """All that is committed while somebody listens."""

    __slots__ = ("_ears", "_part")

    def __init__(self) -> None:
        self._ears: tuple[ref[Ear], ...] = ()
        self._part: _Part | None = None
        """Where it is written; None while nobody listens: most runs make nothing more than this."""

    def ears(self) -> Iterator[Ear]:
        """Yield those who listen."""
        for one in self._ears:
            ear = one()
            if ear is not None:
                yield ear

    def listen(self) -> Ear:
        """Return an ear that gets whatever is committed from now on."""
        with _CHANGING:
            self._part = self._part or _Part(0, 0)
            ear = Ear(self._part)
            self._ears = (*(one for one in self._ears if one() is not None), ref(ear))
        return ear

    def committed(self, steps: Sequence[StepRecord], events: Sequence[EventRecord]) -> None:
        """Keep a commit, whole, where anybody listens."""
        part = self._part
        if part is None:
            return
        part.steps += steps
        part.events += events
        for row in steps:
            part.weight += len(row.update) + len(row.snapshot)
        marks = part.marks = len(part.steps), len(part.events)
        if marks[0] + marks[1] >= _LONG or part.weight >= _LOAD:
            self._turn(part, marks[0] + marks[1])

    def _turn(self, part: _Part, rows: int) -> None:
        """Begin another part, and look who is too far behind."""
        new = _Part(part.before + rows, part.weight_before + part.weight)
        with _CHANGING:
            self._ears = tuple([one for one in self._ears if one() is not None])
            self._part = part.next = new if self._ears else None
        for ear in self.ears():
            ear.measure(new.before, new.weight_before)

    def called(self, lines: Sequence[CallRecord]) -> None:
        """Keep lines of the log of calls for each ear."""
        for ear in self.ears():
            ear.called(lines)

    def lose(self) -> None:
        """Know that something may have been committed that is not here: who listens looks into the store."""
        for ear in self.ears():
            ear.stop()
