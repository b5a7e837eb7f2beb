"""Replay cannot lie: every way in which today's code does something else is caught, at the task where it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nbgraph as ng
from nbgraph.errors import ReplayMismatchError, StoreCorrupt
from tests.contracts import drifts
from tests.contracts.drifts import DRIFTS
from tests.contracts.lives import REPO
from tests.contracts.shop import GIVEN, shop

SEED = 3


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> ng.SqliteStore:
    """A file with one completed run of the shop."""
    engine = ng.Engine(shop(), store=tmp_path_factory.mktemp("shop") / "runs.sqlite", seed=SEED)
    record(engine)
    return engine.store


def record(engine: ng.Engine) -> None:
    """Run the shop to its end as run "r"."""
    engine.run(GIVEN, run_id="r")
    engine.answer(engine.inbox().question[0], True)
    engine.resume("r")


def today(store: Any, **changes: Any) -> ng.Engine:
    """Return an engine of the changed shop over what was recorded."""
    return ng.Engine(shop(**changes), store=store)


def first_step(store: Any, node: str) -> Any:
    """Return the recorded step of a node's first task."""
    return next(row for row in store.steps("r") if row.node == node)


def test_unchanged_code_does_what_was_recorded(recorded):
    """Without a drift all tasks run again, all calls are answered by the record, and nothing differs."""
    replay = today(recorded).replay("r")
    assert (True, 17, 7, ()) == (replay.ok, replay.tasks, replay.calls, tuple(replay.skipped))
    assert today(recorded).open("r").state == replay.state


def test_there_are_thirty_kinds_of_drift():
    """At least thirty of the kinds listed must be caught, and a few must not."""
    assert len([kind for kind in DRIFTS.values() if kind.node]) >= 30
    assert len([kind for kind in DRIFTS.values() if not kind.node]) >= 5


@pytest.mark.parametrize("name", [name for name, kind in DRIFTS.items() if kind.node])
def test_a_drift_is_caught_at_its_task(recorded, name):
    """A strict replay raises with the step, node, task and field that drifted, and a diff of the two sides."""
    kind = DRIFTS[name]
    row = first_step(recorded, kind.node)
    with pytest.raises(kind.error) as caught:
        ng.Engine(kind.graph(), store=recorded).replay("r")
    error = caught.value
    assert (row.step, kind.node, row.task, kind.field) == (error.step, error.node, error.task, error.field)
    assert "r" == error.run_id
    assert error.expected != error.actual
    assert f"node {kind.node!r} (step {row.step}, task {row.task[:12]})" in error.message
    assert any(line.startswith("- ") for line in error.message.splitlines())
    assert any(line.startswith("+ ") for line in error.message.splitlines())


@pytest.mark.parametrize("name", [name for name, kind in DRIFTS.items() if not kind.node])
def test_what_does_the_same_does_not_drift(recorded, name):
    """Another text, name, colour or reducer that gives the same results is no difference."""
    assert ng.Engine(DRIFTS[name].graph(), store=recorded).replay("r").ok


def test_all_drifts_of_a_run_are_listed_at_once(recorded):
    """With strict=False every drifted task has its row, in step order; one drift does not become many."""
    wanted = ("clock read more often", "request changed", "failure with another message", "value changed")
    nodes = {DRIFTS[name].node: getattr(drifts, name.replace(" ", "_")) for name in wanted}
    table = today(recorded, **nodes).replay("r", strict=False).mismatches
    assert [(DRIFTS[name].node, DRIFTS[name].field) for name in wanted] == list(
        zip(table.node, table.field, strict=True)
    )
    assert [first_step(recorded, node).step for node in table.node] == list(table.step)
    assert [first_step(recorded, node).task for node in table.node] == list(table.task)


def test_a_drift_does_not_reach_the_tasks_behind_it(recorded):
    """Each task gets its recorded input, whatever the tasks before it do today, reducers included."""
    for name in ("custom reducer changed", "custom reducer raises", "built-in reducer changed", "reducer taken away"):
        replay = ng.Engine(DRIFTS[name].graph(), store=recorded).replay("r", strict=False)
        assert {"work"} <= {error.node for error in replay.problems} <= {"work", "gather"}, name
        assert 17 == replay.tasks + ("raises" in name), name


def test_where_the_graph_leads_elsewhere_the_rest_is_said_not_to_be_compared(recorded):
    """A recorded step to which today's graph does not lead ends the replay with a row that says so."""
    problems = ng.Engine(DRIFTS["node renamed"].graph(), store=recorded).replay("r", strict=False).problems
    assert [("left", "route"), ("big", "task")] == [(error.node, error.field) for error in problems]
    assert "was not compared" in problems[-1].message


def test_a_renamed_node_that_says_so_does_not_drift(recorded):
    """With aliases= the recorded name is today's; the tasks keep their identity."""
    assert (
        today(recorded, edges=drifts.RENAMED, without=("big",), large=(drifts.big, {"aliases": ["big"]})).replay("r").ok
    )


def test_a_diff_shows_where_long_texts_part(recorded):
    """The message stays small, and what differs is in it, however late it comes."""
    graph = shop(kinds=lambda state: {"one": 1, "row": [*range(2000), 7]})
    with pytest.raises(ReplayMismatchError) as caught:
        ng.Engine(graph, store=recorded).replay("r")
    assert len(caught.value.message) < 1500
    engine = ng.Engine(_long("a"))
    engine.run({}, run_id="r")
    with pytest.raises(ReplayMismatchError, match=r"-.*xxa[^x]*\n") as caught:
        ng.Engine(_long("b"), store=engine.store).replay("r")
    assert len(caught.value.message) < 1500


def _long(end: str) -> ng.Graph:
    graph = ng.Graph({"text": str}, name="long")
    graph.node(name="write")(lambda state: {"text": "x" * 5000 + end + "y" * 5000})
    return graph


def test_hostile_text_is_escaped(recorded):
    """A replay shows itself as HTML in which no text of a node is markup."""
    hostile = "<script>alert('&')</script>"
    replay = today(recorded, kinds=lambda state: {"one": hostile, "row": [3, 1, 2]}).replay("r", strict=False)
    html = replay._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "kinds" in html


# -- the record itself


def test_a_response_edited_in_the_file_is_noticed_by_the_chain(tmp_path):
    """A recorded response that somebody changed is StoreCorrupt, not a quiet other result."""
    engine = ng.Engine(shop(), store=tmp_path / "runs.sqlite", seed=SEED)
    record(engine)
    engine.close()
    _edit(tmp_path / "runs.sqlite")
    with pytest.raises(StoreCorrupt):
        today(tmp_path / "runs.sqlite").replay("r")


def _edit(path: Path) -> None:
    import sqlite3

    with sqlite3.connect(path) as connection:
        done = connection.execute(
            """UPDATE calls SET data = replace(data, '"response":6.0', '"response":5.0') WHERE data LIKE '%response":6.0%'"""
        ).rowcount
    connection.close()
    assert done


def test_a_response_edited_in_memory_drifts_at_the_task_that_used_it():
    """A store without a chain shows it as a mismatch of the node that got the response."""
    engine = ng.Engine(shop(), seed=SEED)
    record(engine)
    lines = engine.store._runs["r"].calls
    place = next(at for at, line in enumerate(lines) if line.phase == "returned")
    lines[place] = lines[place]._replace(data=lines[place].data.replace("6.0", "5.0"))
    with pytest.raises(ReplayMismatchError) as caught:
        engine.replay("r")
    assert ("buy", "log") == (caught.value.node, caught.value.field)


# -- chance from outside

_PROGRAM = """
import sys, nbgraph as ng
graph = ng.Graph({"words": list}, name="words")
@graph.node
def scatter(state):
    return {"words": list({"a", "b", "c", "d", "e", "f"})}
engine = ng.Engine(graph, store=sys.argv[1])
if sys.argv[2] == "run":
    engine.run({}, run_id="r")
else:
    found = engine.replay("r", strict=False).problems
    print([(error.node, error.field) for error in found])
"""


@pytest.mark.slow
def test_the_order_of_a_set_is_caught_under_another_hash_seed(tmp_path):
    """A node that returns a set's order is caught by a process with another hash seed."""
    assert "" == _under("1", tmp_path, "run")
    assert "[('scatter', 'words')]" == _under("2", tmp_path, "replay")
    assert "[]" == _under("1", tmp_path, "replay")


def _under(hash_seed: str, folder: Path, what: str) -> str:
    command = [sys.executable, "-c", _PROGRAM, str(folder / "runs.sqlite"), what]
    done = subprocess.run(
        command, env={"PYTHONHASHSEED": hash_seed, "PATH": ""}, cwd=REPO, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_another_seed_in_the_record_is_caught():
    """The seed is the recorded one, whatever the engine's options say; one that was recorded wrongly drifts."""
    engine = ng.Engine(shop(), seed=SEED)
    record(engine)
    assert ng.Engine(shop(), store=engine.store, seed=SEED + 1).replay("r").ok
    run = engine.store._runs["r"]
    run.record = run.record._replace(seed=SEED + 1)
    with pytest.raises(ReplayMismatchError) as caught:
        engine.replay("r")
    assert ("begin", "luck") == (caught.value.node, caught.value.field)


def test_facts_are_plain_enough_to_be_sent_on(recorded):
    """What a mismatch says can be kept as JSON: expected and actual are texts."""
    replay = ng.Engine(DRIFTS["value changed"].graph(), store=recorded).replay("r", strict=False)
    told = json.loads(replay.mismatches.to_json(orient="records"))[0]
    assert ("[3, 1, 2]", "[3, 1, 4]") == (told["expected"], told["actual"])
