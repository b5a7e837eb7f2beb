"""``run.timeline()``: a picture that shows wherever a notebook does, and a table for a terminal."""

from __future__ import annotations

import base64
import re
from random import Random
from xml.etree import ElementTree as ET

import pytest

import nbgraph as ng
from nbgraph.errors import OptionsError
from nbgraph.views.palette import STATUSES
from nbgraph.views.timeline.bars import MOST_BARS, bars, frame
from nbgraph.views.timeline.chart import Chart
from nbgraph.views.timeline.columns import Span
from nbgraph.views.timeline.density import columns, flattened
from nbgraph.views.timeline.picture import picture
from nbgraph.views.timeline.static import timeline
from tests.views.histories import crowd, ran

HOSTILE = '">]]><script>alert(1)<script>\u202e\0&amp;'


def drawn(svg: str) -> dict[str, int]:
    """Return tag -> how often it is in a picture."""
    tags: dict[str, int] = {}
    for element in ET.fromstring(svg).iter():
        tag = element.tag.rpartition("}")[2]
        tags[tag] = tags.get(tag, 0) + 1
    return tags


def many(count: int, lanes: int, rows: int) -> Chart:
    spans = [
        Span(turn / 10, turn / 10 + 0.05, turn % lanes, turn % rows, "attempt", "failed" if turn == 77 else "done", 1, 0, turn)
        for turn in range(count)
    ]  # fmt: skip
    return Chart("time", tuple(f"n{lane}" for lane in range(lanes)), (rows,) * lanes, spans, (), count / 10, ("n",))


def test_a_notebook_gets_an_image_and_text():
    """The picture is an <img> with its data in it, which shows in an untrusted notebook too; text is always there."""
    shown = ran(crowd(3)).timeline()._repr_mimebundle_()
    assert {"text/html", "text/plain"} == shown.keys()
    (source,) = re.findall(
        r'^<img src="data:image/svg\+xml;base64,([^"]+)" alt="[^"<>]+" style="max-width: 100%">$', shown["text/html"]
    )
    assert base64.b64decode(source).startswith(b"<svg ")


def test_the_text_has_a_line_for_each_lane():
    """A terminal sees each node with its bar and what became of its tasks."""
    text = repr(timeline(ran(crowd(3, fail=True)), axis="order"))
    head, *lines = text.splitlines()
    assert head.startswith("crowd · r1 · failed, 7 tasks")
    assert ["begin", "aside", "split", "work", "gather", "last"] == [line.split()[0] for line in lines]
    assert "3 done, 1 tried again" in lines[3]
    assert "✗" in lines[5]


def test_without_times_a_picture_is_the_same_each_time(monkeypatch):
    """With times hidden, two runs of one graph have one picture and one text, down to the byte."""
    monkeypatch.setenv("NBGRAPH_TIMES", "0")
    one, other = (ran(crowd(5), max_concurrent=most).timeline() for most in (1, 8))
    assert one.svg() == other.svg()
    assert repr(one) == repr(other)
    assert not re.search(r"\d (ms|s|min)\b", one.svg() + repr(one))


def test_columns_are_no_seconds():
    """On the axis of causes a lane's line has counts only: how wide a task stands there is no time."""
    on_time, in_order = (repr(timeline(ran(crowd(3)), axis=axis)).splitlines()[1:] for axis in ("time", "order"))
    assert [False] * 6 == [bool(re.search(r"\d (µs|ms|s)$", line)) for line in in_order]
    assert [True] * 6 == [bool(re.search(r"\d (µs|ms|s)$", line)) for line in on_time]


def test_ten_thousand_spans_are_a_few_hundred_bars():
    """Where bars would be too many, a lane shows how busy it was, and what failed is still to be seen."""
    random = Random(0)
    spans = [span._replace(status=random.choice(("done", "failed"))) for span in many(10_000, lanes=12, rows=16).spans]
    busy = Chart("time", tuple("abcdefghijkl"), (16,) * 12, spans, (), 1001.0, ("n",))
    svg = picture(busy, "t")
    assert bars(busy, frame(busy, 0, 0, 800)) is None
    assert MOST_BARS >= sum(drawn(svg).values())
    assert 100_000 > len(svg)
    assert f'fill="{STATUSES["failed"].light[1]}" fill-opacity' in svg


def test_columns_add_up_to_the_time_that_tasks_took():
    """A column is as high as tasks ran side by side: twice the tasks, twice the height."""
    spans = [Span(0.0, 1.0, 0, row, "attempt", "done", 1, 0, 1) for row in range(2)]
    spans.append(Span(1.0, 2.0, 0, 0, "attempt", "done", 1, 0, 2))
    busy = flattened(Chart("time", ("a",), (2,), spans, (), 2.0, ("a",)))
    bars_ = columns(busy, frame(busy, 0, 0, 400))
    half = len(bars_) // 2
    assert [round(2 * bars_[-1].height, 6)] * half == [round(bar.height, 6) for bar in bars_[:half]]


def test_neighbours_of_one_look_become_one_bar():
    """Spans that are less than a pixel apart are one bar; another status between them keeps its own."""
    spans = [
        Span(turn, turn + 1.0, 0, 0, "attempt", "failed" if turn == 500 else "done", 1, 0, turn) for turn in range(1000)
    ]
    busy = Chart("time", ("a",), (1,), spans, (), 1000.0, ("a",))
    found = bars(busy, frame(busy, 0, 0, 800))
    assert 1000 == sum(bar.spans for bar in found)
    assert [1] == [bar.spans for bar in found if bar.status == "failed"]


def test_hundreds_of_lanes_share_the_last_one():
    """A picture does not grow without end: what has no lane of its own is in one that says how many it stands for."""
    svg = picture(many(2_000, lanes=300, rows=1), "t")
    assert "… and 260 more" in svg
    assert float(ET.fromstring(svg).get("height")) < 1200


@pytest.mark.parametrize("axis", ["time", "order"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_name_becomes_markup(axis: str, theme: str):
    """A hostile name of a node, a graph or a run is text, and nothing else."""
    graph = ng.Graph({"n": int}, name=HOSTILE)
    graph.node(name=HOSTILE)(lambda state: {"n": 1})
    engine = ng.Engine(graph, store=":memory:")
    engine.run({}, run_id=HOSTILE)
    found = drawn(timeline(engine.open(HOSTILE), axis=axis, theme=theme, by="node").svg())
    assert found.keys() <= {"svg", "defs", "pattern", "path", "rect", "g", "title", "text"}
    assert 1 == found["title"]


def test_bars_stay_inside_the_picture():
    """Whatever a span says, its bar is in the plot."""
    chart = many(300, lanes=3, rows=2)
    place = frame(chart, 100, 40, 800)
    for bar in bars(chart, place):
        assert 100 <= bar.x <= bar.x + bar.width <= 900.001
        assert 40 <= bar.y <= place.bottom


def test_a_run_without_steps_has_a_picture():
    """A run that has done nothing yet is shown as such, not as an error."""
    engine = ng.Engine(crowd(1), store=":memory:")
    run = engine.start({}, run_id="r1", before="begin")
    run.wait()
    shown = timeline(run)
    assert {"svg", "defs"} <= drawn(shown.svg()).keys()
    assert "0 tasks" in repr(shown)


@pytest.mark.parametrize(("option", "value"), [("by", "colour"), ("axis", "space"), ("theme", "pink")])
def test_an_unknown_choice_is_refused_by_name(option: str, value: str):
    """A wrong option says which one, and what it may be."""
    with pytest.raises(OptionsError, match=f"{option} is '{value}'; it should be") as caught:
        timeline(ran(crowd(1)), **{option: value})
    assert option == caught.value.option
