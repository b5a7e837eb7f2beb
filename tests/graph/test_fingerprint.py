"""The fingerprint says what a graph means: not how its cells were run, but every change that matters."""

import itertools
from typing import Annotated

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.graph.definition import Graph


def plain(state):
    return None


def other(state):
    return {"x": 1}


def inner_graph(fn=plain):
    graph = Graph({"n": int}, name="inner")
    graph.node(fn, name="x")
    return graph


SCHEMA = {"x": int, "n": int, "log": Annotated[list[str], ng.append]}

# Each cell says something of its own; those of one source keep their order, all others may run in any.
CELLS = {
    "a": lambda g, **how: g.node(plain, name="a", **how),
    "b": lambda g, **how: g.node(plain, **{"name": "b", "after": "a", **how}),
    "c": lambda g, **how: g.node(plain, **{"name": "c", "after": "a", **how}),
    "d": lambda g, **how: g.node(plain, **{"name": "d", "after": ["b", "c"], "join": "all", **how}),
    "sub": lambda g, fn=plain, **how: g.node(inner_graph(fn), name="sub", after="d", **how),
    "err": lambda g, kind=OSError: g.edge("a", "d", on_error=kind),
    "loop": lambda g, when=lambda s: s["x"] > 1: g.edge("d", "a", when=when),
    "start": lambda g: g.start("a"),
}
ORDERED = [("b", "c", "err"), ("sub", "loop")]
# b and c wait for each other through the loop: their order is part of what the graph means.
CYCLE = ("a", "b", "c", "d")


def build(order, schema=SCHEMA, name="g", **changed):
    graph = Graph(schema, name=name)
    for cell in order:
        CELLS[cell](graph, **changed.get(cell, {}))
    return graph


def first_places_are_in_order(order):
    first = {cell: order.index(cell) for cell in CELLS}
    return all(first[x] < first[y] for group in (*ORDERED, CYCLE) for x, y in itertools.pairwise(group))


@given(st.permutations(list(CELLS)), st.lists(st.sampled_from(sorted(CELLS)), max_size=6))
def test_cells_in_any_order_and_repeated_mean_the_same(order, again):
    """Run order and re-runs leave the fingerprint and the description as they are."""
    for group in (CYCLE, *ORDERED):
        spots = sorted(order.index(cell) for cell in group)
        for spot, cell in zip(spots, group, strict=True):
            order[spot] = cell
    assume(first_places_are_in_order(order))
    graph, reference = build([*order, *again]), build(CELLS)
    assert reference.fingerprint == graph.fingerprint
    assert reference.compile().description == graph.compile().description


EDITS = {
    "name": lambda: build(CELLS, name="h"),
    "field type": lambda: build(CELLS, {**SCHEMA, "x": str}),
    "field name": lambda: build(CELLS, {**SCHEMA, "y": int}),
    "reducer": lambda: build(CELLS, {**SCHEMA, "log": Annotated[list[str], ng.extend]}),
    "custom reducer": lambda: build(CELLS, {**SCHEMA, "log": Annotated[list[str], lambda a, b: a + b]}),
    "other custom reducer": lambda: build(CELLS, {**SCHEMA, "log": Annotated[list[str], lambda a, b: b + a]}),
    "code": lambda: add_node(build(CELLS), other, "b", after="a"),
    "async or ctx": lambda: add_node(build(CELLS), with_ctx, "b", after="a"),
    "order of ways out": lambda: build(["a", "c", "b", "d", "err", "sub", "loop", "start"]),
    "predicate": lambda: build(CELLS, loop={"when": lambda s: s["x"] > 2}),
    "error kind": lambda: build(CELLS, err={"kind": ValueError}),
    "join": lambda: build(CELLS, d={"join": "each"}),
    "retry": lambda: build(CELLS, b={"retry": 2}),
    "retry wait": lambda: build(CELLS, b={"retry": ng.Retry(attempts=2, wait=1)}),
    "timeout": lambda: build(CELLS, b={"timeout": 3}),
    "routes": lambda: build(CELLS, b={"routes": "c"}),
    "sends": lambda: build(CELLS, b={"sends": "c"}),
    "subgraph's code": lambda: build(CELLS, sub={"fn": other}),
    "subgraph's fields": lambda: build(CELLS, sub={"fields": {"n": "x"}}),
    "fewer edges": lambda: build([cell for cell in CELLS if cell != "err"]),
    "order in a cycle": lambda: build(["a", "d", "b", "c", "err", "sub", "loop", "start"]),
}


def with_ctx(state, ctx):
    return None


def add_node(graph, fn, name, **how):
    graph.node(fn, name=name, **how)
    return graph


@pytest.mark.parametrize("edit", EDITS)
def test_every_change_that_matters_changes_the_fingerprint(edit):
    """And each differently: no two edits are taken for one another."""
    prints = {name: make().fingerprint for name, make in EDITS.items()}
    assert build(CELLS).fingerprint != prints[edit]
    assert 1 == sum(value == prints[edit] for value in prints.values())


@pytest.mark.parametrize("how", [{"b": {"limit": 3}}, {"err": {"kind": (OSError,)}}])
def test_what_changes_no_result_leaves_the_fingerprint(how):
    """A limit changes speed only; a tuple of one class is that class."""
    assert build(CELLS).fingerprint == build(CELLS, **how).fingerprint


def test_defaults_of_a_record_are_part_of_what_a_graph_means():
    """Another default is another initial state."""
    import dataclasses

    def made(default):
        cls = dataclasses.make_dataclass("S", [("x", int, dataclasses.field(default=default))])
        graph = Graph(cls, name="g")
        graph.node(plain)
        return graph.fingerprint

    assert made(1) == made(1)
    assert made(1) != made(2)
