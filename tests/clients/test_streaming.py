"""Answers that come in parts reach the node as they come, and come out of the record in the same parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import nbgraph as ng
from tests.clients.serving import Exchange, Gate, Service, streams
from tests.clients.talk import LIBRARIES, client, engine_of, facts, heard, lines, phases

both = pytest.mark.parametrize("library", LIBRARIES)
PARTS = (b"data: one\n\n", b"data: tw", b"o\n\ndata: \xc3", b"\xa4\n\n")


def gated(gate: Gate, *parts: bytes) -> Callable[[Exchange], None]:
    """Return an answer that sends each part once the gate lets it."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(content_type="text/event-stream")
        for part in parts:
            gate.wait()
            exchange.part(part)
        gate.wait()
        exchange.end()

    return answer


@both
def test_a_node_has_each_part_before_the_next_is_sent(library: str):
    """Nothing is held back: the server sends the second part only once the node has the first."""
    gate, chunks = Gate(), list[Any]()
    with client(library) as http, Service(gated(gate, *PARTS)) as service:

        def work(ctx: ng.Context) -> list[bytes]:
            found = []
            gate.open()
            with http.stream("GET", service.url) as answer:
                for part in answer.iter_raw():
                    ctx.stream(part)
                    found.append(part)
                    gate.open()
            return found

        engine = engine_of(work)
        run = engine.start({}, run_id="r")
        chunks += [told.delta for told in run.stream() if isinstance(told, ng.Chunk)]
        assert heard(run.wait()) == chunks == list(PARTS)
        assert facts(engine)["response"]["chunks"][:2] == [part.decode() for part in PARTS[:2]]
        assert engine.replay("r").ok


@both
def test_an_async_node_has_each_part_before_the_next_is_sent(library: str):
    """Async streams are live too, and leave the loop free meanwhile."""
    gate = Gate()
    http = ng.arecording_client(library=library)
    with Service(gated(gate, *PARTS)) as service:

        async def work(ctx: ng.Context) -> list[bytes]:
            found = []
            gate.open()
            async with http.stream("GET", service.url) as answer:
                async for part in answer.aiter_raw():
                    found.append(part)
                    gate.open()
            return found

        engine = engine_of(work)
        assert heard(engine.run({}, run_id="r")) == list(PARTS)
    assert engine.replay("r").ok


def test_a_stream_out_of_the_record_has_the_same_parts():
    """Replayed parts are cut where they were cut on the wire, even in the middle of a character."""
    again: list[Any] = []
    with client() as http:

        def work(ctx: ng.Context) -> list[bytes]:
            with http.stream("GET", service.url) as answer:
                return list(answer.iter_bytes())

        with Service(streams(*PARTS)) as service:
            engine = engine_of(work)
            whole = heard(engine.run({}, run_id="r"))
        engine_of(lambda ctx: again.append(work(ctx)), engine.store).replay("r", strict=False)
    assert again == [whole]
    assert b"".join(whole) == b"".join(PARTS)


def test_a_stream_that_is_closed_early_is_kept_as_far_as_it_was_read():
    """A node that reads no further gets the same parts again, and no more."""
    gate = Gate()
    with client() as http:

        def work(ctx: ng.Context) -> bytes:
            with http.stream("GET", service.url) as answer:
                return next(answer.iter_raw())

        with Service(gated(gate, *PARTS)) as service:
            engine = engine_of(work)
            gate.open()
            assert heard(engine.run({}, run_id="r")) == PARTS[0]
            gate.open(10)
        assert (facts(engine)["response"]["body"], facts(engine)["closed"]) == (PARTS[0].decode(), True)
        assert engine.replay("r").ok


def test_a_node_that_reads_on_where_it_stopped_is_a_mismatch():
    """A replay does not end a stream where the node only stopped reading it."""
    reads: list[int] = [1]
    with client() as http:

        def work(ctx: ng.Context) -> int:
            with http.stream("GET", service.url) as answer:
                parts = answer.iter_raw()
                return len([next(parts, b"") for _ in range(reads[-1])])

        with Service(streams(*PARTS)) as service:
            engine = engine_of(work)
            engine.run({}, run_id="r")
        reads.append(3)
        with pytest.raises(ng.ReplayMismatchError, match="reads further in the answer"):
            engine.replay("r")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_stream_that_a_node_leaves_open_is_closed_and_kept(kind: str):
    """What a node forgot to close is on record as far as it was read."""
    sync, nowait, held = ng.recording_client(), ng.arecording_client(), list[Any]()
    with sync, Service(streams(*PARTS)) as service:

        def work(ctx: ng.Context) -> bytes:
            answer = sync.send(sync.build_request("GET", service.url), stream=True)
            held.append(parts := answer.iter_raw())
            return next(parts)

        async def awork(ctx: ng.Context) -> bytes:
            answer = await nowait.send(nowait.build_request("GET", service.url), stream=True)
            held.append(parts := answer.aiter_raw())
            return await anext(parts)

        engine = engine_of(work if kind == "sync" else awork)
        assert heard(engine.run({}, run_id="r")) == PARTS[0]
        assert (phases(engine), facts(engine)["closed"]) == (["started", "returned"], True)
        assert engine.replay("r").ok
        held.clear()


def test_a_broken_stream_breaks_again_at_the_same_place():
    """A connection that fails in the middle of an answer does so in a replay, with the library's own exception."""
    import httpx2

    def answer(exchange: Exchange) -> None:
        exchange.begin()
        exchange.part(b"half")
        exchange.cut()

    with client() as http:

        def work(ctx: ng.Context) -> list[Any]:
            found: list[Any] = []
            with http.stream("GET", service.url) as answer:
                try:
                    found += list(answer.iter_raw())
                except httpx2.RemoteProtocolError as error:
                    found += [type(error).__name__, str(error), str(error.request.url) == service.url + "/"]
            return found

        with Service(answer) as service:
            engine = engine_of(work)
            assert heard(engine.run({}, run_id="r"))[0] == "RemoteProtocolError"
        assert (phases(engine)[-1], facts(engine)["response"]["body"]) == ("raised", "half")
        assert engine.replay("r").ok


def in_turns(gates: dict[str, Gate]) -> Callable[[Exchange], None]:
    """Return an answer to each path, whose parts its own gate lets."""

    def answer(exchange: Exchange) -> None:
        gated(gates[exchange.got.path], *(f"{exchange.got.path}{n}".encode() for n in range(4)))(exchange)

    return answer


ORDER = "/a /a /b /a /b /b /a /b /b /a"
"""Whose part is sent next: four parts and an end of each."""


def test_two_streams_side_by_side_are_replayed_in_the_order_of_their_parts():
    """What a node made of parts that came in turns, it makes of them again."""
    gates, order = {"/a": Gate(), "/b": Gate()}, ORDER.split()
    http = ng.arecording_client()
    with Service(in_turns(gates)) as service:

        async def work(ctx: ng.Context) -> list[bytes]:
            found: list[bytes] = []

            async def read(path: str) -> None:
                async with http.stream("GET", service.url + path) as answer:
                    async for part in answer.aiter_raw():
                        found.append(part)
                        step()
                step()

            def step() -> None:
                if order:
                    gates[order.pop(0)].open()

            step()
            await asyncio.gather(asyncio.create_task(read("/a")), read("/b"))
            return found

        engine = engine_of(work)
        run = engine.run({}, run_id="r")
    found = heard(run)
    assert sorted(found) == [f"{path}{n}".encode() for path in ("/a", "/b") for n in range(4)]
    assert engine.replay("r").ok


def test_a_stream_that_the_node_gives_up_is_given_up_at_the_same_place():
    """A timeout inside a node that cut a stream cuts it behind the same part in a replay."""
    gate, http = Gate(), ng.arecording_client()
    with Service(gated(gate, *PARTS)) as service:

        async def work(ctx: ng.Context) -> list[Any]:
            found: list[Any] = []
            try:
                async with asyncio.timeout(None) as limit, http.stream("GET", service.url) as answer:
                    async for part in answer.aiter_raw():
                        found.append(part)
                        limit.reschedule(asyncio.get_running_loop().time() + 0.05)
            except TimeoutError:
                found.append("too late")
            return found

        engine = engine_of(work)
        gate.open()
        assert heard(engine.run({}, run_id="r")) == [PARTS[0], "too late"]
        gate.open(10)
    assert facts(engine)["closed"] == "waiting"
    assert engine.replay("r").ok


def test_a_stream_that_the_node_gave_up_is_asked_again_by_its_next_attempt():
    """How such an answer would have gone on is unknown: a node that starts again asks again."""
    gate, http = Gate(), ng.arecording_client()
    with Service(gated(gate, *PARTS)) as service:

        async def work(ctx: ng.Context) -> list[Any]:
            found: list[Any] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(None) as limit, http.stream("GET", service.url) as answer:
                    async for part in answer.aiter_raw():
                        found.append(part)
                        limit.reschedule(asyncio.get_running_loop().time() + 0.05)
            return [*found, await ctx.ask("enough?", key="q")]

        engine = engine_of(work)
        gate.open()
        assert engine.run({}, run_id="r").status == "waiting"
        engine.answer(engine.inbox().question.item(), "yes")
        gate.open(10)
        assert b"".join(heard(engine.resume("r"))[:-1]).startswith(PARTS[0])
        assert len(service.requests) == 2
    assert engine.replay("r").ok


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_question_in_mid_stream_lets_the_stream_come_to_its_end(kind: str):
    """The answer is paid: it is kept as a whole, and the node reads on in it once the question is answered."""
    sync, nowait = ng.recording_client(), ng.arecording_client()
    with sync, Service(streams(*PARTS)) as service:

        def work(ctx: ng.Context) -> list[Any]:
            with sync.stream("GET", service.url) as answer:
                return [
                    (part, ctx.ask("go on?", key="q") if n == 0 else None) for n, part in enumerate(answer.iter_raw())
                ]

        async def awork(ctx: ng.Context) -> list[Any]:
            found, asked = [], False
            async with nowait.stream("GET", service.url) as answer:
                async for part in answer.aiter_raw():
                    found.append((part, None if asked else await ctx.ask("go on?", key="q")))
                    asked = True
            return found

        engine = engine_of(work if kind == "sync" else awork)
        assert engine.run({}, run_id="r").status == "waiting"
        assert phases(engine).count("returned") == 1
        engine.answer(engine.inbox().question.item(), "yes")
        run = engine.resume("r")
        assert (b"".join(part for part, _ in heard(run)), heard(run)[0][1]) == (b"".join(PARTS), "yes")
        assert len(service.requests) == 1
        assert engine.replay("r").ok


def test_a_stream_that_was_cut_short_by_a_failure_is_asked_again():
    """An attempt that failed in mid-stream does not leave the next one with half an answer."""
    tries: list[int] = []
    with Service(streams(*PARTS)) as service, client() as http:

        def work(ctx: ng.Context) -> bytes:
            tries.append(1)
            with http.stream("GET", service.url) as answer:
                parts = answer.iter_raw()
                first = next(parts)
                if len(tries) == 1:
                    raise RuntimeError("not today")
                return first + b"".join(parts)

        engine = engine_of(work, retry=ng.Retry(attempts=2, wait=0.001, cap=0.001))
        assert heard(engine.run({}, run_id="r")) == b"".join(PARTS)
        assert len(service.requests) == 2
        assert engine.replay("r").ok


def test_calls_of_a_node_that_reads_are_not_inside_its_stream():
    """What a node calls between two parts is numbered as its own."""
    with Service(streams(*PARTS)) as service, client() as http:

        def work(ctx: ng.Context) -> int:
            with http.stream("GET", service.url) as answer:
                return sum(ctx.call(len, str(part)) for part in answer.iter_raw())

        engine = engine_of(work)
        engine.run({}, run_id="r")
        assert [line.name for line in lines(engine) if line.phase == "started"] == ["1", "2", "3", "4", "5"]
        assert engine.replay("r").ok
