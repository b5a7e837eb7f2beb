"""JSON lines: live and after the fact the same, whole, and nobody's file is overwritten."""

from __future__ import annotations

import io
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.testing import strategies
from tests.engine.stage import SOON, Log, chain


def a(state):
    return {"log": "a"}


def b(state):
    return {"log": "b"}


@given(data=st.data(), graph=strategies.graphs(max_nodes=5, failing=True))
def test_live_and_later_the_lines_are_the_same(data, graph, tmp_path_factory):
    """A listener writes byte for byte what ``export_events`` writes of the run afterwards."""
    lines = io.StringIO()
    engine = ng.Engine(graph, listeners=ng.JsonLines(lines))
    with suppress(ng.NbgraphError):
        engine.run(data.draw(strategies.states(graph)), run_id="r")
    assert engine.flush(SOON)
    path = engine.open("r").export_events(tmp_path_factory.mktemp("lines") / "r.jsonl")
    assert lines.getvalue() == path.read_text(encoding="utf-8")


def test_a_line_says_what_run_events_says(tmp_path):
    """One object a line, keys sorted: the row of ``run.events``, with run and graph."""
    engine = ng.Engine(chain(a, b), listeners=ng.JsonLines(tmp_path / "r.jsonl"))
    run = engine.run(run_id="r")
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [sorted(line) for line in lines] == [list(line) for line in lines]
    assert {("r", "chain")} == {(line["run"], line["graph"]) for line in lines}
    rows = run.events.drop(columns="time").to_dict("records")
    assert rows == [{name: line[name] for name in ("step", "kind", "node", "data", "task")} for line in lines]


def test_lines_are_appended(tmp_path):
    """Later runs go behind earlier ones; a line that was cut off stays one line of its own."""
    path = tmp_path / "r.jsonl"
    path.write_text('{"half":')
    for name in ("r", "s"):
        ng.Engine(chain(a), listeners=ng.JsonLines(path)).run(run_id=name)
    half, *lines = path.read_text(encoding="utf-8").splitlines()
    assert '{"half":' == half
    assert ["r", "r", "s", "s"] == [json.loads(line)["run"] for line in lines]


@pytest.mark.parametrize("name", ["two\nlines", "\ud800", "\u2028", 'q"uote'])
def test_any_name_is_one_line_of_utf_8(tmp_path, name):
    """Whatever a graph is called, a line is a line, and reads back as it was."""
    graph = ng.Graph(Log, name=name)
    graph.node(name="a")(a)
    engine = ng.Engine(graph, listeners=ng.JsonLines(tmp_path / "r.jsonl"))
    engine.run()
    lines = (tmp_path / "r.jsonl").read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    assert [name, name] == [json.loads(line)["graph"] for line in lines]


def test_a_file_that_is_there_is_left_alone(tmp_path):
    """Exporting over a file is refused unless it is asked for."""
    run = ng.Engine(chain(a)).run()
    path = tmp_path / "r.jsonl"
    path.write_text("mine")
    with pytest.raises(ng.OptionsError, match="exists"):
        run.export_events(path)
    assert "mine" == path.read_text()
    assert 2 == len(run.export_events(path, overwrite=True).read_text().splitlines())


@pytest.mark.parametrize("write", ["export_events", "export_trace", "report"])
def test_no_file_is_written_where_none_can_be(write, tmp_path):
    """A folder, and a folder that is not there, are refused before the run is read; nothing is left beside."""
    run = ng.Engine(chain(a)).run()
    for path, wrong in ((tmp_path, "is a folder"), (tmp_path / "missing" / "r", "folder that does not exist")):
        with pytest.raises(ng.OptionsError, match=wrong):
            getattr(run, write)(path, overwrite=True)
    assert [] == list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_found_out_at_once(tmp_path):
    """Not in the middle of a run, on a thread that nobody looks at."""
    with pytest.raises(FileNotFoundError):
        ng.JsonLines(tmp_path / "missing" / "r.jsonl")


def test_a_past_run_of_a_file_is_exported_without_its_graph(tmp_path):
    """A run that was opened for reading has its lines too; no code runs."""
    ng.Engine(chain(a, b), store=tmp_path / "r.sqlite").run(run_id="r")
    path = ng.open_run(tmp_path / "r.sqlite", "r").export_events(tmp_path / "r.jsonl")
    assert ["step", "step", "run.completed"] == [json.loads(line)["kind"] for line in path.read_text().splitlines()]
