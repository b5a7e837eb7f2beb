"""At a real notebook: a person answers a question, and finds a run in the list of all, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.acts import SETUP

pytestmark = pytest.mark.slow

ASKS = """
from typing import Literal
graph = ng.Graph(Log, name="asks")

@graph.node
def decide(state, ctx):
    return {"log": ctx.ask("Which way?", schema=Literal["left", "right"])}

for old in Path("stores").glob("asks.sqlite*"):
    old.unlink()
engine = ng.Engine(graph, store="stores/asks.sqlite")
run = engine.run(run_id="one")
engine.inbox_form(by="ada")
"""


def test_a_question_is_answered_where_it_is_shown_and_the_run_goes_on(notebook):
    """The form works from the keyboard, the notebook's own keys stay out of it, and the run is resumed from its card."""
    lab = notebook(SETUP, ASKS, "engine.open('one').wait(20).state['log']")
    lab.run_cells(0, 1)
    form = lab.output(1)
    form.get_by_role("radio", name="left").click()
    lab.page.keyboard.press("ArrowRight")
    expect(form.get_by_role("radio", name="right")).to_have_attribute("aria-checked", "true")
    lab.page.keyboard.press("Tab")
    lab.page.keyboard.press("Enter")
    expect(form).to_contain_text("answered by ada: right")
    form.get_by_role("button", name="Resume one").click()
    expect(form.get_by_role("button", name="Resume one")).to_be_hidden()
    assert "['right']" == lab.run_cell(2).strip()
    lab.assert_clean()


RUNS = """
graph = ng.Graph(Log, name="many")

@graph.node
def only(state):
    return {"log": "x"}

for old in Path("stores").glob("many.sqlite*"):
    old.unlink()
engine = ng.Engine(graph, store="stores/many.sqlite")
for number in range(3):
    engine.run(run_id=f"run{number}")
engine.browser()
"""


def test_a_run_is_opened_below_the_list_by_keyboard(notebook):
    """Arrows choose, Enter opens: the run's view stands in the same output, and the notebook did not move."""
    lab = notebook(SETUP, RUNS, "len(engine.runs())")
    lab.run_cells(0, 1)
    shown = lab.output(1)
    shown.get_by_role("row", name="run2").click()
    for key in ("ArrowDown", "Enter"):
        lab.page.keyboard.press(key)
    expect(shown.locator(".ng-drawing [data-node=only]")).to_be_visible(timeout=20_000)
    expect(shown.locator(".ng-runs-about b")).to_have_text("run1")
    assert "3" == lab.run_cell(2).strip()
    lab.assert_clean()
