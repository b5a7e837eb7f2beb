"""Budgets of calls that run side by side: what is under way is counted as what it may use, so none overshoot together."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from decimal import Context, Decimal, getcontext, setcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from tests.engine.spending import PRICES, Model, left, row
from tests.engine.stage import SOON, fan

WIDTH, FIT = 16, 5
"""Calls that are issued at the same time, and how many of them the budget has room for."""


USES = {"input_tokens": 9, "output_tokens": 20}
"""What a call uses: all that it was expected to, so that nothing is given back."""
ROOM = (9 + 20) * (FIT + 1) - 1
"""A token less than one more call needs."""


def stopped(engine, resume=False, **options):
    """Run until the budget stops it; return the error."""
    with pytest.raises(ng.BudgetError) as caught:
        engine.resume("r", **options) if resume else engine.run(run_id="r", **options)
    return caught.value


def test_threads_never_overshoot_together():
    """Of nodes that call at the same moment only those begin whose calls all fit, whatever they use in the end."""
    inside, asked = threading.Barrier(FIT), []

    def ask(text, model, max_tokens):
        inside.wait(SOON)  # all that may begin are under way at once
        asked.append(text)
        return {"model": model, "usage": USES}

    def work(state, ctx):
        ctx.call(ask, "hello", model="m", max_tokens=20)
        return {"log": state["item"]}

    engine = ng.Engine(fan(WIDTH, work), prices=PRICES, token_budget=ROOM, max_concurrent=WIDTH)
    error = stopped(engine)
    assert (FIT, FIT) == (len(asked), len(engine.open("r").costs))
    assert (29, True) == (error.estimate, error.spent <= 29 * FIT)


@pytest.mark.parametrize("nodes", [1, WIDTH])
def test_async_calls_never_overshoot_together(nodes):
    """The same for the branches of one node, and for nodes on one loop."""
    inside, asked = asyncio.Barrier(FIT), []

    async def ask(text, model, max_tokens):
        asked.append(text)
        if len(asked) <= FIT:
            await inside.wait()  # all that may begin are under way at once
        return {"model": model, "usage": USES}

    async def work(state, ctx):
        calls = (ctx.call(ask, "hello", model="m", max_tokens=20) for _ in range(WIDTH // nodes))
        await asyncio.gather(*calls)
        return {"log": state["item"]}

    engine = ng.Engine(fan(nodes, work), prices=PRICES, token_budget=ROOM, max_concurrent=WIDTH)
    error = stopped(engine)
    assert (FIT, 29) == (len(asked), error.estimate)
    assert "completed" == engine.resume("r", token_budget=None).status
    assert WIDTH == len(asked)


CALLS = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 80)), min_size=1, max_size=12)
"""For each call its limit on output, and what it uses in the end: more than its limit, sometimes."""


@pytest.mark.slow
@given(calls=CALLS, budget=st.integers(1, 400), width=st.sampled_from([1, 2, 12]), money=st.booleans())
def test_no_budget_is_broken_but_by_what_estimates_fell_short(calls, budget, width, money):
    """What is spent is at most the budget plus what calls used beyond what they were expected to, in any order."""
    model = Model()

    async def work(state, ctx):  # all begin before the first of them ends
        limit, uses = calls[state["item"]]
        await ctx.call(model.aask, "hello", uses, model="m", max_tokens=limit, key=str(state["item"]))
        return {"log": state["item"]}

    graph, free = fan(len(calls), work), ng.Engine(fan(len(calls), work))
    limits = {"cost_budget": budget * Decimal("0.000001")} if money else {"token_budget": budget}
    engine = ng.Engine(graph, prices=PRICES, max_concurrent=width, **limits)
    with suppress(ng.BudgetError):
        engine.run(run_id="r")
    costs = engine.open("r").costs
    made = [calls[place] for place in (int(name) for name in _keys(engine))]
    short = sum(max(0, uses - limit) for limit, uses in made)
    assert costs["output"].sum() == sum(uses for _, uses in made) <= budget + short
    if engine.open("r").status == "paused":
        engine.resume("r", cost_budget=None, token_budget=None)
    free.run(run_id="r")
    assert len(calls) + len(calls) == len(model.asked)
    assert left(free, "r")[-1] == left(engine, "r")[-1]


def _keys(engine):
    """Return which calls of a run returned."""
    return [line.name.removeprefix("key:") for line in engine.store.calls("r") if line.phase == "returned"]


def test_costs_add_up_exactly_whatever_the_threads_decimal_context():
    """Small and large amounts add up to the last digit, and a budget of exactly that is not broken."""

    def node(state, ctx):
        setcontext(Context(prec=2))  # of this node's own context variables
        for _ in range(1000):
            ctx.usage(cost="0.0000001")
        ctx.usage(cost="1234567")

    engine = ng.Engine(row(2, node), cost_budget="2469134.0002")
    assert "completed" == engine.run().status
    assert getcontext().prec > 2
    assert Decimal("1234567.0001") == stopped(engine, cost_budget="1234567.00009").spent
