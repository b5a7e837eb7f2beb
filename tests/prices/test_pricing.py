"""Which price holds: the user's own, nbgraph's dated table, genai-prices' data, or nobody knows, which is never 0."""

from __future__ import annotations

import subprocess
import sys
import warnings
from datetime import date
from decimal import Decimal, localcontext
from itertools import count
from typing import Any

import pytest

import nbgraph as ng
from nbgraph.prices import Prices, Rate, Usage, listed
from nbgraph.prices.table import TABLE

MILLION = 1_000_000
OCTOBER = 1_760_500_000.0
"""A day in October 2025."""
_numbers = count()


def new_model() -> str:
    """Return a model that nobody knows, and that nobody was warned of."""
    return f"nobody-knows-{next(_numbers)}"


def both(model: str, **how: Any) -> Usage:
    return Usage(model, MILLION, MILLION, **how)


# -- the table


@pytest.mark.parametrize(
    ("model", "into", "out"),
    [("gpt-4o", "2.50", "10.00"), ("claude-sonnet-4-5", "3.00", "15.00"), ("gemini-2.5-flash", "0.075", "0.30")],
)
def test_reference_prices_hold_exactly(model: str, into: str, out: str):
    """The three reference prices of October 2025 are what the table has, to the last digit, however long the prompt."""
    prices = Prices()
    assert Decimal(into) == prices.price(Usage(model, input=MILLION)).cost
    assert Decimal(out) == prices.price(Usage(model, output=MILLION)).cost
    assert prices.price(Usage(model, input=MILLION)).as_of.startswith("2025-10-")


NAMES = {
    "gpt-4o": ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "openai/gpt-4o", "azure/gpt-4o", "GPT-4o"],
    "claude-sonnet-4-5": [
        "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5@20250929", "anthropic/claude-sonnet-4.5",
        "anthropic/claude-4.5-sonnet-20250929", "claude-sonnet-4-5-latest",
        "projects/p/locations/l/publishers/anthropic/models/claude-sonnet-4-5@20250929",
    ],
    "gemini-2.5-flash": [
        "gemini-2.5-flash", "models/gemini-2.5-flash", "gemini/gemini-2.5-flash", "gemini-2.5-flash-001",
        "publishers/google/models/gemini-2.5-flash",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("row", "name"), [(row, name) for row, names in NAMES.items() for name in names])
def test_a_model_is_found_under_each_of_its_names(row: str, name: str):
    """What providers and who stands between answer as the model's name leads to its row."""
    found, expected = Prices().price(both(name)), next(each for each in TABLE if each.model == row)
    assert ("nbgraph", expected.shown) == (found.source, found.rate)


NEIGHBOURS = [
    "gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4o-audio-preview", "gpt-4o-realtime-preview", "gpt-4o-2024-05-13",
    "openai/gpt-4o-mini", "ft:gpt-4o-2024-08-06:me::x", "openai/gpt-4o:extended", "chatgpt-4o-latest",
    "claude-sonnet-4-20250514", "claude-haiku-4-5", "anthropic/claude-sonnet-4.5:batch",
    "gemini-2.5-flash-lite", "gemini-2.5-flash-image", "models/gemini-2.5-flash-lite", "gemini-2.5-pro",
    "anthropic.claude-sonnet-4-5-20250929-v1:0", "somebody/gpt-4o",
]  # fmt: skip


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_a_neighbour_is_not_taken_for_a_row(name: str):
    """A name that only looks like a row's has a price of its own, or none."""
    assert Prices().price(both(name)).source != "nbgraph"


def test_the_table_says_where_it_differs_from_the_list():
    """Gemini's reference price is not the provider's list price: its rate and its note say so, beside both."""
    (note,) = ng.prices.table().loc[["gemini-2.5-flash"], "note"]
    assert "0.30 in, 2.50 out" in note
    assert "list price is 0.30 in, 2.50 out" in Prices().price(both("gemini-2.5-flash")).rate


def test_the_table_is_dated_and_sourced():
    """Each row of ``ng.prices.table()`` has an ISO date and the address that its numbers are from."""
    table = ng.prices.table()
    assert all(date.fromisoformat(day) for day in table.as_of)
    assert table.source.str.startswith("https://").all()


# -- the bundled data


def test_list_prices_are_a_word_away():
    """``ng.prices.listed`` leaves out the table: Gemini at its list price, Sonnet with its price for long prompts."""
    assert Decimal("2.8") == listed.price(both("gemini-2.5-flash"), OCTOBER).cost
    long = Usage("claude-sonnet-4-5", 200_001, 1_000_000)
    assert Decimal(6) * 200_001 / MILLION + Decimal("22.5") == listed.price(long, OCTOBER).cost


def test_other_models_are_priced_by_the_bundled_data():
    """A model outside the table has genai-prices' price, with the package's version and the data's date."""
    found = Prices().price(both("gpt-4o-mini"), OCTOBER)
    assert (Decimal("0.75"), "genai-prices ", "0.15 in, 0.60 out") == (found.cost, found.source[:13], found.rate[:17])
    assert date.fromisoformat(found.as_of) <= date(2025, 10, 15)


def test_a_model_whose_maker_its_name_tells_has_the_makers_price():
    """Where nobody says who serves it, as before a call is made, the name decides."""
    told, untold = (Usage("text-embedding-3-small", 1000, provider=who) for who in ("openai", ""))
    assert Prices().price(told, OCTOBER)[:2] == Prices().price(untold, OCTOBER)[:2]
    assert Prices().price(untold, OCTOBER).cost


def test_a_price_is_that_of_the_calls_time():
    """What changed later does not change what an earlier call cost."""
    model = Usage("deepseek-chat", MILLION, MILLION)
    costs = {Prices().price(model, at).cost for at in (1_735_000_000.0, 1_795_000_000.0)}
    assert len(costs) == 2


def test_bundled_prices_are_exact_too():
    """The caller's precision does not round a price of the package's."""
    with localcontext(prec=1):
        cost = Prices().price(Usage("gpt-4o-mini", 1_234_567, 7_654_321), OCTOBER).cost
    assert Decimal("0.15") * 1_234_567 / MILLION + Decimal("0.6") * 7_654_321 / MILLION == cost


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (both("gpt-4o", tier="default"), "12.5"),
        (both("gpt-4o", tier="priority"), "21.25"),
        (both("gpt-4o", tier="scale"), None),
        (both("claude-sonnet-4-5", tier="priority"), None),
        (both("claude-sonnet-4-5", tier="batch"), "14.25"),
    ],
)
def test_a_service_tier_has_its_price_or_none(usage: Usage, cost: str | None):
    """A tier at another price is priced by its own row, never as the ordinary one."""
    assert (None if cost is None else Decimal(cost)) == Prices().price(usage, 1_795_000_000.0).cost


def test_tokens_that_a_price_leaves_out_are_unknown():
    """A model priced by the second says nothing of tokens: its tokens are not free."""
    assert Prices().price(both("whisper-large-v3", provider="groq")).cost is None


def test_an_answer_without_tokens_is_unknown():
    """A model that answered used some: not told is not nothing, but for one that is free."""
    prices = Prices({"local": (0, 0), "mine": (1, 1)})
    assert [0, None, None] == [prices.price(Usage(model)).cost for model in ("local", "mine", "gpt-4o")]


# -- users' own


@pytest.mark.parametrize("rate", [Rate(1, 2), (1, 2), ("1", 2.0), {"input": 1, "output": "2"}, [1, 2]])
def test_own_prices_go_first(rate: Any):
    """A mapping overrides table and data, however a price is written."""
    found = Prices({"gpt-4o": rate}).price(both("gpt-4o"))
    assert (Decimal(3), "yours", "1.00 in, 2.00 out per million") == (found.cost, found.source, found.rate)


def test_own_names_hold_with_a_date_and_a_provider():
    """A name also holds for dated and prefixed forms; an exact name goes before that."""
    prices = Prices({"mine": (1, 0), "mine-2025-01-31": (2, 0), "Some/Mine": (4, 0)})
    costs = [prices.price(both(f"{name}")).cost for name in ("mine-20250101", "x/mine", "mine-2025-01-31", "some/mine")]
    assert [1, 1, 2, 4] == costs


@pytest.mark.parametrize("wrong", [{"bad": -1}, {"bad": (1,)}, {"bad": "2"}, {"bad": {"input": 1}}, {"bad": None}])
def test_a_wrong_price_is_refused_where_it_is_defined(wrong: Any):
    """There are no options then; the error names the model."""
    with pytest.raises(ng.OptionsError, match="model 'bad'"):
        ng.Options(prices=wrong)


@pytest.mark.parametrize("wrong", [7, "gpt-4o", [("gpt-4o", (1, 2))], {7: (1, 2)}])
def test_what_is_no_prices_is_refused(wrong: Any):
    """``prices=`` is a mapping by names, a function, or Prices."""
    with pytest.raises(ng.OptionsError):
        ng.Options(prices=wrong)


def test_a_function_goes_first_or_passes():
    """It gets the model as answered and all that was used; None goes on to the table."""
    prices = Prices(lambda model, usage: Decimal(usage.input) if model == "mine" else None)
    assert (Decimal(MILLION), "yours") == prices.price(both("mine"))[:2]
    assert "nbgraph" == prices.price(both("gpt-4o")).source


def raises(_model: str, _usage: Usage) -> Decimal:
    raise ValueError("no idea")


@pytest.mark.parametrize(
    "wrong",
    [raises, lambda *_: -1, lambda *_: "x", lambda *_: Decimal("NaN"), lambda: 0, lambda *_: Decimal("1e5000000")],
)
def test_a_function_that_fails_makes_the_cost_unknown(wrong: Any):
    """A call that is paid for is not lost by a mistake in a price: it is unknown, and why is said."""
    with pytest.warns(ng.UnknownPriceWarning, match="the function prices="):
        assert Prices(wrong).price(both(new_model())).cost is None


# -- nobody knows


def test_an_unknown_model_is_warned_of_once():
    """Each model that nobody can price has one warning in the process, saying what to do."""
    model = new_model()
    with pytest.warns(ng.UnknownPriceWarning, match=f"{model}.*NaN.*prices=") as caught:
        assert [None, None] == [Prices().price(both(model)).cost for _ in range(2)]
    assert 1 == len(caught)


def test_a_warning_that_is_an_error_loses_no_call():
    """Where warnings are errors, the cost is unknown all the same, and nothing is raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ("unknown", None) == (Prices().price(both(new_model())).source, Prices().price(both("")).cost)


ALONE = """
import socket, sys, threading
def refuse(*_, **__): raise OSError("a socket was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import nbgraph as ng
prices = ng.prices.Prices({"mine": (1, 2)})
for model in ("gpt-4o", "mine"):
    prices.price(ng.prices.Usage(model, input=5))
assert "genai_prices" not in sys.modules and "pandas" not in sys.modules
assert prices.price(ng.prices.Usage("gpt-4o-mini", input=5)).cost
assert "genai_prices" in sys.modules and threading.active_count() == 1
"""


@pytest.mark.slow
def test_nothing_is_fetched_and_nothing_loaded_before_it_is_wanted():
    """The bundled data is loaded by the first model outside the table; no socket, no thread."""
    assert 0 == subprocess.run([sys.executable, "-c", ALONE], check=False).returncode
