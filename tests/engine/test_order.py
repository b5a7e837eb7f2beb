"""Rule 3: tasks have one canonical order, computed from the graph, never from who finished first."""

from __future__ import annotations

from itertools import count

import pytest

import nbgraph as ng
from nbgraph.engine import frontier
from nbgraph.testing import GatedCrew
from tests.engine.plays import does, every_order, play, run, says


def logs(graph, names, given=None):
    """Return the set of logs that the completion orders of ``names`` give."""
    return {tuple(done.state["log"]) for done in every_order(graph, names, given)}


def test_branches_merge_in_the_order_of_edges():
    """Updates of concurrent branches merge as the edges are written, in every completion order."""
    assert {("a", "c", "b", "d", "z")} == logs(play("a > c b d; b c d > z"), "bcd")


def test_names_and_declaration_order_do_not_matter():
    """Neither the alphabet nor the order in which nodes were declared decides, only the edges."""
    graph = ng.Graph(play("a").schema, name="order")
    for name in ("z", "b", "m", "a"):
        graph.node(name=name)(says(name))
    for name in ("m", "z", "b"):
        graph.edge("a", name)
    graph.start("a")
    assert {("a", "m", "z", "b")} == logs(graph, "bmz")


def test_a_branch_comes_whole_before_the_next_one():
    """All of branch A, however long, stands before branch B, and what gathers them behind both."""
    assert {("a", "b", "b2", "b3", "c", "c2", "z")} == logs(
        play("a > b c; b > b2; b2 > b3; c > c2; b3 c2 > z"), ["b", "c", "c2", "b2"]
    )


def test_forks_in_forks_keep_depth_first_order():
    """Nested branches stand where a depth-first walk by edge index meets them."""
    assert {("a", "b", "d", "e", "c", "f", "g", "z")} == logs(
        play("a > b c; b > d e; c > f g; d e f g > z"), "bcdefg"[:5]
    )


def test_what_follows_a_gather_stands_behind_it():
    """A chain behind a gather goes on behind all that was gathered."""
    assert {("a", "b", "c", "z", "y", "x")} == logs(play("a > b c; b c > z; z > y; y > x"), "bc")


def test_a_partial_gather_stands_behind_what_it_gathers():
    """A gather of two branches of three is behind both; the third keeps its own place in what gathers all."""
    seen = logs(play("a > b c d; b c > m; m d > z"), "bcdm")
    assert 1 == len(seen)
    (log,) = seen
    assert max(log.index("b"), log.index("c")) < log.index("m") < log.index("z") == len(log) - 1


def test_sends_merge_in_the_order_of_the_list():
    """The place in the returned list is the place in the merge."""
    split = does(lambda state: [ng.Send("w", n=n) for n in (5, 3, 9, 1)], sends="w")
    crew = GatedCrew(lambda waiting: len(waiting) - 1)
    graph = play("a; w > z", a=split, w=lambda state: {"log": state["n"]})
    assert [5, 3, 9, 1, "z"] == ng.Engine(graph, executor=crew).run().state["log"]


def test_routes_merge_in_the_order_of_the_list():
    """A list of routes is an order, too: here against the order of the edges."""
    graph = play("a; b; c; d", a=does(lambda state: [ng.Goto("d"), ng.Goto("b"), ng.Goto("c")], routes=["b", "c", "d"]))
    assert {("d", "b", "c")} == logs(graph, "bcd")


def test_a_mixed_list_of_routes_and_sends_keeps_its_order():
    """Goto and Send share one index space."""
    split = does(lambda state: [ng.Send("w", n=1), ng.Goto("b"), ng.Send("w", n=2)], routes="b", sends="w")
    graph = play("a; b; w; b w > z", a=split, w=lambda state: {"log": state["n"]})
    assert {(1, "b", 2, "z")} == logs(graph, "wb")


def test_a_rerun_cell_keeps_an_edges_place():
    """Defining a node or an edge again changes what it does, not where it merges."""
    graph = play("a > b c d; b c d > z")
    graph.node(name="b")(says("B"))
    graph.edge("a", "b")
    assert {("a", "B", "c", "d", "z")} == logs(graph, "bcd")


def test_a_rerun_cell_with_after_keeps_its_place():
    """The same for ``after=``, in every order of running the cells again."""
    graph = ng.Graph(play("a").schema, name="cells")
    for _ in range(2):
        for name in ("a", "c", "b"):
            graph.node(name=name, after=None if name == "a" else "a")(says(name))
    graph.node(name="c", after="a")(says("C"))
    assert {("a", "C", "b")} == logs(graph, "bc")


def test_an_edge_taken_out_and_added_again_goes_last():
    """Only removing gives up a place."""
    graph = play("a > b c")
    graph.remove_edge("a", "b")
    graph.edge("a", "b")
    assert {("a", "c", "b")} == logs(graph, "bc")


def test_ready_tasks_start_in_canonical_order():
    """One worker takes them in the order of the edges, whatever their names."""
    offered = []
    crew = GatedCrew(lambda waiting: offered.append(list(waiting)) or 0)
    ng.Engine(play("a > d b c; b c d > z"), executor=crew).run()
    assert [["a"], ["d", "b", "c"], ["b", "c"], ["c"], ["z"]] == offered


@pytest.mark.parametrize("width", [1, 2, 8, 64])
def test_threads_give_the_order_that_one_worker_gives(width):
    """Real threads at any width merge in the same order."""
    graph = play("a > c b d e; b c d e > z")
    assert ["a", "c", "b", "d", "e", "z"] == ng.Engine(graph, max_concurrent=width).run().state["log"]


def test_async_and_sync_siblings_merge_in_edge_order():
    """What kind of function a node is does not move it."""

    async def waits(state):
        return {"log": "b"}

    graph = play("a > c b d; b c d > z", b=waits)
    for _ in range(5):
        assert ["a", "c", "b", "d", "z"] == ng.Engine(graph).run().state["log"]


def test_the_order_holds_through_two_hundred_laps():
    """In a loop with a fork, every lap's updates stand in edge order; paths do not grow with the laps."""

    def again(state):
        return ng.Goto("a") if len(state["log"]) < 600 else ng.Stop()

    done = run(play("a > c b; c b > z", z=again), finish="bc")
    assert ["a", "c", "b"] * 200 == done.state["log"]


def test_branch_ends_that_nothing_gathers_merge_in_order_too():
    """The final state gathers all branch ends as any node would."""
    assert {("a", "b", "d", "c")} == logs(play("a > b c; b > d"), "bcd")


def test_saboteur_paths_by_arrival_are_noticed(monkeypatch):
    """With paths numbered by completion, the logs differ between orders."""
    numbers = count()
    monkeypatch.setattr(frontier, "arrival_path", lambda parent, branch, fan_out: (next(numbers),))
    monkeypatch.setattr(frontier, "gather_path", lambda paths, place: (next(numbers),))
    assert 1 < len(logs(play("a > b c; b > d; c > e; d e > z"), "bcde"))
