"""A report in a real browser: its scrubber moves drawing and state, and the page asks nobody for anything."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

import nbgraph as ng
from nbgraph.views.report import write_report

HOSTILE = "</script><script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'>"


@pytest.fixture
def report(page, tmp_path):
    """``report(word)``: the report of a run of two nodes, open in a browser; what the page logs or asks for is kept."""

    def opened(word: str) -> Any:
        graph = ng.Graph({"word": str, "log": Annotated[list[str], ng.append]}, name=word)

        @graph.node
        def first(state):
            return {"log": state["word"]}

        @graph.node(after="first")
        def second(state):
            return {"word": "the end"}

        run = ng.Engine(graph, store=":memory:").run({"word": word}, run_id="r1")
        page.told = []
        page.on("console", lambda message: page.told.append(message.text))
        page.on("pageerror", lambda error: page.told.append(str(error)))
        page.on("request", lambda request: page.told.append(request.url) if request.url.startswith("http") else None)
        page.goto(write_report(run, tmp_path / "r.html").as_uri())
        return page

    return opened


def looks(page: Any) -> list[str]:
    """Return the status of each node of the drawing."""
    return page.locator("#drawing .ng-node").evaluate_all(
        "(all) => all.map((n) => n.getAttribute('class').match(/ng-is-(\\w+)/)[1])"
    )


def test_the_scrubber_moves_drawing_and_state(report):
    """At each step the drawing shows what was done by then, and the state beside it is that step's."""
    page = report("calm")
    seen = []
    for place in ("0", "1", "2"):
        page.locator("#step").fill(place)
        seen.append((looks(page), "the end" in page.locator("#now").inner_text()))
    assert [(["ready", "idle"], False), (["done", "ready"], False), (["done", "done"], True)] == seen


def test_without_scripts_the_page_is_whole(browser, tmp_path, report):
    """Where no script runs the drawing is as it was at the end, and there is no scrubber that does nothing."""
    file = report("calm").url
    context = browser.new_context(java_script_enabled=False)
    quiet = context.new_page()
    quiet.goto(file)
    assert (2, False) == (quiet.locator("#drawing .ng-is-done").count(), quiet.locator("#scrubber").is_visible())
    context.close()


def test_a_hostile_report_runs_nothing_and_asks_nobody(report):
    """Scripts and images that a run's values name do not come to life, and the policy finds nothing to forbid."""
    page = report(HOSTILE)
    page.locator("#step").fill("1")
    assert (None, []) == (page.evaluate("() => window.hurt ?? null"), page.told)


def test_a_link_to_a_step_unfolds_it(report):
    """The number of a task leads to its state, which opens."""
    page = report("calm")
    page.locator("#tasks a").first.click()
    page.locator("#step-1[open]").wait_for()
