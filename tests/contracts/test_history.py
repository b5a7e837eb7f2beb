"""Any past state, from data alone: right, cheap to write, cheap to read, and without running anything."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import HealthCheck, assume, given, settings

import nbgraph as ng
from nbgraph.codec import encode
from nbgraph.store import StepRecord
from tests.contracts import drawn, zoo
from tests.contracts.lives import REPO


def read_elsewhere(store, *watched):
    """Return what another process, without the graph, reads: a list of JSON values, one a line."""
    command = [sys.executable, "-m", "tests.contracts.programs.reader", str(store), "r", *watched]
    done = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def sizes(row: StepRecord) -> int:
    """Return how many characters a row holds."""
    return sum(len(text) for text in row if isinstance(text, str))


class Counted(TypedDict):
    """A counter beside something large, and a list."""

    count: int
    large: str
    messages: Annotated[list[str], ng.append]


def counting(until: int, message: str = "") -> ng.Graph:
    """Return a loop of one node that counts, and says ``message`` each time if there is one."""
    graph = ng.Graph(Counted, name="counting")

    @graph.node
    def count(state):
        said = {"messages": f"{state['count']} {message}"} if message else {}
        number = state["count"] + 1
        return ng.Result(update={"count": number, **said}, route=ng.Stop() if number == until else None)

    graph.start("count")
    graph.edge("count", "count")
    return graph


def counted(store: Any, until: int, message: str = "", large: str = "") -> ng.Run:
    """Run the loop."""
    engine = ng.Engine(counting(until, message), store=store, durability="normal")
    return engine.run({"count": 0, "large": large, "messages": []}, run_id="r")


# -- right


@pytest.mark.parametrize("width", [1, 8])
def test_the_state_after_every_step_is_what_its_task_left(tmp_path, width):
    """Read in another process, without the graph: own reducers, gathers, Sends and caught failures included."""
    left: dict[str, str] = {}
    path = tmp_path / "runs.sqlite"
    engine = ng.Engine(zoo.build(left), store=path, durability="normal", max_concurrent=width)
    run = engine.run(zoo.START, run_id="r")
    expected = [encode(zoo.START, blobs={}), *[left[row.task] for row in engine.store.steps("r")]]
    engine.close()
    assert [expected] == read_elsewhere(path)
    assert expected[-1] == encode(ng.thaw(dict(run.state)), blobs={})


def test_fields_that_have_no_value_at_the_start_are_read_back_too(tmp_path):
    """From an empty input, a field appears in the history with the step that first wrote it."""
    left: dict[str, str] = {}
    engine = ng.Engine(zoo.build(left, laps=1), store=tmp_path / "runs.sqlite", durability="normal")
    run = engine.run({name: zoo.START[name] for name in ("items", "own")}, run_id="r")
    for view in ng.open_run(tmp_path / "runs.sqlite", "r").history():
        assert left[view.task] == encode(ng.thaw(dict(view.state)), blobs={})
    assert "completed" == run.status


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(shape=drawn.graphs())
def test_the_history_of_any_graph_is_what_its_tasks_left(shape):
    """For drawn graphs: the states read back are those that the bodies saw, each with its own update applied."""
    left: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        function = drawn._function
        patch.setattr(drawn, "_function", lambda *args: _noting(function(*args), left))
        graph = drawn.build(shape)
    engine = ng.Engine(graph, max_concurrent=1, max_steps=300)
    try:
        run = engine.run({}, run_id="r")
    except ng.NbgraphError:
        assume(False)
    read = ng.open_run(engine.store, run.id)
    rows = [row for row in engine.store.steps(run.id) if row.status == "done" and row.update]
    assert sorted(left) == sorted(encode(ng.thaw(dict(read.at(row.step).state)), blobs={}) for row in rows)
    assert encode(dict(run.state), blobs={}) == encode(dict(read.state), blobs={})


def _noting(function, left):
    def node(state):
        seen = ng.thaw(dict(state))
        result = function(state)
        left.append(encode(_drawn_after(seen, result.update), blobs={}))
        return result

    return node


def _drawn_after(state: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    folds = {
        "log": lambda old, new: [*old, *new],
        "total": lambda old, new: old + new,
        "tags": lambda old, new: old | new,
        "top": max,
        "odd": lambda old, new: old[-40:] + new,
    }
    after = {name: value for name, value in state.items() if name in (*folds, "left", "right")}
    return after | {n: folds[n](after[n], v) if n in folds and n in after else v for n, v in update.items()}


def test_a_custom_conflict_policy_is_read_back_without_its_code():
    """What a function decided between concurrent writers is in the file."""
    graph = ng.Graph({"value": str}, name="policy")
    graph.node(name="start")(lambda state: None)
    for name in "ab":
        graph.node(name=name, after="start")(_sets(name))
    graph.node(name="end", after=["a", "b"])(lambda state: None)
    engine = ng.Engine(graph, conflicts=lambda field, first, second: f"{first} or {second}")
    run = engine.run({"value": ""}, run_id="r")
    assert {"value": "a or b"} == dict(run.state) == dict(ng.open_run(engine.store, "r").at(4).state)


def _sets(word):
    return lambda state: {"value": word}


def test_a_graphs_own_reducer_is_read_back_without_its_code():
    """Fields that only the first writer may set stay his through a gather, in the file as live."""

    def first_wins(state, update):
        return {**update, **state, "writes": state.get("writes", 0) + 1}

    graph = ng.Graph({"value": str, "writes": int}, name="whole", reducer=first_wins)
    graph.node(name="start")(lambda state: None)
    for name in "ab":
        graph.node(name=name, after="start")(_sets(name))
    graph.node(name="end", after=["a", "b"])(_sets("end"))
    engine = ng.Engine(graph)
    run = engine.run({}, run_id="r")
    assert {"value": "a", "writes": 3} == dict(run.state)
    views = [dict(view.state) for view in ng.open_run(engine.store, "r").history()]
    assert [{}, {"value": "a", "writes": 1}, {"value": "b", "writes": 1}, {"value": "a", "writes": 3}] == views


# -- cheap to write


def test_a_step_beside_a_field_of_5_megabytes_writes_bytes(tmp_path):
    """The 200th step of a counter beside 5 MB takes the room of the second; the file holds the field once."""
    path = tmp_path / "runs.sqlite"
    run = counted(path, 200, large="x" * 5_000_000)
    written = [sizes(row) for row in run._store.steps("r")]
    marks = [sizes(row) for row in run._store.steps("r") if row.mark]
    run._store.close()
    assert abs(written[-2] - written[1]) < 10
    assert max(size for size in written if size not in marks) < 400
    assert max(marks) < 4000
    assert len(marks) <= 2
    assert path.stat().st_size < 5_600_000


@pytest.mark.slow
def test_one_message_more_writes_one_message(tmp_path):
    """With 3,000 messages of 200 characters a step writes about one; all rows hold 2.5 times the messages at most."""
    path = tmp_path / "runs.sqlite"
    run = counted(path, 3000, message="m" * 200)
    rows = list(run._store.steps("r"))
    messages = sum(len(message) for message in run.state["messages"])
    plain = [row for row in rows if not row.snapshot and not row.mark]
    run._store.close()
    assert max(sizes(row) for row in plain) < 200 + 700
    assert sum(len(row.update) + len(row.snapshot) + len(row.mark) for row in rows) < 2.5 * messages
    assert path.stat().st_size < 6 * messages


def test_a_gather_writes_what_it_changed():
    """Joining branches beside a large field writes which steps were joined, not the state."""
    left: dict[str, str] = {}
    engine = ng.Engine(zoo.build(left, laps=1))
    engine.run({**zoo.START, "plain": "x" * 100_000}, run_id="r")
    assert max(sizes(row) for row in engine.store.steps("r")) < 2000


# -- cheap to read


class Counting(ng.MemoryStore):
    """Counts the rows that somebody reads."""

    rows = 0

    def lineage(self, run_id, step):
        """Count."""
        found = super().lineage(run_id, step)
        self.rows += len(found)
        return found

    def steps(self, run_id, first=1, last=None):
        """Count."""
        for row in super().steps(run_id, first, last):
            self.rows += 1
            yield row


@pytest.mark.parametrize("message", ["", "m" * 50])
def test_reading_a_past_state_costs_the_state_and_not_the_run(message):
    """Of a run of 1,200 steps the rows read for any one state hold a few times that state, and a bounded rest."""
    run = counted(store := Counting(), 1200, message=message)
    for step in [*range(0, 1200, 37), 1199, 1200]:
        store.rows = 0
        state = run.at(step).state
        size = len(encode(dict(state), blobs={}))
        assert store.rows <= 150 + size // 20
        assert step == state["count"]


def test_the_rows_for_a_counters_state_do_not_grow_with_the_run():
    """The most rows for any state of 300 steps are the most for any of 1,200."""

    def most(until):
        store = counted(Counting(), until)._store
        return max(len(store.lineage("r", step)) for step in range(1, until + 1))

    assert most(300) == most(1200)


# -- without running anything


class Colour(Enum):
    """An Enum of this module."""

    RED = "red"


@dataclass(frozen=True)
class Point:
    """A dataclass of this module."""

    x: int
    colour: Colour


class Typed(TypedDict):
    """Values of classes that the file names."""

    points: Annotated[list[Point], ng.append]
    colour: Colour


def test_opening_a_file_runs_and_imports_nothing(tmp_path):
    """Reading every state of a run whose values name classes: no import, exec, compile, socket, process or pickle."""
    graph = ng.Graph(Typed, name="typed")
    graph.node(name="a")(lambda state: {"points": Point(1, Colour.RED)})
    graph.node(name="b", after="a")(lambda state: {"points": Point(2, Colour.RED), "colour": Colour.RED})
    path = tmp_path / "runs.sqlite"
    engine = ng.Engine(graph, store=path)
    engine.run({"points": []}, run_id="r")
    engine.close()
    before = path.read_bytes()
    states, happened = read_elsewhere(path, "watched")
    assert [] == happened
    assert "Point" in states[-1]
    assert before == path.read_bytes()


def test_a_reader_cannot_steer(tmp_path):
    """A run opened without its graph says how to steer it, and changes nothing."""
    counted(tmp_path / "runs.sqlite", 3)._store.close()
    run = ng.open_run(tmp_path / "runs.sqlite", "r")
    for steer in (run.resume, run.step, lambda: run.until("count")):
        with pytest.raises(ng.RunError, match="Engine"):
            steer()
    with pytest.raises(ng.RunError, match="0 to 3"):
        run.at(4)
    with pytest.raises(ng.RunNotFound):
        ng.open_run(tmp_path / "runs.sqlite", "other")


# -- pruned


@pytest.mark.parametrize("before", [150, 250, 399])
def test_after_pruning_later_states_are_read_and_the_run_goes_on(tmp_path, before):
    """What is behind the new beginning stays, byte for byte; the paused run goes on to the same end."""
    path = tmp_path / "runs.sqlite"
    engine = ng.Engine(counting(450, "m"), store=path, durability="normal", max_steps=400)
    with pytest.raises(ng.MaxStepsError):
        engine.run({"count": 0, "large": "", "messages": []}, run_id="r")
    states = {view.step: dict(view.state) for view in engine.open("r").history()}
    first = engine.prune("r", before=before)
    assert 1 < first <= before
    run = ng.open_run(path, "r")
    assert [(n, states[n]) for n in range(first, 401)] == [(view.step, dict(view.state)) for view in run.history()]
    assert states[400] == dict(run.at(400).state) == dict(run.state)
    assert [] == engine.store.verify()
    ended = engine.resume("r", max_steps=1000)
    assert dict(counted(":memory:", 450, "m").state) == dict(ended.state)
    with pytest.raises(ng.RunError, match="pruned"):
        run.at(first - 1)


def test_pruning_keeps_the_tables_and_what_cannot_go(tmp_path):
    """Where there is no place to begin nothing is dropped; tables show what is left; a second time is fine."""
    engine = ng.Engine(counting(350), store=tmp_path / "runs.sqlite", durability="normal")
    run = engine.run({"count": 0, "large": "", "messages": []}, run_id="r")
    assert 1 == engine.prune("r", before=50)
    assert 350 == len(run.tasks)
    first = [engine.prune("r", before=before) for before in (150, 150, 300)]
    assert first[0] == first[1] < first[2]
    assert [351 - first[2]] * 2 == [len(run.tasks), len(run.steps)]
    assert 350 == engine.open("r").state["count"]
    assert [(a, b) for a, b in pairwise(view.step for view in run.history()) if b != a + 1] == []


@dataclass(order=True, frozen=True)
class Offer:
    """A value that only its own class can compare."""

    price: int
    shop: str


@pytest.mark.parametrize("store", ["file", "memory"])
def test_what_only_a_users_class_can_fold_is_read_without_it(tmp_path, store):
    """Reducers that call a method of a user's class leave their results: a reader without that class needs no method."""
    graph = ng.Graph({"best": Annotated[Offer, ng.maximum], "n": int}, name="offers")
    graph.node(lambda state: {"best": Offer(1, "a")}, name="begin")
    graph.node(lambda state: {"best": Offer(3, "b")}, name="left", after="begin")
    graph.node(lambda state: {"best": Offer(2, "c")}, name="right", after="begin")
    graph.node(lambda state: {"n": 1}, name="end", after=["left", "right"])
    engine = ng.Engine(graph, store=":memory:" if store == "memory" else tmp_path / "runs.sqlite")
    run = engine.run(run_id="r")
    assert Offer(3, "b") == run.state["best"]
    stranger = ng.open_run(engine.store, "r")
    assert 3 == stranger.state["best"].price
    assert [1, 3, 2, 3] == [stranger.at(step).state["best"].price for step in range(1, 5)]
    assert [1, 3, 2, 3] == [view.state["best"].price for view in stranger.history()]
