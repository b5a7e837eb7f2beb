"""The numbers of a carnival, added up from its rows once more: what every watcher must have come to.

Owns the oracle. It reads steps, events and lines of calls as they are kept, and the file with sqlite3 alone; nothing here
is shared with what counts, prices or traces, but the lists of buckets, directions and names.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left
from collections import Counter
from decimal import Decimal
from itertools import accumulate, combinations
from pathlib import Path
from typing import Any

import nbgraph as ng
from nbgraph.analysis.costs import NAMES
from nbgraph.observe.metrics.families import BUCKETS, SETS
from nbgraph.observe.tracing import names
from tests.contracts.carnival import Carnival

ENDS = ("completed", "failed", "paused", "waiting", "cancelled")


def series(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return the key of a series."""
    return name, frozenset(labels.items())


def counts_of(play: Carnival) -> dict[Any, float]:
    """Return what the rows of steps, events and calls count up to."""
    found: Counter[Any] = Counter()
    for row in play.all_steps:
        found[series("nbgraph_steps_total", graph="carnival", status=row.status)] += 1
        settle(found, facts_of(row).get("settled"))
    for event in play.all_events:
        facts = json.loads(event.data or "{}")
        what, _, how = event.kind.partition(".")
        if event.kind == "task.failed":
            found[series("nbgraph_steps_total", graph="carnival", status="failed")] += 1
        elif event.kind == "task.retried":
            reason = REASONS[facts["error"].partition(":")[0]]
            found[series("nbgraph_retries_total", graph="carnival", node=event.node, reason=reason)] += 1
        elif event.kind == "conflict":
            found[series("nbgraph_merge_conflicts_total", graph="carnival", policy="fail")] += 1
        elif event.kind == "queue.waited":
            found[series("nbgraph_backpressure_events_total", graph="carnival", reason="queue_full")] += 1
        elif what == "run" and how in ENDS:
            found[series("nbgraph_runs_total", graph="carnival", status=how)] += 1
            settle(found, facts.get("settled"))
            if facts.get("why") == "backpressure":
                found[series("nbgraph_backpressure_events_total", graph="carnival", reason="queue_stayed_full")] += 1
    for outcome in outcomes(play):
        found[series("nbgraph_calls_total", graph="carnival", outcome=outcome)] += 1
    return dict(found)


REASONS = {
    "ConnectionError": "connection", "RateLimitError": "rate_limit", "InternalServerError": "server",
    "ValueError": "invalid", "RuntimeError": "other", "NodeTimeoutError": "timeout",
}  # fmt: skip


def settle(found: Counter[Any], settled: Any) -> None:
    """Count the fields between whose concurrent writes something decided."""
    if settled:
        key = series("nbgraph_merge_conflicts_total", graph="carnival", policy=settled["policy"])
        found[key] += len(settled["fields"])


def outcomes(play: Carnival) -> list[str]:
    """Return how each line of the logs of calls that ended something says it did."""
    found, begun = [], set()
    for line in play.all_calls:
        facts, place = json.loads(line.data), (line.task, line.name)
        if line.phase == "started":
            begun.add(place)
        elif line.phase == "returned" and "reused" not in facts and place not in begun:
            found.append("entered")
        else:
            found.append("reused" if "reused" in facts else line.phase)
    return found


def latencies_of(play: Carnival) -> dict[Any, float]:
    """Return the histogram of latencies by what the rows say that each task took, in the order of the rows."""
    groups: dict[Any, list[float]] = {}
    for row in play.all_steps:
        groups.setdefault((row.node, row.status), []).append(facts_of(row).get("seconds"))
    for event in play.all_events:
        if event.kind == "task.failed":
            groups.setdefault((event.node, "failed"), []).append(json.loads(event.data)["seconds"])
    found: dict[Any, float] = {}
    for (node, status), told in groups.items():
        seconds, labels = (
            [one for one in told if one is not None],
            {"graph": "carnival", "node": node, "status": status},
        )
        if not seconds:
            continue
        falls = Counter(bisect_left(BUCKETS, one) for one in seconds)
        for bound, below in zip(
            (*map(str, BUCKETS), "+Inf"), accumulate(falls[n] for n in range(len(BUCKETS) + 1)), strict=True
        ):
            found[series("nbgraph_step_latency_seconds_bucket", le=bound, **labels)] = below
        found[series("nbgraph_step_latency_seconds_count", **labels)] = len(seconds)
        found[series("nbgraph_step_latency_seconds_sum", **labels)] = list(accumulate(seconds, initial=0.0))[-1]
    return found


def money_of(play: Carnival) -> dict[Any, float]:
    """Return tokens and dollars by model, and calls that nobody can price, by the tables of costs.

    A sample is a float: the dollars are the exact sum, rounded once.
    """
    tokens: Counter[Any] = Counter()
    money: dict[Any, Decimal] = {}
    unpriced = 0
    for row in [*play.run.costs.to_dict("records"), *play.fork.costs.to_dict("records")]:
        if row["reused"] or row["source"] == "none":
            continue
        model = row["model"] if row["source"] not in ("given", "unknown") else "other"
        for direction in SETS["direction"]:
            tokens[series("nbgraph_tokens_total", model=model, direction=direction)] += row[direction]
        unpriced += row["cost"].is_nan()
        if not row["cost"].is_nan():
            key = series("nbgraph_cost_usd_total", model=model)
            money[key] = money.get(key, Decimal(0)) + row["cost"]
    counts = {key: many for key, many in tokens.items() if many}
    dollars = {key: float(sum_) for key, sum_ in money.items()}
    return {**counts, **dollars, series("nbgraph_unpriced_calls_total", graph="carnival"): unpriced}


def facts_of(row: Any) -> Any:
    """Return what a step's row says beside its result."""
    return json.loads(row.facts or "{}")


def exactly(costs: Any) -> Decimal:
    """Return the sum of all costs that are known."""
    return sum((cost for cost in costs if not cost.is_nan()), Decimal(0))


def groupings() -> list[tuple[str, ...]]:
    """Return every name that costs can be summed by, every two, all of them and none."""
    return [(), *((name,) for name in NAMES), *combinations(NAMES, 2), tuple(NAMES)]


def lines_of(file: Path, run_id: str) -> list[dict[str, Any]]:
    """Return what was paid here by the lines of a run's calls, read without nbgraph."""
    connection = sqlite3.connect(file)
    found = connection.execute(
        "SELECT data FROM v_calls WHERE run_id = ? AND phase IN ('returned', 'raised')", [run_id]
    )
    told = [json.loads(data) for (data,) in found]
    connection.close()
    return [line for line in told if "reused" not in line]


def lines_cost(file: Path, run_id: str) -> Decimal:
    """Return what they cost, where it is known."""
    told = [line["cost"]["usd"] for line in lines_of(file, run_id) if "cost" in line]
    return sum(map(Decimal, filter(None, told)), Decimal(0))


def lines_tokens(file: Path, run_id: str, direction: str) -> int:
    """Return how many tokens they used."""
    return sum(line.get("usage", {}).get(f"{direction}_tokens", 0) for line in lines_of(file, run_id))


def kind_of(span: Any) -> str:
    """Return which of the five kinds of span one is, by its attributes."""
    facts = span.attributes
    if names.DRIVE in facts:
        return "run"
    if names.SEQ in facts:
        return "call" if names.CALL in facts else "ask"
    return "attempt" if names.ATTEMPT in facts else "task"


def attributes(play: Carnival, run: Any, kind: str) -> list[Any]:
    """Return the attributes of a run's spans of one kind."""
    return [span.attributes for span in play.spans if kind_of(span) == kind and span.attributes[names.RUN] == run.id]


def events_of(play: Carnival, run: Any) -> list[Any]:
    """Return a run's own events by its rows: of a fork, those behind the steps that it shares."""
    origin = play.store.origin(run.id)
    shared = 0 if origin is None else origin.step
    rows = [tuple(row) for row in run.events[["kind", "step", "node", "task", "data"]].itertuples(index=False)]
    return [row for row in rows if not (row[0] == "step" and row[1] <= shared)]


def fields(event: ng.Event) -> Any:
    """Return what a listener was told, as rows have it."""
    return event.kind, event.step, event.node, event.task, event.data


def written(line: dict[str, Any]) -> Any:
    """Return what a line says, as rows have it."""
    return tuple(line[name] for name in ("kind", "step", "node", "task", "data"))


def heard(play: Carnival) -> Any:
    """Return how much every watcher was told, what was scraped, paid and asked."""
    bills = [exactly(run.costs.cost) for run in (play.run, play.fork)]
    rows = [len(play.all_steps), len(play.all_events), len(play.all_calls), len(play.server.requests)]
    told = [len(play.told), len(play.written), len(play.spans), len(play.records)]
    return bills, rows, told, play.scraped.samples, list(play.store.verify())
