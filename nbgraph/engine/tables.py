"""A run's rows as pandas tables.

Owns the columns. Knows the store's records only; pandas is imported when a table is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from json import loads
from typing import TYPE_CHECKING, Any

from nbgraph.prices import Prices
from nbgraph.store.protocol import CallRecord, EventRecord, Origin, RunRow, StepRecord, Store

if TYPE_CHECKING:
    from pandas import DataFrame

TASKS = ("step", "node", "status", "attempts", "started", "seconds", "parents", "task", "printed")
STEPS = ("step", "node", "update", "ways", "snapshot", "key", "task")
EVENTS = ("step", "kind", "node", "time", "data", "task")
CALLS = (
    "seq", "node", "call", "asked", "status", "response", "error", "seconds", "usage", "reused", "started", "attempt",
    "name", "task",
)  # fmt: skip
RUNS = ("run_id", "graph", "status", "steps", "origin", "created", "updated", "seed", "holder")


def _frame(rows: Iterable[Sequence[Any]], columns: Sequence[str], times: Sequence[str]) -> DataFrame:
    import pandas as pd  # noqa: PLC0415 - 300 ms; loaded when a table is first asked for

    frame = pd.DataFrame(list(rows), columns=list(columns))
    for column in times:
        frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="s", utc=True)
    return frame


def tasks(steps: Iterable[StepRecord], events: Sequence[EventRecord]) -> DataFrame:
    """Return one row a task: those that finished, in commit order, then those whose last failure stands."""
    rows = [_task(step) for step in steps]
    finished = {row[-2] for row in rows}
    failed = {event.task: event for event in events if event.kind == "task.failed" and event.task not in finished}
    rows += [_failed(event) for event in failed.values()]
    frame = _frame(rows, TASKS, ["started"])
    return frame.astype({"step": "Int64", "attempts": "Int64", "seconds": "float64"})


def _task(step: StepRecord) -> tuple[Any, ...]:
    facts = loads(step.facts or "{}")
    parents = [parent for parent, _ in loads(step.parents)]
    took = facts.get("started"), facts.get("seconds")
    return (step.step, step.node, step.status, step.attempts, *took, parents, step.task, facts.get("printed", ""))


def _failed(event: EventRecord) -> tuple[Any, ...]:
    facts = loads(event.data or "{}")
    seconds = facts.get("seconds")
    took = event.time - (seconds or 0.0), seconds
    return (None, event.node, "failed", None, *took, [], event.task, facts.get("printed", ""))


def steps(rows: Iterable[StepRecord]) -> DataFrame:
    """Return one row a step: what it wrote and where it went."""
    return _frame(
        (
            (
                row.step,
                row.node,
                loads(row.update) if row.update else {},
                [way[1] for way in loads(row.arrivals)] if row.arrivals else [],
                bool(row.snapshot),
                row.key,
                row.task,
            )
            for row in rows
        ),
        STEPS,
        [],
    )


def events(steps: Iterable[StepRecord], between: Sequence[EventRecord]) -> DataFrame:
    """Return everything that happened, in order: the steps, and what happened between them."""
    rows = [_step_event(step) for step in steps]
    rows += [(e.step, e.seq, e.kind, e.node, e.time, loads(e.data or "{}"), e.task) for e in between]
    rows.sort(key=lambda row: (row[0], row[1]))
    return _frame([(row[0], *row[2:]) for row in rows], EVENTS, ["time"])


def _step_event(step: StepRecord) -> tuple[Any, ...]:
    facts = loads(step.facts or "{}")
    ended = (facts.get("started") or 0.0) + (facts.get("seconds") or 0.0)
    return (step.step, 0, "step", step.node, ended, {"status": step.status, "attempts": step.attempts}, step.task)


def calls(lines: Sequence[CallRecord]) -> DataFrame:
    """Return one row a call or question, in the order in which they began; unfinished ones have no status yet."""
    begun: dict[tuple[str, str], CallRecord] = {}
    rows: dict[tuple[str, str, int], tuple[Any, ...]] = {}
    for line in lines:
        name = (line.task, line.name)
        if line.phase in ("started", "asked"):
            begun[name] = line
            rows[(*name, line.seq)] = _call(line, line)
        else:
            start = begun.pop(name, line)
            rows[(*name, start.seq)] = _call(start, line)
    frame = _frame(rows.values(), CALLS, ["started"])
    return frame.astype({"seconds": "float64", "reused": "bool", "attempt": "Int64"})


def _call(start: CallRecord, end: CallRecord) -> tuple[Any, ...]:
    asked, facts = loads(start.data), loads(end.data)
    request = asked.get("request", {})
    error = facts.get("error") or {}
    told = f"{error['type']}: {error['text']}" if error else ""
    got = facts.get("response", facts.get("value")) if end is not start else None
    what = request.get("call", "")
    return (
        end.seq, end.node, what, request.get("asked"), end.phase, got, told, facts.get("seconds"), facts.get("usage"),
        "reused" in facts, start.time, end.attempt, end.name, end.task,
    )  # fmt: skip


def runs(rows: Iterable[tuple[RunRow, str, Origin | None]]) -> DataFrame:
    """Return one row a run, oldest first; ``origin`` says of a fork which run it comes from, and the last shared step."""
    return _frame(
        (
            (
                row.record.run_id,
                row.record.graph,
                status,
                row.steps,
                f"{origin.run_id}@{origin.step}" if origin else "",
                row.record.created,
                row.updated,
                row.record.seed,
                row.holder,
            )
            for row, status, origin in rows
        ),
        RUNS,
        ["created", "updated"],
    )


def costs(store: Store, prices: Prices) -> DataFrame:
    """Return one row a run of the store, with what its own calls used and cost, oldest first.

    ``prices``: for calls whose lines say no cost, those of older versions.
    """
    from nbgraph.analysis.cost_frames import RunCosts, runs_frame  # noqa: PLC0415 - only when asked
    from nbgraph.analysis.costs import as_recorded, costs_of  # noqa: PLC0415 - as above

    pricing = as_recorded(prices)

    def read(row: RunRow) -> RunCosts:
        name = row.record.run_id
        lines = list(store.calls(name))
        found = costs_of(lines, store.steps(name), store.events(name), pricing) if lines else []
        return RunCosts(name, row.record.graph, row.standing, found)

    return runs_frame(map(read, store.runs()))
