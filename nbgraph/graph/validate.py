"""Everything that is wrong with a definition, found at once.

Owns the checks that need the whole graph; a single node's are in ``parts``. Pure: looks, changes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from nbgraph.errors import GraphError
from nbgraph.graph.mapping import field_problems
from nbgraph.graph.outline import edges_of, reachable, start_candidates, successors

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph
    from nbgraph.graph.parts import EdgeDef, NodeDef


def check(graph: Graph) -> None:
    """Raise one ``GraphError`` with all ``problems``; return if there are none."""
    problems = tuple(dict.fromkeys(problems_of(graph)))
    if problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise GraphError(
            f"graph {graph.name!r} has {count}:" + "".join(f"\n  - {problem}" for problem in problems),
            todo="correct what is listed; only the cells that you change need to run again",
            problems=problems,
        )


def problems_of(graph: Graph, above: tuple[Graph, ...] = ()) -> Iterator[str]:
    """Yield each problem as a sentence without full stop; ``above`` are the graphs that hold this one."""
    if any(graph is other for other in above):
        yield f"graph {graph.name!r} contains itself"
        return
    yield from _name_problems(graph)
    yield from _alias_problems(graph)
    for node in graph.nodes:
        yield from _target_problems(graph, node)
        yield from _otherwise_problems(graph, node.name)
    for edge in graph.edges:
        yield from _error_kind_problems(edge)
    yield from _start_problems(graph)
    for node in graph.nodes:
        if node.graph is not None:
            yield from field_problems(graph, node)
            yield from (f"in {node.name!r}: {problem}" for problem in problems_of(node.graph, (*above, graph)))


def _name_problems(graph: Graph) -> Iterator[str]:
    known = [node.name for node in graph.nodes]
    for edge in graph.edges:
        if edge.src not in known and edge.owner:
            yield f"node {edge.owner!r} comes after {edge.src!r}, which does not exist{_hint(edge.src, known)}"
        elif edge.src not in known:
            yield f"an edge leads from {edge.src!r}, which does not exist, to {edge.dst!r}{_hint(edge.src, known)}"
        if edge.dst not in known:
            yield f"an edge leads from {edge.src!r} to {edge.dst!r}, which does not exist{_hint(edge.dst, known)}"
    start = graph.chosen_start
    if start is not None and start not in known:
        yield f"the start {start!r} does not exist{_hint(start, known)}"


def _alias_problems(graph: Graph) -> Iterator[str]:
    """Yield the former names that more than one node claims; whose tasks they were could not be told."""
    owners: dict[str, str] = {}
    for node in graph.nodes:
        for alias in node.aliases:
            first = owners.setdefault(alias, node.name)
            if first != node.name:
                yield f"nodes {first!r} and {node.name!r} both have the alias {alias!r}"


def _target_problems(graph: Graph, node: NodeDef) -> Iterator[str]:
    known = [other.name for other in graph.nodes]
    for kind, targets in (("Goto", node.targets.routes), ("Send", node.targets.sends)):
        for target in targets:
            if target not in known:
                yield f"node {node.name!r} may {kind} {target!r}, which does not exist{_hint(target, known)}"
    for kind in sorted(node.targets.unreadable):
        argument = "routes" if kind == "Goto" else "sends"
        yield (
            f"node {node.name!r} computes the target of a {kind}; declare where it may lead: "
            f'@graph.node({argument}=[...]), or annotate the return type: {kind}[Literal["..."]]'
        )


def _otherwise_problems(graph: Graph, name: str) -> Iterator[str]:
    edges = edges_of(graph, name)
    count = sum(edge.otherwise for edge in edges)
    if count > 1:
        yield f"node {name!r} has {count} edges with otherwise=True; one is enough"
    if count and not any(edge.when is not None for edge in edges):
        yield f"node {name!r} has an edge with otherwise=True, but none with when= beside it"


def _error_kind_problems(edge: EdgeDef) -> Iterator[str]:
    for kind in edge.on_error:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            yield f"the edge from {edge.src!r} to {edge.dst!r} has on_error={kind!r}, which is not an exception class"


def _start_problems(graph: Graph) -> Iterator[str]:
    if not graph.nodes:
        yield "it has no nodes"
        return
    candidates = start_candidates(graph)
    if len(candidates) == 1:
        yield from _unreachable(graph, candidates[0])
    elif candidates:
        names = ", ".join(map(repr, candidates))
        yield f"nothing leads to {names}: call graph.start(...) with one of them, or connect the others"
    elif graph.chosen_start is None:
        yield "every node has something leading to it, so the start is not clear: call graph.start(...)"


def _unreachable(graph: Graph, start: str) -> Iterator[str]:
    reached, ways = reachable(graph, start), successors(graph)
    for name in ways:
        if name in reached:
            continue
        before = [other for other in ways if name in ways[other]]
        if before == [name]:
            yield f"node {name!r} is its own only predecessor, so nothing ever reaches it"
        else:
            yield f"node {name!r} is not reached from the start {start!r}"


def _hint(name: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""
