"""Results do not depend on timing: the contract of DESIGN section 3, as one property over drawn graphs."""

from __future__ import annotations

import os
from random import Random
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.testing import GatedCrew
from tests.contracts.drawn import GraphShape, build, graphs


class _Log(TypedDict):
    log: Annotated[list[str], ng.append]


GRAPHS = int(os.environ.get("NBGRAPH_CONFLUENCE_GRAPHS", "2000"))
ORDERS = 10


def outcome(graph: ng.Graph, order: int, width: int) -> tuple[Any, ...]:
    """Run a graph, finishing tasks in the order drawn from ``order``; return all that must not vary."""
    chance = Random(order)
    engine = ng.Engine(
        graph, executor=GatedCrew(lambda waiting: chance.randrange(len(waiting))), max_concurrent=width, max_steps=400
    )
    try:
        run = engine.run({}, run_id="r")
    except ng.MaxStepsError:
        return ("endless",)
    except ng.NbgraphError as error:
        facts = {name: value for name, value in error.facts.items() if name != "others"}
        return (type(error).__name__, error.message, repr(sorted(facts.items(), key=lambda fact: fact[0])))
    return ("completed", run.digest)


@settings(max_examples=GRAPHS, deadline=None, suppress_health_check=list(HealthCheck))
@given(shape=graphs(), orders=st.lists(st.integers(0, 2**32), min_size=ORDERS, max_size=ORDERS, unique=True))
def test_every_order_and_width_gives_the_same_tasks_updates_and_state(shape: GraphShape, orders: list[int]) -> None:
    """Ten completion orders at 1, 2, 8 and 64 tasks at once: the same digest, or the same error."""
    graph = build(shape)
    expected = outcome(graph, 0, 1)
    assume(expected != ("endless",))
    for place, order in enumerate(orders):
        assert expected == outcome(graph, order, (1, 2, 8, 64)[place % 4])


def test_the_property_notices_an_engine_that_merges_by_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saboteur: with paths replaced by the order of completion, the property fails."""
    from nbgraph.engine import frontier

    arrived = iter(range(10**9))
    monkeypatch.setattr(frontier, "arrival_path", lambda parent, branch, fan_out: (next(arrived),))
    monkeypatch.setattr(frontier, "gather_path", lambda paths, place: (next(arrived),))
    graph = _diamond()
    assert len({outcome(graph, order, 8) for order in range(20)}) > 1


def test_a_diamond_is_the_same_in_every_order() -> None:
    """The saboteur's graph, unharmed: one outcome."""
    graph = _diamond()
    assert len({outcome(graph, order, 8) for order in range(20)}) == 1


def _diamond() -> ng.Graph:
    graph = ng.Graph(_Log, name="diamond")
    graph.node(name="start")(_says("start"))
    for name in "abcd":
        graph.node(name=name, after="start")(_says(name))
    graph.node(name="end", after=list("abcd"))(_says("end"))
    return graph


def _says(word: str) -> Any:
    return lambda state: {"log": word}
