"""One task before its place is known: what is over of it, what is under way, and what that is called.

Owns how a task's rows and lines become stretches of time. Times are those of the clock. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from json import loads
from math import inf
from typing import Any, NamedTuple

from nbgraph.store.protocol import CallRecord, StepRecord


class Past(NamedTuple):
    """A span of a task before its place is known. Times are those of the clock."""

    start: float
    end: float
    kind: str
    status: str
    attempt: int
    name: str
    note: str


@dataclass
class Live:
    """A task that has not finished, as far as it is known. Times are those of the clock."""

    node: str
    lane: int
    row: int = -1
    started: float | None = None
    attempt: int = 1
    spans: list[Past] = field(default_factory=list)
    """What is over."""
    begun: dict[str, CallRecord] = field(default_factory=dict)
    """Calls and questions that are under way, by name."""


def ended(begun: CallRecord, line: CallRecord) -> Past:
    """Return the span of a call or question that ended with ``line``."""
    data = loads(line.data or "{}")
    seconds = data.get("seconds")
    end = line.time if seconds is None or begun is line else begun.time + seconds
    if begun.phase == "asked" or line.phase == "answered":
        return Past(begun.time, end, "ask", "waiting", line.attempt, called(begun), "")
    error = data.get("error") or {}
    words = f"{error.get('type', '')}: {error.get('text', '')}" if error else ""
    status = "failed" if line.phase == "raised" else "reused" if "reused" in data else "done"
    return Past(begun.time, end, "call", status, line.attempt, called(begun), words)


def covering(spans: list[Past]) -> list[Past]:
    """Return a task's spans in order; an attempt begins no later than its calls: it is timed when it ends."""
    if len(spans) == 1:
        return spans
    firsts: dict[int, float] = {}
    for span in spans:
        if span.kind == "call":
            firsts[span.attempt] = min(span.start, firsts.get(span.attempt, inf))
    whole = [
        span._replace(start=min(span.start, firsts.get(span.attempt, inf))) if span.kind == "attempt" else span
        for span in spans
    ]
    return sorted(whole, key=lambda span: (span.start, span.kind == "call"))


def asks(live: Live) -> bool:
    """Say whether a task waits for a person."""
    return any(line.phase == "asked" for line in live.begun.values())


def status_of(row: StepRecord, *, shared: bool) -> str:
    """Return the look of a task that has a step."""
    return "failed" if row.status == "caught" else "reused" if shared else "done"


def told(facts: Mapping[str, Any]) -> str:
    """Return what went wrong with a task whose failure an edge took over, "" if nothing did."""
    caught = facts.get("caught")
    return f"{caught[1]}: {caught[2]} (taken over by an on_error edge)" if caught else ""


def called(line: CallRecord) -> str:
    """Return what a call is called: its function, or the question that was put."""
    request = loads(line.data or "{}").get("request") or {}
    if line.phase in ("asked", "answered"):
        prompt = (request.get("asked") or {}).get("prompt", "")
        return str(prompt) if isinstance(prompt, str) and prompt else "question"
    return str(request.get("call") or line.name)
