"""How busy each lane was, where there are too many spans to draw each: columns in place of bars.

Owns the counting: a column is as high as tasks ran side by side on average, and shows the share of each status. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import NamedTuple

from nbgraph.views.timeline.bars import MOST_LANES, Bar, Frame, looks
from nbgraph.views.timeline.chart import Chart
from nbgraph.views.timeline.columns import Span

_LEAST = 2.5
"""Pixels of a share that tells of something out of the ordinary."""
MOST_COLUMNS = 2400
_KINDS = ("attempt", "ask")


class Slot(NamedTuple):
    """A lane and a stretch of the axis."""

    lane: int
    bin: int


def flattened(chart: Chart) -> Chart:
    """Return the chart with lanes of one height."""
    return chart._replace(heights=(2,) * len(chart.heights))


def columns(chart: Chart, place: Frame, most: int = MOST_COLUMNS) -> list[Bar]:
    """Return the columns of a flattened chart, about ``most`` at most; those of a lane and status make one shape."""
    spans = [span for span in chart.spans if span.kind in _KINDS]
    statuses = looks(span.status for span in spans)
    bins = max(8, min(int(place.width / 12), most // (len(place.tops) * max(1, len(statuses)))))
    busy = _busy(spans, chart.end, bins)
    peaks: dict[int, float] = {}
    for slot, shares in busy.items():
        peaks[slot.lane] = max(peaks.get(slot.lane, 0.0), sum(shares.values()))
    wide = place.width / bins
    return [
        bar
        for slot, shares in sorted(busy.items())
        for bar in _column(slot, shares, peaks[slot.lane], place, wide, statuses)
    ]


def _busy(spans: list[Span], end: float, bins: int) -> Mapping[Slot, dict[str, float]]:
    """Return for each slot status -> time, in bins, that tasks took there."""
    found: dict[Slot, dict[str, float]] = {}
    scale = bins / end if end > 0 else 0.0
    for span in spans:
        first = span.start * scale
        last = max(first + 1e-6, (end if isnan(span.end) else span.end) * scale)
        for number in range(max(0, int(first)), min(bins, int(last) + 1)):
            shares = found.setdefault(Slot(min(span.lane, MOST_LANES), number), {})
            share = min(last, number + 1) - max(first, number)
            shares[span.status] = shares.get(span.status, 0.0) + share
    return found


def _column(
    slot: Slot, shares: Mapping[str, float], peak: float, place: Frame, wide: float, statuses: list[str]
) -> list[Bar]:
    top, room = place.tops[slot.lane], place.rows[slot.lane] * 2 - 2
    bars, bottom = [], top + room
    for status in statuses:
        share = shares.get(status, 0.0)
        tall = min(bottom - top, max(_LEAST if status not in ("done", "reused") else 0.6, share / peak * room))
        if share > 0 and tall > 0:
            bottom -= tall
            bars.append(Bar(place.left + slot.bin * wide, bottom, wide - 1, tall, "column", status, 0, 1))
    return bars
