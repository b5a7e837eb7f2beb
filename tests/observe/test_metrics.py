"""Metrics: they equal the rows, their series do not grow with runs, and nothing of them collides."""

from __future__ import annotations

import math
import threading
import urllib.request
from collections import Counter
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import nbgraph as ng
from nbgraph.observe.metrics.families import DIRECTIONS, FAMILIES, SETS
from tests.engine.stage import SOON, Log, PushedClock, beside, chain, fan


class Told:
    """What a registry's text format says: series and labels -> value."""

    def __init__(self, registry):
        self.samples = {}
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            for sample in family.samples:
                self.samples[sample.name, frozenset(sample.labels.items())] = sample.value

    def __call__(self, name, **labels):
        """Return the value of one series, 0 where there is none."""
        return self.samples.get((name, frozenset(labels.items())), 0)

    def by(self, name, *labels):
        """Return label values -> sum over the other labels, of all series of a name."""
        sums = Counter()
        for (series, found), value in self.samples.items():
            if series == name:
                key = tuple(dict(found)[label] for label in labels)
                sums[key[0] if len(labels) == 1 else key] += value
        return dict(sums)


@pytest.fixture
def registry():
    """A registry of the test's own."""
    return CollectorRegistry()


def answer(question, model="gpt-4o"):
    """Say what a client of a model would."""
    used = {"prompt_tokens": 1000 + len(question), "completion_tokens": 7}
    return {"model": model, "usage": {**used, "prompt_tokens_details": {"cached_tokens": 400}}}


def review(model="gpt-4o"):
    """Return a graph that asks in eight branches, retries, and has two of them write one field."""
    tries = Counter()

    def work(state, ctx):
        place = state["item"]
        if place == 2 and (tries.update(["two"]) or tries["two"] < 3):
            raise ConnectionError
        ctx.call(answer, "x" * place, model)
        return {"log": place, "count": place}

    return fan(8, work, retry=ng.Retry(attempts=4, wait=0))


def test_every_number_equals_the_rows(registry):
    """Steps, latencies, retries, waits, conflicts, calls and tokens are what the run's tables add up to."""
    engine = ng.Engine(review(), metrics=registry, conflicts="last", queue_depth=2, max_concurrent=2)
    run = engine.run(run_id="r")
    told, kinds = Told(registry), Counter(run.events.kind)
    assert Counter(run.tasks.status) == told.by("nbgraph_steps_total", "status")
    assert Counter(run.tasks.node) == told.by("nbgraph_step_latency_seconds_count", "node")
    seconds = told.by("nbgraph_step_latency_seconds_sum", "node")
    assert run.tasks.groupby("node").seconds.agg(math.fsum).to_dict() == pytest.approx(seconds, rel=1e-12)
    assert {"connection": kinds["task.retried"]} == told.by("nbgraph_retries_total", "reason")
    assert {"queue_full": kinds["queue.waited"]} == told.by("nbgraph_backpressure_events_total", "reason")
    assert {"last": 1} == told.by("nbgraph_merge_conflicts_total", "policy")
    assert Counter(run.calls.status) == told.by("nbgraph_calls_total", "outcome")
    assert {"completed": kinds["run.completed"]} == told.by("nbgraph_runs_total", "status")


def test_tokens_and_money_equal_the_costs(registry):
    """Each direction's tokens and the dollars are the sums of ``run.costs``, the money to the last digit."""
    run = ng.Engine(review(), metrics=registry, conflicts="last").run()
    told, costs = Told(registry), run.costs
    for direction in DIRECTIONS:
        assert costs[direction].sum() == told("nbgraph_tokens_total", model="gpt-4o", direction=direction)
    assert float(sum(costs.cost, Decimal(0))) == told("nbgraph_cost_usd_total", model="gpt-4o") > 0
    assert 0 == told("nbgraph_unpriced_calls_total", graph="fan")


@pytest.mark.filterwarnings("ignore::nbgraph.UnknownPriceWarning")
def test_a_model_without_a_price_is_other_and_its_calls_are_counted_apart(registry):
    """What servers call their models makes no series; yours, priced by you, do."""
    ng.Engine(review("my-own-1"), metrics=registry, conflicts="last").run()
    ng.Engine(review("my-own-2"), metrics=registry, conflicts="last", prices={"my-own-2": (1, 2)}).run()
    told = Told(registry)
    assert {"other", "my-own-2"} == told.by("nbgraph_tokens_total", "model").keys()
    assert {"my-own-2"} == told.by("nbgraph_cost_usd_total", "model").keys()
    assert 8 == told("nbgraph_unpriced_calls_total", graph="fan")


def test_what_a_record_answers_is_not_paid_again(registry):
    """A fork that reuses calls counts them as reused, and no token and no dollar twice."""
    engine = ng.Engine(review(), conflicts="last")
    engine.run(run_id="r")
    engine.fork("r", 1, reuse_calls=True, metrics=registry)
    told = Told(registry)
    assert {"reused": 8} == told.by("nbgraph_calls_total", "outcome")
    assert {} == told.by("nbgraph_tokens_total", "model")
    assert {} == told.by("nbgraph_cost_usd_total", "model")
    assert {"done": 9} == told.by("nbgraph_steps_total", "status")


@pytest.mark.parametrize(
    ("policy", "told_as"), [("last", "last"), (lambda field, one, other: other, "function"), ("fail", "fail")]
)
@pytest.mark.parametrize("gathered", [True, False])
def test_concurrent_writes_are_counted_by_what_became_of_them(registry, policy, told_as, gathered):
    """A field that three branches write is one conflict at the gather, or at the end; refused, one a later writer."""
    graph = beside(*[_writer(name) for name in "abc"])
    if gathered:
        graph.node(name="gather", after=["a", "b", "c"])(lambda state: None)
    engine = ng.Engine(graph, metrics=registry, conflicts=policy)
    try:
        run = engine.run(run_id="r")
    except ng.ConflictError:
        run = engine.open("r")
    told = Told(registry).by("nbgraph_merge_conflicts_total", "policy")
    assert told_as in told
    refused = Counter(run.events.kind)["conflict"]
    assert {told_as: refused if policy == "fail" else 1} == told


def _writer(name):
    def write(state):
        return {"count": ord(name)}

    write.__name__ = name
    return write


def test_a_queue_that_stays_full_is_counted_apart(registry):
    """A run that is paused for it counts as such, beside the times that the queue was full."""
    clock, meeting = PushedClock(), threading.Barrier(2)

    def work(state):
        if state["item"] < 2:
            meeting.wait(SOON)
            clock.push(10.0)

    engine = ng.Engine(
        fan(6, work), max_concurrent=2, queue_depth=1, backpressure_timeout=5, clock=clock, metrics=registry
    )
    with pytest.raises(ng.BackpressureError):
        engine.run(run_id="r")
    waits = Counter(engine.open("r").events.kind)["queue.waited"]
    assert {"queue_full": waits, "queue_stayed_full": 1} == Told(registry).by(
        "nbgraph_backpressure_events_total", "reason"
    )


def test_failures_are_counted(registry):
    """A task that fails for good has its latency, and its run counts as failed."""
    engine = ng.Engine(chain(_broken), metrics=registry)
    with pytest.raises(ng.NodeError):
        engine.run()
    told = Told(registry)
    assert 1 == told("nbgraph_steps_total", graph="chain", status="failed")
    assert 1 == told("nbgraph_step_latency_seconds_count", graph="chain", node="_broken", status="failed")
    assert 1 == told("nbgraph_runs_total", graph="chain", status="failed")


def _broken(state):
    raise ValueError


def test_a_scrape_sees_what_is_under_way(registry):
    """While two tasks run and one waits, the gauges say so; afterwards they are zero."""
    began, go = threading.Semaphore(0), threading.Event()

    def work(state):
        began.release()
        go.wait(SOON)

    run = ng.Engine(fan(3, work), metrics=registry, max_concurrent=2).start()
    assert began.acquire(timeout=SOON)
    assert began.acquire(timeout=SOON)
    during = Told(registry)
    go.set()
    assert (2, 1) == (during("nbgraph_inflight_nodes"), during("nbgraph_queue_depth"))
    run.wait(SOON)
    after = Told(registry)
    assert (0, 0) == (after("nbgraph_inflight_nodes"), after("nbgraph_queue_depth"))


def test_a_scrape_in_the_middle_equals_the_rows_so_far(registry):
    """Nothing that is committed is missing from a scrape, whenever it comes."""
    counts = []

    def look(state):
        counts.append(Told(registry)("nbgraph_steps_total", graph="chain", status="done"))

    first, second, third = (_named(look, name) for name in ("first", "second", "third"))
    ng.Engine(chain(first, second, third), metrics=registry).run()
    assert [0, 1, 2] == counts


def _named(node, name):
    def copy(state):
        return node(state)

    copy.__name__ = name
    return copy


@pytest.mark.slow
def test_series_do_not_grow_with_runs(registry):
    """Ten thousand runs with random ids have the series of the first, and add up."""
    engine = ng.Engine(chain(_named(lambda state: None, "only")), metrics=registry)
    engine.run()
    first = Told(registry).samples.keys()
    for _ in range(9_999):
        engine.run()
    told = Told(registry)
    assert first == told.samples.keys()
    assert 10_000 == told("nbgraph_runs_total", graph="chain", status="completed")


def test_two_engines_and_a_cell_that_is_run_again_share_a_registry(registry):
    """Nothing is registered twice; what they count adds up. Another registry has its own."""
    for metrics in (registry, registry, ng.metrics.Metrics(registry)):
        ng.Engine(chain(_named(lambda state: None, "only")), metrics=metrics).run()
    assert ng.metrics.Metrics(registry) is ng.metrics.Metrics(registry)
    assert 3 == Told(registry)("nbgraph_steps_total", graph="chain", status="done")
    other = CollectorRegistry()
    assert ng.metrics.Metrics(other) is not ng.metrics.Metrics(registry)
    assert 0 == Told(other)("nbgraph_steps_total", graph="chain", status="done")


def test_nothing_is_in_prometheus_own_registry():
    """``metrics=True`` counts in nbgraph's registry, apart from the global one."""
    from prometheus_client import REGISTRY

    ng.Engine(chain(_named(lambda state: None, "only")), metrics=True).run()
    assert Told(ng.metrics.registry)("nbgraph_steps_total", graph="chain", status="done") >= 1
    assert {} == Told(REGISTRY).by("nbgraph_steps_total", "graph")


@pytest.mark.parametrize("name", ['a"b\\c\nd', "\ud800", "é" * 200, '{le="1"} 5'])
def test_hostile_names_stay_labels(registry, name):
    """Whatever a graph is called, the text format can be read, and has as many series as ever."""
    graph = ng.Graph(Log, name=name)
    graph.node(name="only")(lambda state: None)
    ng.Engine(graph, metrics=registry).run()
    assert 1 == sum(Told(registry).by("nbgraph_steps_total", "graph").values())
    assert 1 == len(Told(registry).by("nbgraph_step_latency_seconds_sum", "graph", "node"))


def test_label_values_come_from_the_documented_sets(registry):
    """Of each label but names and models, only the listed values are seen."""
    engine = ng.Engine(review(), metrics=registry, conflicts="last", queue_depth=1, max_concurrent=1)
    engine.run(run_id="r", before="gather")
    engine.resume("r")
    labels = {pair for _, labels in Told(registry).samples for pair in labels if pair[0] in SETS}
    assert {"status", "reason", "policy", "direction", "outcome"} == {name for name, _ in labels}
    assert [] == [(name, value) for name, value in labels if value not in SETS[name]]


def test_a_resumed_run_is_counted_once_by_whoever_saw_it(registry):
    """Both drives in one process add up to the rows; metrics that come with the second have the second's alone."""
    late, names = CollectorRegistry(), ["a", "b", "c"]
    engine = ng.Engine(chain(*[_named(lambda state: None, name) for name in names]), metrics=registry)
    engine.run(run_id="r", before="b")
    engine.resume("r")
    assert 3 == Told(registry)("nbgraph_steps_total", graph="chain", status="done")
    engine.run(run_id="s", before="b")
    engine.resume("s", metrics=late)
    assert 2 == Told(late)("nbgraph_steps_total", graph="chain", status="done")


def test_metrics_are_served_on_this_machine_alone(registry):
    """A server answers on loopback with the text format; asked again for its port, it is the same one."""
    ng.Engine(chain(_named(lambda state: None, "only")), metrics=registry).run()
    with ng.metrics.serve(0, registry=registry) as server:
        assert "127.0.0.1" == server.addr
        assert server is ng.metrics.serve(server.port, registry=registry)
        with urllib.request.urlopen(server.url) as page:
            assert b'nbgraph_steps_total{graph="chain",status="done"} 1.0' in page.read()
        with pytest.raises(ng.OptionsError, match="another registry"):
            ng.metrics.serve(server.port, registry=CollectorRegistry())
    with ng.metrics.serve(server.port, registry=registry) as again:
        assert server.port == again.port
    assert [] == [thread for thread in threading.enumerate() if thread.name.startswith("nbgraph-metrics")]


def test_a_port_that_is_taken_says_so():
    """Whoever has the port, the error names it and the way out."""
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ng.OptionsError, match=r"(?s)taken.*port=0"):
            ng.metrics.serve(other.getsockname()[1])


@pytest.mark.parametrize("wrong", [-1, 65536, "80", None, 1.5, True])
def test_what_is_no_port_is_refused(wrong):
    """The error says so, and not that somebody has it."""
    with pytest.raises(ng.OptionsError, match="no port"):
        ng.metrics.serve(wrong)


def test_the_table_is_what_a_scrape_sees(registry):
    """One row a series without buckets: metric, labels, value."""
    ng.Engine(review(), metrics=registry, conflicts="last").run()
    table, told = ng.metrics.table(registry), Told(registry)
    plain = {key: value for key, value in told.samples.items() if "le" not in dict(key[1])}
    assert ["metric", "labels", "value"] == list(table.columns)
    assert sorted((name, value) for (name, _), value in plain.items()) == sorted(
        zip(table.metric, table.value, strict=True)
    )
    assert "graph='fan', node='work', status='done'" in set(table.labels)


def test_every_family_has_the_documented_name_and_labels():
    """The names that dashboards stand on."""
    assert {
        "nbgraph_inflight_nodes": (), "nbgraph_queue_depth": (),
        "nbgraph_step_latency_seconds": ("graph", "node", "status"),
        "nbgraph_retries_total": ("graph", "node", "reason"),
        "nbgraph_merge_conflicts_total": ("graph", "policy"),
        "nbgraph_backpressure_events_total": ("graph", "reason"),
        "nbgraph_steps_total": ("graph", "status"),
        "nbgraph_tokens_total": ("model", "direction"),
        "nbgraph_cost_usd_total": ("model",),
        "nbgraph_unpriced_calls_total": ("graph",),
        "nbgraph_calls_total": ("graph", "outcome"),
        "nbgraph_runs_total": ("graph", "status"),
    } == {family.name + ("_total" if family.kind == "counter" else ""): family.labels for family in FAMILIES}  # fmt: skip
