"""Rule 10: what a failure stops, what it keeps, what is told, and how a run goes on after the repair."""

from __future__ import annotations

import threading
from itertools import permutations
from typing import Annotated

import pytest

import nbgraph as ng
from nbgraph.testing import GatedCrew
from tests.engine.plays import play
from tests.engine.stage import SOON, Log, beside, chain, nodes_of, says


def fails(name, error=ValueError):
    """Return a node of that name that raises."""

    def node(state):
        raise error(name)

    node.__name__ = name
    return node


def works(name, calls=None):
    """Return a node of that name that logs it."""

    def node(state):
        if calls is not None:
            calls.append(name)
        return {"log": name}

    node.__name__ = name
    return node


def finishing(names):
    """Return a crew that finishes the waiting nodes in the order of ``names``."""
    rank = {name: place for place, name in enumerate(names)}
    return GatedCrew(lambda waiting: min(range(len(waiting)), key=lambda at: rank.get(waiting[at], -1)))


def failed(graph, **options):
    """Run a graph that fails; return its error and the run."""
    engine = ng.Engine(graph, **options)
    with pytest.raises(ng.RunError) as caught:
        engine.run(run_id="r")
    return caught.value, engine.open("r")


def test_a_nodes_exception_is_the_cause_of_a_node_error():
    """The error names run, node and attempt, and the node's own exception with its traceback is its cause."""
    error, run = failed(chain(works("a"), fails("b")))
    assert (ng.NodeError, "r", "b", 1) == (type(error), error.run_id, error.node, error.attempt)
    assert ("b",) == error.__cause__.args
    assert "node" == error.__cause__.__traceback__.tb_next.tb_frame.f_code.co_name or error.__cause__.__traceback__
    assert "failed" == run.status


def test_no_later_task_starts_after_a_failure():
    """With one worker, what comes after the failed task in canonical order is not started."""
    calls = []
    error, run = failed(beside(works("a", calls), fails("b"), works("c", calls)), max_concurrent=1)
    assert "b" == error.node
    assert ["a"] == calls
    assert ["begin", "a"] == nodes_of(run)


def test_a_gather_that_cannot_fire_starts_nobody():
    """What a failed task keeps waiting anyway is no reason to start a task behind it."""
    ran = []

    def noted(name):
        return lambda state: ran.append(name)

    def broken(state):
        raise ValueError("c")

    graph = play("a > b c d; b c d > e", b=noted("b"), c=broken, d=noted("d"))
    with pytest.raises(ng.NodeError):
        ng.Engine(graph).run(max_concurrent=1)
    assert ["b"] == ran


def test_a_failure_before_thousands_of_queued_tasks_is_told_as_any_other():
    """However many tasks wait behind the first failure, the run fails by it and nothing else starts."""
    started = []

    def split(state):
        return [ng.Send("part", number=number) for number in range(3000)]

    def part(state):
        started.append(state["number"])
        raise ValueError(state["number"])

    graph = ng.Graph(Log, name="wide")
    graph.node(sends="part")(split)
    graph.node(part)
    error, _ = failed(graph, max_concurrent=1, queue_depth=5000)
    assert ((0,), [0]) == (error.__cause__.args, started)


def test_running_tasks_finish_and_are_kept():
    """A task that runs while another fails is waited for, and its step is in the run."""
    started, failing = threading.Event(), threading.Event()

    def slow(state):
        started.set()
        assert failing.wait(SOON)
        return {"log": "slow"}

    def bad(state):
        assert started.wait(SOON)
        failing.set()
        raise ValueError

    _, run = failed(beside(bad, slow))
    assert ["begin", "slow"] == nodes_of(run)
    assert ["slow"] == run.state["log"]


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_the_first_failure_in_canonical_order_is_reported(order):
    """Of several failures the first in the order of the edges is raised, whichever came first; the rest is listed."""
    error, _ = failed(beside(works("a"), fails("b"), fails("c")), executor=finishing(order))
    assert ("b", ["NodeError: node 'c' raised ValueError: c"]) == (error.node, error.others)


@pytest.mark.parametrize("order", list(permutations("abcd")))
def test_whether_and_how_a_run_fails_does_not_depend_on_timing(order):
    """Long branches, a conflict and a failure: in every order of finishing the same error is raised."""
    graph = ng.Graph(Log, name="race")
    graph.node(name="begin")(lambda state: None)
    graph.node(name="a", after="begin")(lambda state: {"count": 1})
    graph.node(name="b", after="begin")(lambda state: None)
    graph.node(name="c", after="begin")(lambda state: {"count": 2})
    graph.node(name="d", after="b")(fails("d"))
    error, run = failed(graph, executor=finishing(order))
    assert (ng.NodeError, "d") == (type(error), error.node)
    assert "failed" == run.status


def test_a_failure_before_a_gather_is_found_however_late():
    """The branch before the failed one is followed to its end, so that its failure is the one reported."""
    graph = ng.Graph(Log, name="deep")
    graph.node(name="begin")(lambda state: None)
    graph.node(name="a1", after="begin")(says("a1"))
    graph.node(name="b", after="begin")(fails("b"))
    graph.node(name="a2", after="a1")(says("a2"))
    graph.node(name="a3", after="a2")(fails("a3"))
    for order in permutations(["a1", "a2", "a3", "b"]):
        error, _ = failed(graph, executor=finishing(order))
        assert "a3" == error.node


def test_resume_executes_only_what_did_not_finish():
    """Finished tasks keep their steps; the failed one and what comes after it run, with today's code."""
    calls = []
    graph = beside(works("a", calls), fails("b"), works("c", calls))
    engine = ng.Engine(graph, max_concurrent=1)
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    graph.node(after="begin")(works("b", calls))
    run = engine.resume("r")
    assert ["a", "b", "c"] == calls
    assert ["a", "b", "c"] == run.state["log"]
    assert "completed" == run.status
    assert run.error is None


def test_a_repair_gives_what_an_undisturbed_run_gives():
    """A run that failed, was repaired and resumed has the final state and digest of one that never failed."""
    graph = beside(works("a"), fails("b"), works("c"))
    engine = ng.Engine(graph)
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    graph.node(after="begin")(works("b"))
    assert engine.run().digest == engine.resume("r").digest


def test_a_failed_run_can_be_resumed_in_another_process_life(tmp_path):
    """A new engine on the same file, with the repaired graph, goes on where the failed run stands."""
    calls = []
    with pytest.raises(ng.NodeError):
        ng.Engine(chain(works("a", calls), fails("b")), store=tmp_path / "runs.sqlite").run(run_id="r")
    repaired = ng.Engine(chain(works("a", calls), works("b", calls)), store=tmp_path / "runs.sqlite")
    assert ["a", "b"] == repaired.resume("r").state["log"]
    assert ["a", "b"] == calls


def rescued(on_error, error=ValueError, **options):
    """Return a graph whose risky node fails; an edge on errors leads to a rescue that tells what it saw."""
    graph = ng.Graph(Log, name="rescued")
    graph.node(name="risky", **options)(fails("risky", error))
    graph.node(name="safe")(says("safe"))
    graph.edge("risky", "safe")
    graph.edge("risky", "rescue", on_error=on_error)

    @graph.node
    def rescue(state, ctx):
        return {"log": [tuple(failure) for failure in ctx.errors]}

    graph.start("risky")
    return graph


@pytest.mark.parametrize("on_error", [True, ValueError, (KeyError, ValueError), Exception])
def test_an_edge_on_errors_takes_the_failure_over(on_error):
    """A matching ``on_error`` edge is taken instead of the others, and ``ctx.errors`` tells what happened."""
    run = ng.Engine(rescued(on_error)).run()
    assert [[("risky", "ValueError", "risky")]] == run.state["log"]
    assert [("risky", "caught"), ("rescue", "done")] == list(zip(run.tasks.node, run.tasks.status, strict=True))


def test_another_kind_of_error_fails_the_run():
    """An ``on_error`` edge for one class leaves the others alone."""
    error, _ = failed(rescued(KeyError))
    assert "risky" == error.node


def test_an_edge_on_errors_waits_for_the_retries():
    """A failure is taken over after its last attempt, not before."""
    run = ng.Engine(rescued(True, retry=ng.Retry(attempts=3, wait=0, jitter=0))).run()
    assert [3, 1] == list(run.tasks.attempts)


def test_errors_are_seen_down_the_branch_and_only_there():
    """``ctx.errors`` of a sibling branch is empty."""
    seen = {}
    graph = ng.Graph(Log, name="branches")
    graph.node(name="begin")(lambda state: None)
    graph.node(name="bad", after="begin")(fails("bad"))
    graph.edge("bad", "rescue", on_error=True)
    graph.node(name="rescue")(lambda state: None)

    def look(state, ctx):
        seen[ctx.node] = [failure.node for failure in ctx.errors]

    graph.node(name="below", after="rescue")(look)
    graph.node(name="good", after="begin")(look)
    ng.Engine(graph).run()
    assert {"below": ["bad"], "good": []} == seen


def test_a_failed_rescue_fails_the_run():
    """A node that an ``on_error`` edge led to may fail like any other."""
    graph = rescued(True)
    graph.node(name="rescue")(fails("rescue"))
    error, run = failed(graph)
    assert "rescue" == error.node
    assert ["risky"] == nodes_of(run)


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("beside_another", [False, True])
@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit])
def test_a_node_that_tries_to_end_the_process_fails(is_async, beside_another, kind):
    """``sys.exit()`` in a node, wherever it runs, ends the run and never leaves it hanging."""

    def leave(state):
        raise kind(3)

    async def aleave(state):
        raise kind(3)

    aleave.__name__ = "leave"
    node = aleave if is_async else leave
    engine = ng.Engine(beside(node, works("other")) if beside_another else chain(node))
    run = engine.start(run_id="r")
    with pytest.raises(ng.NbgraphError, match=kind.__name__):
        run.wait(SOON)
    assert not run.live


def test_a_reducer_that_raises_fails_the_task_that_wrote():
    """A user's reducer that raises is told as a failure of the node whose update it took."""

    def picky(old, new):
        raise RuntimeError("no")

    graph = ng.Graph({"x": Annotated[int, picky]}, name="picky")
    graph.node(name="first")(lambda state: {"x": 1})
    graph.node(name="write", after="first")(lambda state: {"x": 1})
    error, _ = failed(graph)
    assert "write" == error.node
    assert isinstance(error.__cause__, RuntimeError)


def test_a_predicate_that_raises_fails_the_task_before_it():
    """An edge's predicate that raises is told as a failure of the node that it follows; nothing of it is stored."""
    graph = ng.Graph(Log, name="predicate")
    graph.node(name="a")(says("a"))
    graph.node(name="b")(says("b"))
    graph.edge("a", "b", when=lambda state: state["nowhere"])
    graph.start("a")
    error, run = failed(graph)
    assert "a" == error.node
    assert [] == nodes_of(run)


def test_a_bound_hit_while_failing_gives_the_same_outcome_at_every_width():
    """Stopped by max_steps before the first failure is known, the run is paused at any width; with room it fails."""

    def outcome(width, limit):
        graph = ng.Graph({"x": int}, name="race")
        graph.node(name="s")(lambda state: None)
        graph.node(name="a1", after="s")(lambda state: None)
        graph.node(name="a2", after="a1")(lambda state: None)
        for name, before in (("a3", "a2"), ("b", "s")):
            graph.node(name=name, after=before)(_raising(name))
        with pytest.raises(ng.NbgraphError) as caught:
            ng.Engine(graph, max_concurrent=width, max_steps=limit).run({"x": 0})
        return type(caught.value).__name__, caught.value.node

    for limit in (3, 4, 9):
        assert outcome(1, limit) == outcome(8, limit)


def _raising(word):
    def node(state):
        raise ValueError(word)

    return node
