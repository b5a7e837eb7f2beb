"""``ctx.usage``: what a node enters itself is one line, priced and counted once, in every kind of node and life."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest

import nbgraph as ng
from tests.engine.spending import PRICES, Model, row
from tests.engine.stage import fan

ENTRY = {"model": "m", "input_tokens": 70, "output_tokens": 30}


def node_of(enter, *, is_async=False):
    """Return a node that calls ``enter(ctx)``."""

    def sync(state, ctx):
        return {"log": enter(ctx)}

    async def awaited(state, ctx):
        await asyncio.sleep(0)
        return {"log": enter(ctx)}

    return awaited if is_async else sync


def costs(engine, run_id="r"):
    """Return the cost of each call of a run."""
    return list(engine.open(run_id).costs.cost)


@pytest.mark.parametrize("is_async", [False, True])
def test_an_entry_is_a_row_of_costs(is_async, tmp_path):
    """Sync and async nodes enter without awaiting; the row has the tokens, and the price of the model."""
    parts = {"cache_read_tokens": 20, "cache_write_tokens": 10, "reasoning_tokens": 5, "provider": "home"}
    graph = row(1, node_of(lambda ctx: ctx.usage(**ENTRY, **parts), is_async=is_async))
    engine = ng.Engine(graph, store=tmp_path / "r.sqlite", prices={"m": ng.prices.Rate(1, 2, 0, 3)})
    (told,) = engine.run(run_id="r").costs.to_dict("records")
    assert ("usage", "m", 70, 30, 20, 10, 5) == tuple(
        told[name] for name in ("call", "model", "input", "output", "cache_read", "cache_write", "reasoning")
    )
    assert (40 * 1 + 30 * 2 + 10 * 3) * Decimal("0.000001") == told["cost"]
    assert ("returned", "yours", "n0") == (engine.open("r").calls.status[0], told["source"], told["node"])


@pytest.mark.parametrize("cost", [0.1, "0.1", Decimal("0.1"), Decimal("0.10")])
def test_a_cost_of_its_own_is_exact(cost):
    """What the node says that it cost holds, whatever the model's price; a float counts as it prints."""
    engine = ng.Engine(row(1, node_of(lambda ctx: ctx.usage(cost=cost, **ENTRY))), prices=PRICES)
    told = engine.run(run_id="r").costs
    assert ([Decimal("0.1")], ["given"]) == (list(told.cost), list(told.source))


@pytest.mark.parametrize("is_async", [False, True])
def test_an_entry_is_kept_once(is_async, tmp_path):
    """A retry, a resume and a replay find the entry of the attempt before; a fork that runs the node again enters again."""
    failures = iter([True, True, False, False])

    def enter(ctx):
        ctx.usage(**ENTRY)
        ctx.usage(cost="0.5")
        ctx.usage(cost="0.5")
        if next(failures):
            raise ValueError("later")

    graph = row(1, node_of(enter, is_async=is_async))
    graph.node(name="n0", retry=ng.Retry(attempts=2, wait=0))(node_of(enter, is_async=is_async))
    engine = ng.Engine(graph, store=tmp_path / "r.sqlite", prices=PRICES)
    with pytest.raises(ng.MaxAttemptsError):
        engine.run(run_id="r")
    engine.resume("r")
    wanted = [Decimal("0.0001"), Decimal("0.5"), Decimal("0.5")]
    assert wanted == costs(engine)
    fork = engine.fork("r", 0)
    assert (wanted, wanted) == (costs(engine), costs(engine, fork.id))
    failures = iter([False])
    assert 0 == len(engine.replay("r", strict=False).mismatches)
    assert wanted == costs(engine)


@pytest.mark.parametrize("now", [{"cost": 2}, {"model": "other", "input_tokens": 1}, None])
def test_a_replay_compares_entries(now):
    """Another entry than the record's is a mismatch, and so is none."""
    said = {"cost": 1}
    engine = ng.Engine(row(1, node_of(lambda ctx: said and ctx.usage(**said))))
    engine.run(run_id="r")
    said = now
    with pytest.raises(ng.ReplayMismatchError) as caught:
        engine.replay("r")
    assert ("n0", "1") == (caught.value.node, caught.value.call)


def test_entries_beside_calls_replay_in_any_order():
    """Branches that enter and call side by side replay as they ran."""

    async def wait(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    async def branch(ctx, place):
        ctx.usage(cost=place)
        got = await ctx.call(wait, 5 - place)
        ctx.usage(cost=10 + place)
        return got

    async def node(state, ctx):
        return {"log": await asyncio.gather(*(branch(ctx, place) for place in range(5)))}

    engine = ng.Engine(row(1, node))
    assert [[5, 4, 3, 2, 1]] == engine.run(run_id="r").state["log"]
    assert sum(range(5)) + sum(range(10, 15)) == sum(costs(engine))
    assert 0 == len(engine.replay("r").mismatches)


def test_threads_of_a_node_enter_together():
    """Entries with keys may come from any thread of a node, also where the node is async."""

    async def node(state, ctx):
        await asyncio.gather(*(asyncio.to_thread(ctx.usage, cost=place, key=str(place)) for place in range(20)))

    def sync(state, ctx):
        threads = [threading.Thread(target=ctx.usage, kwargs={"cost": 1, "key": f"t{place}"}) for place in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    graph = row(1, node)
    graph.node(name="last", after="n0")(sync)
    engine = ng.Engine(graph)
    engine.run(run_id="r")
    assert sum(range(20)) + 8 == sum(costs(engine))
    assert 0 == len(engine.replay("r").mismatches)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("input_tokens", {"input_tokens": -1}),
        ("output_tokens", {"output_tokens": 1.5}),
        ("input_tokens", {"input_tokens": True}),
        ("reasoning_tokens", {"reasoning_tokens": "5", "output_tokens": 9}),
        ("input_tokens", {"input_tokens": 5, "cache_read_tokens": 3, "cache_write_tokens": 3}),
        ("output_tokens", {"reasoning_tokens": 1, "cost": 1}),
        ("cost", {"cost": -0.1}),
        ("cost", {"cost": float("nan")}),
        ("cost", {"cost": "inf"}),
        ("cost", {"cost": True}),
        ("cost", {"cost": "much"}),
        ("cost", {"cost": [1]}),
        ("model", {"model": None, "cost": 1}),
        ("provider", {"provider": 5, "cost": 1}),
        ("input_tokens", {}),
        ("input_tokens", {"model": "m"}),
    ],
)
def test_what_is_no_entry_is_refused(field, wrong):
    """A wrong argument raises an error of ours that names it; nothing is entered."""
    caught = []

    def enter(ctx):
        with pytest.raises(ng.CallError, match=field) as error:
            ctx.usage(**wrong)
        caught.append(error.value)

    engine = ng.Engine(row(1, node_of(enter)))
    engine.run(run_id="r")
    assert ([field], 0) == ([error.field for error in caught], len(engine.open("r").calls))


def test_an_entry_that_goes_over_the_budget_starts_nothing_further():
    """It is spent, so its node ends; the next one does not begin, in this drive or the next, until there is more."""
    ran = []

    def enter(ctx):
        ran.append(len(ran))
        ctx.usage(cost="0.04")

    engine = ng.Engine(row(5, node_of(enter)), cost_budget=0.1)
    for again in (engine.run, engine.resume):
        with pytest.raises(ng.BudgetError) as caught:
            again(run_id="r") if again == engine.run else again("r")
        assert "run 'r' spent $0.12 of its cost_budget of $0.1" == caught.value.message
        assert (3, Decimal("0.12"), None) == (len(ran), caught.value.spent, caught.value.call)
    assert ("completed", 5) == (engine.resume("r", cost_budget=0.2).status, len(ran))


def test_a_run_that_is_over_its_budget_at_its_end_is_complete():
    """Where nothing is left to start there is nothing to pause."""
    engine = ng.Engine(row(2, node_of(lambda ctx: ctx.usage(cost="0.04"))), cost_budget="0.05")
    assert "completed" == engine.run().status


def test_an_entry_counts_before_a_call():
    """What a node entered is not there for its calls any more."""
    model = Model()

    def node(state, ctx):
        ctx.usage(**ENTRY)
        ctx.call(model.ask, "hello", 10, model="m", max_tokens=20)

    engine = ng.Engine(row(1, node), prices=PRICES, token_budget=110)
    with pytest.raises(ng.BudgetError) as caught:
        engine.run()
    assert ([], 100, 29) == (model.asked, caught.value.spent, caught.value.estimate)


def test_an_entry_inside_a_call_is_what_that_call_used():
    """A recorded function that enters its own use is not counted a second time by what it returns."""

    def ask(text):
        ng.current().usage(**ENTRY)
        return {"model": "m", "usage": {"input_tokens": 70, "output_tokens": 30}}

    engine = ng.Engine(row(1, node_of(lambda ctx: ctx.call(ask, "hello") and None)), prices=PRICES)
    assert Decimal("0.0001") == sum(engine.run(run_id="r").costs.cost)
    assert 0 == len(engine.replay("r").mismatches)


def test_an_entry_that_cannot_be_kept_fails_its_node(monkeypatch):
    """An async node that goes on while its entry is written learns at its end that it was not."""

    def full(*args, **how):
        raise ng.StoreFull("no room", todo="make some")

    async def node(state, ctx):
        if not broken:
            broken.append(monkeypatch.setattr(engine.store, "record", full))
        ctx.usage(cost=1)

    broken = []
    engine = ng.Engine(row(1, node))
    with pytest.raises(ng.NbgraphError, match="no room"):
        engine.run(run_id="r")
    monkeypatch.undo()
    assert ("completed", [1]) == (engine.resume("r").status, costs(engine))


def test_what_was_entered_is_there_when_the_step_is(tmp_path):
    """A thousand entries of many nodes at once are all in the file, in order, with the steps that made them."""
    engine = ng.Engine(
        fan(20, lambda state, ctx: [ctx.usage(cost=1) for _ in range(50)] and None), store=tmp_path / "r.sqlite",
        durability="normal",
    )  # fmt: skip
    run = engine.run(run_id="r")
    assert (1000, 1000) == (sum(run.costs.cost), run.costs.seq.nunique())
    assert run.costs.step.notna().all()
