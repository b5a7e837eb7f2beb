"""Measure what the machine allows when there is no engine at all: the lines that engines are held against.

    L0    a Python loop (threads where branches wait)      L0a   the same with coroutines
    L1    raw sqlite3, WAL, NORMAL: each step one transaction with the whole state
    L1f   the same with FULL: an fsync each step
    L1d, L1df   the same with only what the step changed

Where a state grows or is large (W3, W5g, W7) its bytes are not encoded anew for each step, so that L1 is the cost of moving them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import driver
import measuring
import workloads
from measuring import Figures, Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from driver import Job


class Steps:
    """A table of steps and nothing else; usable as a context."""

    def __init__(self, job: Job) -> None:
        self.connection = sqlite3.connect(job.database, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(f"PRAGMA synchronous={'FULL' if job.variant.endswith('f') else 'NORMAL'}")
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS steps (step INTEGER PRIMARY KEY, run TEXT, node TEXT, state BLOB)"
        )

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def keep(self, *states: str | bytes, first: int) -> None:
        """Commit these states as the steps from ``first`` on, in one transaction."""
        rows = [(first + place, "run", "node", state) for place, state in enumerate(states)]
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO steps VALUES (?, ?, ?, ?)", rows)
        self.connection.execute("COMMIT")

    def read(self) -> Iterator[Any]:
        """Yield the kept states from the first on."""
        for (state,) in self.connection.execute("SELECT state FROM steps ORDER BY step"):
            yield json.loads(state)

    def last(self) -> Any:
        """Return the state kept last."""
        return json.loads(self.connection.execute("SELECT state FROM steps ORDER BY step DESC LIMIT 1").fetchone()[0])


def writes_change(job: Job) -> bool:
    """Return whether this line writes only what a step changed."""
    return "d" in job.variant


def sequence(job: Job) -> Figures:
    """W1: three function calls, or three awaits."""
    bodies = (workloads.count_up, workloads.shout, workloads.count_up)

    def once() -> None:
        state = workloads.small_state()
        for body in bodies:
            state.update(body(state))
        workloads.check_small(state)

    async def awaited(body: Callable[[Any], Any], state: dict[str, Any]) -> Any:
        return body(state)

    async def once_async() -> None:
        state = workloads.small_state()
        for body in bodies:
            state.update(await awaited(body, state))
        workloads.check_small(state)

    if job.variant == "L0":
        return measuring.repeated(once, batch=1000)
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        return measuring.repeated(lambda: [drive(once_async()) for _ in range(100)], batch=10) | {"loop": str(loop)[:0]}


def drive(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, without a loop's turn between its steps."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")
