"""Measure nbgraph: its public API only, set up as a user would.

Variants: in memory; ``durability="normal"``; ``durability="full"``. With ``-aio`` the nodes are coroutines.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import driver
import graphs
import measuring
import nbgraph as ng
import workloads
from measuring import Figures, Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driver import Job

RUN = "run"


@contextmanager
def opened(job: Job, graph: ng.Graph, **options: Any) -> Iterator[ng.Engine]:
    """Yield an engine as the variant sets it up, and close it."""
    kind = job.variant.removesuffix("-aio")
    if kind == "mem":
        engine = ng.Engine(graph, store=":memory:", **options)
    else:
        engine = ng.Engine(graph, store=str(job.database), durability=kind, **options)
    try:
        yield engine
    finally:
        engine.close()


def sequence(job: Job) -> Figures:
    """W1: a short workflow in memory, again and again."""
    with opened(job, graphs.sequence(job)) as engine:
        workloads.check_small(engine.run(workloads.small_state()).state)
        return measuring.repeated(lambda: engine.run(workloads.small_state()))


def looped(job: Job, graph: ng.Graph, state: dict[str, Any], size: Callable[[Any], int], **window: int) -> Figures:
    """Run a loop once and return its figures."""
    with opened(job, graph, max_steps=job.steps + 10) as engine:
        job.ticks.start()
        with Meter() as meter:
            run = engine.run(state, run_id=RUN)
        figures = job.ticks.figures(meter, **window)
        if size(run.state) != len(job.ticks.times):
            raise AssertionError((size(run.state), len(job.ticks.times)))
        figures["bytes_before_close"] = measuring.file_bytes(job.database)
    return measuring.file_figures(figures, job.database)


def counting(job: Job) -> Figures:
    """W2: a durable loop."""
    return looped(
        job,
        graphs.loop(job, graphs.Counted, graphs.count_on, graphs.counter_of),
        workloads.counted(0),
        graphs.counter_of,
    )


def growing(job: Job) -> Figures:
    """W3: a durable loop over a growing list."""
    return looped(
        job,
        graphs.loop(job, graphs.Growing, graphs.add_message, graphs.messages_in),
        {"messages": []},
        graphs.messages_in,
    )


def beside(job: Job) -> Figures:
    """W7: a durable loop beside a large state."""
    state = {"counter": 0, "big": workloads.payload(job.megabytes)}
    return looped(
        job, graphs.loop(job, graphs.Beside, graphs.bump, graphs.counter_of), state, graphs.counter_of, window=10
    )


def fanned(job: Job, work: Callable[[int], float], run_id: str = RUN, **options: Any) -> tuple[Meter, list[int]]:
    """Run a fan-out once; return what it took and the branches in the order they were merged."""
    with opened(job, graphs.fan(job, work), max_steps=job.branches + 10, **options) as engine:
        with Meter() as meter:
            run = engine.run({"out": [], "total": 0}, run_id=run_id)
        if run.state["total"] != job.branches:
            raise AssertionError(run.state["total"])
        return meter, run.state["out"]


def no_work(_branch: int) -> float:
    """A branch of W4 takes no time of its own."""
    return 0.0


def fan_out(job: Job) -> Figures:
    """W4: many trivial branches."""
    meter, merged = fanned(job, no_work)
    return measuring.file_figures(measuring.fan_figures(meter, job.branches, merged), job.database)


def slow_branches(job: Job) -> Figures:
    """W4b: branches that take 10 ms, with a limit."""
    meter, merged = fanned(job, lambda _: workloads.BRANCH_SECONDS, max_concurrent=workloads.BRANCH_LIMIT)
    ideal = workloads.ideal_ms(job.branches)
    figures = measuring.fan_figures(meter, job.branches, merged)
    return figures | {"ideal_ms": ideal, "over_ideal": figures["total_ms"] / ideal}


def merge_orders(job: Job) -> Figures:
    """W4d: the merge order, whichever branch finishes first."""
    orders = []
    for run in range(workloads.ORDER_RUNS):
        _, merged = fanned(job, lambda i, run=run: workloads.delay(i, run), f"r{run}", max_concurrent=job.branches)
        orders.append(tuple(merged))
    return measuring.order_figures(orders)


def crash(job: Job) -> Figures:
    """Phase of W5: run until death. Returns only if that failed."""
    with opened(job, graphs.crash_graph(job, dies=True), max_steps=job.steps + 10) as engine:
        job.ticks.start()
        engine.run({"messages": []} if job.grows else workloads.counted(0), run_id=RUN)
    raise AssertionError("the process should have ended")


def reopen(job: Job) -> Figures:
    """W5: open what a dead process left; latest state, whole history, one more step."""
    driver.in_child(__file__, job, "prep")
    measuring.fold_log(job.database)
    size = graphs.messages_in if job.grows else graphs.counter_of
    job.ticks.start()
    with Meter() as opening:
        engine = ng.Engine(
            graphs.crash_graph(job, dies=False),
            store=str(job.database),
            durability=job.variant,
            max_steps=job.steps + 10,
        )
        run = engine.open(RUN)
        found = size(run.state)
    with Meter() as reading:
        sizes = [size(view.state) for view in run.history()]
    job.ticks.steps = found + 1
    with Meter() as resuming:
        after = size(engine.resume(RUN).state)
    engine.close()
    if after != found + 1 or sizes[-1] != found:
        raise AssertionError((found, after, sizes[-3:]))
    figures = {
        "steps": job.steps,
        "steps_found": found,
        "steps_lost": job.steps - found,
        "latest_ms": opening.wall * 1e3,
        "history_ms": reading.wall * 1e3,
        "history_items": len(sizes),
        "resume_step_ms": resuming.wall * 1e3,
    }
    return measuring.file_figures(figures, job.database)


LOOPS = ("W1", "W2", "W3", "W4", "W4b", "W4d", "W7")
DURABLE = ("W2", "W3", "W4", "W4b", "W4d", "W5", "W5g", "W7")
COROUTINES = ("W2", "W4", "W4b", "W4d")

NBGRAPH = driver.Driver(
    peer="nbgraph",
    packages=("nbgraph",),
    imports="import nbgraph",
    script=__file__,
    variants={
        "mem": driver.Variant("none", LOOPS, "in memory"),
        "normal": driver.Variant("process", DURABLE, "one transaction a step or group, no fsync"),
        "full": driver.Variant("power", DURABLE, "one fsync a step or group"),
        "mem-aio": driver.Variant("none", ("W1", *COROUTINES), "in memory, async nodes"),
        "normal-aio": driver.Variant("process", COROUTINES, "as normal, async nodes"),
        "full-aio": driver.Variant("power", COROUTINES, "as full, async nodes"),
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
    driver.main(NBGRAPH)
