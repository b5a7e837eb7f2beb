"""Where items stand across: long arcs straight, nodes in the middle of their neighbours.

Owns the method of Brandes and Köpf ("Fast and simple horizontal coordinate assignment", 2001): four extreme
placements, each made of straight blocks pushed together, and their middle. Blocks are moved together as in a
graph of what stands beside what. Items have widths, and arcs may touch them off their axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from nbgraph.views.layout.builtin.parts import Level
from nbgraph.views.layout.builtin.relaxing import apart, relaxed

_Pair = tuple[int, int]
_SIDES = ((False, False), (False, True), (True, False), (True, True))
"""From where a level is seen: whether from below, whether from the right."""


def placed(level: Level) -> list[float]:
    """Return the axis of every item, the leftmost border being 0."""
    crossed = _crossed(level)
    sides = (_SIDES[0], _SIDES[3]) if level.huge else _SIDES  # two that are opposite: neither leans to a side
    found = [_settled(_View(level, crossed, upward=upward, mirrored=mirrored)) for upward, mirrored in sides]
    _align(level, found)
    axes = [median(places) for places in zip(*found, strict=True)]
    axes = axes if level.huge else relaxed(level, axes)
    first = min((axis - item.left for axis, item in zip(axes, level.items, strict=True)), default=0.0)
    return [axis - first for axis in axes]


def _align(level: Level, found: list[list[float]]) -> None:
    """Shift the four placements onto the narrowest: those pushed left by their left border, the others by the right."""
    spans = [_span(level, axes) for axes in found]
    low, high = min(spans, key=lambda span: span[1] - span[0])
    for place, (left, right) in enumerate(spans):
        shift = low - left if place % 2 == 0 else high - right
        found[place] = [axis + shift for axis in found[place]]


def _span(level: Level, axes: Sequence[float]) -> tuple[float, float]:
    pairs = list(zip(axes, level.items, strict=True))
    return min((x - item.left for x, item in pairs), default=0.0), max(
        (x + item.right for x, item in pairs), default=0.0
    )


def _crossed(level: Level) -> set[_Pair]:
    """Return the hops that cross a stretch of a long arc: they give way to it."""
    found: set[_Pair] = set()
    for row, hops in enumerate(level.hops):
        upper = {item: place for place, item in enumerate(level.rows[row])}
        lower = {item: place for place, item in enumerate(level.rows[row + 1])}
        inner = [(upper[h.upper], lower[h.lower]) for h in hops if h.upper >= level.real and h.lower >= level.real]
        for hop in hops if inner else ():
            if hop.upper < level.real or hop.lower < level.real:
                high, low = upper[hop.upper], lower[hop.lower]
                if any((high - u) * (low - v) < 0 for u, v in inner):
                    found.add((hop.upper, hop.lower))
    return found


@dataclass(slots=True)
class _Near:
    """A neighbour in the row before: its item, where the arc touches both, whether the hop is firm."""

    item: int
    own_at: float
    other_at: float
    firm: bool


class _View:
    """A level seen from one of its four sides: rows in the order of walking, neighbours in the row before."""

    def __init__(self, level: Level, crossed: set[_Pair], *, upward: bool, mirrored: bool) -> None:
        self.level, self.sign = level, -1.0 if mirrored else 1.0
        rows = level.rows[::-1] if upward else level.rows
        self.rows = [row[::-1] for row in rows] if mirrored else rows
        self.place = {item: place for row in self.rows for place, item in enumerate(row)}
        self.near: list[list[_Near]] = [[] for _ in level.items]
        for hops in level.hops:
            for hop in hops:
                if (hop.upper, hop.lower) in crossed:
                    continue
                high, low = hop.upper_at * self.sign, hop.lower_at * self.sign
                if upward:
                    self.near[hop.upper].append(_Near(hop.lower, high, low, hop.firm))
                else:
                    self.near[hop.lower].append(_Near(hop.upper, low, high, hop.firm))

    def apart(self, item: int, other: int) -> float:
        """Return the least distance between the axes of neighbours in a row."""
        return apart(self.level, item, other) if self.sign > 0 else apart(self.level, other, item)


def _settled(view: _View) -> list[float]:
    """Return one of the four placements."""
    root, shift = _blocks(view)
    beside = _beside(view, root, shift)
    x = _pushed(beside, root)
    return [view.sign * (x[root[item]] + shift[item]) for item in range(len(root))]


def _blocks(view: _View) -> tuple[list[int], list[float]]:
    """Return for every item the head of its straight block, and how far its axis stands from the head's."""
    count = len(view.level.items)
    root, shift = list(range(count)), [0.0] * count
    for row in view.rows:
        taken = -1
        for item in row:
            for near in _middles(view, item):
                place = view.place[near.item]
                if place > taken:
                    root[item] = root[near.item]
                    shift[item] = shift[near.item] + near.other_at - near.own_at
                    taken = place
                    break
    return root, shift


def _middles(view: _View, item: int) -> list[_Near]:
    """Return the one or two neighbours in the middle, the left one first, of those by firm hops."""
    near = sorted((one for one in view.near[item] if one.firm), key=lambda one: (view.place[one.item], one.other_at))
    if not near:
        return []
    low, high = (len(near) - 1) // 2, len(near) // 2
    return near[low : high + 1]


def _beside(view: _View, root: Sequence[int], shift: Sequence[float]) -> dict[int, dict[int, float]]:
    """Return for every block those right of it, with the least distance between their heads."""
    found: dict[int, dict[int, float]] = {item: {} for item in root}
    for row in view.rows:
        for item, other in pairwise(row):
            least = view.apart(item, other) + shift[item] - shift[other]
            behind = found[root[item]]
            behind[root[other]] = max(least, behind.get(root[other], least))
    return found


def _pushed(beside: dict[int, dict[int, float]], root: Iterable[int]) -> dict[int, float]:
    """Return the blocks' places: as far left as may be, then each as near to what is right of it as it can."""
    order = _in_order(beside)
    x = dict.fromkeys(root, 0.0)
    for block in order:
        for other, least in beside[block].items():
            x[other] = max(x[other], x[block] + least)
    for block in reversed(order):
        room = min((x[other] - least for other, least in beside[block].items()), default=x[block])
        x[block] = max(x[block], room)
    return x


def _in_order(beside: dict[int, dict[int, float]]) -> list[int]:
    waiting = dict.fromkeys(beside, 0)
    for others in beside.values():
        for other in others:
            waiting[other] += 1
    order = [block for block, count in waiting.items() if not count]
    for block in order:
        for other in beside[block]:
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    return order
