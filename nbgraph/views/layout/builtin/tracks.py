"""The course of every arc through a level whose items stand: points from the upper border down to the lower one.

Owns heights of rows, where arcs touch borders, and the points in between. Points of one arc never go up, and
inside a row an arc only passes where its stand-in has room: no line cuts a box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nbgraph.views.layout.builtin.parts import Arc, Level
from nbgraph.views.layout.shapes import Point

_LEAST, _MOST = 34.0, 76.0
"""Room between two rows of items; wide arcs need more, or they would be flat."""
_SPREAD, _EDGE, _EDGE_SHORT = 13.0, 14.0, 9.0
"""Distance of arcs along a border, from its corners, and from those of a short border."""


def heights(
    level: Level, axes: Sequence[float], *, top: float, bottom: float
) -> tuple[list[float], list[float], float]:
    """Return top and height of every row, and where the level ends. ``top``/``bottom``: room of a row of ports."""
    tall = [max((level.items[item].height for item in row), default=0.0) for row in level.rows]
    tops, y = [], 0.0
    for row, height in enumerate(tall):
        tops.append(y)
        y += height
        if row + 1 < len(tall):
            y += _gap(level, axes, row, top=top, bottom=bottom)
    return tops, tall, y


def _gap(level: Level, axes: Sequence[float], row: int, *, top: float, bottom: float) -> float:
    wide = max((abs(axes[h.upper] + h.upper_at - axes[h.lower] - h.lower_at) for h in level.hops[row]), default=0.0)
    upper_full, lower_full = _full(level, row), _full(level, row + 1)
    base = _LEAST + 8 if upper_full and lower_full else _LEAST / 2 + 3
    if row == 0 and top:
        base = max(base, top)
    if row + 2 == len(level.rows) and bottom:
        base = max(base, bottom)
    return max(base, min(_MOST, base + 0.06 * wide))


def _full(level: Level, row: int) -> bool:
    return any(item < level.real and level.items[item].height for item in level.rows[row])


class Touch(NamedTuple):
    """Where an arc touches an item: across, and down from its middle where that is at its side."""

    x: float
    y: float = 0.0
    sideways: bool = False


def ends(level: Level, arcs: Sequence[Arc], axes: Sequence[float], row_of: Sequence[int]) -> list[list[Touch]]:
    """Return for every arc where it leaves its upper item and enters its lower one."""
    found = [[Touch(axes[arc.upper] + arc.upper_at), Touch(axes[arc.lower] + arc.lower_at)] for arc in arcs]
    borders: dict[tuple[int, int], list[int]] = {}
    for place, arc in enumerate(arcs):
        for end, item in enumerate((arc.upper, arc.lower)):
            if not arc.fixed[end]:
                borders.setdefault((item, end), []).append(place)
    sides = _Sides(level, arcs, axes, row_of)
    for (item, end), places in borders.items():
        wanted = sorted((sides.lane(place, end), place) for place in places)
        kept = sides.peeled(item, end, wanted)
        for place, x in _spread(level, axes, item, kept):
            found[place][end] = Touch(x)
    for place, end, touch in sides.touches():
        found[place][end] = touch
    return found


def _spread(
    level: Level, axes: Sequence[float], item: int, wanted: Sequence[tuple[float, int]]
) -> Iterator[tuple[int, float]]:
    """Yield the arcs at one border, spread in the order in which they come; a single straight one is in the middle."""
    axis, one = axes[item], level.items[item]
    half = min(one.left, one.right)
    reach = max(0.0, half - (_EDGE if half > 3 * _EDGE else _EDGE_SHORT))
    step = min(_SPREAD, 2 * reach / max(1, len(wanted) - 1))
    straight = [number for number, (other, _) in enumerate(wanted) if abs(other - axis) < 1]
    middle = straight[0] if len(straight) == 1 else (len(wanted) - 1) / 2
    for number, (_, place) in enumerate(wanted):
        yield place, axis + max(-reach, min(reach, (number - middle) * step))


class _Sides:
    """Arcs that leave a node at its side, because their lane is beyond it and nothing stands between."""

    def __init__(self, level: Level, arcs: Sequence[Arc], axes: Sequence[float], row_of: Sequence[int]) -> None:
        self.level, self.arcs, self.axes, self.row_of = level, arcs, axes, row_of
        self.beside = {item: (row, place) for row in level.rows for place, item in enumerate(row)}
        self.found: dict[tuple[int, int], list[tuple[int, int]]] = {}
        """(item, -1 left or 1 right) -> (arc, end), the outermost first."""

    def lane(self, place: int, end: int) -> float:
        """Return where an arc runs next to its end, across."""
        chain = self.level.chains[place]
        return self.axes[chain[1] if end == 0 else chain[-2]]

    def peeled(self, item: int, end: int, wanted: list[tuple[float, int]]) -> list[tuple[float, int]]:
        """Take the outermost arcs that may go to a side; return the others."""
        for side in (-1, 1):
            taken = self.found.setdefault((item, side), [])
            while wanted and len(taken) < 3 and self._may(item, end, side, wanted[0 if side < 0 else -1], len(wanted)):
                taken.append((wanted.pop(0 if side < 0 else -1)[1], end))
        return wanted

    def _may(self, item: int, end: int, side: int, outer: tuple[float, int], count: int) -> bool:
        lane, place = outer
        arc, one = self.arcs[place], self.level.items[item]
        beyond = (lane - self.axes[item]) * side - one.left  # a node's own right border is as far as its left one
        near = 12.0 if arc.back else 46.0
        if (not arc.back and (end == 1 or count < 2)) or beyond < near or len(self.level.chains[place]) < 3:
            return False
        return (side < 0 or one.right - one.left < 1) and self._free(item, side, lane)

    def _free(self, item: int, side: int, lane: float) -> bool:
        row, place = self.beside[item]
        if not 0 <= place + side < len(row):
            return True
        other = row[place + side]
        border = self.level.items[other].right if side < 0 else self.level.items[other].left
        return (self.axes[other] - lane) * side - border > 6

    def touches(self) -> Iterator[tuple[int, int, Touch]]:
        """Yield (arc, end, where): those that go up above those that go down, so that none cross."""
        for (item, side), taken in self.found.items():
            upwards = [one for one in reversed(taken) if one[1] == 1]
            downwards = [one for one in taken if one[1] == 0]
            ordered = [*upwards, *downwards]
            x = self.axes[item] + side * self.level.items[item].left
            for number, (place, end) in enumerate(ordered):
                yield place, end, Touch(x, (number - (len(ordered) - 1) / 2) * 9.0, sideways=True)


def track(
    level: Level, place: int, touching: Sequence[Touch], axes: Sequence[float], tops: Sequence[float],
    tall: Sequence[float], row_of: Sequence[int],
) -> list[Point]:  # fmt: skip
    """Return the points of one arc, from border to border."""
    chain, (begin, end) = level.chains[place], touching
    points = _beginning(level, chain, begin, axes, tops, tall, row_of[chain[0]])
    for item in chain[1:-1]:
        row = row_of[item]
        points.append((axes[item], tops[row]))
        if tall[row] > 2:
            points.append((axes[item], tops[row] + tall[row]))
    return points + _ending(level, chain, end, axes, tops, tall, row_of[chain[-1]])


def _beginning(
    level: Level, chain: Sequence[int], touch: Touch, axes: Sequence[float], tops: Sequence[float],
    tall: Sequence[float], row: int,
) -> list[Point]:  # fmt: skip
    """Return the points down to where the row ends: beside taller items a line must not bend yet."""
    height = level.items[chain[0]].height
    middle, bottom = tops[row] + tall[row] / 2, tops[row] + tall[row]
    if touch.sideways:
        return [(touch.x, middle + touch.y), (axes[chain[1]], bottom + 4)]
    border = (touch.x, middle + height / 2)
    return [border, (touch.x, bottom)] if bottom - border[1] > 2 else [border]


def _ending(
    level: Level, chain: Sequence[int], touch: Touch, axes: Sequence[float], tops: Sequence[float],
    tall: Sequence[float], row: int,
) -> list[Point]:  # fmt: skip
    """Return the points from where the last row begins."""
    height = level.items[chain[-1]].height
    middle, top = tops[row] + tall[row] / 2, tops[row]
    if touch.sideways:
        return [(axes[chain[-2]], top - 4), (touch.x, middle + touch.y)]
    border = (touch.x, middle - height / 2)
    return [(touch.x, top), border] if border[1] - top > 2 else [border]
