"""The inspector on the page: everything of the step at the cursor, opened as far as a person asks."""

from __future__ import annotations

from typing import Any

import pytest

import nbgraph as ng
from nbgraph.views.widgets.base import Cursor
from nbgraph.views.widgets.inspector import InspectorView
from tests.views.histories import Piece, crowd, ran
from tests.widgets.still import look, stilled

HOSTILE = '"><img src=x onerror=alert(1)></pre>\u202e'


@pytest.fixture
def show(monkeypatch, wire, mount):
    """``show(run, step)``: the inspector of a run at a step, in a page that has been told of it."""
    stilled(monkeypatch)

    def shown(run: Any, step: int | None = None, **how: Any):
        cursor, width = how.pop("cursor", Cursor()), how.pop("width", None)
        cursor.move(step)
        widget = InspectorView(run, cursor=cursor, **how)
        look(widget)
        page = mount(widget, width=width)
        page.pump()
        return page

    return shown


def one(value: Any, name: str = "f") -> Any:
    """Return a run whose only step writes ``value`` to field ``f``."""
    graph = ng.Graph({"f": object}, name="one")
    graph.node(name=name)(lambda state: {"f": value})
    return ran(graph)


def choose(page: Any, tab: str) -> str:
    page.root.get_by_role("tab", name=tab).click()
    page.pump()
    page.pump()
    return page.root.get_by_role("tabpanel").inner_text()


def test_the_head_says_which_step_it_is(show):
    """Node, step and status stand above everything else."""
    page = show(ran(crowd(2)), 1)
    assert ["✓ done", "begin", "step 1"] == page.root.locator(".ng-in-title").inner_text().split("\n")[:3]


def test_the_cursor_chooses_what_is_shown(show):
    """When another view moves the cursor, the inspector shows that step."""
    cursor = Cursor()
    page = show(ran(crowd(2)), 1, cursor=cursor)
    cursor.move(7)
    look(page.widget)
    page.pump()
    assert "last" == page.root.locator(".ng-in-title b").inner_text()


def test_who_wrote_a_field_is_a_way_to_its_step(show):
    """A click on the writer of a field moves everybody there."""
    cursor = Cursor()
    page = show(ran(crowd(2)), 7, cursor=cursor)
    page.root.locator(".ng-in-field", has_text="left").get_by_role("button").click()
    page.pump()
    page.pump()
    assert "aside" == page.root.locator(".ng-in-title b").inner_text()
    assert "aside" == next(row.node for row in page.widget.subject.store.steps("r1", cursor.step, cursor.step))


def test_tabs_are_moved_through_with_the_keyboard(show):
    """Arrows go round the tabs, one of them can be tabbed to, and the panel is named by it."""
    page = show(ran(crowd(2)), 7)
    page.root.get_by_role("tab", name="State").focus()
    page.page.keyboard.press("ArrowLeft")
    page.pump()
    page.pump()
    chosen = page.root.locator('[role=tab][aria-selected="true"]')
    assert ["Source"] == [text.strip() for text in chosen.all_inner_texts()]
    assert 1 == page.root.locator('[role=tab][tabindex="0"]').count()
    assert chosen.get_attribute("id") == page.root.get_by_role("tabpanel").get_attribute("aria-labelledby")
    assert "def last(state):" in page.root.get_by_role("tabpanel").inner_text()


def test_in_a_dashboard_the_tabs_stand_in_one_line(show):
    """At 370 pixels, what a dashboard gives it beside an open side bar, no tab wraps."""
    page = show(ran(crowd(2)), 4, width=370)
    assert 1 == len({tab.bounding_box()["y"] for tab in page.root.get_by_role("tab").all()})


def test_each_tab_holds_its_part(show):
    """Changes, calls, output and events of a task that was tried again."""
    run = ran(crowd(2), max_concurrent=1)
    step = next(row.step for row in run.store.steps("r1") if row.attempts == 2)
    page = show(run, step)
    assert "1 added behind" in choose(page, "Changes")
    assert "double" in choose(page, "Calls")
    assert 2 == choose(page, "Output").count("item 1")
    assert "ConnectionError: hung up" in choose(page, "Events")


def test_a_small_change_is_one_line(show):
    """A number that changed stands beside what it was."""
    graph = ng.Graph({"f": int}, name="small")
    graph.node(name="a")(lambda state: {"f": 1})
    graph.node(name="b", after="a")(lambda state: {"f": 2})
    page = show(ran(graph), 2, tab="changes")
    assert ["1", "2"] == [page.root.locator(tag).inner_text() for tag in ("del", "ins")]


def test_a_failure_is_shown_with_its_line(show):
    """At the latest, a failed run shows the task that failed, its error, and the line of its source that raised."""
    page = show(ran(crowd(1, fail=True)))
    assert ["✗ failed", "last"] == page.root.locator(".ng-in-title").inner_text().split("\n")[:2]
    assert "ValueError: no way <b>out</b>" == page.root.locator(".ng-in-error").inner_text()
    choose(page, "Source")
    assert 'raise ValueError("no way <b>out</b>")' == page.root.locator(".ng-in-failing").inner_text().strip()


def test_a_long_list_is_opened_piece_by_piece(show):
    """A click brings the next hundred items of a list, in their order."""
    page = show(one(list(range(150))), 1)
    page.root.locator("summary", has_text="f").click()
    labels = page.root.locator(".ng-v-body > .ng-v-row > .ng-v-label")
    labels.nth(19).wait_for()
    while page.root.get_by_role("button", name="more").count():
        page.root.get_by_role("button", name="more").click()
        page.pump()
        page.pump()
    assert [str(place) for place in range(150)] == labels.all_inner_texts()


def test_a_closed_list_says_how_it_begins(show):
    """A list whose first item is long shows the beginning of that item."""
    page = show(one(["a" * 100, "b"]), 1)
    assert page.root.locator(".ng-v-hint").first.text_content().startswith('"aaaa')


def test_what_lies_deep_is_fetched_when_it_is_opened(show):
    """A value that was not sent comes when its twig is opened."""
    page = show(one({"a": {"b": {"c": {"d": {"e": "the bottom"}}}}}), 1)
    while page.root.locator("details:not([open]) > summary").count():
        page.root.locator("details:not([open]) > summary").first.click()
        page.pump()
        page.pump()
    assert page.root.get_by_text("the bottom", exact=True).is_visible()


def test_a_long_text_is_unfolded(show):
    """The rest of a text comes on request, and nothing of it twice."""
    text = " ".join(map(str, range(20_000)))
    page = show(one(text), 1)
    while page.root.get_by_role("button", name="more characters").count():
        page.root.get_by_role("button", name="more characters").click()
        page.pump()
        page.pump()
    assert text == page.root.locator(".ng-v-text").text_content()


def test_a_frame_is_a_table(show):
    """A DataFrame is a table of its first rows; more come on request."""
    import pandas as pd

    page = show(one(pd.DataFrame({"city": ["Bern"] * 30, "<i>n</i>": range(30)})), 1)
    assert ["", "city", "<i>n</i>"] == page.root.locator("thead th").all_inner_texts()
    assert 8 == page.root.locator("tbody tr").count()
    page.root.get_by_role("button", name="22 more rows").click()
    page.pump()
    page.pump()
    assert 30 == page.root.locator("tbody tr").count()


def test_search_finds_a_value_deep_in_the_state(show):
    """What is typed is looked for in the whole state; Escape brings the state back."""
    page = show(one({"a": [{"deep": "Needle in hay"}]}), 1)
    page.root.get_by_role("searchbox").fill("needle")
    page.page.wait_for_function("alone.sent.at(-1)?.content.kind === 'search'")
    page.pump()
    page.pump()
    assert "f › a › 0 › deep" == page.root.locator(".ng-in-hit b").inner_text()
    page.root.get_by_role("searchbox").press("Escape")
    page.frame()
    assert 1 == page.root.locator(".ng-in-field").count()


def test_hostile_text_becomes_no_elements(show):
    """Names, keys, values, prints, errors and sources are text: a hostile run gives the elements of a harmless one."""
    found = []
    for text in ("W" * len(HOSTILE), HOSTILE):
        page = show(one({text: [text]}, text.replace("/", "")), 1)
        kinds = []
        for tab in ("State", "Changes", "Calls", "Output", "Events", "Source"):
            choose(page, tab)
            kinds += page.elements()
        found.append(kinds)
        page.remove()
    assert found[0] == found[1]
    assert "img" not in found[1]


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "go", "value": 99}, {"kind": "go", "value": True}, {"kind": "tab", "value": "secrets"},
        {"kind": "open", "root": "state", "path": ["0"]}, {"kind": "open", "root": 1, "path": [0]},
        {"kind": "open", "root": "state", "path": [0], "first": -1}, {"kind": "search", "text": 5}, {},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_left(show, wire, message: dict[str, Any]):
    """A message that no page of ours sends is not answered."""
    page = show(ran(crowd(1)), 1)
    before = len(wire.messages)
    page.widget.heard(message)
    assert before == len(wire.messages)
    assert (1, "state") == (page.widget.cursor.step, page.widget.tab)


def test_a_path_that_is_gone_is_said_to_be(show, wire):
    """A page that asks for what another step had gets an answer, not silence."""
    page = show(one([1]), 1)
    page.widget.heard({"kind": "open", "id": 4, "root": "state", "path": [0, 7]})
    told = wire.messages[-1].data["content"]
    assert (4, "part") == (told["id"], told["kind"])
    assert "gone" in told["s"]


def test_megabytes_of_state_cost_a_small_message(show, wire):
    """What is sent first of a state of megabytes stays below 64 kB."""
    from json import dumps

    before = len(wire.messages)
    show(one({str(number): "x" * 10_000 for number in range(300)}), 1)
    sizes = [len(dumps(one.data["content"])) for one in wire.messages[before:] if one.data.get("method") == "custom"]
    assert sizes
    assert 64_000 > max(sizes)


def test_a_run_that_goes_on_is_not_read_again_for_every_step(show, wire):
    """At the latest step, pages are sent a few times a second, whatever the run does."""
    page = show(ran(crowd(2)))
    before = len(wire.messages)
    for _ in range(50):
        page.widget.take(Piece(status="running"))
        page.widget.tick()
    assert 1 >= len([one for one in wire.messages[before:] if one.data.get("method") == "custom"])


def test_a_removed_inspector_leaves_nothing_behind(show):
    """Its listeners end with the view."""
    page = show(ran(crowd(1)))
    assert 0 < page.listeners
    page.remove()
    assert 0 == page.listeners
