"""Measure what recorded calls, replay and resume cost: ratios of one run, beside raw SQLite on the same disk.

Run as ``python tests/benchmarks/bench_calls.py --workdir FOLDER``; use a real disk, an fsync on tmpfs is free.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import nbgraph as ng

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 500
LAPS = 1_000
STEPS = 10_000


class State(TypedDict):
    """What the loops below count."""

    n: int
    log: Annotated[list, ng.append]


def service(n: int) -> dict[str, int]:
    """Stand for a service that answers at once."""
    return {"n": n}


async def async_service(n: int) -> dict[str, int]:
    """Do the same, as a coroutine."""
    return {"n": n}


def raw(folder: Path, number: int) -> float:
    """Return the seconds of one raw commit of a row of 200 bytes, with an fsync."""
    connection = sqlite3.connect(folder / f"raw{number}.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
    began = time.perf_counter()
    for _ in range(CALLS):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO t VALUES (NULL, ?)", ("x" * 200,))
        connection.execute("COMMIT")
    seconds = (time.perf_counter() - began) / CALLS
    connection.close()
    return seconds


def called(folder: Path, number: int) -> float:
    """Return the seconds of one recorded call, one after the other in one node."""
    graph, took = ng.Graph(State, name="calls"), []

    @graph.node
    def many(state, ctx):
        began = time.perf_counter()
        for n in range(CALLS):
            ctx.call(service, n)
        took.append((time.perf_counter() - began) / CALLS)

    ng.Engine(graph, store=folder / f"calls{number}.sqlite").run({"n": 0})
    return took[0]


def gathered(folder: Path, number: int) -> float:
    """Return the seconds of one recorded call, all at once in one async node: they share transactions."""
    graph, took = ng.Graph(State, name="gathered"), []

    @graph.node
    async def many(state, ctx):
        began = time.perf_counter()
        await asyncio.gather(*(ctx.call(async_service, n) for n in range(CALLS)))
        took.append((time.perf_counter() - began) / CALLS)

    ng.Engine(graph, store=folder / f"gathered{number}.sqlite").run({"n": 0})
    return took[0]


def looping(laps: int, *, calls: bool, last: Callable[[], None] | None = None) -> ng.Graph:
    """Return a graph that goes round so often, with a call a lap or without; ``last`` runs in the last one."""
    graph = ng.Graph(State, name="laps")

    @graph.node
    def lap(state, ctx):
        if calls:
            ctx.call(service, state["n"])
        if last is not None and state["n"] == laps - 1:
            last()
        return {"n": state["n"] + 1, "log": state["n"]}

    graph.edge("lap", "lap", when=lambda state: state["n"] < laps)
    graph.edge("lap", "end", otherwise=True)
    graph.node(lambda state: None, name="end")
    return graph


def replayed(folder: Path) -> float:
    """Return the seconds of replaying a run of 1,000 steps with a call each."""
    engine = ng.Engine(looping(LAPS, calls=True), store=folder / "replay.sqlite", durability="normal")
    engine.run({"n": 0}, run_id="r")
    began = time.perf_counter()
    if not engine.replay("r").ok:
        raise AssertionError("the replay differs")
    return time.perf_counter() - began


def broken() -> None:
    """Fail, as the last lap of the run to be resumed does."""
    raise RuntimeError("meant")


def failed(file: Path) -> None:
    """Leave a run that failed behind 10,000 steps."""
    engine = ng.Engine(looping(STEPS, calls=True, last=broken), store=file, durability="normal")
    try:
        engine.run({"n": 0}, run_id="r")
    except ng.NodeError:
        return
    raise AssertionError("it did not fail")


def resumed(file: Path) -> float:
    """Return the seconds of opening the file and finishing that run, in a process that did not make it."""
    began = time.perf_counter()
    engine = ng.Engine(looping(STEPS, calls=True), store=file)
    if len(engine.resume("r").state["log"]) != STEPS:
        raise AssertionError("steps are missing")
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workdir", default=None, help="a folder on the disk to be measured")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--resume", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.resume:
        print(resumed(Path(options.resume)))
        return
    if options.workdir:
        Path(options.workdir).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.workdir) as folder:
        measure(Path(folder), options.repeats)


def measure(folder: Path, repeats: int) -> None:
    """Measure everything in ``folder``, calls interleaved with raw commits."""
    rounds = [(raw(folder, n), called(folder, n), gathered(folder, n)) for n in range(repeats)]
    base, one, beside = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"raw commit, an fsync each       {base * 1e6:8.0f} us")
    print(f"recorded call, one by one       {one * 1e6:8.0f} us  {one / base:.2f} x raw")
    print(f"recorded call, {CALLS} at once      {beside * 1e6:8.0f} us  {beside / base:.2f} x raw")
    print(f"replay of {LAPS:,} steps and calls  {replayed(folder) * 1e3:8.0f} ms")
    failed(folder / "failed.sqlite")
    command = [sys.executable, __file__, "--resume", str(folder / "failed.sqlite")]
    seconds = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(f"resume behind {STEPS:,} steps       {seconds * 1e3:8.0f} ms, in a fresh process")


if __name__ == "__main__":
    main()
