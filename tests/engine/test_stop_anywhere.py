"""Stop pressed at any moment inside a front door: the person reads how to go on, and can; a sweep over the moments."""

from __future__ import annotations

import _thread
import gc
import signal
import sys
import threading
from functools import partial

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, chain

pytestmark = pytest.mark.slow


class Stop(int):
    """``Stop(SIGINT).now`` presses stop as a signal does: it is heard where Python hears signals, not here.

    A property, as no call is made then at which it would be heard.
    """

    now = property(_thread.interrupt_main)


class Nobody(partial):
    """``.looks`` ends the profiling, for the same reason without a call of ours."""

    looks = property(sys.setprofile)


SIGINT, NOBODY = Stop(signal.SIGINT), Nobody(slice)
STDLIB_LOCKS = ("_release_save", "_acquire_restore", "_is_owned", "__enter__", "__exit__")


class Presser:
    """A profiler that presses stop at the n-th call or return. Python's own locks cannot bear it; weak ones swallow it."""

    def __init__(self, moment):
        self.left = moment

    def __call__(self, frame, event, arg):
        code = frame.f_code
        if "weakref" in code.co_filename or (code.co_filename == threading.__file__ and code.co_name in STDLIB_LOCKS):
            return
        self.left -= 1
        if self.left == 0:
            NOBODY.looks  # noqa: B018 - see above
            SIGINT.now  # noqa: B018 - as above


def unless_swallowed(hook, told):
    """Pass on what Python tells of an exception that nobody hears, but for stop in the callback of a weak reference.

    One that is pressed just before a thread's last reference goes is heard in there, and Python drops it: no
    library can do anything about that.
    """
    place = told.exc_traceback
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else place.tb_frame.f_code.co_filename
    if told.exc_type is not KeyboardInterrupt or "weakref" not in where:
        hook(told)


def pressed(act, moment):
    """Do ``act`` with stop pressed at a moment; return what was raised, if anything, None where it ended before.

    No garbage is collected meanwhile: what is raised in a collection (Hypothesis listens to them) nobody hears.
    """
    presser, hook = Presser(moment), sys.unraisablehook
    sys.unraisablehook = partial(unless_swallowed, hook)
    gc.disable()
    try:
        sys.setprofile(presser)
        act()
        sys.setprofile(None)
        for _ in range(3):
            pass  # what was pressed at the end is heard here
    except KeyboardInterrupt as raised:
        sys.setprofile(None)
        return raised
    finally:
        gc.enable()
        sys.unraisablehook = hook
    return None if presser.left > 0 else KeyboardInterrupt()


def plain(state):
    return {"log": "plain"}


def after(state):
    return {"log": "after"}


DOORS = {
    "run": lambda engine: engine.run(run_id="r"),
    "start": lambda engine: engine.start(run_id="r"),
    "wait": lambda engine: engine.start(run_id="r").wait(),
    "resume": lambda engine: engine.resume("p"),
    "run.resume": lambda engine: engine.open("p").resume(),
    "step": lambda engine: engine.open("p").step(),
    "until": lambda engine: engine.open("p").until("after"),
    "fork": lambda engine: engine.fork("p", 1, new_id="r"),
    "run.fork": lambda engine: engine.open("p").fork(1, new_id="r"),
}


def ended(engine, run_id, told):
    """Return a run at its end, after what a person read who stopped it."""
    if f"engine.resume('{run_id}')" in told:
        run = engine.open(run_id)
        return run if run.status == "completed" else engine.resume(run_id)
    assert ("had not begun" in told) <= (run_id not in set(engine.runs().run_id))
    if run_id not in set(engine.runs().run_id):
        return engine.run(run_id=run_id)  # nothing was made, or nothing is left: the name is free
    run = engine.open(run_id).wait(SOON)  # not ours to tell any more, or not yet: nothing happened to it
    return run if run.status == "completed" else engine.resume(run_id)


@pytest.mark.parametrize("where", ["memory", "file"])
@pytest.mark.parametrize("door", DOORS)
def test_stop_at_any_moment_leaves_a_run_that_goes_on_or_none(door, where, tmp_path):
    """Wherever stop is heard, the run can be ended, with the same state; no lease, thread or lock is left in its way."""
    graph, moment, told = chain(plain, after), 1, set()
    run_id = "p" if door in ("resume", "run.resume", "step", "until") else "r"
    while True:
        engine = ng.Engine(graph, store=":memory:" if where == "memory" else tmp_path / f"{moment}.sqlite")
        engine.run(run_id="p", before="after")
        stop = pressed(partial(DOORS[door], engine), moment)
        if stop is None:
            break
        told.add(str(stop))
        assert ["plain", "after"] == ended(engine, run_id, str(stop)).state["log"], moment
        assert [] == list(engine.store.verify())
        engine.close()
        moment += 29 if where == "memory" else 97
    assert any(told)


@pytest.mark.parametrize("door", ["start", "run.resume", "run.fork"])
def test_stop_while_the_runs_thread_begins_pauses_the_run(door, monkeypatch):
    """An interrupt in the moment between the thread's beginning and its first sign of life says how to go on."""
    engine = ng.Engine(chain(plain, after))
    engine.run(run_id="p", before="after")
    run_id, begin = "p" if door == "run.resume" else "r", threading.Thread.start

    def begun(thread):
        begin(thread)
        if thread.name == f"nbgraph-{run_id}":
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", begun)
    with pytest.raises(KeyboardInterrupt, match=run_id):
        DOORS[door](engine)
    monkeypatch.undo()
    assert ["plain", "after"] == ended(engine, run_id, f"engine.resume('{run_id}')").state["log"]
