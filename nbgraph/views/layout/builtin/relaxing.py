"""A last pass over the places across: what stands straight moves together to where its arcs are shortest.

Owns that pass and the least distances within a row. Nothing changes its order, and nothing that is straight bends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from nbgraph.views.layout.builtin.parts import Hop, Level

GAP, PASSING_GAP = 28.0, 14.0
"""Room between two items, and beside an arc that passes."""
_ROUNDS = 6
_STILL = 0.05


def apart(level: Level, item: int, other: int) -> float:
    """Return the least distance between the axes of two neighbours in a row, ``item`` being the left one."""
    passing = item >= level.real or other >= level.real
    return level.items[item].right + level.items[other].left + (PASSING_GAP if passing else GAP)


def relaxed(level: Level, axes: Sequence[float]) -> list[float]:
    """Return the axes with every straight group moved as far as it has room and its arcs get shorter."""
    x = list(axes)
    near = _near(level)
    for turn in range(_ROUNDS):
        groups = list(_groups(level, x))
        moved = [_move(level, group, x, near) for group in (groups if turn % 2 else reversed(groups))]
        if not any(moved):
            break
    return x


def _near(level: Level) -> list[list[tuple[int, float, int]]]:
    """Return for every item the others at its hops, how far aside they should stand, and how much that is worth."""
    near: list[list[tuple[int, float, int]]] = [[] for _ in level.items]
    for hops in level.hops:
        for hop in hops:
            worth = _worth(level, hop)
            near[hop.upper].append((hop.lower, hop.lower_at - hop.upper_at, worth))
            near[hop.lower].append((hop.upper, hop.upper_at - hop.lower_at, worth))
    return near


def _worth(level: Level, hop: Hop) -> int:
    return (2 if hop.firm else 1) * (2 if hop.upper >= level.real or hop.lower >= level.real else 1)


def _groups(level: Level, x: Sequence[float]) -> Iterator[list[int]]:
    """Yield the items that hang together by straight hops."""
    straight: dict[int, list[int]] = {}
    for hops in level.hops:
        for hop in hops:
            if abs(x[hop.upper] + hop.upper_at - x[hop.lower] - hop.lower_at) < _STILL:
                straight.setdefault(hop.upper, []).append(hop.lower)
                straight.setdefault(hop.lower, []).append(hop.upper)
    seen: set[int] = set()
    for row in level.rows:
        for item in row:
            if item not in seen:
                seen.add(item)
                group = [item]
                for one in group:
                    for other in straight.get(one, ()):
                        if other not in seen:
                            seen.add(other)
                            group.append(other)
                yield group


def _move(level: Level, group: Sequence[int], x: list[float], near: Sequence[Sequence[tuple[int, float, int]]]) -> bool:
    inside = set(group)
    wanted = sorted((x[o] + aside - x[i], worth) for i in group for o, aside, worth in near[i] if o not in inside)
    if not wanted:
        return False
    low, high = _middle(wanted)
    shift = low if low > 0 else min(high, 0.0)
    if abs(shift) < _STILL:
        return False
    shift = _limited(level, inside, x, shift)
    for item in group:
        x[item] += shift
    return abs(shift) >= _STILL


def _middle(wanted: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Return the first and the last place at which half of the worth is on either side."""
    whole, seen = sum(worth for _, worth in wanted), 0
    for place, (shift, worth) in enumerate(wanted):
        seen += worth
        if 2 * seen == whole:
            return shift, wanted[place + 1][0]
        if 2 * seen > whole:
            return shift, shift
    return wanted[-1][0], wanted[-1][0]


def _limited(level: Level, inside: set[int], x: Sequence[float], shift: float) -> float:
    """Return as much of a shift as leaves all distances kept."""
    for row in level.rows:
        for item, other in pairwise(row):
            if shift > 0 and item in inside and other not in inside:
                shift = max(0.0, min(shift, x[other] - x[item] - apart(level, item, other)))
            if shift < 0 and other in inside and item not in inside:
                shift = min(0.0, max(shift, x[item] + apart(level, item, other) - x[other]))
    return shift
