"""What views promise: looking changes nothing, a live picture and one of the past are the same, nothing is fetched."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated

import pytest

import nbgraph as ng
from nbgraph.views.tally import Tally
from nbgraph.views.widgets.graph_view import GraphView
from tests.widgets.acts import caught_up, until

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


def facts_of(run, gate):
    """Return what a picture shows of a run that was followed to its end; ``gate`` opens when somebody follows."""
    follower, tally = run.follow(), Tally.of(run)
    while tally.status != "completed":
        if (news := follower.take()) is not None:
            tally.take(news)
        gate.set()
        follower.wait(1.0)
    return tally.nodes(), tally.edges(), tally.status


def test_a_live_picture_ends_as_the_picture_of_the_file(tmp_path):
    """What was counted while the run went on is what another process counts from the file."""
    gate = threading.Event()
    graph = tangle()
    graph.node(name="end")(lambda state: gate.wait(10) and {"laps": -1})
    run = ng.Engine(graph, store=tmp_path / "runs.sqlite").start(INPUT, run_id="r", before="look")
    run.wait()
    run.resume()
    live = facts_of(run, gate)  # what comes behind the gate is handed over from memory
    past = ng.open_run(tmp_path / "runs.sqlite", "r")
    assert live == facts_of(past, gate)
    assert ("completed", 12) == (live[2], live[0]["look"].done)


def bytes_of(file):
    """Return what a run's file holds, with what was written and not yet taken into it."""
    log = file.with_name(file.name + "-wal")
    return file.read_bytes() + (log.read_bytes() if log.exists() else b"")


def test_looking_writes_nothing(wire, tmp_path):
    """All views, pictures and the report of a run leave its file as it was, to the byte."""
    file = tmp_path / "runs.sqlite"
    engine = ng.Engine(tangle(), store=file)
    engine.run(INPUT, run_id="r")
    engine.close()
    before = bytes_of(file)
    past = ng.open_run(file, "r")
    views = everything(past)
    caught_up(views[0])
    closed(views)
    assert all([past.to_svg(), past.timeline().svg(), past._repr_mimebundle_()["text/html"]])
    past.report(tmp_path / "r.html")
    assert before == bytes_of(file)


PROBE = """
import json, sys, threading
from tests.contracts.programs import saboteurs
getattr(saboteurs, sys.argv[3])()
seen = []
sys.addaudithook(lambda name, args: seen.append(name) if name.startswith(("socket.", "urllib.", "subprocess.")) else None)
import nbgraph as ng
run = ng.open_run(sys.argv[1], "r")
bundle = run._repr_mimebundle_()
run.timeline()._repr_mimebundle_()
run.report(sys.argv[2])
print(json.dumps({"seen": seen, "threads": threading.active_count(), "keys": sorted(bundle)}))
"""


def test_looking_opens_no_socket_and_starts_no_thread(tmp_path, saboteur="nobody"):  # noqa: PT028 - test_saboteurs says which
    """Pictures and reports of a run are made without network, programs or threads."""
    ng.Engine(tangle(), store=tmp_path / "runs.sqlite").run(INPUT, run_id="r")
    words = [sys.executable, "-c", PROBE, str(tmp_path / "runs.sqlite"), str(tmp_path / "r.html"), saboteur]
    env = {"NBGRAPH_LAYOUT": "builtin", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    assert {"seen": [], "threads": 1, "keys": ["text/html", "text/plain"]} == json.loads(done.stdout)


HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)<b>\u202e<!--'  # a node's name has no slash


def shown_of(word, folder):
    """Return the tags of every picture and of the report of a failed run whose names and values all are ``word``."""
    graph = ng.Graph({"value": str, "more": list}, name=word)
    graph.node(name=word)(lambda state: {"more": [word]})

    def fails(state):
        raise ValueError(word)

    graph.node(name=f"{word} 2", after=word)(fails)
    engine = ng.Engine(graph, store=folder / "runs.sqlite", clock=ng.testing.FakeClock())  # the same ticks on both axes
    with pytest.raises(ng.NodeError):
        engine.run({"value": word}, run_id="r")
    run = engine.open("r")
    run.report(folder / "r.html")
    pages = [run._repr_mimebundle_()["text/html"], graph._repr_mimebundle_()["text/html"], run.to_svg()]
    pages += [run.timeline().svg(), (folder / "r.html").read_text(encoding="utf-8")]
    return [tags_of(page) for page in pages]


def tags_of(page):
    """Return how many there are of each tag of a page."""
    found = Counter()

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found[tag] += 1

    Tags().feed(page)
    return found


def test_text_is_never_markup(tmp_path):
    """A run whose names, values and errors are markup is drawn with exactly the elements of a harmless one."""
    for folder in ("harmless", "hostile"):
        (tmp_path / folder).mkdir()
    harmless = "x" * len(HOSTILE)  # as long: what is cut short is cut in both
    assert shown_of(harmless, tmp_path / "harmless") == shown_of(HOSTILE, tmp_path / "hostile")
