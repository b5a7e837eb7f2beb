"""Costs as they stand in a notebook: tables that show themselves, the chart, amounts as text."""

from __future__ import annotations

import re
from base64 import b64decode
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.errors import OptionsError
from nbgraph.views.costing.growth import Paid, growth
from nbgraph.views.costing.money import cost_text, short_cost, sum_text
from nbgraph.views.costing.picture import picture
from nbgraph.views.drawing.element import as_markup

HOSTILE = "</td><script>alert(1)</script><img src=x onerror='a'>\u202e"
NAMES = st.one_of(st.just(HOSTILE), st.text(max_size=20))
AMOUNTS = st.one_of(
    st.none(), st.decimals(0, 10**14, allow_nan=False, places=12), st.sampled_from([Decimal(0), Decimal("1e-90")])
)
pytestmark = pytest.mark.filterwarnings("ignore::nbgraph.UnknownPriceWarning")  # models without a price are meant to be


def spent(*uses: tuple[str, int], **options: Any) -> ng.Run:
    """Return run "r1", whose node "ask" used models: (name, input tokens)."""
    graph = ng.Graph({"n": int}, name="asks")

    @graph.node
    def ask(state, ctx):
        for model, tokens in uses:
            ctx.usage(model=model, input_tokens=tokens, output_tokens=0)

    options = {"prices": {"mine": (2, 2)}, **options}
    return ng.Engine(graph, store=":memory:", **options).run({"n": 0}, run_id="r1")


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)

    def handle_data(self, data):
        self.text += f"{data}|"


# -- tables


def test_a_table_shows_money_and_holds_numbers():
    """On a page costs are dollars with bars; underneath they are exact Decimals."""
    table = spent(("mine", 1500)).costs_by("node", "model")
    assert "$0.003" in Page(table._repr_html_()).text
    assert Decimal("0.003") == table["cost"].iloc[0]


def test_what_pandas_makes_of_a_table_is_pandas_own():
    """A selection, a copy or a sum is a plain DataFrame, which shows itself as any other."""
    table = spent(("mine", 1500)).costs
    for plain in (table.copy(), table[["node", "cost"]], table.head(1), table.sort_values("cost"), pd.concat([table])):
        assert type(plain) is pd.DataFrame


def test_prices_stand_below_with_their_source_and_date():
    """Each price that was used is told once: what it was, whose, and of which day."""
    text = Page(spent(("gpt-4o", 10), ("gpt-4o", 10), ("mine", 10), ("odd", 10)).costs_by("node")._repr_html_()).text
    assert 1 == text.count("gpt-4o: $2.50 in, 10.00 out, 1.25 cached per million (nbgraph's table, as of 2025-10-15)")
    assert "mine: $2.00 in, 2.00 out per million (your prices)" in text
    assert "No price is known for odd" in text


def test_what_nobody_knows_is_never_a_zero():
    """An unknown cost reads "unknown"; a sum with an unknown part is told as the least that it is."""
    unknown, mixed = spent(("odd", 10)), spent(("odd", 10), ("mine", 1_000_000))
    assert "unknown" in Page(unknown.costs_by("model")._repr_html_()).text
    assert "$" not in Page(unknown.costs._repr_html_()).text
    assert "≥ $2.00" in Page(mixed.costs_by("node")._repr_html_()).text


def test_a_long_table_shows_its_ends_and_the_whole_sum():
    """Of many rows the first and the last are shown, how many are not, and the sum of all."""
    page = Page(spent(*[("mine", 1_000_000)] * 50).costs._repr_html_())
    assert 1 + 10 + 1 + 10 + 1 == page.found.count("tr")
    assert "… 30 more rows …" in page.text
    assert "$100.00" in page.text


def test_bars_keep_their_shape():
    """A bar's picture has the size that it is shown with: notebooks make an image's height follow from its width."""
    html = spent(("mine", 900), ("mine", 300)).costs._repr_html_()
    bars = re.findall(r'base64,([^"]+)" width="(\d+)" height="11"', html)
    assert ["110", "37"] == [width for _, width in bars]
    for picture_, width in bars:
        assert f'viewBox="0 0 {width} 11"' in b64decode(picture_).decode()


def test_costs_of_all_runs_show_themselves_too():
    """A file's runs are a table of costs, a row each, with their sum."""
    run = spent(("mine", 1_000_000))
    run.engine.run({"n": 1}, run_id="r2")
    text = Page(run.engine.costs()._repr_html_()).text
    for told in ("r1", "r2", "$2.00", "$4.00", "50 %"):
        assert told in text


def test_what_was_saved_is_told():
    """A call that a record answered costs nothing here; what it would have cost is in a column of its own."""
    graph = ng.Graph({"n": int}, name="asks")
    answer = {"model": "mine", "usage": {"input_tokens": 1_000_000, "output_tokens": 0}}
    graph.node(lambda state, ctx: ctx.call(lambda: answer) and None, name="ask")
    run = ng.Engine(graph, store=":memory:", prices={"mine": (2, 2)}).run({"n": 0}, run_id="r1")
    text = Page(run.fork(0, reuse_calls=True).wait().costs_by("node")._repr_html_()).text
    assert "$2.00 saved" in text
    assert "1 call from the record" in text


def test_times_can_be_left_out(monkeypatch):
    """A saved notebook that shows no seconds elsewhere shows none here."""
    monkeypatch.setenv("NBGRAPH_TIMES", "0")
    assert "time" not in Page(spent(("mine", 10)).costs_by("node")._repr_html_()).text


def test_a_run_without_calls_says_so():
    """No call is told in words."""
    assert "no calls yet" in Page(spent().costs._repr_html_()).text


@given(NAMES)
def test_names_make_no_elements(name):
    """Whatever models are called, a table has the elements of any other table."""
    price = lambda model, usage: Decimal(1)  # noqa: E731 - said once
    pages = [Page(spent((each, 10), prices=price).costs._repr_html_()) for each in ("mine", f"x{name}")]
    assert pages[0].found == pages[1].found


# -- the chart


def drawn(*calls: Paid, **how: Any) -> ET.Element:
    """Return the chart's picture as a parsed tree."""
    looks = {name: how.pop(name) for name in ("theme", "width") if name in how}
    return ET.fromstring(as_markup(picture(growth(calls, **how), **looks)))


def told(tree: ET.Element) -> str:
    return " ".join(tree.itertext())


def test_the_chart_sums_up_step_by_step():
    """A band holds what its model had cost up to each step; calls that are not committed count one step later."""
    found = growth([Paid(1, "a", Decimal("0.1")), Paid(3, "a", Decimal("0.2")), Paid(None, "b", Decimal(1))], last=4)
    assert [0, 1, 3, 5] == list(found.steps)
    assert {"a": [0, 0.1, 0.3, 0.3], "b": [0, 0, 0, 1]} == {band.name: list(band.amounts) for band in found.bands}
    assert Decimal("1.3") == found.total


def test_many_models_share_a_band():
    """The dearest models have bands of their own, the others one together; nothing is lost."""
    found = growth([Paid(1, f"m{n}", Decimal(n)) for n in range(1, 9)])
    assert ["m8", "m7", "m6", "m5", "4 others"] == [band.name for band in found.bands]
    assert Decimal(36) == sum(band.total for band in found.bands)


def test_unknown_costs_are_marked_at_their_step():
    """A call that nobody can price is a mark on the ground, and counted in words."""
    tree = drawn(Paid(1, "a", Decimal(1)), Paid(2, "b", None), Paid(2, "b", None))
    assert "step 2: 2 calls of unknown cost" in told(tree)
    assert "≥ $1.00" in told(tree)


def test_without_any_price_the_chart_is_of_tokens():
    """Where no cost is known, what is drawn are tokens, and no amount of money is shown."""
    tree = drawn(Paid(1, "a", None, 30), Paid(2, "a", None, 12))
    assert "Tokens so far: 42" in told(tree)
    assert "$" not in told(tree)


@pytest.mark.parametrize(("budget", "line"), [("1.5", "budget $1.50"), ("900", "↑ budget $900.00")])
def test_the_budget_is_a_line_where_it_is_near(budget, line):
    """A budget that the cost comes near is a line; one that is far away is told, and does not flatten the chart."""
    texts = [text.text for text in drawn(Paid(1, "a", Decimal(1)), budget=Decimal(budget)).iter() if text.text]
    assert line in texts


def test_a_long_run_has_few_points():
    """Ten thousand steps are drawn with some hundred points, the last one exact."""
    found = growth([Paid(step, "a", Decimal("0.1")) for step in range(1, 10_001)], last=10_000)
    assert len(found.steps) <= 160
    assert (10_000, 1000.0) == (found.steps[-1], found.bands[0].amounts[-1])


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 10**6), NAMES, AMOUNTS, st.integers(0, 10**9)), max_size=30), AMOUNTS
)
def test_any_chart_is_a_picture(calls, budget):
    """Whatever was paid, by whatever is called so, the picture parses and has only our elements."""
    for theme in ("light", "page"):
        tree = drawn(*(Paid(*call) for call in calls), budget=budget, theme=theme, width=400)
        assert {element.tag.partition("}")[2] for element in tree.iter()} <= {
            "svg",
            "title",
            "rect",
            "path",
            "text",
            "g",
            "circle",
        }
        assert "nan" not in " ".join(element.get("d", "") for element in tree.iter())


def test_a_run_shows_its_chart():
    """``run.cost_chart()`` is an image in a notebook, bars in a terminal, and SVG in either theme."""
    chart = spent(("mine", 1_000_000), cost_budget=9).cost_chart()
    assert Page(chart.bundle()["text/html"]).found == ["img"]
    assert "cost of run r1: $2.00 after 1 step" in repr(chart)
    assert "budget $9.00" in repr(chart)
    assert chart.svg() != spent(("mine", 1_000_000)).cost_chart(theme="dark").svg()


def test_an_unknown_theme_is_refused():
    """A theme that there is not is an error that names the others."""
    with pytest.raises(OptionsError, match="light"):
        spent().cost_chart(theme="pink")


def test_a_budget_that_stopped_a_run_is_the_one_shown():
    """Of a run that stopped at its budget, that budget is drawn, also where it was opened for reading."""
    graph = ng.Graph({"n": int}, name="asks")
    graph.node(lambda state, ctx: ctx.usage(model="mine", input_tokens=1_000_000, output_tokens=0), name="ask")
    graph.node(lambda state: None, name="next", after="ask")
    engine = ng.Engine(graph, store=":memory:", prices={"mine": (2, 2)}, cost_budget="1.25")
    with pytest.raises(ng.BudgetError):
        engine.run({"n": 0}, run_id="r1")
    assert "budget $1.25" in repr(ng.Engine(graph, store=engine.store).open("r1").cost_chart())


# -- amounts


@given(st.decimals(0, 10**14, allow_nan=False))
def test_an_amount_is_never_shown_as_nothing(cost):
    """Any cost above zero is told as more than zero, in few characters."""
    for text in (cost_text(cost), short_cost(cost, 0)):
        assert text.startswith(("$", "<$"))
        assert len(text) <= 20
        assert ("$0.00" == text) == (cost == 0)


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        ("0.0000001", "<$0.000001"), ("0.000231", "$0.000231"), ("0.99949", "$0.999"), ("0.9999", "$1.00"),
        ("1234567.891", "$1,234,567.89"), ("1e13", "$1.00e13"), ("NaN", "unknown"), ("-0.25", "-$0.25"),
    ],
)  # fmt: skip
def test_amounts_have_the_digits_that_matter(cost, text):
    """Small amounts keep three digits, large ones cents."""
    assert text == cost_text(Decimal(cost))


def test_a_sum_of_unknown_parts_is_unknown():
    """Only where something is known of a sum is an amount shown."""
    assert ["$0.00", "unknown", "≥ $1.00"] == [
        sum_text(Decimal(0), 0),
        sum_text(Decimal(0), 2),
        sum_text(Decimal(1), 2),
    ]
