"""``runs``, ``show``, ``tasks``, ``calls``: what they say of real runs, to people and to programs."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest

import nbgraph as ng
from tests.cli.conftest import child
from tests.cli.plays import HOSTILE


@dataclass(frozen=True, order=True)
class Mark:
    """A class that only the graph knows."""

    value: int


VERBS = [
    ["runs"], ["show", "done"], ["tasks", "done"], ["calls", "done"], ["costs", "done"], ["diff", "done", "fork"], ["verify"], ["inbox"],
    ["export", "done"],
]  # fmt: skip


def call_of(verb: list[str], path: object) -> list[object]:
    """Return the arguments of a verb on a file."""
    return [verb[0], path, *verb[1:]]


def test_runs_lists_every_run_with_its_status(file, data):
    """The list holds every run, oldest first, with the status of the run's handle."""
    code, found = data("runs", file)
    assert code == 0
    statuses = [(run["run_id"], run["status"], run["steps"]) for run in found["runs"]]
    assert statuses == [
        ("done", "completed", 3), ("bad", "failed", 1), ("waiting", "waiting", 2), ("fork", "waiting", 3),
        (HOSTILE, "waiting", 2),
    ]  # fmt: skip


def test_runs_can_be_chosen(file, data):
    """A status and a graph's name choose runs; none left is no error."""
    chosen = lambda *options: [run["run_id"] for run in data("runs", file, *options)[1]["runs"]]  # noqa: E731 - short
    assert chosen("--status", "failed") == ["bad"]
    assert len(chosen("--graph", "review")) == 5
    assert chosen("--graph", "review", "--status", "paused") == chosen("--graph", "other") == []


def test_the_table_is_aligned(file, ask):
    """In a table for people every column begins at one place."""
    code, text = ask("runs", file)
    lines = text.splitlines()
    place = lines[0].index("graph")
    assert code == 0
    assert len(lines) == 6
    assert {line[place : place + 6] for line in lines[1:]} == {"review"}


def test_show_tells_state_error_and_questions(file, data):
    """A run is shown with input, state, error and its own open questions."""
    _, done = data("show", file, "done")
    assert done["input"] == {"n": 1, "out": []}
    assert done["state"]["out"] == [["judged", 10], 7]
    assert done["state"]["at"] == "2024-05-06T00:00:00+00:00"
    assert (done["error"], done["questions"], done["run"]["origin"]) == (None, [], None)
    _, bad = data("show", file, "bad")
    assert (bad["error"]["type"], "resume" in bad["error"]["todo"]) == ("NodeError", True)
    _, fork = data("show", file, "fork")
    assert fork["run"]["origin"] == {"run_id": "done", "step": 1}
    assert [question["question"] for question in fork["questions"]] == ["fork/1"]


def test_show_at_a_step(file, data):
    """A past state is the one after that step, 0 the input; a step that is not there is an error."""
    assert data("show", file, "done", "--step", 1)[1]["state"]["n"] == 10
    assert data("show", file, "done", "--step", 0)[1]["state"] == {"n": 1, "out": []}
    code, found = data("show", file, "done", "--step", 9)
    assert (code, found["error"]["type"]) == (2, "RunError")


def test_tasks_and_calls(file, data, ask):
    """Tasks come in commit order, the failed ones after them; calls with request and response."""
    _, found = data("tasks", file, "bad")
    assert [(task["node"], task["status"], task["step"]) for task in found["tasks"]] == [
        ("look", "done", 1), ("judge", "failed", None),
    ]  # fmt: skip
    _, found = data("calls", file, "done")
    assert [(call["call"], call["status"]) for call in found["calls"]] == [("measure", "returned"), ("ask", "answered")]
    assert found["calls"][0]["response"] == {"size": 10}
    assert "judge" in ask("tasks", file, "bad")[1]
    assert "measure" in ask("calls", file, "done")[1]


def test_a_state_that_needs_its_classes_is_a_typed_error(tmp_path, data):
    """Where the classes of a state are needed to put it together, that is said, and the tasks can be listed."""
    graph = ng.Graph(TypedDict("Best", {"best": Annotated[Mark, ng.maximum]}), name="best")
    graph.node(name="one")(lambda state: {"best": Mark(2)})
    path = tmp_path / "best.sqlite"
    engine = ng.Engine(graph, store=path)
    engine.run({"best": Mark(1)}, run_id="r")
    engine.close()
    code, found = data("show", path, "r")
    assert code == 0 or found["error"]["type"] == "CodecError"
    assert data("tasks", path, "r")[0] == 0


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_looking_leaves_the_folder_as_it_was(file, ask, verb):
    """A verb that reads changes no byte of the file and leaves no file beside it."""
    before = file.read_bytes()
    assert ask(*call_of(verb, file))[0] in (0, 1)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert file.read_bytes() == before


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_looking_for_a_file_that_is_not_there_makes_none(tmp_path, data, verb):
    """A missing file is a typed error with a next step, and is still missing."""
    code, found = data(*call_of(verb, tmp_path / "no.sqlite"))
    assert (code, found["error"]["type"]) == (2, "StoreReadOnly")
    assert found["error"]["todo"]
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_an_older_format_is_not_migrated_by_looking(file, data):
    """A file of an older version is refused by a verb that reads, and left as it is."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = file.read_bytes()
    code, found = data("runs", file)
    assert (code, found["error"]["type"]) == (2, "StoreReadOnly")
    assert file.read_bytes() == before


def test_looking_beside_a_writer(file, ask):
    """A file that another process has open is read, and its log is left alone."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_checkpoint")
        connection.execute("BEGIN IMMEDIATE")
        beside = {path.name for path in file.parent.iterdir()}
        assert child("runs", file).returncode == 0
        assert {path.name for path in file.parent.iterdir()} == beside
    connection.close()
