"""Sums and counts as views show them: dollars of which a part may be unknown, tokens, and both in little room.

Owns the words. One amount alone is written by ``prices.words``. Pure.
"""

from __future__ import annotations

from decimal import Decimal

from nbgraph.prices.words import cost_text, known

__all__ = [
    "NOBODY_KNOWS", "NO_COST", "cost_text", "count_text", "known", "part_text", "short_cost", "short_count",
    "short_dollars", "sum_text",
]  # fmt: skip

_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def sum_text(cost: Decimal, unknown: int) -> str:
    """Return a sum of which ``unknown`` parts are not known.

    >>> sum_text(Decimal(2), 0), sum_text(Decimal(2), 1), sum_text(Decimal(0), 1)
    ('$2.00', '≥ $2.00', 'unknown')
    """
    if not unknown:
        return cost_text(cost)
    return f"≥ {cost_text(cost)}" if cost else "unknown"


def part_text(cost: Decimal, unknown: int, tokens: int) -> str:
    """Return a sum as a part of a table; a dash where nothing was used: no model, or a record answered.

    >>> part_text(Decimal(0), 0, 0), part_text(Decimal(0), 0, 7), part_text(Decimal(0), 1, 0)
    ('–', '$0.00', 'unknown')
    """
    return sum_text(cost, unknown) if cost or unknown or tokens else NO_COST


NO_COST = "–"
"""Stands where there was nothing to pay."""


def short_cost(cost: Decimal, unknown: int) -> str:
    """Return a sum of which ``unknown`` parts are not known in little room: two digits of what is less than a dollar.

    >>> [short_cost(*sum) for sum in ((Decimal("0.01234"), 0), (Decimal("1234.5"), 0), (Decimal(2), 1), (Decimal(0), 1))]
    ['$0.012', '$1,234', '≥$2.00', '$?']
    """
    if unknown and not cost:
        return NOBODY_KNOWS
    rounded = Decimal(f"{cost:.2g}") if 0 < cost < 1 else cost
    text = short_dollars(float(cost)) if cost >= 1000 else cost_text(rounded)
    return f"≥{text}" if unknown else text


NOBODY_KNOWS = "$?"
"""A cost of which nothing is known, in little room."""


def count_text(count: int, one: str, many: str = "") -> str:
    """Return a count with its word.

    >>> count_text(1, "call"), count_text(1200, "call")
    ('1 call', '1,200 calls')
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def short_count(count: float) -> str:
    """Return a count in little room.

    >>> [short_count(count) for count in (950, 12_345, 999_999, 3e12)]
    ['950', '12.3k', '1M', '3T']
    """
    if count < 1e4:
        return f"{count:,.0f}"
    size, unit = next(((size, unit) for size, unit in _SIZES if count >= size * 0.9995), (1e3, "k"))
    return f"{count / size:.3g}{unit}"


def short_dollars(amount: float) -> str:
    """Return many dollars in little room.

    >>> short_dollars(1234.5), short_dollars(2.5e9)
    ('$1,234', '$2.5B')
    """
    return f"${short_count(amount)}".replace("G", "B")
