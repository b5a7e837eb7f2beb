"""The calls of a run, from the lines of its log.

Owns the reading of the lines: which end belongs to which beginning, and what both say. Pure; knows no price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json import JSONDecoder
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
            place = (*key, start.seq)
            told[place] = self._found[place] = _call(start, line) if self._whole or begins else _light(start, line)
        return list(told.values())

    def all(self) -> list[Call]:
        """Return calls and questions in the order in which they began."""
        return list(self._found.values())


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


def ended_calls(lines: Iterable[CallRecord]) -> list[Call]:
    """Return the calls of a whole log that ended, without their texts, in the order in which they began.

    Questions are not in it. Costs a tenth of a whole reading where requests are large.
    """
    begun: dict[tuple[str, str], CallRecord] = {}
    found: list[Call] = []
    for line in lines:
        if line.phase == "started":
            begun[line.task, line.name] = line
        elif line.phase in ENDED:
            found.append(_light(begun.pop((line.task, line.name), line), line))
    found.sort(key=_place)
    return found


def _place(call: Call) -> int:
    return call.seq


def _light(start: CallRecord, end: CallRecord) -> Call:
    """Return a call that has ended without its texts; it still says which model it used."""
    last = _object(end.data)
    usage, paid, response, reused = last.get("usage"), last.get("cost"), last.get("response"), "reused" in last
    error, usage = last.get("error"), usage if isinstance(usage, dict) else {}
    asked = None
    if not isinstance(usage.get("model"), str):
        named = response.get("model") if isinstance(response, dict) else None
        asked = {"model": named if isinstance(named, str) else _named_in(start)}
    return Call(
        start.seq, end.task, end.node, _label_in(start), end.phase, asked, None, "", last.get("seconds"), usage, reused,
        start.time, str(last.get("by", "")), end.attempt, end.seq, paid if isinstance(paid, dict) else {},
        isinstance(error, dict) and "response" in last and not error.get("answer"),
        start is end and end.phase == "returned" and not reused, end.name,
    )  # fmt: skip


def _label_in(start: CallRecord) -> str:
    """Return what was called. The beginning of a call is not read for it: its request may be large, the label is last."""
    if start.phase == "started":
        at = start.data.rfind(_LABEL)
        end = start.data.find('"', at + len(_LABEL)) if at > 0 else -1
        label = start.data[at + len(_LABEL) : end]
        if end > 0 and "\\" not in label:
            return label
    request = _object(start.data).get("request")
    return str(request.get("call", "")) if isinstance(request, dict) else ""


_LABEL = '"call":"'


def _named_in(start: CallRecord) -> str:
    """Return which model a request names."""
    if '"model"' not in start.data:
        return ""
    request = _object(start.data).get("request")
    asked = _asked(request.get("asked")) if isinstance(request, dict) else ()
    return next((each["model"] for each in asked if _names(each)), "")


def _names(facts: Any) -> bool:
    return isinstance(facts, Mapping) and isinstance(facts.get("model"), str)


def _object(text: str) -> dict[str, Any]:
    try:
        found = _read(text or "{}")[0]
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


_read = JSONDecoder().raw_decode


def model_of(call: Call) -> str:
    """Return which model a call says it used or asked for, "" if it says none."""
    named = call.usage.get("model")
    if isinstance(named, str):
        return named
    return next((facts["model"] for facts in (call.response, *_asked(call.asked)) if _names(facts)), "")


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
