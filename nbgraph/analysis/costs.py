"""What a run's calls used and cost: one row a call, and sums over any of their names.

Owns the rows and the sums. Pure: prices are asked of ``prices``, lines are read by ``calls``. What nobody can price
is None, and a sum with an unknown part is unknown too, never a zero. Sums are exact, in any order and grouping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from json import loads
from math import fsum
from typing import Any, NamedTuple

from nbgraph.analysis.calls import Call, around, ended_calls, model_of
from nbgraph.prices.money import amount, clean, total
from nbgraph.prices.pricing import UNKNOWN, Priced, Prices
from nbgraph.prices.providers import is_free
from nbgraph.prices.usage import Usage, usage_of
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord

FREE = Priced(Decimal(0), "none")
"""A call that names no model and tells no use: as far as anybody can tell, no model was used."""
NOTHING = Decimal(0)
TODAY = "priced when read"
"""Stands behind the rate of a call whose line says nothing of a cost: it was recorded before lines did."""


class CallCost(NamedTuple):
    """What one call that ended used and cost in this run."""

    seq: int
    """Of the line that began it."""
    step: int | None
    """That its task's commit made; None before it."""
    node: str
    task: str
    attempt: int
    call: str
    """What was called."""
    model: str
    tokens: Usage
    """What was used here: nothing by a call that a record answered."""
    cost: Decimal | None
    """US dollars paid here; None: nobody knows."""
    saved: Decimal | None
    """US dollars that were not paid again, since a record answered; None: nobody knows."""
    seconds: float | None
    """That it took here; None where a record answered."""
    source: str
    """Who said the price, as ``Priced.source``; "none" where no model was used."""
    rate: str
    as_of: str
    reused: bool
    """Answered by the record of another run, or of a life before: paid there."""
    outcome: str
    """"returned" or "raised"."""
    started: float
    """Seconds since the Unix epoch."""


Pricing = Callable[[Call, Usage | None], Priced]
"""Says what a call cost where it was made."""


def used_by(call: Call) -> Usage | None:
    """Return what a call told of its use, None if it told nothing."""
    return Usage.of(call.usage) if call.paid else usage_of(call.usage)


def as_recorded(prices: Prices) -> Pricing:
    """Return the pricing by what each call's line says; one that says nothing is priced now, and marked so."""

    def priced(call: Call, usage: Usage | None) -> Priced:
        paid = call.paid
        if paid:
            source, rate, as_of = (str(paid.get(name) or "") for name in ("from", "rate", "as_of"))
            return Priced(_dollars(paid.get("usd")), source, rate, as_of)
        if usage is None:
            return _untold(call)
        found = prices.price(_named(usage, call), call.started)
        return found._replace(rate=f"{found.rate}; {TODAY}" if found.rate else TODAY)

    return priced


def as_with(prices: Prices) -> Pricing:
    """Return the pricing by other prices. What was given as a cost, and is unknown to them, stays."""

    def priced(call: Call, usage: Usage | None) -> Priced:
        source = call.paid.get("from")
        given = source == "given"
        if usage is None or (not usage.tokens and source in ("given", FREE.source)):
            return as_recorded(prices)(call, usage)
        found = prices.price(_named(usage, call), call.started)
        return as_recorded(prices)(call, usage) if given and found.cost is None else found

    return priced


def _named(usage: Usage, call: Call) -> Usage:
    return usage if usage.model else usage._replace(model=model_of(call))


def _untold(call: Call) -> Priced:
    """Say of a call that told no use: a model that answered was used, nobody knows how much; else there was none.

    So was something where a reader of its use failed, or said a cost that is none.
    """
    if is_free(call.name):
        return FREE
    wrong = "error" in call.usage or "cost" in call.usage
    return UNKNOWN if wrong or ((call.outcome == "returned" or call.broken) and model_of(call)) else FREE


def _dollars(said: Any) -> Decimal | None:
    try:
        return None if said is None else amount(said)
    except ValueError:
        return None


# -- one row a call


def costs_of(
    lines: Iterable[CallRecord],
    steps: Iterable[StepRecord] = (),
    events: Iterable[EventRecord] = (),
    pricing: Pricing | None = None,
) -> list[CallCost]:
    """Return one row for each call of a log that ended, in the order in which they began.

    ``steps`` and ``events`` of the same run say at which step each task was committed, and which calls answered
    again in a later attempt. Questions to people, and calls whose end nobody saw, are not in it.
    """
    pricing = pricing or as_recorded(Prices())
    calls = ended_calls(lines)
    later = Later(steps, events, calls)
    return [cost_of(call, pricing, later) for call in outermost(calls)]


def outermost(calls: Sequence[Call]) -> Iterator[Call]:
    """Yield the calls, without a use in those around a call that tells its own: it is not paid twice."""
    told = {(call.task, place) for call in calls if _tells(call) for place in around(call.place)}
    for call in calls:
        inside = told and (call.task, call.place) in told
        yield call._replace(usage={}, paid={}, asked=None) if inside else call


def _tells(call: Call) -> bool:
    return bool(call.paid) or (bool(call.usage) and usage_of(call.usage) is not None)


def cost_of(call: Call, pricing: Pricing, later: Later | None = None) -> CallCost:
    """Return the row of a call that ended."""
    usage = used_by(call)
    there = pricing(call, usage)
    here = Usage() if usage is None or call.reused else usage
    again = call.reused or (later is not None and later.served(call))
    return CallCost(
        call.seq, None if later is None else later.step(call.task), call.node, call.task, call.attempt, call.name,
        (usage.model if usage is not None else "") or model_of(call), here, NOTHING if call.reused else there.cost,
        there.cost if again else NOTHING, None if call.reused else call.seconds, there.source, there.rate,
        there.as_of, call.reused, call.outcome, call.started,
    )  # fmt: skip


class Later:
    """What became of calls: the step of their task, and whether they answered again after their attempt was over."""

    def __init__(
        self, steps: Iterable[StepRecord] = (), events: Iterable[EventRecord] = (), calls: Iterable[Call] = ()
    ) -> None:
        self._steps: dict[str, int] = {}
        self._used: dict[str, tuple[int, int, frozenset[int]]] = {}
        self._resumed: list[tuple[float, int]] = []
        for event in events:
            if event.kind == "run.resumed":
                self._resumed.append((event.time, event.step))
            elif event.kind == "task.failed" and '"calls"' in event.data:
                facts = loads(event.data)
                self._used[event.task] = (facts.get("attempt") or 0, event.step + 1, frozenset(facts["calls"]))
        for row in steps:
            self._steps[row.task] = row.step
            if '"calls"' in row.facts:
                self._used[row.task] = (row.attempts, row.step, frozenset(loads(row.facts)["calls"]))
        self._ends = {(call.task, call.place): call.end for call in calls}

    def step(self, task: str) -> int | None:
        """Return the step that a task's commit made, None before it."""
        return self._steps.get(task)

    def served(self, call: Call) -> bool:
        """Say whether a call of an attempt that was over answered the task's last attempt again.

        A call inside another one did so where that one did.
        """
        attempt, step, used = self._used.get(call.task, (0, 0, frozenset()))
        if call.entered or not used or not (call.attempt < attempt or self._before(call, step)):
            return False
        return call.end in used or any(self._ends.get((call.task, place)) in used for place in around(call.place))

    def _before(self, call: Call, step: int) -> bool:
        """Say whether a call was over when the run was resumed, and its task not yet committed."""
        ended = call.started + (call.seconds or 0.0)
        return any(ended <= time and at < step for time, at in self._resumed)


# -- sums

NAMES: Mapping[str, Callable[[CallCost], Any]] = {
    "node": lambda cost: cost.node,
    "model": lambda cost: cost.model,
    "step": lambda cost: cost.step,
    "task": lambda cost: cost.task,
    "attempt": lambda cost: cost.attempt,
    "call": lambda cost: cost.call,
    "provider": lambda cost: cost.tokens.provider,
}
"""What costs can be summed by."""


class CostRow(NamedTuple):
    """A sum over calls. ``key``: the names that they have in common, in the order in which they were asked for."""

    key: tuple[Any, ...]
    calls: int
    reused: int
    tokens: Usage
    known: Decimal
    """US dollars, of the calls whose cost is known."""
    unknown: int
    """Calls whose cost nobody knows."""
    saved: Decimal | None
    seconds: float
    prices: tuple[tuple[str, str, str], ...] = ()
    """(source, rate, as_of) of the prices that were used, each once."""

    @property
    def cost(self) -> Decimal | None:
        """US dollars; None where a part is not known."""
        return None if self.unknown else self.known


def cost_rows(costs: Iterable[CallCost], by: Sequence[str] = ("node", "model")) -> list[CostRow]:
    """Return one row for each group of calls that have the names ``by`` in common, in the order of their first call."""
    reads, groups = [NAMES[name] for name in by], dict[tuple[Any, ...], list[CallCost]]()
    for cost in costs:
        groups.setdefault(tuple([read(cost) for read in reads]), []).append(cost)
    return [total_of(members, key) for key, members in groups.items()]


def total_of(costs: Sequence[CallCost], key: tuple[Any, ...] = ()) -> CostRow:
    """Return the sum of all rows; its cost is None if that of one is."""
    saved = [cost.saved for cost in costs if cost.saved is None or cost.saved]
    used = dict.fromkeys((cost.source, cost.rate, cost.as_of) for cost in costs if cost.source != FREE.source)
    return CostRow(
        key, len(costs), sum(cost.reused for cost in costs), tokens_of(costs),
        clean(total(cost.cost for cost in costs if cost.cost)), sum(cost.cost is None for cost in costs),
        None if None in saved else clean(total(one for one in saved if one is not None)),
        fsum(cost.seconds or 0.0 for cost in costs), tuple(used),
    )  # fmt: skip


def tokens_of(costs: Iterable[CallCost]) -> Usage:
    """Return all tokens together; the model and its provider are those that all have in common."""
    found = [cost.tokens for cost in costs]
    if not found:
        return Usage()
    columns = dict(zip(Usage._fields, zip(*found, strict=True), strict=True))
    return Usage(**{name: _together(column) for name, column in columns.items()})


def _together(column: Sequence[Any]) -> Any:
    if isinstance(column[0], str):
        return column[0] if len(set(column)) == 1 else ""
    return sum(column)


class Point(NamedTuple):
    """How far a run's use had grown with its ``calls``-th call. ``cost``: of the part that is known; ``unknown`` calls are not in it."""

    calls: int
    time: float
    tokens: int
    cost: Decimal
    unknown: int


def growth(costs: Iterable[CallCost]) -> Iterator[Point]:
    """Yield how the use grew, a point for each call that was paid for here, in the order of the log."""
    calls, tokens, cost, unknown = 0, 0, NOTHING, 0
    for one in costs:
        if one.reused:
            continue
        calls, tokens, unknown = calls + 1, tokens + one.tokens.tokens, unknown + (one.cost is None)
        cost = total((cost, one.cost or NOTHING))
        yield Point(calls, one.started + (one.seconds or 0.0), tokens, cost, unknown)
