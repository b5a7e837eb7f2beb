"""``diff``, ``replay``, ``verify``: their answers and their exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nbgraph.store import SqliteStore
from tests.cli import plays
from tests.cli.conftest import child, flip
from tests.store.conftest import change, run_record, step_record


def test_diff_says_same_or_different_by_its_exit_code(file, data):
    """Runs that did the same give 0, others 1 with the first difference first, a missing run 2."""
    assert data("diff", file, "done", "done")[0] == 0
    code, found = data("diff", file, "done", "fork")
    assert (code, found["same"]) == (1, False)
    first = found["differences"][0]
    assert (first["what"], first["field"], first["right"], first["missing"]) == ("edit", "n", 5, "left")
    code, found = data("diff", file, "done", "nobody")
    assert (code, found["error"]["type"]) == (2, "RunNotFound")


def test_diff_over_two_files(file, tmp_path, ask):
    """A run can be compared with one of another file; of two runs of one name it is said which is which."""
    other = shutil.copy(file, tmp_path / "other.sqlite")
    assert ask("diff", file, "done", "done", "--other-file", other)[0] == 0
    code, text = ask("diff", file, "done", "bad", "--other-file", other)
    assert code == 1
    assert "step_left" in text


@pytest.mark.slow
def test_replay_of_one_run_and_of_all(file):
    """Code that did not change gives 0; without a run every run of the graph is replayed, by a Graph or an Engine."""
    one = child("replay", file, "done", "--graph", "tests.cli.plays:graph")
    assert (one.returncode, one.stdout) == (0, "done: no difference (3 tasks, 2 calls from the record)\n")
    every = child("replay", file, "--json", "--graph", "tests.cli.plays:engine")
    found = json.loads(every.stdout)
    assert (every.returncode, found["ok"], len(found["runs"])) == (0, True, 5)
    assert "importing tests.cli.plays: its code runs" in every.stderr
    assert "printed by a node" in every.stderr


def test_replay_of_changed_code(file):
    """Code that does something else gives 1: the first difference of a run, or all of them."""
    drifted = ["--json", "--graph", "tests.cli.plays:drifted"]
    strict, every = child("replay", file, "done", *drifted), child("replay", file, "done", "--all", *drifted)
    assert (strict.returncode, every.returncode) == (1, 1)
    (first,) = json.loads(strict.stdout)["runs"][0]["mismatches"]
    assert (first["type"], first["step"], first["node"]) == ("ReplayMismatchError", 2, "judge")
    assert {found["node"] for found in json.loads(every.stdout)["runs"][0]["mismatches"]} == {"judge", "approve"}


MODULE = "import nbgraph as ng\nprint('imported')\ngraph = ng.Graph({'n': int}, name='mine')\ngraph.node(name='a')(lambda state: None)\n"


@pytest.mark.parametrize(
    ("target", "text", "said"),
    [
        ("mine", MODULE, "module:attr"),
        ("mine:grahp", MODULE, "it has: graph"),
        ("mine:ng", MODULE, "is a module"),
        ("mine:graph", "raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("mine:graph", "def (:", "cannot be imported: SyntaxError"),
        ("other:graph", MODULE, "No module named 'other'"),
    ],
)
def test_a_graph_that_cannot_be_loaded(file, tmp_path, target, text, said):
    """What stands in the way of a graph is said in words, with exit code 2, whatever the module does."""
    Path(tmp_path, "mine.py").write_text(text)
    found = child("replay", file, "--json", "--graph", target, cwd=tmp_path)
    error = json.loads(found.stdout)["error"]
    assert (found.returncode, error["type"]) == (2, "GraphError")
    assert said in f"{error['message']} {error['todo']}"
    assert "Traceback" not in found.stderr


def test_a_module_of_the_current_folder_is_found(file, tmp_path):
    """A graph's module may stand in the folder where one stands; what it prints is no part of the answer."""
    Path(tmp_path, "mine.py").write_text(MODULE)
    found = child("replay", file, "--graph", "mine:graph", cwd=tmp_path)
    assert found.stdout == "no runs of graph mine\n"
    assert "imported" in found.stderr
    other = child("replay", file, "done", "--graph", "mine:graph", cwd=tmp_path)
    assert (other.returncode, "is of graph 'review'" in other.stderr) == (2, True)


def test_verify_says_what_is_in_a_sound_file(file, ask, tmp_path):
    """A sound file gives 0 and its numbers."""
    path = tmp_path / "small.sqlite"
    with SqliteStore(path) as store:
        store.commit(store.create(run_record()), [step_record(1)])
    code, text = ask("verify", path)
    assert (code, "all is well (1 runs, 1 steps)" in text) == (0, True)
    assert ask("verify", file)[0] == 0


def test_verify_finds_a_changed_row(tmp_path, ask):
    """A row that was changed gives 1 and says which step."""
    path = tmp_path / "small.sqlite"
    with SqliteStore(path) as store:
        store.commit(store.create(run_record()), [step_record(1)])
    change(path, "UPDATE steps SET node = 'other'")
    code, text = ask("verify", path)
    assert (code, "step 1" in text, "damaged, 1 finding(s)" in text) == (1, True, True)


def test_a_flipped_bit(file, data):
    """One flipped bit in a step: verify says no, reading it is a typed error that leads to verify, other verbs go on."""
    flip(file, b'"judged",10')
    code, found = data("verify", file)
    assert (code, found["ok"]) == (1, False)
    code, found = data("show", file, "done")
    assert (code, found["error"]["type"]) == (2, "StoreCorrupt")
    assert "nbgraph verify" in found["error"]["todo"]
    assert data("runs", file)[0] == 0


def test_a_file_of_something_else(tmp_path, data):
    """Text, a folder and another program's database are no stores; each verb says so with code 2."""
    text = tmp_path / "notes.txt"
    text.write_text("no store, but long enough to have a header " * 40)
    change(tmp_path / "other.sqlite", "CREATE TABLE notes (text)")
    for path in (text, tmp_path, tmp_path / "other.sqlite"):
        for verb in ("verify", "runs", "inbox"):
            code, found = data(verb, path)
            assert (code, found["error"]["type"]) == (2, "StoreForeign")


def test_the_graph_under_test_is_the_one_of_the_children():
    """The graphs that children import are those that made the runs."""
    assert plays.engine.graph is plays.graph
