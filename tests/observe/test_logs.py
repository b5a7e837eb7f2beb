"""Runs in ``logging``: structured, one line each, and only where somebody reads them."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from decimal import Decimal

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, Log, chain


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        """Keep one."""
        self.records.append(record)


@pytest.fixture
def kept():
    """A handler on ``nbgraph`` at DEBUG."""
    handler, logger = Kept(), logging.getLogger("nbgraph")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def a(state):
    return {"log": "a"}


def pays(state, ctx):
    ctx.usage(model="m", input_tokens=5, cost="0.125")
    return {"log": "pays"}


def told(kept, name):
    """Return (level, status) of the records of one logger."""
    return [(record.levelname, record.status) for record in kept.records if record.name == name]


def test_a_run_is_logged_from_start_to_end(kept):
    """Two records a run, one a step, with what happened as fields."""
    engine = ng.Engine(chain(a, pays))
    engine.run(run_id="r")
    assert engine.flush(SOON)
    assert [("INFO", "started"), ("INFO", "completed")] == told(kept, "nbgraph.run")
    assert [("DEBUG", "done"), ("DEBUG", "done")] == told(kept, "nbgraph.task")
    last = kept.records[-1]
    assert ("r", "chain", 2, Decimal("0.125")) == (last.run_id, last.graph, last.steps, last.cost)
    assert last.seconds >= 0
    steps = [record for record in kept.records if record.name == "nbgraph.task"]
    assert [("a", 1, 1), ("pays", 2, 1)] == [(record.node, record.step, record.attempt) for record in steps]


def test_what_goes_wrong_is_a_warning(kept):
    """A retry, a task that failed for good, and the run that failed with it."""

    def broken(state):
        raise ValueError("no\nway")

    graph = ng.Graph(Log, name="g")
    graph.node(name="broken", retry=ng.Retry(attempts=2, wait=0))(broken)
    engine = ng.Engine(graph)
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    assert engine.flush(SOON)
    assert [("WARNING", "retried"), ("WARNING", "failed")] == told(kept, "nbgraph.task")
    assert [("INFO", "started"), ("WARNING", "failed")] == told(kept, "nbgraph.run")
    assert ["ValueError: no\nway"] * 2 == [record.error for record in kept.records if record.name == "nbgraph.task"]


def test_pauses_resumes_and_forks_are_said(kept):
    """What a person does with a run is in the log under its own word."""
    engine = ng.Engine(chain(a, pays))
    engine.run(run_id="r", before="pays")
    engine.resume("r")
    engine.fork("r", 1, new_id="f")
    assert engine.flush(SOON)
    words = ["started", "paused", "resumed", "completed", "forked", "completed"]
    assert words == [status for _, status in told(kept, "nbgraph.run")]


@pytest.mark.parametrize("name", ["two\nlines", "tab\tand\x1b[31m", "%s %d"])
def test_a_record_is_one_line(kept, name):
    """Names and errors of users do not break a line, nor the terminal, nor the formatting."""

    def broken(state):
        raise ValueError(name)

    graph = ng.Graph(Log, name=name)
    graph.node(name="broken", retry=ng.Retry(attempts=2, wait=0))(broken)
    engine = ng.Engine(graph)
    with pytest.raises(ng.NodeError):
        engine.run(run_id=name)
    assert engine.flush(SOON)
    lines = [logging.Formatter("%(message)s").format(record) for record in kept.records]
    assert len(lines) == 4
    assert [] == [line for line in lines if not line.isprintable()]


def test_where_nobody_reads_nothing_listens():
    """At the usual level, and without a handler, no thread is begun for the log."""
    inside = []

    def look(state):
        inside.extend(thread.name for thread in threading.enumerate() if "listener" in thread.name)

    ng.Engine(chain(look)).run()
    assert [] == inside


PROGRAM = """
import nbgraph as ng
graph = ng.Graph({"n": int}, name="g")
graph.node(name="a", retry=ng.Retry(attempts=2, wait=0))(lambda state: 1 / 0)
try:
    ng.Engine(graph).run({"n": 0})
except ng.NodeError:
    pass
"""


@pytest.mark.slow
def test_a_program_that_says_nothing_of_logging_prints_nothing():
    """A library's records go nowhere by themselves."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60, capture_output=True, text=True)
    assert ("", "") == (done.stdout, done.stderr)
