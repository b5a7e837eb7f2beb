"""Which nodes are ready where a run stands still, held against what a resume would execute."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Annotated, Any

import pytest

import nbgraph as ng
from nbgraph.views import static
from nbgraph.views.tally import Tally

STEPS = 19
"""Of a whole run of ``everything``."""


def everything() -> ng.Graph:
    """Return a graph with Sends into a subgraph, a failure taken over, a gather, a loop, Stop and join="each"."""
    fields = {"n": int, "seen": Annotated[list, ng.append]}
    graph, inner = ng.Graph(fields, name="everything"), ng.Graph(fields, name="inner")

    @graph.node(after="begin", sends="work")
    def split(state: Any) -> Any:
        return [ng.Send("work", item=item) for item in range(3)]

    @inner.node
    def one(state: Any) -> Any:
        if state["item"] == 1:
            raise OSError("down")

    for name in ("two", "saved"):
        inner.node(lambda state: None, name=name)
    inner.edge("one", "two")
    inner.edge("one", "saved", on_error=OSError)
    graph.node(inner, name="work")
    graph.node(lambda state: {"n": 3}, name="begin")
    graph.node(lambda state: None, name="aside", after="begin")
    graph.node(lambda state: None, name="gather", after=["work", "aside"])
    graph.node(lambda state: None, name="left", after="gather")
    graph.node(lambda state: ng.Stop(), name="right", after="gather")
    graph.node(lambda state: None, name="log", join="each", after=["left", "gather", "aside"])
    graph.node(lambda state: {"n": state["n"] - 1}, name="down", after="left")
    graph.node(lambda state: None, name="last")
    graph.edge("down", "down", lambda state: state["n"] > 0)
    graph.edge("down", "last", otherwise=True)
    graph.start = "begin"
    return graph


def stopped(graph: ng.Graph, **options: Any) -> ng.Run:
    """Return a run that stands still."""
    run = ng.Engine(graph, store=":memory:", max_concurrent=1).start({"n": 0}, **options)
    with suppress(ng.NbgraphError):
        run.wait()
    return run


def planned(run: ng.Run) -> dict[str, int]:
    """Return how many tasks of each node a resume would execute at once."""
    plan = run.plan()
    return dict(Counter(plan[(plan.action == "execute") & (plan.task != "")].node))


def ready(tally: Tally) -> dict[str, int]:
    """Return how many tasks of each node are ready."""
    return {name: facts.ready for name, facts in tally.nodes().items() if facts.ready}


@pytest.fixture(scope="module")
def whole() -> ng.Run:
    """Return a run that went through everything."""
    return stopped(everything())


@pytest.mark.parametrize("step", range(1, STEPS))
def test_what_is_ready_is_what_a_resume_executes(whole, step):
    """Wherever a run is stopped, and at that step of one that went on, its ready tasks are those of its plan."""
    run = stopped(everything(), max_steps=step)
    assert planned(run) == ready(Tally.until(run, step)) == ready(Tally.until(whole, step))


def test_a_completed_run_has_nothing_ready(whole):
    """At its end nothing is ready, also where branches ended by Stop."""
    assert (STEPS, {}) == (whole.store.run(whole.id).steps, ready(Tally.until(whole, STEPS)))


def test_before_the_first_step_the_start_is_ready(whole):
    """The input waits at the start."""
    assert {"begin": 1} == ready(Tally.until(whole, 0))


def reading(*, broken: int = -1) -> ng.Graph:
    """Return a map over 15 items, of which one may fail, that is gathered."""
    graph = ng.Graph({"n": int}, name="reading")
    graph.node(lambda state: [ng.Send("read", item=item) for item in range(15)], name="split", sends="read")

    @graph.node
    def read(state: Any) -> Any:
        if state["item"] == broken:
            raise ValueError("torn")

    graph.node(lambda state: None, name="bind", after="read")
    return graph


def test_a_breakpoint_shows_what_waits_behind_it():
    """A run stopped before the tasks of 15 Sends says so in its picture; what gathers them is not ready."""
    run = stopped(reading(), before="read")
    facts = Tally.until(run, 1).nodes()
    assert ("ready", 15, "idle") == (facts["read"].status, facts["read"].ready, facts["bind"].status)
    assert "15 ready" in static.run_svg(run)


def test_a_task_that_failed_is_not_ready():
    """Of 15 tasks of which one failed, 14 at most are done or ready."""
    facts = Tally.until(run := stopped(reading(broken=3)), run.store.run(run.id).steps).nodes()["read"]
    assert ("failed", 1, 14) == (facts.status, facts.failed, facts.ready + facts.done)


@pytest.mark.parametrize(
    ("step", "waits"),
    [
        (0, {"begin": 1}),
        (1, {"aside": 1, "split": 1}),
        (2, {"aside": 1, "work/one": 3}),
        (3, {"work/one": 2, "aside": 1}),
    ],
)
def test_an_edit_takes_the_place_of_the_ways_before_it(whole, step, waits):
    """Behind the edit of a fork the same tasks are ready as before, no link was taken twice and no node executed twice."""
    fork = whole.fork(step, update={"seen": "by hand"}, max_concurrent=1)
    tally = Tally.until(fork, step + 1)
    assert (waits, step) == (ready(tally), sum(facts.done for facts in tally.nodes().values()))
    assert Tally.until(whole, step).edges() == tally.edges()
