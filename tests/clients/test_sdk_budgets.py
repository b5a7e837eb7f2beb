"""Budgets and the real SDKs: the request that would break one is not sent, however the SDK asks and whatever it catches."""

from __future__ import annotations

import pytest

import nbgraph as ng
from nbgraph.testing import ModelServer, Reply
from tests.clients.sdks import SDKS, WAYS, Log, node

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning"),  # the SDK's, of its day
]


@pytest.fixture
def server():
    """Return a server that says six words."""
    with ModelServer(lambda asked: Reply("one two three four five six")) as made:
        yield made


@pytest.fixture(params=SDKS)
def sdk(request, server):
    """Return each of the three SDKs."""
    return SDKS[request.param](server.url)


def row(work, count=4):
    """Return a graph of ``count`` nodes one after the other, each doing ``work``."""
    graph = ng.Graph(Log, name="row")
    for place in range(count):
        graph.node(name=f"n{place}", after=f"n{place - 1}" if place else None)(work)
    return graph


def stopped(act):
    """Return the budget's error that ``act`` raises."""
    with pytest.raises(ng.BudgetError) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("way", WAYS)
def test_a_request_that_would_break_the_budget_is_not_sent(sdk, way, server, tmp_path):
    """Two calls fit: the third does not reach the server, and the run ends as one that was never stopped."""
    graph = row(node(sdk, way))
    free = ng.Engine(graph).run({}, run_id="r")
    used = int(free.costs[["input", "output"]].sum(axis=1)[0])
    expected = stopped(lambda: ng.Engine(graph, token_budget=1).run({})).estimate
    engine, budget = ng.Engine(graph, store=tmp_path / "r.sqlite"), 2 * used + expected - 1
    error = stopped(lambda: engine.run({}, run_id="r", token_budget=budget))
    assert (2 * used, expected, "n2", 4 + 2) == (error.spent, error.estimate, error.node, len(server.requests))
    stopped(lambda: engine.resume("r", token_budget=budget))
    assert 4 + 2 == len(server.requests)
    assert (free.digest, 4 + 4) == (engine.resume("r").digest, len(server.requests))


def test_an_sdk_that_tries_again_is_not_paid_twice(sdk, server):
    """What was held for a request that the server refused is free again when the SDK repeats it."""
    expected = stopped(lambda: ng.Engine(row(node(sdk, "ask")), token_budget=1).run({})).estimate
    server.fail(429, times=2)
    assert "completed" == ng.Engine(row(node(sdk, "ask"), 1), token_budget=expected).run({}).status
    assert 3 == len(server.requests)


def test_an_answer_that_broke_off_counts(sdk, server, tmp_path):
    """A stream whose connection fails counts as what it had told until then, or, where that is nothing, as expected."""
    expected = stopped(lambda: ng.Engine(row(node(sdk, "stream")), token_budget=1).run({})).estimate
    server.cut(after=1)
    engine = ng.Engine(row(node(sdk, "stream", max_retries=0), 1), store=tmp_path / "r.sqlite")
    with pytest.raises(ng.NodeError):
        engine.run({}, run_id="r")
    spent = stopped(lambda: engine.resume("r", token_budget=expected)).spent
    assert spent == expected if sdk.name == "openai" else 0 < spent < expected
