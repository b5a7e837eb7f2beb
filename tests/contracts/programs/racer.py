"""A process that tries to drive a paused run whenever it is told to, beside another one that does the same.

A program: reads run ids; says "drives", or "busy" with whom the error names. A driver holds on until it
reads a line more, so that the other one must find it there.
"""

from __future__ import annotations

import sys
from typing import TypedDict

import nbgraph as ng
from tests.contracts.programs import saboteurs


class State(TypedDict):
    """What a race counts."""

    count: int


def build(hold: bool = True) -> ng.Graph:
    """Return a graph of two nodes; the second waits for a line."""
    graph = ng.Graph(State, name="race")

    @graph.node
    def ready(state):
        return {"count": 1}

    @graph.node(after="ready")
    def drive(state):
        if hold:
            print("drives", flush=True)
            sys.stdin.readline()
        return {"count": state["count"] + 1}

    return graph


def main(store: str, saboteur: str) -> None:
    """Try to drive every run that is named."""
    getattr(saboteurs, saboteur)()
    engine = ng.Engine(build(), store=store, durability="normal")
    print("ready", flush=True)
    for line in iter(sys.stdin.readline, ""):
        try:
            print("completed", engine.resume(line.strip()).state["count"], flush=True)
        except ng.RunBusyError as error:
            print("busy", error.run_id, error.holder, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
