"""All views of a run in one output: they move together, go to a fork and back, fit the page, and leave nothing."""

from __future__ import annotations

import sys
import threading

import pytest
from ipywidgets.widgets.widget import _instances

import nbgraph as ng
from nbgraph.views.widgets.dashboard import AREAS, Dashboard
from tests.widgets.acts import PATIENCE, Gate, caught_up, done, ended, line, say, until

HOSTILE = '"><img src=x onerror=alert(1)><b>'


@pytest.fixture
def opened(wire):
    """Make dashboards that are closed in the end."""
    made = []

    def make(run):
        made.append(ng.dashboard(run))
        for view in made[-1].children:
            caught_up(view)
        return made[-1]

    yield make
    for dashboard in made:
        dashboard.close()


def speaks(text):
    """Return a node that prints and returns a text."""
    return lambda state: sys.stdout.write(text) and {"log": [text]}


def breaks(text):
    """Return a node that fails with a text."""

    def node(state):
        raise ValueError(text)

    return node


def settled(mounted, dashboard) -> None:
    """Carry everything over, both ways, until page and Python agree."""
    for _ in range(2):
        mounted.pump()
        for view in dashboard.children:
            caught_up(view)
    mounted.pump()


def test_a_dashboard_has_all_views(opened):
    """Buttons, graph, timeline, state, costs and questions share one cursor and one channel."""
    dashboard = opened(done(line("a", "b")))
    assert {"controls", "inbox", *AREAS} == set(dashboard.areas)
    shared = [view for name, view in dashboard.areas.items() if name != "inbox"]
    assert {dashboard.cursor} == {view.cursor for view in shared}
    assert {dashboard.channel} == {view.channel for view in shared}


def test_a_cursor_that_one_view_moves_moves_the_others(opened):
    """A step that is chosen in one view is looked at in all of them."""
    dashboard = opened(done(line("a", "b", "c")))
    say(dashboard.areas["graph"], "cursor", step=1)
    until(lambda: dashboard.areas["controls"].standing["at"] == 1, dashboard.areas["controls"])
    until(lambda: dashboard.areas["timeline"].at == 1, dashboard.areas["timeline"])
    assert 1 == dashboard.areas["graph"].head["at"]


def test_a_dashboard_goes_to_a_fork_and_back(opened):
    """A fork that was made can be looked at in place; the run that it comes from is a click away."""
    run = done(line("a", "b"), run_id="origin")
    dashboard = opened(run)
    controls = dashboard.areas["controls"]
    say(controls, "fork", step=1)
    until(lambda: controls.note, controls)
    dashboard.channel._handle_custom_msg({"to": controls.view_id, "kind": "open"}, [])
    arrived(dashboard, lambda: dashboard.trail == ["origin"])
    assert "origin" != dashboard.run.id
    dashboard.run.wait(PATIENCE)
    dashboard.channel._handle_custom_msg({"to": dashboard.view_id, "kind": "back"}, [])
    arrived(dashboard, lambda: dashboard.trail == [])
    assert run is dashboard.run


def arrived(dashboard, condition) -> None:
    """Return when the dashboard has changed as it was asked to."""
    for _ in range(200):
        if condition():
            return
        caught_up(dashboard.areas["controls"])
    raise AssertionError("it never came to that")


def test_views_of_a_run_that_is_left_are_closed(opened):
    """What showed the run before holds no thread and no comm."""
    dashboard = opened(done(line("a"), run_id="left"))
    old = dashboard.children
    dashboard.go(done(line("a"), run_id="next"))
    assert all(view.closed for view in old)
    ended("nbgraph-views-left")


def test_closing_leaves_nothing(wire):
    """After close there is no comm, no entry in the registry, and no thread; a second close does nothing."""
    before, others = set(_instances), threading.enumerate()
    dashboard = Dashboard(done(line("a"), run_id="gone"))
    for view in dashboard.children:
        caught_up(view)
    dashboard.close()
    dashboard.close()
    ended("nbgraph-views", but=others)
    assert (set(), before) == (wire.open, set(_instances))


def test_a_dashboard_that_cannot_be_made_leaves_nothing(wire, monkeypatch):
    """Where one of the views fails, those that were made before it are closed: their threads end."""
    run = done(line("a"), "broken")
    monkeypatch.setitem(AREAS, "costs", "costs:NoSuchView")
    with pytest.raises(AttributeError, match="NoSuchView"):
        Dashboard(run)
    ended("nbgraph-views-broken")


def test_a_run_that_was_opened_for_reading_has_no_inbox(opened, tmp_path):
    """Where nothing can be answered there is no place for questions."""
    file = tmp_path / "runs.sqlite"
    ng.Engine(line("a"), store=file).run({}, run_id="r")
    assert "inbox" not in opened(ng.open_run(file, "r")).areas


def test_a_dashboard_carries_pictures(opened):
    """Where no kernel is, the graph and the timeline stand as pictures."""
    data, _ = opened(done(line("a", "b")))._repr_mimebundle_()
    assert 2 == data["text/html"].count('<img src="data:image/svg+xml;base64,')
    assert data["text/plain"].startswith("<Run")


def test_the_page_shows_all_views(opened, mount):
    """Each view finds its place; an inbox without questions takes none, nor do costs without calls."""
    dashboard = opened(done(line("a", "b")))
    mounted = mount(dashboard)
    settled(mounted, dashboard)
    places = [one.get_attribute("aria-label") for one in mounted.page.locator(".ng-area:visible").all()]
    assert ["Controls", "Graph", "State", "Timeline"] == places


def test_a_click_on_the_page_reaches_the_run(opened, mount):
    """From a button in the dashboard to the run and back: the graph turns green."""
    run = ng.Engine(line("a", "b")).start({}, run_id="clicked", before="a")
    run.wait(PATIENCE)
    dashboard = opened(run)
    mounted = mount(dashboard)
    settled(mounted, dashboard)
    mounted.page.get_by_role("button", name="Run", exact=True).click()
    mounted.pump()
    until(lambda: dashboard.areas["graph"].head["status"] == "completed", dashboard.areas["graph"])
    settled(mounted, dashboard)
    assert 2 == mounted.page.locator(".ng-stage .ng-is-done").count()


@pytest.mark.parametrize("width", [1080, 816, 700, 420])
def test_nothing_sticks_out(opened, mount, width):
    """At every width of a notebook the page need not be scrolled sideways."""
    dashboard = opened(done(line("a", "b")))
    mounted = mount(dashboard, width=width)
    settled(mounted, dashboard)
    assert mounted.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_removed_dashboard_leaves_nothing(opened, mount):
    """No view, no listener on any model; Python is told that nobody looks any more."""
    dashboard = opened(done(line("a", "b")))
    mounted = mount(dashboard)
    settled(mounted, dashboard)
    mounted.remove()
    mounted.frame()
    assert (0, 0) == (mounted.listeners, mounted.page.evaluate("() => alone.views.size"))


def test_a_lost_kernel_is_said_once(opened, mount):
    """A dashboard whose kernel is gone says so above everything, not in each of its views."""
    dashboard = opened(done(line("a", "b")))
    mounted = mount(dashboard)
    settled(mounted, dashboard)
    mounted.lose_kernel()
    assert [True] == ["run the cell again" in note for note in mounted.page.locator(".ng-gone").all_inner_texts()]


def test_hostile_texts_are_texts(opened, mount):
    """Names, values, prints and errors of a run add no kind of element to the page, whatever they hold."""
    kinds = []  # how many there are depends on how long the run took: a time axis has its ticks
    for text in ("word", HOSTILE):
        graph = ng.Graph({"log": list}, name=text)
        graph.node(name=text)(speaks(text))
        graph.node(name="b", after=text)(breaks(text))
        dashboard = opened(done(graph))
        mounted = mount(dashboard)
        settled(mounted, dashboard)
        assert text in mounted.page.locator("body").text_content()
        kinds.append(set(mounted.elements()))
        assert 0 == mounted.page.locator("img, [onerror]").count()
        mounted.remove()
    assert kinds[0] == kinds[1]


def test_a_live_dashboard_is_quiet(opened, wire):
    """While nothing happens, nothing is sent."""
    gate = Gate()
    run = ng.Engine(line("a", "b", b=gate.node)).start({}, run_id="quiet")
    assert gate.reached.wait(PATIENCE)
    dashboard = opened(run)
    for view in dashboard.children:
        caught_up(view)
    before = len(wire.messages)
    for _ in range(5):
        for view in dashboard.children:
            caught_up(view)
    assert before == len(wire.messages)
    gate.open()
    run.wait(PATIENCE)
