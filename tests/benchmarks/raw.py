"""Steps kept with nothing but sqlite3: what the limit lines of the measurement write and read.

Owns one table and the loops that fill it. Knows no engine.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Self

import workloads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from driver import Job

INSERT = "INSERT INTO steps VALUES (?, ?, ?, ?)"


class Steps:
    """A table of steps and nothing else; usable as a context."""

    def __init__(self, job: Job) -> None:
        self.connection = sqlite3.connect(job.database, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(f"PRAGMA synchronous={'FULL' if job.variant.endswith('f') else 'NORMAL'}")
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS steps (step INTEGER PRIMARY KEY, run TEXT, node TEXT, state BLOB)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def keep(self, step: int, state: str | bytes) -> None:
        """Commit one step."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute(INSERT, (step, "run", "node", state))
        self.connection.execute("COMMIT")

    def keep_all(self, first: int, states: Sequence[str]) -> None:
        """Commit these states as the steps from ``first`` on, in one transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(INSERT, [(step, "run", "node", state) for step, state in enumerate(states, first)])
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


def keep_counted(job: Job, steps: Steps) -> None:
    """Do the steps of W2, each kept."""
    counter = 0
    while not job.ticks.over(counter):
        job.ticks.tick()
        state = workloads.counted(counter + 1)
        counter = state["counter"]
        steps.keep(counter, json.dumps(state))


def keep_messages(job: Job, steps: Steps) -> None:
    """Do the steps of W3, each kept: the whole list so far, or the new message."""
    so_far = bytearray(b'{"messages":[')
    number = 0
    while not job.ticks.over(number):
        job.ticks.tick()
        encoded = json.dumps(workloads.message(number)).encode()
        number += 1
        if writes_change(job):
            steps.keep(number, b'{"messages":[' + encoded + b"]}")
        else:
            so_far += encoded if number == 1 else b"," + encoded
            steps.keep(number, bytes(so_far) + b"]}")


def history(steps: Steps, *, adds_up: bool) -> list[int]:
    """Build the state at each step, one after the other; return their sizes."""
    sizes, messages = [], []
    for state in steps.read():
        if adds_up:
            messages = messages + state["messages"]  # a new list for each step: these are states
            sizes.append(len(messages))
        else:
            sizes.append(len(state))
    return sizes
