"""``export``: that a run leaves a file whole, alone, and without overwriting anything."""

from __future__ import annotations

import json
import sqlite3

import pytest

import nbgraph as ng
from tests.cli import plays
from tests.cli.conftest import child


def test_json_is_readable_and_whole(file, ask, data):
    """The document has the run, its states, steps with values, calls, answers and events."""
    code, text = ask("export", file, "done")
    found = json.loads(text)
    assert code == 0
    assert set(found) == {
        "nbgraph_export", "run", "origin", "input", "state", "error", "steps", "calls", "answers", "events",
    }  # fmt: skip
    assert found["steps"][1]["update"]["out"] == ["judged", 10]
    assert [(line["name"], line["phase"]) for line in found["calls"]][:2] == [("1", "started"), ("1", "returned")]
    assert found["state"] == data("show", file, "done")[1]["state"]
    assert found["answers"][0]["by"] == "Ann"


def test_a_fork_is_exported_with_the_steps_and_calls_that_it_shares(file, ask):
    """Of a fork's origin come the shared steps and the calls of their tasks, and no others."""
    found = json.loads(ask("export", file, "fork")[1])
    assert [step["node"] for step in found["steps"]] == ["look", "look", "judge"]
    assert {(line["run_id"], line["phase"]) for line in found["calls"]} == {
        ("done", "started"), ("done", "returned"), ("fork", "asked"),
    }  # fmt: skip


def test_jsonl_is_the_same_line_by_line(file, tmp_path, ask):
    """Each line is one part of the document, the run first."""
    out = tmp_path / "done.jsonl"
    assert ask("export", file, "done", "-o", out, "--format", "jsonl")[0] == 0
    lines = [json.loads(line) for line in out.read_text(encoding="ascii").splitlines()]
    whole = json.loads(ask("export", file, "done")[1])
    assert lines[0]["part"] == "run"
    assert [{k: v for k, v in line.items() if k != "part"} for line in lines if line["part"] == "step"] == whole[
        "steps"
    ]
    assert len(lines) == 1 + sum(len(whole[name]) for name in ("steps", "calls", "answers", "events"))


@pytest.mark.parametrize("run", ["done", "bad", "waiting", "fork", plays.HOSTILE])
def test_a_store_of_one_run_is_that_run(file, tmp_path, data, run):
    """The copy verifies, does the same, replays, and holds nothing of other runs."""
    out = tmp_path / "one.sqlite"
    assert data("export", file, "-o", out, "--format", "sqlite", "--", run)[0] == 0
    assert data("verify", out)[0] == 0
    assert data("diff", "--other-file", out, "--", file, run, run)[0] == 0
    names = [found["run_id"] for found in data("runs", out)[1]["runs"]]
    assert names == (["done", "fork"] if run == "fork" else [run])
    engine = ng.Engine(plays.graph, store=out)
    assert engine.replay(run).ok
    engine.close()
    original = data("export", file, "--", run)[1]
    copied = data("export", out, "--", run)[1]
    assert {**copied, "run": None} == {**original, "run": None}


def test_a_copied_run_goes_on(file, tmp_path, data):
    """A waiting run that was exported can be answered and resumed there."""
    out = tmp_path / "one.sqlite"
    data("export", file, "fork", "-o", out, "--format", "sqlite")
    assert data("answer", out, "fork/1", 3)[0] == 0
    engine = ng.Engine(plays.graph, store=out)
    assert engine.resume("fork").state["out"][-1] == 3
    engine.close()
    assert data("show", file, "fork")[1]["run"]["status"] == "waiting"


def test_only_the_shared_part_of_an_origin_is_copied(file, tmp_path, data):
    """Of a fork's origin only the shared steps and their calls come along."""
    out = tmp_path / "one.sqlite"
    data("export", file, "fork", "-o", out, "--format", "sqlite")
    with sqlite3.connect(out) as connection:
        counts = [
            connection.execute(f"SELECT run_id, count(*) FROM {view} GROUP BY run_id").fetchall()
            for view in ("v_steps", "v_calls", "v_events")
        ]
    connection.close()
    assert dict(counts[0]) == {"done": 1, "fork": 2}
    assert dict(counts[1]) == {"done": 2, "fork": 1}
    assert "done" not in dict(counts[2])


def test_a_pruned_run_is_copied_as_it_is(tmp_path, data):
    """A run without its beginning, and a fork of it, keep their steps' numbers and are whole."""
    path, out = tmp_path / "long.sqlite", tmp_path / "one.sqlite"
    engine = ng.Engine(plays.counting, store=path, durability="normal", max_steps=1000)
    engine.run({"count": 0}, run_id="long")
    engine.prune("long", before=230)
    engine.fork("long", 240, update={"count": 245}, new_id="fork", max_steps=1000)
    engine.close()
    for run in ("long", "fork"):
        assert data("export", path, run, "-o", out, "--format", "sqlite", "--force")[0] == 0
        assert data("verify", out)[0] == 0
        assert data("diff", path, run, run, "--other-file", out)[0] == 0
        assert {**data("export", path, run)[1], "run": 0} == {**data("export", out, run)[1], "run": 0}


@pytest.mark.parametrize("asks", ["one", "two"])
def test_a_run_that_followed_several_graphs(tmp_path, data, asks):
    """The copy of a run that was resumed with a changed graph knows each graph from its step on."""
    path, out = tmp_path / "two.sqlite", tmp_path / "one.sqlite"
    graph = ng.Graph({"n": int}, name="grown")
    for name, before in (("one", None), ("two", "one")):
        graph.node(name=name, after=before)(
            lambda state, ctx: {"n": ctx.ask("How many?")} if ctx.node == asks else None
        )
    engine = ng.Engine(graph, store=path)
    engine.run({"n": 1}, run_id="r")
    engine.answer("r/1", 1)
    graph.node(name="three", after="two")(lambda state: {"n": 0})
    engine.resume("r")
    expected = list(engine.store.descriptions("r"))
    engine.close()
    assert [first for first, _, _ in expected] == ([1] if asks == "one" else [1, 2])
    assert data("export", path, "r", "-o", out, "--format", "sqlite")[0] == 0
    with ng.SqliteStore(out, read_only=True) as store:
        assert list(store.descriptions("r")) == expected


def test_nothing_is_overwritten_unasked(file, tmp_path, data):
    """A file that is there stays as it is without --force, and is replaced whole with it."""
    out = tmp_path / "done.json"
    out.write_text("mine")
    code, found = data("export", file, "done", "-o", out)
    assert (code, found["error"]["type"], out.read_text()) == (2, "StoreError", "mine")
    assert data("export", file, "done", "-o", out, "--force")[0] == 0
    assert json.loads(out.read_text())["run"]["run_id"] == "done"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["done.json", "store"]


def test_the_store_itself_is_never_overwritten(file, data):
    """Neither the file that is read nor a database in use is replaced, not even with --force."""
    before = file.read_bytes()
    for form in ("json", "sqlite"):
        code, found = data("export", file, "done", "-o", file, "--format", form, "--force")
        assert (code, "is the store itself" in found["error"]["message"]) == (2, True)
    assert file.read_bytes() == before
    used = file.with_name("used.sqlite")
    used.with_name("used.sqlite-wal").write_bytes(b"log")
    assert data("export", file, "done", "-o", used, "--force")[1]["error"]["type"] == "StoreError"


def test_a_failed_export_leaves_nothing(file, tmp_path, data):
    """A run that is not there, or a folder that is not, leaves no file behind."""
    assert data("export", file, "nobody", "-o", tmp_path / "x.json")[1]["error"]["type"] == "RunNotFound"
    assert data("export", file, "done", "-o", tmp_path / "no" / "x.json")[1]["error"]["type"] == "StoreReadOnly"
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_jsonl_and_sqlite_need_an_output(file):
    """A form that is no one JSON document does not go to stdout."""
    found = child("export", file, "done", "--format", "sqlite", "--json")
    assert (found.returncode, json.loads(found.stdout)["error"]["type"]) == (2, "UsageError")
