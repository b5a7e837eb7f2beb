"""Rule 8: changing the given state in place is detected, whatever way it is done, and nobody else sees it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

import nbgraph as ng
from nbgraph.engine import settling
from tests.engine.plays import after, play, ran, refused, run


class Colour(enum.Enum):
    """A value that cannot be changed, beside those that can."""

    RED = 1


class Pair(NamedTuple):
    """A tuple that holds a list."""

    left: list
    right: int


@dataclass
class Point:
    """A value of a field: a dataclass that can be changed."""

    x: int = 1
    trail: list = field(default_factory=lambda: [1])
    inner: Any = None


@dataclass(slots=True)
class Slotted:
    """A dataclass without ``__dict__``."""

    x: int = 1


class Model(BaseModel):
    """A value of a field: a pydantic model."""

    n: int = 1
    items: list[int] = [1]


FIELDS = {
    "x": int,
    "items": list,
    "table": dict,
    "tags": set,
    "pair": tuple,
    "named": Pair,
    "point": Point,
    "slotted": Slotted,
    "model": Model,
    "array": np.ndarray,
    "frame": pd.DataFrame,
    "series": pd.Series,
    "deep": Any,
    "log": Annotated[list, ng.append],
}


def given() -> dict[str, Any]:
    """Return a state that holds something of every kind that can be changed in place."""
    return {
        "x": 1,
        "items": [3, 1, [2, 2], {"k": [1]}],
        "table": {"k": 1, "m": {"n": [1]}, "s": {1}},
        "tags": {1, 2},
        "pair": ([1], {"k": 1}),
        "named": Pair([1], 2),
        "point": Point(x=3, inner=Point(x=4)),
        "slotted": Slotted(),
        "model": Model(),
        "array": np.arange(4.0),
        "frame": pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        "series": pd.Series([1, 2]),
        "deep": [{"k": (Point(), [np.zeros(2)])}],
    }


def shown(state: Any) -> str:
    """Return a state as text, its log left out."""
    return repr([(name, sorted(state[name]) if name == "tags" else ng.thaw(state[name])) for name in given()])


def sets_attribute(name: str, value: Any) -> Callable[[Any], None]:
    return lambda target: setattr(target, name, value)


def deletes(key: Any) -> Callable[[Any], None]:
    return lambda target: target.__delitem__(key)


def adds_in_place(target: Any, other: Any) -> None:
    target += other


def ors_in_place(target: Any, other: Any) -> None:
    target |= other


def sorts_frame(state: Any) -> None:
    state["frame"].sort_values("a", ascending=False, inplace=True)  # noqa: PD002 - in place is the point


# What is done to the state, and the field that the error names (None: all of them).
CHANGES: dict[str, tuple[Callable[[Any], Any], str | None]] = {
    "state[k] = v": (lambda s: s.__setitem__("x", 2), "x"),
    "state[k] = same": (lambda s: s.__setitem__("x", s["x"]), "x"),
    "state[new] = v": (lambda s: s.__setitem__("fresh", 2), "fresh"),
    "state[k] += 1": (lambda s: s.__setitem__("x", s["x"] + 1), "x"),
    "del state[k]": (deletes("x"), "x"),
    "state.update(dict)": (lambda s: s.update({"x": 2}), "x"),
    "state.update(k=v)": (lambda s: s.update(x=2), "x"),
    "state.update(pairs)": (lambda s: s.update([("x", 2)]), "x"),
    "state.pop(k)": (lambda s: s.pop("x"), "x"),
    "state.pop(k, default)": (lambda s: s.pop("x", None), "x"),
    "state |= dict": (lambda s: ors_in_place(s, {"x": 2}), "x"),
    "state.setdefault(new)": (lambda s: s.setdefault("fresh", []), "fresh"),
    "state.clear()": (lambda s: s.clear(), None),
    "state.popitem()": (lambda s: s.popitem(), None),
    "list.append": (lambda s: s["items"].append(1), "items"),
    "list.extend": (lambda s: s["items"].extend([1]), "items"),
    "list.insert": (lambda s: s["items"].insert(0, 1), "items"),
    "list.pop": (lambda s: s["items"].pop(), "items"),
    "list.remove": (lambda s: s["items"].remove(3), "items"),
    "list.clear": (lambda s: s["items"].clear(), "items"),
    "list.sort": (lambda s: s["items"].sort(key=str), "items"),
    "list.reverse": (lambda s: s["items"].reverse(), "items"),
    "list[i] = v": (lambda s: s["items"].__setitem__(0, 9), "items"),
    "list[i:j] = v": (lambda s: s["items"].__setitem__(slice(0, 2), []), "items"),
    "del list[i]": (lambda s: deletes(0)(s["items"]), "items"),
    "del list[i:j]": (lambda s: deletes(slice(0, 2))(s["items"]), "items"),
    "list += list": (lambda s: adds_in_place(s["items"], [1]), "items"),
    "list *= 2": (lambda s: s["items"].__imul__(2), "items"),
    "list in list": (lambda s: s["items"][2].append(1), "items"),
    "list in dict in list": (lambda s: s["items"][3]["k"].append(1), "items"),
    "append to a log": (lambda s: s["log"].append("x"), "log"),
    "dict[k] = v": (lambda s: s["table"].__setitem__("k", 2), "table"),
    "del dict[k]": (lambda s: deletes("k")(s["table"]), "table"),
    "dict.update": (lambda s: s["table"].update(k=2), "table"),
    "dict.pop": (lambda s: s["table"].pop("k"), "table"),
    "dict.popitem": (lambda s: s["table"].popitem(), "table"),
    "dict.setdefault": (lambda s: s["table"].setdefault("new", 1), "table"),
    "dict.clear": (lambda s: s["table"].clear(), "table"),
    "dict |= dict": (lambda s: ors_in_place(s["table"], {"k": 2}), "table"),
    "dict in dict": (lambda s: s["table"]["m"].clear(), "table"),
    "list in dict in dict": (lambda s: s["table"]["m"]["n"].append(1), "table"),
    "set in dict": (lambda s: s["table"]["s"].add(2), "table"),
    "dict.values() item": (lambda s: list(s["table"].values())[1].clear(), "table"),
    "set.add": (lambda s: s["tags"].add(3), "tags"),
    "set.discard": (lambda s: s["tags"].discard(1), "tags"),
    "set.remove": (lambda s: s["tags"].remove(1), "tags"),
    "set.pop": (lambda s: s["tags"].pop(), "tags"),
    "set.clear": (lambda s: s["tags"].clear(), "tags"),
    "set.update": (lambda s: s["tags"].update([3]), "tags"),
    "set.intersection_update": (lambda s: s["tags"].intersection_update([1]), "tags"),
    "set.difference_update": (lambda s: s["tags"].difference_update([1]), "tags"),
    "set.symmetric_difference_update": (lambda s: s["tags"].symmetric_difference_update([1]), "tags"),
    "set |= set": (lambda s: ors_in_place(s["tags"], {3}), "tags"),
    "set &= set": (lambda s: s["tags"].__iand__({1}), "tags"),
    "set -= set": (lambda s: s["tags"].__isub__({1}), "tags"),
    "set ^= set": (lambda s: s["tags"].__ixor__({1}), "tags"),
    "list in tuple": (lambda s: s["pair"][0].append(1), "pair"),
    "dict in tuple": (lambda s: s["pair"][1].update(k=2), "pair"),
    "list in named tuple": (lambda s: s["named"].left.append(1), "named"),
    "dataclass.attribute = v": (lambda s: sets_attribute("x", 2)(s["point"]), "point"),
    "dataclass.new = v": (lambda s: sets_attribute("fresh", 2)(s["point"]), "point"),
    "del dataclass.attribute": (lambda s: delattr(s["point"], "x"), "point"),
    "object.__setattr__": (lambda s: object.__setattr__(s["point"], "x", 2), "point"),
    "vars(dataclass).update": (lambda s: vars(s["point"]).update(x=2), "point"),
    "list in dataclass": (lambda s: s["point"].trail.append(1), "point"),
    "dataclass in dataclass": (lambda s: sets_attribute("x", 2)(s["point"].inner), "point"),
    "list in dataclass in dataclass": (lambda s: s["point"].inner.trail.clear(), "point"),
    "slotted dataclass": (lambda s: sets_attribute("x", 2)(s["slotted"]), "slotted"),
    "model.attribute = v": (lambda s: sets_attribute("n", 2)(s["model"]), "model"),
    "list in model": (lambda s: s["model"].items.append(1), "model"),
    "vars(model).update": (lambda s: vars(s["model"]).update(n=2), "model"),
    "array[i] = v": (lambda s: s["array"].__setitem__(0, 9), "array"),
    "array += 1": (lambda s: adds_in_place(s["array"], 1), "array"),
    "array.sort": (lambda s: s["array"][::-1].sort(), "array"),
    "array.fill": (lambda s: s["array"].fill(9), "array"),
    "view of array": (lambda s: s["array"][1:].fill(9), "array"),
    "np.put": (lambda s: np.put(s["array"], 0, 9), "array"),
    "array out=": (lambda s: np.negative(s["array"], out=s["array"]), "array"),
    "frame[column] = v": (lambda s: s["frame"].__setitem__("c", 1), "frame"),
    "frame.loc[i, c] = v": (lambda s: s["frame"].loc.__setitem__((0, "a"), 9), "frame"),
    "frame.drop(inplace)": (lambda s: s["frame"].drop(columns="a", inplace=True), "frame"),  # noqa: PD002 - the point
    "frame.sort_values(inplace)": (sorts_frame, "frame"),
    "frame.insert": (lambda s: s["frame"].insert(0, "z", 1), "frame"),
    "frame.columns = v": (lambda s: sets_attribute("columns", ["p", "q"])(s["frame"]), "frame"),
    "series[i] = v": (lambda s: s["series"].__setitem__(0, 9), "series"),
    "series.index = v": (lambda s: sets_attribute("index", [5, 6])(s["series"]), "series"),
    "dataclass in tuple in dict in list": (lambda s: sets_attribute("x", 2)(s["deep"][0]["k"][0]), "deep"),
    "array in list in tuple in dict in list": (lambda s: s["deep"][0]["k"][1][0].fill(9), "deep"),
}  # fmt: skip


def test_the_table_holds_at_least_fifty_kinds():
    """The promise is about many ways of changing a state, not about a few."""
    assert 50 <= len(CHANGES)


def forked(bad: Callable[..., Any], schema: Any = FIELDS, good: Any = None) -> ng.Graph:
    """Return a > bad good: both see the same state; ``good`` logs what it sees, after ``bad`` has run."""
    return play("a > bad good", schema, bad=bad, good=good or (lambda state: {"log": shown(state)}))


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.parametrize("name", CHANGES)
def test_every_in_place_change_is_refused_and_named(name):
    """The node and the field are named; a sibling that runs afterwards, and the file, have the state as it was."""
    change, where = CHANGES[name]
    error, kept = refused(
        forked(lambda state: change(state) and None), ng.IsolationError, given(), finish=["bad", "good"]
    )
    assert ("bad", where, "r") == (error.node, error.field, error.run_id)
    assert ["a", "good"] == ran(kept)
    assert shown(given()) == after(kept, "good")[0]["log"][-1] == shown(kept.input) == shown(kept.at(1).state)


# -- states that are records


@dataclass
class Record:
    """A state as a dataclass."""

    x: int = 1
    items: list = field(default_factory=lambda: [1])
    log: Annotated[list, ng.append] = field(default_factory=list)


class RecordModel(BaseModel):
    """A state as a pydantic model."""

    x: int = 1
    items: list[int] = [1]
    log: Annotated[list, ng.append] = []


RECORD_CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "state.field = v": (sets_attribute("x", 2), "x"),
    "del state.field": (lambda s: delattr(s, "x"), "x"),
    "state.list.append": (lambda s: s.items.append(2), "items"),
    "state.list = copy": (lambda s: sets_attribute("items", list(s.items))(s), "items"),
    "object.__setattr__": (lambda s: object.__setattr__(s, "x", 2), "x"),
    "vars(state).update": (lambda s: vars(s).update(x=2), "x"),
    "vars(state).clear": (lambda s: vars(s).clear(), "x"),
}


@pytest.mark.parametrize("schema", [Record, RecordModel], ids=["dataclass", "pydantic"])
@pytest.mark.parametrize("name", RECORD_CHANGES)
def test_a_record_cannot_be_changed_either(schema, name):
    """Attributes of a dataclass or model state are guarded like the keys of a dict."""
    change, where = RECORD_CHANGES[name]
    graph = forked(change, schema, good=lambda state: {"log": (state.x, list(state.items))})
    error, kept = refused(graph, ng.IsolationError, finish=["bad", "good"])
    assert ("bad", where) == (error.node, error.field)
    assert ((1, [1]), 1, [1]) == (after(kept, "good")[0].log[-1], kept.input.x, kept.input.items)


@pytest.mark.parametrize("schema", [None, dict, {"x": int, "items": list, "log": Annotated[list, ng.append]}])
def test_open_and_plain_states_are_guarded_alike(schema):
    """A graph without a schema, or with a plain dict of types, refuses as well."""
    graph = play("a > bad", schema, a=lambda state: {"items": [1]}, bad=lambda state: state["items"].append(2))
    error, kept = refused(graph, ng.IsolationError)
    assert ("bad", "items", [1]) == (error.node, error.field, kept.state["items"])


# -- who else might change it


def test_an_async_node_is_guarded_alike():
    """The kind of function does not matter."""

    async def bad(state):
        state["items"].append(1)

    error, _ = refused(forked(bad), ng.IsolationError, given())
    assert ("bad", "items") == (error.node, error.field)


def test_a_change_is_never_retried():
    """A node that changes its input is wrong in every attempt."""
    tries = []
    graph = play("bad", FIELDS)
    graph.node(name="bad", retry=ng.Retry(attempts=5, wait=0.001))(
        lambda state: tries.append(1) or state["items"].append(1)
    )
    assert ("bad", [1]) == (refused(graph, ng.IsolationError, given())[0].node, tries)


def test_private_fields_of_a_send_are_guarded():
    """What a Send carries is read-only for the tasks of its branch, and no task sees another's."""
    shared = [1]

    def split(state):
        return [ng.Send("work", mine=shared), ng.Send("work", mine=shared)]

    error, _ = refused(play("a; work", a=split, work=lambda state: state["mine"].append(2)), ng.IsolationError)
    assert ("work", "mine", [1]) == (error.node, error.field, shared)


def test_what_a_node_keeps_of_what_it_returned_is_not_the_state():
    """Changing a returned list afterwards changes nothing but the list."""
    mine = [1]
    graph = play(
        "a > b; b > c",
        FIELDS,
        a=lambda s: {"items": mine},
        b=lambda s: mine.append(2),
        c=lambda s: {"log": list(s["items"])},
    )
    assert ([1], [1, 2]) == (run(graph).state["log"][0], mine)


def test_what_the_caller_keeps_of_the_input_is_not_the_state():
    """Changing the input while a run goes on changes nothing in it."""
    mine = {"items": [1], "array": np.zeros(1)}

    def change(state):
        mine["items"].append(2)
        mine["array"].fill(7)

    graph = play("a > b", FIELDS, a=change, b=lambda state: {"log": (list(state["items"]), float(state["array"][0]))})
    assert ([1], 0.0) == run(graph, mine).state["log"][0]


def test_two_tasks_never_share_an_object_that_can_be_changed():
    """Arrays cannot be frozen whole: every task has a copy of its own."""
    met = []
    run(forked(lambda s: met.append(s["point"]), good=lambda s: met.append(s["point"])), given())
    assert met[0] == met[1]
    assert met[0] is not met[1]


def test_a_reducer_that_changes_its_value_in_place_is_refused():
    """A custom reducer gets the same read-only values that nodes get."""

    def careless(value, update):
        value.append(update)
        return value

    graph = play("a > b", {"v": Annotated[list, careless]}, a=lambda s: None, b=lambda s: {"v": 1})
    error, kept = refused(graph, ng.IsolationError, {"v": [0]})
    assert ("b", [0]) == (error.node, kept.state["v"])


def test_copies_may_be_changed_freely():
    """thaw, list, dict, set, copy and slices give plain values that are the node's own."""
    import copy

    def careful(state):
        ng.thaw(state["items"])[2].append(1)
        for mine in (list(state["items"]), state["items"][:], copy.copy(state["items"]), state["items"] + []):
            mine.append(1)
        deep, table, tags = copy.deepcopy(state["table"]), dict(state["table"]), set(state["tags"])
        deep["m"]["n"].append(1)
        table["k"] = tags.add(9)
        everything = {**state} | {"x": 5}
        return {"x": everything["x"], "array": state["array"] + 1, "log": shown(state)}

    state = run(play("a", FIELDS, a=careful), given()).state
    assert (5, shown(given())) == (state["x"], state["log"][-1])


def test_a_refused_write_to_an_array_keeps_numpys_own_error_as_the_cause():
    """The report names the field; what numpy said, and where, is behind it."""

    def bad(state):
        mine = state["array"]
        mine[0] = 9

    error, _ = refused(forked(bad), ng.IsolationError, given())
    assert ("array", ValueError) == (error.field, type(error.__cause__))


def test_a_read_only_array_of_the_nodes_own_is_its_own_business():
    """Only arrays of the state are the state's."""

    def bad(state):
        mine = np.zeros(1)
        mine.flags.writeable = False
        mine[0] = state["x"]

    assert ng.NodeError is type(refused(forked(bad), ng.NodeError, {"x": 1})[0])


def test_reading_is_not_a_change():
    """Every way of looking at a state leaves it as it is, and no copy counts as changed."""
    import json

    def reads(state):
        list(state), len(state), state.get("x"), state.keys(), list(state.items()), repr(state), "x" in state
        json.dumps(state["items"]), hash(state["x"]), sorted(state["tags"]), state["frame"].sum(), state["array"].mean()
        return {"log": state == given() or True}

    assert [True] == run(play("a", FIELDS, a=reads), given()).state["log"]


def test_a_refusal_that_the_node_swallows_leaves_the_state_as_it_was():
    """Whoever catches the refusal goes on, with a state that did not change."""

    def stubborn(state):
        try:
            state["items"].append(1)
        except TypeError:
            return {"log": len(state["items"])}

    assert [4] == run(play("a", FIELDS, a=stubborn), given()).state["log"]


def test_saboteur_that_does_not_compare_copies_is_noticed(monkeypatch):
    """Without the comparison after a node, a changed array goes by unseen."""
    monkeypatch.setattr(settling, "isolated", lambda assignment, schema: None)
    with pytest.raises(AssertionError, match="did not raise"):
        refused(forked(lambda state: state["point"].__dict__.update(x=2)), ng.IsolationError, given())
