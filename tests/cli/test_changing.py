"""``inbox``, ``answer``, ``prune``: what they write, and that they write nothing else."""

from __future__ import annotations

import getpass
import sqlite3
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

import pytest

import nbgraph as ng
from tests.cli import plays
from tests.cli.conftest import child


def test_the_inbox_lists_open_questions(file, data):
    """All open questions of the file are listed with what may answer them."""
    code, found = data("inbox", file)
    assert code == 0
    assert [question["question"] for question in found["questions"]] == ["waiting/3", "fork/1", f"{plays.HOSTILE}/3"]
    assert {question["answer"] for question in found["questions"]} == {"a whole number"}


@pytest.mark.parametrize("number", [4, -5])
def test_an_answered_run_goes_on(file, data, number):
    """An answer is kept under the user's name; the resumed run has it, also if it looks like an option."""
    code, found = data("answer", file, "waiting/3", number)
    assert (code, found["value"], found["by"]) == (0, number, getpass.getuser())
    engine = ng.Engine(plays.graph, store=file)
    assert engine.resume("waiting").state["out"][-1] == number
    engine.close()
    assert data("answer", file, "waiting/3", 4)[1]["error"]["type"] == "QuestionError"


def test_an_answer_that_does_not_fit_is_refused(file, data):
    """A wrong answer and an unknown question are errors that change nothing."""
    code, found = data("answer", file, "waiting/3", "yes")
    assert (code, found["error"]["type"]) == (2, "AnswerError")
    code, found = data("answer", file, "waiting/3", "4", "--text")
    assert (code, found["error"]["type"]) == (2, "AnswerError")
    code, found = data("answer", file, "waiting/99", "4")
    assert (code, found["error"]["type"]) == (2, "QuestionError")
    assert len(data("inbox", file)[1]["questions"]) == 3


@pytest.mark.parametrize(
    ("given", "value"), [("yes", "yes"), ("[1, 2]", [1, 2]), ('"4"', "4"), ("NaN", "NaN"), ("{", "{"), ("true", True)]
)
def test_a_value_is_json_or_text(tmp_path, data, given, value):
    """What is JSON is read as JSON, everything else is the text that it is."""
    graph = ng.Graph({"got": Any}, name="any")
    graph.node(name="one")(lambda state, ctx: {"got": ctx.ask("What?")})
    engine = ng.Engine(graph, store=tmp_path / "any.sqlite")
    engine.run(run_id="r")
    assert data("answer", tmp_path / "any.sqlite", "r/1", given)[1]["value"] == value
    assert engine.resume("r").state["got"] == value


def test_answering_makes_no_file(tmp_path, data):
    """An answer for a file that is not there makes none."""
    code, found = data("answer", tmp_path / "no.sqlite", "r/1", "4")
    assert (code, found["error"]["type"], list(tmp_path.iterdir())) == (2, "StoreReadOnly", [])


def test_pruning_without_the_graph_is_pruning_with_it(tmp_path, data):
    """Both ways give the same rows, the run is whole and its states are as before."""
    files = [tmp_path / "free.sqlite", tmp_path / "with.sqlite"]
    for path in files:
        engine = ng.Engine(plays.counting, store=path, durability="normal", max_steps=1000)
        engine.run({"count": 0}, run_id="long")
        engine.close()
    code, found = data("prune", files[0], "long", "--before", 230)
    assert (code, found["first"] > 100, found["dropped"]) == (0, True, found["first"] - 1)
    assert child("prune", files[1], "long", "--before", 230, "--graph", "tests.cli.plays:counting").returncode == 0
    rows = [list(sqlite3.connect(path).execute("SELECT id, snapshot, updates FROM steps")) for path in files]
    assert rows[0] == rows[1]
    assert data("verify", files[0])[0] == 0
    assert data("show", files[0], "long", "--step", 240)[1]["state"] == {"count": 240}


def test_a_short_run_has_nothing_to_prune(file, data):
    """Where a run cannot begin later nothing is dropped, and that is said."""
    code, found = data("prune", file, "done", "--before", 3)
    assert (code, found["first"], found["dropped"]) == (0, 1, 0)
    assert data("prune", file, "nobody", "--before", 3)[1]["error"]["type"] == "RunNotFound"


@dataclass(frozen=True, order=True)
class Mark:
    """A class that only the graph knows."""

    value: int


@pytest.mark.parametrize(("reducer", "operand"), [(ng.maximum, Mark), (ng.union, lambda value: {Mark(value)})])
def test_pruning_that_needs_the_graph_says_so(tmp_path, data, reducer, operand):
    """Where a reducer works on objects of a class, nothing is dropped without the graph."""
    best = Annotated[Mark if reducer is ng.maximum else set[Mark], reducer]
    graph = ng.Graph(TypedDict("Best", {"best": best, "count": int}), name="best")
    graph.node(name="count")(lambda state: {"count": state["count"] + 1, "best": operand(state["count"] % 7)})
    graph.edge("count", "count", when=lambda state: state["count"] < 150)
    graph.edge("count", "stop", otherwise=True)
    graph.node(name="stop")(lambda state: None)
    graph.start("count")
    path = tmp_path / "best.sqlite"
    engine = ng.Engine(graph, store=path, durability="normal", max_steps=1000)
    engine.run({"count": 0}, run_id="r")
    engine.close()
    code, found = data("prune", path, "r", "--before", 140)
    assert (code, found["error"]["type"], "--graph" in found["error"]["todo"]) == (2, "GraphError", True)
    assert data("verify", path)[1]["steps"] == 151
