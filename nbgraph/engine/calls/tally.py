"""What the calls of one attempt use: read from their responses, told to the drive's meter once.

Owns the readings, and that a call inside a recorded call (an SDK's request inside ``ctx.call``) is not counted a
second time by the outer one. Knows no prices and no budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from json import dumps, loads
from logging import getLogger
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.codec import Redaction, keep
from nbgraph.engine.calls.book import INSIDE
from nbgraph.engine.calls.outcome import words

if TYPE_CHECKING:
    from nbgraph.engine.calls.meter import Meter, Ticket
    from nbgraph.engine.calls.request import Request
    from nbgraph.prices.usage import Usage

Reader = Callable[[Any], Mapping[str, Any] | None]


class Told(NamedTuple):
    """What a response says that it used: tokens, what it cost where the node's own reader says so, and as it was said."""

    usage: Usage | None = None
    given: Decimal | None = None
    raw: Mapping[str, Any] | None = None


NOTHING_TOLD = Told()
COUNTED = f',"cost":{{"usd":"0","from":"none","rate":"{INSIDE}","as_of":""}}'
"""What the line of a call says whose use was told by calls inside it."""
_PLAIN = frozenset({str, int, float, bool, bytes, list, tuple, set, type(None)})
_PARTS = ("usage", "usage_metadata", "usageMetadata")
_TELLING = frozenset(_PARTS)
_NAMES = ("model", "model_version", "modelVersion", "service_tier", "provider")


def told(reader: Reader | None, value: Any) -> Told:
    """Return what a response says that it used: by the caller's reader, else by its own ``usage`` entry or attribute.

    >>> told(None, {"model": "m", "usage": {"input_tokens": 2, "output_tokens": 1}}).usage
    Usage(model='m', input=2, output=1, ...)
    """
    if reader is None and (type(value) in _PLAIN or (type(value) is dict and _TELLING.isdisjoint(value))):
        return NOTHING_TOLD  # the usual calls, which use no model: most of what follows would be theirs to pay
    try:
        facts = _own(value) if reader is None else reader(value)
        return _read(facts, asked=reader is not None) if facts else NOTHING_TOLD
    except Exception as error:  # noqa: BLE001 - the response is paid: a reader that fails must not lose it
        return NOTHING_TOLD if reader is None else Told(raw={"error": f"{type(error).__name__}: {words(error)}"})


def _read(facts: Mapping[str, Any], *, asked: bool) -> Told:
    from nbgraph.prices.usage import Usage, usage_of  # noqa: PLC0415 - only runs that use a model pay for it

    usage, given = usage_of(facts), None
    if asked and facts.get("cost") is not None:
        from nbgraph.engine.budgets import exact  # noqa: PLC0415 - as above

        given = exact(facts["cost"])
    if usage is None and given is not None:
        usage = Usage.of(facts)
    return Told(usage, given, facts if asked else _plain(facts))


def _plain(facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a response's own usage entry where it is plain counts."""
    part: Mapping[str, Any] = next((facts[name] for name in _PARTS if name in facts), {})
    return part if all(isinstance(count, (int, float, str)) for count in part.values()) else None


def _own(value: Any) -> Mapping[str, Any] | None:
    """Return what a response itself has about its use: the part, and what names the model; None where it has none."""
    found = {name: plain for name in _PARTS if (plain := _facts(_entry(value, name)))}
    if not found:
        return None
    return {**found, **{name: named for name in _NAMES if isinstance(named := _entry(value, name), str)}}


def _entry(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _facts(part: Any) -> Mapping[str, Any] | None:
    """Return the entries of a mapping, a pydantic model or a dataclass; None for anything else."""
    if isinstance(part, Mapping):
        return part
    if part is None or type(part) in _PLAIN or isinstance(part, type):
        return None
    if is_dataclass(part):
        return {field.name: getattr(part, field.name) for field in fields(part)}
    dump = getattr(part, "model_dump", None)
    dumped = dump() if callable(dump) else None
    return dumped if isinstance(dumped, Mapping) else None


class Tally:
    """The calls of one attempt that are under way, as the meter knows them."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._tickets: dict[str, Ticket | None] = {}
        self._counted: set[str] = set()
        """Calls whose use was told by calls inside them."""

    def begin(self, name: str, request: Request) -> None:
        """Reserve what a call may use, in the place of what those around it reserved; raises ``OutOfBudget``."""
        if "/" in name:
            for outer in around(name):
                self.drop(outer)
        self._tickets[name] = self._meter.begin(request)

    def end(self, name: str, told: Told, redact: Redaction, *, failed: bool = False) -> str:
        """Count what a call used; return the entries of its line, each behind a comma.

        One that came back and tells nothing counts as what was expected of it, unless its answer is that it ``failed``.
        """
        ticket = self._tickets.pop(name, None)
        if name in self._counted:
            self._meter.drop(ticket)
            return COUNTED
        if told is NOTHING_TOLD and ticket is None:
            return ""
        if told.usage is None and told.given is None:
            if failed:
                self._meter.drop(ticket)
            else:
                self._meter.end(ticket, None)
            return _raw(told.raw, redact) if told.raw else ""
        self._counted.update(around(name))
        try:
            return self._meter.end(ticket, told.usage, told.given)
        except Exception:
            getLogger("nbgraph").warning("what call %s used could not be counted", name, exc_info=True)
            return ""

    def lost(self, name: str) -> None:
        """Count a call of which nobody will know what it used, since it was given up, as what was expected of it."""
        ticket = self._tickets.pop(name, None)
        if name in self._counted:
            self._meter.drop(ticket)
        else:
            self._meter.end(ticket, None)

    def drop(self, name: str) -> None:
        """Give back what was reserved for a call that gave nothing."""
        ticket = self._tickets.pop(name, None)
        if ticket is not None:
            self._meter.drop(ticket)


def _raw(facts: Mapping[str, Any], redact: Redaction) -> str:
    try:
        plain = loads(dumps(facts, default=str))
    except (TypeError, ValueError, RecursionError) as error:  # the response is paid, whatever its reader says
        plain = {"error": f"{type(error).__name__}: {error}"}
    return f',"usage":{keep(plain, redact=redact, blobs={})[0]}'


def around(name: str) -> list[str]:
    """Return the calls that a call is inside of.

    >>> around("2/1/a1.3"), around("7")
    (['2', '2/1'], [])
    """
    if "/" not in name:
        return []
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
