"""Which bars a picture of a timeline has: places in pixels, at most a few hundred, however many spans there are.

Owns the geometry of the picture and the thinning: neighbours of one look become one bar; where that is not enough,
``density`` takes over. Pure; knows nothing of markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from typing import NamedTuple

from nbgraph.views.timeline.chart import Chart
from nbgraph.views.timeline.columns import Span

MOST_BARS = 400
MOST_LANES = 40
"""Lanes that are shown by themselves; what is in further ones shares one more."""
LEAST_WIDTH, LEAST_TELLING = 1.5, 7.0
"""Pixels of any bar, and of one that tells of something out of the ordinary."""
_WEIGHT = {"done": 0, "reused": 0, "ready": 0, "running": 1, "retried": 2, "waiting": 3, "failed": 4}


class Frame(NamedTuple):
    """Where things are: the plot's left, top and width, the top of each lane, and the height of a row in it."""

    left: float
    top: float
    width: float
    tops: tuple[float, ...]
    rows: tuple[float, ...]
    most_rows: int
    bottom: float
    scale: float
    """Pixels for a unit of the axis."""


class Bar(NamedTuple):
    """A span as it is drawn, or several: as many as ``spans`` says."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    status: str
    name: int
    attempt: int
    spans: int = 1
    open: bool = False
    """It goes on."""


def frame(chart: Chart, left: float, top: float, width: float) -> Frame:
    """Return the places for a chart of which the plot begins at (left, top)."""
    lanes = min(len(chart.heights), MOST_LANES + 1)
    most_rows = 16 if lanes <= 20 else 8
    tops, rows, y = [], [], top
    for height in chart.heights[:lanes]:
        count = min(height, most_rows)
        row = 16.0 if count <= 6 else 11.0 if count <= 10 else 7.0
        tops.append(y + 4)
        rows.append(row)
        y += count * row + 8
    scale = width / chart.end if chart.end > 0 else 0.0
    return Frame(left, top, width, tuple(tops), tuple(rows), most_rows, y, scale)


def bars(chart: Chart, place: Frame, most: int = MOST_BARS) -> list[Bar] | None:
    """Return the bars of a chart in the order in which they are painted, None where more than ``most`` are needed."""
    found = [_bar(span, chart, place) for span in sorted(chart.spans, key=_depth)]
    if len(found) > most:
        found = [bar for bar in found if bar.kind in ("attempt", "ask", "edit")]
    for near in (0.75, 1.5, 3.0):
        if len(found) > most:
            found = _merged(found, near)
    return found if len(found) <= most else None


def _depth(span: Span) -> int:
    return {"wait": 0, "pause": 0, "ask": 1, "attempt": 2, "edit": 2, "call": 3}[span.kind]


def _bar(span: Span, chart: Chart, place: Frame) -> Bar:
    lane = min(span.lane, MOST_LANES)
    row = 0 if span.lane > MOST_LANES else min(span.row, place.most_rows - 1)
    goes_on = isnan(span.end)
    end = chart.end if goes_on else span.end
    x, height = place.left + span.start * place.scale, place.rows[lane]
    telling = span.kind in ("attempt", "ask") and span.status not in ("done", "reused")
    width = max(LEAST_TELLING if telling else LEAST_WIDTH, (end - span.start) * place.scale)
    x = min(x, place.left + place.width - width)
    y, tall = place.tops[lane] + row * height + 1, height - 2
    if span.kind == "call":
        y, tall = y + tall - 3.5, 2.5
    return Bar(x, y, width, tall, span.kind, span.status, span.name, span.attempt, 1, goes_on)


def _merged(found: Sequence[Bar], near: float) -> list[Bar]:
    """Return the bars with those of a row and a status put together that are less than ``near`` pixels apart."""
    rows: dict[tuple[float, str], list[Bar]] = {}
    for bar in sorted(found, key=lambda bar: bar.x):
        row = rows.setdefault((bar.y, bar.status), [])
        if row and bar.x - (row[-1].x + row[-1].width) < near:
            row[-1] = _both(row[-1], bar)
        else:
            row.append(bar)
    return sorted((bar for row in rows.values() for bar in row), key=lambda bar: _WEIGHT.get(bar.status, 0))


def _both(one: Bar, other: Bar) -> Bar:
    right = max(one.x + one.width, other.x + other.width)
    return one._replace(width=right - one.x, spans=one.spans + other.spans, open=one.open or other.open)


def looks(statuses: Iterable[str]) -> list[str]:
    """Return the looks that occur, each once, the ordinary ones first."""
    return sorted(set(statuses), key=lambda status: (_WEIGHT.get(status, 0), status))
