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
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import driver
import measuring
import workloads
from measuring import Figures, Meter
from raw import Steps, history, keep_counted, keep_messages, writes_change

if TYPE_CHECKING:
    from collections.abc import Callable

    from driver import Job


def sequence(job: Job) -> Figures:
    """W1: three function calls, or three awaits."""
    bodies = (workloads.count_up, workloads.shout, workloads.count_up)

    def once() -> dict[str, Any]:
        state = workloads.small_state()
        for body in bodies:
            state.update(body(state))
        return state

    async def awaited(body: Callable[[Any], Any], state: dict[str, Any]) -> Any:
        return body(state)

    async def thousand() -> None:
        for _ in range(1000):
            state = workloads.small_state()
            for body in bodies:
                state.update(await awaited(body, state))

    workloads.check_small(once())
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
        steps.keep(0, large)
        job.ticks.start()
        with Meter() as meter:
            counter = 0
            while not job.ticks.over(counter):
                job.ticks.tick()
                counter += 1
                state = b'{"counter":%d' % counter
                steps.keep(counter, state + b"}" if writes_change(job) else state + b',"big":' + large + b"}")
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
                steps.keep(branch + 1, json.dumps({"out": [branch]}))
            steps.keep(count + 1, json.dumps({"out": list(range(count))}))
        figures = measuring.fan_figures(meter, count, range(count))
        with Meter() as meter:
            rows = [json.dumps({"out": [branch]}) for branch in range(count)]
            steps.keep_all(count + 2, [*rows, json.dumps({"out": list(range(count))})])
        figures["one_txn_ms"] = meter.wall * 1e3
    return measuring.file_figures(figures, job.database)


def gathered(job: Job, work: Callable[[int], float], steps: Steps | None = None, limit: int = 0) -> Figures:
    """Run the branches as coroutines, at most ``limit`` at a time (0: all), each kept if there are ``steps``."""

    async def branch(number: int, places: asyncio.Semaphore) -> int:
        async with places:
            if seconds := work(number):
                await asyncio.sleep(seconds)
            if steps:
                steps.keep(number + 1, json.dumps({"out": [number]}))
            return number

    async def everything() -> Figures:
        with Meter() as meter:
            places = asyncio.Semaphore(limit or job.branches)
            merged = await asyncio.gather(*(branch(number, places) for number in range(job.branches)))
        return measuring.fan_figures(meter, job.branches, merged)

    return asyncio.run(everything())


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
        steps.keep(count + 1, json.dumps(change))
    steps.connection.close()
    figures = {
        "steps": count,
        "latest_ms": opening.wall * 1e3,
        "history_ms": reading.wall * 1e3,
        "history_items": count,
        "resume_step_ms": resuming.wall * 1e3,
    }
    return measuring.file_figures(figures, job.database)


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
