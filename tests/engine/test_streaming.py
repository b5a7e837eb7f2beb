"""Following a run: events and streamed chunks, live and late, sync and async, and what of it is kept."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Annotated, Any, TypedDict

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, kinds

QUICK = ng.Retry(attempts=3, wait=0, jitter=0)


class Log(TypedDict):
    """What the nodes returned, in merge order."""

    log: Annotated[list[Any], ng.append]


@dataclasses.dataclass(frozen=True)
class Point:
    """A value of a class that the graph's state knows."""

    x: int


class Map(TypedDict):
    """A state with a class of its own."""

    at: Point


@pytest.fixture
def kept(tmp_path):
    """Return engines on one file, each as a new kernel would make it."""
    engines = []

    def engine(graph, **options):
        engines.append(ng.Engine(graph, store=tmp_path / "runs.sqlite", **options))
        return engines[-1]

    yield engine
    for one in engines:
        one.close()


@pytest.fixture
def gate():
    """An event that nodes wait for; set at the end."""
    event = threading.Event()
    yield event
    event.set()


def alone(node, *, schema=Log, **options):
    """Return a graph of one node called ``work``."""
    graph = ng.Graph(schema, name="alone")
    graph.node(name="work", **options)(node)
    return graph


def streams(*deltas, keep=False, is_async=False):
    """Return a node that streams some chunks."""

    def node(state, ctx):
        for delta in deltas:
            ctx.stream(delta, keep=keep)

    async def anode(state, ctx):
        for delta in deltas:
            ctx.stream(delta, keep=keep)
            await asyncio.sleep(0)

    return anode if is_async else node


def told(items):
    """Return what a follower got: ``(node, attempt, number, delta)`` of chunks, the kind of events (the node of steps)."""
    return [
        (item.node, item.attempt, item.number, item.delta) if isinstance(item, ng.Chunk)
        else item.node if item.kind == "step" else item.kind
        for item in items
    ]  # fmt: skip


async def listed(stream):
    """Return all that an async follower gets."""
    return [item async for item in stream]


def deltas(items):
    """Return the chunks' own values."""
    return [item.delta for item in items if isinstance(item, ng.Chunk)]


def opened(kept, run, **options):
    """Return what another process would read of a run."""
    return list(kept(ng.Graph(Log, name="other"), **options).open(run.id).stream())


# -- order


@pytest.mark.parametrize("is_async", [False, True])
def test_chunks_come_by_number_and_before_the_step_of_their_task(kept, is_async):
    """A task's chunks are numbered from 1, in order, and all of them stand before its step; events follow."""
    run = kept(alone(streams("a", "b", "c", is_async=is_async))).run(run_id="r")
    expected = [("work", 1, number, delta) for number, delta in enumerate("abc", 1)]
    assert [*expected, "work", "run.completed"] == told(run.stream())
    assert told(run.stream()) == told(asyncio.run(listed(run.stream())))


def test_one_node_can_be_followed_alone(kept):
    """``run.stream("b")`` gives what ``b`` did and nothing else, not even what the run as a whole did."""
    graph = ng.Graph(Log, name="pair")
    graph.node(name="a")(streams(1))
    graph.node(name="b", after="a")(streams(2))
    run = kept(graph).run(run_id="r")
    assert [("b", 1, 1, 2), "b"] == told(run.stream("b"))
    assert [("b", 1, 1, 2), "b"] == told(asyncio.run(listed(run.stream("b"))))
    assert [] == list(run.stream("nobody"))


def test_order_holds_within_each_of_many_tasks(kept):
    """Tasks beside each other may interleave; within each one the numbers and the values are in order."""
    graph = ng.Graph(Log, name="fan")
    graph.node(name="split", sends="work")(lambda state: [ng.Send("work", item=place) for place in range(12)])

    @graph.node
    async def work(state, ctx):
        for number in range(50):
            ctx.stream((state["item"], number))
            await asyncio.sleep(0)

    run = kept(graph, max_concurrent=12).start(run_id="r")
    seen: dict[str, list[int]] = {}
    for item in run.stream("work"):
        if isinstance(item, ng.Chunk):
            seen.setdefault(item.task, []).append(item.number)
        else:
            assert 50 == len(seen[item.task])
    assert [list(range(1, 51))] * 12 == list(seen.values())


def test_threads_of_one_node_may_stream_together(kept):
    """Each chunk gets a number of its own, and they arrive by number, whichever thread was faster."""

    def node(state, ctx):
        threads = [threading.Thread(target=lambda: [ctx.stream(None) for _ in range(200)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run = kept(alone(node)).run(run_id="r")
    assert list(range(1, 801)) == [item.number for item in run.stream() if isinstance(item, ng.Chunk)]


def test_every_attempt_numbers_its_own_chunks(kept):
    """A retry streams anew under its attempt's number; what the failed attempt streamed is not taken back."""

    def node(state, ctx):
        ctx.stream(f"try {ctx.attempt}", keep=True)
        if ctx.attempt < 3:
            raise ValueError

    run = kept(alone(node, retry=QUICK)).run(run_id="r")
    chunks = [item for item in told(run.stream()) if isinstance(item, tuple)]
    assert [("work", attempt, 1, f"try {attempt}") for attempt in (1, 2, 3)] == chunks
    assert [("work", 3, 1, "try 3")] == [item for item in told(opened(kept, run)) if isinstance(item, tuple)]


def test_an_attempt_that_was_given_up_streams_no_more(kept, gate):
    """What a thread says after its attempt timed out does not mix with what the next attempt says."""
    late = threading.Event()

    def node(state, ctx):
        if ctx.attempt == 1:
            gate.wait(SOON)
            ctx.stream("late")
            late.set()
        else:
            gate.set()
            assert late.wait(SOON)
            ctx.stream("second")

    run = kept(alone(node, retry=QUICK, timeout=0.2)).run(run_id="r")
    assert [("work", 2, 1, "second")] == [item for item in told(run.stream()) if isinstance(item, tuple)]


def test_a_node_that_asked_does_not_repeat_itself(kept):
    """A node that runs again with its answer publishes only what it had not published."""

    def node(state, ctx):
        ctx.stream("before", keep=True)
        ctx.ask("?")
        ctx.stream("after", keep=True)

    graph = ng.Graph(Log, name="alone")
    graph.node(name="begin")(lambda state: None)
    graph.node(name="work", after="begin")(node)
    gate = threading.Event()
    graph.node(name="hold", after="begin")(lambda state: gate.wait(SOON) and None)
    engine = kept(graph)
    run = engine.start(run_id="r")
    for item in run.stream():
        if isinstance(item, ng.Event) and item.kind == "task.waiting":
            engine.answer(engine.inbox().question[0], 1)
        if isinstance(item, ng.Chunk) and item.delta == "after":
            gate.set()
    assert ["before", "after"] == deltas(run.stream()) == deltas(opened(kept, run))


# -- early and late


def test_a_follower_that_comes_late_misses_nothing(kept, gate):
    """Whoever starts in the middle, or after the end, gets all from the beginning."""
    half = threading.Event()

    def node(state, ctx):
        ctx.stream("first")
        half.set()
        gate.wait(SOON)
        ctx.stream("second")

    engine = kept(alone(node))
    run = engine.start(run_id="r")
    assert half.wait(SOON)
    follower = iter(run.stream())
    assert "first" == next(follower).delta
    gate.set()
    rest = told(follower)
    assert [("work", 1, 2, "second"), "work", "run.completed"] == rest
    assert [("work", 1, 1, "first"), *rest] == told(run.stream()) == told(engine.open("r").stream())


def test_a_live_follower_gets_each_chunk_while_the_node_runs(kept, gate):
    """A chunk arrives before the node goes on to its end: the node waits here for its follower."""
    heard = threading.Event()

    def node(state, ctx):
        ctx.stream("ping")
        assert heard.wait(SOON)

    run = kept(alone(node)).start(run_id="r")
    for _ in run.stream():
        heard.set()
    assert "completed" == run.status


def test_an_async_follower_lives_on_the_loop_that_the_nodes_use(kept):
    """``async for`` beside the nodes of a live run, on one loop: each chunk comes while its node waits for it."""

    async def main():
        heard = asyncio.Event()

        async def node(state, ctx):
            ctx.stream("ping")
            await asyncio.wait_for(heard.wait(), SOON)
            ctx.stream("pong")

        run = kept(alone(node), loop="host").start(run_id="r")
        items = []
        async for item in run.stream():
            items.append(item)
            heard.set()
        await run
        return items

    assert [("work", 1, 1, "ping"), ("work", 1, 2, "pong"), "work", "run.completed"] == told(asyncio.run(main()))


def test_a_stream_goes_on_over_a_resume(kept):
    """After a resume in the same process the stream begins at the run's beginning, unkept chunks and all."""
    graph = ng.Graph(Log, name="pair")
    graph.node(name="first")(streams("one", "two"))
    graph.node(name="second", after="first")(lambda state, ctx: ctx.stream("three"))
    engine = kept(graph)
    run = engine.run(run_id="r", before="second")
    assert ["one", "two"] == deltas(run.stream())
    resumed = engine.resume("r")
    assert ["one", "two", "three"] == deltas(resumed.stream()) == deltas(engine.open("r").stream())


def test_a_stream_ends_when_the_run_stands_still(kept):
    """Paused, waiting or failed: the follower gets all there is, and its loop ends."""
    graph = alone(lambda state, ctx: ctx.stream("a") or ctx.ask("?"))
    assert [("work", 1, 1, "a"), "task.waiting", "run.waiting"] == told(kept(graph).start(run_id="w").stream())

    def fail(state, ctx):
        ctx.stream("a")
        raise ValueError

    run = kept(alone(fail)).start(run_id="f")
    assert [("work", 1, 1, "a"), "task.failed", "run.failed"] == told(run.stream())


def test_a_stream_may_be_followed_by_many(kept):
    """Each iteration starts anew; followers beside each other each get everything."""
    run = kept(alone(streams(*range(500)))).start(run_id="r")
    stream, found = run.stream(), []
    threads = [threading.Thread(target=lambda: found.append(deltas(stream))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert [list(range(500))] * 3 == found
    assert list(range(500)) == deltas(stream)


# -- followers that are no good


def test_a_slow_follower_does_not_slow_the_run(kept):
    """A run completes while its follower has not looked at more than the first chunk."""
    run = kept(alone(streams(*range(1000)))).start(run_id="r")
    follower = iter(run.stream())
    next(follower)
    run.wait(SOON)
    assert "completed" == run.status
    assert 1001 == len(list(follower))


@pytest.mark.parametrize("is_async", [False, True])
def test_a_follower_that_dies_does_not_hurt_the_run(kept, gate, is_async):
    """An error in the follower, a follower let go of, a loop that is closed under it: the run goes on."""

    def node(state, ctx):
        ctx.stream(1)
        gate.wait(SOON)
        ctx.stream(2)

    run = kept(alone(node)).start(run_id="r")

    async def first():
        async for item in run.stream():
            raise KeyError(item.delta)

    def follow():
        for item in run.stream():
            raise KeyError(item.delta)

    for _ in range(3):
        with pytest.raises(KeyError):
            asyncio.run(first()) if is_async else follow()
    gate.set()
    assert "completed" == run.wait(SOON).status
    assert [1, 2] == deltas(run.stream())


def test_a_loop_closed_under_its_follower_does_not_hurt_the_run(kept, gate):
    """A loop that was closed without ending its generators can no longer be told; the run does not mind."""

    def node(state, ctx):
        ctx.stream(1)
        gate.wait(SOON)
        ctx.stream(2)

    run = kept(alone(node)).start(run_id="r")
    loop = asyncio.new_event_loop()
    loop.set_debug(False)
    follower = aiter(run.stream())
    assert 1 == loop.run_until_complete(anext(follower)).delta
    loop.close()
    gate.set()
    assert "completed" == run.wait(SOON).status
    del follower
    gc.collect()


# -- what is kept


def test_kept_chunks_can_be_read_later_and_others_cannot(kept):
    """In another process only the chunks with ``keep=True`` are there, under their numbers."""

    def node(state, ctx):
        for number in range(1, 5):
            ctx.stream(f"chunk {number}", keep=number % 2 == 0)

    run = kept(alone(node)).run(run_id="r")
    expected = [("work", 1, 2, "chunk 2"), ("work", 1, 4, "chunk 4"), "work", "run.completed"]
    assert expected == told(opened(kept, run))
    assert expected == told(asyncio.run(listed(kept(alone(node)).open("r").stream())))
    assert expected == told(ng.open_run(kept(alone(node)).store, "r").stream())


VALUES = [
    None,
    1.5,
    float("inf"),
    2**80,
    "lone \ud800",
    b"\x00\xff" * 50_000,
    (1, [2, {"a": (3,)}]),
    {1: "one"},
    {1, 2},
    "</script>" * 1000,
]


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_kept_chunk_comes_back_as_it_was(kept, value):
    """Whatever the store can keep of a state it can keep of a stream, type for type."""
    run = kept(alone(streams(value, keep=True))).run(run_id="r")
    (found,) = deltas(opened(kept, run))
    assert value == found
    assert type(value) is type(found)


def test_a_kept_chunk_of_a_known_class_comes_back_as_that_class(kept):
    """Classes of the graph's state are rebuilt; without the graph they are read-only records."""
    graph = alone(streams(Point(3), keep=True), schema=Map)
    run = kept(graph).run({"at": Point(0)}, run_id="r")
    assert [Point(3)] == deltas(run.stream()) == deltas(kept(graph).open("r").stream())
    assert [3] == [found.x for found in deltas(opened(kept, run))]


@pytest.mark.parametrize("value", [object(), [1, {"deep": print}], threading.Lock()])
def test_a_chunk_that_cannot_be_kept_is_an_error_before_anything_is_committed(kept, value):
    """``CodecError`` with node, path and type, raised in the node at that line; the step is not stored."""
    kept(alone(streams(value))).run(run_id="loose")
    with pytest.raises(ng.CodecError) as caught:
        kept(alone(streams("fine", value, keep=True))).run(run_id="r")
    error = caught.value
    assert ("work", "r") == (error.node, error.run_id)
    assert type(value if not isinstance(value, list) else print).__name__ in error.actual
    assert ("deep" in error.path) == isinstance(value, list)
    run = kept(alone(streams())).open("r")
    assert ("failed", []) == (run.status, list(run.history()))


def test_a_chunk_is_kept_as_it_was_when_it_was_streamed(kept):
    """What the node does to the object afterwards does not change the record."""

    def node(state, ctx):
        words = ["one"]
        ctx.stream(words, keep=True)
        words.append("two")

    assert [["one"]] == deltas(opened(kept, kept(alone(node)).run(run_id="r")))


def test_what_redaction_hides_is_not_kept_of_a_chunk(kept, tmp_path):
    """A live follower sees the value; the file does not."""
    run = kept(alone(streams({"password": "hunter2", "who": "Ann"}, keep=True))).run(run_id="r")
    assert ["hunter2"] == [found["password"] for found in deltas(run.stream())]
    assert ["Ann"] == [found["who"] for found in deltas(opened(kept, run))]
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_chunk_kept_before_a_failure_that_an_edge_took_over_is_kept(kept):
    """A task that ended by its ``on_error`` edge keeps what it streamed."""

    def fail(state, ctx):
        ctx.stream("last words", keep=True)
        raise ValueError

    graph = alone(fail)
    graph.node(name="rescue")(lambda state: None)
    graph.edge("work", "rescue", on_error=ValueError)
    graph.start("work")
    assert ["last words"] == deltas(opened(kept, kept(graph).run(run_id="r")))


def test_streaming_changes_no_result(kept):
    """A run that streams has the digest of one that does not, kept or not; and it can be replayed."""
    digests = set()
    for keep, chunks in ((False, ()), (False, "abc"), (True, "abc")):
        engine = kept(alone(streams(*chunks, keep=keep)))
        run = engine.run(run_id=f"{keep}{len(chunks)}")
        digests.add(run.digest)
        assert engine.replay(run.id).ok
    assert 1 == len(digests)


def from_afar(state, ctx):
    """Stream from another process."""
    ctx.stream("loose")
    ctx.stream("kept", keep=True)


def unkeepable_from_afar(state, ctx):
    """Stream from another process what cannot be kept, though it can be sent."""
    ctx.stream(print, keep=True)


@pytest.mark.slow
def test_a_node_in_another_process_streams_when_it_ends(kept):
    """With a process pool the chunks arrive together, and are kept, or refused, like any others."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        run = kept(alone(from_afar), executor=pool).run(run_id="r")
        assert ["loose", "kept"] == deltas(run.stream())
        assert ["kept"] == deltas(opened(kept, run))
        with pytest.raises(ng.CodecError):
            kept(alone(unkeepable_from_afar), executor=pool).run(run_id="s")


class Slow(ng.SqliteStore):
    """A store in which the run goes on while a follower reads: before its ``steps``, or before its ``events``."""

    moment, act = "", None

    def before(self, moment):
        """Let happen what is to happen at this moment, once."""
        if moment == self.moment:
            self.moment = ""
            self.act()

    def steps(self, *args):
        """Return the steps, after what comes before."""
        self.before("steps")
        return super().steps(*args)

    def events(self, run_id, **how):
        """Return the events, after what comes before."""
        self.before("events")
        return super().events(run_id, **how)


@pytest.mark.parametrize("moment", ["steps", "events"])
def test_order_holds_however_a_run_goes_on_meanwhile(tmp_path, gate, moment):
    """Chunks before their step, steps before what came after them: also if all happens between two reads."""

    def node(state, ctx):
        gate.wait(SOON)
        ctx.stream("chunk")

    with Slow(tmp_path / "runs.sqlite") as store:
        run = ng.Engine(alone(node), store=store).start(run_id="r")
        store.moment, store.act = moment, lambda: gate.set() or run.wait(SOON)
        assert [("work", 1, 1, "chunk"), "work", "run.completed"] == told(run.stream())


def test_events_and_steps_come_in_the_order_in_which_they_happened(kept):
    """A step is never followed by an event that came before it, however the follower's looks fall."""
    graph = ng.Graph(Log, name="loop")

    @graph.node
    def work(state, ctx):
        if len(state["log"]) % 3 == 0 and ctx.attempt == 1:
            raise ValueError
        return {"log": len(state["log"])}

    graph.node(work, retry=QUICK)
    graph.edge("work", "work", when=lambda state: len(state["log"]) < 60)
    graph.edge("work", "end", otherwise=True)
    graph.node(name="end")(lambda state: None)
    graph.start("work")
    run = kept(graph).start(run_id="r")
    live = [(item.kind, item.step) for item in run.stream()]
    assert [(item.kind, item.step) for item in run.stream()] == live
    assert 20 == len(kinds(run, "task.retried"))
    assert sorted(live, key=lambda entry: entry[1]) == live
