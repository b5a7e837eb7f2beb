"""A run's costs as the chart wants them, read through the run's own words.

Owns the reading: rows of costs and the budget in, what is drawn out. Runs no node.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from json import loads
from typing import Any

from nbgraph.analysis.costs import FREE, CallCost, Pricing, as_recorded, costs_of
from nbgraph.errors import OptionsError
from nbgraph.prices import Prices, prices_of
from nbgraph.prices.money import amount
from nbgraph.views.costing.chart import CostChart
from nbgraph.views.costing.growth import Growth, Paid, growth
from nbgraph.views.subject import Subject


def cost_chart(run: Subject, *, width: float = 760, theme: str = "light") -> CostChart:
    """Return how a run's cost grew over its steps, a band for each model, with what is unknown and the budget.

    Tokens where no cost is known. ``width`` in pixels, ``theme`` "light" or "dark". Raises ``OptionsError`` for another.
    """
    if theme not in ("light", "dark"):
        raise OptionsError(f"theme is {theme!r}; it should be 'light' or 'dark'", option="theme")
    store, name = run.store, str(run.id)
    last = store.run(name).steps
    return CostChart(grown(costs_read(run), last, budget_of(run)), f"run {name}", width, theme)


def costs_read(run: Subject, pricing: Pricing | None = None) -> list[CallCost]:
    """Return a row for each call of a run that ended, with the step that its task's commit made."""
    store, name = run.store, str(run.id)
    pricing = pricing or as_recorded(pricing_of(run))
    return costs_of(store.calls(name), store.steps(name), store.events(name), pricing)


def pricing_of(run: Any) -> Prices:
    """Return what prices calls whose lines say no cost: the engine's option, of a run that has one."""
    return prices_of(getattr(_options(run), "prices", None))


def grown(costs: Iterable[CallCost], last: int, budget: Decimal | None) -> Growth:
    """Return how costs grew; a call that used no model, or that a record answered, has no part in it."""
    paid = [
        Paid(cost.step, cost.model, cost.cost, cost.tokens.tokens)
        for cost in costs
        if not cost.reused and cost.source != FREE.source
    ]
    return growth(paid, last=last, budget=budget)


def budget_of(run: Any) -> Decimal | None:
    """Return the dollars that a run may cost, as its latest error or its engine says; None where nobody does."""
    limit = getattr(_options(run), "cost_budget", None)
    told = _limit(run.store.run(str(run.id)).status.error)
    try:
        return amount(told if told is not None else limit)
    except ValueError:
        return None


def _limit(error: str) -> Any:
    """Return the limit that a stored error tells of, None where it is about something else."""
    facts = (loads(error) if error else {}).get("facts")
    if not isinstance(facts, dict) or facts.get("option") != "cost_budget":
        return None
    limit = facts.get("limit")
    return limit.get("decimal") if isinstance(limit, dict) else limit


def _options(run: Any) -> Any:
    return getattr(getattr(run, "engine", None), "options", None)
