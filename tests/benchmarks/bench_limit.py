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
    from collections.abc import Callable, Iterator

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

    async def thousand() -> None:
        for _ in range(1000):
            state = workloads.small_state()
            for body in bodies:
                state.update(await awaited(body, state))
            workloads.check_small(state)

    if job.variant == "L0":
        return measuring.repeated(once, batch=1000)
    with asyncio.Runner() as runner:
        return measuring.repeated(lambda: runner.run(thousand()), batch=1, each=1000)


def counting(job: Job) -> Figures:
    """W2: a loop, bare or with a row for each step."""
    if job.variant == "L0":
        return plain_loop(job)
    if job.variant == "L0a":
        return asyncio.run(awaiting_loop(job))
    with Steps(job) as steps:
        job.ticks.start()
        with Meter() as meter:
            keep_counted(job, steps)
        figures = job.ticks.figures(meter) | {"bytes_before_close": measuring.file_bytes(job.database)}
    return measuring.file_figures(figures, job.database)


def plain_loop(job: Job) -> Figures:
    """Count with function calls."""
    job.ticks.start()
    with Meter() as meter:
        counter = 0
        while not job.ticks.over(counter):
            job.ticks.tick()
            counter = workloads.counted(counter + 1)["counter"]
    return job.ticks.figures(meter)


async def awaiting_loop(job: Job) -> Figures:
    """Count with awaits."""

    async def step(counter: int) -> int:
        job.ticks.tick()
        return workloads.counted(counter + 1)["counter"]

    job.ticks.start()
    with Meter() as meter:
        counter = 0
        while not job.ticks.over(counter):
            counter = await step(counter)
    return job.ticks.figures(meter)


def keep_counted(job: Job, steps: Steps) -> None:
    """Do the steps of W2, each kept."""
    counter = 0
    while not job.ticks.over(counter):
        job.ticks.tick()
        state = workloads.counted(counter + 1)
        counter = state["counter"]
        steps.keep(json.dumps(state), first=counter)


def keep_messages(job: Job, steps: Steps) -> None:
    """Do the steps of W3, each kept: the whole list so far, or the new message."""
    so_far = bytearray(b'{"messages":[')
    number = 0
    while not job.ticks.over(number):
        job.ticks.tick()
        encoded = json.dumps(workloads.message(number)).encode()
        number += 1
        if writes_change(job):
            steps.keep(b'{"messages":[' + encoded + b"]}", first=number)
        else:
            so_far += encoded if number == 1 else b"," + encoded
            steps.keep(bytes(so_far) + b"]}", first=number)


def growing(job: Job) -> Figures:
    """W3: a row for each step, holding the whole list or the new message."""
    with Steps(job) as steps:
        job.ticks.start()
        with Meter() as meter:
            keep_messages(job, steps)
        figures = job.ticks.figures(meter) | {"bytes_before_close": measuring.file_bytes(job.database)}
    return measuring.file_figures(figures, job.database)


def beside(job: Job) -> Figures:
    """W7: a row for each step, holding the large state with the counter or the counter alone."""
    large = json.dumps(workloads.payload(job.megabytes)).encode()
    with Steps(job) as steps:
        steps.keep(large, first=0)
        job.ticks.start()
        with Meter() as meter:
            counter = 0
            while not job.ticks.over(counter):
                job.ticks.tick()
                counter += 1
                state = b'{"counter":%d' % counter
                steps.keep(state + b"}" if writes_change(job) else state + b',"big":' + large + b"}", first=counter)
        figures = job.ticks.figures(meter, window=10)
    return measuring.file_figures(figures, job.database)


def fan_out(job: Job) -> Figures:
    """W4: collect the branches; with a file, a transaction for each and one for the join."""
    count = job.branches
    if job.variant == "L0":
        with Meter() as meter:
            merged = list(range(count))
        return measuring.fan_figures(meter, count, merged)
    if job.variant == "L0a":
        return gathered(job, lambda _: 0.0)
    with Steps(job) as steps:
        with Meter() as meter:
            for branch in range(count):
                steps.keep(json.dumps({"out": [branch]}), first=branch + 1)
            steps.keep(json.dumps({"out": list(range(count))}), first=count + 1)
        figures = measuring.fan_figures(meter, count, range(count))
        with Meter() as meter:
            rows = [json.dumps({"out": [branch]}) for branch in range(count)]
            steps.keep(*rows, json.dumps({"out": list(range(count))}), first=count + 2)
        figures["one_txn_ms"] = meter.wall * 1e3
    return measuring.file_figures(figures, job.database)


def gathered(job: Job, work: Callable[[int], float], steps: Steps | None = None, limit: int = 0) -> Figures:
    """Run the branches as coroutines, at most ``limit`` at a time (0: all), each kept if there are ``steps``."""

    async def branch(number: int, places: asyncio.Semaphore) -> int:
        async with places:
            if seconds := work(number):
                await asyncio.sleep(seconds)
            if steps:
                steps.keep(json.dumps({"out": [number]}), first=number + 1)
            return number

    async def everything() -> list[int]:
        places = asyncio.Semaphore(limit or job.branches)
        return await asyncio.gather(*(branch(number, places) for number in range(job.branches)))

    with Meter() as meter:
        merged = asyncio.run(everything())
    return measuring.fan_figures(meter, job.branches, merged)


def threaded(job: Job, work: Callable[[int], float], limit: int) -> Figures:
    """Run the branches in ``limit`` threads."""

    def branch(number: int) -> int:
        time.sleep(work(number))
        return number

    with Meter() as meter, ThreadPoolExecutor(limit) as pool:
        merged = list(pool.map(branch, range(job.branches)))
    return measuring.fan_figures(meter, job.branches, merged)


def slow_branches(job: Job) -> Figures:
    """W4b: branches that take 10 ms, with a limit."""

    def work(_branch: int) -> float:
        return workloads.BRANCH_SECONDS

    if job.variant == "L0":
        figures = threaded(job, work, workloads.BRANCH_LIMIT)
    elif job.variant == "L0a":
        figures = gathered(job, work, limit=workloads.BRANCH_LIMIT)
    else:
        with Steps(job) as steps:
            figures = gathered(job, work, steps, workloads.BRANCH_LIMIT)
    ideal = workloads.ideal_ms(job.branches)
    return figures | {"ideal_ms": ideal, "over_ideal": figures["total_ms"] / ideal}


def merge_orders(job: Job) -> Figures:
    """W4d: collecting in the branches' order is what both lines do."""
    ordered = []
    for run in range(workloads.ORDER_RUNS):
        figures = (
            threaded(job, lambda i, run=run: workloads.delay(i, run), job.branches)
            if job.variant == "L0"
            else gathered(job, lambda i, run=run: workloads.delay(i, run))
        )
        ordered.append(tuple(range(job.branches)) if figures["ordered"] else (run,))
    return measuring.order_figures(ordered)


def crash(job: Job) -> Figures:
    """Phase of W5: do the steps and end, hard."""
    with Steps(job) as steps:
        job.ticks.start()
        (keep_messages if job.grows else keep_counted)(job, steps)
        os._exit(driver.PLANNED_EXIT)


def reopen(job: Job) -> Figures:
    """W5: open what a dead process left; latest state, whole history, one more step."""
    driver.in_child(__file__, job, "prep")
    with Meter() as opening:
        steps = Steps(job)
        latest = {"messages": [m for s in steps.read() for m in s["messages"]]} if writes_change(job) else steps.last()
    with Meter() as reading:
        count = len(history(steps, adds_up=writes_change(job)))
    if count != job.steps:
        raise AssertionError(count)
    with Meter() as resuming:
        change = {"messages": [workloads.message(count)]} if writes_change(job) else latest
        steps.keep(json.dumps(change), first=count + 1)
    steps.connection.close()
    figures = {
        "steps": count,
        "latest_ms": opening.wall * 1e3,
        "history_ms": reading.wall * 1e3,
        "history_items": count,
        "resume_step_ms": resuming.wall * 1e3,
    }
    return measuring.file_figures(figures, job.database)


def history(steps: Steps, *, adds_up: bool) -> list[int]:
    """Build the state at each step, one after the other; return their sizes."""
    sizes, messages = [], []
    for state in steps.read():
        if adds_up:
            messages = messages + state["messages"]  # noqa: PLR6104 - a list for each step: they are states, not one list
            sizes.append(len(messages))
        else:
            sizes.append(len(state))
    return sizes


BARE = ("W1", "W2", "W4", "W4b", "W4d")
WHOLE = ("W2", "W3", "W4", "W4b", "W5", "W5g", "W7")
CHANGE = ("W3", "W5g", "W7")

LIMIT = driver.Driver(
    peer="limit",
    imports="import sqlite3, json",
    script=__file__,
    variants={
        "L0": driver.Variant("none", BARE, "a Python loop; threads where branches wait"),
        "L0a": driver.Variant("none", BARE, "coroutines"),
        "L1": driver.Variant("process", WHOLE, "raw sqlite3, WAL/NORMAL, whole state each step"),
        "L1f": driver.Variant("power", WHOLE, "raw sqlite3, WAL/FULL, whole state each step"),
        "L1d": driver.Variant("process", CHANGE, "raw sqlite3, WAL/NORMAL, the change of each step"),
        "L1df": driver.Variant("power", CHANGE, "raw sqlite3, WAL/FULL, the change of each step"),
    },
    functions={
        "W1": sequence,
        "W2": counting,
        "W3": growing,
        "W4": fan_out,
        "W4b": slow_branches,
        "W4d": merge_orders,
        "W5": reopen,
        "W5g": reopen,
        "W5_prep": crash,
        "W5g_prep": crash,
        "W7": beside,
    },
)

if __name__ == "__main__":
    driver.main(LIMIT)
