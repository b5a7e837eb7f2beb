"""What the engine's outer tests share: schemas, fans, a clock that can be pushed, a gauge of who runs at once.

Everything that a worker in another process calls stands at module level here.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import nbgraph as ng

SOON = 30.0
"""Seconds after which a test gives up waiting for something that should come at once."""


class Log(TypedDict):
    """A list that takes everybody's word, and a field without reducer."""

    log: Annotated[list[Any], ng.append]
    count: int


class PushedClock:
    """The machine's clocks; ``push`` moves the monotonic one ahead."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        """Return the wall time."""
        return time.time()

    def monotonic(self) -> float:
        """Return the monotonic time, plus every push."""
        return time.monotonic() + self.ahead

    def push(self, seconds: float) -> None:
        """Let time pass at once."""
        self.ahead += seconds


class Gauge:
    """Counts who is inside, and how many there were at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.inside = self.peak = 0

    def __enter__(self) -> None:
        with self._lock:
            self.inside += 1
            self.peak = max(self.peak, self.inside)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.inside -= 1


def says(word: Any) -> Callable[[Any], Any]:
    """Return a node that logs a word."""
    return lambda state: {"log": word}


def fan(count: int, work: Callable[..., Any], **options: Any) -> ng.Graph:
    """Return a graph that sends ``item=0 ... count - 1`` to ``work`` and gathers the answers."""
    graph = ng.Graph(Log, name="fan")
    graph.node(name="split", sends="work")(lambda state: [ng.Send("work", item=place) for place in range(count)])
    graph.node(name="work", **options)(work)
    graph.node(name="gather", after="work")(lambda state: None)
    return graph


def beside(*nodes: Callable[..., Any], **options: Any) -> ng.Graph:
    """Return a graph of a start, then all ``nodes`` side by side under their own names."""
    graph = ng.Graph(Log, name="beside")
    graph.node(name="begin")(lambda state: None)
    for node in nodes:
        graph.node(after="begin", **options)(node)
    return graph


def chain(*nodes: Callable[..., Any]) -> ng.Graph:
    """Return a graph of ``nodes`` one after the other, under their own names."""
    graph = ng.Graph(Log, name="chain")
    for place, node in enumerate(nodes):
        graph.node(after=[nodes[place - 1].__name__] if place else None)(node)
    return graph


def counting(last: int) -> ng.Graph:
    """Return a loop that counts to ``last``, one step each."""
    graph = ng.Graph(Log, name="counting")
    graph.node(name="count")(lambda state: {"count": state["count"] + 1})
    graph.edge("count", "count", when=lambda state: state["count"] < last)
    graph.edge("count", "end", otherwise=True)
    graph.node(name="end")(lambda state: None)
    graph.start("count")
    return graph


def kinds(run: ng.Run, kind: str) -> list[dict[str, Any]]:
    """Return the data of every event of one kind."""
    events = run.events
    return list(events[events.kind == kind].data)


def nodes_of(run: ng.Run) -> list[str]:
    """Return the nodes that were committed, in commit order."""
    return [step.node for step in run.history()]


def press_stop() -> None:
    """Do what Ctrl-C does to this process."""
    os.kill(os.getpid(), signal.SIGINT)


def double(state: Any) -> Any:
    """Say twice the item, and which process did it."""
    return {"log": [2 * state["item"], os.getpid()]}


def roll(state: Any, ctx: Any) -> Any:
    """Say a seeded number."""
    return {"log": ctx.rng.random()}


def stumble(state: Any) -> Any:
    """Fail, in whatever process."""
    raise KeyError(state["item"])
