"""Rule 11: whatever a run is doing, cancelling it takes less than a second and loses nothing that was kept."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, beside, chain, fan, nodes_of


class Scene:
    """Two events that nodes and the test meet at: somebody began, everybody may go."""

    def __init__(self) -> None:
        self.began, self.release, self.ended = threading.Event(), threading.Event(), threading.Event()

    def stuck(self, state):
        """Begin, and wait for the release, deaf to any flag."""
        self.began.set()
        self.release.wait(SOON)
        self.ended.set()
        return {"log": "late"}


@pytest.fixture
def scene():
    """A scene whose stuck nodes are let go at the end."""
    made = Scene()
    yield made
    made.release.set()


def cancelled(run, began):
    """Cancel a run that has begun; check that it took less than a second and is told as it should be."""
    assert began.wait(SOON)
    start = time.monotonic()
    run.cancel()
    with pytest.raises(ng.RunCancelledError) as caught:
        run.wait(SOON)
    assert time.monotonic() - start < 1.0
    assert run.id == caught.value.run_id
    assert "cancelled" == run.status
    assert isinstance(run.error, ng.RunCancelledError)


def test_an_async_node_is_cancelled(scene):
    """An awaiting node gets ``CancelledError`` at its await, and the run stands still."""

    async def wait(state):
        scene.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            scene.ended.set()
            raise

    cancelled(ng.Engine(chain(wait)).start(), scene.began)
    assert scene.ended.wait(SOON)


def test_an_async_node_that_refuses_is_left_behind(scene):
    """A coroutine that swallows its cancellation does not hold the run up."""

    async def wait(state):
        for _ in range(3):
            try:
                scene.began.set()
                await asyncio.to_thread(scene.release.wait, SOON)
            except asyncio.CancelledError:
                continue

    cancelled(ng.Engine(chain(wait)).start(), scene.began)


def test_a_thread_that_looks_at_its_flag_ends(scene):
    """``ctx.cancelled`` turns true in every running sync node."""
    ended = threading.Semaphore(0)

    def left(state, ctx):
        pause = threading.Event()
        scene.began.set()
        while not ctx.cancelled:
            pause.wait(0.005)
        ended.release()

    def right(state, ctx):
        left(state, ctx)

    cancelled(ng.Engine(beside(left, right)).start(), scene.began)
    assert ended.acquire(timeout=SOON)
    assert ended.acquire(timeout=SOON)


def test_a_thread_that_does_not_look_is_left_behind(scene):
    """A deaf sync node does not hold the run up, and what it returns later is stored nowhere."""

    def left(state):
        return scene.stuck(state)

    def right(state):
        return {"log": "right"}

    run = ng.Engine(beside(left, right)).start()
    cancelled(run, scene.began)
    steps = nodes_of(run)
    scene.release.set()
    assert scene.ended.wait(SOON)
    assert steps == nodes_of(run)
    assert "late" not in run.state.get("log", ())


@pytest.mark.parametrize("where", [":memory:", "file"])
def test_a_node_that_the_run_called_itself_is_left_behind(scene, where, tmp_path):
    """A lone sync node, called without a thread hop, cannot delay the cancelling either."""

    def first(state):
        return {"log": "first"}

    def lone(state):
        return scene.stuck(state)

    store = where if where == ":memory:" else tmp_path / "runs.sqlite"
    run = ng.Engine(chain(first, lone), store=store).start()
    cancelled(run, scene.began)
    assert ["first"] == nodes_of(run)
    scene.release.set()
    assert scene.ended.wait(SOON)
    assert ["first", "late"] == run.resume().wait(SOON).state["log"]


def test_cancelling_reaches_a_run_that_backs_off(scene):
    """A long pause before a retry is not waited for."""

    def fail(state):
        scene.began.set()
        raise ValueError

    graph = ng.Graph({"x": int}, name="backoff")
    graph.node(retry=ng.Retry(attempts=3, wait=60, cap=60))(fail)
    cancelled(ng.Engine(graph).start(), scene.began)


def test_cancelling_reaches_tasks_that_wait_for_a_worker(scene):
    """Tasks that were ready, queued or not even admitted never start."""
    started = []

    def work(state):
        started.append(state["item"])
        scene.stuck(state)

    run = ng.Engine(fan(9, work), max_concurrent=2, queue_depth=2).start()
    cancelled(run, scene.began)
    assert set(started) <= {0, 1}


def test_a_blocked_run_can_be_cancelled_from_another_thread(scene):
    """``engine.run`` in one thread raises as soon as another thread cancels its run."""
    engine = ng.Engine(beside(*[named(scene, name) for name in "ab"]))
    seen = []

    def drive():
        try:
            engine.run(run_id="r")
        except ng.RunCancelledError as error:
            seen.append(error)

    thread = threading.Thread(target=drive)
    thread.start()
    assert scene.began.wait(SOON)
    engine.open("r").cancel()
    thread.join(1.0)
    assert ["r"] == [error.run_id for error in seen]


def named(scene, name):
    """Return a stuck node of that name."""

    def node(state):
        return scene.stuck(state)

    node.__name__ = name
    return node


def test_a_cancelled_run_goes_on_when_resumed(scene):
    """Resuming executes what did not finish, and nothing else."""
    calls = []

    def first(state):
        calls.append("first")
        return {"log": "first"}

    async def second(state):
        calls.append("second")
        if calls.count("second") == 1:
            scene.began.set()
            await asyncio.Event().wait()
        return {"log": "second"}

    engine = ng.Engine(chain(first, second))
    run = engine.start(run_id="r")
    cancelled(run, scene.began)
    assert ["first", "second"] == engine.resume("r").state["log"]
    assert ["first", "second", "second"] == calls


def test_cancelling_twice_or_late_does_nothing(scene):
    """A run that stands still cannot be cancelled."""

    def quick(state):
        return {"log": "quick"}

    run = ng.Engine(chain(quick)).run()
    assert "completed" == run.cancel().cancel().status
