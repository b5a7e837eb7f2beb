"""The graph of a real run: what the page is told, how often, and what is left when it is closed."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from time import monotonic

import pytest
from ipywidgets.widgets.widget import _instances

import nbgraph as ng
from nbgraph.views.widgets import scene as scenes
from nbgraph.views.widgets.graph_view import GraphView, PlainGraphView
from tests.widgets.acts import PATIENCE, Gate, caught_up, done, ended, line, logs, say, until


@pytest.fixture
def opened(wire):
    """Make views that are closed in the end."""
    made = []

    def make(subject, **how):
        kind = PlainGraphView if isinstance(subject, ng.Graph) else GraphView
        made.append(kind(subject, engine="builtin", **how))
        caught_up(made[-1])
        return made[-1]

    yield make
    for view in made:
        view.close()


def statuses(view) -> dict[str, str]:
    """Return what each node's class says on the page."""
    patches = {**view.whole, **view.since}
    names = {f"n{place}": name for place, name in enumerate(view._nodes)}
    return {name: patches.get(key, {}).get("class", "-idle").rpartition("-")[2] for key, name in names.items()}


def test_a_run_that_is_over_is_shown_as_it_ended(opened):
    """Every node of a past run has the status that it came to."""
    view = opened(done(line("a", "b")))
    assert {"a": "done", "b": "done"} == statuses(view)
    assert ("completed", 2, -1) == tuple(view.head[key] for key in ("status", "steps", "at"))


def test_a_live_run_is_followed(opened):
    """What runs is shown running, and turns green."""
    gate = Gate()
    run = ng.Engine(line("a", "b", "c", b=gate.node)).start({}, run_id="live")
    assert gate.reached.wait(PATIENCE)
    view = opened(run)
    until(lambda: statuses(view) == {"a": "done", "b": "running", "c": "idle"}, view)
    gate.open()
    run.wait(PATIENCE)
    until(lambda: statuses(view) == {"a": "done", "b": "done", "c": "done"}, view)


def test_the_cursor_shows_the_past(opened):
    """As of a step, only what had happened by then is shown, and what was next; then the latest again."""
    view = opened(done(line("a", "b", "c")))
    view.cursor.move(1)
    caught_up(view)
    assert ({"a": "done", "b": "ready", "c": "idle"}, 1) == (statuses(view), view.head["at"])
    say(view, "cursor", step=None)
    assert {"a": "done", "b": "done", "c": "done"} == statuses(view)


def test_a_drawing_is_sent_once(opened, wire):
    """Where things stand goes to the page when it is opened, and not again while the run goes on."""
    gate = Gate()
    run = ng.Engine(line("a", "b", b=gate.node)).start({}, run_id="once")
    view = opened(run)
    gate.open()
    run.wait(PATIENCE)
    until(lambda: view.head["status"] == "completed", view)
    assert [] == [told for told in wire.sent(view) if "drawing" in told.data.get("state", {})]


@pytest.mark.slow
def test_ten_thousand_steps_are_few_messages(opened, wire, monkeypatch):
    """However fast a run is, the page gets a message a tick at most, beside those of its beginning and its end."""
    monkeypatch.setattr(scenes, "TICK", 1 / 12)
    graph = ng.Graph({"n": int}, name="loop")
    graph.node(name="up")(lambda state: {"n": state["n"] + 1})
    graph.edge("up", "up", when=lambda state: state["n"] < 10_000)
    graph.node(name="out", after=None)(lambda state: None)
    graph.edge("up", "out", otherwise=True)
    engine = ng.Engine(graph, max_steps=20_000)
    run = engine.start({"n": 0}, run_id="fast", before="up")
    view, began = opened(run), monotonic()
    run.wait(PATIENCE)
    run.resume().wait(60)
    until(lambda: view.head["steps"] == 10_001, view)
    assert 0 < len(wire.sent(view)) < 12 * (monotonic() - began) + 10


def test_a_node_shows_its_card(opened):
    """A click brings what the node was given, what it returned and printed, its tasks and its source."""

    def speaks(state):
        print("hello")  # noqa: T201 - what a node prints is what is looked at
        return {"log": "b"}

    view = opened(done(line("a", "b", b=speaks)))
    say(view, "card", node="b")
    card = view.card
    assert ("b", [["log", "['a']"]], [["log", '"b"']]) == (card["node"], card["last"]["given"], card["last"]["made"])
    assert [[2, "done", 1]] == [task[:3] for task in card["tasks"]]
    assert "hello\n" == card["last"]["printed"]
    assert "print(" in card["source"]
    say(view, "card", node="")
    assert {} == view.card


def test_a_card_of_a_failed_node_has_its_error(opened):
    """What the node raised is on its card."""

    def breaks(state):
        raise ValueError("no <such> thing")

    view = opened(done(line("a", "b", b=breaks)))
    say(view, "card", node="b")
    assert ("task.failed", "ValueError: no <such> thing") == (view.card["error"]["kind"], view.card["error"]["text"])


def test_a_card_stays_small(opened, wire):
    """Of a large state the card shows the beginnings; a message stays below 50 kB."""
    big = {"text": "x" * 500_000, "many": list(range(100_000)), "deep": [[[[[[1]]]]]]}
    view = opened(done(line("a", "b", a=lambda state: {"log": big})))
    say(view, "card", node="b")
    assert len(repr(view.card)) < 50_000
    assert view.card["last"]["given"]


def test_a_breakpoint_stops_the_run(opened):
    """What is set on the page is set on the run, what is set in a cell is shown on the page."""
    gate = Gate()
    run = ng.Engine(line("a", "b", "c", a=gate.node)).start({}, run_id="stops")
    view = opened(run)
    say(view, "stop", node="c")
    assert {"c"} == set(run.breakpoints)
    assert "inline" == view.since["n2b"]["display"]
    gate.open()
    run.wait(PATIENCE)
    assert ("paused", 2) == (run.status, len(run.state["log"]))
    run.breakpoints.clear()
    until(lambda: view.since["n2b"]["display"] == "none", view)


def test_code_that_changed_since_is_marked(opened):
    """A node whose cell was run again with other code is stale; the same code again is not."""
    graph = line("a", "b")
    view = opened(done(graph))
    graph.node(name="b", after="a")(lambda state: {"log": "other"})
    until(lambda: view.since.get("n1s", {}).get("display") == "inline", view)
    assert "none" == view.since["n0s"]["display"]


def test_a_run_that_goes_on_with_another_graph_is_drawn_anew(opened):
    """After a resume with more nodes the drawing has them, coloured by all that happened."""
    graph = line("a", "b")
    run = ng.Engine(graph).start({}, run_id="grows", before="b")
    run.wait(PATIENCE)
    view = opened(run)
    graph.node(name="c", after="b")(logs("c"))
    run.resume().wait(PATIENCE)
    until(lambda: statuses(view) == {"a": "done", "b": "done", "c": "done"}, view)


def test_two_views_of_one_run_show_the_same(opened):
    """Each view follows for itself, on one thread."""
    run = done(line("a", "b"), run_id="twice")
    first, second = opened(run), opened(run)
    assert first.scene is second.scene
    assert statuses(first) == statuses(second) == {"a": "done", "b": "done"}
    assert 1 == sum(thread.name == "nbgraph-views-twice" for thread in threading.enumerate())


def test_a_run_of_another_process_is_shown(opened, tmp_path):
    """A file that another process wrote opens without its code."""
    file = tmp_path / "runs.sqlite"
    program = f"""
import nbgraph as ng
graph = ng.Graph({{"n": int}}, name="there")
graph.node(name="only")(lambda state: {{"n": 1}})
ng.Engine(graph, store={str(file)!r}).run({{"n": 0}}, run_id="far")
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    view = opened(ng.open_run(file, "far"))
    assert ({"only": "done"}, False) == (statuses(view), view.head["stoppable"])


def test_a_run_that_another_process_drives_is_followed(opened, tmp_path):
    """While another process writes the file its steps show here as they are committed, and its end comes by itself."""
    file = tmp_path / "runs.sqlite"
    program = f"""
import nbgraph as ng
graph = ng.Graph({{"n": int}}, name="there")
graph.node(name="first")(lambda state: {{"n": 1}})
graph.node(name="second", after="first")(lambda state: print("here", flush=True) or {{"n": len(input())}})
ng.Engine(graph, store={str(file)!r}, prints="show").run({{"n": 0}}, run_id="far")
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as there:
        assert "here" == there.stdout.readline().strip()
        view = opened(ng.open_run(file, "far"))
        until(lambda: view.head["steps"] == 1, view)
        assert ("running", "done") == (view.head["status"], statuses(view)["first"])
        there.communicate("go\n", timeout=PATIENCE)
    until(lambda: view.head["status"] == "completed", view)
    assert {"first": "done", "second": "done"} == statuses(view)


def test_a_graph_by_itself_is_drawn_anew_when_it_changes(opened):
    """A cell that adds a node changes the drawing; an unfinished graph is drawn as far as it goes."""
    graph = line("a", "b")
    view = opened(graph)
    graph.edge("b", "later")
    until(lambda: len(view.drawing["links"]) == 2, view)
    assert ["a", "b", "later"] == list(view._nodes)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "card", "node": 5},
        {"kind": "card"},
        {"kind": "card", "node": "nowhere"},
        {"kind": "stop", "node": "nowhere"},
        {"kind": "stop", "node": None},
        {"kind": "stop"},
        {"kind": "cursor", "step": "1"},
        {"kind": "cursor", "step": 99},
        {"kind": "cursor", "step": -1},
        {"kind": "cursor", "step": True},
        {"kind": "what"},
        {"kind": []},
    ],
)
def test_what_makes_no_sense_changes_nothing(opened, message, caplog):
    """A page may say anything; what is no node and no step is left, and nothing breaks."""
    run = done(line("a", "b"))
    view = opened(run)
    say(view, **message)
    assert ({}, None, set()) == (view.card, view.cursor.step, set(run.breakpoints))
    assert [] == caplog.records


def test_a_view_that_no_page_shows_rests(opened):
    """When the last page is gone the view is not updated any more, and goes on with the next one."""
    view = opened(done(line("a"), run_id="rests"))
    hear = view.channel._handle_custom_msg
    hear({"to": view.view_id, "kind": "shown"}, [])
    hear({"to": view.view_id, "kind": "hidden"}, [])
    ended("nbgraph-views-rests")
    view.cursor.move(0)
    hear({"to": view.view_id, "kind": "shown"}, [])
    caught_up(view)
    assert {"a": "ready"} == statuses(view)


def test_what_a_resting_view_missed_is_shown_when_it_is_back(opened):
    """A live run keeps nothing for a view that nobody sees, and the view catches up from the store."""
    gate = Gate()
    run = ng.Engine(line("a", "b", "c", b=gate.node)).start({}, run_id="missed")
    assert gate.reached.wait(PATIENCE)
    view = opened(run)
    hear = view.channel._handle_custom_msg
    hear({"to": view.view_id, "kind": "shown"}, [])
    until(lambda: statuses(view)["b"] == "running", view)
    hear({"to": view.view_id, "kind": "hidden"}, [])
    assert [] == list(run._driven().feed.tape.ears())
    gate.open()
    run.wait(PATIENCE)
    hear({"to": view.view_id, "kind": "shown"}, [])
    until(lambda: statuses(view) == {"a": "done", "b": "done", "c": "done"}, view)


def test_closing_leaves_nothing(wire):
    """After close there is no comm, no entry in the registry, no thread, and nothing more is sent."""
    before, others = set(_instances), threading.enumerate()
    gate = Gate()
    run = ng.Engine(line("a", "b", b=gate.node)).start({}, run_id="gone")
    views = [GraphView(run, engine="builtin"), PlainGraphView(line("a"), engine="builtin")]
    for view in views:
        caught_up(view)
        view.close()
    ended("nbgraph-views", but=others)
    sent = len(wire.messages)
    gate.open()
    run.wait(PATIENCE)
    assert (set(), before, sent) == (wire.open, set(_instances), len(wire.messages))


def test_a_view_carries_a_picture(opened):
    """Where no kernel is, the same graph stands as a picture, and as text."""
    data, _ = opened(done(line("a", "b")))._repr_mimebundle_()
    assert '<img src="data:image/svg+xml;base64,' in data["text/html"]
    assert data["text/plain"].startswith("<Run")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_drawing_leads_where_it_is_told(opened):
    """With ``direction="right"`` a chain is wider than high, live and in the picture, of a run and of a graph."""
    for subject in (line("a", "b", "c"), done(line("a", "b", "c"), run_id="turned")):
        view = opened(subject, direction="right")
        assert view.drawing["width"] > 3 * view.drawing["height"]
        width, height = re.search(r'width="(\d+)" height="(\d+)"', view.picture()["text/html"]).groups()
        assert int(width) > 3 * int(height)
