"""Which row an item stands in: below all that lead to it, and as near to them as may be.

Owns the rows. Pure; works on numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """``lower`` stands at least ``least`` rows below ``upper``; ``weight`` says how much nearness is worth."""

    upper: int
    lower: int
    least: int = 1
    weight: int = 1


def ranked(count: int, steps: Sequence[Step]) -> list[int]:
    """Return the row of each of ``count`` items, the first row being 0; ``steps`` must have no loop.

    >>> ranked(4, [Step(0, 1), Step(1, 2), Step(0, 3), Step(3, 2)])
    [0, 1, 2, 1]
    """
    above: list[list[Step]] = [[] for _ in range(count)]
    below: list[list[Step]] = [[] for _ in range(count)]
    for step in steps:
        above[step.lower].append(step)
        below[step.upper].append(step)
    order = _sorted(count, above, below)
    rank = [0] * count
    for item in order:
        rank[item] = max((rank[step.upper] + step.least for step in above[item]), default=0)
    _pull(rank, order, above, below)
    lowest = min(rank, default=0)
    return [row - lowest for row in rank]


def _sorted(count: int, above: Sequence[Sequence[Step]], below: Sequence[Sequence[Step]]) -> list[int]:
    waiting = [len(steps) for steps in above]
    order = [item for item in range(count) if not waiting[item]]
    for item in order:
        for step in below[item]:
            waiting[step.lower] -= 1
            if not waiting[step.lower]:
                order.append(step.lower)
    return order


def _pull(
    rank: list[int], order: Sequence[int], above: Sequence[Sequence[Step]], below: Sequence[Sequence[Step]]
) -> None:
    """Move items within the room that they have, until no arc gets shorter; also groups that hang together tightly."""
    for _ in range(12):
        moved = False
        for item in reversed(order):
            group = _tight(item, rank, below)
            moved = _lower(group, rank, above, below) or moved
        if not moved:
            return


def _tight(item: int, rank: Sequence[int], below: Sequence[Sequence[Step]]) -> set[int]:
    """Return the item and what would be pushed down with it."""
    group, waiting = {item}, [item]
    while waiting:
        one = waiting.pop()
        for step in below[one]:
            if step.lower not in group and rank[step.lower] - rank[one] == step.least:
                group.add(step.lower)
                waiting.append(step.lower)
    return group


def _lower(group: set[int], rank: list[int], above: Sequence[Sequence[Step]], below: Sequence[Sequence[Step]]) -> bool:
    """Move a group down as far as its slack, if that makes its arcs shorter in sum."""
    gain, slack = 0, 1 << 30
    for one in group:
        gain -= sum(step.weight for step in above[one] if step.upper not in group)
        for step in below[one]:
            if step.lower not in group:
                gain += step.weight
                slack = min(slack, rank[step.lower] - rank[one] - step.least)
    if gain <= 0 or slack >= 1 << 30 or slack <= 0:
        return False
    for one in group:
        rank[one] += slack
    return True
