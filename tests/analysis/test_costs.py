"""What calls used, as rows: read from the log as it is, priced by whoever knows prices."""

from __future__ import annotations

from decimal import Decimal
from json import dumps
from typing import Any

import pytest

import nbgraph as ng
from nbgraph.analysis.costs import Calls, Tokens, calls_of, cost_rows, cost_text, growth, sum_of, tokens_of, total_of
from nbgraph.store.protocol import CallRecord


def lines(*calls: dict[str, Any], node: str = "ask") -> list[CallRecord]:
    """Return the log of calls that returned ``calls``, one after the other."""
    found = []
    for place, facts in enumerate(calls):
        asked = dumps({"request": {"call": "ask_model", "asked": {"model": facts.pop("asked_model", None)}}})
        both = (("started", asked), (facts.pop("phase", "returned"), dumps(facts)))
        found += [
            CallRecord(len(found) + 1 + turn, float(place), "t", node, 1, str(place), phase, "", data)
            for turn, (phase, data) in enumerate(both)
        ]
    return found


def used(many: int, model: str = "m", **facts: Any) -> dict[str, Any]:
    return {"usage": {"input_tokens": many, "output_tokens": 1, "model": model}, "seconds": 0.5, **facts}


def test_rows_are_per_node_and_model():
    """Calls of one node to one model are one row, with their sums."""
    rows = cost_rows(calls_of([*lines(used(10), used(20), used(5, "n"))]))
    assert [("ask", "m", 2, 30), ("ask", "n", 1, 5)] == [
        (row.node, row.model, row.calls, row.tokens.input) for row in rows
    ]


def test_a_cost_that_nobody_knows_is_unknown():
    """Without a price the cost is None, in a row and in the sum, and reads "unknown", never 0."""
    rows = cost_rows(calls_of(lines(used(10))))
    assert [None, None, "unknown"] == [rows[0].cost, total_of(rows).cost, cost_text(rows[0].cost)]


def test_one_unknown_part_makes_the_sum_unknown():
    """A price for one model does not hide that the other has none."""
    rows = cost_rows(calls_of(lines(used(10), used(10, "n"))), lambda model, _: Decimal(1) if model == "m" else None)
    assert [Decimal(1), None] == [row.cost for row in rows]
    assert total_of(rows).cost is None


def test_sums_are_exact():
    """Ten times ten cents are a dollar."""
    rows = cost_rows(calls_of(lines(*[used(1) for _ in range(10)])), lambda *_: Decimal("0.1"))
    assert Decimal(1) == total_of(rows).cost


def test_a_call_from_the_record_is_not_paid_again():
    """What was served from the record is counted, and costs nothing here."""
    row = cost_rows(calls_of(lines(used(10), used(20, reused="r0/1"))), lambda _, tokens: Decimal(tokens.input))[0]
    assert (2, 1, 10, Decimal(10)) == (row.calls, row.reused, row.tokens.input, row.cost)


def test_costs_need_no_texts():
    """Without what was asked and answered the rows are the same, and nothing of it is held."""
    log = lines(used(10, response="x"), {"usage": {"input_tokens": 5}, "response": {"model": "n"}})
    light = Calls(whole=False)
    light.take(log)
    assert cost_rows(calls_of(log)) == cost_rows(light.all())
    assert [None, None] == [call.response for call in light.all()]


def test_questions_and_unfinished_calls_are_no_costs():
    """A question to a person costs no tokens, and what has not ended has used nothing yet."""
    asked = CallRecord(9, 1.0, "t", "ask", 1, "q", "asked", "", dumps({"request": {"call": "ask"}}))
    assert [] == cost_rows(calls_of([asked, *lines(used(1))[:1]]))


def test_a_call_that_raised_counts():
    """An attempt that failed is a call too; what it used is what it says."""
    calls = calls_of(lines({"phase": "raised", "error": {"type": "ValueError", "text": "no"}, "seconds": 1.0}))
    assert ("ValueError: no", 1) == (calls[0].error, cost_rows(calls)[0].calls)


@pytest.mark.parametrize(
    ("tokens", "usage"),
    [
        (Tokens(1, 2), {"input_tokens": 1, "output_tokens": 2}),
        (Tokens(1, 2, 1), {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 1}}),
        (Tokens(1, 2, 0, 2), {"promptTokenCount": 1, "candidatesTokenCount": 2, "thoughtsTokenCount": 2}),
        (Tokens(), {"input_tokens": "many", "output_tokens": True, "cached_tokens": -1, "prompt_tokens_details": 7}),
        (Tokens(), {}),
    ],
)
def test_usage_is_read_as_the_usual_clients_write_it(tokens: Tokens, usage: dict[str, Any]):
    """The names that clients use are known; what is no count counts as none."""
    assert tokens == tokens_of(usage)


def test_growth_has_a_point_for_each_paid_call():
    """The chart's line rises call by call; what was served from the record and what has no price are left out of it."""
    points = growth(
        calls_of(lines(used(10), used(20, "n"), used(30, reused="r0/1"))),
        lambda model, _: Decimal(2) if model == "m" else None,
    )
    assert [(1, 11, Decimal(2), 0), (2, 32, Decimal(2), 1)] == [(p.calls, p.tokens, p.cost, p.unknown) for p in points]


@pytest.mark.parametrize("data", ["", "[]", "nonsense", '{"request": 7, "usage": 7, "error": 7}'])
def test_a_line_that_says_nothing_is_borne(data: str):
    """A log from a file may hold anything: such a call is there, without facts."""
    assert 1 == cost_rows(calls_of([CallRecord(1, 0.0, "t", "n", 1, "0", "returned", "", data)]))[0].calls


def test_the_sum_of_nothing_is_known():
    """No call, no cost: that is 0, and known."""
    assert (Decimal(0), "$0.00") == (sum_of([]), cost_text(sum_of([])))
    assert 0 == total_of([]).calls


def test_rows_are_made_of_a_real_run():
    """What a run's nodes called, and what its answers say they used, are in the rows."""
    graph = ng.Graph({"n": int}, name="asks")

    @graph.node
    def ask(state, ctx):
        ctx.call(lambda: {"usage": {"input_tokens": 7}, "model": "m"})

    engine = ng.Engine(graph, store=":memory:")
    engine.run({"n": 1}, run_id="r1")
    (row,) = cost_rows(calls_of(engine.store.calls("r1")))
    assert ("ask", "m", 1, 7) == (row.node, row.model, row.calls, row.tokens.input)
