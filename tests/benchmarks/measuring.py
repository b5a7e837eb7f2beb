"""Take the times, sizes and rates of one measurement, under the names that all drivers share.

Owns clocks, ``/proc`` and the arithmetic from ticks to figures. Knows no engine. Times are in the unit that a figure's name ends in.
"""

from __future__ import annotations

import resource
import sqlite3
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

Figures = dict[str, Any]


def cpu_seconds() -> float:
    """Return the processor time of this process so far, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def written_bytes() -> int:
    """Return the bytes that this process has handed to write(); 0 where the system does not count them."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("wchar:")), 0)


def peak_megabytes() -> float:
    """Return the largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Meter:
    """Wall seconds, processor seconds and bytes written between entering and leaving."""

    def __enter__(self) -> Self:
        self._written, self._cpu, self._wall = written_bytes(), cpu_seconds(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = cpu_seconds() - self._cpu
        self.written = written_bytes() - self._written


class Ticks:
    """When each step of a loop began, and whether it is time to stop."""

    def __init__(self, steps: int, time_limit: float) -> None:
        self.steps, self.time_limit = steps, time_limit
        self.times: list[int] = []
        self._deadline = float("inf")

    def start(self) -> None:
        """Begin: the time limit counts from here."""
        self.times.clear()
        self._deadline = time.perf_counter() + self.time_limit

    def tick(self) -> None:
        """Note that a step begins. Every node calls it once."""
        self.times.append(time.perf_counter_ns())

    def over(self, done: int) -> bool:
        """Return whether ``done`` steps are enough, or the time is up."""
        return done >= self.steps or time.perf_counter() > self._deadline

    def figures(self, meter: Meter, *, window: int = 100) -> Figures:
        """Return the figures of a loop; ``window`` steps at its beginning are compared with as many at its end."""
        count = len(self.times)
        rates = {
            "steps": count,
            "capped": count < self.steps,
            "total_s": meter.wall,
            "steps_per_s": count / meter.wall,
            "us_per_step": meter.wall / count * 1e6,
            "cpu_us_per_step": meter.cpu / count * 1e6,
            "write_bytes_per_step": meter.written / count,
        }
        return rates | gaps(self.times) | drift(self.times, window)


def gaps(times: list[int]) -> Figures:
    """Return how the pauses from step to step are spread, in microseconds."""
    if len(times) < 3:
        return {}
    pauses = sorted((after - before) / 1e3 for before, after in pairwise(times))
    return {
        "step_us_p50": pauses[len(pauses) // 2],
        "step_us_p99": pauses[int(len(pauses) * 0.99)],
        "step_us_max": pauses[-1],
    }


def drift(times: list[int], window: int) -> Figures:
    """Return milliseconds a step at the beginning and at the end, and their ratio."""
    window = min(window, (len(times) - 1) // 2)
    if window < 1:
        return {}
    first = (times[window] - times[0]) / 1e6 / window
    last = (times[-1] - times[-1 - window]) / 1e6 / window
    return {"window": window, "first_ms": first, "last_ms": last, "last_over_first": last / first}


def fan_figures(meter: Meter, branches: int, merged: Any) -> Figures:
    """Return the figures of a fan-out whose branches were merged into ``merged``."""
    return {
        "n": branches,
        "total_ms": meter.wall * 1e3,
        "cpu_ms": meter.cpu * 1e3,
        "us_per_branch": meter.wall / branches * 1e6,
        "ordered": list(merged) == list(range(branches)),
    }


def order_figures(orders: list[tuple[int, ...]]) -> Figures:
    """Return how many merge orders were seen over several runs, and whether it was always the branches' own."""
    natural = tuple(range(len(orders[0])))
    return {
        "n": len(natural),
        "runs": len(orders),
        "distinct_orders": len(set(orders)),
        "input_order": set(orders) == {natural},
    }


def repeated(once: Callable[[], Any], *, batch: int = 50, each: int = 1, seconds: float = 1.5) -> Figures:
    """Return the figures of a workflow of three steps that runs again and again; the median batch counts.

    ``each``: how many workflows one call of ``once`` runs.
    """
    for _ in range(batch):
        once()
    times = []
    with Meter() as meter:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            begin = time.perf_counter()
            for _ in range(batch):
                once()
            times.append((time.perf_counter() - begin) / batch / each)
    return workflow_figures(statistics.median(times), meter.cpu, len(times) * batch * each)


def workflow_figures(median: float, cpu: float, count: int) -> Figures:
    """Return the figures of ``count`` workflows of three steps."""
    return {
        "workflows": count,
        "workflows_per_s": 1 / median,
        "us_per_workflow": median * 1e6,
        "us_per_step": median / 3 * 1e6,
        "cpu_us_per_step": cpu / count / 3 * 1e6,
    }


def file_bytes(database: Path) -> int:
    """Return the size of a SQLite file together with its log."""
    parts = [database.with_name(database.name + suffix) for suffix in ("", "-wal", "-journal")]
    return sum(part.stat().st_size for part in parts if part.exists())


def fold_log(database: Path) -> None:
    """Move the write-ahead log into the file, so that sizes compare and an open is not charged for it."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def file_figures(figures: Figures, database: Path) -> Figures:
    """Add the file's size to the figures of a loop or a fan-out, where there is a file."""
    if not database.exists():
        return figures
    fold_log(database)
    size = file_bytes(database)
    return figures | {"db_bytes": size, "db_bytes_per_step": size / max(1, figures.get("steps", 1))}
