"""The line of progress: after a second, one thread for all, gone in the end, and never in the way of a run."""

from __future__ import annotations

import io
import threading
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

import pytest

import nbgraph as ng
from nbgraph.notebook import progress as module
from nbgraph.notebook.progress import SOON, Line, Watcher, note_of, progress


class Task(NamedTuple):
    """A task that runs."""

    node: str
    started: float | None = 0.0


class Bar:
    """A bar that notes what it is told."""

    def __init__(self):
        self.shown, self.closed = [], False

    def show(self, steps, note):
        self.shown.append((steps, note))

    def close(self):
        self.closed = True


@pytest.fixture
def run():
    """A run of two steps, one of them at the second attempt."""
    graph, tries = ng.Graph({"n": int}, name="g"), []

    @graph.node
    def one(state):
        return {"n": 1}

    @graph.node(after="one", retry=ng.Retry(attempts=2, wait=0, jitter=0))
    def two(state):
        tries.append(1)
        return {"n": 2} if len(tries) > 1 else 1 / 0

    return ng.Engine(graph).run({}, run_id="r1")


def test_a_short_run_shows_nothing(run):
    """Before its first second a run has no line, and nothing follows it."""
    line = Line(run, pytest.fail, since=100.0)
    line.look(100.0 + SOON / 2)
    line.close()


def test_a_line_says_steps_and_failures(run):
    """From the first second on the line says how many steps there are, and what failed; then it is gone."""
    bar = Bar()
    line = Line(run, lambda run_id, elapsed: bar, since=100.0)
    line.look(101.0)
    line.close()
    line.look(102.0)
    assert ([(2, "1 retried")], True) == (bar.shown, bar.closed)


def test_a_note_names_what_runs_most():
    """A note names three nodes at most, and counts those that run several times; what waits does not run."""
    running = [*map(Task, "aabcde"), Task("waits", None)]
    assert "running a ×2, b, c, 2 more; 1 failed" == note_of(running, Counter({"task.failed": 1}))
    assert "" == note_of([], Counter())
    assert 60 == len(note_of([Task("x" * 100)], Counter()))


def test_a_bar_that_breaks_takes_only_itself_away(run):
    """Whatever goes wrong with a line, it ends quietly and is not tried again."""
    broken = Bar()
    broken.show = lambda *_: 1 / 0
    line = Line(run, lambda run_id, elapsed: broken, since=0.0)
    line.look(5.0)
    line.look(6.0)
    assert broken.closed


def test_one_thread_looks_at_all_lines():
    """Lines of many runs are looked at by one thread, which ends when there are none."""
    watcher = Watcher(every=0.001)

    class Fake:
        def __init__(self):
            self.threads, self.closed = set(), False

        def look(self, now):
            if not self.threads:
                self.threads.add(threading.current_thread())
                if all(line.threads for line in lines):
                    done.set()

        def close(self):
            self.closed = True

    lines, done = [Fake() for _ in range(20)], threading.Event()
    for line in lines:
        watcher.add(line)
    assert done.wait(30)
    for line in lines:
        watcher.remove(line)
    (thread,) = set().union(*(line.threads for line in lines))
    thread.join(30)
    assert not thread.is_alive()
    assert all(line.closed for line in lines)


def test_a_terminals_line_is_wiped():
    """On a terminal the line is written in place, and blanks are what is left of it."""
    out = io.StringIO()
    bar = module._InTerminal("r1", 3.0, file=out)
    bar.show(12, "running a")
    bar.close()
    *_, written, wiped, end = out.getvalue().split("\r")
    assert "run r1: step 12 after 00:03,  4.00 steps/s, running a" == written.strip()
    assert ("", "") == (wiped.strip(), end)


@pytest.mark.parametrize(("quiet", "setting", "looks"), [(True, "", True), (False, "0", True), (False, "", False)])
def test_silence(run, monkeypatch, quiet, setting, looks):
    """``quiet``, NBGRAPH_PROGRESS=0, or nobody who looks: no thread, no line."""
    monkeypatch.setenv("NBGRAPH_PROGRESS", setting)
    monkeypatch.setattr(module, "somebody_looks", lambda: looks)
    monkeypatch.setattr(module, "_WATCHER", None)
    with progress(run, quiet=quiet):
        pass


def test_a_run_that_raises_loses_its_line(run, monkeypatch):
    """The line goes when the block ends by an error, which passes through."""
    monkeypatch.setattr(module, "somebody_looks", lambda: True)
    seen: list = []
    with suppress(ZeroDivisionError), progress(run):
        seen += module._WATCHER._lines
        raise ZeroDivisionError
    assert 1 == len(seen)
    assert {} == module._WATCHER._lines
