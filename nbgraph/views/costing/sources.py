"""What a call used and which price it was given, in words: tokens, the rate, where that is from and of which day.

Owns the wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from nbgraph.escape import cut
from nbgraph.prices.money import amount
from nbgraph.prices.usage import Usage, usage_of
from nbgraph.views.costing.money import cost_text, short_count

_SOURCES = {"yours": "your prices", "nbgraph": "nbgraph's table", "genai-prices": "genai-prices"}


class Used(Protocol):
    """A price that was used."""

    @property
    def model(self) -> str: ...  # noqa: D102 - as answered
    @property
    def rate(self) -> str: ...  # noqa: D102 - for people
    @property
    def source(self) -> str: ...  # noqa: D102 - as prices.Priced
    @property
    def as_of(self) -> str: ...  # noqa: D102 - an ISO date


class PriceUsed(NamedTuple):
    """A price that was used, as ``Used``."""

    model: str
    rate: str
    source: str
    as_of: str


def price_lines(prices: Iterable[Used], most: int) -> list[str]:
    """Return a line for each price, those without one together; ``most`` of them."""
    used = list(dict.fromkeys(prices))
    known = [price for price in used if price.source not in ("", "unknown")]
    lines = [price_line(price) for price in known[:most]]
    if len(known) > most:
        lines.append(f"and {len(known) - most} more prices")
    return [*lines, *_unpriced(price.model for price in used if price.source in ("", "unknown"))]


def price_line(price: Used) -> str:
    """Return one price in words."""
    who = cut(price.model, 80) or "no model named"
    if price.source == "given":
        return f"{who}: the cost that its calls told"
    rate = f"${price.rate.removeprefix('$')}" if price.rate else "a price of its own"
    of_day = f", as of {price.as_of}" if price.as_of else ""
    return f"{who}: {cut(rate, 160)} ({_SOURCES.get(price.source, cut(price.source, 40))}{cut(of_day, 40)})"


def _unpriced(models: Iterable[str]) -> Iterator[str]:
    names = [cut(name, 60) or "calls that name no model" for name in dict.fromkeys(models)]
    if names:
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        yield f"No price is known for {', '.join(names[:6])}{more}; the option prices= takes one"


def paid_words(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return what the line of a call that ended tells of money: ``model``, ``used``, ``cost``, ``price``; "" for nothing.

    >>> paid_words({"usage": {"model": "m", "input_tokens": 9}, "cost": {"usd": None, "from": "unknown"}})["cost"]
    'cost unknown'
    """
    told, paid = facts.get("usage"), facts.get("cost")
    usage = (usage_of(told) if isinstance(told, Mapping) else None) or Usage()
    return {"model": cut(usage.model, 80), "used": tokens_words(usage), **_price_words(usage.model, paid)}


def _price_words(model: str, paid: Any) -> dict[str, str]:
    if not isinstance(paid, Mapping):
        return {"cost": "", "price": ""}
    rate, source, as_of = (str(paid.get(key) or "") for key in ("rate", "from", "as_of"))
    try:
        cost = cost_text(amount(paid["usd"]))
    except (LookupError, ValueError):
        return {"cost": "cost unknown", "price": ""}
    return {"cost": cost, "price": price_line(PriceUsed(model, rate, source, as_of))}


def tokens_words(usage: Usage) -> str:
    """Return the tokens of a use; "" where it tells none.

    >>> tokens_words(Usage(input=1200, output=50, cache_read=1000))
    '1,200 tokens in (1,000 cached) · 50 out'
    """
    if not usage.tokens:
        return ""
    cached = f" ({_count(usage.cache_read)} cached)" if usage.cache_read else ""
    thought = f" ({_count(usage.reasoning)} reasoning)" if usage.reasoning else ""
    return f"{_count(usage.input)} tokens in{cached} · {_count(usage.output)} out{thought}"


def _count(tokens: int) -> str:
    return f"{tokens:,}" if tokens < 10**9 else short_count(float(min(tokens, 10**15)))
