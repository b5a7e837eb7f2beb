"""What runs cost: tables of exact amounts, from the file alone, each call counted once, in the run that paid."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isnan
from typing import Annotated

import pandas as pd
import pytest

import nbgraph as ng
from nbgraph.analysis.cost_frames import CALLS, RUNS, SUMS
from nbgraph.prices.money import total

RATE = {"small": (1, 2), "large": (10, 20)}


def answer(model: str, tokens: int) -> dict[str, object]:
    return {"model": model, "usage": {"input_tokens": tokens, "output_tokens": 10}}


def reviewing(store: object = ":memory:", fails: int = 0, **how: object) -> ng.Engine:
    """Return an engine whose run calls two models in two nodes; the second node fails ``fails`` times after its calls."""
    graph, left = ng.Graph({"n": int}, name="reviewing"), [fails]

    @graph.node
    def read(state, ctx):
        ctx.call(answer, "small", 1000)
        ctx.call(answer, "large", 100)

    @graph.node(after="read", retry=ng.Retry(attempts=2, wait=0))
    def judge(state, ctx):
        ctx.call(answer, "small", state["n"])
        if left[0]:
            left[0] -= 1
            raise ConnectionError("again")
        return {"n": 0}

    return ng.Engine(graph, store=store, **{"prices": RATE, **how})


SPENT = [Decimal("0.00102"), Decimal("0.0012"), Decimal("0.00007")]


def test_each_call_is_a_row():
    """One row a call, with its step, tokens, exact cost, and the price used."""
    costs = reviewing().run({"n": 50}).costs
    assert list(CALLS) == list(costs.columns)
    assert SPENT == list(costs.cost)
    assert [(1, "small", 1000), (1, "large", 100), (2, "small", 50)] == [
        tuple(row) for row in costs[["step", "model", "input"]].itertuples(index=False)
    ]
    assert {("yours", "1.00 in, 2.00 out per million"), ("yours", "10.00 in, 20.00 out per million")} == set(
        zip(costs.source, costs.rate, strict=True)
    )
    assert 1 == pytest.approx(costs.share.sum())


def test_costs_are_summed_by_any_name():
    """The dearest group comes first, steps in their order; all sums are the same exact total."""
    run = reviewing().run({"n": 50})
    by_model = run.costs_by("model")
    assert [("large", 1, SPENT[1]), ("small", 2, SPENT[0] + SPENT[2])] == [
        tuple(row) for row in by_model[["model", "calls", "cost"]].itertuples(index=False)
    ]
    for names in (("node",), ("step",), ("task",), ("attempt",), ("call",), ("provider",), ("node", "model"), ()):
        table = run.costs_by(*names)
        assert [*names, *SUMS] == list(table.columns)
        assert total(SPENT) == total(table.cost) == table.attrs["total"]["cost"]
    assert sorted(run.costs.step) == list(run.costs_by("step", "call").step.repeat(run.costs_by("step", "call").calls))


def test_a_sum_by_nothing_known_is_refused():
    """The error names the nearest name."""
    with pytest.raises(ng.OptionsError, match="nearest is 'model'"):
        reviewing().run({"n": 1}).costs_by("modle")


def test_an_unknown_model_is_nan_and_said_beside_what_is_known():
    """A group with a call that nobody can price costs NaN; what is known of it is a column of its own."""
    run = reviewing(prices={"small": (1, 2)}).run({"n": 50})
    (row,) = run.costs_by().to_dict("records")
    assert (True, SPENT[0] + SPENT[2], 1) == (row["cost"].is_nan(), row["known"], row["unknown"])
    assert [False, True, False] == [cost.is_nan() for cost in run.costs.cost]
    assert isnan(run.costs.share[1])


def fails(_: object) -> dict[str, object]:
    raise LookupError("no usage here")


@pytest.mark.parametrize(
    "reader", [fails, lambda _: "text", lambda _: {"cost": "much"}, lambda _: {"cost": 10**5000}, lambda _: {(1, 2): 3}]
)
def test_a_call_whose_use_cannot_be_read_is_unknown(reader):
    """A reader of a call's use that fails loses no call, and makes none free; a call around it is paid as it tells."""
    graph = ng.Graph({"n": int}, name="reading")
    inside = ng.call(usage=reader)(lambda: 7)

    def asks() -> dict[str, object]:
        return answer("small", inside() * 100)

    graph.node(name="read")(lambda state, ctx: {"n": ctx.call(asks)["usage"]["input_tokens"]})
    engine = ng.Engine(graph, store=":memory:", prices=RATE)
    costs = engine.run({"n": 0}, run_id="r").costs
    assert ([700, 0], Decimal("0.00072"), True) == (list(costs.input), costs.cost[0], costs.cost[1].is_nan())
    assert engine.replay("r").ok


def test_a_failed_attempts_calls_are_paid_and_answer_again():
    """What an attempt that failed had called is paid once; that its successor got it from the record was saved."""
    costs = reviewing(fails=1).run({"n": 50}).costs
    assert SPENT == list(costs.cost)
    assert [0, 0, SPENT[2]] == list(costs.saved)


def test_a_resumed_runs_calls_are_paid_once():
    """A run that failed for good and is resumed pays for no call again, and says what that saved."""
    engine = reviewing(fails=2)
    with pytest.raises(ng.MaxAttemptsError):
        engine.run({"n": 50}, run_id="r")
    failed = engine.open("r").costs
    assert (SPENT, [1, 1, None]) == (
        list(failed.cost),
        failed.step.astype(object).where(failed.step.notna(), None).tolist(),
    )
    resumed = engine.resume("r").costs
    assert (SPENT, SPENT[2]) == (list(resumed.cost), resumed.saved[2])


def test_a_fork_pays_for_its_own_calls_only():
    """The shared past was paid by its origin; a call from the origin's record costs nothing, and is saved."""
    engine = reviewing()
    engine.run({"n": 50}, run_id="r")
    reused = engine.fork("r", 1, reuse_calls=True, new_id="reused").costs
    assert ([True], [0], [0], [SPENT[2]]) == tuple(list(reused[name]) for name in ("reused", "cost", "input", "saved"))
    anew = engine.fork("r", 1, update={"n": 500}, new_id="anew").costs
    assert [Decimal("0.00052")] == list(anew.cost)


def test_a_reused_call_saves_what_the_calls_inside_it_cost():
    """A fork, a fork of it and their replays say so, with the recorded prices and with others."""
    graph, asks = ng.Graph({"n": int}, name="nest"), ng.call(answer)
    graph.node(name="begin")(lambda state: {"n": 1})
    pair = lambda: [asks("small", 1000), asks("large", 100)]  # noqa: E731 - a call around calls
    graph.node(name="ask", after="begin")(lambda state, ctx: {"n": len(ctx.call(pair))})
    engine = ng.Engine(graph, store=":memory:", prices=RATE)
    paid = total(engine.run({"n": 0}, run_id="r").costs.cost)
    for origin, name in (("r", "f"), ("f", "g")):
        fork = engine.fork(origin, step=1, reuse_calls=True, new_id=name)
        for table in (fork.costs, fork.reprice({"small": (9, 9)})):
            assert [(0, paid)] == list(zip(table.cost, table.saved, strict=True))
        assert paid == engine.replay(name).saved


def test_all_runs_together_cost_what_was_paid():
    """``engine.costs()`` has a row a run, forks included, and each call counts once."""
    engine = reviewing()
    engine.run({"n": 50}, run_id="r")
    engine.fork("r", 1, update={"n": 500}, new_id="f")
    engine.run({"n": 1}, run_id="s")
    table = engine.costs()
    assert list(RUNS) == list(table.columns)
    assert ["r", "f", "s"] == list(table.run_id)
    paid = [*SPENT, Decimal("0.00052"), *SPENT[:2], Decimal("0.000021")]
    assert total(paid) == total(table.cost) == table.attrs["total"]["cost"]


def test_a_file_tells_its_costs_without_the_graph(tmp_path):
    """``ng.open_run`` and ``ng.costs`` say what was recorded: the prices of then, whatever the table says now."""
    file = tmp_path / "runs.sqlite"
    engine = reviewing(file)
    engine.run({"n": 50}, run_id="r")
    engine.close()
    costs = ng.open_run(file, "r").costs
    assert (SPENT, {"yours"}) == (list(costs.cost), set(costs.source))
    assert total(SPENT) == ng.costs(file).attrs["total"]["cost"]


def test_the_open_format_tells_costs_too(tmp_path):
    """Whoever reads the file with SQL alone finds each call's cost, exact, beside its tokens."""
    engine = reviewing(tmp_path / "runs.sqlite")
    engine.run({"n": 50})
    query = "SELECT json_extract(data, '$.usage.input_tokens'), json_extract(data, '$.cost.usd') FROM v_calls"
    rows = engine.store.sql(f"{query} WHERE phase IN ('returned', 'raised')").rows
    assert [(1000, SPENT[0]), (100, SPENT[1]), (50, SPENT[2])] == [(tokens, Decimal(usd)) for tokens, usd in rows]


def test_other_prices_say_what_it_would_have_cost():
    """``reprice`` is the same table with other prices; the run keeps its own."""
    run = reviewing().run({"n": 50})
    before = run.costs
    other = run.reprice({"small": (2, 4), "large": (0, 0)})
    assert [2 * SPENT[0], 0, 2 * SPENT[2]] == list(other.cost)
    pd.testing.assert_frame_equal(before, run.costs)


def test_a_changed_price_changes_no_run_that_was(tmp_path):
    """Another engine with other prices reads the old run at its old price."""
    run = reviewing(tmp_path / "a.sqlite").run({"n": 50}, run_id="r")
    assert SPENT == list(reviewing(tmp_path / "a.sqlite", prices={"small": (7, 7)}).open("r").costs.cost)
    assert run.id == "r"


def test_a_replay_says_what_it_saved():
    """The calls that the record answers cost, when they were made, what the replay saves."""
    engine = reviewing(fails=1)
    engine.run({"n": 50}, run_id="r")
    replay = engine.replay("r")
    assert total(SPENT) == replay.saved
    assert f"3 calls from the record, ${replay.saved} saved, nothing called" in repr(replay)


def test_a_diff_says_what_each_side_cost():
    """The costs of two runs stand beside each other, task by task, exactly, and in words."""
    engine = reviewing()
    diff = engine.run({"n": 50}, run_id="r").diff(engine.run({"n": 150}, run_id="s"))
    assert [0, Decimal("0.0001")] == list(diff.tasks.cost_delta)
    assert "Cost: $0.00239 instead of $0.00229" in diff.summary


def test_a_fork_and_its_origin_are_compared_with_the_shared_past():
    """Both sides show what the shared steps cost, so that the difference is what the fork changed."""
    engine = reviewing()
    run = engine.run({"n": 50}, run_id="r")
    diff = run.diff(engine.fork("r", 1, update={"n": 150}, new_id="f"))
    deltas = dict(zip(diff.tasks.step_left, diff.tasks.cost_delta, strict=True))
    assert (0, Decimal("0.0001")) == (deltas[1], total(diff.tasks.cost_delta))


def test_a_run_without_calls_has_empty_tables():
    """No call, no cost: the columns are there, and the sum is 0."""
    graph = ng.Graph({"n": int}, name="quiet")
    graph.node(lambda state: {"n": 1}, name="only")
    run = ng.Engine(graph, store=":memory:").run({"n": 0})
    assert (0, list(CALLS)) == (len(run.costs), list(run.costs.columns))
    assert (0, 0) == (len(run.costs_by("node")), run.costs_by("node").attrs["total"]["cost"])


@pytest.mark.slow
def test_ten_thousand_calls_add_up_to_the_last_digit():
    """Totals by call, task, node, model, attempt, step and run are one exact number, that of the prices by hand."""
    graph, rates = ng.Graph({"n": int, "done": Annotated[int, ng.add]}, name="many"), {"a": "0.075", "b": "2.3456789"}

    @graph.node(sends="work")
    def split(state):
        return [ng.Send("work", n=n) for n in range(100)]

    @graph.node
    def work(state, ctx):
        for number in range(100):
            ctx.call(lambda number: answer("ab"[number % 2], state["n"] * number), number)
        return {"done": 1}

    run = ng.Engine(graph, store=":memory:", prices={name: (rate, "1.1") for name, rate in rates.items()}).run({"n": 0})
    tokens = [(rates["ab"[number % 2]], n * number) for n in range(100) for number in range(100)]
    paid = sum(Fraction(rate) * many + 10 * Fraction("1.1") for rate, many in tokens) / 10**6
    sums = [total(run.costs.cost), total(run.engine.costs().cost)]
    sums += [total(run.costs_by(name).cost) for name in ("call", "task", "node", "model", "attempt", "step")]
    assert (10_000, {paid}) == (len(run.costs), {Fraction(one) for one in sums})
