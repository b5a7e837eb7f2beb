"""Spans as packed columns: what a page is sent, 28 bytes a span.

Owns the format. ``times`` holds start and end of each span (float64, seconds), ``codes`` its lane, row, look and name
(uint16 each), ``steps`` the step that it belongs to (uint32, 0: none). Little-endian, as every page expects.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from nbgraph.views.palette import STATUSES

KINDS = ("attempt", "call", "wait", "pause", "ask", "edit")
"""What a span is: a try of a task, a call inside, waiting to start, the pause before a retry, a question, a change by hand."""
LOOKS = tuple(STATUSES)
_MOST = 0xFFFF
_ATTEMPTS = 511
_KIND_OF = {kind: place << 13 for place, kind in enumerate(KINDS)}
_LOOK_OF = {look: place << 9 for place, look in enumerate(LOOKS)}


class Span(NamedTuple):
    """A stretch of a lane. Times are seconds on the run's axis, ``end`` NaN while it goes on; ``name`` is a number in ``Spans.names``."""

    start: float
    end: float
    lane: int
    row: int
    kind: str
    status: str
    attempt: int
    name: int
    step: int = 0


class Columns:
    """Spans in the order in which they were added; only ever appended to."""

    def __init__(self) -> None:
        self.times, self.codes, self.steps = array("d"), array("H"), array("I")

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Span]:
        return map(self.__getitem__, range(len(self.steps)))

    def add(self, span: Span) -> None:
        """Append a span. Numbers that do not fit stand as the largest that does."""
        start, end, lane, row, kind, status, attempt, name, step = span
        look = _KIND_OF[kind] | _LOOK_OF[status] | min(attempt, _ATTEMPTS)
        codes: tuple[int, ...] = (lane, row, look, name)
        if max(codes) > _MOST:
            codes = tuple([min(code, _MOST) for code in codes])
        self.times.extend((start, end))
        self.codes.extend(codes)
        self.steps.append(step)

    def __getitem__(self, place: int) -> Span:
        start, end = self.times[2 * place : 2 * place + 2]
        lane, row, look, name = self.codes[4 * place : 4 * place + 4]
        kind, status = KINDS[look >> 13], LOOKS[look >> 9 & 15]
        return Span(start, end, lane, row, kind, status, look & _ATTEMPTS, name, self.steps[place])

    def since(self, first: int) -> list[bytes]:
        """Return the columns from span ``first`` on: times, codes, steps."""
        return [_little(self.times[2 * first :]), _little(self.codes[4 * first :]), _little(self.steps[first:])]


def packed(spans: list[Span]) -> list[bytes]:
    """Return a few spans as columns."""
    columns = Columns()
    for span in spans:
        columns.add(span)
    return columns.since(0)


def _little(column: array[float] | array[int]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
