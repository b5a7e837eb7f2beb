"""Rule 9: every bound holds while a run goes, and a bound that is hit leaves a run that can go on."""

from __future__ import annotations

import asyncio
import threading

import pytest

import nbgraph as ng
from nbgraph.testing import GatedCrew
from tests.engine.stage import SOON, Gauge, PushedClock, counting, fan, kinds, nodes_of, says


@pytest.mark.parametrize("queue_depth", [1, 2, 1024])
def test_as_many_tasks_run_at_once_as_allowed_and_never_more(queue_depth):
    """``max_concurrent`` sync nodes meet inside, whatever the queue holds, and one more never joins them."""
    gauge, meeting = Gauge(), threading.Barrier(3)

    def work(state):
        with gauge:
            meeting.wait(SOON)
        return {"log": state["item"]}

    run = ng.Engine(fan(12, work), max_concurrent=3, queue_depth=queue_depth).run()
    assert 3 == gauge.peak
    assert list(range(12)) == run.state["log"]


def test_async_nodes_are_bounded_too():
    """``max_concurrent`` async nodes meet inside, and one more never joins them."""
    gauge = Gauge()
    full = None

    async def work(state):
        nonlocal full
        full = full or asyncio.Event()
        with gauge:
            if gauge.inside == 4:
                full.set()
            await asyncio.wait_for(full.wait(), SOON)

    ng.Engine(fan(12, work), max_concurrent=4).run()
    assert 4 == gauge.peak


def test_sync_and_async_nodes_share_one_bound():
    """Sync and async nodes together are never more than ``max_concurrent``."""
    gauge = Gauge()
    graph = ng.Graph({"x": int}, name="mixed")
    graph.node(name="split", sends=["plain", "awaited"])(
        lambda state: [ng.Send(name, item=place) for place in range(10) for name in ("plain", "awaited")]
    )

    @graph.node
    def plain(state):
        with gauge:
            return

    @graph.node
    async def awaited(state):
        with gauge:
            await asyncio.to_thread(threading.Event().wait, 0.001)

    ng.Engine(graph, max_concurrent=2).run()
    assert gauge.peak <= 2


def test_one_node_may_have_a_limit_of_its_own():
    """``limit=2`` lets two tasks of that node meet and never three, while other nodes may run beside them."""
    gauge, meeting, other_ran = Gauge(), threading.Barrier(2), threading.Event()
    graph = ng.Graph({"x": int}, name="limited")
    graph.node(name="split", sends=["work", "other"])(
        lambda state: [*(ng.Send("work", item=place) for place in range(6)), ng.Send("other")]
    )

    @graph.node(limit=2)
    def work(state):
        with gauge:
            meeting.wait(SOON)
            assert other_ran.wait(SOON)

    graph.node(name="other")(lambda state: other_ran.set())
    ng.Engine(graph, max_concurrent=8).run()
    assert 2 == gauge.peak


def test_waiting_for_admission_is_counted():
    """A full queue makes the next ready task wait, and each wait is an event that names the depth."""
    run = ng.Engine(fan(5, lambda state: None), max_concurrent=1, queue_depth=1).run()
    waits = kinds(run, "queue.waited")
    assert waits
    assert all(1 == wait["depth"] for wait in waits)


def test_a_queue_with_room_makes_nobody_wait():
    """Without a full queue there is no wait to count."""
    run = ng.Engine(fan(5, lambda state: None), max_concurrent=1, queue_depth=5).run()
    assert [] == kinds(run, "queue.waited")


@pytest.mark.slow
@pytest.mark.parametrize("bounds", [(1, 1), (8, 1), (8, 1024)])
def test_a_fan_out_of_ten_thousand_finishes(bounds):
    """Ten thousand Sends finish with one worker and a queue of one place, all in order."""
    workers, depth = bounds
    engine = ng.Engine(fan(10_000, lambda state: {"log": state["item"]}), max_concurrent=workers, queue_depth=depth)
    assert list(range(10_000)) == engine.run().state["log"]


def test_a_queue_that_stays_full_pauses_the_run():
    """A wait longer than ``backpressure_timeout`` raises, says so, and the run goes on when resumed."""
    clock, meeting = PushedClock(), threading.Barrier(2)

    def work(state):
        if state["item"] < 2:
            meeting.wait(SOON)
            clock.push(10.0)
        return {"log": state["item"]}

    engine = ng.Engine(fan(6, work), max_concurrent=2, queue_depth=1, backpressure_timeout=5, clock=clock)
    with pytest.raises(ng.BackpressureError) as caught:
        engine.run(run_id="r")
    assert ("r", 5, 1) == (caught.value.run_id, caught.value.seconds, caught.value.limit)
    assert "paused" == engine.open("r").status
    assert [0, 1, 2, 3, 4, 5] == engine.resume("r", backpressure_timeout=None).state["log"]


def test_a_short_wait_for_admission_is_no_failure():
    """A queue that is full again and again, but never for long, does not pause the run."""
    clock = PushedClock()
    engine = ng.Engine(
        fan(20, lambda state: clock.push(1.0)), max_concurrent=1, queue_depth=1, backpressure_timeout=5, clock=clock
    )
    assert "completed" == engine.run().status


def test_max_steps_pauses_the_run():
    """A run stops at ``max_steps`` with exactly so many steps, and goes on with more."""
    engine = ng.Engine(counting(10), max_steps=4)
    with pytest.raises(ng.MaxStepsError) as caught:
        engine.run({"count": 0}, run_id="r")
    assert ("r", 4) == (caught.value.run_id, caught.value.limit)
    assert ("paused", 4) == (engine.open("r").status, len(nodes_of(engine.open("r"))))
    assert 10 == engine.resume("r", max_steps=100).state["count"]


def test_max_steps_holds_for_tasks_beside_each_other():
    """Tasks that run at once do not overshoot ``max_steps``."""
    engine = ng.Engine(fan(20, says("w")), max_steps=5, max_concurrent=8)
    with pytest.raises(ng.MaxStepsError):
        engine.run(run_id="r")
    assert 5 == len(nodes_of(engine.open("r")))


def test_a_run_of_exactly_max_steps_completes():
    """The bound is the last step that is allowed, not the first that is not."""
    assert "completed" == ng.Engine(counting(3), max_steps=4).run({"count": 0}).status


def test_the_time_budget_pauses_the_run():
    """A run that used up ``time_budget`` stops after what runs now, and goes on with a new budget."""
    clock, calls = PushedClock(), []

    def work(state):
        calls.append(state["item"])
        clock.push(10.0 if state["item"] == 2 else 0.0)

    engine = ng.Engine(fan(5, work), max_concurrent=1, time_budget=5, clock=clock)
    with pytest.raises(ng.BudgetError) as caught:
        engine.run(run_id="r")
    assert ("r", 5) == (caught.value.run_id, caught.value.limit)
    assert ("paused", [0, 1, 2]) == (engine.open("r").status, calls)
    assert "completed" == engine.resume("r").status
    assert [0, 1, 2, 3, 4] == calls


def test_the_time_budget_counts_each_drive_by_itself():
    """Time that passed before a resume is not held against it."""
    clock = PushedClock()
    engine = ng.Engine(counting(3), time_budget=5, clock=clock)
    paused = engine.run({"count": 0}, run_id="r", after="count")
    clock.push(100.0)
    assert "paused" == paused.status
    assert "completed" == engine.resume("r").status


def test_a_spent_budget_does_not_keep_the_machine_busy():
    """After a bound was hit the engine sleeps until the running nodes finish, however long that takes."""
    clock = PushedClock()
    patience = []

    class Crew(GatedCrew):
        def collect(self, timeout):
            patience.append(timeout)
            return super().collect(timeout)

    engine = ng.Engine(
        fan(2, lambda state: clock.push(10.0)), executor=Crew(lambda waiting: 0), time_budget=5, clock=clock
    )
    with pytest.raises(ng.BudgetError):
        engine.run()
    assert patience[-1] > 0


def test_a_paused_bound_is_told_by_a_run_that_is_opened_again(tmp_path):
    """The error of a bound is in the file: who opens the run later reads the same class and facts."""
    engine = ng.Engine(counting(10), store=tmp_path / "runs.sqlite", max_steps=2)
    with pytest.raises(ng.MaxStepsError):
        engine.run({"count": 0}, run_id="r")
    error = ng.open_run(tmp_path / "runs.sqlite", "r").error
    assert (ng.MaxStepsError, 2) == (type(error), error.limit)
