"""Two runs side by side: a row for each task, the graph by outcome, and the way from one difference to the next."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Annotated, Any

import pytest

import nbgraph as ng
from nbgraph.analysis import Diff
from nbgraph.testing import FakeClock
from nbgraph.views.comparing import lines_of, pieces_of, topology_of
from nbgraph.views.widgets.diff_view import DiffView
from tests.widgets.still import stilled

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e"


def engine_of(name: str = "steps", tail: str = "", **options: Any) -> ng.Engine:
    graph = ng.Graph({"word": str, "log": Annotated[list[str], ng.append]}, name=name)

    @graph.node
    def begin(state):
        return {"log": "begun"}

    @graph.node(after="begin")
    def say(state):
        return {"log": state["word"] + tail}

    @graph.node(after="say")
    def end(state):
        return {"word": "done"}

    return ng.Engine(graph, store=":memory:", **options)


def changed(left: str = "one", right: str = "two") -> Diff:
    """Return a comparison of two runs: the input differs, and what "say" made of it."""
    engine = engine_of()
    return engine.run({"word": left}, run_id="r1").diff(engine.run({"word": right}, run_id="r2"))


def same() -> Diff:
    engine = engine_of()
    return engine.run({"word": "one"}, run_id="r1").diff(engine.run({"word": "one"}, run_id="r2"))


def forked() -> Diff:
    engine = engine_of()
    run = engine.run({"word": "one"}, run_id="r1")
    return run.diff(engine.fork("r1", 1, update={"word": "edited"}, new_id="f1"))


@pytest.fixture
def shown(monkeypatch, wire, mount):
    """``shown(diff)``: the view of a comparison, in a page that has been told of it."""
    stilled(monkeypatch)

    def put(diff: Diff, **how: Any):
        page = mount(DiffView(diff), **how)
        page.pump()
        page.pump()
        return page

    return put


def marks(page: Any) -> list[str]:
    return page.root.locator(".ng-diff-row .ng-diff-mark").all_text_contents()


def said(page: Any) -> str:
    return page.root.locator(".ng-diff-said").inner_text().replace("\n", " ")


def press(page: Any, key: str) -> None:
    page.root.locator(".ng-diff-list").focus()
    page.page.keyboard.press(key)
    page.pump()
    page.pump()


def test_every_task_is_a_row_with_its_outcome(shown):
    """Same and changed tasks stand in canonical order, each with its mark and a bar on both sides."""
    page = shown(changed())
    assert ["=", "≠", "="] == marks(page)
    assert 6 == page.root.locator(".ng-diff-bar").count()


def test_a_task_of_one_side_has_one_bar(shown):
    """What ran on one side only is marked so, and has no bar on the other."""
    page = shown(forked())
    assert "+" in marks(page)
    only = page.root.locator("[data-outcome='only right']").first
    assert 1 == only.locator(".ng-diff-bar").count()


def test_it_opens_at_the_first_divergence(shown):
    """A person sees at once where the two part."""
    page = shown(changed())
    assert "first divergence" in said(page)
    assert "1 of 3" == page.root.locator(".ng-diff-where").inner_text()


def test_keys_lead_from_difference_to_difference(shown):
    """The key n goes on, p back, f to the first; the row of the task is chosen along the way."""
    page = shown(changed())
    press(page, "n")
    assert "say" in said(page)
    assert "say" in page.root.locator("[aria-selected=true] .ng-diff-task").inner_text()
    press(page, "n")
    press(page, "p")
    press(page, "f")
    assert "(input)" in said(page)


def test_buttons_end_where_the_differences_do(shown):
    """At the first and the last difference the way on is closed."""
    page = shown(changed())
    for _ in range(2):
        page.root.get_by_role("button", name="Next ›").click()
        page.pump()
    assert (True, False) == tuple(
        page.root.get_by_role("button", name=name).is_disabled() for name in ("Next ›", "‹ Previous")
    )


def test_equal_runs_say_so(shown):
    """Without a difference there is no way to go, and the page says why."""
    page = shown(same())
    assert ["=", "=", "="] == marks(page)
    assert "no difference" in page.root.inner_text()


def test_the_change_of_a_long_value_is_shown_in_pieces(shown):
    """Of two long texts one sees what went and what came, in the text."""
    page = shown(
        changed(
            "the quick brown fox jumps over the lazy dog and on, and on",
            "the quick red fox jumps over the lazy dog and on, and on",
        )
    )
    assert (["brown"], ["red"]) == tuple(page.root.locator(tag).all_text_contents() for tag in ("del", "ins"))


def test_nodes_are_coloured_by_outcome_and_the_first_is_marked(shown):
    """The graph shows where the runs differ; a click on a node leads to its task."""
    page = shown(changed())
    node = page.root.locator("[data-node=say]")
    assert "ng-is-retried" in node.get_attribute("class")
    node.click()
    page.pump()
    assert "say" in said(page)


def test_graphs_of_both_sides_are_in_one_drawing():
    """A node that only one of the runs had is drawn too."""
    engine = engine_of()
    run = engine.run({"word": "one"}, run_id="r1")
    engine.graph.node(lambda state: None, name="more", after="end")
    topology = topology_of(run.diff(engine.run({"word": "one"}, run_id="r2")))
    assert {"begin", "say", "end", "more"} == {node.name for node in topology.nodes}


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "look", "place": "1"},
        {"kind": "look", "place": 99},
        {"kind": "look", "place": True},
        {"kind": "look", "place": -1},
    ],
)
def test_what_the_page_says_wrong_is_not_heeded(shown, message):
    """A place that is none is not looked at."""
    page = shown(changed())
    before = len(page._wire.sent(page.widget))
    page.widget.heard(message)
    assert before == len(page._wire.sent(page.widget))


def test_hostile_values_make_no_elements(shown):
    """Values and names stand as text: the page has the elements of a harmless comparison."""
    harmless = shown(changed())
    elements = harmless.elements()
    harmless.remove()
    engine = engine_of(HOSTILE)
    diff = engine.run({"word": "<b>"}, run_id=HOSTILE).diff(engine.run({"word": "<i>"}, run_id="<u>"))
    assert elements == shown(diff).elements()


def test_the_static_form_is_a_picture_and_a_table(shown):
    """Without a kernel there is the graph by outcome as an image, and the differences as a table of the template's elements."""
    found = []
    for left, right in (("a", "b"), ("<b>", HOSTILE)):
        tags: list[str] = []
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, attrs, tags=tags: tags.append(tag)  # type: ignore[method-assign] # counts
        parser.feed(shown(changed(left, right)).widget.picture()["text/html"])
        found.append(tags)
    assert ("img" in found[0], found[0]) == (True, found[1])


def test_bars_begin_with_their_run():
    """A side's first task begins at 0, whenever the run was; without times bars are places in the order."""
    diff = changed()
    assert [0.0, 0.0] == [
        min(bar.start for line in lines_of(diff) if (bar := getattr(line, side))) for side in ("left", "right")
    ]
    assert [0.0, 1.0, 2.0] == [line.left.start for line in lines_of(diff, times=False)]


def test_time_in_which_nothing_ran_is_left_out():
    """A fork that is an hour younger than what it shares has bars one after the other, as if it had not waited."""
    clock = FakeClock()
    engine = engine_of(clock=clock)
    run = engine.run({"word": "one"}, run_id="r1")
    clock.advance(3600)
    fork = engine.fork("r1", 1, update={"word": "edited"}, new_id="f1")
    bars = [line.right for line in lines_of(run.diff(fork)) if line.right is not None]
    assert 1 > max(bar.start + bar.seconds for bar in bars)


@pytest.mark.parametrize(
    ("pieces", "left", "right"),
    [
        ([("=", "a "), ("-", "b"), ("+", "c")], "a b", "a c"),
        ([("+", "new")], "", "new"),
        ([("=", "[1, "), ("-", "2"), ("+", "3"), ("=", "]")], [1, 2], [1, 3]),
    ],
)
def test_a_change_is_told_in_pieces(pieces: list[tuple[str, str]], left: Any, right: Any):
    """What both sides share is told once, what is gone before what came."""
    assert pieces == pieces_of(left, right)


@pytest.mark.slow
def test_two_thousand_tasks_are_a_few_rows_in_the_page(shown):
    """However long the runs, the page holds the rows in sight, and the last difference is a jump away."""
    graph = ng.Graph({"out": Annotated[list[int], ng.append], "by": int}, name="fan")

    @graph.node(sends="work")
    def split(state):
        return [ng.Send("work", item=place) for place in range(2000)]

    @graph.node
    def work(state):
        return {"out": state["item"] * (state["by"] if state["item"] > 1990 else 1)}

    engine = ng.Engine(graph, store=":memory:")
    page = shown(engine.run({"by": 1}, run_id="r1").diff(engine.run({"by": 2}, run_id="r2")))
    press(page, "n")
    assert "work" in page.root.locator("[aria-selected=true] .ng-diff-task").inner_text()
    assert 60 > page.root.locator(".ng-diff-row").count()


def test_a_removed_view_listens_to_nothing(shown):
    """Taken off the page, nothing of the view is left to listen."""
    page = shown(changed())
    page.remove()
    assert 0 == page.listeners


def test_a_picture_of_a_comparison_says_nothing_of_failures(shown):
    """The static drawing tells outcomes in the comparison's own words: what ran on one side only has not failed."""
    from base64 import b64decode

    html = shown(forked()).widget.picture()["text/html"]
    drawn = b64decode(html.split("base64,")[1].split('"')[0]).decode()
    assert ("= 1 + 1" in drawn.replace("  ", " "), "failed<" in drawn) == (True, False)
