"""The run browser: every run as a line, found by what one knows of it, and what can be done with it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
import traitlets

import nbgraph as ng
from nbgraph.store import open_store
from nbgraph.store.protocol import RunRecord, RunStatus
from nbgraph.views.widgets.base import View
from nbgraph.views.widgets.run_browser import RunBrowser
from nbgraph.views.widgets.scene import Scene
from tests.widgets.alone import Mounted, plain
from tests.widgets.still import look, stilled

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e"


class Opened(View):
    """Stands for the view of a run."""

    _esm = "export default { render({ model, el }) { el.textContent = `opened ${model.get('name')}`; } };"
    name = traitlets.Unicode().tag(sync=True)

    def __init__(self, run: Any) -> None:
        super().__init__(Scene(self, "opened"), name=run.id)


def counting(name: str = "count", fails: Any = ()) -> ng.Engine:
    graph = ng.Graph({"n": int}, name=name)

    @graph.node
    def increment(state):
        if state["n"] in fails:
            raise ValueError("no such number")
        return {"n": state["n"] + 1}

    return ng.Engine(graph, store=":memory:")


def five() -> ng.Engine:
    """Return an engine with r1 (completed), r2 (failed), r3 (completed), f1 (a fork of r1), f2 (a fork of f1)."""
    engine = counting(fails=[2])
    for number in (1, 2, 3):
        try:
            engine.run({"n": number}, run_id=f"r{number}")
        except ng.NbgraphError:
            continue
    engine.fork("r1", 1, update={"n": 7}, new_id="f1")
    engine.fork("f1", 1, update={"n": 8}, new_id="f2")
    return engine


@pytest.fixture
def browse(monkeypatch, wire, mount):
    """``browse(engine)``: the browser of its runs, in a page that has been told of them."""
    stilled(monkeypatch)

    def shown(shelf: Any, **how: Any):
        page = mount(RunBrowser(shelf, show=Opened), **how)
        page.pump()
        return page

    return shown


def names(page: Any) -> list[str]:
    rows = "(all) => all.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((r) => r.dataset.run)"
    return page.root.locator("[data-run]").evaluate_all(rows)


def pick(page: Any, run: str, button: str) -> None:
    page.root.locator(f"[data-run={run}]").click()
    page.root.get_by_role("button", name=button).click()
    page.pump()


def test_runs_are_listed_newest_first_with_forks_below_their_origin(browse):
    """A fork stands indented under the run that it shares its past with."""
    page = browse(five())
    assert ["r3", "r2", "r1", "f1", "f2"] == names(page)
    depths = page.root.locator("[data-run]").evaluate_all(
        "(all) => all.map((r) => r.style.getPropertyValue('--depth'))"
    )
    assert ["0", "0", "0", "1", "2"] == sorted(depths)


@pytest.mark.parametrize(
    ("control", "value", "found"),
    [
        ("Search runs", "no such number", ["r2"]),
        ("Status", "failed", ["r2"]),
        ("Graph", "count", ["r3", "r2", "r1", "f1", "f2"]),
    ],
)
def test_a_filter_leaves_the_runs_that_are_so(browse, control: str, value: str, found: list[str]):
    """Text, status and graph each narrow the list; text also finds what a run failed with."""
    page = browse(five())
    field = page.root.get_by_label(control)
    field.fill(value) if control == "Search runs" else field.select_option(value)
    page.frame()
    assert found == names(page)


def test_a_filter_that_nothing_passes_says_so(browse):
    """No match is told in words, not as an empty box."""
    page = browse(five())
    page.root.get_by_label("Search runs").fill("zebra")
    page.frame()
    assert "No run is like this" in page.root.inner_text()


def test_a_column_sorts(browse):
    """A press on a head sorts by it, a second one the other way round."""
    page = browse(five())
    page.root.get_by_role("columnheader", name="Run").click()
    page.frame()
    assert ["r1", "f1", "f2", "r2", "r3"] == names(page)


def test_an_empty_store_says_so(browse):
    """A store without runs shows that, in words."""
    assert "No runs in this store yet" in browse(counting()).root.inner_text()


def test_a_new_run_shows_by_itself(browse):
    """What is started or changed after the first look comes as a line, and only that line is sent."""
    engine = five()
    page = browse(engine)
    engine.run({"n": 5}, run_id="r9")
    look(page.widget)
    page.pump()
    assert "r9" in names(page)
    last = page._wire.sent(page.widget)[-1].data["content"]
    assert (False, ["r9"]) == (last["whole"], [row[0] for row in last["rows"]])


def test_arrows_choose_and_enter_opens(browse):
    """The list works from the keyboard: Enter opens the chosen run."""
    page = browse(five())
    page.root.locator(".ng-runs-list").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.page.keyboard.press(key)
    page.pump()
    assert "r2" == page.widget.child.name


def test_plain_keys_are_the_widgets_and_shortcuts_the_notebooks(browse):
    """A notebook that listens before the page's elements is asked to leave arrows alone, and may still save with Ctrl+S."""
    page = browse(five())
    listen = "() => { window.kept = []; document.addEventListener('keydown', (e) => kept.push(e.target.hasAttribute('data-lm-suppress-shortcuts')), true); }"
    page.page.evaluate(listen)
    page.root.locator(".ng-runs-list").focus()
    for key in ("ArrowDown", "Control+s"):
        page.page.keyboard.press(key)
        page.frame()
    assert [True, False, False] == page.page.evaluate("() => kept")  # Control itself is a key too


def test_what_was_opened_stands_below_the_list(page):
    """The widget of an opened run is shown in the same output, also after the page is loaded again."""
    state = {"looks": {}, "notice": {}, "child": "IPY_MODEL_other"}
    other = {"state": {"name": "r2"}, "esm": Opened._esm, "css": "", "kind": "opened"}
    mounted = Mounted(page, None, {**plain("run_browser", "run_browser", state), "other": other}, "widget", "light")
    page.get_by_text("opened r2").wait_for()
    mounted.remove()
    assert 0 == mounted.listeners


def test_a_fork_is_made_of_the_chosen_run(browse):
    """Fork makes a run that comes from the chosen one."""
    engine = five()
    page = browse(engine)
    pick(page, "r3", "Fork")
    assert "r3@1" in list(engine.runs().origin)


def test_a_failed_run_is_resumed(browse):
    """Resume goes on with a run that can."""
    engine = five()
    page = browse(engine)
    engine.graph.node(lambda state: {"n": 0}, name="increment")
    pick(page, "r2", "Resume")
    assert "completed" == engine.open("r2").wait().status


def test_delete_is_asked_twice(browse):
    """The first press only asks, with the safe answer in focus; the second deletes."""
    engine = five()
    page = browse(engine)
    pick(page, "r3", "Delete…")
    assert (5, "Keep it") == (len(engine.runs()), page.page.evaluate("() => document.activeElement.textContent"))
    page.root.get_by_role("button", name="Yes, delete it").click()
    page.pump()
    look(page.widget)
    page.pump()
    assert ["r2", "r1", "f1", "f2"] == names(page)


def test_a_refusal_is_told_in_words(browse):
    """What the engine refuses is shown with its reason: a run with forks stays."""
    page = browse(five())
    pick(page, "r1", "Delete…")
    page.root.get_by_role("button", name="Yes, delete it").click()
    page.pump()
    assert "f1" in page.root.locator(".ng-runs-refused").inner_text()


@pytest.mark.parametrize(
    "message",
    [{}, {"kind": "delete", "run": "r3"}, {"kind": "delete", "run": 3, "sure": True}, {"kind": "close", "run": "r3"}],
)
def test_what_the_page_says_wrong_does_nothing(browse, message):
    """A wish that is not whole, or none, is not heeded."""
    engine = five()
    browse(engine).widget.heard(message)
    assert 5 == len(engine.runs())


def test_hostile_names_make_no_elements(browse):
    """Names of graphs, runs and errors stand as text."""
    harmless = browse(counting("harmless"))
    store = open_store(":memory:")
    lease = store.create(RunRecord(HOSTILE, HOSTILE, "f", "{}", "{}", 0, 1.0))
    store.commit(lease, [], [], RunStatus("failed", HOSTILE))
    page = browse(Shelf(store))
    told = "</script><img src=x onerror=alert(1)>\ufffd"
    assert {"section", "header", "div", "span", "button", "input", "select", "option", "h3", "p"} == {*page.elements()}
    assert told == page.page.locator(".ng-runs-row .ng-runs-graph").text_content()
    assert harmless.elements().count("button") == page.elements().count("button")


def test_the_static_table_escapes_what_it_shows(browse):
    """Without a kernel the runs stand in a table with the template's elements only."""
    engine, tags = counting(HOSTILE), []
    engine.run({"n": 1}, run_id="r1")
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign] # a counting parser
    parser.feed(RunBrowser(engine).picture()["text/html"])
    assert ["div", "b", "table", "tr", *["th"] * 5, "tr", *["td"] * 5] == tags


class Shelf:
    """A store where nothing is opened."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def open(self, run_id: str) -> Any:
        raise AssertionError(run_id)

    def delete(self, run_id: str) -> None:
        self.store.delete(run_id)


@pytest.mark.slow
def test_ten_thousand_runs_are_a_few_rows_in_the_page(browse):
    """However many runs there are, the page holds those in sight, and sorts and filters within a frame or two."""
    store = open_store(":memory:")
    for number in range(10_000):
        store.release(store.create(RunRecord(f"r{number}", "g", "f", "{}", "{}", 0, float(number))))
    page = browse(Shelf(store))
    assert ("r9999", "r9998") == tuple(names(page)[:2])
    page.root.locator(".ng-runs-list").evaluate("(list) => { list.scrollTop = 150000; }")
    page.frame()
    shown = names(page)
    assert "r4999" in shown
    assert 40 > len(shown)


def test_a_removed_browser_listens_to_nothing(browse):
    """Taken off the page, nothing of the browser is left to listen; closed, its comm is gone."""
    page = browse(five())
    page.remove()
    comm = page.widget.model_id
    page.widget.close()
    assert (0, True) == (page.listeners, comm not in page._wire.open)
