"""What one line of a run's log of calls says: how a call ended, what it used, what that cost.

Owns the reading of such lines for whoever counts. Pure. A line of a version that kept no cost is priced as it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from json import loads
from typing import Any, NamedTuple

from nbgraph.prices import Prices, Usage, usage_of
from nbgraph.store.protocol import CallRecord


class Used(NamedTuple):
    """A call that ended. ``usage`` is None where it told of none; ``cost``, in US dollars, where nobody knows it."""

    outcome: str
    """"returned", "raised", "reused" (served from a record: paid there), "asked" or "answered"."""
    usage: Usage | None = None
    cost: Decimal | None = None
    source: str = ""
    """Who knew the price: as ``prices.Priced`` has it."""


def used(line: CallRecord, prices: Prices) -> Used | None:
    """Return what a line tells; None for one that only began a call."""
    if line.phase == "started":
        return None
    if line.phase not in ("returned", "raised"):
        return Used(line.phase)
    facts = loads(line.data or "{}")
    if "reused" in facts:
        return Used("reused")
    told = facts.get("usage")
    if not isinstance(told, Mapping):
        return Used(line.phase)
    if isinstance(facts.get("cost"), Mapping):
        return Used(line.phase, Usage.of(told), _amount(facts["cost"].get("usd")), str(facts["cost"].get("from", "")))
    usage = usage_of(told)
    if usage is None:
        return Used(line.phase)
    priced = prices.price(usage, line.time)
    return Used(line.phase, usage, priced.cost, priced.source)


def _amount(text: Any) -> Decimal | None:
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None
