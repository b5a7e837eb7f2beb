"""What views promise: looking changes nothing, a live picture and one of the past are the same, nothing is fetched."""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
from typing import Annotated

import pytest

import nbgraph as ng
from nbgraph.views.tally import Tally
from nbgraph.views.widgets.graph_view import GraphView
from tests.widgets.acts import caught_up, until
from tests.widgets.wire import laid

pytestmark = pytest.mark.slow


def tangle():
    """A graph with all that a view draws: Sends, a gather, a loop, a retry, a failure that is caught, prints."""
    graph = ng.Graph({"items": list, "found": Annotated[list, ng.append], "laps": int}, name="tangle")

    @graph.node(sends="look")
    def spread(state):
        return [ng.Send("look", item=item) for item in state["items"]]

    @graph.node(retry=ng.Retry(attempts=2, wait=0.001))
    def look(state, ctx):
        print("looking at", state["item"])  # noqa: T201 - what nodes print is shown too
        if state["item"] == 3 and ctx.attempt == 1:
            raise ConnectionError("not yet")
        return {"found": state["item"] * 2}

    @graph.node(after="look")
    def round_(state):
        return {"laps": state.get("laps", 0) + 1}

    @graph.node
    def risky(state):
        raise ValueError("as it was meant")

    @graph.node
    def end(state):
        return {"laps": -1}

    graph.edge("round_", "round_", when=lambda state: state["laps"] < 4)
    graph.edge("round_", "risky", otherwise=True)
    graph.edge("risky", "end", on_error=ValueError)
    return graph


INPUT = {"items": list(range(12))}


@pytest.fixture
def wire(monkeypatch):
    """What widgets send, in place of a kernel's comms."""
    return laid(monkeypatch)


def everything(run):
    """Open every view of a run; return them."""
    return [run.view(), ng.dashboard(run)]


def closed(views):
    """Close what was opened."""
    for view in views:
        view.close()


def test_a_watched_run_is_the_run_that_nobody_watches(wire, tmp_path):
    """With every view open the same tasks make the same updates, to the byte."""
    alone = ng.Engine(tangle(), store=tmp_path / "alone.sqlite").run(INPUT, run_id="r")
    run = ng.Engine(tangle(), store=tmp_path / "watched.sqlite").start(INPUT, run_id="r", before="look")
    run.wait()
    views = everything(run)
    run.resume().wait()
    closed(views)
    assert alone.digest == run.digest
    assert sorted(alone.tasks.task) == sorted(run.tasks.task)


def test_a_view_that_breaks_is_a_line_in_the_log(wire, monkeypatch, caplog):
    """Whatever a view stumbles over, the run completes and the other views go on."""

    def broken(self, news):
        raise RuntimeError("the drawing fell off the wall")

    engine = ng.Engine(tangle())
    run = engine.start(INPUT, before="look")
    run.wait()
    good = run.view()
    monkeypatch.setattr(GraphView, "take", broken)
    with caplog.at_level(logging.WARNING, logger="nbgraph"):
        bad = run.view()
        run.resume().wait()
        until(lambda: "fell off the wall" in caplog.text, bad)
    closed([good, bad])
    assert "completed" == run.status


def facts_of(follower, tally):
    """Return what a picture shows of a run, taken from a follower until nothing is new."""
    while (news := follower.take()) is not None:
        tally.take(news)
    return tally.nodes(), tally.edges(), tally.status


def test_a_live_picture_ends_as_the_picture_of_the_file(tmp_path):
    """What was counted while the run went on is what another process counts from the file."""
    engine = ng.Engine(tangle(), store=tmp_path / "runs.sqlite")
    run = engine.start(INPUT, run_id="r", before="look")
    run.wait()
    live, tally = run.follow(), Tally.of(run)
    facts_of(live, tally)
    run.resume().wait()
    live_picture = facts_of(live, tally)
    past = ng.open_run(tmp_path / "runs.sqlite", "r")
    assert live_picture == facts_of(past.follow(), Tally.of(past))
    assert ("completed", 12) == (live_picture[2], live_picture[0]["look"].done)


def test_looking_writes_nothing(wire, tmp_path):
    """All views, pictures and the report of a run leave its file as it was, to the byte."""
    file = tmp_path / "runs.sqlite"
    engine = ng.Engine(tangle(), store=file)
    engine.run(INPUT, run_id="r")
    engine.close()
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    past = ng.open_run(file, "r")
    views = everything(past)
    caught_up(views[0])
    closed(views)
    assert all([past.to_svg(), past.timeline().svg(), past._repr_mimebundle_()["text/html"]])
    past.report(tmp_path / "r.html")
    assert before == hashlib.sha256(file.read_bytes()).hexdigest()


PROBE = """
import json, sys, threading
from pathlib import Path
seen = []
sys.addaudithook(lambda name, args: seen.append(name) if name.startswith(("socket.", "urllib.", "subprocess.")) else None)
import nbgraph as ng
run = ng.open_run(sys.argv[1], "r")
bundle = run._repr_mimebundle_()
run.timeline()._repr_mimebundle_()
run.report(sys.argv[2])
print(json.dumps({"seen": seen, "threads": threading.active_count(), "keys": sorted(bundle)}))
"""


def test_looking_opens_no_socket_and_starts_no_thread(tmp_path):
    """Pictures and reports of a run are made without network, programs or threads."""
    ng.Engine(tangle(), store=tmp_path / "runs.sqlite").run(INPUT, run_id="r")
    words = [sys.executable, "-c", PROBE, str(tmp_path / "runs.sqlite"), str(tmp_path / "r.html")]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={"NBGRAPH_LAYOUT": "builtin"})
    assert {"seen": [], "threads": 1, "keys": ["text/html", "text/plain"]} == json.loads(done.stdout)
