"""The Hypothesis strategies themselves: shapes of graphs, values, states.

Owns what is drawn and how it shrinks: to fewer nodes, plain edges, fewer fields. Needs Hypothesis when it is
imported; ``strategies`` is the door.
"""

from __future__ import annotations

import datetime as dt
import typing
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import UnionType
from typing import Any

from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.graph.schema import Schema
from nbgraph.testing.shapes import PLAIN, REDUCED, GraphShape, NodeShape, build

MANY = 9
"""A node's number is drawn from 0 to this, and taken modulo what there is."""
_WAYS = [(mode, False) for mode in ("edges", "some", "goto", "send")] * 3
_WAYS += [(mode, True) for mode, _ in _WAYS[:4]]
_FAULTS = ("", "", "", "fails", "caught")


def nodes(known: Sequence[str], *, failing: bool) -> st.SearchStrategy[NodeShape]:
    """Draw one node, in no more than four choices: Hypothesis takes away an item of a list that is made of few."""
    kinds = [(fault, *way) for fault in (_FAULTS if failing else ("",)) for way in _WAYS]
    return st.builds(
        partial(_node, known),
        st.integers(0, MANY),
        st.sampled_from(kinds),
        st.integers(0, (MANY + 2) ** 2 - 1),
        st.integers(0, 2 ** len(known) - 1),
    )


def _node(known: Sequence[str], parent: int, kind: tuple[str, str, bool], extra: int, writes: int) -> NodeShape:
    fault, mode, each = kind
    return NodeShape(
        parent=parent,
        mode=mode,
        extra=tuple(number - 1 for number in divmod(extra, MANY + 2) if number),
        each=each,
        writes=_chosen(known, writes),
        fails=bool(fault),
        catch=parent if fault == "caught" else None,
    )


def _chosen(known: Sequence[str], mask: int) -> tuple[str, ...]:
    """Return the names whose bits are set."""
    return tuple(name for place, name in enumerate(known) if mask >> place & 1)


@st.composite
def shapes(draw: st.DrawFn, least: int, most: int, *, failing: bool, conflicts: bool, subgraphs: bool) -> GraphShape:
    """Draw a graph's shape."""
    known = [*REDUCED, *PLAIN] if conflicts else [*REDUCED]
    node = nodes(known, failing=failing)
    fields = _chosen(known, draw(st.integers(0, 2 ** len(known) - 1)))
    inner = draw(st.lists(node, min_size=1, max_size=3)) if subgraphs and draw(st.integers(0, 2)) == 2 else []
    outer = draw(st.lists(node, min_size=least, max_size=most))
    host = draw(st.integers(0, MANY)) if inner else 0
    return GraphShape(_within(fields, outer), fields, _within(fields, inner), host)


def _within(fields: tuple[str, ...], drawn: Sequence[NodeShape]) -> tuple[NodeShape, ...]:
    """Let nodes write no field that the state does not have."""
    return tuple(replace(shape, writes=tuple(name for name in shape.writes if name in fields)) for shape in drawn)


def graphs(least: int, most: int, *, failing: bool, conflicts: bool, subgraphs: bool) -> st.SearchStrategy[ng.Graph]:
    """Draw a graph."""
    drawn = shapes(least, most, failing=failing, conflicts=conflicts, subgraphs=subgraphs)
    return drawn.map(build)


_ATOMS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.floats(allow_nan=False), st.binary(),
    st.decimals(allow_nan=False), st.fractions(), st.complex_numbers(allow_nan=False), st.uuids(),
    st.dates(), st.times(), st.datetimes(), st.datetimes(timezones=st.just(dt.UTC)), st.timedeltas(),
)  # fmt: skip
_HASHABLE: st.SearchStrategy[Any] = st.recursive(
    _ATOMS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4
)


def values(leaves: int = 10) -> st.SearchStrategy[Any]:
    """Draw a value that a state can hold."""
    return st.recursive(
        _HASHABLE,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(_HASHABLE, inner, max_size=4) | st.sets(_HASHABLE, max_size=4)
        ),
        max_leaves=leaves,
    )


def states(schema: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an input for a graph or a schema."""
    read = schema.schema if isinstance(schema, ng.Graph) else Schema.of(schema)
    if read.open:
        names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
        return st.dictionaries(names, values(), max_size=5)
    must = {name: of(spec.annotation) for name, spec in read.fields.items() if spec.required and spec.start is None}
    may = {name: of(spec.annotation) for name, spec in read.fields.items() if name not in must}
    return st.fixed_dictionaries(must, optional=may)


def of(annotation: Any) -> st.SearchStrategy[Any]:
    """Draw a value of an annotated type; inside containers too, "anything" is what a state can hold."""
    origin, args = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
    if annotation is Any or annotation is object:
        return values()
    if origin is float and annotation is float:
        return st.floats(allow_nan=False)
    if origin in (typing.Union, UnionType):
        return st.one_of(*map(of, args))
    if origin in (list, set, frozenset, dict, tuple):
        return _container(origin, args)
    return st.from_type(annotation)


def _container(origin: type, args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin is dict:
        key, value = args or (Any, Any)
        return st.dictionaries(_key(key), of(value), max_size=5)
    if origin is tuple:
        if not args or args[-1] is Ellipsis:
            return st.lists(of(args[0] if args else Any), max_size=5).map(tuple)
        return st.tuples(*map(of, () if args == ((),) else args))
    (item,) = args or (Any,)
    if origin is list:
        return st.lists(of(item), max_size=5)
    return (st.sets if origin is set else st.frozensets)(_key(item), max_size=5)


def _key(annotation: Any) -> st.SearchStrategy[Any]:
    return _HASHABLE if annotation in (Any, object) else of(annotation)
