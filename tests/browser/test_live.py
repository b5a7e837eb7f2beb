"""At a real notebook: build a graph, watch it run, stop it, step it, look back, go on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.acts import CHAIN, SETUP, is_, node, press, stands

pytestmark = pytest.mark.slow

MAGICS = (
    "%load_ext nbgraph",
    "%graph demo --state Log --store stores/demo.sqlite",
    '%%node load\nreturn {"log": "load", "x": 1}',
    '%%node hold --after load\ngo.wait(30)\nreturn {"log": "hold"}',
    '%%node report --after hold\nreturn {"log": "report"}',
    "%ng start --id one --fresh",
    "go.set()",
    "%ng tasks",
)


def test_a_graph_built_by_magics_turns_green(notebook):
    """Cells make a graph, `%ng start` shows it live, and each node turns from running to done."""
    lab = notebook(SETUP, *MAGICS)
    lab.run_cells(0, 1, 2, 3, 4, 5, 6)
    view = lab.output(6)
    is_(view, "load", "done")
    is_(view, "hold", "running")
    is_(view, "report", "idle")
    lab.run_cell(7)
    for name in ("load", "hold", "report"):
        is_(view, name, "done")
    assert ["load", "hold", "report"] == re.findall(r"\d\s+(load|hold|report)\s+done", lab.run_cell(8))
    lab.assert_clean()


START = "run = engine.start(run_id='one')\nng.dashboard(run)"
PAUSED = "run = engine.start(run_id='one', interrupt_after=['first'])\nrun.wait()\nng.dashboard(run)"


def test_a_run_is_paused_stepped_and_resumed_by_its_buttons(notebook):
    """Pause, step and resume act on a live run after its cell returned, and the views say how it stands."""
    lab = notebook(SETUP, CHAIN, START, "go.set()", "run.status, run.state['log']")
    lab.run_cells(0, 1, 2)
    view = lab.output(2)
    is_(view, "held", "running")
    stands(view, "running")
    press(view, "pause")
    expect(view.locator(".ng-controls .ng-status")).to_have_attribute("data-asked", "pause")
    lab.run_cell(3)
    stands(view, "paused")
    assert lab.run_cell(4).startswith("('paused', ['first', 'held']")
    press(view, "step")
    stands(view, "completed")
    is_(view, "last", "done")
    assert "('completed', ['first', 'held', 'last'])" == lab.run_cell(4).strip()
    lab.assert_clean()


@pytest.mark.parametrize("app", ["lab"])
def test_the_past_is_scrubbed_and_forked_from(notebook):
    """The scrubber moves graph, inspector and timeline together; fork starts a run from where it stands."""
    lab = notebook(
        SETUP, CHAIN, "go.set()\nrun = engine.run(run_id='one')\nng.dashboard(run)", "engine.runs().origin.tolist()"
    )
    lab.run_cells(0, 1, 2)
    view = lab.output(2)
    is_(view, "last", "done")
    scrubber = view.get_by_role("slider", name="Step")
    expect(scrubber).to_have_attribute("max", "3")
    scrubber.focus()
    scrubber.press("Home")
    scrubber.press("ArrowRight")
    is_(view, "first", "done")
    is_(view, "last", "idle")
    expect(view.locator(".ng-inspector .ng-in-title b")).to_have_text("first")
    press(view, "fork")
    expect(view.locator(".ng-controls .ng-note")).to_contain_text("Forked from step 1")
    view.get_by_role("button", name="Open it here").click()
    expect(view.get_by_role("button", name="Back to run one")).to_be_visible()
    assert "['', 'one@1']" in lab.run_cell(3)
    lab.assert_clean()


@pytest.mark.parametrize("app", ["lab"])
def test_a_view_catches_up_after_the_page_was_reloaded(notebook):
    """What happened while the page was away is on it when it comes back, and the view goes on living."""
    lab = notebook(SETUP, CHAIN, START, "go.set()")
    lab.run_cells(0, 1, 2)
    is_(lab.output(2), "held", "running")
    lab.save()
    lab.reload()
    view = lab.output(2)
    is_(view, "held", "running")
    lab.run_cell(3)
    is_(view, "last", "done")
    stands(view, "completed")
    lab.assert_clean()


@pytest.mark.parametrize("app", ["lab"])
def test_a_view_of_the_past_opens_in_a_new_kernel(notebook):
    """After a restart the old view says that its kernel is gone; opened from its file, the run shows what it did."""
    again = "import nbgraph as ng\nng.dashboard(ng.open_run('stores/chain.sqlite', 'one'))"
    lab = notebook(SETUP, CHAIN, "go.set()\nrun = engine.run(run_id='one')\nng.dashboard(run)", again)
    lab.run_cells(0, 1, 2)
    lab.restart()
    expect(lab.output(2).locator(".ng-gone")).to_have_count(1)
    lab.run_cell(3)
    view = lab.output(3)
    for name in ("first", "held", "last"):
        is_(view, name, "done")
    node(view, "held").click()
    expect(view.locator(".ng-card, .ng-with-card").first).to_be_visible()
    lab.assert_clean()
