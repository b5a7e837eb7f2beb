"""The ids of traces and spans: functions of what they stand for, so that they are the same however often they are made.

Owns the formula. One run is one trace, in whatever file or process its rows are read: live, after the fact, twice.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple


class Identity(NamedTuple):
    """A run. ``created``, in seconds since the Unix epoch, tells runs of one id in two files apart.

    >>> one = Identity("r1", 1700000000.0)
    >>> one.span("task", "a") == one.span("task", "a") != Identity("r1", 1700000001.0).span("task", "a")
    True
    """

    run_id: str
    created: float

    @property
    def trace(self) -> int:
        """The trace's id: 128 bits, never 0."""
        return self._number(16, "trace")

    def span(self, *what: str | int) -> int:
        """Return the id of one span of it: 64 bits, never 0."""
        return self._number(8, *what)

    def _number(self, size: int, *what: str | int) -> int:
        text = "\n".join(map(str, ("nbgraph", self.run_id, repr(self.created), *what)))
        return int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:size]) or 1


def run_span(run: Identity, drive: int) -> int:
    """Return the id of the span of one drive of a run."""
    return run.span("run", drive)


def task_span(run: Identity, task: str, unfinished_in: int = 0) -> int:
    """Return the id of a task's span: of the one that has its step, or of a drive that did not finish it."""
    return run.span("task", task, unfinished_in)


def attempt_span(run: Identity, drive: int, task: str, turn: int) -> int:
    """Return the id of a task's ``turn``-th execution in a drive, from 1. Known before it ends."""
    return run.span("attempt", drive, task, turn)


def call_span(run: Identity, line: int) -> int:
    """Return the id of the call that ended with ``line`` of the run's log of calls."""
    return run.span("call", line)
