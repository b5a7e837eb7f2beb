"""Amounts as people read them: dollars of any size, counts of tokens.

Owns the rounding, and that what nobody knows is never shown as a number. Pure.
"""

from __future__ import annotations

from decimal import Decimal

_LEAST, _MOST = Decimal("0.000001"), Decimal(10) ** 12
"""Dollars below which an amount is only said to be small, and from which it is written with a power of ten."""


_SIZES = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def known(cost: Decimal | None) -> Decimal | None:
    """Return an amount that can be summed and shown, None for one that cannot.

    >>> known(Decimal("NaN")), known(Decimal("0.10"))
    (None, Decimal('0.10'))
    """
    return cost if cost is not None and cost.is_finite() else None


def cost_text(cost: Decimal | None) -> str:
    """Return dollars as they are shown, three digits of what is less than one.

    >>> [cost_text(cost) for cost in (None, Decimal("0.000231"), Decimal("0.5"), Decimal("1234.5"), Decimal(0))]
    ['unknown', '$0.000231', '$0.50', '$1,234.50', '$0.00']
    """
    cost = known(cost)
    if cost is None:
        return "unknown"
    return f"-{_dollars(-cost)}" if cost < 0 else _dollars(cost)


def _dollars(cost: Decimal) -> str:
    if cost >= _MOST:
        return f"${cost:.2e}".replace("e+", "e")
    if cost >= Decimal("0.9995") or cost == 0:
        return f"${cost:,.2f}"
    if cost < _LEAST:
        return "<$0.000001"
    digits = f"{Decimal(f'{cost:.3g}').normalize():f}"
    return f"${digits}" if len(digits) > 3 else f"${cost:.2f}"


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
    text = f"${cost:,.0f}" if 1000 <= cost < _MOST else cost_text(rounded)
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
