"""Recorded calls: how they are made, what is kept of them, and what the node gets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial, wraps

import pytest

import nbgraph as ng
from tests.engine.outside import Log, Service, begin, one


@pytest.fixture
def service():
    """Run the service that counts."""
    made = Service()
    yield made
    made.close()


def store(tmp_path):
    """Return the file of a test."""
    return tmp_path / "runs.sqlite"


def made_by(node, tmp_path, **options):
    """Run one node on a file; return its run and its engine."""
    engine = ng.Engine(one(node, **options), store=store(tmp_path))
    return engine.run({}, run_id="r"), engine


def nodes(fn):
    """Return the four ways of calling: a sync and an async node, of which each calls ``fn``."""

    def sync(state, ctx):
        return {"log": ctx.call(fn, "tea")["word"]}

    async def asynchronous(state, ctx):
        return {"log": (await ctx.call(fn, "tea"))["word"]}

    return {"sync": sync, "async": asynchronous}


@pytest.mark.parametrize("node", ["sync", "async"])
@pytest.mark.parametrize("fn", ["get", "aget"])
def test_a_call_is_made_once_and_replayed_for_nothing(node, fn, service, tmp_path):
    """Any mix of sync and async: the call is made once, a replay of it calls nothing."""
    run, engine = made_by(nodes(getattr(service, fn))[node], tmp_path)
    assert ["tea"] == run.state["log"]
    assert engine.replay("r").ok
    assert {"tea": 1} == service.paid


@pytest.mark.parametrize("fn", ["get", "aget"])
def test_a_sync_node_calls_inside_a_running_loop(fn, service, tmp_path):
    """``engine.run`` in a cell, where a loop runs already: async functions of sync nodes still work."""

    async def cell():
        return made_by(nodes(getattr(service, fn))["sync"], tmp_path)

    run, _ = asyncio.run(cell())
    assert ["tea"] == run.state["log"]


def test_what_gives_a_coroutine_is_awaited(service, tmp_path):
    """A plain function that returns a coroutine, as decorated clients do, is an async function."""

    @wraps(service.aget)
    def wrapper(*args):
        return service.aget(*args)

    for kind, node in nodes(wrapper).items():
        (tmp_path / kind).mkdir()
        assert ["tea"] == made_by(node, tmp_path / kind)[0].state["log"]


def decorated(service):
    """Return ``service.get`` decorated: bare, with options, and as a method."""

    @ng.call
    def bare(word):
        return service.get(word)

    @ng.call(unknown="skip", key=lambda word: f"drink {word}")
    def optional(word):
        return service.get(word)

    class Client:
        @ng.call
        def get(self, word):
            return service.get(word)

    return {"bare": bare, "optional": optional, "method": Client().get}


HOW = ["bare", "optional", "method"]


@pytest.mark.parametrize("how", HOW)
def test_a_decorated_function_is_recorded_in_any_node(how, service, tmp_path):
    """``@ng.call`` needs no ``ctx``, neither in sync nodes nor in async ones."""
    fn = decorated(service)[how]

    async def later(state):
        return {"log": fn("tea")["word"]}

    graph = one(lambda state: {"log": fn("tea")["word"]})
    graph.node(name="later", after="work")(later)
    engine = ng.Engine(graph, store=store(tmp_path))
    assert ["tea", "tea"] == engine.run({}, run_id="r").state["log"]
    assert 2 == len(engine.open("r").calls)
    assert engine.replay("r").ok
    assert {"tea": 2} == service.paid


@pytest.mark.parametrize("how", HOW)
def test_a_decorated_function_is_itself_outside_of_a_run(how, service):
    """Where no node runs, nothing is recorded and nothing changes."""
    assert "tea" == decorated(service)[how]("tea")["word"]
    assert ng.current() is None


@pytest.mark.parametrize("how", HOW)
def test_a_call_of_a_decorated_function_is_one_call(how, service, tmp_path):
    """``ctx.call`` of what ``@ng.call`` decorated records once."""
    fn = decorated(service)[how]
    run, _ = made_by(lambda state, ctx: {"log": ctx.call(fn, "tea")["word"]}, tmp_path)
    assert 1 == len(run.calls)


def test_a_call_of_a_decorated_function_keeps_its_options(service, tmp_path):
    """The key, and what to do when nobody knows how it ended, are the decorator's unless ``ctx.call`` says other."""
    fn = decorated(service)["optional"]

    def node(state, ctx):
        ctx.call(fn, "tea")
        ctx.call(fn, "tea", key="mine")

    run, engine = made_by(node, tmp_path)
    assert ["key:drink tea", "key:mine"] == list(run.calls.name)
    assert '"unknown":"skip"' in engine.store.calls("r")[0].data


def test_bound_arguments_are_part_of_the_request(service, tmp_path):
    """``functools.partial``, over and under the decorator, asks for what the whole call asks for."""

    def take(first, second, *, third):
        return [first, second, third]

    ways = [partial(take, 1, third=3), ng.call(partial(take, 1, third=3)), partial(ng.call(take), 1, third=3)]
    run, engine = made_by(lambda state, ctx: {"log": [ctx.call(fn, 2) for fn in ways]}, tmp_path)
    assert [[1, 2, 3]] * 3 == run.state["log"][0]
    assert 1 == len({line.request for line in engine.store.calls("r")})


def test_methods_of_objects_that_cannot_be_kept(tmp_path):
    """What a method is bound to is no part of the request: clients hold sockets and locks."""

    class Client:
        def __init__(self):
            self.socket = object()

        def plain(self, word):
            return word * 2

        @ng.call
        async def decorated(self, word):
            return word * 3

    async def node(state, ctx):
        client = Client()
        return {
            "log": [
                await ctx.call(client.plain, "a"),
                await client.decorated("b"),
                await ctx.call(client.decorated, "c"),
                ng.call(client.plain)("d"),
            ]
        }

    run, engine = made_by(node, tmp_path)
    assert [["aa", "bbb", "ccc", "dd"]] == run.state["log"]
    assert [["a"], ["b"], ["c"], ["d"]] == [asked["args"] for asked in run.calls.asked]
    assert engine.replay("r").ok


@pytest.mark.parametrize("is_async", [False, True])
def test_a_wrapper_of_a_client_records_what_it_says(is_async, service, tmp_path):
    """``ctx.outside`` and ``ctx.aoutside`` record any request under a label."""

    def node(state, ctx):
        return {"log": ctx.outside("GET", {"path": "tea"}, partial(service.get, "tea"))["word"]}

    async def anode(state, ctx):
        return {"log": (await ctx.aoutside("GET", {"path": "tea"}, partial(service.aget, "tea"), key="k"))["word"]}

    run, engine = made_by(anode if is_async else node, tmp_path)
    assert [("GET", {"path": "tea"})] == list(zip(run.calls.call, run.calls.asked, strict=True))
    assert engine.replay("r").ok
    assert {"tea": 1} == service.paid


def test_a_call_can_be_read_later(service, tmp_path):
    """The table says who asked what, when, how long it took, what came back and what it used."""

    def ask(word):
        return service.get(word) | {"usage": {"input_tokens": 3}}

    def node(state, ctx):
        ctx.call(ask, "tea")
        ctx.call(service.get, "milk", usage=lambda answer: {"cups": answer["number"]})

    run, _ = made_by(node, tmp_path)
    first, second = run.calls.to_dict("records")
    assert ("work", "returned", {"args": ["tea"], "kwargs": {}}) == (first["node"], first["status"], first["asked"])
    assert first["call"].endswith("ask")
    assert {"word": "tea", "number": 1, "usage": {"input_tokens": 3}} == first["response"]
    assert ({"input_tokens": 3}, {"cups": 2}) == (first["usage"], second["usage"])
    assert 0 <= first["seconds"] < 10
    assert first["started"] <= second["started"]
    assert (["1", "2"], [1, 1], run.tasks.task[0]) == (list(run.calls.name), list(run.calls.attempt), first["task"])


def test_a_reader_of_usage_that_fails_loses_nothing(service, tmp_path):
    """The response is paid: it is kept and handed on, whatever ``usage=`` raises, which the table tells."""
    node = lambda state, ctx: {"log": ctx.call(service.get, "tea", usage=lambda answer: answer["tokens"])["word"]}  # noqa: E731 - one call
    run, engine = made_by(node, tmp_path)
    assert {"error": "KeyError: 'tokens'"} == run.calls.usage[0]
    assert engine.replay("r").ok


@dataclass
class Answer:
    """What a function may return."""

    words: list[str]


def annotated() -> Answer:
    """Say which class comes back."""
    return Answer(["a"])


def silent():
    """Do not."""
    return Answer(["a"])


def test_a_response_is_of_the_class_that_the_function_names(tmp_path):
    """With a return annotation the class comes back, without one its data as a read-only record; live as in a replay."""
    seen = []

    def node(state, ctx):
        named, other = ctx.call(annotated), ctx.call(silent)
        seen.append((type(named).__name__, type(other).__name__, named.words, list(other.words)))

    _, engine = made_by(node, tmp_path)
    assert engine.replay("r").ok
    assert [("Answer", "Record", ["a"], ["a"])] * 2 == seen


VALUES = [None, True, 2**70, -0.0, "\ud800", b"\x00" * 100_000, [1, (2, {3: {4}})], {"now": 1}, {"$x": [1.5]}]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_response_is_the_same_live_and_replayed(value, tmp_path):
    """The node gets what the record gives, type for type; and asks for what it asked for."""
    seen = []

    def node(state, ctx):
        seen.append(repr(ctx.call(lambda given: given, value)))

    _, engine = made_by(node, tmp_path)
    assert engine.replay("r").ok
    assert [repr(value)] * 2 == seen


def test_a_response_belongs_to_the_node(tmp_path):
    """The node may change it: neither the called function's own object nor the record changes with it."""
    shared = [1, {"a": []}]

    def node(state, ctx):
        mine = ctx.call(lambda: shared)
        mine[1]["a"].append(len(mine))
        mine.append(2)
        return {"log": mine}

    run, engine = made_by(node, tmp_path)
    assert [1, {"a": []}] == shared == run.calls.response[0]
    assert engine.replay("r").ok


def test_a_request_that_cannot_be_kept_is_not_made(service, tmp_path):
    """Nothing is called, and the error says where in the request it is."""
    engine = ng.Engine(one(lambda state, ctx: ctx.call(service.get, ["tea", object()])), store=store(tmp_path))
    error = begin(engine)
    assert (ng.CallError, "r", "work") == (type(error), error.run_id, error.node)
    assert "nothing was called" in error.still
    assert "[1]" in error.path
    assert not service.paid


def test_a_response_that_cannot_be_kept_is_told(service, tmp_path):
    """The call was made, and the error says so; the record has it."""

    def odd(word):
        return [service.get(word), object()]

    engine = ng.Engine(one(lambda state, ctx: ctx.call(odd, "tea")), store=store(tmp_path))
    error = begin(engine)
    assert (ng.CallError, "the call was made", {"tea": 1}) == (type(error), error.still, service.paid)
    assert ["raised"] == list(engine.open("r").calls.status)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_record_is_durable_before_anybody_goes_on(is_async, tmp_path):
    """The function finds its call marked as started in the file; the node finds the response there."""
    seen = []

    def look():
        with ng.SqliteStore(store(tmp_path), read_only=True) as other:
            seen.append([line.phase for line in other.calls("r")])

    def node(state, ctx):
        ctx.call(look)
        look()

    async def anode(state, ctx):
        await ctx.call(look)
        look()

    made_by(anode if is_async else node, tmp_path)
    assert [["started"], ["started", "returned"]] == seen


@pytest.mark.parametrize("act", [
    lambda ctx: ctx.call(print, unknown="pray"), lambda ctx: ctx.outside("l", 1, print, unknown="pray"),
])  # fmt: skip
def test_a_policy_that_there_is_not_is_refused(act, tmp_path):
    """The error names the policies that there are; nothing is called."""
    error = begin(ng.Engine(one(lambda state, ctx: act(ctx)), store=store(tmp_path)))
    assert (ng.OptionsError, "unknown", "pray") == (type(error), error.option, error.actual)
    assert "retry, ask, skip" in error.todo


def test_a_decorator_refuses_a_policy_at_once():
    """``@ng.call(unknown=...)`` does not wait for the crash to look at it."""
    with pytest.raises(ng.OptionsError, match="pray"):
        ng.call(unknown="pray")


def test_a_cycle_that_calls_is_progress(service, tmp_path):
    """Coming back with the same state after a call may end next time: it is not stopped."""
    graph = ng.Graph(Log, name="polling")

    @graph.node(routes=["work", "end"])
    def work(state, ctx):
        return ng.Goto("work" if ctx.call(service.get, "ready")["number"] < 4 else "end")

    graph.node(name="end")(lambda state: None)
    engine = ng.Engine(graph, store=store(tmp_path))
    assert "completed" == engine.run({}, run_id="r").status
    assert engine.replay("r").ok
    assert {"ready": 4} == service.paid
