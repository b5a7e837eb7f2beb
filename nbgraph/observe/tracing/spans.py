"""What a span is here, before any SDK or file format sees it.

Owns the shape, and the one rule of place: a duration is what the monotonic clock measured, and stays; where a span
lies is what the wall's clock said, a little late, and is moved so that it lies in its parent. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Facts = Mapping[str, Any]
"""Attributes: texts, numbers, truth values, and tuples of texts."""


class Mark(NamedTuple):
    """Something that happened at one moment of a span: nanoseconds since the Unix epoch, name, attributes."""

    time: int
    name: str
    facts: Facts


class Link(NamedTuple):
    """Another span that a span comes from: its trace, its id, and why."""

    trace: int
    span: int
    why: str


class Span(NamedTuple):
    """One stretch of time. ``start`` and ``end`` are nanoseconds since the Unix epoch."""

    kind: str
    """"run", "task", "attempt", "call" or "ask"."""
    id: int
    parent: int
    """The id of the span that it is a part of; 0 for a run."""
    name: str
    start: int
    end: int
    facts: Facts
    error: str = ""
    """What went wrong, in words; "" where nothing did."""
    marks: tuple[Mark, ...] = ()
    links: tuple[Link, ...] = ()
    drive: int = 1
    """Of which drive of the run it is a part."""
    outside: bool = False
    """Whether it went to another service: a client's span."""


class Stretch(NamedTuple):
    """From where to where, in nanoseconds since the Unix epoch."""

    start: int
    end: int

    def within(self, outer: Stretch) -> Stretch:
        """Return this stretch moved into ``outer``, as long as before; as it is where it does not fit in.

        >>> Stretch(5, 9).within(Stretch(6, 20)), Stretch(18, 22).within(Stretch(6, 20))
        (Stretch(start=6, end=10), Stretch(start=16, end=20))
        """
        length = self.end - self.start
        if length > outer.end - outer.start:
            return self
        start = min(max(self.start, outer.start), outer.end - length)
        return Stretch(start, start + length)

    def over(self, *others: Stretch) -> Stretch:
        """Return the stretch that covers this one and the others."""
        return Stretch(min([self.start, *(o.start for o in others)]), max([self.end, *(o.end for o in others)]))


def nanoseconds(seconds: float) -> int:
    """Return seconds as whole nanoseconds."""
    return round(seconds * 1_000_000_000)


def lasting(start: float, seconds: float) -> Stretch:
    """Return the stretch from ``start``, seconds since the Unix epoch, that lasts ``seconds``, to the nanosecond."""
    begin = nanoseconds(start)
    return Stretch(begin, begin + nanoseconds(seconds))
