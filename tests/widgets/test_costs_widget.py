"""The place for costs: rows with bars and sums, a line of how it grew, and "unknown" where nobody knows."""

from __future__ import annotations

from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

import nbgraph as ng
from nbgraph.views.widgets.costs import CostsView
from tests.widgets.still import look, stilled

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e"


def engine_of(*answers: dict[str, Any], **how: Any) -> ng.Engine:
    graph = ng.Graph({"n": int}, name="asks")

    @graph.node
    def ask(state, ctx):
        for answer in answers:
            ctx.call(lambda answer=answer: answer)

    return ng.Engine(graph, store=":memory:", **how)


def used(many: int, model: str = "small") -> dict[str, Any]:
    return {"model": model, "usage": {"input_tokens": many, "output_tokens": 1}}


@pytest.fixture
def costs(monkeypatch, wire, mount):
    """``costs(engine)``: what run "r1" of it cost, in a page."""
    stilled(monkeypatch)

    def shown(engine: ng.Engine, **how: Any):
        widget = engine.run({"n": 1}, run_id="r1").costs_view(**how)
        assert isinstance(widget, CostsView)
        look(widget)
        return mount(widget)

    return shown


def cells(page: Any, row: int) -> list[str]:
    return page.root.locator("tbody tr").nth(row).locator("td").all_text_contents()


def test_rows_say_what_each_node_used_of_each_model(costs):
    """A row for a node and model, the largest first, and the sum below."""
    page = costs(engine_of(used(10), used(20), used(500, "large")))
    assert ["ask", "large", "unknown", "94 %", "1", "500", "1"] == cells(page, 0)[:7]
    assert ["ask", "small", "unknown", "6 %", "2", "30", "2"] == cells(page, 1)[:7]
    assert "533" in page.root.locator(".ng-costs-sums").inner_text()


def test_sums_stand_in_one_line(costs):
    """Whatever a notebook says of lists of terms, the sums are one line beside the title."""
    page = costs(engine_of(used(10)))
    assert 1 == len({term.bounding_box()["y"] for term in page.root.locator(".ng-costs-sums dt").all()})


def test_an_unknown_cost_reads_unknown(costs):
    """Where nobody knows a price, the cost is "unknown" in the row and in the sum, never 0."""
    page = costs(engine_of(used(10), used(10, "large")))
    assert ["unknown", "unknown"] == [cells(page, 0)[2], page.root.locator("tfoot td").nth(2).text_content()]
    assert "$" not in page.root.inner_text()
    assert "No price is known for" in page.root.inner_text()


def test_a_sum_with_an_unknown_part_says_so(costs):
    """What is known of a sum is shown as the least that it is."""
    page = costs(engine_of(used(1_000_000), used(10, "other"), prices={"small": (2, 2)}))
    assert "≥ $2.00" in page.root.locator(".ng-costs-sums").inner_text()
    assert "1 call of unknown cost" in page.root.locator(".ng-costs-notes").inner_text()


def test_a_call_that_uses_no_model_has_no_cost(costs):
    """A plain function costs nothing, which is no amount: a dash."""
    page = costs(engine_of({"said": "hello"}))
    assert "–" == cells(page, 0)[2]
    assert "cost" not in page.root.locator(".ng-costs-sums").inner_text()
    assert not page.root.locator("figure").is_visible()


def test_a_known_price_fills_the_same_place(costs):
    """With prices, rows, sum and chart show money."""
    prices = ng.prices.Prices(lambda _, usage: Decimal(usage.input))
    page = costs(engine_of(used(10), used(20), prices=prices), prices=prices)
    assert ["$30.00", "100 %"] == cells(page, 0)[2:4]
    assert "Cost so far: $30.00" in page.root.locator("figure").inner_text()
    assert "your prices" in page.root.locator(".ng-costs-notes").inner_text()


def test_the_budget_is_told_and_drawn(costs):
    """A run with a budget has it in the sums and as a line of the chart."""
    page = costs(engine_of(used(1_000_000), prices={"small": (1, 1)}, cost_budget="1.5"))
    assert "$1.50" in page.root.locator(".ng-costs-sums").inner_text()
    assert "budget $1.50" in page.root.locator("figure").inner_text()


def test_tokens_that_nobody_told_are_no_zeroes(costs):
    """A call that does not say what it used shows a dash."""
    assert ["–", "–"] == cells(costs(engine_of({"said": "hello"})), 0)[5:7]


def test_the_chart_rises_to_the_sum(costs):
    """The line of tokens ends with what all calls used together."""
    page = costs(engine_of(*[used(10) for _ in range(5)]))
    told = page.root.locator("figure svg").first.get_attribute("aria-label")
    assert told.startswith("Tokens so far: 55 after 1 step")


def test_the_chart_fits_the_page(costs):
    """A narrow page gets a chart drawn for it, a wide one another; never both."""
    page = costs(engine_of(used(10)))
    shown = lambda: [chart.is_visible() for chart in page.root.locator("figure > div").all()]  # noqa: E731 - asked twice
    wide = shown()
    page.page.set_viewport_size({"width": 420, "height": 700})
    assert [[True, False], [False, True]] == [wide, shown()]


def test_a_run_without_calls_says_so(costs):
    """No call yet is told in words, without a table of nothing."""
    page = costs(engine_of())
    assert "No calls yet" in page.root.inner_text()
    assert 0 == page.root.locator("tr").count()


def test_a_call_that_comes_later_is_added(costs):
    """The view follows the run: what a resume calls is in the sums."""
    engine = engine_of(used(10), used(20))
    page = costs(engine)
    engine.fork("r1", 0, new_id="r2").wait()
    later = CostsView(engine.open("r2"))
    look(later)
    assert (2, 2) == (page.widget.head["calls"], later.head["calls"])


def test_hostile_names_make_no_elements(costs):
    """A model's name stands as text."""
    page = costs(engine_of(used(10, HOSTILE)))
    assert not {"img", "script"} & set(page.elements())
    assert "</script><img src=x onerror=alert(1)>\ufffd" == cells(page, 0)[1]
    assert "</script><img src=x" in page.root.locator("figure").inner_text()


def test_the_static_table_escapes_what_it_shows(costs):
    """Without a kernel the rows and their sum stand in a table with the template's elements only."""
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign] # a counting parser
    parser.feed(costs(engine_of(used(10, HOSTILE))).widget.picture()["text/html"])
    row = ["tr", *["td"] * 4, "img", *["td"] * 4]
    note, chart = ["div", "small"], ["img"]
    assert ["div", "div", "b", "div", "table", "tr", *["th"] * 8, *row, *note * 2, *chart] == tags


def test_a_removed_view_listens_to_nothing(costs):
    """Taken off the page, nothing of the view is left to listen."""
    page = costs(engine_of(used(10)))
    page.remove()
    assert 0 == page.listeners
