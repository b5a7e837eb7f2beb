"""How far each node is, counted from the rows of real runs."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Annotated, Any

import pytest

import nbgraph as ng
from nbgraph.store.protocol import EventRecord, StepRecord
from nbgraph.views.tally import Tally, seconds_of, strongest
from nbgraph.views.topology import topology_of
from nbgraph.views.widgets.past import Past


def counted(run: ng.Run) -> Tally:
    """Return the tally of a run that was followed from its beginning."""
    tally, follower = Tally.of(run), run.follow()
    news = follower.take()
    assert news is not None
    tally.take(news)
    follower.close()
    return tally


def statuses(run: ng.Run) -> dict[str, str]:
    """Return the status of every node."""
    return {name: facts.status for name, facts in counted(run).nodes().items()}


def mapping(*, broken: bool = False) -> ng.Graph:
    """Return a map over three items that is gathered, then a choice."""
    graph = ng.Graph({"n": int, "seen": Annotated[list, ng.append]}, name="mapping")

    @graph.node(sends="work")
    def split(state: Any) -> Any:
        return [ng.Send("work", item=item) for item in range(3)]

    @graph.node
    def work(state: Any) -> Any:
        return {"seen": state["item"]}

    @graph.node(after="work")
    def gather(state: Any) -> Any:
        if broken:
            raise ValueError("no")
        return {"n": len(state["seen"])}

    graph.edge("gather", "more", lambda s: s["n"] > 3)
    graph.edge("gather", "done", otherwise=True)
    graph.node(lambda state: None, name="more")
    graph.node(lambda state: None, name="done")
    return graph


def finished(graph: ng.Graph, **options: Any) -> ng.Run:
    """Return a run of a graph that stands still, however it ended."""
    run = ng.Engine(graph, store=":memory:", **options).start({"n": 0})
    with suppress(ng.NbgraphError):
        run.wait()
    return run


def test_a_finished_run_is_done_where_it_was_and_skipped_elsewhere():
    """Nodes that ran are done with their number of steps; those that a choice left out were not taken."""
    tally = counted(finished(mapping()))
    assert {
        "split": ("done", 1),
        "work": ("done", 3),
        "gather": ("done", 1),
        "more": ("skipped", 0),
        "done": ("done", 1),
    } == {name: (facts.status, facts.done) for name, facts in tally.nodes().items()}
    assert ("completed", 6) == (tally.status, tally.steps)


def test_links_count_how_often_they_were_taken():
    """A Send counts once for each task that it made, whatever its place in the list; an edge for each arrival."""
    links = {link.id: (link.src, link.dst) for link in topology_of(mapping()).links}
    taken = counted(finished(mapping())).edges()
    assert {("split", "work"): 3, ("work", "gather"): 3, ("gather", "more"): 0, ("gather", "done"): 1} == {
        links[link]: count for link, count in taken.items()
    }


def test_a_failed_node_stands_out_and_nothing_was_skipped_yet():
    """In a run that failed, the failing node says so, and what may still come is idle."""
    found = statuses(finished(mapping(broken=True)))
    assert ("failed", "idle", "done") == (found["gather"], found["done"], found["work"])


def test_what_a_resume_kept_is_marked_as_reused():
    """After a failure and a resume, nodes whose steps are all from before were reused; new ones are done."""
    engine = ng.Engine(mapping(broken=True), store=":memory:")
    run = engine.start({"n": 0}, run_id="r")
    with pytest.raises(ng.NodeError):
        run.wait()
    mended = ng.Engine(mapping(), store=engine.store)
    found = statuses(mended.resume("r"))
    assert {"split": "reused", "work": "reused", "gather": "done", "more": "skipped", "done": "done"} == found


def test_what_a_fork_shares_is_marked_as_reused():
    """A fork's shared steps are its origin's work; what it does itself is done."""
    engine = ng.Engine(mapping(), store=":memory:")
    engine.run({"n": 0}, run_id="r")
    found = statuses(engine.fork("r", step=4))
    assert ("reused", "reused", "done") == (found["split"], found["work"], found["gather"])


def test_attempts_beyond_the_first_are_counted():
    """A node that was tried again says how often; its steps are done all the same."""
    graph, tries = ng.Graph({"n": int}, name="again"), []

    @graph.node(retry=ng.Retry(attempts=3, wait=0.001))
    def flaky(state: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("not yet")

    facts = counted(finished(graph)).nodes()["flaky"]
    assert ("done", 1, 2) == (facts.status, facts.done, facts.retried)


def test_a_failure_that_an_edge_took_over_shows_where_it_was():
    """A node whose only task failed is failed, though its on_error edge went on; that edge was taken."""
    graph = ng.Graph({"n": int}, name="caught")

    @graph.node
    def risky(state: Any) -> None:
        raise OSError("down")

    graph.node(lambda state: None, name="rescue")
    graph.edge("risky", "rescue", on_error=OSError)
    tally = counted(finished(graph))
    assert {"risky": "failed", "rescue": "done"} == {name: facts.status for name, facts in tally.nodes().items()}
    assert {"risky>x0": 1} == tally.edges()


def test_an_open_question_makes_its_node_wait():
    """A node that asked a person waits until there is an answer."""
    graph = ng.Graph({"n": int}, name="asking")

    @graph.node
    def approve(state: Any, ctx: Any) -> Any:
        return {"n": ctx.ask("sure?")}

    assert {"approve": "waiting"} == statuses(finished(graph))


def test_what_runs_now_is_running():
    """While a node is executed it is running; the run's other nodes are as they were."""
    graph, entered, go = ng.Graph({"n": int}, name="slow"), threading.Event(), threading.Event()

    @graph.node
    def first(state: Any) -> None: ...

    @graph.node(after="first")
    def slow(state: Any) -> None:
        entered.set()
        go.wait(30)

    run = ng.Engine(graph, store=":memory:").start({"n": 0})
    assert entered.wait(30)
    try:
        assert {"first": "done", "slow": "running"} == statuses(run)
    finally:
        go.set()
        run.wait()


def test_a_subgraph_is_counted_by_absolute_names():
    """Nodes of a subgraph count by themselves, and its end as often as it was reached."""
    inner, graph = ng.Graph({"n": int}, name="inner"), ng.Graph({"n": int}, name="outer")
    inner.node(lambda state: None, name="one")
    graph.node(inner, name="part")
    assert {"part/one": "done", "part": "done"} == statuses(finished(graph))


@pytest.mark.parametrize("step", range(7))
def test_a_step_of_the_past_shows_what_was_done_by_then(step):
    """Up to a step, as many steps are counted, and a run that went on is not called complete."""
    tally = Tally.until(finished(mapping()), step)
    assert step == sum(facts.done for facts in tally.nodes().values())
    assert ("completed" if step == 6 else "running") == tally.status


def test_news_in_pieces_counts_like_news_at_once():
    """However the rows and events are cut into pieces, the counts are the same."""
    run = finished(mapping(broken=True))
    rows, events = list(run.store.steps(run.id)), run.store.events(run.id)
    whole, pieces = Tally.of(run), Tally.of(run)
    whole.add(rows, events)
    for row in rows:
        pieces.add([row])
    for event in events:
        pieces.add([], [event])
    assert (whole.nodes(), whole.edges(), whole.steps) == (pieces.nodes(), pieces.edges(), pieces.steps)


def row(step: int, node: str, task: str = "t", facts: str = "{}") -> StepRecord:
    """Return a step as a store gives it."""
    return StepRecord(step, task, node, "done", 1, step - 1, "", "", "", "", "", "", "", facts, "k")


def event(kind: str, step: int, node: str = "", task: str = "") -> EventRecord:
    """Return an event as a store gives it."""
    return EventRecord(1, step, 0.0, kind, node, task, "{}")


def test_a_pending_retry_shows_until_the_task_is_committed():
    """Between a failed attempt and the next a node is trying again; with its commit that is over."""
    tally = Tally(topology_of(mapping()))
    tally.add([row(1, "split", "a")], [event("task.retried", 1, "work", "b")])
    assert "retried" == tally.nodes()["work"].status
    tally.add([row(2, "work", "b")])
    assert "done" == tally.nodes()["work"].status


def test_a_pause_is_no_reason_to_call_work_reused():
    """A run that was paused and resumed did all of its work itself; one whose process died kept what it had."""
    paused, died = Tally(topology_of(mapping())), Tally(topology_of(mapping()))
    paused.add([row(1, "split")], [event("run.paused", 1), event("run.resumed", 1)])
    died.add([row(1, "split")], [event("run.resumed", 1)])
    assert ("done", "reused") == (paused.nodes()["split"].status, died.nodes()["split"].status)


def test_rows_of_nodes_that_are_not_drawn_are_passed_over():
    """A row of a node that the graph no longer has counts as a step, and breaks nothing."""
    tally = Tally(topology_of(mapping()))
    tally.add([row(1, "gone"), row(2, "split")])
    assert (2, 1) == (tally.steps, tally.nodes()["split"].done)


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ('{"seconds":0.5,"started":1.0}', 0.5),
        ('{"calls":[1],"seconds":2,"started":1.0}', 2.0),
        ('{"printed":"\\"seconds\\":9","seconds":0.25}', 0.25),
        ('{"seconds":null}', 0.0),
        ("", 0.0),
        ('{"seconds":3.5}', 3.5),
    ],
)
def test_seconds_are_read_from_facts(facts, seconds):
    """Only the row's own seconds count, whatever else its facts hold."""
    assert seconds == seconds_of(facts)


@pytest.mark.parametrize(
    ("inside", "shown"),
    [
        (["done", "failed", "running"], "failed"),
        (["done", "waiting", "running"], "waiting"),
        (["done", "done"], "done"),
        (["skipped", "done"], "done"),
        (["skipped", "skipped"], "skipped"),
        ([], "idle"),
    ],
)
def test_a_subgraph_shows_what_asks_for_attention(inside, shown):
    """Of the statuses inside, the one that a person should see first."""
    assert shown == strongest(inside)


# -- costs


def asking(**options: Any) -> ng.Run:
    """Return a run whose nodes use a model with a price, one without, a plain function, and none."""
    graph = ng.Graph({"n": int}, name="asking")

    @graph.node
    def cheap(state: Any, ctx: Any) -> None:
        for tokens in (1000, 2000):
            ctx.usage(model="mine", input_tokens=tokens)

    @graph.node(after="cheap")
    def mixed(state: Any, ctx: Any) -> None:
        ctx.usage(model="mine", input_tokens=1000)
        ctx.usage(model="nobody-prices-this", input_tokens=1000)

    @graph.node(after="mixed")
    def plain(state: Any, ctx: Any) -> None:
        ctx.call(len, [1])

    graph.node(lambda state: None, name="none", after="plain")
    return ng.Engine(graph, store=":memory:", prices={"mine": (1, 1)}, **options).run({"n": 0}, run_id="r1")


@pytest.mark.filterwarnings(
    "ignore::nbgraph.UnknownPriceWarning"
)  # it is warned of once a process, whoever comes first
def test_a_node_tells_what_its_calls_cost():
    """Costs are summed by node; what has no price is told, and a node without models tells nothing."""
    costs = {name: facts.cost for name, facts in counted(asking()).nodes().items()}
    assert {"cheap": "$0.003", "mixed": "≥$0.001", "plain": "", "none": ""} == costs


@pytest.mark.filterwarnings("ignore::nbgraph.UnknownPriceWarning")  # as above
def test_costs_of_the_past_are_those_of_its_steps():
    """Right after a step, only the tasks up to it have cost anything; from the store or moved back to, it is the same."""
    run = asking()
    for step, (cheap, mixed) in enumerate([("", ""), ("$0.003", ""), ("$0.003", "≥$0.001"), ("$0.003", "≥$0.001")]):
        for tally in (Tally.until(run, step), Past(run).at(step)):
            assert (cheap, mixed) == tuple(tally.nodes()[name].cost for name in ("cheap", "mixed"))


@pytest.mark.filterwarnings("ignore::nbgraph.UnknownPriceWarning")  # as above
def test_a_fork_tells_its_own_costs():
    """What the shared past cost was paid by its origin: the fork's nodes tell what the fork paid."""
    run = asking()
    fork = run.fork(1).wait()
    costs = {name: facts.cost for name, facts in counted(fork).nodes().items()}
    assert ("", "≥$0.001") == (costs["cheap"], costs["mixed"])
