"""One graph's own names: what leads where, and where it starts. Subgraphs are single nodes here.

Owns the reading of ways out, in merge order, for everything that looks at a definition: checks, the
plan, the fingerprint and the pictures. Works on unfinished graphs: what does not exist is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbgraph.graph.topology import reach

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph
    from nbgraph.graph.parts import EdgeDef


def edges_of(graph: Graph, src: str) -> list[EdgeDef]:
    """Return the ordinary edges of a node in merge order."""
    return [edge for edge in graph.edges if edge.src == src and not edge.on_error]


def error_edges_of(graph: Graph, src: str) -> list[EdgeDef]:
    """Return the edges that a node's failure takes, in order."""
    return [edge for edge in graph.edges if edge.src == src and edge.on_error]


def successors(graph: Graph) -> dict[str, list[str]]:
    """Return, by node in declaration order, where it leads: edges, error edges, routes, sends."""
    known = {node.name for node in graph.nodes}
    ways: dict[str, dict[str, None]] = {node.name: {} for node in graph.nodes}
    for failing in (False, True):
        for edge in graph.edges:
            if edge.src in ways and bool(edge.on_error) is failing:
                ways[edge.src][edge.dst] = None
    for node in graph.nodes:
        ways[node.name].update(dict.fromkeys((*node.targets.routes, *node.targets.sends)))
    return {name: [target for target in targets if target in known] for name, targets in ways.items()}


def start_candidates(graph: Graph) -> list[str]:
    """Return the chosen start, else every node that no other node leads to."""
    ways = successors(graph)
    if graph.chosen_start is not None:
        return [graph.chosen_start] if graph.chosen_start in ways else []
    entered = {target for name, targets in ways.items() for target in targets if target != name}
    return [name for name in ways if name not in entered]


def start_of(graph: Graph) -> str | None:
    """Return the node that runs begin with, None if that is not decided."""
    candidates = start_candidates(graph)
    return candidates[0] if len(candidates) == 1 else None


def reachable(graph: Graph, start: str) -> frozenset[str]:
    """Return the start and what it leads to."""
    return reach(successors(graph), start) | {start}
