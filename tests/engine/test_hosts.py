"""Where a run may be started from, where its nodes run, and what pressing stop does there."""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing
import os
import sys
import threading
import types
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import nbgraph as ng
from tests.engine.stage import (
    SOON,
    Log,
    beside,
    chain,
    double,
    roll,
    says,
    stumble,
)  # fmt: skip


def plain(state):
    return {"log": "plain"}


async def awaited(state):
    await asyncio.sleep(0)
    return {"log": "awaited"}


def after(state):
    return {"log": "after"}


MIXES = [(plain, after), (awaited,), (plain, awaited, after), (awaited, plain)]


def words(mix):
    """Return what a chain of these nodes logs."""
    return [node.__name__ for node in mix]


@pytest.mark.parametrize("mix", MIXES)
def test_any_mix_runs_from_a_script(mix):
    """Without a loop, ``engine.run`` blocks until sync and async nodes are done."""
    assert words(mix) == ng.Engine(chain(*mix)).run().state["log"]


@pytest.mark.parametrize("mix", MIXES)
def test_any_mix_runs_from_a_thread(mix):
    """A thread other than the main one is as good."""
    with ThreadPoolExecutor() as pool:
        assert words(mix) == pool.submit(ng.Engine(chain(*mix)).run).result(SOON).state["log"]


@pytest.mark.parametrize("mix", MIXES)
def test_any_mix_runs_inside_a_running_loop(mix):
    """``engine.run`` may be called where a loop runs, though it blocks that loop."""

    async def main():
        return ng.Engine(chain(*mix)).run()

    assert words(mix) == asyncio.run(main()).state["log"]


@pytest.mark.parametrize("mix", MIXES)
def test_a_run_can_be_awaited_and_the_loop_stays_free(mix):
    """While ``arun`` is awaited the loop serves others."""

    async def main():
        served = asyncio.create_task(asyncio.sleep(0, "served"))
        run = await ng.Engine(chain(*mix)).arun()
        return run, await served

    run, served = asyncio.run(main())
    assert (words(mix), "served") == (run.state["log"], served)


def test_awaiting_raises_what_the_run_failed_with():
    """``await engine.arun`` raises like ``engine.run``, and ``await engine.aresume`` goes on."""
    broken = [True]

    def fragile(state):
        if broken:
            raise ValueError(broken.pop())

    async def main():
        engine = ng.Engine(chain(plain, fragile))
        with pytest.raises(ng.NodeError):
            await engine.arun(run_id="r")
        return await engine.aresume("r")

    assert "completed" == asyncio.run(main()).status


def test_start_returns_at_once():
    """``engine.start`` leaves the caller free while the first node still waits for it."""
    free = threading.Event()

    def wait(state):
        return {"log": free.wait(SOON)}

    run = ng.Engine(chain(wait)).start()
    assert ("running", True) == (run.status, run.live)
    free.set()
    assert [True] == run.wait(SOON).state["log"]
    assert ("completed", False) == (run.status, run.live)


def test_a_cancelled_await_pauses_the_run():
    """Cancelling who awaits a run pauses it and lets go: nothing is lost and ``resume`` goes on."""
    began, release = threading.Event(), threading.Event()

    def slow(state):
        began.set()
        release.wait(SOON)
        return {"log": "slow"}

    async def main(engine):
        waiting = asyncio.create_task(engine.arun(run_id="r"))
        await asyncio.to_thread(began.wait, SOON)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError, match=r"engine\.resume"):
            await waiting
        release.set()

    engine = ng.Engine(chain(slow, after))
    asyncio.run(main(engine))
    run = engine.open("r")
    assert run.wait(SOON).status in ("paused", "completed")
    assert ["slow", "after"] == (run if run.status == "completed" else engine.resume("r")).state["log"]


# -- context variables

WHO = contextvars.ContextVar("WHO", default="nobody")


def ask(state):
    who = WHO.get()
    WHO.set("a node")
    return {"log": who}


async def aask(state):
    return ask(state)


@pytest.mark.parametrize("build", [chain, lambda node: beside(node, plain)], ids=["lone", "beside"])
@pytest.mark.parametrize("node", [ask, aask])
def test_context_variables_follow_and_do_not_leak_back(build, node):
    """A node sees the caller's context variables, on whatever thread it runs; what it sets stays its own."""
    token = WHO.set("caller")
    try:
        run = ng.Engine(build(node)).run()
        assert "caller" in run.state["log"]
        assert "caller" == WHO.get()
    finally:
        WHO.reset(token)


def test_nodes_do_not_see_each_others_context_variables():
    """A context variable that one node sets is not there in the next."""

    def again(state):
        return ask(state)

    assert ["nobody", "nobody"] == ng.Engine(chain(ask, again)).run().state["log"]


# -- threads and executors


def test_a_chain_of_sync_nodes_runs_inline():
    """Where nothing else could run there is no thread hop: the nodes run on the caller's thread."""
    seen = []

    def first(state):
        seen.append(threading.get_ident())

    def second(state):
        seen.append(threading.get_ident())

    ng.Engine(chain(first, second)).run()
    assert [threading.get_ident()] * 2 == seen


def test_sync_nodes_beside_each_other_run_in_threads():
    """Two sync nodes that wait for each other both get on."""
    meeting = threading.Barrier(2)

    def left(state):
        meeting.wait(SOON)

    def right(state):
        meeting.wait(SOON)

    assert "completed" == ng.Engine(beside(left, right)).run().status


def test_an_executor_takes_the_sync_nodes():
    """With ``executor=`` every sync node runs there, the executor stays usable, and async nodes stay on the loop."""
    seen = {}

    def sync(state):
        seen["sync"] = threading.current_thread().name

    async def coroutine(state):
        seen["async"] = threading.current_thread().name

    with ThreadPoolExecutor(2, thread_name_prefix="mine") as pool:
        ng.Engine(chain(sync, coroutine), executor=pool).run()
        assert "alive" == pool.submit(lambda: "alive").result(SOON)
    assert seen["sync"].startswith("mine")
    assert not seen["async"].startswith("mine")


@pytest.fixture(scope="module")
def processes():
    """A pool of two processes, as free of this one's memory as on every system."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def spread(count, work):
    """Return a fan whose sync node alone stands at module level: async nodes stay here."""
    graph = ng.Graph(Log, name="spread")

    async def split(state):
        return [ng.Send("work", item=place) for place in range(count)]

    graph.node(sends="work")(split)
    graph.node(name="work")(work)
    return graph


@pytest.mark.slow
def test_other_processes_take_the_sync_nodes(processes):
    """With a process pool the nodes run elsewhere, and their results come back in order."""
    log = ng.Engine(spread(6, double), executor=processes).run().state["log"]
    assert [0, 2, 4, 6, 8, 10] == [value for value, _ in log]
    assert os.getpid() not in {pid for _, pid in log}


@pytest.mark.slow
def test_seeded_numbers_are_the_same_in_other_processes(processes):
    """``ctx.rng`` gives in another process what it gives here."""
    here = ng.Engine(spread(3, roll), seed=5).run().state["log"]
    assert here == ng.Engine(spread(3, roll), seed=5, executor=processes).run().state["log"]


@pytest.mark.slow
def test_failures_come_back_from_other_processes(processes):
    """What a node raises in another process fails the run like anything else."""
    with pytest.raises(ng.NodeError) as caught:
        ng.Engine(spread(1, stumble), executor=processes).run()
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.slow
def test_a_node_that_cannot_travel_is_told(processes):
    """A node that does not pickle fails with its reason instead of hanging the run."""
    with pytest.raises(ng.NodeError, match="pickle"):
        ng.Engine(chain(lambda_node()), executor=processes).start().wait(SOON)


def lambda_node():
    """Return a node that only this process knows."""
    node = lambda state: None  # noqa: E731 - its not being a def is the point
    node.__name__ = "secret"
    return node


# -- the caller's loop


def test_objects_bound_to_the_callers_loop_work_with_loop_host():
    """With ``loop="host"`` async nodes share the caller's loop, and may await what was made there."""

    async def main():
        queue, ready = asyncio.Queue(), asyncio.Event()
        future = asyncio.get_running_loop().create_future()

        async def client(state):
            ready.set()
            return {"log": [await queue.get(), await future]}

        waiting = asyncio.ensure_future(ng.Engine(chain(plain, client, after), loop="host").arun())
        await ready.wait()
        queue.put_nowait("from the caller")
        future.set_result("of this loop")
        return await waiting

    assert ["plain", ["from the caller", "of this loop"], "after"] == asyncio.run(main()).state["log"]


def test_cancelling_reaches_nodes_on_the_callers_loop():
    """A run whose async node waits on the caller's loop can be cancelled there."""

    async def main():
        began, ended = asyncio.Event(), asyncio.Event()

        async def wait(state):
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        run = ng.Engine(chain(wait), loop="host").start()
        await began.wait()
        await asyncio.to_thread(run.cancel)
        await asyncio.wait_for(ended.wait(), SOON)
        with pytest.raises(ng.RunCancelledError):
            await run

    asyncio.run(main())


def test_blocking_the_loop_that_nodes_need_is_refused():
    """``engine.run`` with ``loop="host"`` would wait for itself: it is refused, no run is made, and the way out told."""
    engine = ng.Engine(chain(awaited), loop="host")

    async def main():
        engine.run()

    with pytest.raises(ng.OptionsError, match="arun") as caught:
        asyncio.run(main())
    assert "loop" == caught.value.option
    assert 0 == len(engine.runs())


def test_the_callers_loop_has_to_run():
    """``loop="host"`` without a running loop is refused."""
    with pytest.raises(ng.OptionsError, match="running"):
        ng.Engine(chain(awaited), loop="host").run()


NESTED = """
import asyncio
import nbgraph as ng
from tests.engine.stage import Log, chain

async def main():
    future = asyncio.get_running_loop().create_future()
    async def tied(state):
        asyncio.get_running_loop().call_soon(future.set_result, "tied")
        return {"log": await future}
    return ng.Engine(chain(tied), nested=True).run().state["log"]

print(asyncio.run(main()))
"""


def test_nested_blocks_inside_a_running_loop(python):
    """``nested=True`` lets ``engine.run`` block a plain loop while async nodes go on using it."""
    assert "['tied']" == python(NESTED)


FORMS = """
import asyncio, sys
import nbgraph as ng
from tests.engine.stage import chain

async def awaited(state):
    return {"log": "awaited"}

async def main(nested):
    engine = ng.Engine(chain(awaited), nested=nested)
    engine.run()
    if not nested:
        await engine.arun()
        await engine.start()
        await ng.Engine(chain(awaited), loop="host").arun()

asyncio.run(main(False))
before = "nest_asyncio" in sys.modules
asyncio.run(main(True))
print(before, "nest_asyncio" in sys.modules)
"""


def test_asyncio_is_patched_only_where_that_was_asked_for(python):
    """Every other way to run inside of a loop leaves nest-asyncio, which patches asyncio, unimported."""
    assert "False True" == python(FORMS)


def test_nested_changes_nothing_where_no_loop_runs():
    """Without a running loop there is nothing to nest in: the run is an ordinary one."""
    assert ["awaited"] == ng.Engine(chain(awaited), nested=True).run().state["log"]


def test_nested_is_refused_where_it_hangs(monkeypatch):
    """Under ipykernel 7 and later ``nested=True`` is refused before anything starts, and the way out told."""
    monkeypatch.setitem(sys.modules, "ipykernel", types.SimpleNamespace(__version__="7.4.0"))
    engine = ng.Engine(chain(awaited), nested=True)

    async def main():
        engine.run()

    with pytest.raises(ng.OptionsError, match="await") as caught:
        asyncio.run(main())
    assert "nested" == caught.value.option
    assert 0 == len(engine.runs())


@pytest.fixture
def python():
    """Run a program in a Python of its own; return what it printed."""
    import subprocess
    from pathlib import Path

    def run(code):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout.strip()

    return run


def test_many_engines_run_at_once():
    """Engines do not share anything: eight threads with a run each, of one graph and one store."""
    graph = ng.Graph(Log, name="shared")
    graph.node(name="begin")(says("begin"))
    engine = ng.Engine(graph)
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda place: engine.run(run_id=f"r{place}"), range(24)))
    assert {1} == {len(run.state["log"]) for run in runs}
    assert 24 == len(engine.runs())
