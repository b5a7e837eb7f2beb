"""What a run's calls used, as rows: per node and model, and as it grew.

Owns the reading of calls and of what they say they used, and the sums. Pure. A price is asked for, never known here:
what nobody can price is None, shown as "unknown", and a sum with an unknown part is unknown too, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from json import loads
from typing import Any, NamedTuple

from nbgraph.store.protocol import CallRecord


class Call(NamedTuple):
    """One call or question, from its lines in the log."""

    seq: int
    """Of the line that began it."""
    task: str
    node: str
    name: str
    """What was called, as its code says; "ask" for a question."""
    outcome: str
    """"returned", "raised", "answered", or "started", "asked": not ended yet."""
    asked: Any
    response: Any
    error: str
    seconds: float | None
    usage: Mapping[str, Any]
    reused: bool
    """Served from the record of another run, or of a life before: paid there."""
    started: float
    """Seconds since the Unix epoch."""
    by: str = ""
    """Who answered."""


class Tokens(NamedTuple):
    """What a call used of a model. ``cached`` is a part of ``input``, ``reasoning`` a part of ``output``."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0

    def __bool__(self) -> bool:
        return any(tuple(self))


Price = Callable[[str, Tokens], Decimal | None]
"""Returns what a use of a model cost, None where that is not known."""


class CostRow(NamedTuple):
    """What one node used of one model. ``model`` is "" where calls do not say."""

    node: str
    model: str
    calls: int
    reused: int
    tokens: Tokens
    seconds: float
    cost: Decimal | None


class Point(NamedTuple):
    """How far a run's use had grown with its ``calls``-th call. ``cost``: of the part that is known; ``unknown`` calls are not in it."""

    calls: int
    time: float
    tokens: int
    cost: Decimal
    unknown: int


class Calls:
    """The calls of a run as their lines come in; ``take`` costs what is new.

    ``whole``: keep what was asked and what came back; else only what a cost is made of, so that a view stays small.
    """

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self._begun: dict[tuple[str, str], CallRecord] = {}
        self._found: dict[int, Call] = {}

    def take(self, lines: Iterable[CallRecord]) -> None:
        """Take further lines, in order."""
        for line in lines:
            key = (line.task, line.name)
            start = line if line.phase in ("started", "asked") else self._begun.get(key, line)
            self._begun[key] = start
            call = _call(start, line)
            self._found[start.seq] = call if self._whole or start is line else _light(call)

    def all(self) -> list[Call]:
        """Return calls and questions in the order in which they began."""
        return list(self._found.values())


def _light(call: Call) -> Call:
    """Return a call that has ended without its texts; it still says which model it used."""
    return call._replace(asked={"model": model_of(call)}, response=None)


def calls_of(lines: Iterable[CallRecord]) -> list[Call]:
    """Return the calls and questions of a whole log, in the order in which they began."""
    calls = Calls()
    calls.take(lines)
    return calls.all()


def _call(start: CallRecord, end: CallRecord) -> Call:
    first, last = _object(start.data), _object(end.data)
    request = first.get("request") if isinstance(first.get("request"), dict) else {}
    error = last.get("error") or {}
    told = f"{error.get('type')}: {error.get('text')}" if isinstance(error, dict) and error else ""
    usage = last.get("usage")
    return Call(
        start.seq, end.task, end.node, str((request or {}).get("call", "")), end.phase, (request or {}).get("asked"),
        last.get("response", last.get("value")) if end is not start else None, told, last.get("seconds"),
        usage if isinstance(usage, dict) else {}, "reused" in last, start.time, str(last.get("by", "")),
    )  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    try:
        found = loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_NAMES: Mapping[str, Sequence[Sequence[str]]] = {
    "input": (["input_tokens"], ["prompt_tokens"], ["promptTokenCount"], ["input"]),
    "output": (["output_tokens"], ["completion_tokens"], ["candidatesTokenCount"], ["output"]),
    "cached": (
        ["cached_tokens"], ["cache_read_input_tokens"], ["prompt_tokens_details", "cached_tokens"],
        ["input_tokens_details", "cached_tokens"], ["cachedContentTokenCount"],
    ),
    "reasoning": (
        ["reasoning_tokens"], ["completion_tokens_details", "reasoning_tokens"],
        ["output_tokens_details", "reasoning_tokens"], ["thoughtsTokenCount"],
    ),
}  # fmt: skip
"""Where the usual clients write each number, the first that is there counts."""


def tokens_of(usage: Mapping[str, Any]) -> Tokens:
    """Return the tokens that a call's usage tells of.

    >>> tokens_of({"prompt_tokens": 12, "completion_tokens": 3})
    Tokens(input=12, output=3, cached=0, reasoning=0)
    """
    return Tokens(**{kind: _first(usage, places) for kind, places in _NAMES.items()})


def _first(usage: Mapping[str, Any], places: Sequence[Sequence[str]]) -> int:
    for place in places:
        found: Any = usage
        for name in place:
            found = found.get(name) if isinstance(found, Mapping) else None
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
    return 0


def model_of(call: Call) -> str:
    """Return which model a call says it used, "" if it does not."""
    for facts in (call.usage, call.response, call.asked):
        named = facts.get("model") if isinstance(facts, Mapping) else None
        if isinstance(named, str):
            return named
    return ""


def no_price(_model: str, _tokens: Tokens) -> Decimal | None:
    """Return None: nobody knows."""
    return None


def cost_rows(calls: Iterable[Call], price: Price = no_price) -> list[CostRow]:
    """Return one row a node and model, in the order of their first call. Questions to people are no calls here."""
    rows: dict[tuple[str, str], CostRow] = {}
    for call in calls:
        if call.outcome not in ("returned", "raised"):
            continue
        model = model_of(call)
        row = rows.get((call.node, model), CostRow(call.node, model, 0, 0, Tokens(), 0.0, Decimal(0)))
        rows[call.node, model] = _added(row, call, price)
    return list(rows.values())


def _added(row: CostRow, call: Call, price: Price) -> CostRow:
    if call.reused:
        return row._replace(calls=row.calls + 1, reused=row.reused + 1)
    used = tokens_of(call.usage)
    tokens = Tokens(*(before + new for before, new in zip(row.tokens, used, strict=True)))
    cost = sum_of([row.cost, _cost(call, price)])
    return row._replace(calls=row.calls + 1, tokens=tokens, seconds=row.seconds + (call.seconds or 0.0), cost=cost)


def _cost(call: Call, price: Price) -> Decimal | None:
    return price(model_of(call), tokens_of(call.usage))


def total_of(rows: Sequence[CostRow]) -> CostRow:
    """Return the sum of all rows; its cost is None if that of one is."""
    tokens = Tokens(*map(sum, zip(*(row.tokens for row in rows), strict=True))) if rows else Tokens()
    calls, reused = sum(row.calls for row in rows), sum(row.reused for row in rows)
    return CostRow("", "", calls, reused, tokens, sum(row.seconds for row in rows), sum_of(row.cost for row in rows))


def sum_of(costs: Iterable[Decimal | None]) -> Decimal | None:
    """Return a sum, None if one part is not known."""
    whole = Decimal(0)
    for cost in costs:
        if cost is None:
            return None
        whole += cost
    return whole


def growth(calls: Iterable[Call], price: Price = no_price) -> list[Point]:
    """Return how the use grew, a point for each call that ended and was paid for here, in the order of the log."""
    points: list[Point] = []
    tokens, cost, unknown = 0, Decimal(0), 0
    for call in calls:
        if call.outcome not in ("returned", "raised") or call.reused:
            continue
        used, paid = tokens_of(call.usage), _cost(call, price)
        tokens += used.input + used.output
        cost += paid or 0
        unknown += paid is None
        points.append(Point(len(points) + 1, call.started + (call.seconds or 0.0), tokens, cost, unknown))
    return points


def cost_text(cost: Decimal | None) -> str:
    """Return a cost in dollars as it is shown.

    >>> cost_text(None), cost_text(Decimal("0.000231")), cost_text(Decimal("12.5"))
    ('unknown', '$0.000231', '$12.50')
    """
    if cost is None:
        return "unknown"
    return f"${cost:,.2f}" if cost >= 1 or cost == 0 else f"${Decimal(f'{cost:.3g}'):f}"
