"""The crew that follows a list of names."""

from __future__ import annotations

from typing import Annotated, TypedDict

import pytest

import nbgraph as ng
from nbgraph.errors import NbgraphError
from nbgraph.testing import FakeClock, ImpossibleOrderError, finishing


class Log(TypedDict):
    """What merged, in order."""

    log: Annotated[list[str], ng.append]


def fan(ended: list[str], names: str = "abc") -> ng.Graph:
    """Return start -> names -> end; each node notes that it ran."""
    graph = ng.Graph(Log, name="fan")

    def says(word):
        return lambda state: ended.append(word) or {"log": word}

    graph.node(name="start")(says("start"))
    for name in names:
        graph.node(name=name, after="start")(says(name))
    graph.node(name="end", after=list(names))(says("end"))
    return graph


@pytest.mark.parametrize("order", ["abc", "cab", "bca", "cba"])
def test_tasks_finish_in_the_order_listed_and_merge_in_that_of_the_edges(order):
    """The list decides who finishes first, and nothing about the result."""
    ended: list[str] = []
    run = ng.Engine(fan(ended), executor=finishing(order)).run()
    assert ["start", *order, "end"] == ended
    assert ["start", "a", "b", "c", "end"] == run.state["log"]


def test_names_not_listed_come_after_in_the_order_started():
    """Of four branches with two listed, the others follow as they were started."""
    ended: list[str] = []
    ng.Engine(fan(ended, "abcd"), executor=finishing(["d", "b"])).run()
    assert ["start", "d", "b", "a", "c", "end"] == ended


def test_names_not_listed_make_way_for_a_listed_one_behind_them():
    """What the next name waits for runs, although it is not listed; a later name does not."""
    ended: list[str] = []
    ng.Engine(fan(ended), executor=finishing(["end"])).run()
    assert ["start", "a", "b", "c", "end"] == ended


def test_a_name_stands_for_one_attempt():
    """A node listed twice finishes twice at its places: here an attempt that fails and its repetition."""
    ended, clock = [], FakeClock()
    graph = fan(ended, "ab")

    @graph.node(name="a", after="start", retry=ng.Retry(attempts=2, wait=60))
    def a(state, ctx):
        ended.append(f"a{ctx.attempt}")
        if ctx.attempt == 1:
            raise OSError("not yet")

    with finishing(["a", "a", "b"], clock=clock) as crew:
        ng.Engine(graph, executor=crew, clock=clock).run()
    assert ["start", "a1", "a2", "b", "end"] == ended


def test_async_nodes_are_finished_alike():
    """An async node waits for its place in the list as a sync one does."""
    ended: list[str] = []
    graph = fan(ended, "ab")

    @graph.node(name="a", after="start")
    async def a(state):
        ended.append("a")

    ng.Engine(graph, executor=finishing(["b", "a"])).run()
    assert ["start", "b", "a", "end"] == ended


def test_an_order_that_edges_forbid_is_an_error_that_says_who_waits(tmp_path):
    """A name that can only come behind a later one stops the run, which can be resumed."""
    clock, store = FakeClock(), tmp_path / "runs.sqlite"
    with pytest.raises(
        ImpossibleOrderError, match=r"'end' does not wait.*so far: start; held back for it: a, b"
    ) as caught:
        ng.Engine(fan([], "ab"), store=store, executor=finishing(["end", "a", "b"], clock=clock), clock=clock).run(
            run_id="r"
        )
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, NbgraphError)
    assert "completed" == ng.Engine(fan([], "ab"), store=store).resume("r").status


def test_too_narrow_a_run_is_an_error_too():
    """With one task at a time, the third branch never waits beside the first."""
    clock = FakeClock()
    with pytest.raises(ImpossibleOrderError, match="max_concurrent"):
        ng.Engine(fan([]), executor=finishing("cab", clock=clock), clock=clock, max_concurrent=1).run()


def test_a_failure_before_a_name_is_named():
    """Where a listed node never starts because another failed, the error says which."""
    graph, clock = fan([], "ab"), FakeClock()

    @graph.node(name="a", after="start")
    def a(state):
        raise ValueError("broken")

    with pytest.raises(ImpossibleOrderError, match=r"start, a \(ValueError\)"):
        ng.Engine(graph, executor=finishing(["a", "end", "b"], clock=clock), clock=clock).run()


def test_names_left_over_are_an_error_at_the_end_of_the_with():
    """A misspelt name is noticed when the block ends, and by ``check``."""
    crew = finishing(["b", "typo"])
    with pytest.raises(ImpossibleOrderError, match="'typo' never waited"), crew:
        ng.Engine(fan([]), executor=crew).run()
    assert ("typo",) == crew.left


def test_another_error_is_not_hidden_by_names_left_over():
    """Of a block that raises, its own error is seen."""
    with pytest.raises(KeyError), finishing(["never"]):
        raise KeyError("mine")
