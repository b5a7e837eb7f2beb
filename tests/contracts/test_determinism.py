"""Results do not depend on timing: the contract of DESIGN section 3, as one property over drawn graphs."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from itertools import permutations
from pathlib import Path
from random import Random, random
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
    # Beside a branch that never ends a failing run may meet its bound first: it is paused then, and nothing is decided.
    allowed = {expected} if expected[0] == "completed" else {expected, ("endless",)}
    for place, order in enumerate(orders):
        assert outcome(graph, order, (1, 2, 8, 64)[place % 4]) in allowed


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


# -- a hundred times

TIMES = 100


class _Rich(TypedDict):
    log: Annotated[list[Any], ng.append]
    total: Annotated[int, ng.add]
    text: Annotated[str, lambda old, new: f"({old}{new})"]
    lap: int


def _word(item: Any) -> str:
    return f"word {item}"


async def _late(item: Any) -> str:
    await asyncio.sleep(random() / 500)  # whatever it takes to answer
    return f"late {item}"


def _refuse(item: Any) -> None:
    raise LookupError(item)


def _begin(state, ctx):
    now = ctx.now()
    return {"log": [ctx.rng.random(), str(ctx.uuid()), ctx.idempotency_key(), str(now - now)]}


def _ask(state, ctx):
    return {"log": ctx.ask("How many?", schema=int)}


def _split(state):
    return [ng.Send("work", item=item) for item in range(6)]


async def _work(state, ctx):
    async def branch(name):
        return [await ctx.call(_late, f"{state['item']}{name}{turn}") for turn in range(2)]

    words = await asyncio.gather(*map(branch, "abc"))
    return {"log": [words, ctx.rng.randrange(100)], "total": state["item"], "text": str(state["item"])}


def _shaky(state, ctx):
    time.sleep(random() / 500)
    found = ctx.call(_word, "kept")
    if ctx.attempt == 1:
        raise OSError(found)
    try:
        ctx.call(_refuse, "never")
    except LookupError as error:
        return {"log": [found, repr(error), ctx.attempt], "text": "s"}


async def _lap(state, ctx):
    return {"lap": state["lap"] + 1, "log": await ctx.call(_late, state["lap"])}


def _inner() -> ng.Graph:
    graph = ng.Graph(_Rich, name="inner")
    graph.node(name="one")(lambda state, ctx: {"log": ctx.call(_word, "inner"), "text": "i"})
    graph.node(name="two", after="one")(lambda state, ctx: {"log": ctx.rng.random()})
    return graph


def _rich() -> ng.Graph:
    graph = ng.Graph(_Rich, name="rich")
    graph.node(name="begin")(_begin)
    graph.node(name="ask", after="begin")(_ask)
    graph.node(name="split", after="begin", sends="work")(_split)
    graph.node(name="work")(_work)
    graph.node(name="shaky", after="begin", retry=ng.Retry(attempts=2, wait=0.0001))(_shaky)
    graph.node(_inner(), name="sub", after="begin")
    graph.node(name="gather", after=["ask", "work", "shaky", "sub"])(lambda state: {"text": "g"})
    graph.node(name="lap", after="gather")(_lap)
    graph.edge("lap", "lap", when=lambda state: state["lap"] < 4)
    graph.edge("lap", "end", otherwise=True)
    graph.node(name="end")(lambda state, ctx: {"log": len(state["log"])})
    return graph


def _lived(store: Any) -> ng.Engine:
    """Run the rich graph to its end as run "r", answering its question."""
    engine = ng.Engine(_rich(), store=store, max_concurrent=8, durability="normal")
    engine.run({"total": 0, "text": "", "lap": 0}, run_id="r")
    engine.answer(engine.inbox().question[0], 3)
    engine.resume("r")
    return engine


@pytest.mark.slow
def test_a_hundred_runs_are_byte_identical() -> None:
    """Every kind of node, call, retry, question and answer time: one digest of all tasks, updates and the state."""
    assert 1 == len({_lived(":memory:").open("r").digest for _ in range(TIMES)})


@pytest.mark.slow
def test_a_hundred_replays_find_nothing_and_leave_the_file_as_it_is(tmp_path: Path) -> None:
    """Each replay runs every task, calls nothing, differs nowhere, and leaves the file's bytes unchanged."""
    file = tmp_path / "runs.sqlite"
    _lived(file).close()
    engine = ng.Engine(_rich(), store=file)
    bytes_before = hashlib.sha256(file.read_bytes()).hexdigest()
    tasks = len(engine.open("r").tasks) - 1  # the end of the subgraph runs no code
    for _ in range(TIMES):
        replay = engine.replay("r")
        assert (True, tasks, 44, 0) == (replay.ok, replay.tasks, replay.calls, len(replay.skipped))
        assert bytes_before == hashlib.sha256(file.read_bytes()).hexdigest()
    assert not engine.store.verify()


# -- every order


@pytest.mark.slow
def test_the_merge_order_is_the_edge_order_in_every_order_of_completion() -> None:
    """All 120 orders in which five branches can finish merge in the order in which their edges are written."""
    for order in permutations("bdaec"):
        graph = ng.Graph(_Log, name="star")
        graph.node(name="start")(_says("start"))
        for name in "bdaec":
            graph.node(name=name, after="start")(_says(name))
        graph.node(name="end", after=list("bdaec"))(_says("end"))
        run = ng.Engine(graph, executor=_finishing(order), max_concurrent=8).run({}, run_id="r")
        assert ["start", *"bdaec", "end"] == list(run.state["log"]), order
        assert [*order] == [step.node for step in run.history()][1:-1], order


def test_sends_and_branches_of_unequal_length_merge_in_edge_order_too() -> None:
    """All orders of two Sends, a chain of two and a short branch: Sends by place, branches by edge."""
    for order in permutations(["work", "work", "far", "near"]):
        graph = ng.Graph(_Log, name="uneven")
        graph.node(name="start")(lambda state: None)
        graph.node(name="near", after="start")(_says("near"))
        graph.node(name="far", after="start")(_says("far"))
        graph.node(name="behind", after="far")(_says("behind"))
        graph.node(name="fan", after="start", sends="work")(
            lambda state: [ng.Send("work", w="1"), ng.Send("work", w="2")]
        )
        graph.node(name="work")(lambda state: {"log": state["w"]})
        graph.node(name="end", after=["near", "behind", "work"])(_says("end"))
        run = ng.Engine(graph, executor=_finishing(order), max_concurrent=8).run({}, run_id="r")
        assert ["near", "far", "behind", "1", "2", "end"] == list(run.state["log"]), order


def _finishing(order: Any) -> GatedCrew:
    """Return a crew that finishes whoever comes first in ``order`` of those that wait."""
    left = list(order)

    def choose(waiting: list[str]) -> int:
        name = next((name for name in left if name in waiting), waiting[0])
        if name in left:
            left.remove(name)
        return waiting.index(name)

    return GatedCrew(choose)
