"""How a subgraph's field names stand to those of the graph around it.

Owns the rule: what ``fields=`` maps is mapped; a name that both have is the same field; any other inner
field is the subgraph's own and is called "node/field" in the whole state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nbgraph.graph.fields import FieldSpec
from nbgraph.graph.reducers import Reducer
from nbgraph.graph.source import source_of

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph
    from nbgraph.graph.parts import NodeDef


@dataclass(frozen=True, slots=True)
class Names:
    """The fields that one graph sees: its name for each -> the name in the whole state."""

    absolute: Mapping[str, str]
    open: bool
    """Any other name is a field too, called the same in the whole state."""

    def find(self, name: str) -> str | None:
        """Return a field's name in the whole state, None if there is no such field."""
        return self.absolute.get(name, name if self.open else None)


def root_names(graph: Graph) -> Names:
    """Return the names of the outermost graph: all as they are."""
    return Names({name: name for name in graph.schema.fields}, graph.schema.open)


def inner_names(outer: Names, node: NodeDef, path: str, extra: dict[str, FieldSpec]) -> Names:
    """Return the names that a subgraph sees; fields that the whole state does not have yet go to ``extra``.

    ``path`` is the subgraph's absolute name, which becomes the prefix of its own fields.
    """
    graph = _graph(node)
    names: dict[str, str] = dict(outer.absolute) if graph.schema.open else {}
    for inner, mapped in node.fields.items():
        names[inner] = outer.find(mapped) or mapped
    for name, spec in graph.schema.fields.items():
        if name not in node.fields:
            names[name] = outer.find(name) or f"{path}/{name}"
        # Of an open graph's fields nothing is known yet: the first subgraph that declares one decides.
        if names[name] not in outer.absolute.values():
            extra.setdefault(names[name], replace(spec, name=names[name]))
    return Names(names, graph.schema.open and outer.open)


def field_problems(outer: Graph, node: NodeDef) -> Iterator[str]:
    """Yield what is wrong with the fields of one subgraph, as seen from the graph around it."""
    graph, around = _graph(node), outer.schema
    where = f"subgraph {node.name!r}"
    if graph.reducer is not None:
        yield f"{where} has a reducer for its whole state, which only the outermost graph may have"
    for inner, mapped in node.fields.items():
        if inner not in graph.schema.fields and not graph.schema.open:
            yield f"{where} maps {inner!r}, which is no field of graph {graph.name!r}{_hint(graph.schema.nearest(inner))}"
        if mapped not in around.fields and not around.open:
            yield f"{where} maps {inner!r} to {mapped!r}, which is no field of graph {outer.name!r}{_hint(around.nearest(mapped))}"
    shared = {name: node.fields.get(name, name) for name in {**graph.schema.fields, **node.fields}}
    for mapped, count in Counter(shared.values()).items():
        if count > 1:
            both = " and ".join(repr(name) for name, other in shared.items() if other == mapped)
            yield f"{where} has {both} both standing for {mapped!r}"
    for name, spec in graph.schema.fields.items():
        there = around.fields.get(shared[name])
        if there is not None:
            yield from _mismatch(where, spec, there)


def _mismatch(where: str, inner: FieldSpec, outer: FieldSpec) -> Iterator[str]:
    unclear = any(spec.annotation in (Any, object) for spec in (inner, outer))
    if not unclear and inner.type_text != outer.type_text:
        yield (
            f"{where} has field {inner.name!r} as {inner.type_text}, but it stands for {outer.name!r}, "
            f"which is {outer.type_text}"
        )
    if not same_reducer(inner.reducer, outer.reducer):
        yield (
            f"{where} has field {inner.name!r} with reducer {inner.reducer.name}, but it stands for {outer.name!r}, "
            f"whose reducer is {outer.reducer.name}"
        )


def same_reducer(left: Reducer, right: Reducer) -> bool:
    """Say whether two reducers are one: by name, a user's own by its source, for cells that ran again."""
    if left.name != right.name:
        return False
    return left.fold is right.fold or source_of(left.fold).digest == source_of(right.fold).digest


def _graph(node: NodeDef) -> Graph:
    assert node.graph is not None  # noqa: S101 - callers hand in subgraphs
    return node.graph


def _hint(nearest: str | None) -> str:
    return f" (did you mean {nearest!r}?)" if nearest else ""
