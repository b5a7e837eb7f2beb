"""What calls used and cost as attributes, and the sums of it.

Owns the attributes of tokens and money. Each call's cost is that of ``run.costs``; sums are exact, and what nobody can
price is counted, not taken as zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from nbgraph.analysis.calls import ENDED, calls_of
from nbgraph.analysis.costs import CallCost, as_recorded, cost_of
from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.pairing import Pair
from nbgraph.prices.money import plus, text
from nbgraph.prices.pricing import Prices

_PRICING = as_recorded(Prices())
"""Each call's line says what it cost; old lines that do not are priced by today's table."""


def cost_row(pair: Pair) -> CallCost | None:
    """Return what a call used and cost, None where it has not ended."""
    if pair.ended is None or pair.ended.phase not in ENDED:
        return None
    (call,) = calls_of(dict.fromkeys((pair.begun, pair.ended)))
    return cost_of(call, _PRICING)


def of_model(cost: CallCost | None) -> bool:
    """Say whether a call used a model."""
    return cost is not None and bool(cost.model or cost.tokens.tokens or cost.source not in ("none", "unknown"))


class Sum(NamedTuple):
    """What the calls of a task, or of a drive, used together. Calls that a record served are not in it."""

    calls: int = 0
    input: int = 0
    output: int = 0
    cost: Decimal = Decimal(0)
    priced: int = 0
    """Calls of a model whose cost is known ..."""
    unknown: int = 0
    """... and is not."""

    def with_(self, other: Sum) -> Sum:
        """Return both together."""
        return Sum(
            self.calls + other.calls, self.input + other.input, self.output + other.output,
            plus(self.cost, other.cost), self.priced + other.priced, self.unknown + other.unknown,
        )  # fmt: skip

    def facts(self) -> Mapping[str, Any]:
        """Return the attributes of a run or task; none where nothing was called."""
        found: dict[str, Any] = {names.CALLS: self.calls} if self.calls else {}
        if self.input or self.output:
            found |= {names.INPUT: self.input, names.OUTPUT: self.output}
        if self.priced:
            found |= {names.COST: float(self.cost), names.EXACT: text(self.cost)}
        return {**found, names.UNKNOWN: self.unknown} if self.unknown else found


def sum_of(costs: Iterable[CallCost | None]) -> Sum:
    """Return what calls used together."""
    whole = Sum()
    for cost in costs:
        if cost is not None and not cost.reused:
            whole = whole.with_(_alone(cost))
    return whole


def _alone(cost: CallCost) -> Sum:
    known, model = cost.cost is not None, of_model(cost)
    return Sum(1, cost.tokens.input, cost.tokens.output, cost.cost or Decimal(0), int(known and model), int(not known))


def paid_facts(cost: CallCost) -> dict[str, Any]:
    """Return the attributes of a model's call: what it used, what it cost, or what its record saved."""
    found = {name: value for name, value in _tokens(cost) if value}
    found[names.SOURCE] = cost.source
    if cost.reused:
        return found if cost.saved is None else {**found, names.SAVED: text(cost.saved)}
    return found if cost.cost is None else {**found, names.COST: float(cost.cost), names.EXACT: text(cost.cost)}


def _tokens(cost: CallCost) -> Iterable[tuple[str, Any]]:
    usage = cost.tokens
    yield names.PROVIDER, names.PROVIDERS.get(usage.provider, usage.provider)
    yield names.RESPONSE_MODEL, cost.model
    yield names.INPUT_TOKENS, usage.input
    yield names.OUTPUT_TOKENS, usage.output
    yield names.CACHE_READ, usage.cache_read
    yield names.CACHE_WRITE, usage.cache_write
    yield names.REASONING, usage.reasoning
