"""The fake clock: time moves when the test says so, and an engine goes by it."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest

import nbgraph as ng
from nbgraph.testing import FakeClock, finishing


def flaky(wait: float) -> ng.Graph:
    """Return a graph whose node fails once and pauses ``wait`` seconds before it is tried again."""
    graph = ng.Graph({"attempts": int}, name="flaky")

    @graph.node(retry=ng.Retry(attempts=2, wait=wait, cap=wait, jitter=0))
    def often(state, ctx):
        if ctx.attempt == 1:
            raise OSError("not yet")
        return {"attempts": ctx.attempt}

    return graph


def test_time_stands_still_until_it_is_moved():
    """Readings are equal until ``advance``, and both readings move together."""
    clock = FakeClock(start=10.0)
    assert [10.0] * 3 == [clock.now(), clock.monotonic(), clock.now()]
    clock.advance(0)
    clock.advance(1.5)
    assert (11.5, 11.5) == (clock.now(), clock.monotonic())


def test_a_tick_moves_it_on_at_every_reading():
    """With ``tick``, each reading is that much later than the one before, whichever of the two it is."""
    clock = FakeClock(start=0.0, tick=0.25)
    assert [0.0, 0.25, 0.5, 0.75] == [clock.now(), clock.monotonic(), clock.monotonic(), clock.now()]


def test_threads_share_it_without_losing_a_tick():
    """Of eight threads that read at once, no two get the same reading."""
    clock, found, together = FakeClock(start=0.0, tick=1.0), [], threading.Barrier(8)

    def read():
        together.wait()
        found.extend([clock.now() for _ in range(500)])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(range(4000)) == sorted(found)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_it_never_goes_back(seconds):
    """A step or tick that is negative or not finite is refused, and the time stays."""
    clock = FakeClock(start=5.0)
    with pytest.raises(ng.OptionsError, match="seconds is"):
        clock.advance(seconds)
    with pytest.raises(ng.OptionsError, match="tick is"):
        FakeClock(tick=seconds)
    assert 5.0 == clock.now()


def test_a_run_is_dated_by_it(tmp_path):
    """What a node reads and what the store keeps comes from the engine's clock."""
    graph = ng.Graph({"seen": datetime}, name="dated")

    @graph.node
    def look(state, ctx):
        return {"seen": ctx.now()}

    run = ng.Engine(graph, store=tmp_path / "runs.sqlite", clock=FakeClock(start=1000.0)).run()
    with ng.SqliteStore(tmp_path / "runs.sqlite", read_only=True) as store:
        assert (1000.0, 1000.0) == (run.state["seen"].timestamp(), store.run(run.id).record.created)


def test_a_long_pause_takes_no_time_with_a_crew_that_knows_the_clock():
    """A retry's pause of a day ends at once, a day later by the clock."""
    clock = FakeClock(start=0.0)
    run = ng.Engine(flaky(86_400.0), clock=clock, executor=finishing((), clock=clock)).run()
    assert (2, 86_400.0) == (run.state["attempts"], clock.now())


def test_a_tick_as_long_as_the_pause_ends_it():
    """With ``tick``, the ordinary workers get past a pause without anybody moving the clock."""
    run = ng.Engine(flaky(3600.0), clock=FakeClock(tick=3600.0)).run()
    assert 2 == run.state["attempts"]
