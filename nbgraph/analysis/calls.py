"""The calls of a run, from the lines of its log.

Owns the reading of the lines: which end belongs to which beginning, and what both say. Pure; knows no price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json import loads
from typing import Any, NamedTuple

from nbgraph.store.protocol import CallRecord

ENDED = ("returned", "raised")
"""Phases of a call to the outside world that is over."""


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
    attempt: int = 0
    """Of its task."""
    end: int = 0
    """The line that ended it; the one that began it where none did."""
    paid: Mapping[str, Any] = {}
    """What the line says of the cost: "usd", "from", "rate", "as_of"; {} where it says nothing."""
    broken: bool = False
    """The connection failed in the middle of an answer: it was paid for, as far as it came."""
    entered: bool = False
    """Not a call, but what a node said itself that it used."""
    place: str = ""
    """Its name among its task's: "2/1" is the first inside "2"."""


class Calls:
    """The calls of a run as their lines come in; ``take`` costs what is new.

    ``whole``: keep what was asked and what came back; else only what a cost is made of, so that a view stays small.
    """

    def __init__(self, *, whole: bool = True) -> None:
        self._whole = whole
        self._begun: dict[tuple[str, str], CallRecord] = {}
        self._found: dict[tuple[str, str, int], Call] = {}

    def take(self, lines: Iterable[CallRecord]) -> list[Call]:
        """Take further lines, in order. Return the calls that they tell of, as they stand now."""
        told = {}
        for line in lines:
            key = (line.task, line.name)
            begins = line.phase in ("started", "asked")
            start = line if begins else self._begun.pop(key, line)
            if begins:
                self._begun[key] = line
            call, place = _call(start, line), (*key, start.seq)
            told[place] = self._found[place] = call if self._whole or begins else _light(call)
        return list(told.values())

    def all(self) -> list[Call]:
        """Return calls and questions in the order in which they began."""
        return list(self._found.values())


def _light(call: Call) -> Call:
    """Return a call that has ended without its texts; it still says which model it used."""
    return call._replace(asked={"model": model_of(call)}, response=None)


def calls_of(lines: Iterable[CallRecord], *, whole: bool = True) -> list[Call]:
    """Return the calls and questions of a whole log, in the order in which they began."""
    calls = Calls(whole=whole)
    calls.take(lines)
    return calls.all()


def _call(start: CallRecord, end: CallRecord) -> Call:
    first, last = _object(start.data), _object(end.data)
    request, error, usage, paid = first.get("request"), last.get("error"), last.get("usage"), last.get("cost")
    request, error = (facts if isinstance(facts, dict) else {} for facts in (request, error))
    over, reused = end is not start or end.phase in ENDED, "reused" in last
    return Call(
        start.seq, end.task, end.node, str(request.get("call", "")), end.phase, request.get("asked"),
        last.get("response", last.get("value")) if over else None,
        f"{error.get('type')}: {error.get('text')}" if error else "",
        last.get("seconds"), usage if isinstance(usage, dict) else {}, reused, start.time, str(last.get("by", "")),
        end.attempt, end.seq, paid if isinstance(paid, dict) else {},
        broken=bool(error) and "response" in last and not error.get("answer"),
        entered=start is end and end.phase == "returned" and not reused, place=end.name,
    )  # fmt: skip


def _object(text: str) -> dict[str, Any]:
    try:
        found = loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def model_of(call: Call) -> str:
    """Return which model a call says it used or asked for, "" if it says none."""
    for facts in (call.usage, call.response, *_asked(call.asked)):
        named = facts.get("model") if isinstance(facts, Mapping) else None
        if isinstance(named, str):
            return named
    return ""


def around(place: str) -> list[str]:
    """Return the places of the calls that a call is inside of.

    >>> around("2/1/a1.3"), around("7")
    (['2', '2/1'], [])
    """
    if "/" not in place:
        return []
    parts = place.split("/")
    return ["/".join(parts[:many]) for many in range(1, len(parts))]


def _asked(asked: Any) -> Iterable[Any]:
    """Yield where a request may name its model: itself, its keyword arguments, the body of an HTTP request."""
    yield asked
    if isinstance(asked, Mapping):
        yield from (asked.get("kwargs"), asked.get("body"))
