"""A subgraph's fields: mapped, shared by name, or its own; states of every kind inside states of every kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import BaseModel

import nbgraph as ng
from tests.engine.plays import every_order, holding, play, refused, run


class Inner(TypedDict):
    """What a subgraph calls its fields."""

    query: str
    hits: Annotated[list, ng.append]
    scratch: int


class Outer(TypedDict):
    """What the graph around calls them."""

    question: str
    found: Annotated[list, ng.append]


def searcher(schema: Any = Inner) -> ng.Graph:
    """Return a subgraph that reads, scribbles and appends."""
    take = lambda state, name: state[name] if isinstance(state, dict) else getattr(state, name)  # noqa: E731 - both kinds
    return play(
        "p > q",
        schema,
        name="search",
        p=lambda state: {"scratch": len(take(state, "query"))},
        q=lambda state: {"hits": (take(state, "query"), take(state, "scratch"))},
    )


@dataclass
class InnerData:
    """The subgraph's fields as a dataclass."""

    query: str = ""
    hits: Annotated[list, ng.append] = field(default_factory=list)
    scratch: int = 0


class InnerModel(BaseModel):
    """The subgraph's fields as a pydantic model."""

    query: str = ""
    hits: Annotated[list, ng.append] = []
    scratch: int = 0


MAPPED = {"query": "question", "hits": "found"}


@pytest.mark.parametrize("schema", [Inner, InnerData, InnerModel], ids=["typed", "data", "model"])
def test_fields_are_mapped_both_ways(schema):
    """Inside, the inner names hold, for reading and writing; a field of the subgraph's own stays its own."""
    graph = holding(
        "a > sub; sub > z", searcher(schema), schema=Outer, fields=MAPPED, a=lambda s: None, z=lambda s: None
    )
    done = run(graph, {"question": "why"})
    assert ([("why", 3)], "why") == (done.state["found"], done.state["question"])
    assert "scratch" not in done.state


def test_a_field_of_one_name_is_the_same_field():
    """What both call the same needs no mapping."""
    inner = play("p", {"x": int, "own": int}, name="inner", p=lambda state: {"x": state["x"] + 1, "own": 1})
    assert 6 == run(holding("a > sub", inner), {"x": 5}).state["x"]


def test_two_places_of_one_graph_have_scratch_fields_of_their_own():
    """Private fields of subgraphs that run side by side do not conflict."""
    graph = play("a > one two; one two > z", Outer, a=lambda s: None, z=lambda s: None)
    for name in ("one", "two"):
        graph.node(searcher(), name=name, fields=MAPPED)
    for done in every_order(graph, ["one/p", "two/p", "one/q", "two/q"], {"question": "why"}):
        assert [("why", 3)] * 2 == done.state["found"]


@pytest.mark.parametrize("outer", ["typed", "data", "model"])
def test_a_subgraph_fits_states_of_every_kind(outer):
    """A graph over a dataclass or model takes a subgraph over a TypedDict, and the other way round."""

    @dataclass
    class Data:
        question: str = ""
        found: Annotated[list, ng.append] = field(default_factory=list)

    class Model(BaseModel):
        question: str = ""
        found: Annotated[list, ng.append] = []

    schema = {"typed": Outer, "data": Data, "model": Model}[outer]
    for inner in (Inner, InnerData, InnerModel):
        graph = holding("a > sub", searcher(inner), schema=schema, fields=MAPPED, a=lambda s: None)
        state = run(graph, {"question": "why"}).state
        assert [("why", 3)] == list(state["found"] if outer == "typed" else state.found)


def test_an_unknown_field_inside_is_named_as_the_subgraph_calls_it():
    """The error of a node inside speaks its own language."""
    inner = play("p", Inner, name="inner", p=lambda state: {"quary": "x"})
    graph = holding("a > sub", inner, schema=Outer, fields=MAPPED, a=lambda s: None)
    error, _ = refused(graph, ng.UpdateError, {"question": "why"})
    assert ("sub/p", "quary", "query") == (error.node, error.field, error.expected)
