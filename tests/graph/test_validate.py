"""All that is wrong with a graph is told at once, each problem in a sentence that says where."""

from typing import Annotated

import pytest

import nbgraph as ng
from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph


def step(state):
    return None


def computed(state):
    return [ng.Goto(state["x"]), ng.Send(state["y"])]


def lost(state):
    return [ng.Goto("nowhere"), ng.Send("nobody")]


def base(schema=None):
    graph = Graph(schema, name="g")
    graph.node(step, name="alpha")
    graph.node(step, name="beta", after="alpha")
    return graph


def empty(graph):
    graph.remove("alpha")
    graph.remove("beta")


def recursive(graph):
    middle = Graph(name="middle")
    middle.node(graph, name="again")
    graph.node(middle, after="beta")


def subgraph(graph, schema, **how):
    inner = Graph(schema, name="inner", reducer=how.pop("reducer", None))
    inner.node(step, name="x")
    graph.node(inner, name="sub", after="beta", **how)


def alone(graph):
    graph.node(step, name="island", after="island")
    graph.start("alpha")


def unreached(graph):
    graph.node(step, name="p", after="q")
    graph.node(step, name="q", after="p")


def otherwise(graph):
    graph.edge("alpha", "beta", otherwise=True)
    graph.edge("alpha", "beta", otherwise=True, name="2")


WRONG = [
    (empty, ["no nodes"]),
    (lambda g: g.edge("alpha", "betta"), ["'betta'", "did you mean 'beta'"]),
    (lambda g: g.edge("alhpa", "beta"), ["'alhpa'", "did you mean 'alpha'"]),
    (lambda g: g.node(step, name="c", after="gamma"), ["'c' comes after 'gamma'"]),
    (lambda g: g.node(lost, after="beta"), ["Goto 'nowhere'", "Send 'nobody'"]),
    (lambda g: g.node(computed, after="beta"), ["routes=[...]", "sends=[...]"]),
    (lambda g: g.start("gamma"), ["the start 'gamma' does not exist"]),
    (lambda g: g.node(step, name="c"), ["nothing leads to 'alpha', 'c'", "graph.start"]),
    (lambda g: g.edge("beta", "alpha"), ["call graph.start"]),
    (alone, ["'island' is its own only predecessor"]),
    (unreached, ["'p' is not reached", "'q' is not reached"]),
    (otherwise, ["2 edges with otherwise=True", "none with when="]),
    (lambda g: g.edge("alpha", "beta", on_error="x"), ["on_error='x'"]),
    (lambda g: g.edge("alpha", "beta", on_error=(OSError, int)), ["on_error=<class 'int'>"]),
    (recursive, ["contains itself"]),
]


@pytest.mark.parametrize(("spoil", "words"), WRONG)
def test_each_mistake_is_told(spoil, words):
    """In words that name it, in ``problems`` and in the message, which ends with the way out."""
    graph = base()
    spoil(graph)
    with pytest.raises(GraphError) as caught:
        graph.compile()
    for word in words:
        assert any(word in problem for problem in caught.value.problems), caught.value.problems
        assert word in str(caught.value)


SCHEMA = {"text": str, "log": Annotated[list[str], ng.append]}


@pytest.mark.parametrize(
    ("inner", "how", "words"),
    [
        ({"a": str}, {"fields": {"b": "text"}}, "maps 'b', which is no field of graph 'inner'"),
        ({"a": str}, {"fields": {"a": "txet"}}, "did you mean 'text'"),
        ({"a": int}, {"fields": {"a": "text"}}, "as int, but it stands for 'text', which is str"),
        ({"text": int}, {}, "as int, but it stands for 'text', which is str"),
        ({"log": list[str]}, {}, "with reducer set, but it stands for 'log', whose reducer is append"),
        ({"a": str, "b": str}, {"fields": {"a": "text", "b": "text"}}, "'a' and 'b' both standing for 'text'"),
        ({"a": str}, {"reducer": max}, "reducer for its whole state"),
    ],
)
def test_fields_of_a_subgraph_must_fit(inner, how, words):
    """Unmapped, unknown, mistyped and doubled names are problems of the graph around."""
    graph = base(SCHEMA)
    subgraph(graph, inner, **how)
    with pytest.raises(GraphError) as caught:
        graph.validate()
    assert any(words in problem for problem in caught.value.problems), caught.value.problems


def test_problems_inside_a_subgraph_say_where():
    """The path to the node is part of the sentence."""
    graph = base()
    inner = Graph(name="inner")
    inner.node(lost)
    graph.node(inner, name="sub", after="beta")
    with pytest.raises(GraphError, match="in 'sub': node 'lost' may Goto 'nowhere'"):
        graph.validate()


def test_all_problems_come_in_one_error():
    """Nobody likes to be told of mistakes one by one."""
    graph = base()
    for spoil, _ in WRONG[1:7]:
        spoil(graph)
    with pytest.raises(GraphError) as caught:
        graph.validate()
    assert len(caught.value.problems) >= 8
    assert len(set(caught.value.problems)) == len(caught.value.problems)


def test_declared_targets_are_enough():
    """A computed route is fine once somebody said where it may lead; so is a start in a cycle."""
    graph = base()
    graph.node(computed, after="beta", routes="alpha", sends=["beta"])
    graph.start("alpha")
    graph.validate()
