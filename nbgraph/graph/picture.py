"""A definition as a picture sees it: links of five kinds between names of one graph.

Owns what is drawn; ``mermaid``, ``dot`` and ``text`` own how. Works on unfinished graphs: a name that a
cell mentions before it is defined is drawn as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbgraph.graph.outline import start_of

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph


class Link(NamedTuple):
    """One way from a node to another. ``kind``: "edge", "when", "otherwise", "error", "goto" or "send"."""

    src: str
    dst: str
    kind: str
    label: str


def links_of(graph: Graph) -> list[Link]:
    """Return a graph's links, those of each node in the order of its ways out."""
    links = []
    for name in names_of(graph):
        for edge in sorted((edge for edge in graph.edges if edge.src == name), key=lambda edge: bool(edge.on_error)):
            kind = "error" if edge.on_error else "otherwise" if edge.otherwise else "when" if edge.when else "edge"
            links.append(Link(name, edge.dst, kind, edge.label))
        for node in graph.nodes:
            if node.name == name:
                links += [Link(name, target, "goto", "") for target in node.targets.routes]
                links += [Link(name, target, "send", "map") for target in node.targets.sends]
    return links


def names_of(graph: Graph) -> list[str]:
    """Return all names that a drawing shows: the nodes, then those that are only mentioned."""
    mentioned = [name for edge in graph.edges for name in (edge.src, edge.dst)]
    mentioned += [name for node in graph.nodes for name in (*node.targets.routes, *node.targets.sends)]
    return list(dict.fromkeys([*(node.name for node in graph.nodes), *mentioned]))


def missing_of(graph: Graph) -> set[str]:
    """Return the names that are mentioned, but not defined."""
    return set(names_of(graph)) - {node.name for node in graph.nodes}


def drawn_start(graph: Graph) -> str | None:
    """Return the start if it is decided by now."""
    return start_of(graph)


def inside(graph: Graph, above: tuple[Graph, ...]) -> bool:
    """Say whether a graph is drawn within itself, which must end somewhere."""
    return any(graph is other for other in above)
