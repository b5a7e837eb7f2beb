"""Standing still on purpose: one step at a time, up to a node, at a breakpoint, and going on from there."""

from __future__ import annotations

import pytest

import nbgraph as ng
from tests.engine.stage import beside, chain, counting, nodes_of


def a(state):
    return {"log": "a"}


def b(state):
    return {"log": "b", "count": 2}


def c(state):
    return {"log": "c"}


def abc(**options):
    """Return an engine of a chain of three."""
    return ng.Engine(chain(a, b, c), **options)


def test_one_step_at_a_time():
    """``step`` runs one task, the next in canonical order, and stands still again."""
    graph = beside(a, b, c)
    engine = ng.Engine(graph, max_concurrent=8)
    run = engine.run(before="begin")
    seen = []
    while run.status != "completed":
        run.step()
        seen.append(nodes_of(run))
    assert [["begin"], ["begin", "a"], ["begin", "a", "b"], ["begin", "a", "b", "c"]] == seen[:4]
    assert ["a", "b", "c"] == run.state["log"]


def test_until_runs_up_to_a_node():
    """``until(node)`` stands still before that node; again, it goes on to the end."""
    run = abc().run(before="a")
    assert ("paused", ["a", "b"]) == (run.until("c").status, nodes_of(run))
    assert "completed" == run.until("c").status


def test_until_stops_at_a_node_that_was_ready_already():
    """Of several ready nodes, those before the named one run and it does not."""
    engine = ng.Engine(beside(a, b, c), max_concurrent=1)
    run = engine.run(after="begin")
    assert ("paused", ["begin", "a", "b"]) == (run.until("c").status, nodes_of(run))


def test_until_a_node_that_is_not_there():
    """A name that is no node is refused and the run left as it was."""
    run = abc().run(before="b")
    with pytest.raises(ng.OptionsError, match="nowhere"):
        run.until("nowhere")
    assert ("paused", ["a"]) == (run.status, nodes_of(run))


@pytest.mark.parametrize(
    ("breaks", "kept"),
    [
        ({"before": "b"}, ["a"]),
        ({"before": ["c", "b"]}, ["a"]),
        ({"after": "b"}, ["a", "b"]),
        ({"after": {"a", "b"}}, ["a"]),
        ({"before": lambda state: state.get("count") == 2}, ["a", "b"]),
        ({"after": lambda state: state.get("count") == 2}, ["a", "b"]),
        ({"before": lambda state: False}, ["a", "b", "c"]),
        ({"before": "a"}, []),
        ({"after": "c"}, ["a", "b", "c"]),
    ],
)
def test_a_run_stops_at_a_breakpoint(breaks, kept):
    """Names stop before or after a node, a predicate where the state fits; resuming completes the run."""
    engine = abc()
    run = engine.run({"log": []}, run_id="r", **breaks)
    assert kept == nodes_of(run)
    if run.status == "paused":
        run = engine.resume("r")
    assert ("completed", ["a", "b", "c"]) == (run.status, run.state["log"])


def test_a_breakpoint_in_a_loop_stops_every_lap():
    """Resuming with the same breakpoint goes on to the next time that it is hit."""
    engine = ng.Engine(counting(3))
    run = engine.run({"count": 0}, run_id="r", after="count")
    seen = [run.state["count"]]
    while run.status != "completed":
        run = engine.resume("r", after="count")
        seen.append(run.state["count"])
    assert [1, 2, 3] == seen[:3]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_breakpoint_on_the_first_node_can_be_passed(side):
    """Resuming with the same breakpoint never stands on the spot for ever."""
    engine = abc()
    run = engine.run(run_id="r", **{side: "a"})
    assert "paused" == run.status
    assert "completed" == engine.resume("r", **{side: "a"}).status


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_breakpoint_on_no_node_is_refused(side):
    """A name that is no node raises before there is a run, and lists the nodes."""
    engine = abc()
    with pytest.raises(ng.OptionsError, match="nowhere") as caught:
        engine.run(**{side: "nowhere"})
    assert (side, "nodes are: a, b, c") == (caught.value.option, caught.value.todo)
    assert 0 == len(engine.runs())
