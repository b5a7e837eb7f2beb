"""What a graph's cells have said so far: taken before a cell runs, compared after it, put back where it was refused.

Owns the only look from here into a graph under construction. Values and pure comparisons, and one function that
puts a value back.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from nbgraph.graph.definition import Graph
from nbgraph.graph.parts import EdgeDef, NodeDef

EdgeKey = tuple[str, str, bool, str]


class Definition(NamedTuple):
    """A graph as it stood at one moment."""

    nodes: dict[str, NodeDef]
    edges: list[EdgeDef]
    start: str | None


class Said(NamedTuple):
    """What one cell said: the nodes that it made, and the edges that it drew (not those of ``after=``)."""

    nodes: frozenset[str] = frozenset()
    edges: frozenset[EdgeKey] = frozenset()


NOTHING = Definition({}, [], None)


def definition_of(graph: Graph) -> Definition:
    """Return a graph as it stands."""
    return Definition({node.name: node for node in graph.nodes}, list(graph.edges), graph.chosen_start)


def said_between(before: Definition, after: Definition) -> Said:
    """Return what was defined, anew or again, between two moments: what is said again is another object."""
    nodes = frozenset(name for name, node in after.nodes.items() if before.nodes.get(name) is not node)
    old = {id(edge) for edge in before.edges}
    return Said(nodes, frozenset(edge.key for edge in after.edges if not edge.owner and id(edge) not in old))


def without(definition: Definition, gone: Said) -> Definition:
    """Return the graph without what a cell no longer says.

    What other cells say of a node stays: their edges wait for it to come back, and show until then that it is missing.
    """
    nodes = {name: node for name, node in definition.nodes.items() if name not in gone.nodes}
    edges = [edge for edge in definition.edges if edge.key not in gone.edges and edge.owner not in gone.nodes]
    return definition._replace(nodes=nodes, edges=edges)


def put_back(graph: Graph, definition: Definition) -> None:
    """Make a graph what it was, or what ``without`` made of it."""
    graph._nodes, graph._edges = dict(definition.nodes), list(definition.edges)  # noqa: SLF001 - see the module
    graph._start = definition.start  # noqa: SLF001 - as above
    graph._version += 1  # noqa: SLF001 - as above


def graphs_with(graph: Graph, names: Collection[Graph]) -> list[tuple[Graph, str]]:
    """Return the graphs among ``names`` that ``graph`` is, or is inside of, each with the prefix of its nodes there."""
    found: list[tuple[Graph, str]] = []
    for outer in names:
        waiting, seen = [(outer, "")], set()
        while waiting:
            one, prefix = waiting.pop()
            if one is graph:
                found.append((outer, prefix))
            if id(one) in seen:
                continue
            seen.add(id(one))
            waiting += [(node.graph, f"{prefix}{node.name}/") for node in one.nodes if node.graph is not None]
    return found
