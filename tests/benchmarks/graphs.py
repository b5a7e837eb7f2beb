"""The workloads as nbgraph graphs, defined as a user would define them.

Owns states, nodes and edges. Knows nothing of engines, files and figures.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import driver
import nbgraph as ng
import workloads

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Job


class Small(TypedDict):
    """The state of W1."""

    user: str
    count: int
    text: str


class Counted(TypedDict):
    """The state of W2 and W5."""

    counter: int
    label: str


class Growing(TypedDict):
    """The state of W3 and W5g."""

    messages: Annotated[list[str], ng.append]


class Fan(TypedDict):
    """The state of W4."""

    out: Annotated[list[int], ng.append]
    total: int


class Beside(TypedDict):
    """The state of W7."""

    counter: int
    big: list[str]


def is_async(job: Job) -> bool:
    """Return whether the nodes of this variant are coroutines."""
    return job.variant.endswith("-aio")


def as_node(job: Job, body: Callable[[Any], Any], name: str) -> Callable[..., Any]:
    """Return ``body`` as a node function of that name, sync or async as the variant wants it."""

    async def coroutine(state):
        return body(state)

    def function(state):
        return body(state)

    node = coroutine if is_async(job) else function
    node.__name__ = name
    return node


def sequence(job: Job) -> ng.Graph:
    """Return the three nodes of W1."""
    graph = ng.Graph(Small, name="sequence")
    graph.node(as_node(job, workloads.count_up, "start"))
    graph.node(after="start")(as_node(job, workloads.shout, "process"))
    graph.node(after="process")(as_node(job, workloads.count_up, "finish"))
    return graph


def loop(job: Job, schema: type, step: Callable[[Any], dict[str, Any]], size: Callable[[Any], int]) -> ng.Graph:
    """Return a graph of two nodes that alternate, each doing ``step``, until ``size(state)`` steps are done."""
    graph = ng.Graph(schema, name="loop")

    def body(state):
        job.ticks.tick()
        update = step(state)
        return ng.Result(update=update, route=ng.Stop()) if job.ticks.over(size(state) + 1) else update

    for name in "ab":
        graph.node(as_node(job, body, name))
    # A predicate on each way, as the other engines' drivers have; the end itself costs no step of its own.
    graph.edge("a", "b", when=lambda state: size(state) >= 0)
    graph.edge("b", "a", when=lambda state: size(state) >= 0)
    graph.start("a")
    return graph


def counter_of(state: Any) -> int:
    """Return how many steps a counted state has seen."""
    return state["counter"]


def messages_in(state: Any) -> int:
    """Return how many steps a growing state has seen."""
    return len(state["messages"])


def count_on(state: Any) -> dict[str, Any]:
    """A step of W2."""
    return workloads.counted(state["counter"] + 1)


def add_message(state: Any) -> dict[str, Any]:
    """A step of W3."""
    return {"messages": workloads.message(len(state["messages"]))}


def bump(state: Any) -> dict[str, Any]:
    """A step of W7."""
    return {"counter": state["counter"] + 1}


def fan(job: Job, work: Callable[[int], float]) -> ng.Graph:
    """Return a graph of one task for each branch, each taking ``work(branch)`` seconds, and a join."""
    graph = ng.Graph(Fan, name="fan")
    count = job.branches

    @graph.node(sends="branch")
    def start(_state):
        return [ng.Send("branch", i=branch) for branch in range(count)]

    async def waiting(state):
        if seconds := work(state["i"]):
            await asyncio.sleep(seconds)
        return {"out": state["i"]}

    def blocking(state):
        if seconds := work(state["i"]):
            time.sleep(seconds)
        return {"out": state["i"]}

    branch = waiting if is_async(job) else blocking
    branch.__name__ = "branch"
    graph.node(branch)

    @graph.node(after="branch")
    def join(state):
        return {"total": len(state["out"])}

    return graph


def crash_graph(job: Job, *, dies: bool) -> ng.Graph:
    """Return the loop of W5 or W5g; ``dies``: the process ends, hard, at the start of the step after the last."""
    schema, step, size = (Growing, add_message, messages_in) if job.grows else (Counted, count_on, counter_of)

    def or_die(state):
        if dies and size(state) >= job.steps:
            os._exit(driver.PLANNED_EXIT)
        return step(state)

    if dies:
        job.ticks.steps += 10  # past the step at which the process dies
    return loop(job, schema, or_die, size)
