"""The real SDKs in nodes, against a local server: recorded with what they used and cost, replayed with the server gone."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from json import loads

import pytest

import nbgraph as ng
from nbgraph.testing import ModelServer, Reply, ToolCall
from tests.clients.sdks import KEY, PROMPT, SDKS, WAYS, Log, closing, node, one, twice
from tests.engine.outside import REPO, everything_in

pytestmark = pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning")  # the SDK's, of its day

TEXT = "one two three four five six"


@pytest.fixture
def server():
    """Return a server that says six words after two thoughts, half of the prompt from its cache."""
    with ModelServer(lambda asked: Reply(TEXT, reasoning="hm hm", cached=2)) as made:
        yield made


@pytest.fixture(params=SDKS)
def sdk(request, server):
    """Return each of the three SDKs."""
    return SDKS[request.param](server.url)


def ran(tmp_path, graph, **options):
    """Run a graph on a file; return its run and its engine."""
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", **options)
    return engine.run({}, run_id="r"), engine


def text_of(run):
    """Return what the node got, joined."""
    return ["".join(told) for told in run.state["log"]]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_is_recorded_with_what_it_used_and_cost(sdk, way, server, tmp_path):
    """One row a request: the model as answered, all tokens, and their price to the last digit."""
    run, _ = ran(tmp_path, one(node(sdk, way)))
    (row,) = run.costs.to_dict("records")
    assert [TEXT] == text_of(run)
    assert (sdk.answered, 4, 8, 2, 2) == tuple(
        row[name] for name in ("model", "input", "output", "cache_read", "reasoning")
    )
    priced = ng.prices.Prices().price(ng.prices.Usage(sdk.answered, 4, 8, 2, reasoning=2, provider=sdk.provider))
    assert (priced.cost, "nbgraph") == (row["cost"], row["source"])
    assert 0 < priced.cost <= (4 * sdk.price[0] + 8 * sdk.price[1]) / 10**6
    assert [sdk.provider] == list(run.costs_by("provider")["provider"])
    assert {sdk.model: 1} == dict(server.counts)


@pytest.mark.parametrize("way", WAYS)
def test_a_replay_needs_no_server(sdk, way, server, tmp_path):
    """With the server closed a replay gives every node the same answer, piece by piece, and asks nobody."""
    run, engine = ran(tmp_path, one(node(sdk, way)))
    server.close()
    before = (run.digest, run.state["log"], run.calls.to_string())
    assert engine.replay("r").ok
    after = engine.open("r")
    assert before == (after.digest, after.state["log"], after.calls.to_string())
    assert 1 == len(server.requests)


@pytest.mark.parametrize("way", WAYS)
def test_keys_are_not_in_the_file(sdk, way, tmp_path):
    """The key that went with the request is nowhere in the store's files; the prompt and the answer are."""
    ran(tmp_path, one(node(sdk, way)))
    kept = everything_in(tmp_path)
    assert KEY.encode() not in kept
    assert PROMPT.encode() in kept


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [429, 500])
def test_an_sdk_tries_again_by_itself(sdk, way, status, server, tmp_path):
    """The SDK's own retry is two recorded calls, of which the second is paid for; a replay goes the same way."""
    server.fail(status)
    run, engine = ran(tmp_path, one(node(sdk, way)))
    assert [TEXT] == text_of(run)
    assert [status, 200] == [answer["status"] for answer in run.calls["response"]]
    assert (1, 12) == (len(run.costs.query("output > 0")), run.costs[["input", "output"]].sum().sum())
    server.close()
    assert engine.replay("r").ok


@pytest.mark.parametrize("way", WAYS)
def test_a_node_tries_again(sdk, way, server, tmp_path):
    """Without the SDK's retries the node's own serve: the second attempt asks anew and is paid for once."""
    server.fail(500)
    retry = ng.Retry(attempts=2, wait=0.001, cap=0.001)
    run, engine = ran(tmp_path, one(node(sdk, way, max_retries=0), retry=retry))
    assert ([TEXT], [2]) == (text_of(run), list(run.tasks["attempts"]))
    assert 12 == run.costs[["input", "output"]].sum().sum()
    server.close()
    assert engine.replay("r").ok


@pytest.mark.parametrize("status", [429, 500])
def test_a_node_sees_the_error_that_the_sdk_raises(sdk, status, server, tmp_path):
    """A refusal is the SDK's own exception in the node, live and on replay."""

    def work(state):
        with closing(sdk.client(max_retries=0)) as client, pytest.raises((sdk.busy, sdk.broken)) as caught:
            sdk.ask(client)
        return {"log": [type(caught.value).__name__, str(caught.value)]}

    server.fail(status, message="not today")
    run, engine = ran(tmp_path, one(work))
    assert "not today" in run.state["log"][0][1]
    server.close()
    assert engine.replay("r").ok


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_stream_that_breaks_is_an_error_and_can_be_tried_again(sdk, way, server, tmp_path):
    """A connection cut in mid-stream fails the attempt; the next one asks anew and gets all."""
    server.cut(after=3)
    retry = ng.Retry(attempts=2, wait=0.001, cap=0.001)
    run, engine = ran(tmp_path, one(node(sdk, way, max_retries=0), retry=retry))
    assert ([TEXT], 2) == (text_of(run), len(server.requests))
    server.close()
    assert engine.replay("r").ok


def test_pieces_arrive_while_the_answer_is_still_being_sent(sdk, server, tmp_path):
    """A stream is not held back until it is whole: the node has its first piece while the server waits for it."""
    first_pieces = {"openai": 2, "anthropic": 4, "google": 1}
    gate = server.hold(after=first_pieces[sdk.name])

    def work(state):
        with closing(sdk.client()) as client:
            pieces = sdk.stream(client)
            first = next(pieces)
            gate.open()
            return {"log": [first, *pieces]}

    run, engine = ran(tmp_path, one(work))
    (pieces,) = run.state["log"]
    assert ("one two three four", TEXT) == (pieces[0], "".join(pieces))
    server.close()
    assert engine.replay("r").ok


def test_an_error_in_mid_stream_is_the_sdks_own(sdk, server, tmp_path):
    """A stream that began well and tells of an error raises in the node, live and on replay, after the same pieces."""

    def work(state):
        pieces = []
        with closing(sdk.client(max_retries=0)) as client, pytest.raises(sdk.told) as caught:
            pieces.extend(sdk.stream(client))
        return {"log": [pieces, type(caught.value).__name__, str(caught.value)]}

    server.fail(529, after=5 if sdk.name == "anthropic" else 2, message="too busy")
    run, engine = ran(tmp_path, one(work))
    assert "too busy" in run.state["log"][0][2]
    server.close()
    assert engine.replay("r").ok


def test_a_tool_call_is_recorded_too(sdk, tmp_path):
    """A reply that wants a function called comes through, and again on replay."""
    with ModelServer(lambda asked: Reply(tools=(ToolCall("weather", {"city": "Oslo"}),))) as server:
        sdk = type(sdk)(server.url)

        def work(state):
            with closing(sdk.client()) as client:
                return {"log": list(sdk.call_tool(client))}

        run, engine = ran(tmp_path, one(work))
    name, given = run.state["log"][0]
    assert ("weather", {"city": "Oslo"}) == (name, loads(given) if isinstance(given, str) else given)
    assert engine.replay("r").ok


@pytest.mark.parametrize("way", WAYS)
def test_a_fork_is_not_paid_again(sdk, way, server, tmp_path):
    """A fork with ``reuse_calls`` gets the recorded answers, with the server gone, and says what it saved."""
    run, engine = ran(tmp_path, one(node(sdk, way)))
    server.close()
    fork = engine.fork("r", step=0, reuse_calls=True)
    (row,) = fork.costs.to_dict("records")
    assert (text_of(run), Decimal(0)) == (text_of(fork), row["cost"])
    assert list(run.costs["cost"]) == [row["saved"]]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["stream"])
def test_what_was_answered_before_a_kill_is_not_asked_again(sdk, way, server, tmp_path):
    """A process killed between two calls: resumed, the first answer comes from the file, only the second is asked."""
    file = tmp_path / "runs.sqlite"
    dying = [sys.executable, "-m", "tests.clients.sdks", str(file), sdk.name, way, server.url]
    assert -9 == subprocess.run(dying, cwd=REPO, timeout=60, check=False).returncode
    assert 1 == len(server.requests)
    run = ng.Engine(twice(sdk, way), store=file).resume("r")
    assert [TEXT, TEXT] == ["".join(told) for told in run.state["log"][0]]
    assert (2, 2) == (len(server.requests), len(run.costs))


def test_one_client_serves_all_nodes_of_a_run(sdk, server, tmp_path):
    """A client made outside serves sync nodes side by side: all are under way at once, each call is its node's."""
    graph = ng.Graph(Log, name="beside")
    with closing(sdk.client()) as client:
        graph.node(name="start")(lambda state: None)
        for name in ("a", "b", "c"):
            graph.node(name=name, after="start")(lambda state: {"log": sdk.ask(client)})
        gates = [server.hold() for _ in range(3)]
        engine = ng.Engine(graph, store=tmp_path / "runs.sqlite")
        run = engine.start({}, run_id="r")
        assert all(gate.reached() for gate in gates)
        for gate in gates:
            gate.open()
        run.wait()
        server.close()
        assert (["a", "b", "c"], True) == (sorted(run.costs["node"]), engine.replay("r").ok)


def test_outside_of_a_run_it_is_an_ordinary_client(sdk, server):
    """Without a node nothing is recorded and every question is asked."""
    with closing(sdk.client()) as client:
        assert [TEXT, TEXT] == [sdk.ask(client), "".join(sdk.stream(client))]
    assert 2 == len(server.requests)
