"""The other axis: what follows from what, instead of when. The same run has the same picture, however the timing falls.

Owns places on that axis: a task's column is the longest way from the root to it; tasks of one lane and column stand
below each other in canonical order, and in a further column where they are many. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import NamedTuple

from nbgraph.views.timeline.columns import Span
from nbgraph.views.timeline.spans import Place, Spans

STACK = 6
"""Tasks of one lane and column that stand below each other at most."""
_MARGIN = 0.08


class Cell(NamedTuple):
    """Where a task is: its column and its row."""

    column: int
    row: int


def ordered(spans: Spans) -> list[Span]:
    """Return the spans on the causal axis, from the root on, a task one unit wide. Waits and pauses are timing: left out."""
    tasks = _tasks(spans)
    cells = _cells([task[0].lane for task in tasks], [_depth(spans, task) for task in tasks])
    return [span for task, cell in zip(tasks, cells, strict=True) for span in _inside(task, cell)]


def _tasks(spans: Spans) -> list[list[Span]]:
    """Return the spans of each task, by depth and then in canonical order."""
    everything = zip(spans.owners, spans.columns, strict=True)
    finished = groupby(everything, key=lambda pair: (pair[0], pair[1].step))
    groups = [*([span for _, span in found] for _, found in finished), *spans.unfinished()]
    tasks = [[span for span in found if span.kind not in ("wait", "pause")] for found in groups]
    ranks = ranked(spans.places)
    return sorted(tasks, key=lambda task: (_depth(spans, task), ranks.get(task[-1].step, len(ranks))))


def _cells(lanes: list[int], depths: list[int]) -> list[Cell]:
    cells: list[Cell] = []
    column = 0
    for _, level in groupby(range(len(lanes)), key=depths.__getitem__):
        used: dict[int, int] = {}
        for turn in level:
            place = used[lanes[turn]] = used.get(lanes[turn], -1) + 1
            cells.append(Cell(column + place // STACK, place % STACK))
        column += max(used.values()) // STACK + 1
    return cells


def _depth(spans: Spans, task: list[Span]) -> int:
    step = task[-1].step
    if step in spans.places:
        return spans.places[step].depth
    node = next((spans.names[span.name] for span in task if span.kind == "attempt"), spans.lanes.labels[task[0].lane])
    known = [spans.places[due].depth for due, _ in spans.due(node) if due in spans.places]
    return 1 + max(known or (place.depth for place in spans.places.values()), default=-1)


def ranked(places: Mapping[int, Place]) -> dict[int, int]:
    """Return step -> its rank among all: by depth, then by the first parent's rank and the way taken from it."""
    ranks: dict[int, int] = {0: -1}
    by_depth = sorted(places, key=lambda step: places[step].depth)
    for _, level in groupby(by_depth, key=lambda step: places[step].depth):
        for step in sorted(level, key=lambda step: (_key(places, ranks, step), step)):
            ranks[step] = len(ranks)
    return ranks


def _key(places: Mapping[int, Place], ranks: Mapping[int, int], step: int) -> tuple[int, int]:
    parent, way = places[step].first
    known = places.get(parent)
    return ranks.get(parent, -1), -1 if known is None else known.ways.get(way, -1)


def _inside(task: list[Span], cell: Cell) -> Iterator[Span]:
    """Yield a task's spans inside its cell: what it did shares its width, and so do its calls."""
    tries = [span for span in task if span.kind != "call"]
    others = [span for span in task if span.kind == "call"]
    for row in (tries, others):
        width = (1 - 2 * _MARGIN) / max(1, len(row))
        for place, span in enumerate(row):
            start = cell.column + _MARGIN + place * width
            yield span._replace(start=start, end=start + width, row=cell.row)
