"""What the tests of recording clients share: graphs of one node that talks HTTP, and a look at what was recorded.

Every node is given its work as a function, so that a test says only what it is about.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import loads
from pathlib import Path
from typing import Annotated, Any, TypedDict

import nbgraph as ng
from nbgraph.store.protocol import CallRecord

LIBRARIES = ("httpx2", "httpx")


class Heard(TypedDict):
    """What nodes heard, in order."""

    heard: Annotated[list[Any], ng.append]


def engine_of(work: Callable[..., Any], store: Any = ":memory:", **node: Any) -> ng.Engine:
    """Return an engine whose graph has one node: it appends what ``work(ctx)`` returns, or gives, to "heard"."""
    graph = ng.Graph(Heard, name="talk")
    if asyncio.iscoroutinefunction(work):

        async def talk(state: Any, ctx: ng.Context) -> Any:
            return {"heard": await work(ctx)}
    else:

        def talk(state: Any, ctx: ng.Context) -> Any:  # type: ignore[misc]  # one of the two
            return {"heard": work(ctx)}

    graph.node(name="talk", **node)(talk)
    return ng.Engine(graph, store=store)


def heard(run: ng.Run) -> Any:
    """Return what the node heard last."""
    return ng.thaw(run.state["heard"])[-1]


def lines(engine: ng.Engine, run_id: str = "r") -> list[CallRecord]:
    """Return a run's log of calls."""
    return list(engine.store.calls(run_id))


def phases(engine: ng.Engine, run_id: str = "r") -> list[str]:
    """Return what happened in a run's log of calls, in order."""
    return [line.phase for line in lines(engine, run_id)]


def facts(engine: ng.Engine, place: int = -1, run_id: str = "r") -> Any:
    """Return what a line of a run's log of calls says."""
    return loads(lines(engine, run_id)[place].data)


@contextmanager
def client(library: str = "httpx2", **kwargs: Any) -> Iterator[Any]:
    """Give a recording client and close it."""
    with ng.recording_client(library=library, **kwargs) as made:
        yield made


def kept_bytes(path: Path) -> bytes:
    """Return all bytes that a store keeps on the disk."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
