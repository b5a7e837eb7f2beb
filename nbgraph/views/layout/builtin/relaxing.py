"""A last pass over the places across: what stands straight moves together to where its arcs are shortest.

Owns that pass and the least distances within a row. Nothing changes its order, and nothing that is straight bends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nbgraph.views.layout.builtin.parts import Hop, Level

GAP, PASSING_GAP = 28.0, 14.0
"""Room between two items, and beside an arc that passes."""
_ROUNDS = 6
_STILL = 0.05
Beside = Mapping[int, tuple[int | None, int | None]]


def apart(level: Level, item: int, other: int) -> float:
    """Return the least distance between the axes of two neighbours in a row, ``item`` being the left one."""
    passing = item >= level.real or other >= level.real
    return level.items[item].right + level.items[other].left + (PASSING_GAP if passing else GAP)


def relaxed(level: Level, axes: Sequence[float]) -> list[float]:
    """Return the axes with every straight group moved as far as it has room and its arcs get shorter."""
    x = list(axes)
    near, beside = _near(level), _beside(level)
    for turn in range(_ROUNDS):
        groups = list(_groups(level, x))
        moved = [_move(level, group, x, near, beside) for group in (groups if turn % 2 else reversed(groups))]
        if not any(moved):
            break
    return x


def _beside(level: Level) -> Beside:
    """Return for every item what stands left and right of it in its row."""
    found: dict[int, tuple[int | None, int | None]] = {}
    for row in level.rows:
        found |= zip(row, zip([None, *row[:-1]], [*row[1:], None], strict=True), strict=True)
    return found


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


def _move(
    level: Level, group: Sequence[int], x: list[float], near: Sequence[Sequence[tuple[int, float, int]]], beside: Beside
) -> bool:
    inside = set(group)
    wanted = sorted((x[o] + aside - x[i], worth) for i in group for o, aside, worth in near[i] if o not in inside)
    if not wanted:
        return False
    low, high = _middle(wanted)
    shift = low if low > 0 else min(high, 0.0)
    if abs(shift) < _STILL:
        return False
    shift = _limited(level, group, beside, x, shift)
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


def _limited(level: Level, group: Sequence[int], beside: Beside, x: Sequence[float], shift: float) -> float:
    """Return as much of a shift as leaves all distances kept."""
    inside = set(group)
    for item in group:
        left, right = beside[item]
        if shift > 0 and right is not None and right not in inside:
            shift = max(0.0, min(shift, x[right] - x[item] - apart(level, item, right)))
        if shift < 0 and left is not None and left not in inside:
            shift = min(0.0, max(shift, x[left] + apart(level, left, item) - x[item]))
    return shift
