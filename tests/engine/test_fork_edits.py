"""Edits of a fork: what update= and state= do to the state, to the ways on, and to branches that are under way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Annotated, Any

import pytest

import nbgraph as ng
from nbgraph.testing import GatedCrew
from tests.engine.pasts import GIVEN, State, adding, adds, choosing, sends, works
from tests.engine.plays import does, finishing, play, ran
from tests.engine.stage import counting


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    """A store of each kind."""
    made = (
        ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal") if request.param == "file" else ng.MemoryStore()
    )
    yield made
    made.close()


def forked(graph, step, *, store=None, again=True, given=GIVEN, **how):
    """Run a graph, fork it; check that the file, a resume and a replay say of the fork what it says; return it."""
    engine = ng.Engine(graph, store=store or ng.MemoryStore())
    engine.run(given, run_id="r")
    fork = engine.fork("r", step, new_id="f", **how)
    edited = next((step for step in fork.history() if step.status == "edited"), None)
    assert (engine.open("f").state, fork.replay().ok) == (fork.state, True)
    assert [step.state for step in fork.history()] == [fork.at(step.step).state for step in fork.history()]
    if again and edited is not None:  # from the rows alone, it goes the same way once more
        assert engine.fork("f", edited.step).digest == fork.digest
    assert [] == list(engine.store.verify())
    return fork


# -- one task alone


def test_update_goes_through_the_reducers(store):
    """``update`` is taken in after the step as a node's return would be, whatever the reducer."""
    fork = forked(adding("a > b; b > c"), 2, store=store, update={"log": "e", "total": 10, "own": "e", "x": 7})
    assert fork.at(3).state == {"log": ["a", "b", "e"], "total": 11, "own": "(((a)b)e)", "x": 7}
    assert fork.state == {"log": ["a", "b", "e", "c"], "total": 14, "own": "((((a)b)e)c)", "x": 7}


def test_state_replaces(store):
    """``state`` puts fields in place as they are; those that it does not name stay."""
    fork = forked(adding("a > b; b > c"), 2, store=store, state={"log": ["new"], "own": "new", "x": 7})
    assert fork.at(3).state == {"log": ["new"], "total": 1, "own": "new", "x": 7}
    assert fork.state == {"log": ["new", "c"], "total": 2, "own": "(newc)", "x": 7}


def test_update_and_state(store):
    """Both in one edit are one step."""
    fork = forked(adding("a > b; b > c"), 1, store=store, update={"log": "e"}, state={"own": "new", "total": 5})
    assert (len(fork.tasks), fork.at(2).state) == (4, {"log": ["a", "e"], "total": 5, "own": "new", "x": 1})


@pytest.mark.parametrize("how", [{"update": {"x": 9, "log": "e"}}, {"state": {"x": 9, "log": ["e"]}}])
def test_edited_input(how, store):
    """At step 0 the input is edited; the fork's input is still the parent's, and step 1 is the edit."""
    fork = forked(choosing(), 0, store=store, **how)
    assert (ran(fork), fork.state["log"]) == (["", "a", "right", "end"], ["e", "a", "right", "end"])
    assert (fork.input, fork.at(1).status) == (GIVEN, "edited")


def test_edit_at_the_end(store):
    """Edited at the last step of a completed run, the fork completes with the edited state and executes nothing."""
    fork = forked(adding("a > b"), None, store=store, state={"log": ["all"]})
    assert (fork.status, fork.state["log"], ran(fork)) == ("completed", ["all"], ["a", "b", "b"])


@pytest.mark.parametrize(("x", "way"), [(4, "left"), (9, "right")])
@pytest.mark.parametrize("before", [4, 9])
def test_predicates_decide_again(before, x, way, store):
    """Edges, ``otherwise`` too, are decided by the edited state, whatever they were decided by then."""
    fork = forked(choosing(), 1, store=store, given=GIVEN | {"x": before}, update={"x": x})
    assert fork.state["log"] == ["a", way, "end"]


@pytest.mark.parametrize("how", [{}, {"update": {"x": 1}}])
def test_todays_edges_decide(how):
    """A fork follows today's edges, with an edit or without; where these lead on as they did, it is the same run."""
    graph = choosing()
    engine = ng.Engine(graph)
    run = engine.run(GIVEN, run_id="r")
    graph.edge("a", "left", when=lambda state: state["x"] < 4)
    assert engine.fork("r", 1, **how).state == run.state
    graph.edge("a", "left", when=lambda state: False)
    assert engine.fork("r", 1, **how).state["log"] == ["a", "right", "end"]
    graph.edge("a", "left", when=lambda state: state["nothing"])
    with pytest.raises(ng.StateError, match="nothing"):
        engine.fork("r", 1, **how)


def test_a_route_of_the_node_stays():
    """Where the node itself said where to go, or a failure did, an edit changes nothing about it."""
    go = does(lambda state: ng.Result(update={"log": "a"}, route=ng.Goto("b")), routes=["b"])
    fork = forked(adding("a > c; b c > end", a=go), 1, update={"log": "e"})
    assert fork.state["log"] == ["a", "e", "b", "end"]
    graph = adding("a > b", a=does(lambda state: ng.Stop()))
    assert forked(graph, 1, update={"log": "e"}).state["log"] == ["e"]


def test_no_way_on():
    """An edit after which no edge fires is refused as it would be for a node."""
    graph = adding("a")
    graph.node(name="b")(adds("b"))
    graph.edge("a", "b", when=lambda state: state["x"] == 1)
    with pytest.raises(ng.NoProgressError, match="'a'"):
        forked(graph, 1, update={"x": 2})


@pytest.mark.parametrize("step", [3, 99, 100, 130])
def test_a_loop_set_back(step, store):
    """Set back to a state that it had before, a loop runs on from there: an edit is no lack of progress."""
    fork = forked(counting(140), step, store=store, given={"count": 0}, state={"count": 0})
    assert (fork.state["count"], len(fork.tasks)) == (140, step + 1 + 141)


def test_records():
    """An edit of a dataclass's fields is checked and taken in as a node's update is."""

    @dataclass
    class Record:
        log: Annotated[list[str], ng.append]
        x: int = 0

    def writes(state):
        return {"log": f"x={state.x}"}

    graph = play("a > b", Record, a=writes, b=writes)
    assert forked(graph, 1, given={}, update={"x": 3}).state == Record(["x=0", "x=3"], 3)
    assert forked(graph, 1, given={}, state={"log": []}).state == Record(["x=0"], 0)


def test_whole_graph_reducer(store):
    """With a reducer for the whole state ``update`` goes through it, ``state`` past it."""

    def keeps(state, update):
        return {**state, "log": [*state.get("log", []), *sorted(update)]}

    graph = play("a > b", {"log": list, "x": int}, reducer=keeps, a=lambda state: {"x": 1}, b=lambda state: {"x": 2})
    assert forked(graph, 1, store=store, given={}, update={"log": ["?"]}).state == {"log": ["x", "log", "x"]}


def test_whole_graph_reducer_replaced(store):
    """The same for a replaced field: it is there for the next node, live and from the file."""

    def keeps(state, update):
        return {**state, "log": [*state.get("log", []), *sorted(update)]}

    graph = play("a > b", {"log": list, "x": int}, reducer=keeps, a=lambda state: {"x": 1}, b=lambda state: {"x": 2})
    assert forked(graph, 1, store=store, given={}, state={"log": ["?"]}).state == {"log": ["?", "x"]}


# -- beside other branches


@pytest.mark.parametrize("order", list(permutations("bcd")))
def test_edit_beside_other_branches(order, store):
    """An edit is its task's: seen down its branch only, merged at the gather where that task's update is."""
    graph = adding("a > b c d; b c d > end")
    engine = ng.Engine(graph, store=store, executor=finishing(order), max_concurrent=8)
    engine.run(GIVEN, run_id="r")
    fork = engine.fork("r", 2, update={"log": "e", "own": "e", "total": 100})
    names = ["b", "c", "d"]
    names.insert(names.index(order[0]) + 1, "e")
    assert fork.state["log"] == ["a", *names, "end"]
    assert fork.state["own"].replace("(", "").replace(")", "") == "a" + "".join(names) + "end"
    assert [fork.at(step).state for step in range(7)] == [fork.input, *(step.state for step in fork.history())]
    assert engine.fork(fork.id, 3).digest == fork.digest


def test_two_edits_of_two_branches(store):
    """A fork of a fork that edits the other branch: both edits meet at the gather, in the order of the edges."""
    engine = ng.Engine(adding("a > b c; b c > end"), store=store, executor=finishing("cb"), max_concurrent=8)
    engine.run(GIVEN, run_id="r")
    engine.fork("r", 2, update={"log": "after c", "x": 3}, new_id="f")
    fork = engine.fork("f", 4, update={"log": "after b"})
    assert (fork.state["log"], fork.state["x"]) == (["a", "b", "after b", "c", "after c", "end"], 3)


@pytest.mark.parametrize("first", ["b", "c"])
def test_edited_field_of_one_branch_only(first, store):
    """A field without reducer that only the edit writes has the edited value behind the gather."""
    engine = ng.Engine(adding("a > b c; b c > end"), store=store, executor=finishing([first]), max_concurrent=8)
    engine.run(GIVEN, run_id="r")
    for how in ({"update": {"x": 8}}, {"state": {"x": 8}}):
        fork = engine.fork("r", 2, **how)
        assert (fork.state["x"], fork.at(4).state["x"], fork.at(5).state["x"]) == (8, 1, 8)


@pytest.mark.parametrize("how", [{"update": {"x": 8}}, {"state": {"x": 8}}])
def test_edit_then_a_sibling_writes(how, store):
    """An edit is a write: a branch beside it that writes the same field without reducer conflicts with it."""
    graph = adding("a > b c; b c > end", c=lambda state: {"x": 5})
    engine = ng.Engine(graph, store=store, executor=finishing("bc"), max_concurrent=8)
    engine.run(GIVEN, run_id="r")
    with pytest.raises(ng.ConflictError, match="'x'") as refused:
        engine.fork("r", 2, new_id="f", **how)
    assert (refused.value.nodes, refused.value.values) == (("b", "c"), (8, 5))
    with pytest.raises(ng.ConflictError):
        engine.resume("f")
    last = ng.Engine(graph, store=store, conflicts="last", executor=finishing("bc"), max_concurrent=8)
    assert last.fork("r", 2, **how).state["x"] == 5


@pytest.mark.parametrize("how", [{"update": {"x": 8}}, {"state": {"x": 8}}])
def test_a_sibling_wrote_then_edit(how, store):
    """An edit of a field that a branch beside it has written is refused, and no fork is left over."""
    graph = adding("a > b c; b c > end", c=lambda state: {"x": 5})
    engine = ng.Engine(graph, store=store, executor=finishing("cb"), max_concurrent=8)
    engine.run(GIVEN, run_id="r")
    with pytest.raises(ng.ConflictError, match="'x'"):
        engine.fork("r", 3, **how)
    assert list(engine.runs().run_id) == ["r"]
    last = ng.Engine(graph, store=store, conflicts="last", executor=finishing("cb"), max_concurrent=8)
    assert last.fork("r", 3, **how).state["x"] == 5


def test_own_write_edited_beside_others(store):
    """A task's own write may be edited: the edit comes after it, and does not conflict with it."""
    graph = adding("a > b c; b > d; d c > end", b=lambda state: {"x": 5}, d=lambda state: {"x": state["x"] + 1})
    engine = ng.Engine(graph, store=store, executor=finishing("bc"), max_concurrent=8)
    engine.run(GIVEN, run_id="r")
    assert engine.fork("r", 2, update={"x": 8}).state["x"] == 9
    assert engine.fork("r", 2, state={"x": 8}).state["x"] == 9


def test_replacing_a_merged_field_beside_others(store):
    """A field with a reducer cannot be replaced while other branches merge into it: refused, saying what to do."""
    engine = ng.Engine(adding("a > b c; b c > end"), store=store, executor=finishing("bc"), max_concurrent=8)
    engine.run(GIVEN, run_id="r")
    for step in (2, 3):
        with pytest.raises(ng.StateError, match="'log'") as refused:
            engine.fork("r", step, state={"log": []}, new_id="f")
        assert (refused.value.field, "update=" in refused.value.todo) == (
            "log",
            step == 2 or "update=" in refused.value.todo,
        )
    assert engine.fork("r", 1, state={"log": []}).state["log"] == ["b", "c", "end"]
    assert engine.fork("r", 4, state={"log": []}).state["log"] == []


def test_edit_in_a_send_branch(store):
    """An edit of one Send's branch is merged at that Send's place."""
    graph = adding("a > split; work > end", split=does(sends, sends="work"), work=works)
    engine = ng.Engine(graph, store=store, max_concurrent=1)
    run = engine.run(GIVEN, run_id="r")
    assert run.state["log"] == ["a", 0, 1, 2, "end"]
    assert engine.fork("r", 4, update={"log": "e"}).state["log"] == ["a", 0, 1, "e", 2, "end"]
    assert engine.fork("r", 2, update={"log": "e"}).state["log"] == ["a", "e", 0, 1, 2, "end"]


def test_edit_in_a_subgraph(store):
    """An edit inside a subgraph is of the whole state, by the names of the outer graph."""
    inner = play(
        "i > j",
        {"words": Annotated[list[Any], ng.append]},
        name="sub",
        i=lambda s: {"words": "i"},
        j=lambda s: {"words": "j"},
    )
    graph = play("a > sub", State, a=adds("a"))
    graph.node(inner, name="sub", fields={"words": "log"})
    assert forked(graph, 2, store=store, update={"log": "e"}).state["log"] == ["a", "i", "e", "j"]
    with pytest.raises(ng.StateError, match="words"):
        forked(graph, 2, update={"words": "e"})


def test_edit_while_every_order_finishes():
    """Which branch of the fork finishes first does not show in its result."""
    digests = set()
    for order in permutations("cde"):
        engine = ng.Engine(adding("a > b c d e; b c d e > end"), executor=finishing(["b", *order]), max_concurrent=8)
        assert isinstance(engine.options.executor, GatedCrew)
        engine.run(GIVEN, run_id="r")
        fork = engine.fork("r", 2, update={"log": "edit", "own": "!", "x": 3})
        digests.add((fork.digest, str(fork.state)))
    assert len(digests) == 1
