"""The plan: who can reach whom, places that cell order does not change, and a description without code."""

import json
import random
from typing import Annotated, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.graph.definition import Graph
from nbgraph.graph.topology import cycles, places, reached_by, without_loops


class State(TypedDict):
    files: list[str]
    found: Annotated[list[dict], ng.append]


def step(state):
    return None


def routing(state):
    return ng.Goto("b")


def mapping(state):
    return [ng.Send("d")]


def graph():
    made = Graph(State, name="g")
    made.node(routing, name="a", retry=2, timeout=5, limit=4)
    made.node(step, name="b")
    made.node(mapping, name="c", after="b")
    made.node(step, name="d", join="each")
    made.node(step, name="e")
    made.edge("b", "a", when=lambda s: s["files"])
    made.start("a")
    made.edge("d", "e", on_error=(OSError, ValueError))
    return made


def test_reaching_follows_edges_errors_routes_and_sends():
    """A node reaches itself only through a cycle."""
    plan = graph().compile()
    assert {"a", "b"} == plan.reached_by["a"] == plan.reached_by["b"]
    assert {"a", "b", "c", "d"} == plan.reached_by["e"]
    assert {"a", "b"} == {name for name, node in plan.nodes.items() if node.cyclic}


def test_a_nodes_options_and_ways_out_are_in_its_plan():
    """Edges count as e0, e1, ..., error edges as x0, ..., in the order they were written."""
    nodes = graph().compile().nodes
    assert (2, 5.0, 4) == (nodes["a"].retry.attempts, nodes["a"].timeout, nodes["a"].limit)
    assert [("e0", "c", ""), ("e1", "a", 's["files"]')] == [(e.index, e.target, e.label) for e in nodes["b"].edges]
    assert [("x0", (OSError, ValueError))] == [(e.index, e.on_error) for e in nodes["d"].error_edges]
    assert ({"b": "b"}, {"d": "d"}) == (nodes["a"].routes, nodes["c"].sends)
    assert nodes["d"].join_each


def test_places_follow_the_ways_out_and_declaration_the_cells():
    """The depth-first walk, whatever order the nodes were defined in."""
    made = Graph(name="g")
    for name, after in (("z", None), ("m", "z"), ("k", "m"), ("a", "z")):
        made.node(step, name=name, after=after)
    plan = made.compile()
    assert {"z": 0, "m": 1, "k": 2, "a": 3} == {name: node.place for name, node in plan.nodes.items()}
    assert [0, 1, 2, 3] == [plan.nodes[name].declared for name in ("z", "m", "k", "a")]


def test_a_plan_cannot_be_changed():
    """It is shared between runs."""
    plan = graph().compile()
    for mapping_ in (plan.nodes, plan.reached_by, plan.nodes["a"].routes):
        with pytest.raises(TypeError):
            mapping_["x"] = 1


def test_the_description_says_what_a_reader_without_code_needs():
    """Canonical JSON: fields with reducers, nodes with sources, edges with kinds, the start."""
    text = graph().compile().description
    facts = json.loads(text)
    assert text == json.dumps(facts, sort_keys=True, separators=(",", ":"))
    assert {
        "files": {"type": "list[str]", "reducer": "set"},
        "found": {"type": "list[dict]", "reducer": "append"},
    } == facts["fields"]
    assert ("g", "a", False) == (facts["name"], facts["start"], facts["reducer"])
    assert ["a", "b", "c", "d", "e"] == [node["name"] for node in facts["nodes"]]
    assert "def routing(state):" in facts["nodes"][0]["source"]
    assert {"goto", "edge", "when", "send", "error"} == {edge["kind"] for edge in facts["edges"]}


def test_a_whole_graph_reducer_is_kept():
    """It replaces the fields' reducers."""
    made = Graph(name="g", reducer=lambda state, update: {**state, **update})
    made.node(step)
    assert {"a": 1} == made.compile().reducer({}, {"a": 1})
    assert json.loads(made.compile().description)["reducer"]


@given(st.integers(1, 8), st.randoms(use_true_random=False))
def test_topology_agrees_with_the_definition_of_reaching(count, chance):
    """Against the naive closure, on random graphs; and a graph without its loops has none."""
    names = [str(number) for number in range(count)]
    ways = {name: [other for other in names if chance.random() < 0.3] for name in names}
    naive = {(a, b) for a in names for b in ways[a]}
    for via in names:
        naive |= {(a, b) for a in names for b in names if (a, via) in naive and (via, b) in naive}
    assert {b: {a for a in names if (a, b) in naive} for b in names} == reached_by(ways)
    assert all((a, b) in naive for group in cycles(ways) for a in group for b in group)
    forward, back = without_loops(ways, names[:1])
    assert not any(name in before for name, before in reached_by(forward).items())
    assert {(a, b) for a in names for b in forward[a]} | back == {(a, b) for a in names for b in ways[a]}
    assert sorted(places(ways, "0").values()) == list(range(count))


def test_a_long_chain_is_compiled_without_recursion():
    """Two thousand nodes in a row."""
    made = Graph(name="g")
    names = [f"n{number}" for number in range(1500)]
    random.Random(0).shuffle(names)
    for before, name in zip([None, *names], names, strict=False):
        made.node(step, name=name, after=before)
    assert names == sorted(made.compile().nodes, key=lambda name: made.compile().nodes[name].place)
