"""Graphs that Hypothesis draws: every kind of way on, nodes that are pure functions of what they see.

Owns the shapes; ``test_determinism`` says what must hold of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any, TypedDict

from hypothesis import strategies as st

import nbgraph as ng

FIELDS = ("left", "right")
LIMIT = 9
"""Updates in the log after which every node ends its branch, so that loops end by the state."""


@dataclass(frozen=True)
class NodeShape:
    """What one drawn node does."""

    mode: str
    targets: tuple[int, ...]
    each: bool
    writes: tuple[str, ...]
    fails: bool
    catch: int | None


@dataclass(frozen=True)
class GraphShape:
    """A drawn graph: node 0 starts; ``inner`` nodes form a subgraph that stands for node ``host``."""

    nodes: tuple[NodeShape, ...]
    inner: tuple[NodeShape, ...] = ()
    host: int | None = None


class State(TypedDict):
    """A field of every kind of merging."""

    log: Annotated[list, ng.extend]
    total: Annotated[int, ng.add]
    tags: Annotated[set, ng.union]
    top: Annotated[int, ng.maximum]
    odd: Annotated[str, lambda old, new: old[-40:] + new]
    left: int
    right: int


def _nodes(count: int, *, failing: bool) -> st.SearchStrategy[tuple[NodeShape, ...]]:
    node = st.builds(
        NodeShape,
        mode=st.sampled_from(("edges", "some", "send", "edges", "goto", "some", "stop")),
        targets=st.lists(st.integers(0, count - 1), min_size=2, max_size=3, unique=True).map(tuple),
        each=st.sampled_from((False, False, False, True)),
        writes=st.sampled_from(((), (), (), (), ("left",), ("right",))),
        fails=st.sampled_from((False, False, False, failing)),
        catch=st.sampled_from((None, None, count - 1)),
    )
    return st.tuples(*[node] * count)


@st.composite
def graphs(draw: st.DrawFn) -> GraphShape:
    """Draw a graph of 3 to 10 nodes."""
    nodes = draw(st.integers(4, 7).flatmap(lambda count: _nodes(count, failing=True)))
    host = draw(st.sampled_from((None, None, 1)))
    inner = draw(st.integers(2, 3).flatmap(lambda count: _nodes(count, failing=False))) if host else ()
    return GraphShape(nodes, inner, host)


def seen(name: str, state: Any) -> int:
    """Return a number that depends on everything the node sees, and on nothing else."""
    plain = sorted((field, sorted(value) if isinstance(value, set) else value) for field, value in dict(state).items())
    return int.from_bytes(sha256(repr((name, plain)).encode()).digest()[:6])


def _function(name: str, shape: NodeShape, names: list[str]) -> Any:
    targets = [names[target] for target in shape.targets]

    def node(state: Any) -> Any:
        number = seen(name, state)
        if shape.fails and number % 5 == 0:
            raise ValueError(f"{name} {number}")
        update = {"log": [f"{name}{number % 1000}"], "total": number % 7, "tags": {number % 5}, "top": number % 100}
        update["odd"] = name
        update |= dict.fromkeys(shape.writes, number)
        return ng.Result(update=update, route=_route(shape, targets, number, len(state["log"])))

    return node


def _route(shape: NodeShape, targets: list[str], number: int, length: int) -> Any:
    if length > LIMIT or shape.mode == "stop" or not targets:
        return ng.Stop()
    if shape.mode == "goto":
        return ng.Goto(targets[number % len(targets)])
    if shape.mode == "send":
        return [ng.Send(targets[place % len(targets)], item=place) for place in range(number % 4)]
    return None


def _predicate(place: int) -> Any:
    return lambda state: (state["total"] >> place) & 1


def _add(graph: ng.Graph, shapes: tuple[NodeShape, ...], prefix: str, skip: int | None = None) -> None:
    names = [f"{prefix}{place}" for place in range(len(shapes))]
    for place, shape in enumerate(shapes):
        if place == skip:
            _add_edges(graph, replace(shape, catch=None), names, names[place])
        else:
            graph.node(
                name=names[place],
                join="each" if shape.each else "all",
                routes=[names[t] for t in shape.targets] if shape.mode == "goto" else [],
                sends=[names[t] for t in shape.targets] if shape.mode == "send" else [],
            )(_function(names[place], shape, names))
            _add_edges(graph, shape, names, names[place])


def _add_edges(graph: ng.Graph, shape: NodeShape, names: list[str], name: str) -> None:
    if shape.mode in ("edges", "some"):
        for place, target in enumerate(shape.targets):
            last = place == len(shape.targets) - 1
            if shape.mode == "edges" or len(shape.targets) == 1:
                graph.edge(name, names[target])
            elif last:
                graph.edge(name, names[target], otherwise=True)
            else:
                graph.edge(name, names[target], when=_predicate(place))
    if shape.catch is not None and shape.fails:
        graph.edge(name, names[shape.catch], on_error=True)


def build(shape: GraphShape) -> ng.Graph:
    """Return the graph of a shape, its unreachable nodes left out."""
    graph = ng.Graph(State, name="drawn")
    if shape.host is not None:
        inner = ng.Graph(State, name="inner")
        _add(inner, shape.inner, "i")
        inner.start("i0")
        _drop_unreachable(inner, shape.inner, "i", None)
        graph.node(inner, name=f"n{shape.host}")
    _add(graph, shape.nodes, "n", skip=shape.host)
    graph.start("n0")
    _drop_unreachable(graph, shape.nodes, "n", shape.host)
    return graph


def _drop_unreachable(graph: ng.Graph, shapes: tuple[NodeShape, ...], prefix: str, host: int | None) -> None:
    reached, todo = set(), [0]
    while todo:
        place = todo.pop()
        if place not in reached:
            reached.add(place)
            todo += _targets(shapes[place], is_host=place == host)
    for place in range(len(shapes)):
        if place not in reached:
            graph.remove(f"{prefix}{place}")


def _targets(shape: NodeShape, *, is_host: bool) -> tuple[int, ...]:
    """Return where a node may go; a subgraph's end has no routes of its own."""
    ways = () if shape.mode == "stop" or (is_host and shape.mode in ("goto", "send")) else shape.targets
    return (*ways, shape.catch) if shape.fails and shape.catch is not None and not is_host else ways
