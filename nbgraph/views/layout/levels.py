"""Levels within levels: what is inside which subgraph, and which links lead back.

Owns both decisions for every engine, so that all of them draw the start above what follows. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nbgraph.graph.topology import without_loops
from nbgraph.views.topology import Link, Node, Topology


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided for all levels at once: what is in which level, and which links lead back."""

    topology: Topology
    inside: Mapping[str, list[str]]
    """Level -> its items, by name, in the order of the topology."""
    nodes: Mapping[str, Node]
    chain: Mapping[str, tuple[str, ...]]
    """Node -> what holds it: its item at the top, its item a level below, ..., itself."""
    back: frozenset[str]

    @classmethod
    def of(cls, topology: Topology) -> Plan:
        """Return the plan of a topology."""
        around = {cluster.name: cluster.inside for cluster in topology.clusters}
        chain = {node.name: (*_path(node.cluster, around), Leaf(node.name)) for node in topology.nodes}
        inside: dict[str, dict[str, None]] = {"": {}, **{name: {} for name in around}}
        for path in chain.values():
            for level, item in zip(("", *path), path, strict=False):
                inside[level][item] = None
        found = {level: list(items) for level, items in inside.items()}
        nodes = {node.name: node for node in topology.nodes}
        return cls(topology, found, nodes, chain, frozenset(_back(topology, found, chain)))

    def links(self, level: str) -> Iterable[tuple[Link, str, str]]:
        """Yield the links that touch a level, with their items in it; "" for an end that is outside."""
        for link in self.topology.links:
            if link.src != link.dst:
                src, dst = self._item(link.src, level), self._item(link.dst, level)
                if src != dst:
                    yield link, src, dst

    def _item(self, node: str, level: str) -> str:
        path = self.chain[node]
        if not level:
            return path[0]
        return path[path.index(level) + 1] if level in path[:-1] else ""


class Leaf(str):
    """The name of a node, as an item: a subgraph's end has the name of its cluster, and must not be taken for it."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Leaf) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(("leaf", str(self)))


def _path(cluster: str, around: Mapping[str, str]) -> tuple[str, ...]:
    path: list[str] = []
    while cluster in around and cluster not in path:
        path.insert(0, cluster)
        cluster = around[cluster]
    return tuple(path)


def _back(topology: Topology, inside: Mapping[str, list[str]], chain: Mapping[str, tuple[str, ...]]) -> Iterable[str]:
    """Yield the links that lead back on a depth-first walk of the level where their ends part."""
    levels: dict[str, list[tuple[str, str, str]]] = {level: [] for level in inside}
    entered: dict[str, dict[str, None]] = {level: {} for level in inside}
    for node in topology.nodes:
        if node.start:
            for level, item in zip(("", *chain[node.name]), chain[node.name], strict=False):
                entered[level][item] = None
    for link in topology.links:
        src, dst = chain[link.src], chain[link.dst]
        if link.src == link.dst:
            continue
        depth = next(place for place, (one, other) in enumerate(zip(src, dst, strict=False)) if one != other)
        levels[src[depth - 1] if depth else ""].append((link.id, src[depth], dst[depth]))
        for place in range(depth + 1, len(dst)):
            entered[dst[place - 1]][dst[place]] = None
    for level, links in levels.items():
        ways: dict[str, list[str]] = {item: [] for item in inside[level]}
        for _, one, other in links:
            ways[one].append(other)
        _, loops = without_loops(ways, entered[level])
        yield from (link for link, one, other in links if (one, other) in loops)
