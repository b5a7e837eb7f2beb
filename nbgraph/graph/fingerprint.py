"""What a graph means, as one digest: the same whatever order its cells ran in, another for every change that matters.

Owns what counts: names, types, code, ways out in merge order. Which cell ran first does not, except
between nodes that wait for each other in a cycle, where it decides; nor does ``limit``, which
changes speed only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nbgraph.graph.canonical import canonical_text
from nbgraph.graph.fields import FieldSpec
from nbgraph.graph.outline import edges_of, error_edges_of, start_of, successors
from nbgraph.graph.reducers import Reducer
from nbgraph.graph.retry import Retry
from nbgraph.graph.source import source_of
from nbgraph.graph.topology import cycles

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph
    from nbgraph.graph.parts import EdgeDef, NodeDef


def fingerprint(graph: Graph) -> str:
    """Return SHA-256 over the canonical JSON of the definition; the graph must be valid."""
    return sha256(canonical_text(_facts(graph)).encode("utf-8", "surrogatepass")).hexdigest()


def _facts(graph: Graph) -> dict[str, Any]:
    return {
        "name": graph.name,
        "kind": graph.schema.kind,
        "fields": {name: _field(spec) for name, spec in graph.schema.fields.items()},
        "reducer": _digest(graph.reducer),
        "start": start_of(graph),
        "nodes": {node.name: _node(graph, node) for node in graph.nodes},
        "cycles": sorted(cycles(successors(graph))),
    }


def _field(spec: FieldSpec) -> list[Any]:
    return [spec.type_text, *_reducer(spec.reducer), _default(spec.default)]


def _reducer(reducer: Reducer) -> list[str]:
    return [reducer.name, source_of(reducer.fold).digest if reducer.name == "custom" else ""]


def _default(make: Callable[[], Any] | None) -> str:
    """Return a default's digest. A factory counts by its code: what it makes may differ from call to call."""
    return "" if make is None else source_of(make).digest


def _node(graph: Graph, node: NodeDef) -> dict[str, Any]:
    return {
        "source": node.source.digest,
        "graph": None if node.graph is None else _facts(node.graph),
        "fields": dict(node.fields),
        "async": node.is_async,
        "join": node.join,
        "routes": sorted(node.targets.routes),
        "sends": sorted(node.targets.sends),
        "retry": _retry(node.retry),
        "timeout": node.timeout,
        "ways": _ways(edges_of(graph, node.name)),
        "errors": _ways(error_edges_of(graph, node.name)),
    }


def _retry(retry: Retry | None) -> list[Any] | None:
    if retry is None:
        return None
    numbers: Iterable[float] = (retry.attempts, retry.wait, retry.factor, retry.cap, retry.jitter)
    kinds = retry.on if isinstance(retry.on, tuple) else (retry.on,)
    return [*map(float, numbers), *(_kind(kind) for kind in kinds)]


def _kind(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}" if isinstance(kind, type) else source_of(kind).digest


def _ways(edges: Iterable[EdgeDef]) -> list[Mapping[str, Any]]:
    return [
        {
            "to": edge.dst,
            "when": _digest(edge.when),
            "otherwise": bool(edge.otherwise),
            "on_error": sorted(map(_kind, edge.on_error)),
        }
        for edge in edges
    ]


def _digest(fn: Callable[..., Any] | None) -> str:
    return "" if fn is None else source_of(fn).digest
