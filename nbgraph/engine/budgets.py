"""A run's budgets: amounts as people give them, what the run's earlier drives used, and what is said when one is spent.

Owns these decisions. Counting is the meter's, stopping the driver's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from json import dumps, loads
from typing import TYPE_CHECKING, Any

from nbgraph.engine.calls.estimate import expected
from nbgraph.engine.calls.meter import Meter, Spent
from nbgraph.prices.money import amount
from nbgraph.prices.usage import Usage, usage_of

if TYPE_CHECKING:
    from nbgraph.engine.options import Options
    from nbgraph.prices.pricing import Prices
    from nbgraph.store.protocol import CallRecord, Store


def exact(value: Any) -> Decimal | None:
    """Return an amount of money, 0 or more, as it reads: a float as its shortest text. None for what is none.

    >>> exact(0.1), exact("2.50"), exact(True), exact("nan")
    (Decimal('0.1'), Decimal('2.50'), None, None)
    """
    try:
        return amount(value)
    except ValueError:
        return None


def meter_of(options: Options, began: float, store: Store, run_id: str) -> Meter:
    """Return what counts a drive of a run that ``began`` at that monotonic second."""
    span, cost = options.time_budget, exact(options.cost_budget)
    return Meter(
        options.prices,
        cost=cost,
        tokens=options.token_budget,
        due=None if span is None else began + span,
        span=span,
        now=options.clock.monotonic,
        clock=options.clock.now,
        earlier=lambda prices: paid(store.calls(run_id), prices),
    )


def paid(lines: Iterable[CallRecord], prices: Prices) -> Iterator[Spent]:
    """Yield what a run's own calls used, by its log. What a record answered was paid elsewhere.

    A line that does not say what it cost, of a model without a price then or of an older version, is priced today.
    One of a model that does not say what it used counts as what was expected of it, but for those around calls that do.
    """
    begun: dict[tuple[str, str], str] = {}
    told: set[tuple[str, str]] = set()
    for line in lines:
        if line.phase == "started":
            begun[line.task, line.name] = line.data
        elif line.phase in ("returned", "raised"):
            facts, request = loads(line.data), _request(begun.pop((line.task, line.name), "{}"))
            if "reused" in facts or "skipped" in facts:
                continue
            usage = _usage(facts)
            if usage is not None:
                told.update((line.task, line.name[:place]) for place, char in enumerate(line.name) if char == "/")
            if line.phase == "returned" and request and (line.task, line.name) not in told and _untold(facts, usage):
                usage = _expected(request) or usage
            if usage is not None:
                yield Spent(str(request.get("call", "")), usage, _cost(facts, usage, prices, line.time))


def _request(data: str) -> Mapping[str, Any]:
    request = loads(data).get("request")
    return request if isinstance(request, Mapping) else {}


def _untold(facts: Mapping[str, Any], usage: Usage | None) -> bool:
    return usage is None or (not usage.tokens and _known(facts) is None)


def _expected(request: Mapping[str, Any]) -> Usage | None:
    said = expected(dumps(request))
    return Usage(said.model, said.input, said.output or 0) if said.model else None


def _usage(facts: Mapping[str, Any]) -> Usage | None:
    told = facts.get("usage")
    if not isinstance(told, Mapping):
        return None
    return Usage.of(told) if "cost" in facts else usage_of(told)


def _cost(facts: Mapping[str, Any], usage: Usage, prices: Prices, at: float) -> Decimal | None:
    known = _known(facts)
    return prices.price(usage, at).cost if known is None else known


def _known(facts: Mapping[str, Any]) -> Decimal | None:
    cost = facts.get("cost")
    return exact(cost.get("usd")) if isinstance(cost, Mapping) else None
