"""In which order two runs' tasks are looked at: parents before children, and no matter who finished first.

Owns that order. Pure; works on two sides' rows.
"""

from __future__ import annotations

from json import loads

from nbgraph.analysis.sides import Side


def tasks_of(left: Side, right: Side) -> list[str]:
    """Return every task of either side once, parents before children.

    The left ones in canonical order, those only on the right after the last of their parents, and last what
    failed without having a step on any side.
    """
    places = {task: (place, 0, 0) for place, task in enumerate(canonical(left))}
    for turn, task in enumerate(canonical(right)):
        if task not in places:
            behind = max((places[parent][0] for parent, _ in right.parents[task] if parent in places), default=-1)
            places[task] = (behind, 1, turn)
    ordered = sorted(places, key=places.__getitem__)
    return [*ordered, *dict.fromkeys(task for task in (*left.failures, *right.failures) if task not in places)]


def canonical(side: Side) -> list[str]:
    """Return one side's tasks in the order that it was given, else in that of a walk along its ways."""
    if side.order is not None and side.rows.keys() <= side.order.keys():
        return sorted(side.rows, key=side.order.__getitem__)
    return _walk(side)


def _walk(side: Side) -> list[str]:
    """Return the tasks depth first along the ways taken, each behind all its parents.

    Commit order would be timing: of two branches, the one that ends first.
    """
    children, waiting = _children(side)
    stack = [task for task in side.rows if not waiting[task]][::-1]
    found: dict[str, None] = {}
    while stack:
        task = stack.pop()
        found[task] = None
        ready = []
        for child in children.get(task, ()):
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
        stack += reversed(ready)
    return list(found | dict.fromkeys(side.rows))  # all of them, also where rows do not hang together


def _children(side: Side) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Return task -> its children in the order of the ways, and task -> number of its arrivals."""
    ways: dict[str, list[tuple[str, str]]] = {}
    waiting = {}
    for task, parents in side.parents.items():
        waiting[task] = len(parents)
        for parent, way in parents:
            ways.setdefault(parent, []).append((way, task))
    return {task: _sorted(side, task, found) for task, found in ways.items()}, waiting


def _sorted(side: Side, task: str, ways: list[tuple[str, str]]) -> list[str]:
    if len(ways) > 1:
        places = {way[0]: place for place, way in enumerate(loads(side.rows[task].arrivals or "[]"))}
        ways.sort(key=lambda way: places.get(way[0], -1))
    return [child for _, child in ways]
