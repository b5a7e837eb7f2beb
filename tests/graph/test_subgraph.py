"""A subgraph is made flat: its nodes under its name, its start for arrivals, its end for the ways out."""

import asyncio
import dataclasses
from typing import Annotated

import pytest

import nbgraph as ng
from nbgraph.errors import IsolationError
from nbgraph.graph.definition import Graph

OUTER = {"text": str, "log": Annotated[list[str], ng.append]}
INNER = {"draft": str, "log": Annotated[list[str], ng.append], "tries": int}


def step(state):
    return None


def jump(state):
    return [ng.Goto("last"), ng.Send("last")]


def inner_graph(name="inner", schema=INNER):
    graph = Graph(schema, name=name)
    graph.node(step, name="first")
    graph.node(jump, after="first")
    graph.node(step, name="maybe", after="first")
    graph.edge("maybe", "first", when=lambda s: s["tries"] < 3)
    graph.node(step, name="last")
    graph.start("first")
    return graph


def outer_graph(inner=None, **how):
    graph = Graph(OUTER, name="outer")
    graph.node(step, name="begin")
    graph.node(inner or inner_graph(), name="sub", after="begin", **how)
    graph.node(step, name="finish", after="sub")
    return graph


def targets(node):
    return [edge.target for edge in node.edges]


def test_arrivals_go_to_the_start_and_ways_out_leave_from_the_end():
    """Edges and the graph's start lead to the inner start; inner nodes without ways on lead to the end."""
    plan = outer_graph().compile()
    assert ["sub/first"] == targets(plan.nodes["begin"])
    assert ["sub"] == targets(plan.nodes["sub/last"])
    assert ["finish"] == targets(plan.nodes["sub"])
    assert plan.nodes["sub"].fn is None
    assert not plan.nodes["sub"].join_each
    alone = Graph(OUTER, name="o")
    alone.node(inner_graph(), name="sub")
    assert "sub/first" == alone.compile().start


def test_an_inner_node_with_conditional_ways_only_is_left_alone():
    """Whether it goes on is its own business; ``Stop`` leads to the end."""
    plan = outer_graph().compile()
    assert ["sub/first"] == targets(plan.nodes["sub/maybe"])
    assert "sub" == plan.nodes["sub/maybe"].stop
    assert (None, None) == (plan.nodes["begin"].stop, plan.nodes["sub"].stop)


def test_routes_name_nodes_of_their_own_graph_and_fire_inner_starts():
    """Inside, "last" is the inner node; outside, a route to a subgraph is one to its start."""
    graph = outer_graph()

    @graph.node(after="finish", routes="sub", sends="sub")
    def again(state): ...

    graph.start("begin")
    plan = graph.compile()
    assert {"last": "sub/last"} == plan.nodes["sub/jump"].routes == plan.nodes["sub/jump"].sends
    assert {"sub": "sub/first"} == plan.nodes["again"].routes == plan.nodes["again"].sends


def test_fields_are_mapped_shared_or_the_subgraphs_own():
    """What ``fields=`` maps is mapped, a common name is shared, any other is new and called "sub/tries"."""
    plan = outer_graph(fields={"draft": "text"}).compile()
    expected = {"draft": "text", "log": "log", "tries": "sub/tries"}
    assert expected == plan.nodes["sub/first"].fields
    assert plan.nodes["sub"].fields is None
    assert ["text", "log", "sub/tries"] == list(plan.schema.fields)
    assert "sub/tries" == plan.schema.fields["sub/tries"].name
    assert {"", "sub/"} == {edge.scope for node in plan.nodes.values() for edge in node.edges}


def test_equal_names_need_no_mapping():
    """A subgraph over the same state sees it as it is."""
    inner = Graph(OUTER, name="inner")
    inner.node(step)
    assert outer_graph(inner).compile().nodes["sub/step"].fields is None
    anything = Graph(name="inner")
    anything.node(step)
    assert outer_graph(anything).compile().nodes["sub/step"].fields is None


def test_one_graph_can_be_used_twice_and_within_another():
    """Each use has its own nodes and its own fields; names nest, mappings compose."""
    middle = Graph({"words": str}, name="middle")
    middle.node(inner_graph(), name="one", fields={"draft": "words"})
    middle.node(inner_graph(), name="two", after="one", fields={"draft": "words"})
    plan = outer_graph(middle, fields={"words": "text"}).compile()
    assert ["sub/one/first"] == targets(plan.nodes["begin"])
    assert ["sub/two/first"] == targets(plan.nodes["sub/one"])
    assert ["sub"] == targets(plan.nodes["sub/two"])
    assert {"draft": "text", "log": "sub/one/log", "tries": "sub/one/tries"} == plan.nodes["sub/one/first"].fields
    assert "sub/two/tries" in plan.schema.fields
    assert ("sub", "sub/one") == (plan.nodes["sub/one"].stop, plan.nodes["sub/one/first"].stop)


def test_an_open_graph_learns_the_fields_of_its_subgraphs():
    """Their reducers would be lost otherwise."""
    graph = Graph(name="outer")
    graph.node(inner_graph(), name="sub", fields={"draft": "text"})
    plan = graph.compile()
    assert plan.schema.open
    assert ("append", "set") == tuple(plan.schema.fields[name].reducer.name for name in ("log", "text"))


def test_error_edges_of_a_subgraph_are_those_of_all_its_nodes():
    """After the nodes' own, in order."""
    inner = inner_graph()
    inner.edge("first", "last", on_error=KeyError)
    graph = outer_graph(inner)
    graph.edge("sub", "finish", on_error=OSError)
    plan = graph.compile()
    assert [("x0", "sub/last"), ("x1", "finish")] == [(e.index, e.target) for e in plan.nodes["sub/first"].error_edges]
    assert [("x0", "finish")] == [(e.index, e.target) for e in plan.nodes["sub/last"].error_edges]


def test_join_each_on_a_subgraph_is_its_starts():
    """Every arrival enters on its own; the end still gathers."""
    plan = outer_graph(join="each").compile()
    assert {"sub/first"} == {node.name for node in plan.nodes.values() if node.join_each}


@pytest.mark.parametrize("option", ["routes", "sends", "retry", "timeout", "limit"])
def test_options_of_functions_are_refused_on_a_subgraph(option):
    """They would be ignored without a word."""
    with pytest.raises(ng.GraphError, match=option):
        outer_graph(**{option: 3})


@dataclasses.dataclass
class Own:
    draft: str
    tries: int = 0


def record_plan(fn):
    inner = Graph(Own, name="inner")
    inner.node(fn, name="node")
    inner.node(step, name="next")
    inner.edge("node", "next", when=lambda own: own.tries == 0)
    return outer_graph(inner, fields={"draft": "text"}).compile()


def test_a_subgraph_with_a_record_class_of_its_own_gets_it():
    """Nodes and predicates see the inner class, and may return it, alone or in a ``Result``."""
    given = {"draft": "x", "tries": 0}

    def sync(own):
        return Own(own.draft + "!")

    async def later(own, ctx):
        return ng.Result(Own(own.draft + "?"), ng.Stop())

    plan = record_plan(sync)
    assert {"draft": "x!"} == plan.nodes["sub/node"].fn(given)
    assert plan.nodes["sub/node"].edges[0].when(given)
    assert ng.Result({"draft": "x?"}, ng.Stop()) == asyncio.run(record_plan(later).nodes["sub/node"].fn(given, None))


def test_a_subgraphs_record_that_is_changed_in_place_is_detected():
    """As it is everywhere else."""

    def spoil(own):
        own.tries = 5

    with pytest.raises(IsolationError, match="'tries'"):
        record_plan(spoil).nodes["sub/node"].fn({"draft": "x", "tries": 0})
