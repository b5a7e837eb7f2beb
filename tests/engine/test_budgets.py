"""Budgets of money and tokens: the call that would break one is not made; the run pauses, and goes on with more."""

from __future__ import annotations

import asyncio
import pickle
from decimal import Decimal

import pytest

import nbgraph as ng
from tests.engine.spending import PRICES, Model, left, row
from tests.engine.stage import PushedClock, beside, says

MILLIONTH = Decimal("0.000001")
"""What a token of model "m" costs."""
KINDS = [{"cost_budget": MILLIONTH}, {"token_budget": 1}]
"""The two budgets, each of one token."""


def times(budget, tokens):
    """Return a budget of so many tokens."""
    return {name: unit * tokens for name, unit in budget.items()}


def asks(model, *, uses=10, is_async=False):
    """Return a node that asks the model once."""

    def sync(state, ctx):
        return {"log": ctx.call(model.ask, "hello", uses, model="m", max_tokens=20)["text"]}

    async def awaited(state, ctx):
        return {"log": (await ctx.call(model.aask, "hello", uses, model="m", max_tokens=20))["text"]}

    return awaited if is_async else sync


def stopped(engine, resume=False, run_id="r", **options):
    """Run until the budget stops it; return the error."""
    with pytest.raises(ng.BudgetError) as caught:
        engine.resume(run_id, **options) if resume else engine.run(run_id=run_id, **options)
    assert "paused" == engine.open(run_id).status
    return caught.value


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("budget", KINDS)
def test_a_call_that_would_break_the_budget_is_not_made(budget, is_async):
    """A call may use 29 tokens (9 of its text, 20 by its limit) and uses 10: of 60 tokens four calls fit."""
    model = Model()
    engine = ng.Engine(row(6, asks(model, is_async=is_async)), prices=PRICES, **times(budget, 60))
    error = stopped(engine)
    ((option, limit),) = times(budget, 60).items()
    unit = budget[option]
    assert (4, 4) == (len(model.asked), len(engine.open("r").steps))
    assert (option, limit, 40 * unit, 29 * unit) == (error.option, error.limit, error.spent, error.estimate)
    assert ("r", "n4", True) == (error.run_id, error.node, error.call.endswith("ask"))
    assert [option] == [data["why"] for data in engine.open("r").events.query("kind == 'run.paused'").data]


@pytest.mark.parametrize("budget", KINDS)
def test_a_resume_goes_on_only_with_a_larger_budget(budget, tmp_path):
    """The same budget pauses at the same call without having called; with more the run ends as if it had never stopped."""
    model, free = Model(), Model()
    whole = ng.Engine(row(6, asks(free)), prices=PRICES)
    whole.run(run_id="r")
    engine = ng.Engine(row(6, asks(model)), store=tmp_path / "r.sqlite", prices=PRICES, **times(budget, 60))
    first = stopped(engine)
    again = stopped(engine, resume=True)
    assert (first.message, first.facts, 4) == (again.message, again.facts, len(model.asked))
    stopped(engine, resume=True, **times(budget, 70))
    assert "completed" == engine.resume("r", **times(budget, 80)).status
    assert (left(whole, "r"), 6) == (left(engine, "r"), len(model.asked))


def test_the_message_says_spent_budget_and_the_next_call():
    """A person reads how much was spent of what, which call was not made, what it may use, and how to go on."""
    error = stopped(ng.Engine(row(6, asks(Model())), prices=PRICES, cost_budget="0.00006"))
    told = "run 'r' spent $0.00004 of its cost_budget of $0.00006; the next call, Model.ask in node 'n4', may use $0.000029"
    assert (told, "engine.resume('r', cost_budget=...) with more") == (error.message, error.todo)
    assert "not made" in error.still


def test_the_error_is_in_the_file_and_travels(tmp_path):
    """Who opens the run in another process, or unpickles the error, reads the same exact amounts."""
    store = tmp_path / "r.sqlite"
    error = stopped(ng.Engine(row(6, asks(Model())), store=store, prices=PRICES, cost_budget="0.00006"))
    opened = ng.open_run(store, "r")
    assert "cost_budget of $0.00006" in repr(opened)
    for other in (pickle.loads(pickle.dumps(error)), opened.error):
        assert (ng.BudgetError, error.facts) == (type(other), other.facts)


def test_what_the_node_catches_it_cannot_swallow():
    """``except Exception`` does not see it, ``except BaseException`` changes nothing, ``finally`` runs, nothing retries."""
    model, seen = Model(), []

    def node(state, ctx):
        try:
            for _ in range(3):
                ctx.call(model.ask, "hello", 10, model="m", max_tokens=20)
        except Exception:
            seen.append("Exception")
        except BaseException:
            seen.append("BaseException")
        finally:
            seen.append("finally")
        return {"log": "swallowed"}

    graph = row(1, node)
    graph.node(name="n0", retry=ng.Retry(attempts=3, wait=0))(node)
    graph.node(name="caught")(says("caught"))
    graph.edge("n0", "caught", on_error=Exception)
    engine = ng.Engine(graph, prices=PRICES, token_budget=40)
    stopped(engine)
    assert (["BaseException", "finally"], 2, 0) == (seen, len(model.asked), len(engine.open("r").steps))
    assert "completed" == engine.resume("r", token_budget=100).status
    assert (["swallowed"], 3) == (engine.open("r").state["log"], len(model.asked))


def test_the_calls_before_it_are_kept():
    """A node that was stopped in its middle runs again from its beginning, and its finished calls are served."""
    model = Model()

    def node(state, ctx):
        return {"log": [ctx.call(model.ask, word, 10, model="m", max_tokens=10)["text"] for word in ("a", "b", "c")]}

    engine = ng.Engine(row(1, node), prices=PRICES, token_budget=35)
    stopped(engine)
    assert "completed" == engine.resume("r", token_budget=100).status
    assert (["a", "b", "c"], [["A", "B", "C"]]) == (model.asked, engine.open("r").state["log"])
    assert 0 == len(engine.replay("r").mismatches)


def test_what_runs_finishes_and_nothing_new_starts():
    """Beside a call that was refused the others end and are kept; of what comes behind them nothing begins."""
    model, started = Model(), []

    def costly(state, ctx):
        return {"log": ctx.call(model.ask, "costly", 10, model="m", max_tokens=1000)["text"]}

    async def cheap(state, ctx):
        for word in ("one", "two"):
            await ctx.call(model.aask, word, 10, model="m", max_tokens=10)
        return {"log": "cheap"}

    graph = beside(costly, cheap)
    graph.node(name="behind", after="cheap")(lambda state: started.append("behind"))
    engine = ng.Engine(graph, prices=PRICES, token_budget=100)
    assert "costly" == stopped(engine).node
    assert [] == started
    assert ["one", "two"] == model.asked
    assert {"begin", "cheap"} == set(engine.open("r").tasks.query("status == 'done'").node)
    assert "completed" == engine.resume("r", token_budget=2000).status


def test_of_several_the_first_in_canonical_order_is_reported():
    """Which call was refused first in time does not matter."""

    async def late(state, ctx):
        await asyncio.sleep(0.01)
        await ctx.call(Model().aask, "late", 1, model="m", max_tokens=1000)

    async def early(state, ctx):
        await ctx.call(Model().aask, "early", 1, model="m", max_tokens=1000)

    assert "late" == stopped(ng.Engine(beside(late, early), prices=PRICES, token_budget=100)).node


@pytest.mark.parametrize("how", ["gather", "swallow", "group"])
def test_branches_of_one_node_end_first(how):
    """A call under way beside one that is refused is not cut short: it is paid for, and kept."""
    model, go = Model(), asyncio.Event()

    async def slow(text, model):
        await go.wait()
        return model_.ask(text, 10, model)

    model_ = model

    async def over(ctx):
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, go.set)
        await ctx.call(model.aask, "over", 10, model="m", max_tokens=1000)

    async def node(state, ctx):
        calls = ctx.call(slow, "slow", model="m"), over(ctx)
        if how == "group":
            async with asyncio.TaskGroup() as group:
                for call in calls:
                    group.create_task(call)
        else:
            await asyncio.gather(*calls, return_exceptions=how == "swallow")
        return {"log": how}

    engine = ng.Engine(row(1, node), prices=PRICES, token_budget=100)
    stopped(engine)
    assert (["slow"], ["returned"]) == (model.asked, list(engine.open("r").calls.status))
    assert "completed" == engine.resume("r", token_budget=2000).status
    assert ["slow", "over"] == model.asked


def test_without_a_limit_on_output_the_input_counts():
    """Where nobody says how much may come out, a call goes ahead while its input fits, and the run stops behind it."""
    model = Model()

    def node(state, ctx):
        ctx.call(model.ask, "x" * 37, 500, model="m")

    engine = ng.Engine(row(5, node), prices=PRICES, token_budget=700)
    error = stopped(engine)
    assert (2, 1000, None, None) == (len(model.asked), error.spent, error.node, error.call)


def test_a_function_that_names_no_model_is_expected_to_use_what_it_did():
    """The largest use of a function so far is what its next call may use; its first is made in any case."""
    model = Model()

    def node(state, ctx):
        return {"log": ctx.call(model.ask, "hello", 30)["text"]}

    engine = ng.Engine(row(5, node), prices=PRICES, token_budget=80)
    error = stopped(engine)
    assert (2, 60, 30, "n2") == (len(model.asked), error.spent, error.estimate, error.node)
    assert 60 == stopped(engine, resume=True).spent
    assert 2 == len(model.asked)


def test_calls_that_use_no_model_are_never_refused():
    """What has no price and no tokens is made, whatever was spent."""
    model, seen = Model(), []

    def node(state, ctx):
        ctx.call(model.ask, "hello", 40, model="m", max_tokens=40)
        for place in range(3):
            ctx.call(seen.append, place)

    engine = ng.Engine(row(1, node), prices=PRICES, token_budget=55, cost_budget=55 * MILLIONTH)
    assert ("completed", [0, 1, 2]) == (engine.run().status, seen)


def test_a_model_without_a_price_is_refused():
    """Under a budget of money an unknown price is not 0: nothing is called, and the error says how to say the price."""
    model = Model()

    def node(state, ctx):
        ctx.call(model.ask, "hello", 10, model="nobodys", max_tokens=20)

    engine = ng.Engine(row(1, node), cost_budget=1)
    error = stopped(engine)
    assert ([], None) == (model.asked, error.estimate)
    assert "nobody knows what model 'nobodys' costs" in error.message
    assert "prices={'nobodys': " in error.todo
    assert "completed" == engine.resume("r", prices={"nobodys": (1, 1)}).status


def test_a_use_without_a_price_stops_the_run():
    """A call that turns out to cost nobody knows what is the last; a resume with its price counts it."""
    model = Model()

    def node(state, ctx):
        ctx.call(model.ask, "hello", 10, "nobodys2")

    engine = ng.Engine(row(3, node), cost_budget=25 * MILLIONTH)
    assert "'nobodys2'" in stopped(engine).message
    assert 20 * MILLIONTH == stopped(engine, resume=True, prices={"nobodys2": (1, 1)}).spent
    assert 2 == len(model.asked)


@pytest.mark.parametrize("answer", [None, {"model": "m"}, {"model": "m", "usage": {"input_tokens": 0}}])
def test_a_model_that_tells_no_use_counts_as_expected(answer):
    """Neither live nor in a resume is what nobody told taken to be nothing."""
    asked = []

    def quiet(text, model, max_tokens):
        asked.append(text)
        return answer

    def node(state, ctx):
        ctx.call(quiet, "hello", model="m", max_tokens=40)

    engine = ng.Engine(row(5, node), prices=PRICES, token_budget=100)
    first = stopped(engine)
    again = stopped(engine, resume=True)
    assert (2, first.facts) == (len(asked), again.facts)


def test_a_fork_pays_for_itself():
    """Neither the past that it shares nor calls that a record answers are counted against a fork's budget."""
    model = Model()
    engine = ng.Engine(row(4, asks(model)), prices=PRICES)
    engine.run(run_id="r")
    assert "completed" == engine.fork("r", 2, token_budget=40).status
    assert "completed" == engine.fork("r", 1, reuse_calls=True, token_budget=1).status
    assert 6 == len(model.asked)


def test_an_attempt_that_failed_was_paid():
    """What an attempt's calls used counts although the attempt failed, and once."""
    model, failures = Model(), iter([True, True, False])

    def node(state, ctx):
        ctx.call(model.ask, str(len(model.asked)), 10, model="m", max_tokens=10)
        if next(failures):
            raise ValueError("again")

    graph = row(1, node)
    graph.node(name="n0", retry=ng.Retry(attempts=3, wait=0))(node)
    graph.node(name="last", after="n0")(asks(model))
    engine = ng.Engine(graph, prices=PRICES, token_budget=50)
    assert (30, "last") == ((error := stopped(engine)).spent, error.node)


def test_the_time_budget_is_looked_at_before_a_call():
    """A call is not begun when the time is up; the node ends there, and goes on in the next drive."""
    clock, made = PushedClock(), []

    def takes(place):
        made.append(place)
        clock.push(4.0)

    def node(state, ctx):
        for place in range(3):
            ctx.call(takes, place, key=str(place))

    engine = ng.Engine(row(1, node), time_budget=6, clock=clock)
    error = stopped(engine)
    assert ([0, 1], "time_budget", 6, "n0", True) == (
        made,
        error.option,
        error.limit,
        error.node,
        "takes" in error.call,
    )
    assert error.spent >= 8
    assert ("completed", [0, 1, 2]) == (engine.resume("r").status, made)


def test_a_call_around_a_refused_one_is_made_again():
    """A recorded call that was stopped by one inside it is no call of unknown outcome, whatever its policy."""
    model = Model()

    @ng.call
    def inner(text, model, max_tokens):
        return model_.ask(text, 10, model)

    model_ = model

    def outer(text):
        return inner(text, model="m", max_tokens=20)["text"]

    def node(state, ctx):
        return {"log": ctx.call(outer, "hello", unknown="skip")}

    engine = ng.Engine(row(1, node), prices=PRICES, token_budget=10)
    stopped(engine)
    stopped(engine, resume=True)
    assert "completed" == engine.resume("r", token_budget=100).status
    assert (["HELLO"], 1) == (engine.open("r").state["log"], len(model.asked))


def test_budgets_that_are_set_anew_replace_the_engines():
    """A run's own budget wins over the engine's, and None lifts it."""
    model = Model()
    engine = ng.Engine(row(3, asks(model)), prices=PRICES, token_budget=20)
    assert "completed" == engine.run(token_budget=None).status
    assert "completed" == engine.run(token_budget=100).status
    assert 0 == stopped(engine).spent


@pytest.mark.parametrize("how", ["arun", "start", "thread"])
def test_every_front_door_raises_it(how):
    """Whoever waits for the run, awaited or not, gets the same error; the live run knows why it is paused."""
    engine = ng.Engine(row(6, asks(Model())), prices=PRICES, token_budget=60)

    async def awaited():
        await (engine.arun(run_id="r") if how == "arun" else engine.start(run_id="r"))

    with pytest.raises(ng.BudgetError) as caught:
        asyncio.run(awaited()) if how != "thread" else engine.start(run_id="r").wait()
    assert ("n4", "paused", True) == (
        caught.value.node, engine.open("r").status, "token_budget of 60 tokens" in repr(engine.open("r")),
    )  # fmt: skip


def test_a_question_beside_a_refused_call_stays_open():
    """The run pauses for its budget, and the question can be answered meanwhile; then the node has both."""
    model = Model()

    async def node(state, ctx):
        answer, told = await asyncio.gather(ctx.ask("Go?"), ctx.call(model.aask, "x", 5, model="m", max_tokens=50))
        return {"log": [answer, told["text"]]}

    engine = ng.Engine(row(1, node), prices=PRICES, token_budget=20)
    stopped(engine)
    assert ["r"] == list(engine.inbox().run_id)
    assert "waiting" == engine.resume("r", token_budget=100).status
    engine.answer(engine.inbox().question[0], "yes")
    assert "completed" == engine.resume("r").status
    assert ([["yes", "X"]], ["x"]) == (engine.open("r").state["log"], model.asked)


def test_a_replay_has_no_budget():
    """A replay pays nothing, so nothing is refused, with whatever budget its engine was made."""
    graph = row(3, asks(Model()))
    store = ng.MemoryStore()
    ng.Engine(graph, store=store, prices=PRICES).run(run_id="r")
    assert ng.Engine(graph, store=store, token_budget=1, cost_budget="0.000001").replay("r").ok


def test_a_failure_before_a_refused_call_is_still_the_runs():
    """A run in which something failed before the refused call, in canonical order, is failed; after it, paused."""

    def fails(state):
        raise ValueError("boom")

    def costly(state, ctx):
        ctx.call(Model().ask, "x", 5, model="m", max_tokens=1000)

    for nodes, status, error in (
        ((fails, costly), "failed", ng.NodeError),
        ((costly, fails), "paused", ng.BudgetError),
    ):
        engine = ng.Engine(beside(*nodes), prices=PRICES, token_budget=100)
        with pytest.raises(error):
            engine.run(run_id="r")
        assert status == engine.open("r").status


def test_a_call_that_was_given_up_counts_as_expected():
    """What a timeout cut short may have been paid for: it counts, in this drive and by the log in the next."""
    started = []

    async def hangs(text, model, max_tokens):
        started.append(text)
        await asyncio.sleep(60)

    async def node(state, ctx):
        for word in ("one", "two", "three"):
            try:
                async with asyncio.timeout(0.01):
                    await ctx.call(hangs, word, model="m", max_tokens=50)
            except TimeoutError:
                pass

    engine = ng.Engine(row(1, node), prices=PRICES, token_budget=140)
    first = stopped(engine)
    again = stopped(engine, resume=True)
    assert (["one", "two"], 2 * 58, 2 * 58) == (started, first.spent, again.spent)
