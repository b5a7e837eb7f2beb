"""The compiled graph: frozen values that the engine executes and the views draw.

Owns the shapes only: flat node names, ordered ways out, who can reach whom. Knows nothing of how a
graph is written down (``definition``), checked (``validate``) or executed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbgraph.graph.retry import Retry
    from nbgraph.graph.schema import Schema


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """One way out of a node. ``index`` ("e0", "e1", ...; "x0", ... for errors) is its place in the merge order."""

    index: str
    target: str
    when: Callable[[Any], Any] | None = None
    otherwise: bool = False
    on_error: tuple[type[BaseException], ...] = ()
    label: str = ""
    scope: str = ""
    """Prefix of the subgraph whose field names ``when`` sees; "" for the graph itself."""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One node, its names absolute ("review/lint"). ``fn`` is None for the end of a subgraph, which only gathers."""

    name: str
    fn: Callable[..., Any] | None
    is_async: bool
    wants_ctx: bool
    join_each: bool
    edges: tuple[EdgePlan, ...]
    """Ordinary ways out, in merge order."""
    error_edges: tuple[EdgePlan, ...]
    routes: Mapping[str, str]
    """Name as the node writes it in ``Goto`` -> absolute name of the node that fires."""
    sends: Mapping[str, str]
    """The same for ``Send``."""
    retry: Retry | None
    timeout: float | None
    limit: int | None
    fields: Mapping[str, str] | None
    """Name of a field inside the subgraph -> name in the whole state; None where they are the same."""
    stop: str | None
    """Where ``Stop()`` goes inside a subgraph: the subgraph's end; None: the branch ends."""
    place: int
    """Place in the depth-first walk from the start along the ordered ways out: independent of cell order."""
    declared: int
    """Place in declaration order; decides only between nodes that wait for each other."""
    cyclic: bool
    source_digest: str
    source: str
    reuse_calls: bool = True
    """Whether recorded calls of an earlier attempt serve a later one."""
    aliases: tuple[str, ...] = ()
    """Names, absolute, that the node had before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole graph, ready to run. ``reached_by[n]``: the nodes from which n can be reached in one or more hops."""

    name: str
    schema: Schema
    nodes: Mapping[str, NodePlan]
    start: str
    reached_by: Mapping[str, frozenset[str]]
    reducer: Callable[[Any, Any], Any] | None
    """The whole-graph reducer ``(state, update) -> state``, or None."""
    fingerprint: str
    description: str
    """Canonical JSON of what a reader needs without code: nodes, edges, fields with their reducer's name."""
