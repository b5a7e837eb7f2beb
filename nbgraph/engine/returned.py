"""What a node returned, read: an update for the state and routes for what comes next.

Owns the reading and the checking. Pure: knows the node and the schema, nothing of tasks or stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nbgraph.engine.routing import Route
from nbgraph.errors import UpdateError
from nbgraph.graph.plan import NodePlan
from nbgraph.graph.routes import Goto, Result, Send, Stop
from nbgraph.graph.schema import Schema, TypeProblem

_ROUTES = (Goto, Send, Stop)


class Returned(NamedTuple):
    """An update, by the whole state's field names, and routes; None where the node returned no route."""

    update: Mapping[str, Any]
    routes: Sequence[Route] | None


def read(node: NodePlan, schema: Schema, value: Any, given: Mapping[str, Any]) -> Returned:
    """Read a node's return value; raises ``UpdateError`` naming node, field, expected and actual."""
    kind = type(value)
    if kind is dict:
        return Returned(_checked(node, schema, value), None)
    if value is None:
        return Returned({}, None)
    if kind is Result:
        inner = read(node, schema, value.update, given)
        return Returned(inner.update, inner.routes if value.route is None else _routes(node, value.route))
    if isinstance(value, (*_ROUTES, list, tuple)) and not hasattr(value, "_fields"):
        return Returned({}, _routes(node, value))
    if isinstance(value, Mapping):
        return Returned(_checked(node, schema, dict(value)), None)
    if schema.is_record(value):
        return Returned(_checked(node, schema, schema.update_of(value, given)), None)
    raise _unusable(node, value)


def _routes(node: NodePlan, value: Any) -> Sequence[Route]:
    routes = list(value) if isinstance(value, (list, tuple)) else [value]
    wrong = next((route for route in routes if not isinstance(route, _ROUTES)), None)
    if wrong is not None:
        raise _unusable(node, wrong)
    return routes


def _unusable(node: NodePlan, value: Any) -> UpdateError:
    kind = type(value).__name__
    hint = f"; to go to {value!r} next, return ng.Goto({value!r})" if isinstance(value, str) else ""
    return UpdateError(
        f"node {node.name!r} returned a {kind}, which is neither an update nor a route{hint}",
        still="nothing of this task was stored",
        todo="return a dict of fields, ng.Goto, ng.Send, ng.Stop, a list of those, or ng.Result(update=..., route=...)",
        node=node.name,
        expected="an update or a route",
        actual=kind,
    )


def _checked(node: NodePlan, schema: Schema, update: dict[Any, Any]) -> Mapping[str, Any]:
    fields = node.fields
    checked = {}
    for name, value in update.items():
        whole = name if fields is None else fields.get(name, name)
        spec = schema.find(whole) if isinstance(whole, str) else None
        if spec is None:
            raise _unknown(node, schema, name)
        try:
            spec.check(value)
        except TypeProblem as problem:
            raise _mistyped(node, name, value, problem) from None
        checked[whole] = value
    return checked


def _unknown(node: NodePlan, schema: Schema, name: Any) -> UpdateError:
    known = list(node.fields) if node.fields else None
    nearest = schema.nearest(str(name), known) if known else schema.nearest(str(name))
    hint = f"; did you mean {nearest!r}?" if nearest else ""
    return UpdateError(
        f"node {node.name!r} returned a field {name!r} that the state does not have{hint}",
        still="nothing of this task was stored",
        todo="return a field of the state, or add this one to the schema",
        node=node.name,
        field=str(name),
        expected=nearest,
    )


def _mistyped(node: NodePlan, name: str, value: Any, problem: TypeProblem) -> UpdateError:
    return UpdateError(
        f"node {node.name!r} returned {name!r} = {_short(value)}: {name}{problem.path} should be {problem.expected}, "
        f"not {problem.actual}",
        still="nothing of this task was stored",
        todo="return a value of the field's type; a field with a reducer takes what the reducer takes",
        node=node.name,
        field=name,
        path=f"{name}{problem.path}",
        expected=problem.expected,
        actual=problem.actual,
    )


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a foreign __repr__ may raise anything
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= 80 else text[:77] + "..."
