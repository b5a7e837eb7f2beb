"""The timeline on the page: it shows what happened, moves the cursor, and is moved by it."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

import nbgraph as ng
from nbgraph.views.timeline.columns import Span, packed
from nbgraph.views.widgets.base import Cursor
from nbgraph.views.widgets.timeline import TimelineView
from tests.views.histories import Piece, crowd, ran
from tests.widgets.still import look, stilled

HOSTILE = '"><img src=x onerror=alert(1)>\u202e'
STATE = {"run_id": "r1", "by": "node", "axis": "time", "at": None, "refused": "", "note": {}}


@pytest.fixture
def show(monkeypatch, wire, mount):
    """``show(run)``: the timeline of a run in a page that has been told of it."""
    stilled(monkeypatch)

    def shown(run: Any, *, theme: str = "light", width: int | None = None, **how: Any):
        widget = TimelineView(run, **how)
        look(widget)
        page = mount(widget, theme=theme, width=width)
        page.pump()
        return page

    return shown


@pytest.fixture
def alone(mount):
    """``alone(spans)``: the page side with these spans, without a run."""

    def shown(spans: list[Span], **facts: Any):
        page = mount("timeline", state=dict(STATE))
        page.message(whole(spans, **facts), [*packed(spans), *packed([])])
        page.frame()
        return page

    return shown


def whole(spans: list[Span], **facts: Any) -> dict[str, Any]:
    names = facts.pop("names", ["a", "b"])
    return {
        "kind": "whole", "first": 0, "labels": names, "names": names, "named": 0, "notes": [], "folds": [], "origin": 0.0,
        "end": max((span.end for span in spans), default=0.0), "status": "completed", "latest": len(spans),
        "going": False, "axis": "time", "by": "node", **facts,
    }  # fmt: skip


def span(start: float, end: float, step: int, lane: int = 0, status: str = "done") -> Span:
    return Span(start, end, lane, 0, "attempt", status, 1, lane, step)


def where(page: Any) -> str:
    return page.root.locator(".ng-tl-where").inner_text()


def colour_at(page: Any, x: float, y: float) -> list[int]:
    """Return the colour of the canvas at a part of its width and a pixel of its height."""
    look = """([x, y]) => { const c = document.querySelector('canvas'), r = devicePixelRatio;
      return [...c.getContext('2d').getImageData(Math.round(c.width * x), Math.round(y * r), 1, 1).data]; }"""
    return page.page.evaluate(look, [x, y])


def test_lanes_are_named_in_the_order_in_which_they_began(show):
    """Each node has a lane with its name, the first one on top."""
    page = show(ran(crowd(2), max_concurrent=1))
    assert ["begin", "aside", "split", "work", "gather", "last"] == page.root.locator(".ng-tl-name").all_inner_texts()


def test_spans_are_painted_where_they_are(alone):
    """A span fills its part of its lane, and nothing else does."""
    page = alone([span(0.0, 0.5, 1), span(0.5, 1.0, 2, lane=1)])
    first, second = 12, 36
    assert 0 < colour_at(page, 0.25, first)[3]
    assert 0 < colour_at(page, 0.75, second)[3]
    assert [0, 0] == [colour_at(page, 0.77, first)[3], colour_at(page, 0.27, second)[3]]


def test_the_scrubber_moves_the_cursor(show):
    """A key on the slider is a step for everybody who shares the cursor."""
    cursor = Cursor()
    page = show(ran(crowd(2)), cursor=cursor)
    slider = page.root.get_by_role("slider", name="Step")
    slider.focus()
    slider.press("Home")
    slider.press("ArrowRight")
    page.page.wait_for_function("alone.sent.at(-1)?.content.value === 1")
    page.pump()
    assert 1 == cursor.step
    assert "step 1 of 7 · begin" == where(page)
    assert "step 1 of 7 · begin" == slider.get_attribute("aria-valuetext")


def test_keys_on_the_plot_step_and_zoom(show):
    """Left, right, Home and End move by step; plus and zero zoom; the pointer is not needed."""
    page = show(ran(crowd(2)))
    plot = page.root.locator(".ng-tl-plot")
    plot.focus()
    seen = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        plot.press(key)
        page.frame()
        seen.append(where(page).split(" ·")[0])
    assert ["the input", "step 1 of 7", "step 2 of 7", "step 1 of 7", "step 7 of 7"] == seen


def test_a_click_on_a_span_goes_to_its_step(alone):
    """What is under the pointer is where the cursor goes."""
    page = alone([span(0.0, 0.5, 1), span(0.5, 1.0, 2, lane=1)])
    box = page.root.locator("canvas").bounding_box()
    page.page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + 36)
    page.page.wait_for_function("alone.sent.length === 3")
    assert {"kind": "cursor", "value": 2} == page.sent[-1]


def test_a_drag_pans_and_moves_no_cursor(alone):
    """Dragging shows another stretch of time and says nothing to Python."""
    page = alone([span(0.0, 0.5, 1), span(0.5, 1.0, 2, lane=1)])
    box = page.root.locator("canvas").bounding_box()
    ticks = page.root.locator(".ng-tl-axis span").all_inner_texts()
    page.page.mouse.move(box["x"] + 300, box["y"] + 12)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 60, box["y"] + 12, steps=4)
    page.page.mouse.up()
    page.frame()
    assert ticks != page.root.locator(".ng-tl-axis span").all_inner_texts()
    assert [{"kind": "shown"}, {"kind": "hello"}] == page.sent


def test_a_cursor_that_moves_elsewhere_moves_the_line(show):
    """Another view's step is this view's step."""
    cursor = Cursor()
    page = show(ran(crowd(2)), cursor=cursor)
    cursor.move(3)
    look(page.widget)
    page.pump()
    assert where(page).startswith("step 3 of 7")
    assert "false" == page.root.get_by_role("button", name="Latest").get_attribute("aria-pressed")
    page.root.get_by_role("button", name="Latest").click()
    page.pump()
    assert cursor.step is None


def test_a_cursor_that_moves_while_this_one_does_is_adopted_afterwards(alone):
    """Right after an own move another step is not lost: it may be an echo, and is looked at again."""
    page = alone([span(0.0, 0.5, 1), span(0.5, 1.0, 2), span(1.0, 1.5, 3)])
    page.root.locator(".ng-tl-plot").press("End")
    page.set(at=2)
    page.page.wait_for_function("document.querySelector('.ng-tl-where').textContent.startsWith('step 2')")


def test_a_long_scrub_sends_ten_messages_a_second_at_most(alone):
    """However fast a person scrubs, Python hears of it seldom, and of the last step for certain."""
    page = alone([span(step, step + 1.0, step + 1) for step in range(100)])
    scrub = """async () => { const slider = document.querySelector('input[type=range]'), began = performance.now();
      for (let step = 0; step <= 100; step++) { slider.value = step; slider.dispatchEvent(new Event('input', { bubbles: true }));
        await new Promise((done) => setTimeout(done, 4)); }
      slider.dispatchEvent(new Event('change', { bubbles: true }));
      await new Promise((done) => setTimeout(done)); return performance.now() - began; }"""
    took = page.page.evaluate(scrub)
    said = [message["value"] for message in page.sent if message["kind"] == "cursor"]
    assert 100 == said[-1]
    assert len(said) <= took / 100 + 3


def test_playing_steps_through_the_run(alone):
    """The play button moves the cursor by itself, to the end, and stops there."""
    page = alone([span(step / 3, step / 3 + 0.3, step + 1) for step in range(3)])
    page.root.get_by_role("button", name="Play").click()
    page.page.wait_for_function("document.querySelector('.ng-tl-where').textContent.startsWith('step 3')")
    page.root.locator("button[aria-label=Play]").wait_for()


def test_a_live_run_appends(alone):
    """More spans come behind those that are there; a gap in the numbering is asked about, not guessed."""
    page = alone([span(0.0, 1.0, 1)])
    more = [span(1.0, 2.0, 2, lane=1)]
    page.message(
        {**whole(more, latest=2), "kind": "more", "first": 1, "named": 2, "names": []}, [*packed(more), *packed([])]
    )
    page.frame()
    assert "step 2 of 2 · b" == where(page)
    page.message({**whole(more), "kind": "more", "first": 9}, [*packed(more), *packed([])])
    page.page.wait_for_function("alone.sent.length === 3")
    assert {"kind": "hello"} == page.sent[-1]


def test_what_python_sends_while_a_run_goes_on_is_what_is_new(show, wire):
    """After the first message only new spans are sent."""
    run = ran(crowd(3, ask=True))
    page = show(run)
    before = len(wire.messages)
    page.widget.take(Piece(status="paused"))
    page.widget.tick()
    (told,) = [one for one in wire.messages[before:] if one.data.get("method") == "custom"]
    assert ("more", 0) == (told.data["content"]["kind"], len(told.buffers[0]))


def test_lanes_by_branch_and_the_order_of_causes_are_chosen_on_the_page(show):
    """Both choices are made again by Python, from the run's beginning."""
    page = show(ran(crowd(2), max_concurrent=1))
    page.root.get_by_label("Lanes").select_option("branch")
    page.pump()
    page.pump()
    assert ["trunk", "aside", "split"] == page.root.locator(".ng-tl-name").all_inner_texts()
    page.root.get_by_label("Axis").select_option("order")
    page.pump()
    page.pump()
    assert ("order", "branch") == (page.widget.axis, page.widget.by)
    assert "in the order of causes, not to scale" == page.root.locator(".ng-tl-axis").get_attribute("data-note")


def test_a_fork_is_made_from_the_step_at_the_cursor(show):
    """The button makes a run that shares the past up to here, and says its name and how to open it."""
    run = ran(crowd(2))
    page = show(run, cursor=_at(1))
    page.root.get_by_role("button", name="Fork from 1").click()
    page.pump()
    page.pump()
    (fork,) = [row.record.run_id for row in run.store.runs() if row.record.run_id != "r1"]
    assert (run.id, 1) == tuple(run.store.origin(fork))
    assert f"engine.open('{fork}')" == page.root.locator(".ng-tl-note code").inner_text()


def test_a_run_opened_for_reading_offers_no_fork(show):
    """Where a handle cannot steer, the button says why and does nothing."""
    run = ran(crowd(1))
    page = show(ng.Run(run.store, "r1"))
    button = page.root.locator(".ng-tl-fork")
    assert "true" == button.get_attribute("aria-disabled")
    assert "opened for reading" in button.get_attribute("title")
    button.click(force=True)
    page.widget.heard({"kind": "fork", "value": 1})
    page.pump()
    assert 1 == len(run.store.runs())


def test_a_run_that_is_faster_than_a_view_may_be_costs_no_more(show):
    """While a run goes on, a view takes one piece of news and rests; when the run stands still it has caught up."""
    run = ran(crowd(2))
    widget = show(run).widget
    rows = list(run.store.steps("r1"))
    taken = []
    widget._spans.take = taken.append
    widget._pace, widget._worked = 3600.0, float("-inf")
    for _ in range(5):
        widget.take(Piece(rows, status="running"))
        widget._work()
    assert 1 == len(taken)
    widget.take(Piece(status="completed"))
    widget._work()
    assert 6 == len(taken)


def test_a_piece_waits_until_a_sixtieth_of_the_time_has_paid_for_it(show):
    """What waits while a run goes on is sorted in after sixty times what that takes, however much came together."""
    run = ran(crowd(2))
    widget = show(run).widget
    rows, taken = list(run.store.steps("r1")), []
    widget._spans.take = taken.append
    widget._pace, widget._worked = 0.1, monotonic() - 60 * 0.1 * (len(rows) - 1)
    widget.take(Piece(rows, status="running"))
    widget._work()
    assert [] == taken
    widget._worked -= 60 * 0.1
    widget._work()
    assert 1 == len(taken)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "cursor", "value": 99}, {"kind": "cursor", "value": "1"}, {"kind": "cursor", "value": True},
        {"kind": "by", "value": "colour"}, {"kind": "fork", "value": -1}, {"kind": "axis"}, {"kind": "nonsense"}, {},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left(show, message: dict[str, Any]):
    """A message that no page of ours sends changes nothing."""
    run = ran(crowd(1))
    page = show(run)
    page.widget.heard(message)
    assert (None, "node", "time", 1) == (
        page.widget.cursor.step,
        page.widget.by,
        page.widget.axis,
        len(run.store.runs()),
    )


def test_hostile_names_become_no_elements(alone):
    """A name is text in lanes, in the tooltip and in the note."""
    harmless, hostile = (elements(alone, name) for name in ("W" * len(HOSTILE), HOSTILE))
    assert harmless == hostile


def elements(alone: Any, name: str) -> list[str]:
    """Return the elements of a page whose every text is ``name``, the tooltip open."""
    page = alone([span(0.0, 1.0, 1)], names=[name], notes=[[0, name]])
    page.set(note={"kind": "forked", "text": name, "run": name, "code": name})
    box = page.root.locator("canvas").bounding_box()
    page.page.mouse.move(0, 0)
    page.page.mouse.move(box["x"] + 100, box["y"] + 12)
    page.frame()
    assert 2 <= page.root.get_by_text(name[:8]).count()
    found = page.elements()
    page.remove()
    return found


def test_a_pixel_of_a_dense_screen_is_a_pixel(mount):
    """On a screen with two pixels for one, the canvas has as many as are shown."""
    mounted = mount("timeline", state=dict(STATE))
    mounted.page.evaluate("() => Object.defineProperty(window, 'devicePixelRatio', { get: () => 2 })")
    mounted.message(whole([span(0.0, 1.0, 1)]), [*packed([span(0.0, 1.0, 1)]), *packed([])])
    mounted.frame()
    size = "() => { const c = document.querySelector('canvas'); return [c.width, c.clientWidth]; }"
    width, shown = mounted.page.evaluate(size)
    assert width == 2 * shown


def test_colours_follow_the_theme(alone):
    """When the notebook turns dark, what is painted turns dark too."""
    page = alone([span(0.0, 1.0, 1)])
    light = colour_at(page, 0.5, 12)
    page.page.evaluate("() => { document.body.dataset.jpThemeLight = 'false'; }")
    page.frame()
    page.frame()
    dark = colour_at(page, 0.5, 12)
    assert sum(light[:3]) > sum(dark[:3]) + 200


def test_a_removed_timeline_leaves_nothing_behind(alone):
    """Listeners, timers and frames end with the view, and Python is told that nobody looks any more."""
    page = alone([span(0.0, 1.0, 1)])
    assert 0 < page.listeners
    page.root.get_by_role("button", name="Play").click()
    page.remove()
    page.frame()
    assert (0, 0) == (page.listeners, page.page.locator("canvas").count())
    assert {"kind": "hidden"} == page.sent[-1]


def test_ten_thousand_tasks_are_shown_and_hit(alone):
    """A run of ten thousand tasks is there at once, and its last span can be clicked."""
    spans = [span(step / 100, step / 100 + 0.008, step + 1, lane=step % 2) for step in range(10_000)]
    page = alone(spans)
    page.root.locator(".ng-tl-plot").focus()
    page.root.locator(".ng-tl-plot").press("End")
    page.frame()
    assert "step 10000 of 10000 · b" == where(page)


def test_the_saved_form_is_the_static_picture(show):
    """Where no kernel is, the widget is the run's static timeline."""
    shown = show(ran(crowd(1))).widget.picture()
    assert shown["text/html"].startswith("<img src=")
    assert shown["text/plain"].startswith("crowd · r1")


def _at(step: int) -> Cursor:
    cursor = Cursor()
    cursor.move(step)
    return cursor
