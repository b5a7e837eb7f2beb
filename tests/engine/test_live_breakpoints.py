"""Breakpoints that are set and taken back while the run goes on."""

from __future__ import annotations

import threading
from collections.abc import MutableSet

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, Log, beside, chain, counting, kinds, nodes_of


def a(state):
    return {"log": "a"}


def b(state):
    return {"log": "b"}


def c(state):
    return {"log": "c"}


class Gate:
    """A node that begins, and goes on when it is let."""

    def __init__(self):
        self.began, self.go = threading.Event(), threading.Event()


@pytest.fixture
def gate():
    """A gate that stands open at the end."""
    made = Gate()
    yield made
    made.go.set()


@pytest.fixture
def begun(gate):
    """A live run of ``a``, ``held``, ``b`` and ``c``, which is in ``held``."""

    def held(state):
        gate.began.set()
        gate.go.wait(SOON)

    run = ng.Engine(chain(a, held, b, c)).start(run_id="r")
    gate.began.wait(SOON)
    return run


def test_a_live_run_stops_before_a_node_that_was_added(begun, gate):
    """A breakpoint that is set while a node runs is heeded when that node is done, in a chain too."""
    begun.breakpoints.add("b")
    gate.go.set()
    assert ("paused", ["a", "held"]) == (begun.wait(SOON).status, nodes_of(begun))
    assert "before b" == kinds(begun, "run.paused")[-1]["why"]


def test_a_resume_goes_past_where_it_stands(begun, gate):
    """The run goes past the breakpoint that it stands at and stops at the next: breakpoints are kept."""
    begun.breakpoints |= {"b", "c"}
    gate.go.set()
    stops = [nodes_of(begun.wait(SOON))[-1], nodes_of(begun.resume().wait(SOON))[-1]]
    assert ["held", "b"] == stops
    assert "completed" == begun.resume().wait(SOON).status


def test_a_breakpoint_that_was_taken_back_stops_nobody(begun, gate):
    """``discard`` works while the run goes on."""
    begun.breakpoints.add("b")
    begun.breakpoints.discard("b")
    gate.go.set()
    assert "completed" == begun.wait(SOON).status


def test_breakpoints_are_of_the_run_not_of_the_handle(begun, gate):
    """Every handle of a run in this engine has the same breakpoints; other runs have none of them."""
    engine = begun._engine
    engine.open("r").breakpoints.add("c")
    assert {"c"} == begun.breakpoints == engine.open("r").breakpoints
    gate.go.set()
    begun.wait(SOON)
    assert "completed" == engine.run(run_id="other").status
    assert "completed" == engine.resume("r").status


def test_a_name_that_is_no_node_is_refused(begun):
    """An unknown node raises, naming those that there are, and nothing is changed."""
    with pytest.raises(ng.OptionsError, match=r"'z'.*no such node") as caught:
        begun.breakpoints.add("z")
    assert "a, held, b, c" in caught.value.todo
    assert set() == begun.breakpoints


def test_breakpoints_are_a_set(begun):
    """They show and compare as a set does; ``clear`` empties them, and combining them gives a plain set."""
    stops = begun.breakpoints
    assert isinstance(stops, MutableSet)
    stops |= {"c", "b"}
    assert ("{'b', 'c'}", 2, {"b"}) == (repr(stops), len(stops), stops & {"b"})
    begun.breakpoints = ["c"]
    assert ["c"] == list(stops)
    stops.clear()
    assert [] == list(stops)


def test_they_compose_with_those_of_one_drive():
    """``before`` and ``after`` of a run, and its own breakpoints, each stop it."""
    engine = ng.Engine(chain(a, b, c))
    run = engine.run(run_id="r", before=lambda state: len(state["log"]) == 1)
    run.breakpoints.add("c")
    assert ["a"] == nodes_of(run)
    assert ["a", "b"] == nodes_of(engine.resume("r", before="a", after="c"))
    assert ("completed", ["a", "b", "c"]) == ((done := engine.resume("r", after="a")).status, nodes_of(done))


@pytest.mark.parametrize("size", [1, 4])
def test_nodes_beside_it_finish(size):
    """A breakpoint before one of several branches lets those that run come to their end, and none that is behind it."""
    engine = ng.Engine(beside(a, b, c), max_concurrent=size)
    run = engine.run(run_id="r", before="begin")
    run.breakpoints.add("b")
    assert "paused" == run.resume().wait(SOON).status
    assert {"begin", "a"} == set(nodes_of(run))
    run.breakpoints.clear()
    assert ["a", "b", "c"] == run.resume().wait(SOON).state["log"]


def test_a_node_in_a_loop_is_stopped_at_each_time():
    """A breakpoint holds every time that its node comes up, but for where the run stands."""
    engine = ng.Engine(counting(3))
    run = engine.run({"count": 0}, run_id="r", before="count")
    run.breakpoints.add("count")
    counts = [run.state["count"]]
    while run.resume().wait(SOON).status == "paused":
        counts.append(run.state["count"])
    assert [0, 1, 2] == counts


def test_a_node_of_a_subgraph_has_its_whole_name():
    """Inside of a subgraph a node is called with the subgraph's name before it."""
    inner = ng.Graph(Log, name="inner")
    inner.node(a)
    outer = ng.Graph(Log, name="outer")
    outer.node(b)
    outer.node(inner, name="sub", after="b")
    run = ng.Engine(outer).run(before="b")
    run.breakpoints.add("sub/a")
    assert ("paused", ["b"]) == (run.resume().wait(SOON).status, nodes_of(run))


def test_a_run_without_its_graph_can_be_looked_at_only(tmp_path):
    """Of a run that was opened for reading the breakpoints are empty, and adding one says what is missing."""
    ng.Engine(chain(a), store=tmp_path / "f.sqlite").run(run_id="r")
    stops = ng.open_run(tmp_path / "f.sqlite", "r").breakpoints
    assert set() == stops
    with pytest.raises(ng.RunError, match="without its graph"):
        stops.add("a")


def test_deleting_a_run_forgets_its_breakpoints():
    """A new run under the id of a deleted one has no breakpoints."""
    engine = ng.Engine(chain(a, b))
    engine.run(run_id="r").breakpoints.add("b")
    engine.delete("r")
    assert "completed" == engine.run(run_id="r").status


def test_a_run_that_is_driven_is_not_deleted(begun):
    """``delete`` refuses a live run; it is not touched."""
    with pytest.raises(ng.RunBusyError):
        begun._engine.delete("r")
    assert ("running", True) == (begun.status, begun.live)


def test_a_run_that_others_share_is_not_deleted():
    """``delete`` refuses a run that has forks, naming them, and removes it once they are gone."""
    engine = ng.Engine(chain(a, b))
    engine.run(run_id="r")
    engine.fork("r", step=1, new_id="f")
    with pytest.raises(ng.StoreError, match="'f'"):
        engine.delete("r")
    engine.delete("f")
    engine.delete("r")
    assert 0 == len(engine.runs())
