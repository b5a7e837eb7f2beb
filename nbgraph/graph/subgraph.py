"""Graphs within graphs, made flat: "review/lint" is node "lint" of the subgraph used as "review".

Owns inlining. Arrivals at a subgraph go to its start; its nodes without ways on lead to its end, a
node of the subgraph's own name that only gathers and has the outer ways out. Expects a checked definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nbgraph.graph.adapter import on_records, predicate_on_records
from nbgraph.graph.fields import FieldSpec
from nbgraph.graph.mapping import Names, inner_names, root_names
from nbgraph.graph.outline import edges_of, error_edges_of, start_of
from nbgraph.graph.plan import EdgePlan, NodePlan

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph
    from nbgraph.graph.parts import EdgeDef, NodeDef

_RECORDS = ("dataclass", "pydantic")


@dataclass(frozen=True, slots=True)
class Scope:
    """One graph at one place in the whole. ``prefix`` is "" or ends in "/"."""

    graph: Graph
    names: Names
    prefix: str = ""
    stop: str | None = None
    on_error: tuple[EdgePlan, ...] = ()
    """Error edges of the subgraph as a whole: they follow those of each node in it."""
    each: bool = False
    """The subgraph has join="each": so has its start."""


@dataclass(slots=True)
class Flat:
    """The result while it grows: nodes in declaration order, and the subgraphs' own fields."""

    root: Graph
    nodes: list[NodePlan] = field(default_factory=list)
    extra: dict[str, FieldSpec] = field(default_factory=dict)


def flattened(graph: Graph) -> Flat:
    """Return a checked graph's nodes with all subgraphs inlined; places are not known yet."""
    flat = Flat(graph)
    _inline(Scope(graph, root_names(graph)), flat)
    return flat


def entry(graph: Graph, prefix: str, name: str) -> str:
    """Return the absolute name of the node that fires for an arrival at ``name``."""
    node = next(node for node in graph.nodes if node.name == name)
    if node.graph is None:
        return prefix + name
    return entry(node.graph, f"{prefix}{name}/", _start(node.graph))


def _start(graph: Graph) -> str:
    start = start_of(graph)
    assert start is not None  # noqa: S101 - the definition is checked
    return start


def _inline(scope: Scope, flat: Flat) -> None:
    for node in scope.graph.nodes:
        if node.graph is None:
            flat.nodes.append(_node(scope, flat, node))
        else:
            _inline(_inside(scope, flat, node), flat)
            flat.nodes.append(_end(scope, flat, node))


def _inside(scope: Scope, flat: Flat, node: NodeDef) -> Scope:
    assert node.graph is not None  # noqa: S101 - the caller asked
    path = scope.prefix + node.name
    errors = (*_edges(scope, flat, error_edges_of(scope.graph, node.name), "x"), *scope.on_error)
    names = inner_names(scope.names, node, path, flat.extra)
    return Scope(node.graph, names, f"{path}/", path, errors, _joins_each(scope, node))


def _joins_each(scope: Scope, node: NodeDef) -> bool:
    return node.join == "each" or (scope.each and node.name == start_of(scope.graph))


def _node(scope: Scope, flat: Flat, node: NodeDef) -> NodePlan:
    fn: Callable[..., Any] | None = node.fn
    if fn is not None and _wants_own_record(scope, flat):
        fn = on_records(fn, scope.graph.schema, is_async=node.is_async)
    return NodePlan(
        name=scope.prefix + node.name,
        fn=fn,
        is_async=node.is_async,
        wants_ctx=node.wants_ctx,
        join_each=_joins_each(scope, node),
        edges=_ways_out(scope, flat, node),
        error_edges=_numbered(
            (*_edges(scope, flat, error_edges_of(scope.graph, node.name), "x"), *scope.on_error), "x"
        ),
        routes=_firing(scope, node.targets.routes),
        sends=_firing(scope, node.targets.sends),
        retry=node.retry,
        timeout=node.timeout,
        limit=node.limit,
        fields=_fields(scope, flat),
        stop=scope.stop,
        place=0,
        declared=len(flat.nodes),
        cyclic=False,
        source_digest=node.source.digest,
        source=node.source.text,
        reuse_calls=node.reuse_calls,
        aliases=tuple(scope.prefix + alias for alias in node.aliases),
    )


def _end(scope: Scope, flat: Flat, node: NodeDef) -> NodePlan:
    """Return the node that a subgraph ends in; its fields are those of the graph around it."""
    return NodePlan(
        name=scope.prefix + node.name, fn=None, is_async=False, wants_ctx=False, join_each=False,
        edges=_ways_out(scope, flat, node), error_edges=(), routes={}, sends={}, retry=None, timeout=None, limit=None,
        fields=_fields(scope, flat), stop=scope.stop, place=0, declared=len(flat.nodes), cyclic=False,
        source_digest="", source="",
    )  # fmt: skip


def _ways_out(scope: Scope, flat: Flat, node: NodeDef) -> tuple[EdgePlan, ...]:
    edges = _edges(scope, flat, edges_of(scope.graph, node.name), "e")
    if not edges and not node.targets.routes and not node.targets.sends and scope.stop is not None:
        return (EdgePlan("e0", scope.stop, scope=scope.prefix),)
    return edges


def _edges(scope: Scope, flat: Flat, edges: Iterable[EdgeDef], kind: str) -> tuple[EdgePlan, ...]:
    records = _wants_own_record(scope, flat)
    return tuple(
        EdgePlan(
            index=f"{kind}{place}",
            target=entry(scope.graph, scope.prefix, edge.dst),
            when=predicate_on_records(edge.when, scope.graph.schema)
            if edge.when is not None and records
            else edge.when,
            otherwise=edge.otherwise,
            on_error=edge.on_error,
            label=edge.label,
            scope=scope.prefix,
        )
        for place, edge in enumerate(edges)
    )


def _numbered(edges: Iterable[EdgePlan], kind: str) -> tuple[EdgePlan, ...]:
    return tuple(replace(edge, index=f"{kind}{place}") for place, edge in enumerate(edges))


def _firing(scope: Scope, targets: Iterable[str]) -> dict[str, str]:
    return {target: entry(scope.graph, scope.prefix, target) for target in targets}


def _fields(scope: Scope, flat: Flat) -> dict[str, str] | None:
    """Return the mapping of names, None where the engine may hand out the whole state as it is."""
    names = scope.names.absolute
    all_of_them = scope.names.open or names.keys() == flat.root.schema.fields.keys()
    same = all_of_them and all(inner == outer for inner, outer in names.items())
    return None if same and _same_record(scope, flat) else dict(names)


def _same_record(scope: Scope, flat: Flat) -> bool:
    own, root = scope.graph.schema, flat.root.schema
    if own.kind in _RECORDS or root.kind in _RECORDS:
        return own.open or own.cls is root.cls
    return True


def _wants_own_record(scope: Scope, flat: Flat) -> bool:
    """Say whether nodes expect a record that the engine, which knows the outermost schema, will not make."""
    return scope.graph.schema.kind in _RECORDS and _fields(scope, flat) is not None
