"""Ctrl-C: whatever a blocking run does, the prompt is back within 2 s, nothing is lost, and resume goes on."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, beside, chain, kinds, nodes_of, press_stop


def plain(state):
    return {"log": "plain"}


def after(state):
    return {"log": "after"}


def stopped_lone():
    """Return a chain whose second node, called by the run itself, presses stop the first time."""
    presses = []

    def lone(state):
        if not presses:
            presses.append(1)
            press_stop()
            threading.Event().wait(SOON)
        return {"log": "lone"}

    return chain(plain, lone, after), ["plain", "lone", "after"]


def stopped_threads():
    """Return two sync nodes side by side, of which one presses stop the first time."""
    presses, release = [], threading.Event()

    def left(state, ctx):
        if not presses:
            presses.append(1)
            press_stop()
            while not ctx.cancelled:
                release.wait(0.005)
        return {"log": "left"}

    def right(state):
        return {"log": "right"}

    return beside(left, right), ["left", "right"]


def stopped_async():
    """Return a chain whose second node, awaited on the run's loop, presses stop the first time."""
    presses = []

    async def lone(state):
        if not presses:
            presses.append(1)
            press_stop()
            await asyncio.Event().wait()
        return {"log": "lone"}

    return chain(plain, lone, after), ["plain", "lone", "after"]


@pytest.mark.parametrize("where", ["memory", "file"])
@pytest.mark.parametrize("scene", [stopped_lone, stopped_threads, stopped_async])
def test_pressing_stop_pauses_a_blocking_run(scene, where, tmp_path):
    """Ctrl-C brings the prompt back within 2 s and says how to go on; nothing is lost, and resume goes on."""
    graph, words = scene()
    engine = ng.Engine(graph, store=":memory:" if where == "memory" else tmp_path / "runs.sqlite")
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match=r"engine.resume\('r'\)"):
        engine.run(run_id="r")
    assert time.monotonic() - start < 2.0
    run = engine.open("r")
    assert "paused" == run.status
    before = nodes_of(run)
    assert words == engine.resume("r").state["log"]
    assert before == nodes_of(run)[: len(before)]
    assert [] == list(engine.store.verify())


def test_pressing_stop_while_waiting_for_a_run_pauses_it():
    """``run.wait()`` is stopped by Ctrl-C, and pauses the run that it waited for."""
    waiting, pausing = threading.Event(), threading.Event()

    def press(state):
        assert waiting.wait(SOON)
        press_stop()
        assert pausing.wait(SOON)
        return {"log": "press"}

    engine = ng.Engine(chain(press, after))
    run = engine.start(run_id="r")
    tell_waits(run._session, waiting, pausing)
    with pytest.raises(KeyboardInterrupt, match=r"engine\.resume"):
        run.wait()
    assert ("paused", ["press"]) == (run.status, nodes_of(run)), run.error
    assert ["press", "after"] == run.resume().wait(SOON).state["log"]


def tell_waits(session, waiting, pausing):
    """Set ``waiting`` when somebody begins to wait for the session, ``pausing`` when it was asked to pause."""
    wait, pause = session.wait, session.pause
    session.wait = lambda timeout=None: (waiting.set(), wait(timeout))[1]
    session.pause = lambda: (pause(), pausing.set())


def test_a_thread_that_is_left_behind_by_stop_changes_nothing():
    """What a sync node returns after Ctrl-C is discarded; resuming runs the node again."""
    presses, release, ended = [], threading.Event(), threading.Event()

    def left(state):
        presses.append(1)
        if len(presses) == 1:
            press_stop()
            release.wait(SOON)
            ended.set()
            return {"log": "late"}
        return {"log": "left"}

    engine = ng.Engine(beside(left, plain))
    with pytest.raises(KeyboardInterrupt):
        engine.run(run_id="r")
    release.set()
    assert ended.wait(SOON)
    assert ["left", "plain"] == engine.resume("r").state["log"]


def test_stop_during_a_resume_pauses_again():
    """A resumed run can be interrupted like any other."""
    graph, words = stopped_async()
    engine = ng.Engine(graph)
    paused = engine.run(run_id="r", before="lone")
    assert "paused" == paused.status
    with pytest.raises(KeyboardInterrupt, match=r"engine\.resume"):
        engine.resume("r")
    assert ["interrupted"] == [data["why"] for data in kinds(engine.open("r"), "run.paused")][1:]
    assert words == engine.resume("r").state["log"]
