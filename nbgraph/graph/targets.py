"""Where a node's code may go: the constants in its ``Goto`` and ``Send``, and what its return type says.

Owns reading them off source and annotations. What cannot be read is reported, never guessed: who may
reach whom decides what is waited for (DESIGN section 3, rule 2).
"""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from nbgraph.graph.routes import Goto, Send
from nbgraph.graph.source import code_of, globals_of, tree_of

_KINDS: Mapping[str, type] = {"Goto": Goto, "Send": Send}


class Targets(NamedTuple):
    """Names in the order of writing; ``unreadable`` says which of "Goto" and "Send" has a target that is no constant."""

    routes: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()
    unreadable: frozenset[str] = frozenset()


def targets_of(fn: Any) -> Targets:
    """Read a node function's targets.

    >>> def pick(state) -> Goto[typing.Literal["a", "b"]]: ...
    >>> targets_of(pick).routes
    ('a', 'b')
    """
    found: dict[str, dict[str, None]] = {"Goto": {}, "Send": {}}
    annotated = list(_annotated(fn))
    unreadable = set()
    for kind, target in [*annotated, *_written(fn)]:
        if target is None:
            unreadable.add(kind)
        else:
            found[kind][target] = None
    # A return type that names the targets is a declaration: the code may compute which of them it takes.
    unreadable -= {kind for kind, _ in annotated}
    return Targets(tuple(found["Goto"]), tuple(found["Send"]), frozenset(unreadable))


def _written(fn: Any) -> Iterator[tuple[str, str | None]]:
    """Yield (kind, target) of every ``Goto(...)`` and ``Send(...)`` in the source; None: no constant."""
    tree, names = tree_of(fn), globals_of(fn)
    if tree is None:
        code = code_of(fn)
        yield from ((kind, None) for kind in _KINDS if code is not None and kind in (*code.co_names, *code.co_freevars))
        return
    for node in ast.walk(tree):
        kind = _kind(node.func, names) if isinstance(node, ast.Call) else None
        if kind is not None and isinstance(node, ast.Call):
            for target in _constants(_target(node)):
                yield kind, target


def _kind(func: ast.expr, names: Mapping[str, Any]) -> str | None:
    if isinstance(func, ast.Attribute):
        return func.attr if func.attr in _KINDS else None
    if not isinstance(func, ast.Name):
        return None
    known = next((kind for kind, cls in _KINDS.items() if names.get(func.id) is cls), None)
    return known or (func.id if func.id in _KINDS else None)


def _target(call: ast.Call) -> ast.expr | None:
    keywords = [one.value for one in call.keywords if one.arg == "target"]
    return call.args[0] if call.args else keywords[0] if keywords else None


def _constants(node: ast.expr | None) -> Iterator[str | None]:
    if isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        yield None


def _annotated(fn: Any) -> Iterator[tuple[str, str]]:
    returns = getattr(fn, "__annotations__", {}).get("return")
    if returns is None:
        return
    try:
        hints = typing.get_type_hints(SimpleNamespace(__annotations__={"return": returns}), globals_of(fn))
    except Exception:  # noqa: BLE001 - an annotation that cannot be evaluated says nothing; the source may
        return
    yield from _literals(hints.get("return"), "Goto")


def _literals(annotation: Any, kind: str) -> Iterator[tuple[str, str]]:
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        yield from ((kind, value) for value in typing.get_args(annotation) if isinstance(value, str))
        return
    if origin in (dict, typing.Annotated):  # a Literal in an update's type is data, not a target
        return
    inner = "Send" if origin is Send else kind
    for arg in typing.get_args(annotation):
        if isinstance(arg, str) and origin in (Goto, Send):
            yield inner, arg
        else:
            yield from _literals(arg, inner)
