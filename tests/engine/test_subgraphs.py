"""A graph as a node: its nodes are inlined under ``name/`` and follow every rule that others follow."""

from __future__ import annotations

import pytest

import nbgraph as ng
from tests.engine.plays import Log, does, every_order, holding, ids, play, ran, refused, run, says


def visible(run: ng.Run) -> list[str]:
    """Return the committed nodes without the ends of subgraphs, which run no code."""
    return [name for name in ran(run) if name != "sub"]


def test_a_subgraph_runs_in_its_place():
    """Its nodes run between what leads to it and what it leads to, under its name."""
    done = run(holding("a > sub; sub > z", play("p > q", name="inner")))
    assert (["a", "sub/p", "sub/q", "z"], ["a", "p", "q", "z"]) == (visible(done), done.state["log"])


def test_a_subgraph_may_be_the_whole_and_the_start():
    """A graph whose only node is a graph."""
    graph = ng.Graph(Log, name="outer")
    graph.node(play("p > q", name="inner"), name="sub")
    assert ["p", "q"] == run(graph).state["log"]


def test_a_fork_inside_is_gathered_at_its_end():
    """What follows a subgraph runs once, after all its branches, with edge order inside."""
    graph = holding("a > sub; sub > z", play("p > r q; r > s", name="inner"))
    for done in every_order(graph, ["sub/q", "sub/r", "sub/s"]):
        assert (["a", "p", "r", "s", "q", "z"], 1) == (done.state["log"], ran(done).count("z"))


def test_a_subgraph_is_one_branch_among_others():
    """Its updates stand where its edge stands, whoever finishes first."""
    graph = holding("a > b sub c; b sub c > z", play("p > q", name="inner"))
    for done in every_order(graph, ["b", "c", "sub/p", "sub/q"]):
        assert ["a", "b", "p", "q", "c", "z"] == done.state["log"]


def test_arrivals_at_a_subgraph_are_gathered_at_its_start():
    """Two branches that lead to a subgraph start it once."""
    graph = holding("a > b c; b c > sub", play("p > q", name="inner"))
    for done in every_order(graph, "bc"):
        assert ["a", "b", "c", "p", "q"] == done.state["log"]


def test_join_each_on_a_subgraph_runs_it_for_every_arrival():
    """A subgraph can join each as a node can."""
    graph = play("a > b c; b c > sub")
    graph.node(play("p", name="inner"), name="sub", join="each")
    for done in every_order(graph, "bc"):
        assert ["a", "b", "p", "c", "p"] == done.state["log"]


def test_stop_inside_goes_to_the_subgraphs_end():
    """Stop ends the branch inside; the graph around goes on."""
    inner = play("p > q; q > r", name="inner", q=lambda state: ng.Result({"log": "q"}, ng.Stop()))
    assert ["a", "p", "q", "z"] == run(holding("a > sub; sub > z", inner)).state["log"]


def test_a_goto_names_nodes_of_its_own_graph():
    """Inside, targets are the inner names; the names outside may be the same."""
    inner = play(
        "z; a", name="inner", z=does(lambda state: ng.Result({"log": "in z"}, ng.Goto("a")), routes="a"), a=says("in a")
    )
    assert ["a", "in z", "in a", "z"] == run(holding("a > sub; sub > z", inner)).state["log"]


def test_a_goto_to_a_subgraph_enters_it():
    """From outside, a subgraph is a target like a node."""
    graph = holding("a; sub > z", play("p", name="inner"), a=does(lambda state: ng.Goto("sub"), routes="sub"))
    assert ["p", "z"] == run(graph).state["log"]


def test_sends_to_a_subgraph_run_it_side_by_side():
    """Every Send is a run of the subgraph of its own; what follows gathers them all, once."""
    split = does(lambda state: [ng.Send("sub", n=n) for n in (1, 2)], sends="sub")
    inner = play("p", name="inner", p=lambda state: {"log": state["n"]})
    done = run(holding("a; sub > z", inner, a=split))
    assert [1, 2, "z"] == done.state["log"]
    assert 1 == ran(done).count("z")


def test_a_map_over_nothing_to_a_subgraph_goes_on_behind_it():
    """An empty list of Sends to a subgraph: what follows the subgraph still runs, once."""
    split = does(lambda state: [], sends="sub")
    for ways in ("p", "p > q", "p > q r"):
        graph = holding("a; sub > z", play(ways, name="inner"), a=split)
        assert (["z"], "z") == (run(graph).state["log"], ran(run(graph))[-1])


def test_a_map_inside_a_subgraph_is_gathered_by_its_end():
    """Sends inside, with nothing behind them inside, are gathered where the subgraph ends."""
    inner = play(
        "p; q",
        name="inner",
        p=does(lambda s: [ng.Send("q", n=n) for n in (3, 1)], sends="q"),
        q=lambda s: {"log": s["n"]},
    )
    done = run(holding("a > sub; sub > z", inner, z=lambda state: {"log": "n" in state}))
    assert ["a", 3, 1, False] == done.state["log"]


def test_an_empty_map_inside_a_subgraph_goes_to_its_end():
    """A map over nothing at the end of a subgraph: the graph around goes on."""
    inner = play("p; q", name="inner", p=does(lambda s: [], sends="q"))
    assert ["a", "z"] == run(holding("a > sub; sub > z", inner)).state["log"]


def test_predicates_on_a_subgraphs_ways_out_see_what_it_did():
    """An edge from a subgraph decides with the state at its end."""
    graph = holding("a > sub; y; n", play("p", name="inner", p=lambda state: {"x": 5}))
    graph.edge("sub", "y", when=lambda state: state["x"] == 5)
    graph.edge("sub", "n", otherwise=True)
    assert ["a", "y"] == run(graph).state["log"]


def test_a_loop_through_a_subgraph_gathers_lap_by_lap():
    """A cycle may go through a subgraph with a fork inside."""

    def again(state):
        return ng.Result({"log": "|"}, ng.Goto("sub") if len(state["log"]) < 8 else ng.Stop())

    graph = holding("sub > z", play("p > q r", name="inner"), z=again)
    for done in every_order(graph, ["sub/q", "sub/r"]):
        assert ["p", "q", "r", "|"] * 3 == done.state["log"]


def test_subgraphs_nest():
    """A graph in a graph in a graph: names join with a slash, order and gathering hold."""
    innermost = play("u > v w", name="innermost")
    inner = play("p > deep; deep > q", name="inner")
    inner.node(innermost, name="deep")
    done = run(holding("a > sub; sub > z", inner))
    assert ["a", "p", "u", "v", "w", "q", "z"] == done.state["log"]
    assert "sub/deep/v" in ran(done)


def test_one_graph_may_stand_in_two_places():
    """The same graph under two names makes tasks of different identity."""
    inner = play("p", name="inner")
    graph = play("a > one two; one two > z")
    graph.node(inner, name="one")
    graph.node(inner, name="two")
    for done in every_order(graph, ["one/p", "two/p"]):
        assert ["a", "p", "p", "z"] == done.state["log"]
        assert len({task for _, task in ids(done)}) == len(ids(done))


def test_an_error_inside_takes_an_inner_edge_first_and_the_outer_one_else():
    """on_error of the subgraph as a whole catches what its nodes do not."""

    def broken(state):
        raise ValueError("broken")

    graph = holding("a > sub; sub > z; h", play("p > q", name="inner", q=broken))
    graph.edge("sub", "h", on_error=True)
    assert ["a", "p", "h"] == run(graph).state["log"]


def test_an_error_inside_names_the_absolute_node():
    """A failure says which node of which subgraph."""

    def broken(state):
        raise ValueError("broken")

    assert "sub/q" == refused(holding("a > sub", play("p > q", name="inner", q=broken)), ng.NodeError)[0].node


def test_a_conflict_between_inside_and_outside_is_found():
    """A node inside and one outside are concurrent like any two."""
    graph = holding("a > b sub; b sub > z", play("p", name="inner", p=lambda state: {"x": 1}), b=lambda state: {"x": 2})
    assert ("b", "sub/p") == refused(graph, ng.ConflictError)[0].nodes


def test_a_node_inside_cannot_change_its_state_either():
    """Isolation holds under mapped names, and the field is named."""
    inner = play("p", {"notes": list}, name="inner", p=lambda state: state["notes"].append(1))
    graph = holding("a > sub", inner, schema={"memo": list}, fields={"notes": "memo"}, a=lambda state: None)
    error, _ = refused(graph, ng.IsolationError, {"memo": [1]})
    assert "sub/p" == error.node
    assert error.field in ("notes", "memo")


def test_a_run_with_subgraphs_resumes(tmp_path):
    """Stepping through a subgraph one task at a time gives the digest of one go."""
    graph = holding("a > sub b; sub b > z", play("p > q r", name="inner"))
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite")
    whole = engine.run(run_id="whole")
    stepped = engine.run(run_id="stepped", before="a")
    while stepped.status != "completed":
        stepped.step()
    assert whole.digest == stepped.digest
    engine.close()


def test_a_graph_that_holds_itself_is_refused():
    """Recursion is an error of the definition."""
    graph = play("a > sub")
    graph.node(graph, name="sub")
    with pytest.raises(ng.GraphError, match="itself"):
        ng.Engine(graph).run()
