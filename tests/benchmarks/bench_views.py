"""What watching costs the run that is watched: the same run with and without views, turn about, in one process.

    python tests/benchmarks/bench_views.py [--steps 10000] [--repeats 9]

Three runs: a loop of steps that do nothing, as fast as the engine goes (the worst case), one of about 10,000 steps a
second, and one whose steps work for a millisecond. Each figure is the median, over all turns, of the ratio of a watched run to the run beside it, in processor
time of the whole process, the views' threads included: on a busy machine the clock says little. Each view is told that
a page shows it. Messages are made into the bytes that a kernel would send, and go nowhere.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import comm
from comm.base_comm import BaseComm

import nbgraph as ng
from nbgraph.views.widgets.costs import CostsView
from nbgraph.views.widgets.doors import dashboard, run_view
from nbgraph.views.widgets.inspector import InspectorView
from nbgraph.views.widgets.timeline import TimelineView

VIEWS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("nobody", lambda _: None),
    ("graph view", run_view),
    ("timeline", TimelineView),
    ("inspector", InspectorView),
    ("costs", CostsView),
    ("dashboard", dashboard),
)

SENT: list[int] = []


class Nowhere(BaseComm):
    """A comm that does what a kernel's does before the socket."""

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        """Make the bytes, and count them."""
        SENT.append(len(json.dumps(data or {})) + sum(len(bytes(buffer)) for buffer in buffers or ()))


def loop(steps: int, work: float) -> ng.Engine:
    """Return an engine for a loop of steps that each work for so many seconds."""

    def up(state: Any) -> Any:
        end = time.perf_counter() + work
        while work and time.perf_counter() < end:
            pass
        return {"n": state["n"] + 1}

    graph = ng.Graph({"n": int}, name="loop")
    graph.node(name="up")(up)
    graph.edge("up", "up", when=lambda state: state["n"] < steps)
    graph.node(name="out")(lambda state: None)
    graph.edge("up", "out", otherwise=True)
    return ng.Engine(graph, max_steps=steps + 10)


def shown(view: Any) -> Any:
    """Say for a page that it shows a view, and all views inside of it; return the view."""
    for one in getattr(view, "children", None) or (view,):
        if hasattr(one, "view_id"):
            for kind in ("shown", "hello"):
                one.channel._handle_custom_msg({"to": one.view_id, "kind": kind}, [])
    return view


def timed(steps: int, work: float, watch: Callable[[Any], Any] | None) -> tuple[float, int]:
    """Return what one run took, watched or not, in processor seconds, and how many messages were sent meanwhile."""
    run = loop(steps, work).start({"n": 0}, run_id="r", before="up")
    run.wait()
    view = None if watch is None else shown(watch(run))
    time.sleep(0.3)  # the view has settled
    gc.collect()  # what the run before this one left is not for this one to clear away
    SENT.clear()
    begun = time.process_time()
    run.resume().wait()
    took, messages = time.process_time() - begun, len(SENT)
    if view is not None:
        view.close()  # which sends a few more: each widget says goodbye
    return took, messages


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    comm.create_comm = Nowhere
    works = (
        ("no work", given.steps, 0.0),
        ("75 µs of work", given.steps, 75e-6),
        ("1 ms of work", given.steps // 10, 1e-3),
    )
    for name, steps, work in works:
        timed(steps // 10, work, dashboard)  # what is imported and drawn the first time
        for label, watch in VIEWS:
            ratios, messages, alone = [], [], []
            for _ in range(given.repeats):
                alone.append(timed(steps, work, None)[0])
                watched, sent = timed(steps, work, watch)
                ratios.append(watched / alone[-1])
                messages.append(sent)
            cost = (statistics.median(ratios) - 1) * 100
            print(
                f"{label:10} {steps} steps, {name:13}: {statistics.median(alone):.2f} s alone, {cost:+.1f} % watched, "
                f"{max(messages)} messages"
            )


if __name__ == "__main__":
    main()
