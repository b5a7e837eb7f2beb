"""What being watched costs a run, and that nobody's watching costs nothing: ratios of one run, turn about.

    python tests/benchmarks/bench_observe.py [--before CHECKOUT] [--repeats 30] [--workdir FOLDER]

Four pieces of work: a loop of steps that do nothing, in memory; many runs of a few such steps; the loop on a file, without
an fsync; a node that makes one recorded call after the other, on a file. Each figure is the median, over all turns, of the ratio of two runs beside each
other, in processor time of the whole process, listeners' threads included until they have been told everything: on a busy
machine the clock says little. ``--before`` is a checkout of another commit, such as a ``git worktree``: it runs in a process of its
own beside one of this checkout, both with nobody watching; so does this one beside itself, which says what the figures are worth.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypedDict

import nbgraph as ng

HERE = Path(__file__).resolve().parents[2]
NUMBERS = count()


class State(TypedDict):
    """What the runs count."""

    n: int
    log: Annotated[list, ng.append]


# -- the runs


def service(n: int) -> dict[str, int]:
    """Stand for a service that answers at once."""
    return {"n": n}


def loop(steps: int) -> ng.Graph:
    """Return a loop of steps that do nothing."""
    graph = ng.Graph(State, name="loop")
    graph.node(name="up")(lambda state: {"n": state["n"] + 1})
    graph.edge("up", "up", when=lambda state: state["n"] < steps)
    graph.edge("up", "end", otherwise=True)
    graph.node(name="end")(lambda state: None)
    return graph


def calls(many: int) -> ng.Graph:
    """Return one node that makes recorded calls."""
    graph = ng.Graph(State, name="calls")

    @graph.node
    def ask(state: Any, ctx: Any) -> None:
        for n in range(many):
            ctx.call(service, n)

    return graph


class Work(NamedTuple):
    """What is timed: a graph, where its runs are kept, and how many of them."""

    make: Callable[[], ng.Graph]
    on_file: bool
    runs: int = 1


RUNS = {
    "10,000 steps in memory": Work(lambda: loop(10_000), on_file=False),
    "1,000 runs of 4 steps": Work(lambda: loop(3), on_file=False, runs=1_000),
    "2,000 steps on a file": Work(lambda: loop(2_000), on_file=True),
    "1,000 calls on a file": Work(lambda: calls(1_000), on_file=True),
}


# -- who watches


def nobody(folder: Path) -> dict[str, Any]:
    """Ask nobody to watch."""
    return {}


def counted(folder: Path) -> dict[str, Any]:
    """Count for Prometheus."""
    from prometheus_client import CollectorRegistry

    return {"metrics": CollectorRegistry()}


def heard(folder: Path) -> dict[str, Any]:
    """Call a plain function with each event."""
    return {"listeners": [[].append]}


def written(folder: Path) -> dict[str, Any]:
    """Write JSON lines."""
    return {"listeners": [ng.JsonLines(folder / f"{next(NUMBERS)}.jsonl")]}


def traced(folder: Path) -> dict[str, Any]:
    """Make spans, and throw them away."""
    from opentelemetry.sdk.trace import TracerProvider

    return {"listeners": [ng.tracing.Tracing(TracerProvider(shutdown_on_exit=False))]}


def logged(folder: Path) -> dict[str, Any]:
    """Log runs and their ends: the handler formats, and writes nowhere."""
    handler = logging.StreamHandler(Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - closed with the logger
    logger = logging.getLogger("nbgraph")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    return {}


WATCHERS = {"metrics": counted, "a function": heard, "JSON lines": written, "tracing": traced, "logging": logged}


def timed(run: str, folder: Path, watch: Callable[[Path], dict[str, Any]] = nobody) -> float:
    """Return the processor seconds of a run, until everybody was told."""
    work = RUNS[run]
    store = folder / f"{next(NUMBERS)}.sqlite" if work.on_file else ":memory:"
    logging.getLogger("nbgraph").setLevel(logging.WARNING)
    engine = ng.Engine(work.make(), store=store, durability="normal", quiet=True, **watch(folder))
    gc.collect()  # what the run before left is not for this one to clear away
    begun = time.process_time()
    for _ in range(work.runs):
        engine.run({"n": 0})
    if watch is not nobody and not engine.flush(60.0):
        raise AssertionError("somebody was not told everything")
    took = time.process_time() - begun
    engine.store.close()
    if work.on_file:
        for file in folder.glob("*.sqlite*"):
            file.unlink()
    return took


# -- another checkout beside this one


class Beside:
    """A process that makes runs with the code of a checkout, one for each line that it is sent."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(checkout)}
        words = [sys.executable, __file__, "--serve", str(folder)]
        self._process = subprocess.Popen(
            words, env=env, cwd=checkout, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        where = self._asked("where")
        if not where.startswith(str(checkout)):
            raise AssertionError(f"the code of {checkout} was to be run, not that of {where}")

    def _asked(self, word: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def timed(self, run: str) -> float:
        """Return the processor seconds of a run there."""
        return float(self._asked(run))

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=60)


def serve(folder: Path) -> None:
    """Make runs as they are asked for."""
    for line in sys.stdin:
        word = line.strip()
        print(ng.__file__ if word == "where" else timed(word, folder), flush=True)


# -- measuring


def ratios(one: Callable[[], float], other: Callable[[], float], repeats: int) -> tuple[float, list[float]]:
    """Return the median seconds of ``one`` and the ratios ``other`` / ``one``; who is first takes turns."""
    one(), other()  # what is imported the first time
    alone, found = [], []
    for turn in range(repeats):
        first, second = (one, other) if turn % 2 == 0 else (other, one)
        a, b = first(), second()
        alone.append(a if turn % 2 == 0 else b)
        found.append(b / a if turn % 2 == 0 else a / b)
    return statistics.median(alone), found


def told(run: str, label: str, seconds: float, found: list[float]) -> None:
    """Print the median ratio, and between which bounds half of the ratios lie."""
    low, middle, high = statistics.quantiles(found, n=4)
    print(f"{run:24} {label:24} {seconds * 1e3:7.1f} ms   x {middle:.3f}   ({low:.3f} to {high:.3f})", flush=True)


def before(checkout: Path, folder: Path, repeats: int) -> None:
    """Measure this code against another checkout's, and against itself."""
    old, new, again = Beside(checkout, folder), Beside(HERE, folder), Beside(HERE, folder)
    for run in RUNS:
        for label, one in (("off, to before", old), ("off, to itself", again)):
            told(run, label, *ratios(partial(one.timed, run), partial(new.timed, run), repeats))
    for process in (old, new, again):
        process.close()


def watched(folder: Path, repeats: int) -> None:
    """Measure each watcher against nobody."""
    for run in RUNS:
        for label, watch in WATCHERS.items():
            told(run, label, *ratios(partial(timed, run, folder), partial(timed, run, folder, watch), repeats))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, default=None, help="a checkout of the code to compare with")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--watched", type=int, default=7, help="repeats with watchers")
    parser.add_argument("--workdir", default=None, help="a folder on the disk to be measured")
    parser.add_argument("--serve", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    if given.workdir:
        Path(given.workdir).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.workdir) as name:
        if given.before:
            before(given.before.resolve(), Path(name), given.repeats)
        if given.watched:
            watched(Path(name), given.watched)


if __name__ == "__main__":
    main()
