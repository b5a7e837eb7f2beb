"""Rule 6: where a run goes next, and what happens when nothing leads on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel

import nbgraph as ng
from nbgraph.engine.frontier import Frontier
from tests.engine.plays import does, every_order, play, ran, refused, run, says


def when_x(test):
    """Return a predicate on x."""
    return lambda state: test(state["x"])


def forked(*, otherwise=True):
    """Return a > small, even, else by predicates on x."""
    graph = play("a; small; even; other")
    graph.edge("a", "small", when=when_x(lambda x: x < 10))
    graph.edge("a", "even", when=when_x(lambda x: x % 2 == 0))
    if otherwise:
        graph.edge("a", "other", otherwise=True)
    else:
        graph.remove("other")
    return graph


# -- edges


@pytest.mark.parametrize(("x", "taken"), [(4, ["small", "even"]), (3, ["small"]), (12, ["even"]), (13, ["other"])])
def test_every_edge_whose_predicate_holds_fires_otherwise_the_other(x, taken):
    """All that hold are taken, in edge order; ``otherwise`` only when none did."""
    assert ["a", *taken] == run(forked(), {"x": x}).state["log"]


def test_a_plain_edge_beside_predicates_always_fires():
    """An edge without condition is taken whatever the others say."""
    graph = play("a > always; sometimes")
    graph.edge("a", "sometimes", when=when_x(bool))
    assert [["always"], ["always", "sometimes"]] == [run(graph, {"x": x}).state["log"][1:] for x in (0, 1)]


def test_predicates_see_the_state_after_the_update():
    """A node decides by what it has just written."""
    graph = play("a; b; c", a=lambda state: {"x": 7})
    graph.edge("a", "b", when=when_x(lambda x: x == 7))
    graph.edge("a", "c", otherwise=True)
    assert ["b"] == run(graph, {"x": 0}).state["log"]


def test_predicates_see_a_reduced_field_after_the_update():
    """The field's value is what the reducer made of it, not the update."""
    graph = play(
        "a; a2; b", {"n": Annotated[int, ng.add]}, a=lambda s: {"n": 5}, a2=lambda s: {"n": 0}, b=lambda s: {"n": 100}
    )
    graph.edge("a", "b", when=lambda state: state["n"] == 6)
    graph.edge("a", "a2", otherwise=True)
    assert 106 == run(graph, {"n": 1}).state["n"]


def test_predicates_see_the_private_fields_of_their_branch():
    """A Send's fields may decide where its branch goes."""
    split = does(lambda state: [ng.Send("w", n=n) for n in (1, 2, 3)], sends="w")
    graph = play("a; w; odd", a=split, w=lambda state: None, odd=does(says("odd"), join="each"))
    graph.edge("w", "odd", when=lambda state: state["n"] % 2)
    graph.node(name="even", join="each")(says("even"))
    graph.edge("w", "even", otherwise=True)
    assert ["odd", "even", "odd"] == run(graph).state["log"]


@dataclass
class Count:
    """A state as a dataclass, which holds another."""

    x: int = 1
    inner: Any = None
    log: Annotated[list, ng.append] = field(default_factory=list)


class CountModel(BaseModel):
    """The same as a model."""

    x: int = 1
    inner: Any = None
    log: Annotated[list, ng.append] = []


@pytest.mark.parametrize("schema", [Count, CountModel], ids=["dataclass", "pydantic"])
def test_predicates_and_breakpoints_see_the_record_that_nodes_see(schema):
    """Over a dataclass or model, a predicate is given an instance of it."""
    graph = play("a; b; c", schema, a=lambda state: {"x": 2})
    graph.edge("a", "b", when=lambda state: state.x == 2)
    graph.edge("a", "c", otherwise=True)
    assert ["a", "b"] == ran(run(graph))
    assert ["a"] == ran(ng.Engine(graph).run(before=lambda state: state.x == 2))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda state: state["log"].append("x"), "log"),
        (lambda state: state.update(x=1), "x"),
        (lambda state: setattr(state["inner"], "x", 5), "inner"),
    ],
    ids=["list", "dict", "object"],
)
def test_a_predicate_cannot_change_the_state(change, where):
    """What a predicate is given is as read-only as what a node is given."""
    graph = play("a; b", {"x": int, "log": Annotated[list, ng.append], "inner": Count})
    graph.edge("a", "b", when=change)
    error, kept = refused(graph, ng.IsolationError, {"inner": Count()})
    assert ([], "failed", "a", where) == (ran(kept), kept.status, error.node, error.field)


def test_a_predicate_that_raises_fails_its_node():
    """The step is not committed: where it would go is part of it."""
    graph = play("a; b")
    graph.edge("a", "b", when=lambda state: 1 // 0)
    error, kept = refused(graph, ng.NodeError)
    assert ("a", [], ZeroDivisionError) == (error.node, ran(kept), type(error.__cause__))


# -- routes


def test_a_route_wins_over_edges():
    """A returned Goto is taken, and no edge beside it."""
    graph = play("a > b; c", a=does(lambda state: ng.Goto("c"), routes="c"))
    assert ["a", "c"] == ran(run(graph))


def test_without_a_route_the_edges_decide():
    """A node that may route and does not, goes along its edges."""
    graph = play("a > b; c", a=does(lambda state: None, routes="c"))
    assert ["a", "b"] == ran(run(graph))


def test_stop_ends_a_branch_in_spite_of_edges():
    """Stop wins over edges; other branches go on."""
    graph = play("a > b c; b > b2; c > c2", b=lambda state: ng.Result({"log": "b"}, ng.Stop()))
    for done in every_order(graph, "bc"):
        assert (["a", "b", "c", "c2"], "completed") == (done.state["log"], done.status)


def test_a_list_of_routes_is_a_fork():
    """Several Gotos make concurrent branches, which gather as edges' do."""
    graph = play("a; b; c; b c > z", a=does(lambda state: [ng.Goto("b"), ng.Goto("c")], routes=["b", "c"]))
    for done in every_order(graph, "bc"):
        assert ["b", "c", "z"] == done.state["log"]


def test_a_result_holds_an_update_and_a_route():
    """Result carries both, and a list of routes too."""
    both = does(lambda state: ng.Result({"log": "a"}, [ng.Goto("b"), ng.Send("c", n=1)]), routes="b", sends="c")
    assert ["a", "b", "c"] == run(play("a; b; c", a=both)).state["log"]


def test_a_result_without_route_takes_the_edges():
    """An update in a Result is an update like any other."""
    assert ["A", "b"] == run(play("a > b", a=lambda state: ng.Result({"log": "A"}))).state["log"]


def test_targets_are_read_from_the_source():
    """A Goto with a constant needs no declaration."""

    def a(state):
        return ng.Goto("b") if state["x"] else ng.Goto("c")

    assert [["a", "c"], ["a", "b"]] == [ran(run(play("a; b; c", a=a), {"x": x})) for x in (0, 1)]


def test_targets_are_read_from_the_return_type():
    """A Literal in the annotation declares what the code computes."""

    def a(state) -> ng.Goto[Literal["b", "c"]]:
        return ng.Goto("bc"[state["x"]])

    assert ["a", "c"] == ran(run(play("a; b; c", a=a), {"x": 1}))


@pytest.mark.parametrize(
    ("route", "argument"), [(ng.Goto("c"), "routes=['c']"), (ng.Send("c"), "sends=['c']")], ids=["goto", "send"]
)
def test_a_route_to_an_unknown_target_says_how_to_declare_it(route, argument):
    """The error names node and target, and the argument that would make it known; nothing is stored."""
    graph = play("a; b; c", a=does(lambda state: route, routes="b", sends="b"))
    graph.edge("b", "c")
    error, kept = refused(graph, ng.RouteError)
    assert ("a", "c", []) == (error.node, error.actual, ran(kept))
    assert argument in error.todo


def test_what_is_no_route_and_no_update_is_refused():
    """A string is not a route: the error says what to write."""
    error, _ = refused(play("a > b", a=lambda state: "b"), ng.UpdateError)
    assert "ng.Goto('b')" in error.message


# -- no progress


def test_ways_on_of_which_none_fires_are_no_progress():
    """A node whose predicates all fail stops the run and is named; its step is not kept."""
    error, kept = refused(forked(otherwise=False), ng.NoProgressError, {"x": 13})
    assert ("a", "failed", []) == (error.node, kept.status, ran(kept))
    assert "otherwise=True" in error.todo


def test_a_node_that_may_route_and_does_not_is_no_progress():
    """Declared routes are ways on: without edges, returning none leads nowhere."""
    assert "a" == refused(play("a; b", a=does(says("a"), routes="b")), ng.NoProgressError)[0].node


def test_stop_is_an_end_where_no_way_fires():
    """A node may end its branch although it has ways on."""
    graph = play("a; b", a=lambda state: ng.Result({"log": "a"}, ng.Stop()))
    graph.edge("a", "b", when=lambda state: False)
    assert "completed" == run(graph).status


def test_a_node_without_ways_on_just_ends():
    """The last node of a chain needs no Stop."""
    assert "completed" == run(play("a > b")).status


# -- cycles

FLIP = {"x": int}


def loop(step, ways="a > b; b > a", **options):
    """Return a cycle whose node b does ``step``; x is its only field."""
    return play(ways, FLIP, a=lambda state: None, b=does(step, **options))


def test_a_cycle_that_changes_nothing_is_no_progress_at_once():
    """The second arrival with the same state stops the run, long before max_steps."""
    error, kept = refused(loop(lambda state: None), ng.NoProgressError, {"x": 0})
    assert ("a", ["a", "b"]) == (error.node, ran(kept))


@pytest.mark.parametrize("period", [2, 3, 7])
def test_a_cycle_that_toggles_is_no_progress(period):
    """A state that comes back after two, three or seven laps comes back for ever."""
    error, kept = refused(loop(lambda state: {"x": (state["x"] + 1) % period}), ng.NoProgressError, {"x": 0})
    assert "a" == error.node
    assert 2 * period <= len(ran(kept)) <= 2 * period + 1


def test_a_cycle_of_a_long_period_is_found_too():
    """Hundreds of laps are remembered in little: it is found within a few rounds."""
    error, kept = refused(
        loop(lambda state: {"x": (state["x"] + 1) % 100}), ng.NoProgressError, {"x": 0}, max_steps=2000
    )
    assert ("a", "failed") == (error.node, kept.status)


def test_a_cycle_found_after_a_way_in_is_no_progress():
    """The state may change for a while before it stops to: a tail does not hide the cycle."""
    step = lambda state: {"x": min(state["x"] + 1, 5)}  # noqa: E731 - a node
    _, kept = refused(loop(step), ng.NoProgressError, {"x": 0})
    assert 12 >= len(ran(kept))


def test_a_cycle_that_makes_progress_runs_to_its_end():
    """A loop that changes the state every lap is never stopped, however long it is."""

    def step(state):
        return ng.Result({"x": state["x"] + 1}, ng.Stop() if state["x"] == 500 else ng.Goto("a"))

    assert 501 == run(loop(step), {"x": 0}).state["x"]


@pytest.mark.parametrize(
    "ask", [lambda c: c.rng.random(), lambda c: c.now(), lambda c: c.uuid()], ids=["rng", "now", "uuid"]
)
def test_a_cycle_that_asked_for_luck_may_come_back(ask):
    """A node that used randomness, the clock or an id may decide differently next time."""
    tries = iter(range(10))

    def step(state, ctx):
        ask(ctx)
        return ng.Stop() if next(tries) == 5 else None

    assert "completed" == run(loop(step), {"x": 0}).status


def test_a_node_going_to_itself_without_change_is_no_progress():
    """The shortest cycle there is."""
    graph = play("a", FLIP, a=does(lambda state: ng.Goto("a"), routes="a"))
    assert "a" == refused(graph, ng.NoProgressError, {"x": 0})[0].node


def test_a_cycle_that_sends_on_other_values_is_progress():
    """Private fields are part of what comes round: a large array that differs in one place is another state."""

    def work(state):
        count = int(state["array"][2500])
        array = np.zeros(5000)
        array[2500] = count + 1
        return ng.Stop() if count == 6 else ng.Send("work", array=array)

    graph = play("a; work", a=lambda state: ng.Send("work", array=np.zeros(5000)), work=work)
    assert 8 == len(ran(run(graph)))


def test_an_appending_loop_is_progress():
    """A list that grows is a state that differs, though its items are equal."""
    graph = play(
        "a",
        a=does(
            lambda state: ng.Result({"log": "."}, ng.Goto("a") if len(state["log"]) < 60 else ng.Stop()), routes="a"
        ),
    )
    assert 61 == len(run(graph).state["log"])


def test_no_progress_in_one_branch_is_the_same_in_every_order():
    """A cycle beside another branch is found whatever finishes first."""
    graph = play("s > a c; a > b; b > a; c > c2", FLIP, **{n: lambda state: None for n in ("s", "a", "b", "c", "c2")})
    for order in ("abc", "cab", "bac"):
        assert "a" == refused(graph, ng.NoProgressError, {"x": 0}, finish=[*order, "c2"])[0].node


# -- ends


def test_the_final_state_gathers_all_ends():
    """Branches that stop in different places are all in the result."""
    graph = play("a > b c; c > d e", e=lambda state: ng.Result({"log": "e"}, ng.Stop()))
    for done in every_order(graph, "bcde"):
        assert ["a", "b", "c", "d", "e"] == done.state["log"]


def test_saboteur_that_never_looks_for_cycles_is_noticed(monkeypatch):
    """Without the visits, the cycle runs into max_steps instead."""
    monkeypatch.setattr(Frontier, "_visit", lambda self, task: None)
    assert 50 == refused(loop(lambda state: None), ng.MaxStepsError, {"x": 0}, max_steps=50)[0].limit
