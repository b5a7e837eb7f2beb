"""Calls that one node makes beside each other: branches, threads, keys, calls inside calls, one commit for many."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import copy_context

import pytest

import nbgraph as ng
from nbgraph.codec import encode
from tests.engine.outside import Log, Service, begin, one

QUICK = ng.Retry(attempts=2, wait=0.0, jitter=0.0)


@pytest.fixture
def service():
    """Run the service that counts."""
    made = Service()
    yield made
    made.close()


@pytest.fixture
def engine(tmp_path):
    """Return what makes an engine on the test's file."""
    return lambda graph, **options: ng.Engine(graph, store=tmp_path / "runs.sqlite", **options)


class Backwards:
    """Answers calls in groups of ``size``, the last of a group first, with how many were asked before."""

    def __init__(self, size):
        self.size, self.asked, self.waiting, self.ended = size, 0, [], []

    async def ask(self, *words):
        mine, number = asyncio.get_running_loop().create_future(), self.asked
        self.asked += 1
        self.waiting.append(mine)
        if len(self.waiting) == self.size:
            group, self.waiting = self.waiting[::-1], []
            for future in group:
                future.set_result(None)
        await mine
        self.ended.append(number)
        return number


def branches(fn, count, *, same=False, fails=()):
    """Return a node of ``count`` branches that ask twice each, one after the other; it fails as often as told."""
    fails = list(fails)

    async def work(state, ctx):
        async def branch(at):
            first = await ctx.call(fn, "x" if same else f"first {at}")
            return [first, await ctx.call(fn, "x" if same else f"second {at}")]

        got = await asyncio.gather(*map(branch, range(count)))
        if fails:
            raise ValueError(fails.pop())
        return {"log": got}

    return work


@pytest.mark.parametrize("same", [False, True], ids=["different requests", "the same request"])
def test_branches_are_told_apart(same, engine):
    """Each branch of a gather gets its own answers again, though they came in the opposite order."""
    outside = Backwards(3)
    run = engine(one(branches(outside.ask, 3, same=same))).run({}, run_id="r")
    assert [[0, 5], [1, 4], [2, 3]] == run.state["log"][0]
    assert [2, 1, 0] == outside.ended[:3]
    assert run.replay().ok
    assert 6 == outside.asked


@pytest.mark.parametrize("same", [False, True], ids=["different requests", "the same request"])
def test_branches_are_served_their_own_answers(same, engine):
    """A retry, and then a resume, of a node of branches makes no call and gets what the first attempt got."""
    outside = Backwards(3)
    made = engine(one(branches(outside.ask, 3, same=same, fails=[1, 2]), retry=QUICK))
    assert begin(made)
    run = made.resume("r")
    assert ([[0, 5], [1, 4], [2, 3]], 6) == (run.state["log"][0], outside.asked)
    assert run.replay().ok


def test_the_names_say_which_call_of_which_branch(engine):
    """A node's own calls are numbered, a branch's under the branch, those inside a call under that call."""

    @ng.call
    async def inner(word):
        return word

    async def outer(word):
        return [await inner(word), await inner(word * 2)]

    async def work(state, ctx):
        await ctx.call(inner, "own")
        await asyncio.gather(ctx.call(outer, "a"), ctx.call(outer, "b"))
        await ctx.call(inner, "own")

    run = engine(one(work)).run({}, run_id="r")
    assert ["1", "2", "a1.1", "a1.1/1", "a1.1/2", "a2.1", "a2.1/1", "a2.1/2"] == sorted(run.calls.name)
    assert run.replay().ok


def test_a_branch_that_fails_leaves_the_others_calls_paid(engine):
    """Calls that are under way when a branch raises end and are kept: the next attempt is served them."""
    paid, fails = [], [True]

    async def pay(word, broken, under_way):
        paid.append(word)
        if word == "slow":
            under_way.set()
            await broken.wait()
        return word

    async def work(state, ctx):
        broken, under_way = asyncio.Event(), asyncio.Event()

        async def fail():
            await under_way.wait()
            if fails and fails.pop():
                asyncio.get_running_loop().call_later(0.05, broken.set)
                raise ValueError("one branch")
            broken.set()

        async def slow():
            got = await ctx.aoutside("pay", "slow", lambda: pay("slow", broken, under_way))
            under_way.set()
            return [got, await ctx.aoutside("pay", "more", lambda: pay("more", broken, under_way))]

        return {"log": (await asyncio.gather(slow(), fail()))[0]}

    run = engine(one(work, retry=QUICK)).run({}, run_id="r")
    assert [["slow", "more"]] == run.state["log"]
    assert ["slow", "more"] == paid
    assert run.replay().ok


def test_calls_of_a_node_that_timed_out_are_not_continued(engine):
    """Branches of an attempt that was given up cannot call any more."""
    paid = []

    async def pay(word, attempt):
        paid.append((word, attempt))
        if attempt == 1:
            await asyncio.shield(asyncio.get_running_loop().create_future())
        return word

    async def work(state, ctx):
        async def stubborn():
            try:
                await ctx.aoutside("pay", "a", lambda: pay("a", ctx.attempt))
            except asyncio.CancelledError:
                await ctx.aoutside("pay", "b", lambda: pay("b", ctx.attempt))

        await asyncio.gather(stubborn(), stubborn())

    run = engine(one(work, retry=QUICK, timeout=0.2)).run({}, run_id="r")
    assert [("a", 1), ("a", 1), ("a", 2), ("a", 2)] == paid
    assert "completed" == run.status


def in_threads(service, how):
    """Return a node that asks for ten words from five threads, as decorated calls."""
    fetch = ng.call(key=lambda word: word)(service.get) if how == "keyed" else ng.call(service.get)
    words = [f"w{at}" for at in range(10)]

    def pool(state):
        with ThreadPoolExecutor(5) as threads:
            futures = [threads.submit(copy_context().run, fetch, word) for word in words]
        return {"log": [future.result()["word"] for future in futures]}

    async def to_thread(state):
        return {"log": [got["word"] for got in await asyncio.gather(*(asyncio.to_thread(fetch, w) for w in words))]}

    return {"pool": pool, "to_thread": to_thread}


@pytest.mark.parametrize("where", ["pool", "to_thread"])
@pytest.mark.parametrize("how", ["keyed", "not keyed"])
def test_threads_are_recorded(where, how, service, engine):
    """Threads that carry the node's context record their calls; different requests need no key to be found again."""
    node, fails = in_threads(service, how)[where], [True]

    def work(state):
        got = node(state)
        return 1 / 0 if fails and fails.pop() else got

    async def awork(state):
        got = await node(state)
        return 1 / 0 if fails and fails.pop() else got

    run = engine(one(work if where == "pool" else awork, retry=QUICK)).run({}, run_id="r")
    assert [[f"w{at}" for at in range(10)]] == run.state["log"]
    assert 10 == service.paid.total()
    assert run.replay().ok
    if how == "keyed":
        assert {f"key:w{at}" for at in range(10)} == set(run.calls.name)


def test_threads_that_begin_together_share_one_record(engine):
    """The very first calls of a node may come from several threads at once: none is lost."""
    meeting, fetch = threading.Barrier(4), ng.call(lambda word: word)

    def first(variables, word):
        meeting.wait(10)
        return variables.run(fetch, word)

    def work(state):
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(first, [copy_context() for _ in range(4)], range(4)))

    made = engine(one(work))
    for at in range(10):
        made.run({}, run_id=f"r{at}", before="work")
        run = made.resume(f"r{at}")  # the record is read from the file then: time for the others to come
        (step,) = made.store.steps(run.id)
        assert ["1", "2", "3", "4"] == sorted(run.calls.name)
        assert 4 == len(json.loads(step.facts)["calls"])


def test_a_key_may_be_repeated(engine):
    """Calls under one key are told apart by their order."""
    asked = []

    def ask():
        asked.append(1)
        return len(asked)

    def work(state, ctx):
        return {"log": [ctx.call(ask, key="k"), ctx.call(ask), ctx.call(ask, key="k")]}

    run = engine(one(work)).run({}, run_id="r")
    assert ["key:k", "1", "key:k#2"] == list(run.calls.name)
    assert run.replay().ok
    assert 3 == len(asked)


def test_a_key_serves_its_own_call_only(engine):
    """The same request under another key is another call."""
    keys, asked = ["a"], []

    def work(state, ctx):
        got = [ctx.call(lambda: asked.append(1) or len(asked), key=key) for key in keys]
        if len(keys) == 1:
            keys.insert(0, "b")
            raise ValueError(keys)
        return {"log": got}

    run = engine(one(work, retry=QUICK)).run({}, run_id="r")
    assert [[2, 1]] == run.state["log"]
    assert run.replay().ok


class Counting(ng.MemoryStore):
    """Counts the transactions in which calls are kept; begins the first when ``expected`` calls are about to be made."""

    def __init__(self, expected=1):
        super().__init__()
        self.records = self.lines = 0
        self.expected, self.here = expected, threading.Event()

    def arrive(self):
        """Say that a call is about to be made."""
        self.expected -= 1
        if self.expected == 0:
            self.here.set()

    def record(self, lease, calls, blobs=None):
        """Count one."""
        self.here.wait(10)
        self.records += 1
        self.lines += len(calls)
        return super().record(lease, calls, blobs)


def test_calls_of_a_fan_out_share_their_commits():
    """Fifty calls beside each other are a hundred lines in a fraction of as many transactions."""
    store, outside = Counting(), Backwards(50)

    async def work(state, ctx):
        asyncio.get_running_loop().call_soon(store.arrive)
        await asyncio.gather(*(ctx.call(outside.ask, at) for at in range(50)))

    run = ng.Engine(one(work), store=store).run({}, run_id="r")
    assert (100, 50) == (store.lines, len(run.calls))
    assert store.records <= 20


def test_nodes_of_a_fan_out_share_their_commits():
    """So do those of fifty async nodes."""
    store, outside = Counting(50), Backwards(50)
    graph = ng.Graph(Log, name="fan")
    graph.node(name="split", sends="work")(lambda state: [ng.Send("work", item=at) for at in range(50)])

    @graph.node(name="work")
    async def work(state, ctx):
        asyncio.get_running_loop().call_soon(store.arrive)
        return {"log": await ctx.call(outside.ask, state["item"])}

    graph.node(name="gather", after="work")(lambda state: None)
    run = ng.Engine(graph, store=store, max_concurrent=50).run({}, run_id="r")
    assert (100, 50) == (store.lines, len(run.state["log"]))
    assert store.records <= 20
    assert run.replay().ok


@ng.call
def decorated(word):
    """Be called in another process."""
    return word


def calls_far_away(state, ctx):
    """Call where nothing can be recorded."""
    return {"log": ctx.call(encode, 1)}


def calls_decorated(state):
    """Do the same without asking for a context."""
    return {"log": decorated("tea")}


@pytest.mark.slow
@pytest.mark.parametrize("node", [calls_far_away, calls_decorated])
def test_a_call_in_another_process_is_refused(node, engine):
    """What cannot be recorded is not made: the error says which node, and the way out."""
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        error = begin(engine(one(node), executor=pool))
    assert (ng.CallError, "work", "r") == (type(error), error.node, error.run_id)
    assert "nothing was called" in error.still
    assert "thread" in error.todo
