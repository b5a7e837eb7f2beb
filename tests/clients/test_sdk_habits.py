"""The real SDKs as people use them beyond one question: other interfaces, streams left early, one client for everything."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

import nbgraph as ng
from nbgraph.testing import ModelServer, Reply
from tests.clients.sdks import PROMPT, SDKS, Log, OpenAi, aclosing, closing, one

pytestmark = pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning")  # the SDK's, of its day

TEXT = "one two three four five six"


@pytest.fixture
def server():
    """Return a server that says six words."""
    with ModelServer(lambda asked: Reply(TEXT, reasoning="hm" if asked.wire == "responses" else "")) as made:
        yield made


@pytest.fixture(params=SDKS)
def sdk(request, server):
    """Return each of the three SDKs."""
    return SDKS[request.param](server.url)


def ran(tmp_path, graph, **options):
    """Run a graph on a file; return its run and its engine."""
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", **options)
    return engine.run({}, run_id="r"), engine


@pytest.mark.parametrize("stream", [False, True])
def test_openais_responses_are_recorded_too(server, stream, tmp_path):
    """The newer interface of OpenAI, whole or streamed: same text, same counts, and the price of the model."""
    sdk = OpenAi(server.url)

    def work(state):
        with closing(sdk.client()) as client:
            told = client.responses.create(model="gpt-4o", input=PROMPT, stream=stream)
            if not stream:
                return {"log": told.output_text}
            return {"log": "".join(event.delta for event in told if event.type == "response.output_text.delta")}

    run, engine = ran(tmp_path, one(work))
    (row,) = run.costs.to_dict("records")
    assert ([TEXT], 4, 7, 1) == (run.state["log"], row["input"], row["output"], row["reasoning"])
    assert Decimal(4 * 25 + 7 * 100) / 10**7 == row["cost"]
    server.close()
    assert engine.replay("r").ok


@pytest.mark.filterwarnings("ignore::nbgraph.UnknownPriceWarning")
def test_a_stream_that_does_not_tell_its_tokens_costs_nobody_knows_what(server, tmp_path):
    """OpenAI counts a stream only when asked to: without, the model is known and the cost is NaN, not 0."""
    sdk = OpenAi(server.url)

    def work(state):
        with closing(sdk.client()) as client:
            told = client.chat.completions.create(**sdk.asking(stream=True))
            return {"log": "".join(chunk.choices[0].delta.content or "" for chunk in told)}

    run, _ = ran(tmp_path, one(work))
    (row,) = run.costs.to_dict("records")
    assert ([TEXT], sdk.answered, 0) == (run.state["log"], row["model"], row["output"])
    assert row["cost"].is_nan()


def test_one_async_client_serves_several_runs(sdk, server, tmp_path):
    """A client made once, as in a notebook's first cell, works in every run, and outside, whatever loop that has."""
    client = sdk.aclient()

    async def work(state):
        return {"log": await sdk.aask(client)}

    async def cell():
        try:
            return await sdk.aask(client)
        finally:
            await aclosing(client)

    engine = ng.Engine(one(work), store=tmp_path / "runs.sqlite")
    assert [[TEXT], [TEXT]] == [engine.run({}, run_id=run_id).state["log"] for run_id in ("a", "b")]
    assert [True, True] == [engine.replay(run_id).ok for run_id in ("a", "b")]
    assert 2 == len(server.requests)
    assert TEXT == asyncio.run(cell())


def test_async_calls_of_one_node_are_under_way_at_once(sdk, server, tmp_path):
    """``gather`` in a node: all requests stand at the server together; the answers keep their places."""
    gates = [server.hold() for _ in range(3)]

    async def work(state):
        client = sdk.aclient()
        try:
            return {"log": await asyncio.gather(*(sdk.aask(client) for _ in gates))}
        finally:
            await aclosing(client)

    engine = ng.Engine(one(work), store=tmp_path / "runs.sqlite")
    run = engine.start({}, run_id="r")
    assert all(gate.reached() for gate in gates)
    for gate in gates:
        gate.open()
    run.wait()
    server.close()
    assert ([[TEXT] * 3], 3, True) == (run.state["log"], len(run.costs), engine.replay("r").ok)


def test_a_stream_may_be_left_early(sdk, server, tmp_path):
    """A node that reads one piece and stops has that piece, live and on replay; nothing more is asked for."""

    def work(state):
        with closing(sdk.client()) as client:
            pieces = sdk.stream(client)
            try:
                return {"log": next(pieces)}
            finally:
                pieces.close()

    run, engine = ran(tmp_path, one(work))
    assert ["one two three four"] == run.state["log"]
    server.close()
    assert (True, 1) == (engine.replay("r").ok, len(server.requests))


def test_a_server_that_is_not_there_is_the_sdks_error(sdk, server, tmp_path):
    """No connection: the SDK's own exception reaches the node, and a replay raises the same without trying."""
    server.close()

    def work(state):
        with closing(sdk.client(max_retries=0)) as client:
            try:
                return {"log": sdk.ask(client)}
            except Exception as error:
                return {"log": type(error).__name__}

    run, engine = ran(tmp_path, one(work))
    assert run.state["log"][0] in ("APIConnectionError", "ConnectError")
    assert engine.replay("r").ok


def twice(sdk):
    """Return a node that asks for a whole answer and for a stream."""

    def ask(state):
        with closing(sdk.client()) as client:
            return {"log": [sdk.ask(client), *sdk.stream(client)]}

    return ask


def test_three_providers_in_one_run_add_up(server, tmp_path):
    """A review by three models: each has its row and its price, and all sums agree to the last digit."""
    graph = ng.Graph(Log, name="review")
    graph.node(name="start")(lambda state: None)
    for name, made in SDKS.items():
        graph.node(name=name, after="start")(twice(made(server.url)))
    run, _ = ran(tmp_path, graph)
    expected = sum((4 * into + 6 * out) * 2 for into, out in (sdk.price for sdk in SDKS.values())) / 10**6
    for name in ("node", "model", "provider", "call", "task", "step"):
        table = run.costs_by(name)
        assert (expected, expected) == (sum(table["cost"]), table.attrs["total"]["cost"])
    assert [2, 2, 2] == list(run.costs_by("model")["calls"])


def test_a_budget_stops_before_the_call_that_would_break_it(sdk, server, tmp_path):
    """The run pauses with the request unsent, and goes on with a larger budget where it stood."""

    def work(state):
        with closing(sdk.client()) as client:
            return {"log": [sdk.ask(client) for _ in range(3)]}

    engine = ng.Engine(one(work), store=tmp_path / "runs.sqlite")
    with pytest.raises(ng.BudgetError):
        engine.run({}, run_id="r", token_budget=15)
    assert len(server.requests) < 3
    assert "paused" == engine.open("r").status
    run = engine.resume("r", token_budget=10_000)
    assert ([[TEXT] * 3], 3) == (run.state["log"], len(server.requests))
