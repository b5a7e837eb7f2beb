"""Streams, calls and failures side by side in one async node: whatever the timing was, a replay follows it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgraph as ng
from tests.clients.talk import engine_of, heard

AGAIN = ng.Retry(attempts=2, wait=0.0001, cap=0.0001)


class Slow(httpx2.AsyncByteStream):
    """Parts that come after so many turns of the loop each."""

    def __init__(self, name: str, turns: list[int]) -> None:
        self._name, self._turns = name, turns

    async def __aiter__(self) -> Any:
        for number, turns in enumerate(self._turns):
            for _ in range(turns):
                await asyncio.sleep(0)
            yield f"{self._name}{number} ".encode()


branches = st.lists(
    st.tuples(st.lists(st.integers(0, 12), max_size=5), st.integers(0, 12), st.none() | st.integers(0, 4)),
    min_size=2, max_size=4,
)  # fmt: skip


@given(branches, st.none() | st.integers(0, 8))
@settings(max_examples=60)
def test_any_interleaving_of_streams_and_calls_is_replayed(plan: Any, fails_after: int | None):
    """Parts, ends, early closes and calls come to the node in a replay as they came then, after a failed attempt too."""
    attempts: list[int] = []

    async def answer(request: httpx2.Request) -> httpx2.Response:
        place = int(request.url.path[1:])
        for _ in range(plan[place][1]):
            await asyncio.sleep(0)
        return httpx2.Response(200, stream=Slow(str(place), plan[place][0]))

    http = ng.arecording_client(transport=httpx2.MockTransport(answer))

    async def work(ctx: ng.Context) -> list[Any]:
        found: list[Any] = []
        attempts.append(1)

        async def read(place: int) -> None:
            async with http.stream("GET", f"http://h/{place}") as answer:
                count = 0
                async for part in answer.aiter_raw():
                    found.append(part.decode())
                    if fails_after is not None and ctx.attempt == 1 and len(found) > fails_after:
                        raise RuntimeError("not today")
                    if count == plan[place][2]:
                        found.append(await ctx.call(len, f"{place}"))
                        break
                    count += 1

        await asyncio.gather(*map(read, range(len(plan))))
        return found

    engine = engine_of(work, retry=AGAIN)
    expected = heard(engine.run({}, run_id="r"))
    report = engine.replay("r")
    assert (report.ok, len(expected) > 0) == (True, any(parts for parts, *_ in plan))


def test_an_answer_from_the_record_beside_a_call_that_is_made_keeps_its_place():
    """A second attempt gets what the first had kept before what it asked earlier: a replay gives them in that order."""
    tries: list[str] = []

    async def say(word: str) -> str:
        tries.append(word)
        if tries == ["new"]:
            raise RuntimeError("not today")
        await asyncio.sleep(0)
        return word

    async def work(ctx: ng.Context) -> list[str]:
        found: list[str] = []

        async def tell(word: str) -> None:
            found.append(await ctx.call(say, word))

        await asyncio.gather(tell("new"), tell("kept"))
        return found

    engine = engine_of(work, retry=AGAIN)
    assert heard(engine.run({}, run_id="r")) == ["kept", "new"]
    assert tries == ["new", "kept", "new"]
    assert engine.replay("r").ok
