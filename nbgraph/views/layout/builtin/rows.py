"""Items and arcs of one level into rows: ranks, stand-ins where arcs pass, and places down the page.

Owns the making of a ``Level``. Each arc is drawn downwards here; which of them lead back was decided before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from nbgraph.views.layout.builtin.parts import Arc, Hop, Item, Level
from nbgraph.views.layout.builtin.ranks import Step, ranked

_MOST_DOUBLED = 90
"""Items up to which every arc takes two rows where one needs two: for its label, or beside another between the same two."""
_PASSING, _RETURNING = Item(1.0, 1.0, 0.0), Item(10.0, 10.0, 0.0)
"""Room of an arc on its way; one that leads back may enter its node at the side, where its head needs some."""


def level_of(items: Sequence[Item], arcs: Sequence[Arc], first: Sequence[int], last: Sequence[int]) -> Level:
    """Return the level; the items ``first`` stand in the first row, ``last`` in the last."""
    rank = _ranks(items, arcs, set(first), set(last))
    rows: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for item, row in enumerate(rank):
        rows[row].append(item)
    level = Level(list(items), len(items), rows, [[] for _ in rows[1:]])
    for place, arc in enumerate(arcs):
        level.chains.append(_chain(level, place, arc, rank))
    return level


def _ranks(items: Sequence[Item], arcs: Sequence[Arc], first: set[int], last: set[int]) -> list[int]:
    several = Counter((arc.upper, arc.lower) for arc in arcs)
    doubled = any(arc.label[2] for arc in arcs) or max(several.values(), default=1) > 1
    unit = 2 if doubled and len(items) <= _MOST_DOUBLED else 1
    ports = first | last
    steps = [
        Step(arc.upper, arc.lower, _least(arc, unit, several[arc.upper, arc.lower]), 1 if arc.back else 2)
        for arc in arcs
        if arc.upper not in ports and arc.lower not in ports
    ]
    inner = [item for item in range(len(items)) if item not in ports]
    number = {item: place for place, item in enumerate(inner)}
    found = ranked(len(inner), [Step(number[s.upper], number[s.lower], s.least, s.weight) for s in steps])
    shift = 1 if first else 0
    deepest = max(found, default=0) + shift
    rank = [0] * len(items)
    for item, row in zip(inner, found, strict=True):
        rank[item] = row + shift
    for item in last:
        rank[item] = deepest + 1
    return rank


def _least(arc: Arc, unit: int, several: int) -> int:
    if unit == 1 and (arc.label[2] or several > 1):
        return 2
    return unit


def turn_labels(level: Level, arcs: Sequence[Arc]) -> None:
    """Put the label of the leftmost of several arcs at one upper end to the left: between them it would need more room."""
    pos = {item: place for row in level.rows for place, item in enumerate(row)}
    lanes: dict[int, list[int]] = {}
    for place, arc in enumerate(arcs):
        lanes.setdefault(arc.upper, []).append(place)
    for places in lanes.values():
        outer = min(places, key=lambda place: pos[level.chains[place][1]])
        if len(places) > 1 and outer in level.labels:
            line = level.items[level.labels[outer]]
            level.items[level.labels[outer]] = Item(line.right, line.left, line.height)


def _chain(level: Level, place: int, arc: Arc, rank: Sequence[int]) -> list[int]:
    """Lay an arc through the rows between its ends; return the items that it runs through."""
    between = list(range(rank[arc.upper] + 1, rank[arc.lower]))
    chain = [arc.upper]
    for row in between:
        chain.append(len(level.items))
        level.rows[row].append(len(level.items))
        level.items.append(_RETURNING if arc.back else _PASSING)
    chain.append(arc.lower)
    if arc.label[2] and between:
        middle = chain[(len(chain) - 1) // 2] if len(chain) > 3 else chain[1]
        before, behind, along = arc.label
        line = level.items[middle]
        level.items[middle] = Item(max(before, line.left), max(behind, line.right), along)
        level.labels[place] = middle
    for row, (upper, lower) in enumerate(pairwise(chain), rank[arc.upper]):
        at = arc.upper_at if upper == arc.upper else 0.0, arc.lower_at if lower == arc.lower else 0.0
        ends = upper < level.real or lower < level.real
        level.hops[row].append(Hop(upper, lower, *at, firm=not (arc.back and ends)))
    return chain
