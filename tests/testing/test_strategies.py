"""The strategies: what they draw is valid, ends, and is of every kind."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated, Any, NotRequired, TypedDict

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.codec import decode, encode
from nbgraph.graph.schema import Schema
from nbgraph.testing import GatedCrew, graphs, states, values

REPO = Path(__file__).resolve().parents[2]
_FAST = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
_FIND = settings(max_examples=2000, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
_LEAST = settings(_FIND, phases=[Phase.generate, Phase.shrink])


class Typed(TypedDict):
    """Required, optional, reduced and nested."""

    count: int
    ratio: float
    anything: Any
    pairs: dict[str, list[tuple[int, bool]]]
    maybe: int | None
    log: Annotated[list[str], ng.append]
    extra: NotRequired[set[int]]


@dataclass
class Record:
    """A field with and one without a default."""

    name: str
    tags: list[str] = field(default_factory=list)


@_FAST
@given(data=st.data(), orders=st.lists(st.integers(0, 2**32), min_size=2, max_size=2, unique=True))
def test_runs_of_drawn_graphs_end_and_do_not_depend_on_the_order_of_completion(data, orders):
    """A drawn graph completes from a drawn state, with one result in any two orders."""
    graph = data.draw(graphs())
    state = data.draw(states(graph))
    digests = set()
    for order in orders:
        chance = Random(order)
        crew = GatedCrew(lambda waiting, chance=chance: chance.randrange(len(waiting)))
        run = ng.Engine(graph, executor=crew, max_steps=1000).run(state, run_id="r")
        digests.add((run.status, run.digest))
    assert 1 == len(digests)
    assert {"completed"} == {status for status, _ in digests}


def test_drawn_graphs_notice_an_engine_that_merges_by_arrival(monkeypatch):
    """Saboteur: with paths replaced by the order of completion, some drawn graph has two results."""
    from nbgraph.engine import frontier

    arrived = iter(range(10**9))
    monkeypatch.setattr(frontier, "arrival_path", lambda parent, branch, fan_out: (next(arrived),))
    monkeypatch.setattr(frontier, "gather_path", lambda paths, place: (next(arrived),))

    def differs(graph):
        crews = [GatedCrew(lambda waiting: 0), GatedCrew(lambda waiting: len(waiting) - 1)]
        return 1 < len({ng.Engine(graph, executor=crew).run(run_id="r").digest for crew in crews})

    assert find(graphs(), differs, settings=_FIND)


@_FAST
@given(data=st.data(), least=st.integers(1, 10), spread=st.integers(0, 9))
def test_a_drawn_graph_has_as_many_nodes_as_asked_for(data, least, spread):
    """Without subgraphs, the nodes are between the two bounds, and each can be reached."""
    most = min(10, least + spread)
    graph = data.draw(graphs(least, most, subgraphs=False))
    assert least <= len(graph.nodes) <= most
    plan = graph.compile()
    assert len(plan.nodes) == len(graph.nodes)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("a loop", {}), ("a predicate", {}), ("an otherwise", {}), ("a Send", {}), ("a Goto", {}), ("a join of each", {}),
        ("a fan-out", {}), ("a subgraph", {}), ("an on_error", {"failing": True}),
    ],
)  # fmt: skip
def test_every_kind_of_graph_comes_up(kind, options):
    """Among a few hundred drawn graphs there is one of each kind."""
    tests = {
        "a loop": lambda graph: any(int(edge.dst[1:]) <= int(edge.src[1:]) for edge in graph.edges),
        "a predicate": lambda graph: any(edge.when is not None for edge in graph.edges),
        "an otherwise": lambda graph: any(edge.otherwise for edge in graph.edges),
        "a Send": lambda graph: any(node.targets.sends for node in graph.nodes),
        "a Goto": lambda graph: any(node.targets.routes for node in graph.nodes),
        "a join of each": lambda graph: any(node.join == "each" for node in graph.nodes),
        "a fan-out": lambda graph: any(len([e for e in graph.edges if e.src == n.name]) > 1 for n in graph.nodes),
        "a subgraph": lambda graph: any(node.graph is not None for node in graph.nodes),
        "an on_error": lambda graph: any(edge.on_error for edge in graph.edges),
    }
    assert find(graphs(**options), tests[kind], settings=_FIND)


@pytest.mark.parametrize(
    ("options", "error"), [({"failing": True}, ng.NodeError), ({"conflicts": True}, ng.ConflictError)]
)
def test_failures_and_conflicts_come_up_where_they_are_asked_for(options, error):
    """With the option there is a graph whose run ends with that error."""

    def fails(graph):
        try:
            ng.Engine(graph, max_steps=1000).run()
        except error:
            return True
        return False

    assert find(graphs(**options), fails, settings=_FIND)


def test_an_example_shrinks_to_the_nodes_that_matter():
    """Of graphs with a Send, the least one has no more nodes and fields than it must."""
    graph = find(graphs(), lambda graph: any(node.targets.sends for node in graph.nodes), settings=_LEAST)
    assert (3, ["log"]) == (len(graph.nodes), list(graph.schema.fields))
    assert all(edge.when is None and not edge.otherwise for edge in graph.edges)


@pytest.mark.parametrize("bounds", [(0, 3), (4, 3), (3, 11)])
def test_bounds_that_cannot_be_are_refused(bounds):
    """Fewer than one node, more than ten, or the two the wrong way round raise OptionsError."""
    with pytest.raises(ng.OptionsError, match="min_nodes"):
        graphs(*bounds)


@_FAST
@given(value=values())
def test_drawn_values_survive_the_codec_and_a_run(value):
    """A drawn value comes back equal from its text and from a node."""
    assert value == decode(encode(value))
    graph = ng.Graph({"value": Any, "again": Any}, name="echo")
    graph.node(name="echo")(lambda state: {"again": state["value"]})
    assert value == ng.Engine(graph).run({"value": value}).state["again"]


@pytest.mark.parametrize("schema", [Typed, Record, {"a": int, "b": dict, "c": tuple, "d": frozenset[str]}, None])
@_FAST
@given(data=st.data())
def test_drawn_states_fit_their_schema(schema, data):
    """A drawn state is accepted as an input, and has what is required."""
    state = data.draw(states(schema))
    read = Schema.of(schema)
    assert set(state) <= set(read.initial(state))
    assert {name for name, spec in read.fields.items() if spec.required and spec.start is None} <= set(state)


def test_fields_with_a_start_are_drawn_or_left_out():
    """A field with a default or a reducer's start is sometimes given and sometimes not."""
    for wanted in (True, False):
        assert find(states(Record), lambda state, wanted=wanted: ("tags" in state) is wanted, settings=_FIND)


def test_without_hypothesis_the_package_works_and_a_strategy_says_what_is_missing():
    """Importing needs no Hypothesis; asking for a strategy raises an error that names it."""
    code = (
        "import sys, json; sys.modules['hypothesis'] = None\n"
        "import nbgraph.testing as t\n"
        "try: t.graphs()\n"
        "except Exception as error: print(json.dumps([type(error).__name__, error.message, error.todo]))"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True).stdout
    name, message, todo = json.loads(said)
    assert "NbgraphError" == name
    assert "need Hypothesis" in message
    assert "install hypothesis" in todo
