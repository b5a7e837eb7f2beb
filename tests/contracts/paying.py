"""What must hold of a run's calls, whenever its processes died: each is paid once, none is lost, none is mixed up.

Owns the comparison of the till's books with the log of calls. ``lives`` owns what must hold of the steps.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any, ClassVar

import nbgraph as ng
from nbgraph.store.protocol import CallRecord
from tests.contracts.lives import Course, Life, Nursery
from tests.contracts.programs import errands, laps
from tests.contracts.till import Till

Call = tuple[str, int]
"""Which call of a run: its task, and its place there."""


def asked_in(line: CallRecord) -> tuple[Call, str] | None:
    """Return the call that a line says the request of, and the item; None for a line that has no request."""
    request = json.loads(line.data).get("request")
    if request is None or line.phase in ("asked", "answered"):
        return None
    place, item = request["asked"]["args"]
    return (line.task, place), item


def calls_of(log: Iterable[CallRecord]) -> Iterator[tuple[Call, CallRecord]]:
    """Yield the lines that are of a call, each with which it is; what was served from another run has one line."""
    names: dict[tuple[str, str], Call] = {}
    for line in log:
        if line.phase not in ("asked", "answered"):
            asked = asked_in(line)
            if asked is not None:
                names[line.task, line.name] = asked[0]
            yield names.get((line.task, line.name), (line.task, 0)), line


def standing(log: Iterable[CallRecord]) -> dict[Call, CallRecord]:
    """Return the last line of every call."""
    return dict(calls_of(log))


def receipt(line: CallRecord) -> int:
    """Return the number on the receipt that a call returned, 0 where it was skipped."""
    response = json.loads(line.data)["response"]
    return 0 if response is None else int(response["receipt"])


def rows_of(store: Any, run: str) -> list[Any]:
    """Return all that a store has of a run."""
    return [
        store.run(run).status,
        *(list(part(run)) for part in (store.steps, store.calls, store.events, store.answers)),
    ]


@dataclass
class Errand(Course):
    """One run that pays, through many lives."""

    play: ClassVar[ModuleType] = errands
    till: Till = field(kw_only=True)
    shared: frozenset[str] = frozenset()
    """Tasks that a fork has from its origin."""
    moments: Counter[str] = field(default_factory=Counter)
    """Where the deaths found the run."""
    _log: list[CallRecord] = field(default_factory=list)
    _seen_payments: int = 0
    _keys: dict[Call, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seen_payments = len(self.till.books.payments)

    def live(self, nursery: Nursery, **aim: Any) -> Life:
        """Go through one more life, and check what it leaves."""
        life = super().live(nursery, url=self.till.url, **aim)
        if life.code:
            self.moments[self._where()] += 1
        self.till.calm()
        return life

    def log(self) -> list[CallRecord]:
        """Return the log of calls in the file, nothing where there is no run yet."""
        if not self.store.exists():
            return []
        with ng.SqliteStore(self.store, read_only=True) as store:
            known = self.run in [row.record.run_id for row in store.runs()]
            return list(store.calls(self.run)) if known else []

    def _check_calls(self, life: Life, witnessed: list[list[str]]) -> None:
        before, self._log = self._log, self.log()
        if self._log[: len(before)] != before:
            self.faults.append("a line of the log is lost or changed")
        gots = [(task, int(place), int(number)) for word, task, place, number in _of(witnessed, "got")]
        kept = {(line.task, *call[1:], receipt(line)) for call, line in _returned(self._log)}
        self._note("a node went on with what was not kept", [str(got) for got in gots if got not in kept])
        found = {(str(line.seq), line.phase, line.task, line.name) for line in self._log}
        self._note("an acknowledged line is lost", [str(line) for line in life.lines if line not in found])
        self._check_payments(standing(before), standing(self._log), self._new_payments())

    def _new_payments(self) -> list[errands.Payment]:
        """Return what this run paid since the last look."""
        self.till.quiet()
        new = self.till.books.payments[self._seen_payments :]
        self._seen_payments += len(new)
        return new

    def _check_payments(
        self, before: dict[Call, CallRecord], after: dict[Call, CallRecord], new: Sequence[errands.Payment]
    ) -> None:
        for payment in new:
            call = (payment.task, payment.place)
            if call in before and before[call].phase == "returned":
                self.faults.append(f"a committed call was made again: {payment}")
            if call not in after:
                self.faults.append(f"a call was made that was not marked as started: {payment}")
            if self._keys.setdefault(call, payment.key) != payment.key:
                self.faults.append(f"a call got another key than before: {payment}")
        for payment, count in Counter(new).items():
            if count > 1 + payment.item.startswith("odd"):
                self.faults.append(f"a call was made {count} times in one life: {payment}")

    def _where(self) -> str:
        """Say where a death found the calls of the run."""
        last, settled = standing(self._log), set(self._found)
        begun = [call for call, line in last.items() if line.phase == "started"]
        if any(self.till.books.paid[self._keys.get(call, "")] for call in begun):
            return "paid, not kept"
        if begun:
            return "marked, not paid"
        open_ = [line for line in last.values() if line.task not in settled]
        return "kept, not committed" if open_ else "between steps"

    def end(self) -> list[str]:
        """Check a completed run against an undisturbed one; return all that was ever found wrong."""
        self._seen.update(dict.fromkeys(self.shared, ("", "")))
        super().end()
        for call, line in _last_returned(self._log).items():
            if call in self._keys and receipt(line) != self.till.books.paid[self._keys[call]]:
                self.faults.append(f"a call was made again after what is kept of it: {call}")
        self._check_used()
        if not self.shared and items(self._log) != expected_items(self.size):
            self.faults.append("not the calls of an undisturbed run")
        self._check_replay()
        return self.faults

    def _check_used(self) -> None:
        """Check that each step came from the last ends of its own task's calls, each of them once."""
        lines = {line.seq: line for line in self._log}
        for row in self._found.values():
            used = [lines[seq] for seq in json.loads(row.facts).get("calls", ()) if row.task not in self.shared]
            names = [line.name for line in used]
            own = {line.name for line in self._log if line.task == row.task}
            if sorted(names) != sorted(own) or {line.task for line in used} - {row.task}:
                self.faults.append(f"step {row.step} was made of other calls than its task's")

    def _check_replay(self) -> None:
        paid = len(self.till.books.payments)
        engine = ng.Engine(errands.build(laps.Blind(), self.till.url), store=self.store)
        self.faults += [error.message for error in engine.replay(self.run, strict=False).problems]
        engine.close()
        if len(self.till.books.payments) > paid:
            self.faults.append("the replay paid")


def _of(witnessed: list[list[str]], word: str) -> list[list[str]]:
    return [line for line in witnessed if line[0] == word]


def _returned(log: Iterable[CallRecord]) -> list[tuple[Call, CallRecord]]:
    """Return every line that ended a call well, with its call."""
    return [(call, line) for call, line in calls_of(log) if line.phase == "returned" and receipt(line)]


def _last_returned(log: Iterable[CallRecord]) -> dict[Call, CallRecord]:
    return dict(_returned(log))


def items(log: Iterable[CallRecord]) -> Counter[str]:
    """Return what was asked for, each call once."""
    return Counter(dict(filter(None, map(asked_in, log))).values())


@cache
def expected_items(size: tuple[int, int]) -> Counter[str]:
    """Return what an undisturbed run asks for."""
    engine = ng.Engine(errands.build(laps.Blind()))
    errands.drive(engine, size, "r")
    return items(engine.store.calls("r"))
