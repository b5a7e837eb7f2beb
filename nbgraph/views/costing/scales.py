"""Round numbers for the chart of costs: how high it is, and where it has lines.

Owns the rounding. Pure.
"""

from __future__ import annotations

from decimal import Decimal
from math import ceil, floor, log10

from nbgraph.views.costing.growth import drawable
from nbgraph.views.costing.money import short_count, short_dollars

_LEAST = 1e-9
"""Dollars of the lowest chart: lines below that have no short names."""


def reach(whole: float, budget: Decimal | None) -> float:
    """Return how high the plot must be; a budget far above what was spent is only told."""
    limit = drawable(budget) if budget is not None else 0.0
    found = max(whole, limit * 1.06 if whole <= 0 or limit <= 2.5 * whole else 0.0)
    return max(found, _LEAST) if found > 0 else 1.0


def scale(most: float) -> tuple[float, float]:
    """Return a round distance between lines and the amount at the top, a multiple of it.

    >>> scale(0.43), scale(16.0)
    ((0.1, 0.5), (5.0, 20.0))
    """
    power = 10.0 ** floor(log10(most / 3))
    step = min((one * power for one in (1, 2, 5, 10)), key=lambda one: abs(one - most / 3))
    return step, round(ceil(most / step - 1e-9) * step, 12)


def ticks(step: float, top: float) -> list[float]:
    """Return the amounts that get a line, from the ground to the top."""
    return [step * place for place in range(round(top / step) + 1)]


def tick_text(amount: float, step: float, unit: str) -> str:
    """Return what stands beside a line, as exact as the distance to the next.

    >>> tick_text(0.2, 0.05, "dollars"), tick_text(20.0, 10.0, "dollars"), tick_text(20_000.0, 10_000.0, "tokens")
    ('$0.20', '$20', '20k')
    """
    if unit == "tokens" or step >= 1000:
        return short_count(amount) if unit == "tokens" else short_dollars(amount)
    digits = max(0, -floor(log10(step) + 1e-9))
    return f"${amount:,.{max(digits, 2) if digits else 0}f}"


def marked(end: int, most: int) -> list[int]:
    """Return the steps that are named: round ones, about ``most``, and the last.

    >>> marked(30, 4), marked(3, 5), marked(0, 5)
    ([10, 20, 30], [1, 2, 3], [])
    """
    least = max(1, ceil(end / max(2, most)))
    power = 10 ** floor(log10(least))
    each = next(one * power for one in (1, 2, 5, 10) if one * power >= least)
    round_ones = [step for step in range(each, end, each) if end - step >= each * 0.6]
    return [*round_ones, end] if end else []
