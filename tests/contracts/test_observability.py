"""The promises of DESIGN section 9: all that happens is told, equals the rows, hurts no run, and costs nothing when off.

What is told is looked at in one run in which everything happens, with three real SDKs: the carnival.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

import nbgraph as ng
from nbgraph.events import KINDS
from nbgraph.observe.metrics.families import FAMILIES, SETS
from nbgraph.observe.tracing import names
from nbgraph.store import MemoryStore
from tests.contracts.carnival import KEY, Carnival
from tests.contracts.recount import (
    attributes,
    counts_of,
    events_of,
    exactly,
    facts_of,
    fields,
    groupings,
    heard,
    kind_of,
    latencies_of,
    lines_cost,
    lines_tokens,
    money_of,
    series,
    written,
)
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

PARENTS = {"run": {None}, "task": {"run"}, "attempt": {"task"}, "call": {"attempt", "call"}, "ask": {"task"}}
"""Every kind of span, and what it may lie in."""

LINKS = {"parent", "origin", "resumed", "reused", "started-in"}
"""Why a span is linked to another."""


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
    assert {event.kind for event in play.told} == set(KINDS)


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
