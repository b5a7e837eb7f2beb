"""The graph that the crash tests run: laps of fan-out and gather, with a witness of every body.

Owns what is run and what its bodies write down outside the store; ``nursery`` decides where it dies.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, Any, TypedDict

import nbgraph as ng

PER_LAP = 4
"""Tasks of a lap beside its works: start, plan, audit, join."""
TRIES = 1
"""Most often that a body starts in one life."""


def braid(old: str, new: str) -> str:
    """Mix two texts; a reducer of our own, so that its results must be kept."""
    return (old + new)[-60:]


class State(TypedDict):
    """Fields of every kind of merging."""

    laps: int
    width: int
    lap: int
    note: str
    lines: Annotated[list[str], ng.append]
    total: Annotated[int, ng.add]
    trail: Annotated[str, braid]


def given(laps: int, width: int) -> dict[str, Any]:
    """Return a run's input."""
    return {"laps": laps, "width": width, "lap": 0, "note": "", "lines": [], "total": 0, "trail": ""}


def tasks(laps: int, width: int) -> int:
    """Return how many steps a run takes."""
    return laps * (width + PER_LAP) + 1


class Witness:
    """An append-only file beside the store: a line for each body that starts or ends, which no death of it undoes."""

    def __init__(self, path: str, after: Callable[[int], None] = lambda count: None) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._after, self._count = after, 0

    def __call__(self, *words: object) -> None:
        """Write a line, then say how many there are."""
        os.write(self._handle, (" ".join(map(str, words)) + "\n").encode())
        self._count += 1
        self._after(self._count)

    def starts(self, state: Any, ctx: ng.Context) -> None:
        """Write down that a body starts, what it sees and what it is called."""
        seen = sha256(repr(sorted(dict(state).items())).encode()).hexdigest()[:16]
        self("start", ctx.task_id, ctx.idempotency_key(), seen)


class Blind(Witness):
    """Writes nothing down."""

    def __init__(self) -> None:
        """Take no file."""

    def __call__(self, *words: object) -> None:
        """Forget."""


def build(witness: Witness) -> ng.Graph:
    """Return the graph: lap -> plan -> works, beside an audit -> join -> lap again, or finish."""
    graph = ng.Graph(State, name="laps")

    @graph.node
    def lap(state, ctx):
        witness.starts(state, ctx)
        return {"note": f"{state['lap']}" * 700, "lines": f"lap {state['lap']}"}

    @graph.node(after="lap", sends="work")
    def plan(state, ctx):
        witness.starts(state, ctx)
        return ng.Result(update={"total": 1}, route=[ng.Send("work", item=item) for item in range(state["width"])])

    @graph.node(after="lap")
    async def audit(state, ctx):
        witness.starts(state, ctx)
        return {"lines": f"audit {state['total']}", "trail": "A"}

    @graph.node
    def work(state, ctx):
        witness.starts(state, ctx)
        number = ctx.rng.randrange(1000)
        witness("end", ctx.task_id)
        return {"lines": f"{state['lap']}.{state['item']}", "total": number, "trail": f"{number % 10}"}

    @graph.node(after=["audit", "work"])
    def join(state, ctx):
        witness.starts(state, ctx)
        return {"lap": state["lap"] + 1}

    @graph.node
    def finish(state, ctx):
        witness.starts(state, ctx)
        return {"note": f"{len(state['lines'])} lines", "trail": "."}

    graph.start("lap")
    graph.edge("join", "lap", when=lambda state: state["lap"] < state["laps"])
    graph.edge("join", "finish", otherwise=True)
    return graph


def drive(engine: ng.Engine, size: tuple[int, int], run_id: str) -> ng.Run:
    """Begin a run, or go on with it, and return it when it has ended; a death may have come just after its end."""
    try:
        run = engine.open(run_id)
    except ng.RunNotFound:
        return engine.run(given(*size), run_id=run_id)
    return run if run.status == "completed" else engine.resume(run_id)
