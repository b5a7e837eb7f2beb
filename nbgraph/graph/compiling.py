"""A checked definition made into a ``Plan``: flat, frozen, with everything that a run would compute twice.

Owns places, who can reach whom, and the stored description. Inlining is in ``subgraph``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nbgraph.graph.canonical import canonical_text
from nbgraph.graph.fingerprint import fingerprint
from nbgraph.graph.outline import start_of
from nbgraph.graph.plan import EdgePlan, NodePlan, Plan
from nbgraph.graph.subgraph import entry, flattened
from nbgraph.graph.topology import places, reached_by

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph
    from nbgraph.graph.schema import Schema


def compiled(graph: Graph) -> Plan:
    """Return the plan of a graph that ``validate`` found nothing wrong with."""
    flat = flattened(graph)
    schema = graph.schema.extended(flat.extra.values())
    start = entry(graph, "", start_of(graph) or "")
    successors = {node.name: list(_leads_to(node)) for node in flat.nodes}
    behind, place = reached_by(successors), places(successors, start)
    nodes = {
        node.name: replace(
            node,
            place=place[node.name],
            cyclic=node.name in behind[node.name],
            routes=MappingProxyType(node.routes),
            sends=MappingProxyType(node.sends),
        )
        for node in flat.nodes
    }
    return Plan(
        name=graph.name,
        schema=schema,
        nodes=MappingProxyType(nodes),
        start=start,
        reached_by=MappingProxyType(behind),
        reducer=graph.reducer,
        fingerprint=fingerprint(graph),
        description=_description(graph, schema, nodes.values(), start),
    )


def _leads_to(node: NodePlan) -> Iterator[str]:
    yield from (edge.target for edge in (*node.edges, *node.error_edges))
    yield from node.routes.values()
    yield from node.sends.values()
    if node.stop is not None:
        yield node.stop


def _description(graph: Graph, schema: Schema, nodes: Iterable[NodePlan], start: str) -> str:
    # By place, not by declaration: graphs of one meaning have one description.
    ordered = sorted(nodes, key=lambda node: node.place)
    return canonical_text(
        {
            "name": graph.name,
            "fields": {n: {"type": spec.type_text, "reducer": spec.reducer.name} for n, spec in schema.fields.items()},
            "open": schema.open,
            "reducer": graph.reducer is not None,
            "start": start,
            "nodes": [_described(node) for node in ordered],
            "edges": [edge for node in ordered for edge in _links(node)],
        }
    )


def _described(node: NodePlan) -> dict[str, Any]:
    return {
        "name": node.name,
        "source": node.source,
        "digest": node.source_digest,
        "kind": "end" if node.fn is None else "async" if node.is_async else "sync",
        "join": "each" if node.join_each else "all",
        "attempts": node.retry.attempts if node.retry else 1,
        "timeout": node.timeout,
        "limit": node.limit,
    }


def _links(node: NodePlan) -> Iterator[dict[str, Any]]:
    for edge in (*node.edges, *node.error_edges):
        yield _link(node, edge.index, edge.target, _kind(edge), edge.label)
    yield from _routes(node, node.routes, "goto")
    yield from _routes(node, node.sends, "send")


def _routes(node: NodePlan, targets: Mapping[str, str], kind: str) -> Iterator[dict[str, Any]]:
    for place, target in enumerate(targets.values()):
        yield _link(node, f"{kind[0]}{place}", target, kind, "")


def _link(node: NodePlan, index: str, target: str, kind: str, label: str) -> dict[str, Any]:
    return {"from": node.name, "to": target, "index": index, "kind": kind, "label": label}


def _kind(edge: EdgePlan) -> str:
    if edge.on_error:
        return "error"
    return "otherwise" if edge.otherwise else "edge" if edge.when is None else "when"
