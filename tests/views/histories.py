"""Runs to look at: small graphs that do everything a view has to show, and news cut into pieces.

Owns the graphs. Knows nothing of any one view.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

import nbgraph as ng
from nbgraph.testing import FakeClock


class State(TypedDict, total=False):
    n: int
    found: Annotated[list[int], ng.append]
    left: str
    right: str
    ok: bool


@dataclass
class Piece:
    """News, as much of it as a test wants."""

    steps: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    calls: list[Any] = field(default_factory=list)
    status: str = "completed"
    running: tuple[Any, ...] = ()
    chunks: tuple[Any, ...] = ()
    holder: str = ""
    live: bool = False
    ready: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Busy:
    """A task that is being executed."""

    node: str
    task: str
    started: float | None
    attempt: int = 1


def news_of(run: Any) -> Piece:
    """Return everything that the store has of a run."""
    store, name = run.store, run.id
    return Piece(list(store.steps(name)), list(store.events(name)), list(store.calls(name)), run.status)


def cut(news: Piece) -> Iterator[Piece]:
    """Yield the same news step by step, each with the events and lines that came with it."""
    for row in news.steps:
        events = [event for event in news.events if event.step == row.step - 1]
        yield Piece([row], events, [line for line in news.calls if line.task == row.task], "running")
    last = len(news.steps)
    done = {row.task for row in news.steps}
    yield Piece(
        [], [event for event in news.events if event.step == last], [c for c in news.calls if c.task not in done],
        news.status,
    )  # fmt: skip


def crowd(count: int = 6, *, fail: bool = False, ask: bool = False) -> ng.Graph:
    """Return a graph that splits, sends, retries, calls, gathers and, if so asked, waits and fails."""
    graph, tries = ng.Graph(State, name="crowd"), dict[str, int]()

    @graph.node
    def begin(state):
        return {"n": count}

    @graph.node(after="begin")
    def aside(state):
        return {"left": "done"}

    @graph.node(after="begin", sends="work")
    def split(state):
        return [ng.Send("work", item=item) for item in range(state["n"])]

    @graph.node(retry=ng.Retry(attempts=2, wait=0))
    def work(state, ctx):
        key = f"{ctx.run_id} {state['item']}"
        tries[key] = tries.get(key, 0) + 1
        print("item", state["item"])  # noqa: T201 - what a view shows of a node
        if state["item"] == 1 and tries[key] == 1:
            raise ConnectionError("hung up")
        return {"found": ctx.call(double, state["item"])}

    @graph.node(after=["work", "aside"])
    def gather(state, ctx):
        return {"ok": ctx.ask("Go on?", schema=bool)} if ask else {"ok": True}

    @graph.node(after="gather")
    def last(state):
        if fail:
            raise ValueError("no way <b>out</b>")
        return {"right": "there"}

    return graph


def double(item: int) -> int:
    """The outside world."""
    return 2 * item


def ran(graph: ng.Graph, *, answer: bool = False, clock: FakeClock | None = None, **options: Any) -> Any:
    """Run a graph to where it stands still, answering its question if so asked, two hours later by ``clock``."""
    engine = ng.Engine(graph, store=":memory:", **options, **({"clock": clock} if clock else {}))
    with suppress(ng.NbgraphError):
        engine.start({}, run_id="r1").wait()
    if answer:
        if clock is not None:
            clock.advance(7200)
        engine.answer(engine.inbox().iloc[0]["question"], True)
        with suppress(ng.NbgraphError):
            engine.resume("r1")
    return engine.open("r1")
