"""Listeners: they are told everything, once and in order, and nothing that they do reaches a run."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.testing import strategies
from tests.engine.stage import SOON, Gauge, chain, counting, fan, press_stop


def a(state):
    return {"log": "a"}


def b(state):
    return {"log": "b"}


class Held:
    """A listener that waits until it may go on; it keeps what it was told."""

    def __init__(self):
        self.go, self.told = threading.Event(), []

    def __call__(self, event):
        self.go.wait(SOON)
        self.told.append(event)


@pytest.fixture
def held():
    """A listener that waits, and is let go at the end."""
    made = Held()
    yield made
    made.go.set()


def rows(run):
    """Return what ``run.events`` has, as listeners see it."""
    return [(row.kind, row.step, row.node, row.task, row.data) for row in run.events.itertuples()]


def seen(events):
    """Return what a listener was told in the same form."""
    return [(event.kind, event.step, event.node, event.task, event.data) for event in events]


def listening():
    """Return the names of the threads that bring events."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("nbgraph-listener")]


@pytest.mark.parametrize("store", [":memory:", "runs.sqlite"])
def test_a_listener_is_told_every_event_once_in_the_order_of_the_rows(store, tmp_path, monkeypatch):
    """What a function was called with is ``run.events``, with the run's id on each."""
    monkeypatch.chdir(tmp_path)
    told, tries = [], []

    def work(state):
        tries.append(state["item"])
        if state["item"] == 3 and tries.count(3) < 3:
            raise TimeoutError
        return {"log": state["item"]}

    engine = ng.Engine(fan(20, work, retry=ng.Retry(attempts=3, wait=0)), store=store, listeners=[told.append])
    run = engine.run(run_id="r", queue_depth=2)
    assert engine.flush(SOON)
    assert rows(run) == seen(told)
    assert {"r"} == {event.run for event in told}
    assert {"step", "task.retried", "queue.waited", "run.completed"} == {event.kind for event in told}


def test_what_a_quick_listener_was_told_is_there_when_the_run_is():
    """A cell that runs a graph and looks at what its listener kept finds all of it."""
    told = []
    run = ng.Engine(chain(a, b), listeners=told.append).run()
    assert rows(run) == seen(told)


def test_a_listener_that_blocks_holds_up_neither_run_nor_commits_nor_other_listeners(held):
    """With one listener in the middle of its first event, the run ends, its rows are kept and another was told all."""
    told = []
    engine = ng.Engine(counting(50), listeners=[held, told.append])
    run = engine.run({"count": 0})
    assert ("completed", 51) == (run.status, len(run.steps))
    assert rows(run) == seen(told)
    assert not engine.flush(0.01)
    assert [] == held.told
    held.go.set()
    assert engine.flush(SOON)
    assert rows(run) == seen(held.told)


@pytest.mark.slow
def test_a_listener_that_is_far_behind_misses_nothing(held):
    """More commits than anybody keeps for it: it reads the rest, each once and in order."""
    engine = ng.Engine(counting(12_000), listeners=held)
    run = engine.run({"count": 0})
    held.go.set()
    assert engine.flush(SOON)
    assert rows(run) == seen(held.told)


def test_a_listener_that_raises_is_told_what_comes_next_and_logged_once_a_kind(caplog):
    """Twenty errors of two kinds are two lines in the log, and no event is left out."""
    told = []

    def raising(event):
        told.append(event)
        raise KeyError if event.step % 2 else ValueError

    with caplog.at_level(logging.WARNING, "nbgraph"):
        run = ng.Engine(counting(20), listeners=raising).run({"count": 0})
    assert rows(run) == seen(told)
    assert ["KeyError", "ValueError"] == sorted(record.exc_info[0].__name__ for record in caplog.records)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, pytest.fail.Exception])
def test_a_listener_that_wants_to_end_everything_ends_nothing(error):
    """Whatever it raises, it is told what comes next, and ``flush`` does not wait for ever."""
    told = []

    def raising(event):
        told.append(event)
        raise error

    engine = ng.Engine(chain(a, b), listeners=raising)
    run = engine.run()
    assert engine.flush(SOON)
    assert rows(run) == seen(told)


def test_a_mock_is_a_listener():
    """What can be called is called, whatever else it has."""
    mock = Mock()
    run = ng.Engine(chain(a, b), listeners=mock).run()
    assert rows(run) == seen(call.args[0] for call in mock.call_args_list)


def test_one_listener_is_never_called_twice_at_a_time():
    """Runs beside each other share its thread; each run's events keep their order."""
    gauge, told = Gauge(), []

    def listener(event):
        with gauge:
            told.append(event)

    engine = ng.Engine(counting(30), listeners=listener)
    runs = [engine.start({"count": 0}) for _ in range(8)]
    for run in runs:
        run.wait(SOON)
    assert engine.flush(SOON)
    assert 1 == gauge.peak
    for run in runs:
        assert rows(run) == seen(event for event in told if event.run == run.id)


def test_a_resumed_run_tells_what_comes_from_then_on():
    """Each drive's events once: those of the first to the engine's listener, the others to both."""
    first, second = [], []
    engine = ng.Engine(chain(a, b), listeners=[first.append])
    paused = engine.run(run_id="r", before="b")
    before = rows(paused)
    run = engine.resume("r", listeners=[first.append, second.append])
    assert engine.flush(SOON)
    assert rows(run) == seen(first)
    assert rows(run)[len(before) :] == seen(second)
    assert "run.resumed" == second[0].kind


@pytest.mark.parametrize("store", [":memory:", "runs.sqlite"])
def test_a_fork_tells_its_own_events_and_not_its_origins(store, tmp_path, monkeypatch):
    """Shared steps were told when they were made; the edit is the fork's own."""
    monkeypatch.chdir(tmp_path)
    told = []
    engine = ng.Engine(chain(a, b), store=store)
    engine.run({"count": 1}, run_id="r")
    fork = engine.fork("r", 1, update={"count": 5}, new_id="f", listeners=told.append)
    assert engine.flush(SOON)
    assert rows(fork)[1:] == seen(told)
    assert {"f"} == {event.run for event in told}


def test_an_interrupted_run_tells_that_it_was_paused(tmp_path):
    """What was written past the books, as an interrupt does, is told too."""
    told = []

    def stopped(state):
        press_stop()
        threading.Event().wait(SOON)

    engine = ng.Engine(chain(a, stopped), store=tmp_path / "r.sqlite", listeners=told.append)
    with pytest.raises(KeyboardInterrupt):
        engine.run(run_id="r")
    assert engine.flush(SOON)
    assert rows(engine.open("r")) == seen(told)
    assert "run.paused" == told[-1].kind


def test_a_cancelled_run_tells_so_though_its_node_goes_on(held):
    """A node that cannot be stopped does not keep the end of its run from those who listen."""
    told, began = [], threading.Event()

    def stuck(state):
        began.set()
        held.go.wait(SOON)

    engine = ng.Engine(chain(stuck), listeners=told.append)
    run = engine.start()
    assert began.wait(SOON)
    run.cancel()
    assert engine.flush(SOON)
    assert ["run.cancelled"] == [event.kind for event in told]


def test_threads_of_listeners_end_with_the_drive():
    """Between its runs an engine with listeners has no thread."""
    engine = ng.Engine(chain(a), listeners=[lambda event: None])
    engine.run()
    engine.run()
    assert engine.flush(SOON)
    assert [] == listening()


def test_without_listeners_there_is_no_thread():
    """A run that nobody listens to is the run that it was: nothing is begun for it."""
    inside = []

    def look(state):
        inside.extend(listening())

    ng.Engine(chain(look)).run()
    assert [] == inside


def test_a_listener_may_wait_for_itself():
    """``flush`` inside a listener says that it cannot, at once."""
    answers = []
    engine = ng.Engine(chain(a), listeners=lambda event: answers.append(engine.flush(SOON)))
    engine.run()
    engine.flush(SOON)
    assert [False, False] == answers


def test_closing_an_engine_tells_the_rest_and_lets_go(tmp_path):
    """At the end of ``with engine`` everything committed was told, and its observers know that nothing more comes."""
    ended, told = [], []

    class Observer:
        every = 60.0

        def begin(self, run):
            return self

        def take(self, news):
            told.extend(news.steps)

        def end(self):
            ended.append(True)

    with ng.Engine(counting(40), store=tmp_path / "r.sqlite", listeners=Observer()) as engine:
        engine.start({"count": 0}).wait(SOON)
    assert ([True], 41) == (ended, len(told))
    assert [] == listening()


def test_a_store_that_is_closed_under_a_listener_is_no_error(held, caplog):
    """A listener that is behind when the file goes away is told what it got before, and no more."""
    engine = ng.Engine(chain(a, b), listeners=held)
    engine.run()
    engine.store.close()
    held.go.set()
    assert engine.flush(SOON)
    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


PROGRAM = """
import sys
import nbgraph as ng
graph = ng.Graph({"n": int}, name="count")
graph.node(name="up")(lambda state: {"n": state["n"] + 1})
graph.edge("up", "up", when=lambda state: state["n"] < 500)
graph.edge("up", "end", otherwise=True)
graph.node(name="end")(lambda state: None)
graph.start("up")
ng.Engine(graph, listeners=ng.JsonLines(sys.argv[1])).start({"n": 0}).wait()
"""


@pytest.mark.slow
def test_a_program_that_ends_tells_its_listeners_first(tmp_path):
    """A script's last run is whole in its log, without a word about flushing in the script."""
    lines = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, "-c", PROGRAM, lines], check=True, timeout=60)
    assert 502 == len(lines.read_text().splitlines())


def misbehaving(kind, gate):
    """Return a listener that raises, blocks, or changes what it is given."""

    def listener(event):
        if kind == "raises":
            raise RuntimeError(event.kind)
        if kind == "blocks":
            gate.wait(SOON)
        event.data.clear()

    return listener


@given(
    data=st.data(),
    graph=strategies.graphs(max_nodes=6, failing=True),
    kinds=st.lists(st.sampled_from(["raises", "blocks", "changes"])),
)
def test_no_listener_changes_a_run(data, graph, kinds):
    """Whatever graph, and however its listeners misbehave: the run's digest is that of a run without any."""
    gate, given_ = threading.Event(), data.draw(strategies.states(graph))
    ends = []
    for listeners in ([], [misbehaving(kind, gate) for kind in kinds]):
        engine = ng.Engine(graph, listeners=listeners)
        run = engine.start(given_, run_id="r")
        try:
            run.wait(SOON)
        except ng.NbgraphError as error:
            ends.append(error.message)
        ends.append((run.status, run.digest))
    gate.set()
    assert ends[: len(ends) // 2] == ends[len(ends) // 2 :]
