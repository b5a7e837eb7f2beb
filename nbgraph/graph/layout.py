"""Where nodes stand in a layered drawing: rows from top to bottom, order within a row.

Owns layers, the stand-ins for links that pass a row, and the ordering that keeps crossings few. Pure:
names in, names out; knows nothing of characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from nbgraph.graph.topology import Successors, without_loops


class Layout(NamedTuple):
    """Rows of keys. A key is a name, or a ``Passing`` where a link goes by. ``hops`` join neighbouring rows."""

    rows: list[list[object]]
    hops: list[tuple[object, object]]
    back: set[tuple[str, str]]


class Passing(NamedTuple):
    """A link on its way past a row: all links from one source to one target share their stand-ins."""

    src: str
    dst: str
    row: int


def layered(successors: Successors, roots: Iterable[str]) -> Layout:
    """Return the rows of a graph; every node stands below all that lead to it, but for links that loop back."""
    forward, back = without_loops(successors, roots)
    depth = _depths(forward)
    rows: list[list[object]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in successors:
        rows[depth[name]].append(name)
    hops: list[tuple[object, object]] = []
    for src, targets in forward.items():
        for dst in targets:
            passing = [Passing(src, dst, row) for row in range(depth[src] + 1, depth[dst])]
            for one in passing:
                rows[one.row].append(one)
            path: list[object] = [src, *passing, dst]
            hops += list(pairwise(path))
    return Layout(_untangled(rows, hops), hops, back)


def _depths(forward: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return the length of the longest way to each node."""
    depth = dict.fromkeys(forward, 0)
    entering = dict.fromkeys(forward, 0)
    for targets in forward.values():
        for target in targets:
            entering[target] += 1
    ready = [name for name, count in entering.items() if not count]
    for name in ready:
        for target in forward[name]:
            depth[target] = max(depth[target], depth[name] + 1)
            entering[target] -= 1
            if not entering[target]:
                ready.append(target)
    return depth


def _untangled(rows: list[list[object]], hops: Sequence[tuple[object, object]]) -> list[list[object]]:
    """Return the rows, each sorted by where its neighbours stand: a few sweeps down and up."""
    above: dict[object, list[object]] = {}
    below: dict[object, list[object]] = {}
    for src, dst in hops:
        above.setdefault(dst, []).append(src)
        below.setdefault(src, []).append(dst)
    for _ in range(3):
        for place in range(1, len(rows)):
            rows[place] = _by_neighbours(rows[place], rows[place - 1], above)
        for place in range(len(rows) - 2, 0, -1):
            rows[place] = _by_neighbours(rows[place], rows[place + 1], below)
    return rows


def _by_neighbours(row: list[object], other: list[object], near: Mapping[object, list[object]]) -> list[object]:
    place = {key: number / max(1, len(other) - 1) for number, key in enumerate(other)}
    own = {key: number / max(1, len(row) - 1) for number, key in enumerate(row)}

    def mean(key: object) -> float:
        found = [place[one] for one in near.get(key, ()) if one in place]
        return sum(found) / len(found) if found else own[key]

    return sorted(row, key=mean)
