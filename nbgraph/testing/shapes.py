"""Shapes of graphs for property tests, and the graphs that they stand for.

Owns what a drawn node does. Pure: a node's update and route are functions of its name and of what it sees.
Knows nothing of Hypothesis; ``drawing`` draws the shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import nbgraph as ng
from nbgraph.codec import encode

LIMIT = 8
"""Updates in the log after which every node ends its branch, so that loops end by the state."""
SPREAD = 3
"""The same for nodes that multiply tasks, so that a run stays small."""


def braid(old: str, new: str) -> str:
    """Mix two texts; a reducer that is not built in, and where order shows."""
    return (old + new)[-40:]


REDUCED: Mapping[str, Any] = {
    "total": Annotated[int, ng.add],
    "notes": Annotated[list[str], ng.append],
    "tags": Annotated[set[int], ng.union],
    "table": Annotated[dict[str, int], ng.merge],
    "top": Annotated[int, ng.maximum],
    "low": Annotated[int, ng.minimum],
    "latest": Annotated[int, ng.last],
    "odd": Annotated[str, braid],
    "counts": Annotated[dict[str, int], ng.grow_counter],
}
"""Fields that take concurrent updates. Every drawn state has ``log`` as well, which counts a branch's updates."""
PLAIN: Mapping[str, Any] = {"left": int, "right": int}
"""Fields without a reducer: concurrent updates conflict."""

_MODULI: Mapping[str, int] = {"total": 7, "top": 100, "low": 100, "latest": 1000, "left": 1000, "right": 1000}


@dataclass(frozen=True)
class NodeShape:
    """What one node does. Numbers of other nodes are taken modulo what there is, so that any shape is valid."""

    parent: int = 0
    """Which earlier node leads here."""
    mode: str = "edges"
    """How it goes on: "edges" (all), "some" (predicates and an otherwise), "goto" or "send"."""
    extra: tuple[int, ...] = ()
    """Further nodes that it leads to; earlier ones make loops."""
    each: bool = False
    """Whether it fires for every arrival."""
    writes: tuple[str, ...] = ()
    """The fields that it updates beside ``log``."""
    fails: bool = False
    """Whether it raises ``ValueError`` for about a fifth of what it may see."""
    catch: int | None = None
    """Which later node an error leads to."""


@dataclass(frozen=True)
class GraphShape:
    """A graph: node 0 starts; ``inner`` nodes, if any, form a subgraph that stands for node ``host``."""

    nodes: tuple[NodeShape, ...]
    fields: tuple[str, ...] = ()
    inner: tuple[NodeShape, ...] = ()
    host: int = 0


def build(shape: GraphShape) -> ng.Graph:
    """Return the graph of a shape."""
    schema = {"log": Annotated[list[str], ng.extend]}
    schema |= {name: hint for name, hint in {**REDUCED, **PLAIN}.items() if name in shape.fields}
    graph = ng.Graph(schema, name="drawn")
    host = shape.host % len(shape.nodes) if shape.inner else None
    if host is not None:
        inner = ng.Graph(schema, name="inner")
        _fill(inner, shape.inner, "i", None)
        graph.node(inner, name=f"n{host}")
    _fill(graph, shape.nodes, "n", host)
    return graph


def _fill(graph: ng.Graph, shapes: Sequence[NodeShape], prefix: str, host: int | None) -> None:
    names = [f"{prefix}{place}" for place in range(len(shapes))]
    for place, shape in enumerate(shapes):
        targets = [names[target] for target in _targets(shapes, place, is_host=place == host)]
        if place == host:
            mode = "some" if shape.mode == "some" else "edges"
        else:
            mode = shape.mode
            _add_node(graph, shape, names[place], targets)
        if mode in ("edges", "some"):
            _add_edges(graph, names[place], targets, some=mode == "some")
        if shape.fails and shape.catch is not None and place + 1 < len(shapes) and place != host:
            graph.edge(names[place], names[_later(place, shape.catch, len(shapes))], on_error=True)
    graph.start(names[0])


def _targets(shapes: Sequence[NodeShape], place: int, *, is_host: bool) -> list[int]:
    """Return the nodes that one leads to, each once: those it is the parent of, then its extra ones.

    A subgraph cannot end a loop, so it leads to later nodes only.
    """
    children = [other for other in range(place + 1, len(shapes)) if shapes[other].parent % other == place]
    extra = [other % len(shapes) for other in shapes[place].extra]
    return list(dict.fromkeys(children + [other for other in extra if other > place or not is_host]))


def _later(place: int, number: int, count: int) -> int:
    """Return a node behind ``place``: an error that led back would be raised for ever."""
    return place + 1 + number % (count - place - 1)


def _add_node(graph: ng.Graph, shape: NodeShape, name: str, targets: list[str]) -> None:
    graph.node(
        name=name,
        join="each" if shape.each else "all",
        routes=targets if shape.mode == "goto" else [],
        sends=targets if shape.mode == "send" else [],
    )(_function(name, shape, targets))


def _add_edges(graph: ng.Graph, name: str, targets: list[str], *, some: bool) -> None:
    for place, target in enumerate(targets):
        if not some or len(targets) == 1:
            graph.edge(name, target)
        elif place == len(targets) - 1:
            graph.edge(name, target, otherwise=True)
        else:
            graph.edge(name, target, when=_predicate(f"{name}/{place}"))


def _function(name: str, shape: NodeShape, targets: list[str]) -> Callable[[Any], Any]:
    def node(state: Any) -> Any:
        number = seen(name, state)
        if shape.fails and number % 5 == 0:
            raise ValueError(f"{name} {number % 1000}")
        update = {field: _operand(field, name, number) for field in shape.writes}
        update["log"] = [f"{name}.{number % 1000}"]
        return ng.Result(update=update, route=_route(shape, targets, number, len(state["log"])))

    return node


def _operand(field: str, name: str, number: int) -> Any:
    """Return what node ``name`` adds to a field: small numbers, so that equal ones come up."""
    if field in _MODULI:
        return number % _MODULI[field]
    if field in ("table", "counts"):
        return {name: number % 10}
    return {"notes": f"{name} {number % 10}", "tags": {number % 5}, "odd": name}[field]


def _route(shape: NodeShape, targets: list[str], number: int, length: int) -> Any:
    multiplies = shape.each or shape.mode == "send"
    if not targets:
        return None
    if length >= (SPREAD if multiplies else LIMIT):
        return ng.Stop()
    if shape.mode == "goto":
        return ng.Goto(targets[number % len(targets)])
    if shape.mode == "send":
        return [ng.Send(targets[place % len(targets)], item=place) for place in range(number % 4)]
    return None


def _predicate(name: str) -> Callable[[Any], bool]:
    return lambda state: seen(name, state) % 2 == 1


def seen(name: str, state: Any) -> int:
    """Return a number that depends on the name and on everything in the state, and on nothing else."""
    text = name + encode(dict(state), blobs={})
    return int.from_bytes(sha256(text.encode()).digest()[:6])
