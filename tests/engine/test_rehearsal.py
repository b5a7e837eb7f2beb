"""One task again, alone: as it was then, with today's code, and the outside world from the record."""

from __future__ import annotations

import asyncio
import pdb  # noqa: T100 - a debugger is what is tested
import traceback

import pytest

import nbgraph as ng
from tests.engine.outside import everything_in
from tests.engine.stage import Log, chain, fan

calls = []
"""What really went out."""


@pytest.fixture(autouse=True)
def nothing_out():
    """Begin with nothing called."""
    calls.clear()


def ask(word):
    """Stand for the outside world."""
    calls.append(word)
    return word.upper()


def a(state):
    return {"log": "a"}


def failing(**broken):
    """Return an engine whose run ``r`` failed in ``bad``, which read the clock and called twice before."""

    def bad(state, ctx):
        words = [ctx.call(ask, "one"), ctx.call(ask, "two"), ctx.now().timestamp(), ctx.rng.random()]
        raise ValueError(words, dict(state))

    engine = ng.Engine(chain(a, bad), **broken)
    with pytest.raises(ng.NodeError):
        engine.run({"count": 3}, run_id="r")
    return engine


def test_the_first_failure_fails_again_as_it_did():
    """The node is called with its recorded input; calls, clock and randomness come from the record."""
    engine = failing()
    rehearsal = engine.open("r").rehearse()
    assert ("bad", 0, {"log": ["a"], "count": 3}) == (rehearsal.node, rehearsal.step, dict(rehearsal.state))
    with pytest.raises(ValueError, match="ONE") as first:
        rehearsal.call()
    with pytest.raises(ValueError, match="TWO") as second:
        rehearsal.call()
    assert rehearsal.error == f"ValueError: {first.value}" == f"ValueError: {second.value}"
    assert ["one", "two"] == calls


def test_the_traceback_is_the_nodes_own():
    """What it raises points into the node, for a debugger to stand there."""
    with pytest.raises(ValueError, match="ONE") as caught:
        failing().open("r").rehearse().call()
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert ("bad", __file__) == (last.name, last.filename)


def test_it_is_todays_function_that_is_called():
    """A node that was repaired since is called as it is now; what it asks in another order is answered all the same."""
    engine = failing()

    @engine.graph.node(after="a")
    def bad(state, ctx):
        return {"log": [ctx.call(ask, "two"), ctx.call(ask, "one")]}

    rehearsal = engine.open("r").rehearse()
    assert bad is rehearsal.fn
    assert {"log": ["TWO", "ONE"]} == rehearsal.call()
    assert ["one", "two"] == calls


def test_a_call_that_was_not_recorded_is_not_made():
    """Where the record has no answer ``MissingCallError`` is raised in the node, and nothing is called."""
    engine = failing()

    @engine.graph.node(after="a")
    def bad(state, ctx):
        return {"log": ctx.call(ask, "three")}

    with pytest.raises(ng.MissingCallError, match="three"):
        engine.open("r").rehearse().call()
    assert ["one", "two"] == calls


def test_nothing_is_written(tmp_path):
    """Rehearsing leaves the file as it was, and works in an engine that only reads its past from there."""
    failing(store=tmp_path / "f.sqlite").close()
    before = everything_in(tmp_path)
    graph = chain(a, _named(lambda state, ctx: ctx.call(ask, "one"), "bad"))
    engine = ng.Engine(graph, store=tmp_path / "f.sqlite")
    assert "ONE" == engine.open("r").rehearse().call()
    engine.close()
    assert before == everything_in(tmp_path)


def _named(fn, name):
    fn.__name__ = name
    return fn


def test_a_step_is_called_as_it_was():
    """Any committed task can be rehearsed: by its step, its node's name, or its id or the beginning of that."""

    def work(state, ctx):
        return {"log": [state["item"], ctx.call(ask, f"item {state['item']}")]}

    engine = ng.Engine(fan(3, work), max_concurrent=1)
    run = engine.run()
    task = run.tasks.query("step == 3").task.item()
    ways = [3, task, task[:8]]
    assert [{"log": [1, "ITEM 1"]}] * 3 == [run.rehearse(which).call() for which in ways]
    assert ({"log": [2, "ITEM 2"]}, 4) == ((last := run.rehearse("work")).call(), last.step)
    assert 3 == len(calls)


def test_a_gathered_state_is_what_the_branches_left():
    """A task that gathered branches is called with what they made together, however long the run was."""

    def work(state):
        return {"log": state["item"]}

    graph = fan(3, work)
    graph.node(name="gather", after="work")(lambda state: {"count": len(state["log"])})
    run = ng.Engine(graph).run()
    assert {"count": 3} == run.rehearse("gather").call()


def test_a_late_step_of_a_long_run_is_found():
    """Behind a place where the run could be picked up, and before it, the input is the recorded one."""
    graph = ng.Graph(Log, name="long")
    graph.node(name="count")(lambda state: {"count": state["count"] + 1})
    graph.edge("count", "count", when=lambda state: state["count"] < 250)
    graph.edge("count", "end", otherwise=True)
    graph.node(name="end")(lambda state: None)
    graph.start("count")
    run = ng.Engine(graph).run({"count": 0})
    steps = [1, 99, 100, 101, 249]
    assert steps == [run.rehearse(step).call()["count"] for step in steps]


async def slow(state, ctx):
    word, other = await asyncio.gather(ctx.call(aask, "one"), ctx.call(aask, "two"))
    await asyncio.sleep(0)
    raise ValueError(word + other)


async def aask(word):
    return ask(word)


def test_an_async_node_is_called_too_also_where_a_loop_runs():
    """It runs on a loop of its own; where one runs here already, on a thread beside it."""
    engine = ng.Engine(chain(a, slow))
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    rehearsal = engine.open("r").rehearse()

    async def main():
        rehearsal.call()

    for call in (rehearsal.call, lambda: asyncio.run(main())):
        with pytest.raises(ValueError, match="ONETWO"):
            call()
    assert ["one", "two"] == calls


def test_the_attempt_is_the_one_that_failed():
    """``ctx.attempt`` and the seeded numbers are those of the last attempt."""
    seen = []

    def fails(state, ctx):
        seen.append((ctx.attempt, ctx.rng.random(), ctx.idempotency_key()))
        raise OSError

    graph = ng.Graph(Log, name="again")
    graph.node(retry=ng.Retry(attempts=3, wait=0.0))(fails)
    engine = ng.Engine(graph, seed=7)
    with pytest.raises(ng.MaxAttemptsError):
        engine.run(run_id="r")
    with pytest.raises(OSError):
        ng.Engine(graph, store=engine.store).open("r").rehearse().call()
    assert (3, seen[2]) == (seen[3][0], seen[3])


def test_of_several_failures_the_first_in_order_is_rehearsed():
    """Which one that is does not depend on which came first; the others are found by their node."""
    graph = ng.Graph(Log, name="both")
    graph.node(name="begin")(lambda state: None)
    for name in ("left", "right"):
        graph.node(name=name, after="begin")(_raising(name))
    engine = ng.Engine(graph)
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    run = engine.open("r")
    assert ["left", "left"] == [run.rehearse().node, run.rehearse("left").node]


def _raising(name):
    def fails(state):
        raise ValueError(name)

    return fails


def test_a_task_that_was_not_reached_yet_can_be_rehearsed():
    """Of a run that stands before a node that node's input is known: it can be tried beforehand."""
    run = ng.Engine(chain(a, _named(lambda state: {"count": len(state["log"])}, "b"))).run(before="b")
    assert {"count": 1} == run.rehearse("b").call()
    assert 1 == run.store.run(run.id).steps


@pytest.mark.parametrize(("which", "why"), [(None, "has failed"), (9, "no step 9"), ("nobody", "'nobody'")])
def test_what_is_not_there_is_told(which, why):
    """Without a failure, such a step or such a node there is nothing to rehearse, and the error says what to name."""
    with pytest.raises(ng.RunError, match=why) as caught:
        ng.Engine(chain(a)).run().rehearse(which)
    assert "run.rehearse(3)" in caught.value.todo


def test_the_network_is_out_of_reach():
    """A node that goes out past its calls is refused, as in a replay."""
    import socket

    def reaches(state):
        socket.create_connection(("127.0.0.1", 9), timeout=0.1)

    engine = ng.Engine(chain(reaches))
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    with pytest.raises(ng.MissingCallError, match="reached for the network"):
        engine.open("r").rehearse().call()


class Walker(pdb.Pdb):
    """A debugger that notes where it stops first, and then lets go."""

    def interaction(self, frame, *_):
        self.stopped = frame.f_code.co_name, dict(frame.f_locals)
        self.set_quit()


def test_a_debugger_can_walk_through_it():
    """``call`` lets a debugger make the call: it stops at the node's first line, with what it is called with."""
    walker = Walker()
    failing().open("r").rehearse().call(walker.runcall)
    name, names = walker.stopped
    assert ("bad", ["a"], "bad") == (name, list(names["state"]["log"]), names["ctx"].node)


def test_a_rehearsal_says_what_it_is():
    """Its representation names the node, whether it finished, and what it raised."""
    run = failing().open("r")
    assert "<Rehearsal of 'bad', which did not finish, it raised ValueError: " in repr(run.rehearse())
    assert "<Rehearsal of 'a', step 1>" == repr(run.rehearse(1))
