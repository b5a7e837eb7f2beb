"""Lines of the log of calls, paired: what began, and what ended it.

Owns the pairs and where they lie in time. A line that ends a call which no line began was served from a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from json import loads
from typing import Any

from nbgraph.observe.tracing.spans import Stretch, lasting, nanoseconds
from nbgraph.store.protocol import CallRecord

QUESTIONS = ("asked", "answered")
_BEGIN = ("started", "asked")


class Pair:
    """One call or question: the line that began it and the one that ended it, which may be the same."""

    def __init__(self, begun: CallRecord, ended: CallRecord | None) -> None:
        self.begun, self.ended = begun, ended

    @property
    def last(self) -> CallRecord:
        """The last line that tells of it."""
        return self.ended or self.begun

    @cached_property
    def request(self) -> dict[str, Any]:
        """What was asked: ``call``, its label, and ``asked``; empty where no line tells."""
        found = loads(self.begun.data or "{}").get("request")
        return found if isinstance(found, dict) else {}

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What came back, seconds, usage, cost; empty while it has not ended."""
        found: dict[str, Any] = loads(self.ended.data or "{}") if self.ended is not None else {}
        return found

    @property
    def reused(self) -> str:
        """The run and line of the record that served it, "" where it was made."""
        return str(self.facts.get("reused", ""))

    @property
    def entered(self) -> bool:
        """Whether it was no call, but an entry of what was used elsewhere: ``ctx.usage``."""
        return self.begun is self.ended and not self.reused and self.begun.phase not in QUESTIONS

    @property
    def seconds(self) -> float | None:
        """How long it took; None where nobody knows. What a record served took no time, whatever it took then."""
        seconds = self.facts.get("seconds")
        return 0.0 if self.reused or not isinstance(seconds, (int, float)) else float(seconds)

    def stretch(self, end: int) -> Stretch:
        """Return where it lies; ``end``, in nanoseconds, where it has not ended."""
        if self.ended is None:
            begin = nanoseconds(self.begun.time)
            return Stretch(begin, max(begin, end))
        return lasting(self.begun.time, self.seconds or 0.0)

    @property
    def outer(self) -> str:
        """The name of the call that it was made inside of, "" where there is none."""
        return "" if self.begun.name.startswith("key:") else self.begun.name.rpartition("/")[0]


def pairs_of(lines: Iterable[CallRecord], *, questions: bool) -> list[Pair]:
    """Return the calls, or the questions, of some lines of one task, in the order in which they began."""
    found: list[Pair] = []
    open_: dict[str, Pair] = {}
    for line in lines:
        if (line.phase in QUESTIONS) != questions:
            continue
        if line.phase in _BEGIN:
            open_[line.name] = Pair(line, None)
            found.append(open_[line.name])
        elif line.name in open_:
            open_.pop(line.name).ended = line
        else:
            found.append(Pair(line, line))
    return found


def nested(pairs: Sequence[Pair]) -> list[tuple[Pair, Pair | None]]:
    """Return every call with the one that it was made inside of, outer ones first."""
    by_name: dict[str, Pair] = {}
    found = []
    for pair in sorted(pairs, key=lambda pair: (pair.begun.name.count("/"), pair.begun.seq)):
        found.append((pair, by_name.get(pair.outer)))
        by_name[pair.begun.name] = pair
    return found
