"""Timeouts: sync and async nodes alike are given up at their limit, and what comes late counts for nothing."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, Log, PushedClock, fan, kinds

LIMIT = 0.1
TRIES = 5


@pytest.fixture
def release():
    """An event that lets every stuck node go at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def stuck(release, *, is_async=False, began=None):
    """Return a node that never returns by itself; it notes when it began."""
    began = [] if began is None else began

    def node(state):
        began.append(time.monotonic())
        release.wait(SOON)
        return {"log": "late"}

    async def anode(state):
        began.append(time.monotonic())
        await asyncio.Event().wait()

    return anode if is_async else node


def one(node, **options):
    """Return a graph of one node called ``slow``."""
    graph = ng.Graph(Log, name="one")
    graph.node(name="slow", **options)(node)
    return graph


@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_is_given_up_within_50_ms_of_its_limit(release, is_async):
    """The run ends between the limit and 50 ms later, in the best of several tries: others may be using the machine."""
    over = []
    for _ in range(TRIES):
        began = []
        with pytest.raises(ng.NodeTimeoutError):
            ng.Engine(one(stuck(release, is_async=is_async, began=began), timeout=LIMIT)).run()
        over.append(time.monotonic() - began[0] - LIMIT)
    assert -0.001 <= min(over) <= 0.05


@pytest.mark.parametrize("is_async", [False, True])
def test_the_error_names_the_node_and_its_limit(release, is_async):
    """Who reads the error knows which node, which limit and which run, and can resume."""
    engine = ng.Engine(one(stuck(release, is_async=is_async), timeout=LIMIT))
    with pytest.raises(ng.NodeTimeoutError, match="'slow'") as caught:
        engine.run(run_id="r")
    assert ("r", "slow", LIMIT, 1) == tuple(
        getattr(caught.value, fact) for fact in ("run_id", "node", "limit", "attempt")
    )
    assert "failed" == engine.open("r").status


@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_that_is_quick_enough_is_left_alone(is_async):
    """A timeout changes nothing for a node that returns in time."""

    async def anode(state):
        return {"log": "here"}

    node = anode if is_async else lambda state: {"log": "here"}
    assert ["here"] == ng.Engine(one(node, timeout=SOON)).run().state["log"]


def test_a_late_result_is_discarded():
    """What a timed-out thread returns while the run still goes on is stored nowhere."""
    release, returned = threading.Event(), threading.Event()
    graph = ng.Graph(Log, name="late")

    @graph.node(timeout=LIMIT)
    def slow(state):
        release.wait(SOON)
        returned.set()
        return {"log": "late"}

    @graph.node
    def rescue(state):
        release.set()
        assert returned.wait(SOON)
        return {"log": "rescued"}

    graph.node(name="more", after="rescue")(lambda state: {"log": "more"})
    graph.edge("slow", "rescue", on_error=ng.NodeTimeoutError)
    run = ng.Engine(graph).run()
    assert ["rescued", "more"] == run.state["log"]
    assert [("slow", "caught"), ("rescue", "done"), ("more", "done")] == list(
        zip(run.tasks.node, run.tasks.status, strict=True)
    )


def test_an_async_node_is_cancelled_at_its_limit():
    """A timed-out coroutine is cancelled, so that it can clean up."""
    ended = threading.Event()

    async def slow(state):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ng.NodeTimeoutError):
        ng.Engine(one(slow, timeout=LIMIT)).run()
    assert ended.wait(SOON)


def test_a_sync_node_is_told_that_it_is_late():
    """``ctx.cancelled`` turns true in a timed-out thread, so that it can stop working."""
    told = threading.Event()

    def slow(state, ctx):
        pause = threading.Event()
        while not ctx.cancelled:
            pause.wait(0.005)
        told.set()

    with pytest.raises(ng.NodeTimeoutError):
        ng.Engine(one(slow, timeout=LIMIT)).run()
    assert told.wait(SOON)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_late_attempt_is_tried_again(release, is_async):
    """Each attempt has the whole timeout; one in time is the result."""
    late = stuck(release, is_async=is_async)

    def node(state, ctx):
        return late(state) if ctx.attempt < 3 else {"log": ctx.attempt}

    async def anode(state, ctx):
        return await late(state) if ctx.attempt < 3 else {"log": ctx.attempt}

    graph = one(anode if is_async else node, timeout=0.05, retry=ng.Retry(attempts=3, wait=0, jitter=0))
    run = ng.Engine(graph).run()
    assert [3] == run.state["log"]
    assert ["NodeTimeoutError"] * 2 == [event["error"].split(":")[0] for event in kinds(run, "task.retried")]


def test_attempts_that_are_all_late_are_told(release):
    """After the last late attempt the error counts them, and its cause is the timeout."""
    graph = one(stuck(release), timeout=0.05, retry=ng.Retry(attempts=2, wait=0, jitter=0))
    with pytest.raises(ng.MaxAttemptsError) as caught:
        ng.Engine(graph).run()
    assert 2 == caught.value.attempts
    assert isinstance(caught.value.__cause__, ng.NodeTimeoutError)


def test_a_stuck_thread_costs_the_others_nothing(release):
    """Threads that were given up are replaced: later tasks find as many workers as before."""
    meeting = threading.Barrier(2)

    def work(state):
        if state["item"] < 2:
            release.wait(SOON)
        else:
            meeting.wait(SOON)
        return {"log": state["item"]}

    graph = fan(6, work, timeout=1.0)
    graph.node(name="work", timeout=LIMIT)(work)
    graph.node(name="lost")(lambda state: {"log": "lost"})
    graph.edge("work", "lost", on_error=True)
    run = ng.Engine(graph, max_concurrent=2).run()
    assert [2, 3, 4, 5] == [word for word in run.state["log"] if word != "lost"]


def test_time_in_the_queue_does_not_count():
    """A task that waits for a worker longer than its timeout is not late: its time starts with its work."""
    clock = PushedClock()
    graph = ng.Graph(Log, name="queue")
    graph.node(name="split", sends=["first", "second"])(lambda state: [ng.Send("first"), ng.Send("second")])
    graph.node(name="first")(lambda state: clock.push(60.0))
    graph.node(name="second", timeout=SOON)(lambda state: {"log": "second"})
    assert ["second"] == ng.Engine(graph, max_concurrent=1, clock=clock).run().state["log"]
