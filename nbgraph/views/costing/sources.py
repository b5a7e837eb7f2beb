"""Which prices a table was made with, in words: the rate, where it is from, and of which day.

Owns the wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from nbgraph.escape import cut

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
