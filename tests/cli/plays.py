"""A graph whose runs call, ask, fail and carry hostile text; what children import as ``tests.cli.plays:graph``."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypedDict

import nbgraph as ng

CLEAR = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m"
"""What a terminal must never get: clear the screen, set the title, turn text around, an eight-bit escape."""
HOSTILE = f"run{CLEAR}\nline"
"""A run's name."""
BIG = b"\x00\xff" * 70_000
"""Large enough to be kept as a blob."""


class Review(TypedDict, total=False):
    """What a review knows."""

    n: int
    note: str
    at: dt.datetime
    raw: bytes
    out: Annotated[list[Any], ng.append]


graph = ng.Graph(Review, name="review")


def measure(number: int) -> dict[str, int]:
    """Be the outside world."""
    return {"size": number * 10}


@graph.node
def look(state: Any, ctx: Any) -> Any:
    """Call, and print."""
    print("printed by a node")  # noqa: T201 - that is the case
    return {"n": ctx.call(measure, state["n"])["size"], "at": dt.datetime(2024, 5, 6, tzinfo=dt.UTC)}


@graph.node(after="look")
def judge(state: Any) -> Any:
    """Fail for a negative number."""
    if state["n"] < 0:
        raise ValueError(f"negative{CLEAR}")
    return {"out": ("judged", state["n"]), "raw": BIG}


@graph.node(after="judge")
def approve(state: Any, ctx: Any) -> Any:
    """Ask a person."""
    return {"out": ctx.ask(f"How many?{CLEAR}", schema=int)}


drifted = ng.Graph(Review, name="review")
drifted.node(look)
drifted.node(name="judge", after="look")(lambda state: {"out": ("judged", state["n"] + 1), "raw": BIG})
drifted.node(name="approve", after="judge")(lambda state, ctx: {"out": ctx.ask("How much?", schema=int)})

engine = ng.Engine(graph)

counting = ng.Graph({"count": int}, name="counting")
counting.node(name="count")(lambda state: {"count": state["count"] + 1})
counting.edge("count", "count", when=lambda state: state["count"] < 250)
counting.edge("count", "stop", otherwise=True)
counting.node(name="stop")(lambda state: None)
counting.start("count")


def make(path: Path) -> None:
    """Write the runs that the tests look at: done, bad, waiting, fork (waiting), one of a hostile name."""
    mine = ng.Engine(graph, store=path, durability="normal")
    mine.run({"n": 1}, run_id="done")
    mine.answer("done/3", 7, by="Ann")
    mine.resume("done")
    with suppress(ng.NodeError):
        mine.run({"n": -1}, run_id="bad")
    mine.run({"n": 2, "note": CLEAR}, run_id="waiting")
    mine.fork("done", 1, update={"n": 5}, new_id="fork")
    mine.run({"n": 3}, run_id=HOSTILE)
    mine.close()
