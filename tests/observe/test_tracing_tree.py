"""A run's rows as a tree of spans: parents, times, what each says, over drives and forks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given

import nbgraph as ng
from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.spans import Span, nanoseconds
from nbgraph.testing import FakeClock, graphs
from tests.observe.traced import ask_model, review, reviewed, tree

_PARENTS = {"run": {""}, "task": {"run"}, "attempt": {"task"}, "call": {"attempt", "call"}, "ask": {"task"}}


@pytest.fixture(scope="module")
def run() -> Iterable[ng.Run]:
    """A run of the whole graph: retried, failed, resumed, asked, answered, caught, complete."""
    with ng.Engine(review({"read": 1, "judge": 1}), store=":memory:", quiet=True) as engine:
        yield reviewed(engine)


def complaints(spans: list[Span]) -> list[str]:
    """Return what is wrong with a tree: orphans, parents of the wrong kind, children that stick out."""
    known = {span.id: span for span in spans}
    found = [] if len(known) == len(spans) else ["two spans have one id"]
    for span in spans:
        parent = known.get(span.parent)
        if (parent.kind if parent else "") not in _PARENTS[span.kind]:
            found.append(f"{span.kind} {span.name} is in {parent and parent.kind}")
        if span.start > span.end or (parent and not parent.start <= span.start <= span.end <= parent.end):
            found.append(f"{span.kind} {span.name} does not lie in its {parent and parent.kind}")
    return found


def test_every_span_lies_in_its_parent(run: ng.Run):
    """A run holds its tasks, a task its attempts and questions, an attempt its calls, a call those made inside it."""
    spans = tree(run)
    assert {"run", "task", "attempt", "call", "ask"} == {span.kind for span in spans}
    assert [] == complaints(spans)


@pytest.mark.slow
@given(graph=graphs(failing=True, conflicts=True))
def test_trees_of_drawn_graphs_are_whole(graph: ng.Graph):
    """Whatever a graph does, and however its run ends, each span has its parent and lies in it; each step has a task's."""
    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        with suppress(ng.RunError):
            engine.run({}, run_id="r")
        spans = tree(engine.open("r"))
        assert [] == complaints(spans)
        steps = [span.facts[names.STEP] for span in spans if span.kind == "task" and names.STEP in span.facts]
        assert sorted(steps) == list(engine.open("r").tasks["step"].dropna())


def test_durations_are_the_rows(run: ng.Run):
    """Latencies add up to those of the rows exactly, and a span is as long as its latency to the nanosecond."""
    tasks, calls = tree(run, "task"), tree(run, "call")
    done = [span for span in tasks if names.STEP in span.facts]
    assert sum(span.facts[names.SECONDS] for span in done) == sum(run.tasks.dropna(subset=["seconds"])["seconds"])
    asked = run.calls[run.calls["call"] != "ask"]
    assert {span.facts[names.SEQ]: span.facts[names.SECONDS] for span in calls} == dict(
        zip(asked["seq"], asked["seconds"], strict=True)
    )
    timed = [span for span in tree(run) if span.kind in ("attempt", "call") and names.SECONDS in span.facts]
    assert all(span.end - span.start == nanoseconds(span.facts[names.SECONDS]) for span in timed)


def test_each_drive_is_a_span_of_one_trace(run: ng.Run):
    """A run that failed, waited and completed has three spans, each linked to the one before."""
    drives = tree(run, "run")
    assert ["failed", "waiting", "completed"] == [span.facts[names.STATUS] for span in drives]
    assert [(), (drives[0].id,), (drives[1].id,)] == [tuple(link.span for link in span.links) for span in drives]
    assert "judge stumbled" in drives[0].error
    assert [6, 0, 3] == [span.facts[names.STEPS] for span in drives]


def test_attempts_tell_how_they_ended(run: ng.Run):
    """What was retried, failed, waited for a person, was caught or done has an attempt that says so."""
    told = {(span.facts[names.NODE], span.facts[names.OUTCOME], span.error) for span in tree(run, "attempt")}
    assert {
        ("read", "retried", "ValueError: read stumbled"),
        ("judge", "failed", "ValueError: judge stumbled"),
        ("judge", "waiting", ""),
        ("judge", "done", ""),
        ("risky", "caught", "KeyError: 'caught'"),
    } <= told


def test_a_gather_is_linked_to_its_parents(run: ng.Run):
    """A task is linked to the tasks that it comes from, in canonical order."""
    tasks = {span.id: span for span in tree(run, "task")}
    (gather,) = [span for span in tasks.values() if span.name == "lint/check"]
    parents = [tasks[link.span] for link in gather.links]
    assert ["read"] * 3 == [span.name for span in parents]
    orders = [span.facts[names.ORDER] for span in parents]
    assert sorted(orders) == orders
    assert all(order < gather.facts[names.ORDER] for order in orders)


@pytest.mark.slow
@given(graph=graphs())
def test_order_is_that_of_the_graph_alone(graph: ng.Graph):
    """However many run at once, a task has the same place, behind those that it comes from."""
    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        alone = tree(engine.run(run_id="a", max_concurrent=1), "task")
        beside = tree(engine.run(run_id="b", max_concurrent=8), "task")
    assert places(alone) == places(beside)
    orders = {span.id: span.facts[names.ORDER] for span in beside}
    assert all(orders[link.span] < orders[span.id] for span in beside for link in span.links)


def places(tasks: list[Span]) -> dict[str, str]:
    """Return task -> its place in canonical order."""
    return {span.facts[names.TASK]: span.facts[names.ORDER] for span in tasks}


def test_costs_are_those_of_the_rows(run: ng.Run):
    """Tokens and costs of calls, tasks and drives add up to the run's, to the last digit."""
    whole = run.costs_by().iloc[0]
    for kind in ("call", "task", "run"):
        spans = tree(run, kind)
        assert whole["known"] == sum(Decimal(span.facts.get(names.EXACT, "0")) for span in spans)
    assert whole["input"] == sum(span.facts.get(names.INPUT, 0) for span in tree(run, "run"))
    assert whole["output"] == sum(span.facts.get(names.OUTPUT_TOKENS, 0) for span in tree(run, "call"))


def test_a_fork_is_a_trace_of_its_own():
    """A fork's tasks are its own only; its span and its first task's are linked to the origin, reused calls to the record."""
    graph = ng.Graph({"n": int}, name="two")

    @graph.node
    def one(state, ctx):
        ask_model(ctx, "one")

    @graph.node(after="one")
    def two(state, ctx):
        ask_model(ctx, "two")

    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        origin = engine.run(run_id="origin")
        fork = engine.fork("origin", 1, new_id="fork", reuse_calls=True)
        (drive,), (task,), (call,) = (tree(fork, kind) for kind in ("run", "task", "call"))
        known = {(span.kind, span.name, span.facts.get(names.NODE)): span.id for span in tree(origin)}
    assert [known["run", "invoke_workflow two", None]] == [link.span for link in drive.links]
    assert [known["task", "one", "one"]] == [link.span for link in task.links]
    assert [known["call", "chat gpt-4o", "two"]] == [link.span for link in call.links]
    assert ("reused", "0.00325") == (call.facts[names.OUTCOME], call.facts[names.SAVED])
    assert names.COST not in call.facts
    assert call.start == call.end


def test_what_nobody_saw_the_end_of_is_interrupted():
    """A call of a run that was cancelled is there, open, in an attempt without an end of its own."""
    graph = ng.Graph({"n": int}, name="slow")

    @graph.node
    async def wait(state, ctx):
        async def forever():
            engine.open("r").cancel()
            await asyncio.sleep(60)

        await ctx.aoutside("wait", None, forever)

    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        run = engine.start(run_id="r")
        with pytest.raises(ng.RunCancelledError):
            run.wait()
        spans = tree(run)
    assert [] == complaints(spans)
    told = [(span.kind, span.facts.get(names.OUTCOME, span.facts.get(names.STATUS))) for span in spans]
    assert [("run", "cancelled"), ("task", "interrupted"), ("attempt", "interrupted"), ("call", "open")] == told


def test_times_are_the_clocks():
    """With a clock that moves a second at each reading, all times are whole seconds after its start."""
    with ng.Engine(review(), store=":memory:", quiet=True, clock=FakeClock(start=1000.0, tick=1.0)) as engine:
        spans = tree(reviewed(engine))
    assert [] == complaints(spans)
    assert all(time % 10**9 == 0 and time >= 1000 * 10**9 for span in spans for time in (span.start, span.end))
