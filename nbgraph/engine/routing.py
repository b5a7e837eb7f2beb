"""Which ways a finished task takes: its own route, else the edges whose predicates hold.

Owns DESIGN section 3, rule 6, and the empty map of rule 2. Pure but for the user's predicates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from nbgraph.errors import NoProgressError, RouteError
from nbgraph.graph.plan import EdgePlan, NodePlan, Plan
from nbgraph.graph.routes import Goto, Send, Stop

Route = Goto | Send | Stop
Ask = Callable[[NodePlan, Callable[[Any], Any]], bool]
"""Asks a predicate on a node's way out, with the state after the task's update."""


class Way(NamedTuple):
    """One way taken: ``edge`` names the edge ("e0"), the Goto ("g0"), the Send ("s0"), ... in merge order."""

    edge: str
    target: str
    private: dict[str, Any] | None = None
    alone: bool = False
    """A Send is a task of its own at once; nothing is gathered."""


def ways_on(plan: Plan, node: NodePlan, routes: Sequence[Route] | None, ask: Ask) -> list[Way]:
    """Return the ways a task takes, in merge order; raises ``RouteError`` or ``NoProgressError``.

    A route wins over edges. ``routes`` is None where the node returned none, and empty for a map over
    nothing: then the arrival goes on along the edges of the node that would have been sent to.
    """
    if routes is None or (not routes and not node.sends):
        return _along_edges(node, ask)
    if not routes:
        return _past(plan, node, ask)
    return [way for place, route in enumerate(routes) for way in _followed(node, route, place)]


def _along_edges(node: NodePlan, ask: Ask) -> list[Way]:
    ways = fired(node.edges, ask, node)
    if not ways and (node.edges or node.routes or node.sends):
        raise NoProgressError(
            f"node {node.name!r} has ways on, but none of them fired",
            still="nothing of this task was stored; what was committed before is kept",
            todo="add an edge with otherwise=True, or return ng.Stop() where the branch ends",
            node=node.name,
        )
    return ways


def fired(edges: Iterable[EdgePlan], ask: Ask, node: NodePlan) -> list[Way]:
    """Return the ways of the edges that fire: every one whose predicate holds, else the ``otherwise``."""
    ways, otherwise = [], []
    for edge in edges:
        if edge.otherwise:
            otherwise.append(Way(edge.index, edge.target))
            continue
        if edge.when is not None and not ask(node, edge.when):
            continue
        ways.append(Way(edge.index, edge.target))
    return ways or otherwise


def _followed(node: NodePlan, route: Route, place: int) -> Iterable[Way]:
    if isinstance(route, Stop):
        return [Way(f"p{place}", node.stop)] if node.stop else []
    known, kind, argument = (
        (node.sends, "Send", "sends") if isinstance(route, Send) else (node.routes, "Goto", "routes")
    )
    target = known.get(route.target)
    if target is None:
        raise RouteError(
            f"node {node.name!r} returned {kind}({route.target!r}), which the graph does not know from it "
            f"(it knows: {', '.join(sorted(known)) or 'none'})",
            still="nothing of this task was stored; what was committed before is kept",
            todo=f"declare it: @graph.node({argument}=[{route.target!r}])",
            node=node.name,
            actual=route.target,
        )
    if isinstance(route, Send):
        return [Way(f"s{place}", target, dict(route.fields), alone=True)]
    return [Way(f"g{place}", target)]


def _past(plan: Plan, node: NodePlan, ask: Ask) -> list[Way]:
    """Return the ways of a map over nothing: on along the edges behind what would have been sent to."""
    targets: list[str] = []
    passed: set[str] = set()
    todo = _sent_to(node)
    while todo:
        name = todo.pop(0)
        if name in passed:
            continue
        passed.add(name)
        skipped = plan.nodes[name]
        ways = fired(skipped.edges, ask, skipped)
        targets += [way.target for way in ways]
        if not ways:
            todo += _sent_to(skipped)
    return [Way(f"m{place}", target) for place, target in enumerate(dict.fromkeys(targets))]


def _sent_to(node: NodePlan) -> list[str]:
    """Return the nodes that ``node`` may send to, a subgraph by its end: what is skipped is all of it."""
    prefix = node.name[: node.name.rfind("/") + 1]
    return [prefix + name for name in node.sends]
