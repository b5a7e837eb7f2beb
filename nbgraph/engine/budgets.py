"""A run's budgets: amounts as people give them, what the run's earlier drives used, and what is said when one is spent.

Owns these decisions. Counting is the meter's, stopping the driver's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from json import dumps, loads
from typing import TYPE_CHECKING, Any

from nbgraph.engine.calls.estimate import expected
from nbgraph.engine.calls.meter import Meter, Spent, note_most
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
    if value is None:
        return None  # the usual case, and the quick one
    try:
        return amount(value)
    except ValueError:
        return None


def meter_of(options: Options, store: Store, run_id: str) -> Meter:
    """Return what counts a drive of a run that begins now."""
    span, cost = options.time_budget, exact(options.cost_budget)
    return Meter(
        options.prices,
        cost=cost,
        tokens=options.token_budget,
        due=None if span is None else options.clock.monotonic() + span,
        span=span,
        now=options.clock.monotonic,
        clock=options.clock.now,
        earlier=lambda prices: paid(store.calls(run_id), prices),
    )


def paid(lines: Iterable[CallRecord], prices: Prices) -> Iterator[Spent]:
    """Yield what a run's own calls used, by its log. What a record answered was paid elsewhere.

    A line that does not say what it cost, of a model without a price then or of an older version, is priced today. A
    call to a model that does not tell what it used, or of which nobody knows how it ended, counts as what was expected
    of it, but for those around calls that tell.
    """
    return _Reading(prices).read(lines)


class _Reading:
    """One way through a log."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._begun: dict[tuple[str, str], CallRecord] = {}
        self._told: set[tuple[str, str]] = set()
        """Calls around some that told what they used."""
        self._most: dict[str, Usage] = {}

    def read(self, lines: Iterable[CallRecord]) -> Iterator[Spent]:
        """Yield what was used, in the order of the log; what is in doubt at its end comes last."""
        for line in lines:
            if line.phase == "started":
                if '"stopped":true' in line.data:
                    self._begun.pop((line.task, line.name), None)
                else:
                    yield from self._doubtful(line)
                    self._begun[line.task, line.name] = line
            elif line.phase in ("returned", "raised"):
                yield from self._ended(line)
        for start in list(self._begun.values()):
            yield from self._doubtful(start)

    def _ended(self, line: CallRecord) -> Iterator[Spent]:
        key, facts = (line.task, line.name), loads(line.data)
        start = self._begun.get(key)
        if start is not None and start.request != line.request:  # of an attempt before; this line tells all by itself
            yield from self._doubtful(line)
            start = None
        self._begun.pop(key, None)
        usage = None if "reused" in facts or "skipped" in facts else _usage(facts)
        if usage is not None:
            self._told.update((line.task, line.name[:place]) for place, char in enumerate(line.name) if char == "/")
        came = line.phase == "returned" or _broken(facts)
        if came and start is not None and key not in self._told and _untold(facts, usage):
            usage = self._expected(start) or usage
        self._told.discard(key)
        if usage is not None:
            call = "" if start is None else _label(start)
            note_most(self._most, call, usage)
            yield Spent(call, usage, _cost(facts, usage, self._prices, line.time))

    def _doubtful(self, line: CallRecord) -> Iterator[Spent]:
        """Yield what the call of that name was expected to use that began before ``line`` and has no end."""
        key = (line.task, line.name)
        start = self._begun.pop(key, None)
        usage = None if start is None or key in self._told else self._expected(start)
        self._told.discard(key)
        if start is not None and usage is not None:
            yield Spent("", usage, self._prices.price(usage, start.time).cost)

    def _expected(self, start: CallRecord) -> Usage | None:
        request = _request(start.data)
        said = expected(dumps(request)) if request else None
        return said.usage if said and said.model else self._most.get(_label(start))


def _label(start: CallRecord) -> str:
    return str(_request(start.data).get("call", ""))


def _request(data: str) -> Mapping[str, Any]:
    request = loads(data).get("request")
    return request if isinstance(request, Mapping) else {}


def _broken(facts: Mapping[str, Any]) -> bool:
    """Say whether a connection failed in the middle of an answer: it is paid as far as it came."""
    error = facts.get("error")
    return isinstance(error, Mapping) and "response" in facts and not error.get("answer")


def _untold(facts: Mapping[str, Any], usage: Usage | None) -> bool:
    return usage is None or (not usage.tokens and _known(facts) is None)


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
