"""Nodes whose code is another one today than when a run used it.

Owns the comparison of a run's recorded graph with today's. Executes nothing; knows nothing of pictures.
"""

from __future__ import annotations

from json import loads
from typing import Any

from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph


def graph_of(run: Any) -> Graph | None:
    """Return today's graph of a run; None of a run that was opened for reading, without one."""
    graph = getattr(run, "graph", None)
    return graph if isinstance(graph, Graph) else None


def stale_in(description: str, graph: Graph) -> frozenset[str] | None:
    """Return the nodes of a recorded ``description`` that are other ones in ``graph``, or are not there any more.

    None where the graph is unfinished: what is stale is known when it compiles again.
    """
    try:
        today = _digests(graph.compile().description)
    except GraphError:
        return None
    return frozenset(name for name, digest in _digests(description).items() if today.get(name) != digest)


def stale_of(run: Any) -> frozenset[str]:
    """Return the stale nodes of a run's latest graph; none where they are not known."""
    graph = graph_of(run)
    if graph is None:
        return frozenset()
    return stale_in(run.store.descriptions(str(run.id))[-1][2], graph) or frozenset()


def _digests(description: str) -> dict[str, str]:
    return {node["name"]: node["digest"] for node in loads(description)["nodes"]}
