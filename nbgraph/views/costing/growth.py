"""How a run's cost grew, step by step, model by model: the numbers of the chart.

Owns the sums along the steps, which models get a band of their own, and that the points stay few. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple, TypeVar

from nbgraph.prices.money import plus, total
from nbgraph.views.costing.money import known

K = TypeVar("K")

_POINTS, _BANDS = 160, 5
"""Steps at which the chart has a point at most, and models that it tells apart."""
_LARGEST = Decimal(10) ** 15


class Paid(NamedTuple):
    """What the chart needs of one call that was paid for here."""

    step: int | None
    """Of the commit of its task; None before it."""
    model: str
    cost: Decimal | None
    tokens: int = 0


class Band(NamedTuple):
    """One model, its amounts summed up to each of the chart's steps."""

    name: str
    amounts: Sequence[float]
    total: Decimal


class Growth(NamedTuple):
    """The chart: bands from the largest to the smallest over common ``steps``.

    ``unit``: "dollars", or "tokens" where no cost is known. ``unknown``: (step, calls) without a known cost.
    """

    unit: str
    steps: Sequence[int]
    bands: Sequence[Band]
    end: int
    total: Decimal
    unknown: Sequence[tuple[int, int]]
    budget: Decimal | None = None

    @property
    def lacking(self) -> int:
        """Calls without a known cost."""
        return sum(calls for _, calls in self.unknown)


def growth(calls: Iterable[Paid], *, last: int = 0, budget: Decimal | None = None) -> Growth:
    """Return how the calls' cost grew up to step ``last``; calls of tasks that are not committed count one step later."""
    found = [call._replace(step=call.step if call.step is not None else last + 1) for call in calls]
    costs = [(call.step or 0, call.model, known(call.cost)) for call in found]
    unknown = _summed((step, Decimal(1)) for step, _, cost in costs if cost is None)
    paid = [(step, model, cost) for step, model, cost in costs if cost is not None]
    lacking = [(step, int(many)) for step, many in unknown.items()]
    if found and not any(cost for _, _, cost in paid) and unknown:
        paid = [(call.step or 0, call.model, Decimal(call.tokens)) for call in found]
        return _grown("tokens", paid, last, lacking, None)
    return _grown("dollars", paid, last, lacking, known(budget))


def _grown(
    unit: str,
    paid: Sequence[tuple[int, str, Decimal]],
    last: int,
    unknown: Sequence[tuple[int, int]],
    budget: Decimal | None,
) -> Growth:
    end = max([last, *(step for step, _, _ in paid), *(step for step, _ in unknown)], default=0)
    steps = thinned(sorted({step for step, _, _ in paid} | {0, end}))
    models = _summed((model, amount) for _, model, amount in paid)
    ranked = sorted(models, key=lambda model: models[model], reverse=True)
    ranked = [model for model in ranked if models[model]] or ranked[:1]  # what is for nothing has no band beside others
    own = ranked if len(ranked) <= _BANDS else ranked[: _BANDS - 1]
    shares = [(name or "no model named", [name]) for name in own]
    if len(ranked) > len(own):
        shares.append((f"{len(ranked) - len(own)} others", ranked[len(own) :]))
    bands = [_band(name, set(members), paid, steps) for name, members in shares]
    return Growth(unit, steps, bands, end, total(models.values()), sorted(unknown), budget)


def _band(name: str, models: set[str], paid: Sequence[tuple[int, str, Decimal]], steps: Sequence[int]) -> Band:
    by_step = _summed((step, amount) for step, model, amount in paid if model in models)
    grown = list(accumulate((by_step[step] for step in sorted(by_step)), plus, initial=Decimal(0)))
    amounts, at, there = [], 0, sorted(by_step)
    for step in steps:
        while at < len(there) and there[at] <= step:
            at += 1
        amounts.append(drawable(grown[at]))
    return Band(name, amounts, grown[-1])


def drawable(amount: Decimal) -> float:
    """Return an amount as a number that a picture can have a place for."""
    return float(min(max(amount, -_LARGEST), _LARGEST))


def _summed(pairs: Iterable[tuple[K, Decimal]]) -> dict[K, Decimal]:
    sums: dict[K, Decimal] = {}
    for key, amount in pairs:
        sums[key] = plus(sums.get(key, Decimal(0)), amount)
    return sums


def thinned(steps: Sequence[int], most: int = _POINTS) -> list[int]:
    """Return at most ``most`` steps, evenly chosen, the first and the last always.

    >>> thinned([0, 1, 2, 3, 4, 5, 6], 3)
    [0, 3, 6]
    """
    many = len(steps)
    if many <= most:
        return list(steps)
    return [steps[place * (many - 1) // (most - 1)] for place in range(most)]
