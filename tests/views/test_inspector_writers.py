"""Who wrote a field last: along the ways that a state came from, never by the order of commits."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import pytest

import nbgraph as ng
from nbgraph.views.inspector.writers import INPUT, Writers
from tests.views.histories import ran


class State(TypedDict, total=False):
    n: int
    left: int
    right: int
    found: Annotated[list[int], ng.append]
    given: str


def last(run: Any, node: str, *fields: str, turn: int = -1) -> dict[str, str]:
    """Return field -> node that wrote it last, as the last (or another) task of ``node`` left the state."""
    writers, rows = Writers(), list(run.store.steps(run.id))
    for row in rows:
        writers.add(row)
    nodes = {row.step: row.node for row in rows} | {INPUT: "input"}
    step = [row.step for row in rows if row.node == node][turn]
    return {field: nodes[found] for field, found in writers.last(step, fields).items()}


def test_long_values_and_short_ones_are_found_alike_and_again():
    """However long what a step wrote, it is found, as often as somebody asks."""
    graph = ng.Graph(State, name="long")
    graph.node(name="a")(lambda state: {"given": "x" * 10_000, "n": 1})
    graph.node(name="b", after="a")(lambda state: {"left": 1})
    run = ran(graph)
    writers = Writers()
    for row in run.store.steps(run.id):
        writers.add(row)
    for _ in range(2):
        assert {"given": 1, "n": 1, "left": 2, "right": INPUT} == writers.last(2, ["given", "n", "left", "right"])


@pytest.mark.parametrize("workers", [1, 8])
def test_a_gather_knows_which_branch_wrote_what(workers: int):
    """Behind a gather each field is its branch's, whichever branch ended last."""
    graph = ng.Graph(State, name="branches")
    graph.node(name="a")(lambda state: {"n": 1})
    graph.node(name="b", after="a")(lambda state: {"left": 1})
    graph.node(name="c", after="a")(lambda state: {"right": 1})
    graph.node(name="d", after="c")(lambda state: {})
    graph.node(name="e", after=["b", "d"])(lambda state: {})
    found = last(ran(graph, max_concurrent=workers), "e", "n", "left", "right", "given")
    assert {"n": "a", "left": "b", "right": "c", "given": "input"} == found


def test_a_branch_does_not_know_its_sibling():
    """Before branches gather, a field that only the sibling wrote is still the input's."""
    graph = ng.Graph(State, name="siblings")
    graph.node(name="a")(lambda state: {"n": 1})
    graph.node(name="b", after="a")(lambda state: {"left": 1})
    graph.node(name="c", after="a")(lambda state: {"right": 1})
    assert {"left": "input", "right": "c"} == last(ran(graph, max_concurrent=1), "c", "left", "right")


def test_of_many_sends_the_last_in_order_is_named():
    """A field that all of a map's tasks append to is the last one's in canonical order."""
    graph = ng.Graph(State, name="sends")
    graph.node(name="a", sends="w")(lambda state: [ng.Send("w", item=item) for item in range(5)])
    graph.node(name="w")(lambda state: {"found": state["item"]})
    graph.node(name="z", after="w")(lambda state: {})
    run = ran(graph, max_concurrent=8)
    writers = Writers()
    rows = list(run.store.steps(run.id))
    for row in rows:
        writers.add(row)
    (step,) = writers.last(rows[-1].step, ["found"]).values()
    assert '{"found":4}' == next(row.update for row in rows if row.step == step)


def test_in_a_cycle_the_lap_counts():
    """A field that is written once before a loop stays that step's, one that each lap writes is the latest lap's."""
    graph = ng.Graph(State, name="laps")
    graph.node(name="a")(lambda state: {"n": 0, "given": "x"})
    graph.node(name="b", after="a")(lambda state: {"n": state["n"] + 1})
    graph.edge("b", "b", when=lambda state: state["n"] < 2000)
    run = ran(graph)
    writers = Writers()
    for row in run.store.steps(run.id):
        writers.add(row)
    assert {"n": 1500, "given": 1} == writers.last(1500, ["n", "given"])


def test_an_edit_is_its_own_writer():
    """Behind a fork with a changed state, the changed field is the person's."""
    graph = ng.Graph(State, name="edits")
    graph.node(name="a")(lambda state: {"n": 1, "left": 1})
    graph.node(name="b", after="a")(lambda state: {"right": state["n"]})
    fork = ran(graph).fork(1, update={"n": 7})
    fork.wait()
    writers, rows = Writers(), {row.step: row for row in fork.store.steps(fork.id)}
    for row in rows.values():
        writers.add(row)
    found = writers.last(max(rows), ["n", "left", "right"])
    assert ["edited", "done", "done"] == [rows[found[name]].status for name in ("n", "left", "right")]


def test_what_is_not_known_any_more_is_left_out():
    """Where the rows do not reach back far enough, nothing is said rather than something wrong."""
    writers = Writers()
    run = ran(_line())
    for row in list(run.store.steps(run.id))[1:]:
        writers.add(row)
    assert {"right": 2} == writers.last(2, ["left", "right"])


def _line() -> ng.Graph:
    graph = ng.Graph(State, name="line")
    graph.node(name="a")(lambda state: {"left": 1})
    graph.node(name="b", after="a")(lambda state: {"right": 1})
    return graph
