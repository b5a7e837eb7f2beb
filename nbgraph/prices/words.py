"""Amounts as people read them.

Owns the rounding, and that what nobody knows is never shown as a number. Pure.
"""

from __future__ import annotations

from decimal import Decimal

_LEAST, _MOST = Decimal("0.000001"), Decimal(10) ** 12
"""Dollars below which an amount is only said to be small, and from which it is written with a power of ten."""


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


def costs_compared(left: Decimal | None, right: Decimal | None, names: tuple[str, str]) -> str:
    """Return "right instead of left" with the difference, or on which side it is not known.

    >>> costs_compared(Decimal("0.25"), Decimal("0.1"), ("r1", "r2")), costs_compared(Decimal(2), None, ("r1", "r2"))
    ('$0.10 instead of $0.25 (-$0.15)', 'unknown in r2 instead of $2.00')
    """
    one, other = known(left), known(right)
    if one is None or other is None:
        before, after = (
            cost_text(cost) + ("" if cost is not None else f" in {name}")
            for cost, name in zip((one, other), names, strict=True)
        )
        return "unknown" if one is None and other is None else f"{after} instead of {before}"
    if one == other:
        return cost_text(one)
    sign = "+" if other > one else ""
    return f"{cost_text(other)} instead of {cost_text(one)} ({sign}{cost_text(other - one)})"
