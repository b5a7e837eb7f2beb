"""What calls cost, as rows: read from the log as it is, summed exactly, never a zero for what nobody knows."""

from __future__ import annotations

from decimal import Decimal
from json import dumps
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.analysis.calls import Calls, calls_of
from nbgraph.analysis.costs import NAMES, as_recorded, as_with, cost_of, cost_rows, costs_of, growth, total_of
from nbgraph.prices import Prices
from nbgraph.prices.money import sum_of
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord


def lines(*calls: dict[str, Any], node: str = "ask", attempt: int = 1) -> list[CallRecord]:
    """Return the log of calls that returned ``calls``, one after the other."""
    found: list[CallRecord] = []
    for place, facts in enumerate(calls):
        asked = dumps(
            {"request": {"call": "ask_model", "asked": {"kwargs": {"model": facts.pop("asked_model", None)}}}}
        )
        both = (("started", asked), (facts.pop("phase", "returned"), dumps(facts)))
        found += [
            CallRecord(len(found) + 1 + turn, float(place), "t", node, attempt, str(place), phase, "", data)
            for turn, (phase, data) in enumerate(both)
        ]
    return found


def used(many: int, usd: str | None = "0.1", model: str = "m", **facts: Any) -> dict[str, Any]:
    source = "unknown" if usd is None else "yours"
    cost = {"usd": usd, "from": source, "rate": "r", "as_of": "2025-10-15"}
    usage = {"input_tokens": many, "output_tokens": 1, "model": model}
    return {"usage": usage, "cost": cost, "seconds": 0.5, **facts}


def older(many: int, model: str = "gpt-4o", **facts: Any) -> dict[str, Any]:
    """Return a call as it was recorded before lines said what a call cost."""
    return {"response": {"model": model}, "usage": {"prompt_tokens": many}, **facts}


def test_a_row_says_what_its_line_says():
    """The price that was found when the call was made stands, whatever the table says today."""
    (row,) = costs_of(lines(used(10, "0.25", "gpt-4o")))
    assert (Decimal("0.25"), "yours", "r", "2025-10-15") == (row.cost, row.source, row.rate, row.as_of)
    assert ("ask", "ask_model", "gpt-4o", 10, 0.5) == (row.node, row.call, row.model, row.tokens.input, row.seconds)


def test_a_cost_that_nobody_knows_is_none():
    """An unknown cost is None in its row and in every sum with it, never 0; what is known is summed beside it."""
    row = total_of(costs_of(lines(used(10, None), used(10, "2"))))
    assert (None, Decimal(2), 1) == (row.cost, row.known, row.unknown)


def test_a_line_of_an_older_version_is_priced_when_read():
    """Where a line says no cost, today's table does, and the row says so."""
    (row,) = costs_of(lines(older(1_000_000)))
    assert (Decimal("2.5"), "nbgraph", "2025-10-15") == (row.cost, row.source, row.as_of)
    assert row.rate.endswith("priced when read")


def test_a_model_that_tells_no_use_is_unknown():
    """A request that names a model and is answered was paid for, nobody knows how much."""
    assert [None] == [row.cost for row in costs_of(lines({"asked_model": "gpt-4o", "response": "yes"}))]


def test_what_uses_no_model_costs_nothing():
    """A call without a model and tokens, and one that raised, cost nothing that anybody could tell."""
    failed = {"phase": "raised", "error": {"type": "E", "text": "429"}, "asked_model": "gpt-4o"}
    rows = costs_of(lines({"response": "text"}, failed))
    assert [(Decimal(0), "none")] * 2 == [(row.cost, row.source) for row in rows]


def test_a_call_that_a_record_answered_is_not_paid_again():
    """It is counted; its tokens, seconds and dollars are the origin's, and stand as saved."""
    row = total_of(costs_of(lines(used(10, "1"), used(20, "3", reused="r0/1"))))
    assert (2, 1, 10, 0.5) == (row.calls, row.reused, row.tokens.input, row.seconds)
    assert (Decimal(1), Decimal(3)) == (row.cost, row.saved)


def step(number: int, used: list[int], attempts: int = 1) -> StepRecord:
    return StepRecord(number, "t", "ask", "done", attempts, 0, *[""] * 9)._replace(facts=dumps({"calls": used}))


def resumed(time: float, step: int) -> EventRecord:
    return EventRecord(1, step, time, "run.resumed", "", "", "{}")


def test_a_row_has_its_tasks_step():
    """The step is that of the task's commit, None before it."""
    log = lines(used(1))
    assert [[None], [7]] == [[row.step for row in costs_of(log, steps)] for steps in ([], [step(7, [2])])]


@pytest.mark.parametrize(
    ("saved", "steps", "events"),
    [
        ("0", [step(1, [2])], []),
        ("1", [step(1, [2], attempts=2)], []),
        ("0", [step(1, [], attempts=2)], []),
        ("1", [step(3, [2])], [resumed(9.0, 2)]),
        ("0", [step(2, [2])], [resumed(9.0, 2)]),
        ("0", [step(3, [2])], [resumed(0.1, 2)]),
    ],
    ids=["same attempt", "later attempt", "not asked again", "resumed", "committed before", "made after"],
)
def test_a_call_is_saved_where_a_later_life_used_it(saved, steps, events):
    """What an attempt that was over had paid for, and the attempt that was kept got from the record, was saved."""
    (row,) = costs_of(lines(used(1, "1")), steps, events)
    assert (Decimal(1), Decimal(saved)) == (row.cost, row.saved)


def test_a_call_inside_another_is_paid_once():
    """Where a call tells its use, the one around it has none of its own, and answers again where that one does."""
    log = lines({"response": {"model": "m"}, "usage": {"input_tokens": 9}}, used(9, "2"))
    log = [line._replace(name=line.name.replace("1", "0/1")) for line in log]
    rows = costs_of(log, [step(1, [2], attempts=2)])
    assert [(0, 0), (2, 2)] == [(row.cost, row.saved) for row in rows]


def test_questions_and_unfinished_calls_are_no_costs():
    """A question to a person costs no tokens, and what has not ended has used nothing yet."""
    asked = CallRecord(9, 1.0, "t", "ask", 1, "q", "asked", "", dumps({"request": {"call": "ask"}}))
    assert [] == costs_of([asked, *lines(used(1))[:1]])


def test_other_prices_change_nothing_but_the_price():
    """What would it have cost: tokens, seconds and what was given as a cost stay."""
    given = {"cost": {"usd": "7", "from": "given", "rate": "", "as_of": ""}, "usage": {}}
    log = lines(used(1_000_000, None), given, used(5, "9", reused="r/1"))
    rows = costs_of(log, pricing=as_with(Prices({"m": (2, 0)})))
    assert [Decimal(2), Decimal(7), Decimal(0)] == [row.cost for row in rows]
    assert Decimal("0.00001") == rows[2].saved


amounts = st.decimals(0, 10**6, allow_nan=False, places=12).map(lambda value: f"{value:f}")


@given(st.lists(st.tuples(amounts, st.sampled_from("ab"), st.sampled_from("mn")), max_size=30), st.randoms())
def test_sums_agree_however_they_are_grouped(parts, random):
    """Totals by any name, and in any order, are the same to the last digit, whatever the caller's precision."""
    rows = [row for usd, node, model in parts for row in costs_of(lines(used(1, usd, model), node=node))]
    whole = total_of(rows).cost
    random.shuffle(rows)
    for name in NAMES:
        assert whole == sum_of(group.cost for group in cost_rows(rows, [name]))


def test_ten_thousand_calls_add_up():
    """Ten thousand times a ten-thousandth of a cent are a cent, by call, node and model."""
    rows = costs_of(lines(*[used(1, "0.000001", f"m{n % 7}") for n in range(10_000)]))
    sums = [sum_of(group.cost for group in cost_rows(rows, [name])) for name in NAMES]
    assert {Decimal("0.01")} == {total_of(rows).cost, *sums}


def test_costs_need_no_texts():
    """Without what was asked and answered the rows are the same, and nothing of it is held."""
    log, light = lines(used(10, response="x"), older(5)), Calls(whole=False)
    light.take(log)
    priced = as_recorded(Prices())
    assert [cost_of(call, priced) for call in calls_of(log)] == [cost_of(call, priced) for call in light.all()]
    assert [None, None] == [call.response for call in light.all()]


def test_growth_has_a_point_for_each_paid_call():
    """The line rises call by call; what was served from the record and what has no price are left out of it."""
    points = growth(costs_of(lines(used(10, "2"), used(20, None), used(30, reused="r0/1"))))
    assert [(1, 11, Decimal(2), 0), (2, 32, Decimal(2), 1)] == [(p.calls, p.tokens, p.cost, p.unknown) for p in points]


HOSTILE = [
    "", "[]", "nonsense", '{"request": 7, "usage": 7, "error": 7, "cost": 7}', '{"cost": {"usd": "NaN"}}',
    '{"cost": {"usd": "-1", "from": 7}, "usage": {"input_tokens": "x", "model": 7}}',
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE)
def test_a_line_that_says_nothing_is_borne(data: str):
    """A log from a file may hold anything: such a call is there, its cost unknown or nothing."""
    (row,) = costs_of([CallRecord(1, 0.0, "t", "n", 1, "0", "returned", "", data)])
    assert row.cost in (None, 0)


def test_the_sum_of_nothing_is_known():
    """No call, no cost: that is 0, and known."""
    assert (0, Decimal(0)) == (total_of([]).calls, total_of([]).cost)


def test_rows_are_made_of_a_real_run():
    """What a run's nodes called, and what its answers say they used, are in the rows."""
    graph = ng.Graph({"n": int}, name="asks")

    @graph.node
    def ask(state, ctx):
        ctx.call(lambda: {"usage": {"input_tokens": 7}, "model": "gpt-4o"})

    engine = ng.Engine(graph, store=":memory:")
    engine.run({"n": 1}, run_id="r1")
    (row,) = costs_of(engine.store.calls("r1"))
    assert ("ask", "gpt-4o", 7, Decimal("0.0000175")) == (row.node, row.model, row.tokens.input, row.cost)
