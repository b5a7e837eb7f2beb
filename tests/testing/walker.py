"""A process that drives one run in a store that ends it at a chosen moment.

Every body that begins and every call that is made is one line in the witness, on the disk.
"""

from __future__ import annotations

import os
from typing import Annotated, TypedDict

import nbgraph as ng
from nbgraph.testing import CrashingStore


class State(TypedDict):
    """What a walk gathers."""

    lines: Annotated[list[str], ng.append]
    total: Annotated[int, ng.add]


def build(witness: str, *, calls: bool = False) -> ng.Graph:
    """Return start -> left, right -> end; each node may make a call."""
    graph = ng.Graph(State, name="walk")

    def note(*words: str) -> int:
        handle = os.open(witness, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(handle, (" ".join(words) + "\n").encode())
        os.fsync(handle)
        os.close(handle)
        return len(words[-1])

    def walks(name: str):
        def node(state, ctx):
            note("body", name)
            number = ctx.call(note, "call", name) if calls else len(name)
            return {"lines": name, "total": number}

        return node

    for name, after in (("start", None), ("left", "start"), ("right", "start"), ("end", ["left", "right"])):
        graph.node(name=name, after=after)(walks(name))
    return graph


def main(path: str, witness: str, point: str, occurrence: str, how: str) -> None:
    """Begin the run and come to the moment."""
    store = CrashingStore(ng.SqliteStore(path), point, int(occurrence), how=how)
    calls = point.endswith("record")
    ng.Engine(build(witness, calls=calls), store=store, max_concurrent=1).run({}, run_id="r")
