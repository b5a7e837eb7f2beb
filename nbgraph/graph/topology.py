"""Who reaches whom: pure functions over "name -> names it leads to".

Owns the walks. Knows nothing of what nodes or edges are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Successors = Mapping[str, Sequence[str]]


def reach(successors: Successors, start: str) -> frozenset[str]:
    """Return the nodes reached from ``start`` in one or more hops.

    >>> sorted(reach({"a": ["b"], "b": ["b", "c"], "c": []}, "a"))
    ['b', 'c']
    """
    found: set[str] = set()
    waiting = list(successors.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += successors.get(name, ())
    return frozenset(found)


def reached_by(successors: Successors) -> dict[str, frozenset[str]]:
    """Return, for every node, those from which it can be reached in one or more hops."""
    predecessors: dict[str, list[str]] = {name: [] for name in successors}
    for name, targets in successors.items():
        for target in targets:
            predecessors[target].append(name)
    return {name: reach(predecessors, name) for name in successors}


def places(successors: Successors, start: str) -> dict[str, int]:
    """Return each node's place in a depth-first walk in the order of the ways out; what it misses follows by name."""
    order: dict[str, int] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in order:
            order[name] = len(order)
            waiting += reversed(successors.get(name, ()))
    for name in sorted(successors):
        order.setdefault(name, len(order))
    return order


def cycles(successors: Successors) -> list[list[str]]:
    """Return the groups of two or more nodes that all reach each other, each in the order of ``successors``."""
    ahead = {name: reach(successors, name) for name in successors}
    groups: list[list[str]] = []
    seen: set[str] = set()
    for name in successors:
        group = [other for other in successors if other in ahead[name] and name in ahead[other]]
        if name not in seen and len(group) > 1:
            groups.append(group)
        seen.update(group)
    return groups


def without_loops(successors: Successors, roots: Iterable[str]) -> tuple[dict[str, list[str]], set[tuple[str, str]]]:
    """Return the graph without the hops that lead back on a depth-first walk, and those hops."""
    forward: dict[str, list[str]] = {name: [] for name in successors}
    back: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in [*roots, *successors]:
        open_nodes: dict[str, int] = {} if root in done else {root: 0}
        while open_nodes:
            name = next(reversed(open_nodes))
            place = open_nodes[name]
            if place == len(successors[name]):
                del open_nodes[name]
                done.add(name)
                continue
            open_nodes[name] += 1
            target = successors[name][place]
            if target in open_nodes:
                back.add((name, target))
                continue
            if target not in forward[name]:
                forward[name].append(target)
            if target not in done:
                open_nodes[target] = 0
    return forward, back
