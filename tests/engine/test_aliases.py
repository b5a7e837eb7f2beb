"""Renamed nodes: a run goes on under today's names, and its tasks stay who they were."""

from __future__ import annotations

from contextlib import suppress

import pytest

import nbgraph as ng
from tests.engine.pasts import GIVEN, State, adding, adds, raises
from tests.engine.plays import does, holding, ids, play, ran


@pytest.fixture
def store(tmp_path):
    """A store in a file."""
    with ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal") as made:
        yield made


def stopped(graph, store, *, before=None, given=GIVEN):
    """Run a graph that fails, or stops before a node; return the engine."""
    engine = ng.Engine(graph, store=store)
    with suppress(ng.NodeError):
        engine.run(given, run_id="r", before=before)
    return engine


def counts(name, seen):
    """Return a node that says its name, and counts."""

    def node(state):
        seen.append(name)
        return {"log": name}

    return node


# -- what goes on


@pytest.mark.parametrize("before", ["b", "c", "d"])
def test_renamed_node(before, store):
    """Renamed before, at or behind where the run stopped: nothing runs again, and every task has the id it had."""
    seen = []
    nodes = {name: counts(name, seen) for name in "abcd"}
    old = adding("a > b; b > c; c > d", **nodes)
    whole = ng.Engine(old).run(GIVEN, run_id="r")
    seen.clear()
    stopped(old, store, before=before)
    new = adding("a > check; check > c; c > d", **{**nodes, "check": does(counts("b", seen), aliases=["b"])})
    run = ng.Engine(new, store=store).resume("r")
    assert (seen, run.state["log"]) == (list("abcd"), list("abcd"))
    assert sorted(task for _, task in ids(run)) == sorted(task for _, task in ids(whole))
    assert run.digest == whole.digest
    assert (run.replay().ok, list(store.verify())) == (True, [])
    assert len(run.changes()) == 0


def test_renamed_twice(store):
    """A node that was renamed, ran, and was renamed again goes on under its third name."""
    loop = {"when": lambda state: len(state["log"]) < 9}

    def graph(name, aliases):
        made = play("a; end", State, a=adds("a"))
        made.node(name=name, aliases=aliases)(adds("n"))
        made.edge("a", name)
        made.edge(name, name, **loop)
        made.edge(name, "end", otherwise=True)
        made.start("a")
        return made

    whole = ng.Engine(graph("one", [])).run(GIVEN)
    with pytest.raises(ng.MaxStepsError):
        ng.Engine(graph("one", []), store=store, max_steps=3).run(GIVEN, run_id="r")
    with pytest.raises(ng.MaxStepsError):
        ng.Engine(graph("two", ["one"]), store=store, max_steps=6).resume("r")
    run = ng.Engine(graph("three", ["two", "one"]), store=store).resume("r")
    assert ran(run) == ["a", "one", "one", "two", "two", "two", "three", "three", "three", "end"]
    assert (run.digest, run.replay().ok) == (whole.digest, True)
    assert ng.Engine(graph("three", ["one", "two"]), store=store).fork("r", 4).digest == whole.digest


def test_renamed_inside_a_subgraph(store):
    """A node of a subgraph is renamed by its own graph's aliases."""

    def graph(name, **how):
        inner = adding(f"i > {name}", **{name: does(adds("j"), **how)})
        return holding("a > sub c; sub c > end", inner, schema=State)

    stopped(graph("j"), store, before="sub/j")
    whole = ng.Engine(graph("j")).run(GIVEN)
    assert ng.Engine(graph("jot", aliases="j"), store=store).resume("r").digest != ""
    assert ng.Engine(graph("jot", aliases="j"), store=store).open("r").digest == ng.Engine(graph("j")).run(GIVEN).digest
    assert whole.status == "completed"


def test_routes_to_a_renamed_node(store):
    """A Goto and a Send that were under way when their target was renamed arrive at it."""

    def graph(go, work, were=(), sent=()):
        split = does(lambda state: [ng.Send(work, item=place) for place in range(3)], sends=[work])
        to = does(lambda state: ng.Result(update={"log": "a"}, route=ng.Goto(go)), routes=[go])
        made = adding(f"a; {go} > split; {work} > end", a=to, split=split)
        made.node(name=go, aliases=were)(adds("go"))
        made.node(name=work, aliases=sent)(lambda state: {"log": state["item"]})
        made.start("a")
        return made

    whole = ng.Engine(graph("go", "work")).run(GIVEN)
    for before in ("go", "work", "end"):
        ng.Engine(graph("go", "work"), store=store).run(GIVEN, run_id=before, before=before)
        run = ng.Engine(graph("went", "worked", ["go"], ["work"]), store=store).resume(before)
        assert (run.state, run.digest) == (whole.state, whole.digest)


def test_renamed_failed_node(store):
    """A node that failed is renamed and mended; its task is the one that failed."""
    stopped(adding("a > b; b > c", b=raises), store)
    engine = ng.Engine(adding("a > good; good > c", good=does(adds("b"), aliases=["b"])), store=store)
    failed = engine.open("r").tasks.iloc[-1]
    run = engine.resume("r")
    assert (failed.status, run.tasks.iloc[1].task) == ("failed", failed.task)


def test_calls_of_a_renamed_node(store):
    """Calls that a renamed node made before the stop serve it under its new name, if they are of the same request."""
    asked = []
    fails = [True]

    def node(state, ctx):
        word = ctx.call(asked.append, "x")
        if fails:
            raise ValueError(word)
        return {"log": "b"}

    stopped(adding("a > b", b=node), store)
    fails.clear()
    ng.Engine(adding("a > good", good=does(node, aliases=["b"])), store=store).resume("r")
    assert asked == ["x"]


# -- what does not


@pytest.mark.parametrize("before", ["b", "c"])
def test_renamed_without_alias(before, store):
    """A run that knows a node which the graph has no more is refused, with what to do; nothing is changed."""
    stopped(adding("a > b; b > c"), store, before=before)
    kept = [*store.steps("r")], store.run("r").status, store.events("r"), store.descriptions("r")
    engine = ng.Engine(adding("a > check; check > c"), store=store)
    for refused in (lambda: engine.resume("r"), lambda: engine.fork("r"), lambda: engine.open("r").plan()):
        with pytest.raises(ng.NbgraphError, match="'b'") as error:
            refused()
        assert "aliases=['b']" in error.value.todo
    assert kept == ([*store.steps("r")], store.run("r").status, store.events("r"), store.descriptions("r"))
    assert list(engine.runs().run_id) == ["r"]


def test_an_alias_that_is_a_node():
    """An alias that is the name of another node of today says nothing: the name is that node's."""
    old = adding("a > b; b > c")
    new = adding("a > b; b > c", c=does(adds("c"), aliases=["b"]))
    engine = ng.Engine(old)
    run = engine.run(GIVEN, run_id="r", before="c")
    resumed = ng.Engine(new, store=engine.store).resume("r")
    assert (resumed.state["log"], run.status) == (["a", "b", "c"], "completed")
    assert resumed.digest == ng.Engine(old).run(GIVEN).digest


def test_two_nodes_cannot_have_been_called_the_same():
    """An alias that two nodes claim is refused at definition, naming both."""
    graph = ng.Graph(dict, name="g")
    graph.node(lambda state: None, name="a", aliases="old")
    graph.node(lambda state: None, name="b", after="a", aliases=["older", "old"])
    with pytest.raises(ng.GraphError, match="'a' and 'b' both have the alias 'old'"):
        graph.compile()
