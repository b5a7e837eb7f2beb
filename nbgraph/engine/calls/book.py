"""What one task has recorded so far, and which of it serves a call that is issued now.

Owns the matching. Pure: no store, no clock, no thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from json import dumps, loads
from threading import Lock
from typing import Any, NamedTuple

from nbgraph.engine.calls.naming import keyed
from nbgraph.engine.calls.request import at_home
from nbgraph.prices.money import amount, sum_of, text
from nbgraph.store.protocol import CallRecord

ENDED = ("returned", "raised", "answered")
INSIDE = "counted inside"
"""Stands in the place of a price where a call's use was told by calls inside it."""
_CLOSED, _GIVEN_UP = ',"closed":true}', ',"closed":"waiting"}'
"""How the data of an answer in parts ends that was not read to its end."""


class Past(NamedTuple):
    """One recorded call, as it stands: ``phase`` "started" means that nobody knows how it ended."""

    seq: int
    name: str
    request: str
    phase: str
    time: float
    attempt: int
    data: str
    asked: str = ""
    """Data of the line that began it."""
    run_id: str = ""
    """Whose record it is, where it is another run's."""

    @property
    def ended(self) -> bool:
        """True where it is known how the call ended; not where the node was waiting for more of it when it gave up."""
        return self.phase in ENDED and not self.data.endswith(_GIVEN_UP)

    @property
    def again(self) -> bool:
        """True where an attempt after a failed one makes the call again: it raised, or was not read to its end."""
        return self.phase == "raised" or self.data.endswith(_CLOSED)

    def facts(self) -> Mapping[str, Any]:
        """Return the data of its last line."""
        found: dict[str, Any] = loads(self.data)
        return found

    def retold(self, reused: str, inside: Iterable[Past] = ()) -> str:
        """Return the data of one line that tells all, of a record that serves under another name or in another run.

        What the calls ``inside`` it cost is then its own: nothing else will tell that it was saved.
        """
        facts = {**self.facts(), "reused": reused}
        cost = _cost(facts)
        if cost.get("rate") == INSIDE and (costs := [told for one in inside if (told := _cost(one.facts()))]):
            known = sum_of(_dollars(told) for told in costs if told.get("rate") != INSIDE)
            facts["cost"] = {**cost, "usd": None if known is None else text(known)}
        closed = _CLOSED if facts.pop("closed", None) else "}"
        return dumps({"home": self.home, "request": loads(self.asked).get("request"), **facts})[:-1] + closed

    @property
    def home(self) -> str:
        """The module of the function that was called, "" where the record does not tell."""
        return home_in(self.asked)


@dataclass(slots=True)
class Book:
    """The calls of one task by name, the latest of each; and the clock readings taken before them."""

    calls: dict[str, Past] = field(default_factory=dict)
    nows: list[float] = field(default_factory=list)
    last: int = 0

    def add(self, line: CallRecord, run_id: str = "") -> None:
        """Take in one line of the log."""
        before = self.calls.get(line.name)
        begun = line.phase in ("started", "asked")
        asked = line.data if begun or before is None else before.asked
        past = Past(line.seq, line.name, line.request, line.phase, line.time, line.attempt, line.data, asked, run_id)
        self.calls[line.name] = past
        self.last = max(self.last, line.seq)
        if begun and line.data.startswith('{"now":'):
            self.nows = loads(line.data)["now"]

    def void(self, upto: int) -> None:
        """Forget the calls up to line ``upto`` that raised: their attempt failed, and the next one asks again."""
        for name in [name for name, past in self.calls.items() if past.again and past.seq <= upto]:
            del self.calls[name]


def books_of(lines: Iterable[CallRecord], run_id: str = "") -> dict[str, Book]:
    """Return the books of all tasks that ``lines`` tell of."""
    books: dict[str, Book] = {}
    for line in lines:
        books.setdefault(line.task, Book()).add(line, run_id)
    return books


class Reading:
    """One attempt's way through its task's book: each recorded call serves once."""

    def __init__(self, book: Book) -> None:
        self._lock = Lock()  # a node's threads issue calls at the same time
        self._calls = dict(book.calls)  # what this attempt itself adds to the book does not serve it
        self._served: set[tuple[str, int]] = set()

    def find(self, name: str, request: str, home: str = "") -> Past | None:
        """Return the record of this call, None if there is none.

        The one of that name, if the request is unchanged; else, since calls may be issued in another order
        than last time, any other of the same request that has not served yet and that no key names.
        """
        with self._lock:
            past = self._calls.get(name)
            if past is None or not self._serves(past, request, home):
                same = [one for one in self._calls.values() if self._serves(one, request, home) and not keyed(one.name)]
                past = next((other for other in same if other.ended), same[0] if same else None)
            if past is not None:
                self._served.add((past.run_id, past.seq))
            return past

    def inside(self, past: Past) -> list[Past]:
        """Return the calls inside a recorded one that ended, of the same run."""
        place = f"{past.name}/"
        return [
            one
            for one in self._calls.values()
            if one.name.startswith(place) and one.run_id == past.run_id and one.ended
        ]

    def asks_inside(self, past: Past) -> bool:
        """Say whether a call that did not end was stopped by a question of its own, which has no answer in the book."""
        inside = (one for one in self._calls.values() if one.name.startswith(f"{past.name}/"))
        return any(one.phase == "asked" and one.seq > past.seq for one in inside)

    def _serves(self, past: Past, request: str, home: str) -> bool:
        unserved = past.request == request and (past.run_id, past.seq) not in self._served
        return unserved and at_home(past.home, home)


def _cost(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    cost = facts.get("cost")
    return cost if isinstance(cost, Mapping) else {}


def _dollars(cost: Mapping[str, Any]) -> Decimal | None:
    try:
        return amount(cost.get("usd"))
    except ValueError:
        return None


def home_in(data: str) -> str:
    """Return the module that the data of a call's first line names, "" where it names none."""
    home: str = loads(data).get("home", "") if '"home":' in data else ""
    return home
