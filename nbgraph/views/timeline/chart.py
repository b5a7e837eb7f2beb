"""What is drawn of a run's spans on one axis: lanes from top to bottom, spans, gaps; the picture and the page share it.

Owns the order of lanes and their names. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from math import isnan
from typing import NamedTuple

from nbgraph.escape import cut
from nbgraph.views.timeline.columns import Span
from nbgraph.views.timeline.folds import Fold
from nbgraph.views.timeline.order import ordered
from nbgraph.views.timeline.spans import Spans


class Chart(NamedTuple):
    """Spans in lanes on one axis, in seconds ("time") or columns ("order") from 0 to ``end``."""

    axis: str
    labels: tuple[str, ...]
    heights: tuple[int, ...]
    """Rows of each lane, at least 1."""
    spans: Sequence[Span]
    folds: Sequence[Fold]
    end: float
    names: Sequence[str]


def chart(spans: Spans, axis: str) -> Chart:
    """Return what is drawn; lanes by where they begin. On the axis "order" it depends on the run's causes alone."""
    on_time = axis == "time"
    placed = [*spans.columns, *chain.from_iterable(spans.unfinished())] if on_time else ordered(spans)
    lanes = list(dict.fromkeys(span.lane for span in _by_start(placed, on_time=on_time)))
    turns = {lane: turn for turn, lane in enumerate(lanes)}
    end = max((span.end for span in placed if not isnan(span.end)), default=0.0)
    heights = dict.fromkeys(lanes, 1)
    for span in placed:
        heights[span.lane] = max(heights[span.lane], span.row + 1)
    return Chart(
        axis,
        tuple(numbered([spans.lanes.labels[lane] for lane in lanes])),
        tuple(heights[lane] for lane in lanes),
        [span._replace(lane=turns[span.lane]) for span in placed],
        spans.folds.folds if on_time else (),
        _end(spans, placed, end) if on_time else end,
        spans.names,
    )


def _end(spans: Spans, placed: list[Span], end: float) -> float:
    """Return where the axis ends; what goes on is given room to show."""
    last = max(end, spans.end)
    return last * 1.05 + 0.01 if any(isnan(span.end) for span in placed) else last


def _by_start(placed: list[Span], *, on_time: bool) -> list[Span]:
    own = [span for span in placed if span.kind != "wait"]
    return sorted(own, key=lambda span: span.start) if on_time else own


def numbered(labels: Sequence[str]) -> list[str]:
    """Return labels fit to be shown; where several are the same, each with its number.

    >>> numbered(["trunk", "review", "review"])
    ['trunk', 'review 1', 'review 2']
    """
    count, so_far = Counter(labels), Counter[str]()
    shown = []
    for label in labels:
        so_far[label] += 1
        shown.append(cut(f"{label} {so_far[label]}" if count[label] > 1 else label, 200))
    return shown
