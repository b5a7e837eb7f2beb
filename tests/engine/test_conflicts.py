"""Rule 5: concurrent updates of a field without reducer, the three policies, and every built-in reducer."""

from __future__ import annotations

import pickle
from typing import Annotated, Any

import pytest

import nbgraph as ng
from nbgraph.engine.conflicts import Writers
from tests.engine.plays import Log, does, every_order, play, ran, refused, run


def sets(value):
    """Return a node that sets x, and logs that it did."""
    return lambda state: {"x": value, "log": value}


FORK = "a > b c; b c > d"


# -- fail


@pytest.mark.parametrize("order", ["bc", "cb"])
def test_the_second_commit_fails_and_nothing_of_it_is_stored(order):
    """Whoever comes second is refused whole: neither its conflicting field nor its others are kept."""
    _, kept = refused(play(FORK, b=sets(1), c=sets(2)), ng.ConflictError, finish=order)
    assert (["a", order[0]], "failed") == (ran(kept), kept.status)
    assert ["a", 1 if order[0] == "b" else 2] == kept.at(2).state["log"]


@pytest.mark.parametrize("order", ["bc", "cb"])
def test_the_error_says_field_nodes_values_and_tasks(order):
    """The facts are the same whoever was second, in canonical order."""
    error, _ = refused(play(FORK, b=sets(1), c=sets(2)), ng.ConflictError, finish=order)
    assert ("x", ("b", "c"), (1, 2), "r") == (error.field, error.nodes, error.values, error.run_id)
    assert 2 == len(set(error.tasks))
    assert "reducer" in error.todo
    assert 'conflicts="last"' in error.todo


def test_the_error_survives_pickling_and_the_store():
    """A conflict reaches another process, and the file, with its facts."""
    error, kept = refused(play(FORK, b=sets(1), c=sets(2)), ng.ConflictError)
    assert ("x", ("b", "c"), (1, 2)) == tuple(
        getattr(pickle.loads(pickle.dumps(error)), f) for f in ("field", "nodes", "values")
    )
    assert ("ConflictError", "x") == (type(kept.error).__name__, kept.error.field)


def test_equal_values_conflict_too():
    """Whether two writes agree today is luck: the graph is wrong either way."""
    assert "x" == refused(play(FORK, b=sets(1), c=sets(1)), ng.ConflictError)[0].field


def test_a_conflict_needs_no_gather():
    """Branches that end apart conflict as soon as the second commits."""
    assert ("b", "c") == refused(play("a > b c", b=sets(1), c=sets(2)), ng.ConflictError)[0].nodes


def test_a_conflict_is_found_deep_in_two_branches():
    """Any two tasks neither of which is an ancestor of the other are concurrent."""
    graph = play("a > b c; b > b2; b2 > b3; c > c2; b3 c2 > d", b2=sets(1), c2=sets(2))
    for order in ("bcb2c2", "cbc2b2"):
        names = ["b", "c", "b2", "c2"] if order.startswith("b") else ["c", "c2", "b", "b2", "b3"]
        assert ("b2", "c2") == refused(graph, ng.ConflictError, finish=names)[0].nodes


def test_two_sends_to_one_node_conflict():
    """A map whose tasks all set one field is a conflict of the node with itself."""
    split = does(lambda state: [ng.Send("w", n=1), ng.Send("w", n=2)], sends="w")
    error, _ = refused(play("a; w > z", a=split, w=lambda state: {"x": state["n"]}), ng.ConflictError)
    assert (("w", "w"), (1, 2)) == (error.nodes, error.values)


def test_of_several_conflicts_the_first_in_canonical_order_is_reported():
    """Three writers: the same pair is named in every completion order."""
    graph = play("a > b c d; b c d > z", b=sets(1), c=sets(2), d=sets(3))
    orders = [["b", "c", "d"], ["d", "c", "b"], ["c", "d", "b"], ["d", "b", "c"]]
    assert {("b", "c")} == {refused(graph, ng.ConflictError, finish=order)[0].nodes for order in orders}


def test_ancestors_and_descendants_do_not_conflict():
    """A field may be set again and again down one line, before a fork, in one branch, behind the gather."""
    graph = play("a > b c; b > b2; b2 c > d; d > e", a=sets(0), b=sets(1), b2=sets(2), d=sets(3), e=sets(4))
    assert {4} == {done.state["x"] for done in every_order(graph, ["b", "c", "b2"])}


def test_branches_that_set_different_fields_do_not_conflict():
    """Conflicts are field by field."""
    graph = play(FORK, {"p": int, "q": int}, a=lambda s: {}, b=lambda s: {"p": 1}, c=lambda s: {"q": 2}, d=lambda s: {})
    assert {"p": 1, "q": 2} == dict(run(graph).state)


def test_two_laps_of_a_fork_do_not_conflict_with_each_other():
    """A branch of this lap is a descendant of every branch of the lap before."""

    def again(state):
        return ng.Goto("a") if state["x"] < 3 else ng.Stop()

    graph = play("a > b c; b c > z", b=lambda s: {"x": s["x"] + 1}, c=lambda s: {"log": "c"}, z=again)
    assert {3} == {done.state["x"] for done in every_order(graph, "bc", {"x": 0})}


def test_a_conflict_is_resumable_once_mended():
    """After a conflict the run goes on with the mended node; what was committed stays."""
    graph = play(FORK, b=sets(1), c=sets(2))
    engine = ng.Engine(graph, max_concurrent=1)
    with pytest.raises(ng.ConflictError):
        engine.run(run_id="r")
    graph.node(name="c")(lambda state: {"log": "mended"})
    assert (["a", 1, "mended", "d"], 1) == (engine.resume("r").state["log"], engine.open("r").state["x"])


# -- last, and a function


def test_last_takes_the_later_in_canonical_order():
    """The later branch wins, not the later to finish."""
    graph = play("a > b c e; b c e > d", b=sets(1), c=sets(2), e=sets(3))
    assert {3} == {done.state["x"] for done in every_order(graph, "bce", conflicts="last")}


def test_a_function_decides_with_field_earlier_and_later():
    """A callable gets the field's name and both values in canonical order; what it returns is the value."""
    asked = set()

    def decide(field, earlier, later):
        asked.add((field, earlier, later))
        return earlier * 10 + later

    graph = play("a > b c e; b c e > d", b=sets(1), c=sets(2), e=sets(3))
    assert {123} == {done.state["x"] for done in every_order(graph, "bce", conflicts=decide)}
    assert {("x", 1, 2), ("x", 12, 3)} == asked


def test_what_a_function_decided_is_in_the_file(tmp_path):
    """A reader without the function sees the value that it chose."""
    graph = play("a > b c; b c > d", b=sets(1), c=sets(2), d=lambda state: {"log": state["x"]})
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", conflicts=lambda field, a, b: a + b)
    engine.run(run_id="r")
    past = ng.open_run(tmp_path / "runs.sqlite", "r")
    assert (3, 3) == (past.state["x"], past.state["log"][-1])
    engine.close()


@pytest.mark.parametrize(
    "policy", ["last", lambda field, earlier, later: max(earlier, later)], ids=["last", "function"]
)
def test_a_policy_leaves_single_writers_alone(policy):
    """Only concurrent updates are decided; one branch's value is taken as it is."""
    assert 1 == run(play(FORK, a=sets(5), b=sets(1)), conflicts=policy).state["x"]


# -- reducers

S = frozenset
REDUCERS: list[tuple[str, Any, Any, Any, Any, Any]] = [
    ("append", Annotated[list, ng.append], ["s"], "b", "c", ["s", "b", "c"]),
    ("extend", Annotated[list, ng.extend], [0], [1, 2], [3], [0, 1, 2, 3]),
    ("add numbers", Annotated[int, ng.add], 1, 2, 4, 7),
    ("add text", Annotated[str, ng.add], "s", "b", "c", "sbc"),
    ("add tuples", Annotated[tuple, ng.add], (0,), (1,), (2,), (0, 1, 2)),
    ("add lists", Annotated[list, ng.add], [0], [1], [2], [0, 1, 2]),
    ("union", Annotated[set, ng.union], {0}, {1}, {0, 2}, {0, 1, 2}),
    ("union frozen", Annotated[frozenset, ng.union], S([0]), S([1]), S([2]), S([0, 1, 2])),
    ("merge", Annotated[dict, ng.merge], {"k": 0}, {"k": 1, "b": 1}, {"k": 2, "c": 2}, {"k": 2, "b": 1, "c": 2}),
    ("maximum", Annotated[int, ng.maximum], 3, 9, 5, 9),
    ("minimum", Annotated[int, ng.minimum], 3, 9, 1, 1),
    ("last", Annotated[int, ng.last], 0, 1, 2, 2),
    ("grow_counter", Annotated[dict, ng.grow_counter], {"a": 1}, {"a": 3}, {"a": 2, "b": 1}, {"a": 3, "b": 1}),
    ("updown_counter", Annotated[dict, ng.updown_counter], {"up": {"a": 1}}, {"down": {"a": 2}}, {"up": {"a": 4}}, {"up": {"a": 4}, "down": {"a": 2}}),
    ("observed_set", Annotated[dict, ng.observed_set], {"added": {"x": ["t"]}}, {"removed": ["t"]}, {"added": {"x": ["u"]}}, {"added": {"x": ["t", "u"]}, "removed": ["t"]}),
    ("lww_map", Annotated[dict, ng.lww_map], {"k": ["s", 1, "a"]}, {"k": ["b", 3, "a"]}, {"k": ["c", 2, "a"]}, {"k": ["b", 3, "a"]}),
    ("custom", Annotated[int, lambda value, update: value * 10 + update], 1, 2, 3, 123),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "start", "b", "c", "expected"), [row[1:] for row in REDUCERS], ids=[row[0] for row in REDUCERS]
)
def test_every_reducer_merges_concurrent_updates(tmp_path, kind, start, b, c, expected):
    """Two branches update one field: merged in edge order in every completion order, and so read from the file."""
    graph = play(
        "a > b c; b c > d", {"v": kind}, a=lambda s: {}, b=lambda s: {"v": b}, c=lambda s: {"v": c}, d=lambda s: {}
    )
    for done in every_order(graph, "bc", {"v": start}):
        assert (expected, type(expected)) == (ng.thaw(done.state["v"]), type(ng.thaw(done.state["v"])))
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite")
    engine.run({"v": start}, run_id="r")
    assert expected == ng.open_run(tmp_path / "runs.sqlite", "r").state["v"]
    engine.close()


@pytest.mark.parametrize(
    ("kind", "start", "b", "c", "expected"), [row[1:] for row in REDUCERS], ids=[row[0] for row in REDUCERS]
)
def test_every_reducer_folds_down_a_chain(kind, start, b, c, expected):
    """The same two updates one after the other give the same value."""
    graph = play("b > c", {"v": kind}, b=lambda s: {"v": b}, c=lambda s: {"v": c})
    assert expected == run(graph, {"v": start}).state["v"]


def test_a_reducer_field_without_input_starts_at_its_identity():
    """append, extend, union, merge and add need no value to start with."""
    schema = {
        "l": Annotated[list, ng.append],
        "s": Annotated[set, ng.union],
        "d": Annotated[dict, ng.merge],
        "n": Annotated[int, ng.add],
    }
    done = run(play("a", schema, a=lambda state: {"l": 1, "s": {2}, "d": {3: 4}, "n": 5}))
    assert {"l": [1], "s": {2}, "d": {3: 4}, "n": 5} == dict(done.state)


def test_a_reducer_without_identity_starts_with_the_first_update():
    """The maximum of one update is that update."""
    graph = play(
        "a > b c", {"m": Annotated[int, ng.maximum]}, a=lambda s: {}, b=lambda s: {"m": -5}, c=lambda s: {"m": -7}
    )
    assert {-5} == {done.state["m"] for done in every_order(graph, "bc")}


def test_reducers_do_not_change_what_they_are_given():
    """A state seen before a merge is the same after it."""
    graph = play("a > b c; b c > d", {"v": Annotated[list, ng.append]}, **{n: lambda s: {"v": 1} for n in "abcd"})
    assert [[1], [1, 1], [1, 1], [1, 1, 1, 1]] == [list(step.state["v"]) for step in run(graph).history()]


def test_a_custom_reducer_that_raises_fails_the_run_and_names_the_node():
    """A reducer's own exception is the failure of the task whose update it could not take."""

    def broken(value, update):
        raise ValueError("cannot")

    graph = play("a > b", {"v": Annotated[int, broken]}, a=lambda s: {}, b=lambda s: {"v": 1})
    error, kept = refused(graph, ng.NodeError, {"v": 0})
    assert ("b", "failed", ["a"]) == (error.node, kept.status, ran(kept))


def test_a_custom_reducer_that_returns_another_type_is_refused():
    """What a reducer makes is checked against the field's type."""
    graph = play("a", {"v": Annotated[int, lambda value, update: "text"]}, a=lambda s: {"v": 1})
    error, _ = refused(graph, ng.UpdateError, {"v": 0})
    assert ("a", "int", "str") == (error.node, error.expected, error.actual)


# -- a whole-graph reducer


def keeps_largest(state, update):
    """Take in an update field by field, the larger value winning, and count the updates."""
    merged = {name: max(value, state.get(name, value)) for name, value in update.items()}
    return {**state, **merged, "count": state.get("count", 0) + 1}


def test_a_whole_graph_reducer_replaces_the_fields_own():
    """It gets state and update, and what it returns is the state; no conflict is left to find."""
    nodes = {"a": lambda s: {"x": 5}, "b": lambda s: {"x": 9}, "c": lambda s: {"x": 7}, "d": lambda s: {"x": 1}}
    graph = play("a > b c; b c > d", {"x": int, "count": int}, reducer=keeps_largest, **nodes)
    for done in every_order(graph, "bc"):
        assert {"x": 9, "count": 4} == dict(done.state)


def test_a_whole_graph_reducers_states_are_in_the_file(tmp_path):
    """A reader without the reducer sees what it made, at every step."""
    nodes = {"a": lambda s: {"x": 5}, "b": lambda s: {"x": 9}, "c": lambda s: {"x": 7}, "d": lambda s: {"x": 1}}
    graph = play("a > b c; b c > d", {"x": int, "count": int}, reducer=keeps_largest, **nodes)
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", max_concurrent=1)
    engine.run(run_id="r")
    past = ng.open_run(tmp_path / "runs.sqlite", "r")
    assert [(5, 1), (9, 2), (7, 2), (9, 4)] == [(s.state["x"], s.state["count"]) for s in past.history()]
    engine.close()


# -- saboteurs


@pytest.mark.parametrize("order", ["bc", "cb"])
def test_saboteur_that_forgets_the_writers_is_noticed(monkeypatch, order):
    """An engine that does not remember who wrote lets the conflict through."""
    monkeypatch.setattr(Writers, "add", lambda self, task, update: None)
    with pytest.raises(AssertionError, match="did not raise"):
        refused(play(FORK, Log, b=sets(1), c=sets(2)), ng.ConflictError, finish=order)
