"""Rule 2: a node fires once for all its arrivals, as soon as nothing alive can still reach it."""

from __future__ import annotations

import pytest

import nbgraph as ng
from nbgraph.engine.frontier import Frontier
from tests.engine.plays import does, every_order, play, ran, refused, run, says


def laps(count, on):
    """Return a node that goes round ``count`` times, then on to a node."""

    def node(state):
        again = sum(1 for word in state["log"] if word == "lap") < count - 1
        return ng.Result(update={"log": "lap"}, route=ng.Goto("b") if again else ng.Goto(on))

    return does(node, routes=["b", on])


def sends(target, *numbers):
    """Return a node that sends a number to each task of ``target``."""
    return does(lambda state: [ng.Send(target, n=n) for n in numbers], sends=target)


def logs_n(state):
    """Log the private field of a Send."""
    return {"log": state["n"]}


# -- branches


def test_branches_of_unequal_length_are_all_waited_for():
    """A node behind a short and a long branch fires once, after the long one."""
    graph = play("a > b z; b > c; c > d; d > z")
    for done in every_order(graph, "zbcd"):
        assert ["a", "b", "c", "d", "z"] == done.state["log"]


def test_a_branch_that_routing_skipped_is_not_waited_for():
    """A gather fires with the branches that were taken, once none of the others can come."""
    graph = play("a; b c > d; d", a=does(lambda state: ng.Goto("b"), routes=["b", "c"]))
    assert ["a", "b", "d"] == ran(run(graph))


def test_a_branch_that_turns_away_later_is_not_waited_for_any_more():
    """A gather waits while a branch may still come, and stops waiting when it went elsewhere."""
    away = does(lambda state: ng.Result(update={"log": "c"}, route=ng.Stop()))
    for done in every_order(play("a > b c; b c > d", c=away), "bc"):
        assert {"b", "c"} < set(ran(done))
        assert ["a", "b", "d", "c"] == done.state["log"]


def test_a_node_does_not_wait_for_a_branch_that_cannot_reach_it():
    """A side branch may be as slow as it likes."""
    assert ["a", "b", "d", "slow"] == ran(run(play("a > b slow; b > d"), finish=["a", "b", "d"]))


def test_a_diamond_in_a_diamond_fires_every_gather_once():
    """Gathers nest."""
    graph = play("a > b c; b > d e; d e > f; c f > g")
    for done in every_order(graph, "cdef"):
        assert (["a", "b", "d", "e", "f", "c", "g"], 7) == (done.state["log"], len(ran(done)))


def test_a_failed_branch_keeps_the_gather_waiting():
    """What gathers a branch that failed does not run until the failure is mended; then it has both."""

    def broken(state):
        raise ValueError("broken")

    graph = play("a > b c; b c > d", c=broken)
    engine = ng.Engine(graph)
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    assert ["a", "b"] == ran(engine.open("r"))
    graph.node(name="c")(says("c"))
    assert ["a", "b", "c", "d"] == engine.resume("r").state["log"]


@pytest.mark.parametrize("order", ["bch", "cbh", "chb"])
def test_a_caught_branch_is_gathered_behind_its_handler(order):
    """An on_error edge is a way like others: the gather waits for what it leads to."""

    def broken(state):
        raise ValueError("broken")

    graph = play("a > b c; b c > d; h > d", c=broken)
    graph.edge("c", "h", on_error=True)
    assert ["a", "b", "h", "d"] == run(graph, finish=order).state["log"]


def test_an_on_error_edge_may_lead_straight_into_the_gather():
    """A branch that failed and was caught arrives where its on_error edge says, without an update."""

    def broken(state):
        raise ValueError("broken")

    def gather(state, ctx):
        return {"log": [(error.node, error.type) for error in ctx.errors]}

    graph = play("a > b c; b > d", c=broken, d=gather)
    graph.edge("c", "d", on_error=ValueError)
    assert ["a", "b", [("c", "ValueError")]] == run(graph).state["log"]


# -- Sends


def test_what_gathers_a_map_runs_once():
    """Every Send is a task of its own; the node behind them fires once for all."""
    graph = play("a; work > end", a=sends("work", 3, 1, 2), work=logs_n)
    assert [3, 1, 2, "end"] == run(graph).state["log"]


def test_a_map_over_nothing_goes_on_behind_the_map():
    """An empty list of Sends: what gathers the map still runs, once."""
    done = run(play("a; work > end; end > last", a=sends("work"), work=logs_n))
    assert ["a", "end", "last"] == ran(done)


def test_a_map_over_nothing_keeps_its_update():
    """The update beside an empty list of Sends reaches what gathers the map."""
    split = does(lambda state: ng.Result(update={"log": "split"}, route=[]), sends="work")
    assert ["split", "end"] == run(play("a; work > end", a=split, work=logs_n)).state["log"]


def test_a_map_over_nothing_beside_another_branch_is_gathered_with_it():
    """The arrival that goes past an empty map meets the other branch in the same gather."""
    graph = play("s > a b; work > end; b > end", a=sends("work"), work=logs_n)
    for done in every_order(graph, "ab"):
        assert ["s", "b", "end"] == done.state["log"]


def test_a_map_over_nothing_follows_the_skipped_nodes_predicates():
    """The ways behind a skipped node are chosen by its predicates, with the state as it is."""
    graph = play("a; work; even; odd", a=sends("work"), work=logs_n)
    graph.edge("work", "even", when=lambda state: state["x"] % 2 == 0)
    graph.edge("work", "odd", otherwise=True)
    assert ["a", "even"] == ran(run(graph, {"x": 2}))
    assert ["a", "odd"] == ran(run(graph, {"x": 3}))


def test_nested_sends_are_gathered_once():
    """A Send may send further; what is behind all of them waits for all."""
    inner = does(lambda state: [ng.Send("leaf", n=10 * state["n"] + k) for k in range(state["n"])], sends="leaf")
    graph = play("a; inner; leaf > end", a=sends("inner", 2, 1, 3), inner=inner, leaf=logs_n)
    assert [20, 21, 10, 30, 31, 32, "end"] == run(graph).state["log"]


@pytest.mark.parametrize(("outer", "expected"), [((0, 2), [20, 21, "end"]), ((0, 0), ["end"]), ((), ["end"])])
def test_nested_maps_over_nothing_still_reach_the_end_once(outer, expected):
    """Empty maps at any level, some or all of them: the end runs once."""
    inner = does(lambda state: [ng.Send("leaf", n=10 * state["n"] + k) for k in range(state["n"])], sends="leaf")
    graph = play("a; inner; leaf > end", a=sends("inner", *outer), inner=inner, leaf=logs_n)
    assert expected == run(graph).state["log"]


def test_two_sources_may_send_to_one_node():
    """Sends never gather at their target, only behind it."""
    graph = play("s > a b; work > end", a=sends("work", 1, 2), b=sends("work", 3), work=logs_n)
    for done in every_order(graph, "ab"):
        assert ["s", 1, 2, 3, "end"] == done.state["log"]


def test_private_fields_are_seen_down_the_branch_and_not_behind_the_gather():
    """A Send's fields stay visible until the branch is gathered."""
    graph = play(
        "a; work > more; more > end",
        a=sends("work", 1, 2),
        work=logs_n,
        more=does(lambda state: {"log": state["n"] * 10}, join="each"),
        end=lambda state: {"log": "n" in state},
    )
    assert [1, 10, 2, 20, False] == run(graph).state["log"]


def test_a_private_field_may_shadow_a_field_of_the_schema():
    """Down its branch a Send's field hides the shared one; behind the gather the shared one is back."""
    shows_x = lambda state: {"log": state["x"]}  # noqa: E731 - a node, used twice
    split = does(lambda state: [ng.Send("work", x=1), ng.Send("work", x=2)], sends="work")
    done = run(play("a; work > end", a=split, work=shows_x, end=shows_x), {"x": 9})
    assert ([1, 2, 9], 9) == (done.state["log"], done.state["x"])


def test_nested_sends_see_the_outer_sends_fields_too():
    """Private fields add up down a branch; the inner one of the same name wins."""
    outer = does(lambda state: [ng.Send("mid", n=1, m=5), ng.Send("mid", n=2, m=6)], sends="mid")
    mid = does(lambda state: [ng.Send("leaf", n=7), ng.Send("leaf", n=8)], sends="leaf")
    leaf = lambda state: {"log": (state["n"], state["m"])}  # noqa: E731 - a node
    assert [(7, 5), (8, 5), (7, 6), (8, 6)] == run(play("a; mid; leaf", a=outer, mid=mid, leaf=leaf)).state["log"]


def test_siblings_do_not_see_each_others_private_fields():
    """A Send's fields are those of its own branch."""
    split = does(lambda state: [ng.Send("work", left=1), ng.Send("work", right=2)], sends="work")
    graph = play("a; work", a=split, work=lambda state: {"log": sorted({"left", "right"} & set(state))})
    assert [["left"], ["right"]] == run(graph).state["log"]


# -- loops


def test_a_loop_into_a_join_is_waited_for():
    """A gather beside a loop fires when the loop has ended, once."""
    for order in ("bc", "cb"):
        assert ["a", "lap", "lap", "lap", "c", "d"] == run(
            play("a > b c; c > d; d", b=laps(3, "d")), finish=order
        ).state["log"]


def test_a_loop_never_waits_for_itself():
    """The only task alive goes round without a gather."""
    assert ["lap"] * 5 + ["end"] == run(play("b; end", b=laps(5, "end"))).state["log"]


def test_a_join_inside_a_loop_gathers_lap_by_lap():
    """A fork and a gather inside a cycle unite anew in every lap."""

    def again(state):
        return ng.Result(update={"log": "|"}, route=ng.Goto("a") if len(state["log"]) < 8 else ng.Stop())

    for done in every_order(play("a > b c; b c > z", z=again), "bc"):
        assert ["a", "b", "c", "|"] * 3 == done.state["log"]


@pytest.mark.parametrize("declared", ["xy", "yx"])
def test_of_two_nodes_that_wait_for_each_other_the_one_declared_first_fires(declared):
    """Two nodes in a cycle with arrivals at both: declaration order decides, and the second gathers the first."""
    fork = does(lambda state: [ng.Goto("x"), ng.Goto("y")], routes=["x", "y"])
    ends = lambda word: lambda state: ng.Result({"log": word}, ng.Stop() if state["log"] else None)  # noqa: E731 - two nodes
    graph = play(f"a; {declared[0]}; {declared[1]}; x > y; y > x", a=fork, x=ends("x"), y=ends("y"))
    for done in every_order(graph, "xy"):
        assert (["a", *declared], list(declared)) == (ran(done), done.state["log"])


# -- join="each"


def test_join_each_fires_for_every_arrival():
    """A node that joins each runs once per arrival, and its ways are gathered behind it."""
    for done in every_order(play("a > b c; b c > d; d > e", d=does(says("d"), join="each")), "bc"):
        assert (["a", "b", "d", "c", "d", "e"], 2) == (done.state["log"], ran(done).count("d"))


def test_join_each_does_not_wait():
    """An arrival fires at once, while another branch is still running."""
    assert ["a", "b", "d", "c", "d"] == ran(run(play("a > b c; b c > d", d=does(says("d"), join="each")), finish="abd"))


def test_join_each_sees_its_own_branch_only():
    """Each firing has the state of the arrival that it is for."""
    each = does(lambda state: {"log": list(state["log"])}, join="each")
    assert [["a", "b"], ["a", "c"]] == [
        word for word in run(play("a > b c; b c > d", d=each)).state["log"] if type(word) is not str
    ]


# -- unknown routes, and the saboteur


def test_a_node_that_sends_or_goes_to_an_undeclared_target_is_refused():
    """What is not known beforehand cannot be waited for: the error says how to declare it."""
    error, _ = refused(play("a; b", a=does(lambda state: ng.Goto("".join("c")), routes=["b"])), ng.RouteError)
    assert ("a", "c") == (error.node, error.actual)
    assert "routes=['c']" in error.todo


def test_saboteur_a_gather_that_does_not_wait_is_noticed(monkeypatch):
    """With readiness that never blocks, the unequal branches come in one by one."""
    monkeypatch.setattr(Frontier, "_blocked", lambda self, name: False)
    assert {("a", "b", "c", "d", "z")} != {
        tuple(ran(done)) for done in every_order(play("a > b z; b > c; c > d; d > z"), "zbcd")
    }
