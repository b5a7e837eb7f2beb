"""The tables of a report: tasks, what they printed, what happened between them.

Owns the columns.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any

from nbgraph.escape import cut
from nbgraph.store.protocol import EventRecord, StepRecord
from nbgraph.views.durations import seconds_text
from nbgraph.views.markup import Markup, Part, fold, join, table, tag
from nbgraph.views.palette import STATUSES
from nbgraph.views.report.gathering import Facts
from nbgraph.views.report.head import facts_of
from nbgraph.views.report.limits import EVENTS, PRINT, PRINTS, TASKS, left_out
from nbgraph.views.settings import default_times
from nbgraph.views.values import value_text

_LOOKS = {"done": "done", "caught": "failed", "edited": "waiting", "migrated": "waiting"}
_WORDS = {"caught": "failed, caught", "edited": "edited by hand"}


def tasks(facts: Facts) -> Markup:
    """Return the table of tasks: all, or the first and the last ones."""
    rows, failed = _chosen(facts.steps), _failed(facts)
    first, kept = _first_start(facts.steps), set(facts.kept)
    heads = ["step", "node", "status", "attempts", *(["at", "took"] if default_times() else []), "wrote", "led to"]
    lines = [_task(row, first, kept) for row in rows] + [_failure(event, first) for event in failed[:TASKS]]
    note = left_out(len(rows), len(facts.steps), "tasks", "run.tasks")
    return tag(
        "section", {"id": "tasks"}, tag("h2", None, "Tasks"), tag("p", {"class": "note"}, note) if note else None,
        table(heads, lines, "tasks") if lines else tag("p", {"class": "note"}, "No task has run."),
    )  # fmt: skip


def _chosen(steps: Sequence[StepRecord]) -> Sequence[StepRecord]:
    if len(steps) <= TASKS:
        return steps
    return [*steps[: TASKS // 2], *steps[-TASKS // 2 :]]


def _failed(facts: Facts) -> list[EventRecord]:
    done = {row.task for row in facts.steps}
    return list(
        {event.task: event for event in facts.events if event.kind == "task.failed" and event.task not in done}.values()
    )


def _first_start(steps: Sequence[StepRecord]) -> float:
    return min((found for row in steps if (found := facts_of(row.facts).get("started"))), default=0.0)


def _task(row: StepRecord, first: float, kept: Container[int]) -> list[Part]:
    facts = facts_of(row.facts)
    status = tag(
        "span",
        {"class": f"chip is-{_LOOKS.get(row.status, 'idle')}"},
        f"{STATUSES[_LOOKS.get(row.status, 'idle')].mark} {_WORDS.get(row.status, row.status)}".strip(),
    )
    ways = facts_of('{"ways":' + (row.arrivals or "[]") + "}")["ways"]
    return [
        tag("a", {"href": f"#step-{row.step}"}, row.step) if row.step in kept else row.step, row.node, status, row.attempts,
        *(_times(facts, first) if default_times() else []),
        cut(", ".join(facts_of(row.update)), 120), cut(", ".join(str(way[1]) for way in ways), 120),
    ]  # fmt: skip


def _times(facts: dict[str, Any], first: float) -> list[Part]:
    started, seconds = facts.get("started"), facts.get("seconds")
    at = f"+{seconds_text(started - first)}" if started else ""
    return [at, seconds_text(seconds) if seconds is not None else ""]


def _failure(event: EventRecord, first: float) -> list[Part]:
    facts = facts_of(event.data)
    status = tag("span", {"class": "chip is-failed"}, f"{STATUSES['failed'].mark} failed")
    times = _times(
        {"started": event.time - (facts.get("seconds") or 0.0), "seconds": facts.get("seconds")}, first or event.time
    )
    return ["", event.node, status, "", *(times if default_times() else []), cut(facts.get("error", ""), 200), ""]


def prints(facts: Facts) -> Markup | None:
    """Return what nodes printed, task by task."""
    found = list(_printed(facts))
    if not found:
        return None
    shown = [
        tag("figure", None, tag("figcaption", None, where), tag("pre", None, value_text(text, PRINT)))
        for where, text in found[:PRINTS]
    ]
    note = left_out(len(shown), len(found), "texts", "run.tasks")
    return tag(
        "section",
        {"id": "printed"},
        tag("h2", None, "Printed"),
        shown,
        tag("p", {"class": "note"}, note) if note else None,
    )


def _printed(facts: Facts) -> Iterator[tuple[str, str]]:
    for event in facts.events:
        told = facts_of(event.data).get("printed") if event.kind in ("task.retried", "task.failed") else None
        if told:
            yield f"{event.node}, in an attempt that failed", str(told)
    for row in facts.steps:
        told = facts_of(row.facts).get("printed") if '"printed"' in row.facts else None
        if told:
            yield f"{row.node}, step {row.step}", str(told)


def events(facts: Facts) -> Markup | None:
    """Return what happened beside the steps, folded; the latest where there are many."""
    if not facts.events:
        return None
    shown = facts.events[-EVENTS:]
    note = left_out(len(shown), len(facts.events), "events", "run.events")
    rows = [[event.step, event.kind, event.node, cut(event.data if event.data != "{}" else "", 300)] for event in shown]
    inside = join(
        [tag("p", {"class": "note"}, note) if note else None, table(["after step", "event", "node", "facts"], rows)]
    )
    return tag("section", {"id": "events"}, tag("h2", None, "Events"), fold(f"{len(facts.events):,} events", inside))
