"""A price and what a use costs at it: exact, whatever the caller's arithmetic is set to."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.prices import Rate, Usage
from nbgraph.prices.money import amount, text, total

prices = st.decimals(0, 1000, allow_nan=False, places=6)
counts = st.integers(0, 10**9)


@given(prices, prices, prices, counts, counts, counts)
def test_a_cost_is_exact(dear, cheap, out, input, cached, output):  # noqa: A002 - the word
    """The cost is the sum of tokens times price, as fractions have it, in a context of two digits too."""
    usage = Usage("m", input + cached, output, cache_read=cached)
    with localcontext(prec=2):
        cost = Rate(dear, out, cache_read=cheap).cost(usage)
    expected = (Fraction(dear) * input + Fraction(cheap) * cached + Fraction(out) * output) / 1_000_000
    assert expected == Fraction(cost)


def test_each_kind_of_token_has_its_price():
    """Cached input, input kept in a cache for minutes or an hour, the rest, and output are priced apart."""
    rate = Rate(3, 15, cache_read="0.30", cache_write="3.75", cache_write_1h=6)
    usage = Usage("m", 10_000_000, 1_000_000, cache_read=4_000_000, cache_write=3_000_000, cache_write_1h=1_000_000)
    assert Decimal(9) + Decimal("1.2") + Decimal("7.5") + 6 + 15 == rate.cost(usage)


def test_without_cached_prices_all_input_costs_the_same():
    """What a price leaves out is input like any other."""
    assert Decimal(2) == Rate(2, 0).cost(Usage("m", 1_000_000, cache_read=400_000, cache_write=300_000))


def test_free_is_free():
    """A model that costs nothing costs 0, which is not unknown."""
    assert (Decimal(0), "0.00 in, 0.00 out per million") == (Rate(0, 0).cost(Usage("m", 10**9, 10**9)), str(Rate(0, 0)))


def test_a_float_counts_as_it_prints():
    """``0.1`` is a tenth, not what binary makes of it."""
    assert Rate("0.1", "0.3") == Rate(0.1, 0.3)


@pytest.mark.parametrize(
    "wrong",
    [-1, "much", float("nan"), "inf", True, None, [1], "1e20", Decimal("1e-200"), 1j, Decimal("1e5000000"), 10**4000],
)
def test_what_is_no_price_is_refused(wrong: Any):
    """A price is a finite number of 0 or more; the error names the part."""
    with pytest.raises(ng.OptionsError, match="input") as caught:
        Rate(wrong, 1)
    assert (caught.value.option, caught.value.field) == ("prices", "input")


wide = st.builds(lambda digits, places: Decimal(digits).scaleb(-places), st.integers(0, 10**14), st.integers(0, 80))


@given(st.lists(wide), st.randoms())
def test_sums_do_not_depend_on_the_order(parts, random):
    """A sum is the same to the last digit however its parts come, whatever the caller's precision."""
    before = total(parts)
    random.shuffle(parts)
    with localcontext(prec=1):
        assert before == total(parts)
    assert Fraction(before) == sum(map(Fraction, parts))


@given(wide, st.integers(0, 9))
def test_equal_amounts_are_equal_texts(value, zeros):
    """An amount is written in plain digits, the same for equal amounts, and reads back."""
    assert value == amount(text(value))
    assert text(value) == text(Decimal(f"{value:f}{'' if '.' in f'{value:f}' else '.'}{'0' * zeros}"))
    assert "E" not in text(value)
