"""What the other views say of costs: the boxes and the card of a graph, the inspector's calls, the line of the controls."""

from __future__ import annotations

from typing import Any

import pytest

import nbgraph as ng
from nbgraph.views.widgets.controls import ControlsView
from nbgraph.views.widgets.graph_view import GraphView
from nbgraph.views.widgets.inspector import InspectorView
from tests.widgets.still import look, stilled

HOSTILE = "</b><img src=x onerror=alert(1)>"


def priced(model: str = "gpt-4o") -> ng.Run:
    """Return run "r1": node "ask" calls a model, then "plain" a function."""
    graph = ng.Graph({"n": int}, name="asks")
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    graph.node(lambda state, ctx: ctx.call(lambda: {"model": model, "usage": usage}) and None, name="ask")
    graph.node(lambda state, ctx: ctx.call(len, [1]) and None, name="plain", after="ask")
    return ng.Engine(graph, store=":memory:", prices={HOSTILE: (1, 1)}).run({"n": 0}, run_id="r1")


@pytest.fixture
def opened(monkeypatch, wire):
    """Make views that have looked, and are closed in the end."""
    stilled(monkeypatch)
    made: list[Any] = []

    def make(kind: Any, run: ng.Run) -> Any:
        made.append(kind(run))
        look(made[-1])
        return made[-1]

    yield make
    for view in made:
        view.close()


def test_a_box_tells_what_its_node_cost(opened):
    """The node that used a model has its cost under its name; the other has none."""
    view = opened(GraphView, priced())
    texts = {key: patch["text"] for key, patch in {**view.whole, **view.since}.items() if "text" in patch}
    assert "$0.003" in texts["n0f"]
    assert "$" not in texts["n1f"]


def test_a_card_tells_what_its_node_cost(opened):
    """Beside what a node is, its card says what its calls cost."""
    view = opened(GraphView, priced())
    costs = {}
    for node in ("ask", "plain"):
        view.heard({"kind": "card", "node": node})
        costs[node] = view.card["cost"]
    assert {"ask": "$0.003", "plain": ""} == costs


def test_a_cost_at_an_earlier_step_is_what_was_paid_until_then(opened):
    """Moved back before the call, the graph tells no cost."""
    view = opened(GraphView, priced())
    view.cursor.move(0)
    look(view)
    assert "$" not in "".join(patch.get("text", "") for patch in {**view.whole, **view.since}.values())


def test_the_controls_tell_what_a_run_cost(opened, mount):
    """The run's cost stands behind its steps, and nothing where it used no model."""
    page = mount(opened(ControlsView, priced()))
    assert "$0.003" in page.root.locator(".ng-cost").inner_text()
    free = ng.Engine(ng.Graph({"n": int}, name="free"), store=":memory:")
    free.graph.node(lambda state: None, name="a")
    assert "" == opened(ControlsView, free.run({"n": 0}, run_id="r1")).standing["cost"]


@pytest.fixture
def calls(opened, mount):
    """``calls(run, step)``: the page of the inspector's calls."""

    def shown(run: ng.Run, step: int) -> Any:
        view = opened(InspectorView, run)
        view.cursor.move(step)
        look(view)
        page = mount(view)
        page.pump()
        page.root.get_by_role("tab", name="Calls").click()
        page.pump()
        page.pump()
        return page

    return shown


def test_the_inspector_tells_of_each_call_what_it_used_and_cost(calls):
    """Model, tokens and cost stand beside a call; the price with its date is the cost's tooltip."""
    page = calls(priced(), 1)
    line = page.root.locator(".ng-in-call .ng-in-name").inner_text()
    for told in ("gpt-4o", "1,000 tokens in (400 cached) · 100 out", "$0.003"):
        assert told in line
    assert "as of 2025-10-15" in page.root.locator(".ng-in-cost").get_attribute("title")


def test_a_call_without_a_model_has_no_cost_in_the_inspector(calls):
    """A plain function's call tells neither tokens nor money."""
    page = calls(priced(), 2)
    assert 0 == page.root.locator(".ng-in-cost").count()
    assert "token" not in page.root.locator(".ng-in-call .ng-in-name").inner_text()


def test_a_model_name_is_text_in_the_inspector(calls):
    """Whatever a model is called, it makes no element."""
    page = calls(priced(HOSTILE), 1)
    assert HOSTILE in page.root.locator(".ng-in-call .ng-in-name").inner_text()
    assert "img" not in page.elements()
