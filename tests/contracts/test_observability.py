"""The promises of DESIGN section 9: all that happens is told, equals the rows, hurts no run, and costs nothing when off.

What is told is looked at in one run in which everything happens, with three real SDKs: the carnival.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from bisect import bisect_left
from collections import Counter
from decimal import Decimal
from itertools import accumulate, combinations
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

import nbgraph as ng
from nbgraph.analysis.costs import NAMES
from nbgraph.observe.metrics.families import BUCKETS, FAMILIES, SETS
from nbgraph.observe.tracing import names
from nbgraph.store import MemoryStore
from tests.contracts.carnival import KEY, Carnival
from tests.engine.outside import everything_in
from tests.engine.stage import SOON, counting, fan

pytestmark = pytest.mark.slow

METRICS = {
    "nbgraph_inflight_nodes": (), "nbgraph_queue_depth": (),
    "nbgraph_step_latency_seconds": ("graph", "node", "status"),
    "nbgraph_retries_total": ("graph", "node", "reason"),
    "nbgraph_merge_conflicts_total": ("graph", "policy"),
    "nbgraph_backpressure_events_total": ("graph", "reason"),
    "nbgraph_steps_total": ("graph", "status"),
    "nbgraph_tokens_total": ("model", "direction"),
    "nbgraph_cost_usd_total": ("model",),
    # beside those of the design
    "nbgraph_unpriced_calls_total": ("graph",),
    "nbgraph_calls_total": ("graph", "outcome"),
    "nbgraph_runs_total": ("graph", "status"),
}  # fmt: skip
"""Every metric with its labels."""

EVENTS = {
    "step", "task.retried", "task.failed", "task.waiting", "conflict", "queue.waited", "run.resumed", "run.forked",
    "run.paused", "run.waiting", "run.failed", "run.cancelled", "run.completed",
}  # fmt: skip
"""Every kind of event."""

PARENTS = {"run": {None}, "task": {"run"}, "attempt": {"task"}, "call": {"attempt", "call"}, "ask": {"task"}}
"""Every kind of span, and what it may lie in."""

LINKS = {"parent", "origin", "resumed", "reused", "started-in"}
"""Why a span is linked to another."""

ENDS = ("completed", "failed", "paused", "waiting", "cancelled")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Give the carnival, made when it is first asked for."""
    made: list[Carnival] = []

    def play() -> Carnival:
        if not made:
            made.append(Carnival(tmp_path_factory.mktemp("carnival")))
        return made[0]

    yield play
    for one in made:
        one.close()


# -- all that is documented is seen, and nothing else


def test_every_metric_is_seen_with_its_labels(played):
    """The documented metrics are those that there are, each has values, and each label takes all of its values."""
    declared = {f"{one.name}_total" if one.kind == "counter" else one.name: one.labels for one in FAMILIES}
    assert METRICS == declared
    seen, values = {}, set()
    for name, labels in played().scraped.samples:
        family = next(one.name for one in FAMILIES if name in one.series)
        seen.setdefault(family, set()).update(label for label, _ in labels if label != "le")
        values |= {pair for pair in labels if pair[0] in SETS}
    assert {one.name: set(one.labels) for one in FAMILIES} == seen
    assert {(label, value) for label, found in SETS.items() for value in found} == values


def test_the_gauges_are_what_is_under_way(played):
    """While two of eight branches run and six wait, a scrape says so; afterwards nothing is under way."""
    for scrape, expected in ((played().during, (2, 6)), (played().scraped, (0, 0))):
        assert expected == (scrape("nbgraph_inflight_nodes"), scrape("nbgraph_queue_depth"))


def test_every_kind_of_span_and_every_attribute_is_seen(played):
    """The table of names has all attributes of spans, of their events and links; each is seen, and each kind of span."""
    spans = played().spans
    seen = {name for span in spans for part in (span, *span.events, *span.links) for name in part.attributes}
    of_events = {name for name in seen if name.startswith(f"{names.EVENT}.")}
    assert {f"{names.EVENT}.{part}" for part in ("depth", "field", "fields")} == of_events
    assert set(names.TABLE) - {names.EVENT} == seen - of_events
    assert set(PARENTS) == set(map(kind_of, spans))
    assert LINKS == {link.attributes[names.LINK] for span in spans for link in span.links}


def test_spans_lie_in_their_parents_and_those_of_others_in_attempts(played):
    """Run > task > attempt > call, one trace a run; what a library does inside a node is a child of the attempt."""
    play = played()
    spans = {span.context.span_id: span for span in play.spans}
    assert len(play.spans) == len(spans)
    for span in spans.values():
        around = spans.get(span.parent.span_id) if span.parent else None
        assert (None if around is None else kind_of(around)) in PARENTS[kind_of(span)], span.name
        assert around is None or around.context.trace_id == span.context.trace_id
    inside = [span for span in play.others if span.name == "inside"]
    assert ["weigh", "weigh"] == [spans[span.parent.span_id].attributes[names.NODE] for span in inside]


def test_every_kind_of_event_is_told_to_everybody(played):
    """A function, a file of JSON lines and an export have the events of the rows, in their order; each kind is seen."""
    play = played()
    for run in (play.run, play.fork):
        rows = events_of(play, run)
        assert rows == [fields(event) for event in play.told if event.run == run.id]
        assert rows == [written(line) for line in play.written if line["run"] == run.id]
        exported = run.export_events(play.lines.with_name(f"{run.id}.jsonl")).read_text("utf-8").splitlines()
        assert rows == [written(json.loads(line)) for line in exported][-len(rows) :]
    assert {event.kind for event in play.told} == EVENTS


def test_each_end_and_each_beginning_of_a_drive_is_logged(played):
    """``nbgraph.run`` has a record for each, with steps and seconds; ``nbgraph.task`` one a step, a retry and a failure."""
    play = played()
    told = Counter(record.status for record in play.records if record.name == "nbgraph.run")
    kinds = Counter(event.kind.removeprefix("run.") for event in play.all_events if event.kind.startswith("run."))
    assert {**kinds, "started": 1} == told
    tasks = [record for record in play.records if record.name == "nbgraph.task"]
    steps = Counter(row.status for row in play.all_steps)
    failures = Counter(event.kind for event in play.all_events)
    expected = {**steps, "retried": failures["task.retried"], "failed": failures["task.failed"]}
    assert expected == Counter(record.status for record in tasks)


# -- it equals the rows


def test_every_number_of_a_scrape_equals_the_rows(played):
    """Counters, and the buckets, counts and sums of latencies, are what the rows add up to: all of them, and to the bit."""
    play = played()
    rows = {**counts_of(play), **latencies_of(play), **money_of(play)}
    gauges = {series("nbgraph_inflight_nodes"): 0, series("nbgraph_queue_depth"): 0}
    differ = (rows | gauges).items() ^ play.scraped.samples.items()
    assert [] == sorted({name for (name, _), _ in differ})


def test_latencies_are_the_rows_everywhere(played):
    """Seconds of tasks, of failed and repeated attempts and of calls are the same in rows, spans and SQL; they add up."""
    play = played()
    steps = {row.step: facts_of(row).get("seconds") for row in play.steps("r") if row.status in ("done", "caught")}
    spans = [span for span in play.spans if span.attributes[names.RUN] == "r"]
    tasks = {
        span.attributes[names.STEP]: span.attributes[names.SECONDS] for span in spans if names.STEP in span.attributes
    }
    assert steps == tasks
    assert sum(steps.values()) == play.run.tasks.seconds.dropna().sum() == pytest.approx(sum(tasks.values()), abs=0)
    again = [json.loads(event.data)["seconds"] for event in play.store.events("r") if event.kind in AGAIN]
    tried = [span.attributes for span in spans if kind_of(span) == "attempt"]
    assert sorted(again) == sorted(
        facts[names.SECONDS] for facts in tried if facts[names.OUTCOME] in ("retried", "failed")
    )
    calls = {
        span.attributes[names.SEQ]: span.attributes.get(names.SECONDS) for span in spans if kind_of(span) == "call"
    }
    asked = play.run.calls.query("status != 'answered'")
    assert dict(zip(asked.seq, asked.seconds.astype(object).where(asked.seconds.notna(), None), strict=True)) == calls


AGAIN = ("task.retried", "task.failed")


def test_costs_are_the_same_to_the_last_digit_everywhere(played):
    """Rows, every grouping, the table of runs, spans, logs and the file itself, read with sqlite3 alone: equal Decimals."""
    play = played()
    for run in (play.run, play.fork):
        known = exactly(run.costs.cost)
        assert known == lines_cost(play.file, run.id)
        assert {known} == {exactly(run.costs_by(*by).known) for by in groupings()}
        assert [known] == list(play.engine.costs().query("run_id == @run.id").known)
        for kind in ("run", "task", "call"):
            told = [Decimal(facts.get(names.EXACT, "0")) for facts in attributes(play, run, kind)]
            assert known == sum(told), kind
    logged = [record.cost for record in play.records if getattr(record, "cost", None) is not None]
    assert exactly(play.run.costs.cost) == sum(logged)  # the last drive's calls are of an unknown price alone
    assert Decimal("0.25") < exactly(play.run.costs.cost) < 1
    (over,) = [error for error in play.errors if isinstance(error, ng.BudgetError)]
    assert over.spent == exactly(play.run.costs.query("node != 'costly'").cost)  # which it was the next one to pay for


def test_tokens_are_the_same_everywhere(played):
    """Each direction's tokens are those of the lines of the file, of rows, of every grouping and of spans."""
    play = played()
    for direction, told in (("input", names.INPUT), ("output", names.OUTPUT)):
        for run in (play.run, play.fork):
            many = run.costs[direction].sum()
            assert many == lines_tokens(play.file, run.id, direction)
            assert {many} == {run.costs_by(*by)[direction].sum() for by in groupings()}
            for kind in ("run", "task"):
                assert many == sum(facts.get(told, 0) for facts in attributes(play, run, kind))


def test_what_nobody_knows_is_never_nothing(played):
    """The one call of an unknown price is NaN in its row and its sums, no money in spans and metrics, and counted."""
    play = played()
    costs = play.run.costs.set_index("node")
    assert costs.cost["dear"].is_nan()
    assert [True] == [cost.is_nan() for cost in play.run.costs_by().cost]
    assert 1 == play.run.costs_by().unknown[0] == play.scraped("nbgraph_unpriced_calls_total", graph="carnival")
    (dear,) = [facts for facts in attributes(play, play.run, "call") if facts[names.NODE] == "dear"]
    assert ("unknown", False) == (dear[names.SOURCE], names.COST in dear)
    assert 1 == sum(facts.get(names.UNKNOWN, 0) for facts in attributes(play, play.run, "run"))


def test_what_a_fork_reuses_was_paid_by_its_origin(played):
    """A fork with ``reuse_calls`` costs nothing, and has saved what its origin paid for the same calls."""
    play = played()
    paid, saved = (run.costs_by("node").set_index("node") for run in (play.run, play.fork))
    assert 0 == exactly(play.fork.costs.cost)
    known = saved.saved.drop("dear")
    assert dict(known) == {node: paid.cost[node] for node in known.index}
    assert exactly(known) > Decimal("0.25")
    assert saved.saved["dear"].is_nan()


def test_no_key_is_kept(played):
    """The key that went with the SDKs' requests is in no byte of the store, the lines, the logs and the spans."""
    play = played()
    assert KEY.encode() not in everything_in(play.file.parent)
    assert KEY not in repr([(span.name, span.attributes, span.events) for span in play.spans])
    assert KEY not in repr([vars(record) for record in play.records])
    assert b"ask 3" in everything_in(play.file.parent)


# -- it hurts no run


class Exporter(SpanExporter):
    """Raises, or waits until it is let go."""

    def __init__(self, hold: Any) -> None:
        self._hold = hold

    def export(self, spans: Any) -> SpanExportResult:
        """Do so."""
        self._hold()
        return SpanExportResult.FAILURE


def troubled(kind: str, hold: Any) -> Any:
    """Return a listener that does ``hold`` in each of the places that a listener has."""
    if kind == "trace":
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(Exporter(hold)))
        return ng.tracing.Tracing(provider)
    if kind == "function":
        return lambda event: hold()
    return type("Observer", (), {"begin": lambda self, run: self, "take": lambda self, news: hold(), "end": hold})()


@pytest.mark.parametrize("kind", ["function", "observer", "trace"])
def test_a_blocked_listener_holds_up_neither_run_nor_commits(kind, patience=SOON):  # noqa: PT028 - test_saboteurs says less
    """The run has ended and all of it is stored, read and counted while the listener still is in its first call."""
    inside, go = threading.Event(), threading.Event()

    def hold(*_: Any) -> None:
        inside.set()
        go.wait(patience)

    told: list[ng.Event] = []
    engine = ng.Engine(counting(60), listeners=[troubled(kind, hold), told.append], metrics=True)
    try:
        run = engine.run({"count": 0}, run_id="r")
        assert inside.wait(SOON)
        assert not engine.flush(0.01), "the run waited for its listener"
        assert ("completed", 61, 62) == (run.status, len(run.steps), len(told))
        assert ng.Engine(counting(60)).run({"count": 0}, run_id="r").digest == run.digest
    finally:
        go.set()
    assert engine.flush(SOON)


@pytest.mark.parametrize("kind", ["function", "observer", "trace"])
@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_listener_that_raises_changes_nothing(kind, error, caplog):
    """Whatever it raises: the run is the run without it, metrics count on, other listeners are told all."""

    def hold(*_: Any) -> None:
        raise error

    graph, told = fan(20, lambda state: {"log": state["item"]}), list[ng.Event]()
    engine = ng.Engine(graph, listeners=[troubled(kind, hold), told.append])
    run = engine.run(run_id="r")
    assert engine.flush(SOON)
    assert ng.Engine(graph).run(run_id="r").digest == run.digest
    assert ("completed", 23) == (run.status, len(told))


def test_listeners_are_told_of_nothing_before_it_is_committed():
    """At the moment of each commit, a listener that has heard everything there is to hear knows of no row of it."""
    told, ahead = [], []

    class Store(MemoryStore):
        def commit(self, lease, steps, *rest):
            engine.flush(SOON)
            ahead.extend({row.task for row in steps} & {event.task for event in told})
            super().commit(lease, steps, *rest)

    engine = ng.Engine(counting(10), store=Store(), listeners=told.append)
    run = engine.run({"count": 0})
    assert engine.flush(SOON)
    assert ([], list(run.tasks.task)) == (ahead, [event.task for event in told if event.kind == "step"])


def test_a_replay_tells_nobody_and_costs_nothing(played):
    """Replaying both runs, with every watcher there: no event, line, span, record, count or cost, and no call."""
    play = played()
    before = heard(play)
    with play.listening():
        assert play.engine.replay("r").ok
        assert play.forking.replay("f").ok
        assert play.engine.flush(SOON)
        assert play.forking.flush(SOON)
    assert before == heard(play)


# -- budgets


@pytest.mark.parametrize("budget", [{"cost_budget": "0.00100"}, {"token_budget": 1000}])
def test_no_budget_is_ever_overspent_by_calls_that_keep_to_their_limits(budget):
    """Eight threads ask at once: what they use never exceeds the budget, at no moment, and one call more would have."""
    spent, most, lock = [0], [0], threading.Lock()

    def ask(text: str, model: str, max_tokens: int) -> dict[str, Any]:
        with lock:
            spent[0] += 90
            most[0] = max(most[0], spent[0])
        return {"model": model, "usage": {"input_tokens": 0, "output_tokens": 90}}

    def work(state: Any, ctx: ng.Context) -> None:
        ctx.call(ask, "x", model="m", max_tokens=95)

    engine = ng.Engine(fan(40, work), prices={"m": (1, 1)}, max_concurrent=8, **budget)
    with pytest.raises(ng.BudgetError):
        engine.run(run_id="r")
    assert most[0] <= 1000
    while engine.open("r").status == "paused":  # concurrent estimates may have kept calls back that fit
        before = spent[0]
        with pytest.raises(ng.BudgetError) as caught:
            engine.resume("r", max_concurrent=1)
        if spent[0] == before:
            break
    assert spent[0] + caught.value.estimate * (10**6 if "cost_budget" in budget else 1) > 1000 >= spent[0] >= 900


# -- off

PROBE = """
import json, sys, threading
from pathlib import Path
sys.path.insert(0, str(Path.cwd()))
SABOTEUR = sys.argv[2]
if SABOTEUR != "nobody":
    from tests.contracts.programs import saboteurs
    getattr(saboteurs, SABOTEUR)()
import nbgraph as ng
seen = []
def look(state, ctx):
    ctx.call(len, "four")
    seen.extend(thread.name for thread in threading.enumerate())
graph = ng.Graph({"n": int}, name="off")
graph.node(name="look")(look)
for store in (":memory:", sys.argv[1]):
    engine = ng.Engine(graph, store=store)
    engine.run({"n": 0}, run_id="r")
    engine.start({"n": 0}).wait()
    engine.resume
HEAVY = ("prometheus_client", "opentelemetry", "genai_prices", "httpx", "httpx2", "pandas", "nbgraph.observe",
         "nbgraph.clients", "nbgraph.analysis")
loaded = sorted(name for name in sys.modules if name in HEAVY or name.startswith(tuple(f"{one}." for one in HEAVY)))
print(json.dumps({"threads": sorted(name for name in set(seen) if "listener" in name), "loaded": loaded}))
"""


def test_off_is_off(tmp_path, saboteur="nobody"):  # noqa: PT028 - test_saboteurs says which
    """A run that nobody watches has no thread of a listener, and imports nothing of metrics, traces, logs and clients."""
    words = [sys.executable, "-c", PROBE, str(tmp_path / "runs.sqlite"), saboteur]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert {"threads": [], "loaded": []} == json.loads(done.stdout)


# -- the same numbers, added up from the rows once more


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
