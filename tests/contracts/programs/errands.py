"""The graph whose nodes pay at a till: sync and async, sent, gathered, tried again, asked in the middle.

Owns what is run, how it pays, and what its bodies write down outside the store. ``till`` is the server at the
other end, ``nursery`` decides where it dies.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from collections import Counter
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Annotated, Any, NamedTuple, TypedDict

import nbgraph as ng
from nbgraph.engine.inbox import open_in
from tests.contracts.programs.laps import Witness, braid

TRIES = 3
"""Most often that a body starts in one life: once more after a call that was refused, and after an answer."""


class Payment(NamedTuple):
    """One request that came in: ``place`` is the number of the call in its task."""

    key: str
    task: str
    place: int
    item: str


class RefusedError(Exception):
    """The till was closed for a moment."""


class Books:
    """What was paid for: every request in the order of its arrival. ``odd...`` is refused the first time."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        self.paid: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, payment: Payment) -> dict[str, Any] | None:
        """Take one payment in; return the receipt, None for a refusal."""
        with self._lock:
            self.payments.append(payment)
            self.paid[payment.key] += 1
            count = self.paid[payment.key]
        refused = payment.item.startswith("odd") and count == 1
        return None if refused else {"price": sum(payment.item.encode()) % 97, "receipt": count}


class State(TypedDict):
    """Fields of every kind of merging."""

    laps: int
    width: int
    lap: int
    goods: Annotated[list[str], ng.append]
    total: Annotated[int, ng.add]
    trail: Annotated[str, braid]


def given(laps: int, width: int) -> dict[str, Any]:
    """Return a run's input."""
    return {"laps": laps, "width": width, "lap": 0, "goods": [], "total": 0, "trail": ""}


class Purse:
    """Pays for the nodes: at the till at ``url``, or into books of its own where there is none."""

    def __init__(self, witness: Witness, url: str = "", unknown: str = "retry") -> None:
        self._witness, self._host, self._unknown = witness, url.removeprefix("http://"), unknown
        self._books = Books()

    def buy(self, ctx: ng.Context, place: int, item: str) -> int:
        """Pay from a sync node; return the price."""
        pay = partial(self._pay, Payment(ctx.idempotency_key(place), ctx.task_id, place, item))
        return self._got(ctx, place, ctx.call(Wallet(pay).pay, place, item, unknown=self._unknown))

    async def abuy(self, ctx: ng.Context, place: int, item: str) -> int:
        """Pay from an async node."""
        pay = partial(self._apay, Payment(ctx.idempotency_key(place), ctx.task_id, place, item))
        return self._got(ctx, place, await ctx.call(Wallet(pay).apay, place, item, unknown=self._unknown))

    def _got(self, ctx: ng.Context, place: int, answer: Any) -> int:
        if answer is None:  # skipped
            return 0
        self._witness("got", ctx.task_id, place, answer["receipt"])
        return int(answer["price"])

    def _pay(self, payment: Payment) -> Any:
        if not self._host:
            return _receipt(self._books.take(payment))
        connection = http.client.HTTPConnection(self._host, timeout=30)
        try:
            connection.request("GET", _path(payment))
            answer = connection.getresponse()
            return _receipt(json.loads(answer.read()))
        finally:
            connection.close()

    async def _apay(self, payment: Payment) -> Any:
        if not self._host:
            return _receipt(self._books.take(payment))
        host, port = self._host.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET {_path(payment)} HTTP/1.0\r\n\r\n".encode())
        body = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
        return _receipt(json.loads(body))


class Wallet:
    """One payment that is only to be made; the key is not part of what is asked, so a fork asks for the same."""

    def __init__(self, hand_over: Callable[[], Any]) -> None:
        self._hand_over = hand_over

    def pay(self, place: int, item: str) -> Any:
        """Pay."""
        return self._hand_over()

    async def apay(self, place: int, item: str) -> Any:
        """Pay without blocking the loop."""
        return await self._hand_over()


def _path(payment: Payment) -> str:
    return "/" + "/".join(map(str, (os.getpid(), *payment)))


def _receipt(answer: Any) -> Any:
    if answer is None:
        raise RefusedError("come back later")
    return answer


def build(witness: Witness, url: str = "", unknown: str = "retry", *, changed: bool = False) -> ng.Graph:
    """Return the graph: lap -> shop, beside a stroll and a question -> join -> lap again, or finish."""
    graph, purse = ng.Graph(State, name="errands"), Purse(witness, url, unknown)

    @graph.node
    def lap(state, ctx):
        witness.starts(state, ctx)
        prices = purse.buy(ctx, 1, "bread"), purse.buy(ctx, 2, "milk")
        return {"total": sum(prices), "goods": f"lap {state['lap']}: {prices}"}

    @graph.node(after="lap", sends="work")
    def plan(state, ctx):
        witness.starts(state, ctx)
        return [ng.Send("work", item=f"{'odd' if item % 2 else 'thing'}-{item}") for item in range(state["width"])]

    @graph.node(after="lap")
    async def stroll(state, ctx):
        witness.starts(state, ctx)

        async def branch(name, place):
            return [await purse.abuy(ctx, place + step, f"{name}-{step}") for step in range(2)]

        gate = await purse.abuy(ctx, 7, "gate")
        prices = await asyncio.gather(*(branch(name, 2 * place + 1) for place, name in enumerate("abc")))
        return {"goods": f"stroll {prices}", "total": gate + sum(map(sum, prices)), "trail": "S"}

    @graph.node(after="lap")
    def permit(state, ctx):
        witness.starts(state, ctx)
        stamp = purse.buy(ctx, 1, "stamp")
        if state["lap"] == 0:
            return {"goods": f"permit {ctx.ask('May I?', schema=bool)}", "total": stamp + purse.buy(ctx, 2, "seal")}
        return {"total": stamp}

    @graph.node(retry=ng.Retry(2, wait=0.0, jitter=0.0, on=RefusedError))
    def work(state, ctx):
        witness.starts(state, ctx)
        price = purse.buy(ctx, 1, f"bag-{state['item']}") + purse.buy(ctx, 2, state["item"])
        return {"goods": f"{state['lap']}.{state['item']}", "total": price, "trail": f"{ctx.rng.randrange(10)}"}

    @graph.node(after=["stroll", "permit", "work"])
    def join(state, ctx):
        witness.starts(state, ctx)
        return {"lap": state["lap"] + 1}

    def finish(state, ctx):
        witness.starts(state, ctx)
        return {"goods": "home", "trail": "."}

    def finish_today(state, ctx):
        witness.starts(state, ctx)
        return dict(trail=".", goods="home")  # noqa: C408 - other words for the same

    graph.node(name="finish")(finish_today if changed else finish)
    graph.start("lap")
    graph.edge("join", "lap", when=lambda state: state["lap"] < state["laps"])
    graph.edge("join", "finish", otherwise=True)
    return graph


def drive(engine: ng.Engine, size: tuple[int, int], run_id: str, origin: str = "", step: int = 0) -> ng.Run:
    """Begin a run, or fork it off ``origin``, or go on with it; answer what it asks; return it when it has ended."""
    try:
        run = engine.open(run_id)
        run = run if run.status == "completed" else engine.resume(run_id)
    except ng.RunNotFound:
        if origin:
            run = engine.fork(origin, step, new_id=run_id, reuse_calls=True)
        else:
            run = engine.run(given(*size), run_id=run_id)
    while run.status == "waiting":
        answer(engine, run_id)
        run = engine.resume(run_id)
    return run


def answer(engine: ng.Engine, run_id: str) -> None:
    """Say yes to what a run asks, and "retry" to what the engine asks about a call."""
    for question in open_in(engine.store):
        if question.run_id == run_id:
            engine.answer(question.id, "retry" if question.line.name.endswith("?") else True)
