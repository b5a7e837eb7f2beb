"""One driver a run: of many that try at once one drives, and one that was taken for dead writes nothing more."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest

import nbgraph as ng
from tests.contracts.lives import REPO, undisturbed
from tests.contracts.paying import Errand, expected_items, rows_of
from tests.contracts.programs import crowd, errands, laps

PROCESSES = 10


def let_loose(folder, till, runs, rounds, saboteur):
    """Let ten processes go for all runs of one store; return what each attempt said."""
    order = {
        "store": str(folder / "runs.sqlite"), "witness": str(folder / "witness"), "url": till.url, "runs": runs,
        "rounds": rounds, "processes": PROCESSES, "saboteur": saboteur,
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.contracts.programs.crowd", json.dumps(order)]
    done = subprocess.run(command, cwd=REPO, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def saboteur() -> str:
    """Nothing is broken, unless ``test_saboteurs`` says so."""
    return "nobody"


@pytest.mark.parametrize(("runs", "rounds"), [(2, 2), pytest.param(25, 4, marks=pytest.mark.slow)])
def test_a_thousand_attempts_of_ten_processes_commit_each_step_once(
    tmp_path, till, runs, rounds, saboteur, record_testsuite_property
):
    """Whoever drives, and however often that changes: each step is committed once, each call is paid once."""
    kinds = Counter(what for *_, what in let_loose(tmp_path, till, runs, rounds, saboteur))
    check_crowd(tmp_path, till, runs)
    record_testsuite_property(f"attempts at {runs} runs", dict(kinds))
    assert PROCESSES * runs * rounds == kinds.total()
    assert kinds["drove"] >= 2 * runs
    assert kinds["busy"]


def check_crowd(folder, till, runs):
    """Check that all runs are complete, and that nothing in them or outside was done twice."""
    expected, lines = undisturbed(errands, crowd.SIZE), (folder / "witness").read_text(encoding="ascii").splitlines()
    engine = ng.Engine(errands.build(laps.Blind()), store=folder / "runs.sqlite")
    opened = [engine.open(f"r{which}") for which in range(runs)]
    keys = [row.key for run in opened for row in engine.store.steps(run.id)]
    assert [(expected.digest, "completed")] * runs == [(run.digest, run.status) for run in opened]
    assert len(keys) == len(set(keys)) == runs * len(expected.parents)
    assert [] == list(engine.store.verify())
    starts = Counter((key, task) for word, task, key, _ in (line.split() for line in lines) if word == "start")
    assert runs * len(expected.parents) == len(starts)
    refused = {payment.key for payment in till.books.payments if payment.item.startswith("odd")}
    assert runs * expected_items(crowd.SIZE).total() == len(till.books.paid)
    assert {(False, 1), (True, 2)} == {(key in refused, count) for key, count in till.books.paid.items()}


# -- a stopped driver


class Later:
    """A clock by which every lease of now has run out."""

    monotonic = staticmethod(time.monotonic)

    @staticmethod
    def now() -> float:
        """Return the time in a minute."""
        return time.time() + 60


MOMENTS = {
    "in a body": {"at": "witnessed", "count": 4},
    "in a call": {"ambush": "milk"},
    "in an async call": {"ambush": "gate"},
    "before it keeps a call": {"at": "record called", "count": 6},
    "before it keeps a step": {"at": "commit called", "count": 3},
}


@pytest.mark.parametrize("holds", [True, False], ids=["held", "completed"])
@pytest.mark.parametrize("durability", ["full", "normal"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stopped_driver_is_fenced_out(tmp_path, nursery, till, moment, durability, holds):
    """Stopped anywhere, taken over and woken, while the new driver holds the run or when it is done: 20 of 20 refused."""
    course, aim = Errand(tmp_path, (1, 2), durability, till=till), dict(MOMENTS[moment])
    if "ambush" in aim:
        till.ambush(signal.SIGSTOP, item=aim.pop("ambush"))
    found = []
    # One task at a time: a process that is stopped in the middle of a commit keeps the file locked.
    life = course.live(
        nursery, stop=True, width=1, **aim, when_stopped=lambda pid: found.append(take_over(course, holds))
    )
    assert life.code
    assert "RunBusyError" in life.words
    assert_nothing_came_after(course, found[0])


def take_over(course, holds):
    """Take the run from its stopped driver, and drive it to its end or just hold it; return what there is then."""
    engine = ng.Engine(errands.build(laps.Blind(), course.till.url), store=course.store, clock=Later())
    if holds:
        lease = engine.store.acquire(course.run)
    else:
        lease = None
        assert "completed" == errands.drive(engine, course.size, course.run).status
    course.till.quiet()
    return engine, lease, rows_of(engine.store, course.run), len(course.till.books.payments)


def assert_nothing_came_after(course, found):
    """Check that the old driver wrote nothing and paid nothing, and that the run goes on to its right end."""
    engine, lease, rows, paid = found
    assert rows == rows_of(engine.store, course.run)
    assert paid == len(course.till.books.payments)
    if lease is not None:
        engine.store.release(lease)
        assert "completed" == errands.drive(engine, course.size, course.run).status
    run = engine.open(course.run)
    assert undisturbed(errands, course.size).digest == run.digest
    assert run.replay().ok
    assert [] == list(engine.store.verify())
    engine.close()


def test_a_driver_that_is_stopped_in_the_middle_of_a_commit_is_waited_for(tmp_path, nursery, till):
    """It keeps the file locked, so nobody takes the run over: it goes on as if nothing had been."""
    course, busy = Errand(tmp_path, (1, 2), till=till), []

    def try_to_take_over(pid):
        with (
            ng.SqliteStore(course.store, clock=Later(), busy_timeout=0.05) as store,
            pytest.raises(ng.StoreBusy) as error,
        ):
            store.acquire(course.run)
        busy.append(error.value)

    assert 0 == course.live(nursery, at="commit: before COMMIT", count=3, stop=True, when_stopped=try_to_take_over).code
    assert ([], 1) == (course.end(), len(busy))


def test_a_run_that_is_driven_is_busy(tmp_path):
    """While one engine drives a run, another one on the same file is refused, and drives nothing."""
    began, gate, bodies = threading.Event(), threading.Event(), []
    graph = ng.Graph({"n": int}, name="held")

    @graph.node
    def work(state):
        bodies.append(1)
        if len(bodies) == 1:
            began.set()
            gate.wait(30)
        return {"n": 1}

    first = ng.Engine(graph, store=tmp_path / "runs.sqlite").start(run_id="r")
    assert began.wait(30)
    try:
        with pytest.raises(ng.RunBusyError, match="'r'"):
            ng.Engine(graph, store=tmp_path / "runs.sqlite").resume("r")
    finally:
        gate.set()
        with suppress(ng.RunBusyError):  # what a first driver hears where the second was let in
            first.wait()
    assert [1] == bodies
