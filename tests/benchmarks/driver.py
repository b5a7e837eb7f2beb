"""The command line of a benchmark driver: what it can run, and one measurement printed as one JSON object.

Owns arguments, run directories and child processes. Knows no engine: a driver hands in its variants and workloads.

    python bench_X.py --list
    python bench_X.py --workload W2 --variant full --json --dir FOLDER
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO

import workloads
from measuring import Figures, Ticks, peak_megabytes

PLANNED_EXIT = 75
"""What a process that is meant to die leaves with."""


@dataclass(frozen=True)
class Variant:
    """One way to set an engine up: its durability class, what it runs, a word for people."""

    durability: str
    names: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Job:
    """One measurement to take. ``database`` is a path without a file, in a fresh folder."""

    workload: str
    variant: str
    steps: int
    branches: int
    megabytes: int
    time_limit: float
    folder: Path
    ticks: Ticks

    @property
    def database(self) -> Path:
        """Where the engine keeps its steps."""
        return self.folder / "run.sqlite"

    @property
    def grows(self) -> bool:
        """Whether a crash workload is the one with the growing list."""
        return self.workload == "W5g"


@dataclass(frozen=True)
class Driver:
    """An engine under measurement. ``functions`` maps a workload, or workload and phase, to what measures it."""

    peer: str
    variants: Mapping[str, Variant]
    functions: Mapping[str, Callable[[Job], Figures]]
    imports: str
    packages: tuple[str, ...] = ()
    script: str = field(default_factory=lambda: sys.argv[0])

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages that are measured."""
        found = {}
        for package in self.packages:
            try:
                found[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
        return found

    def description(self) -> dict[str, Any]:
        """Return what ``--list`` prints."""
        variants = {
            name: {"workloads": list(variant.names), "class": variant.durability, "note": variant.note}
            for name, variant in self.variants.items()
        }
        return {
            "peer": self.peer,
            "imports": self.imports,
            "variants": variants,
            "caps": [],
            "versions": self.versions(),
        }


def arguments(peer: str) -> argparse.ArgumentParser:
    """Return the parser of the command line that all drivers share."""
    parser = argparse.ArgumentParser(description=f"Measure {peer}.")
    parser.add_argument("--list", action="store_true", help="print what can be measured, as JSON")
    parser.add_argument("--workload", choices=workloads.NAMES)
    parser.add_argument("--variant")
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--n", type=int, default=0, help="branches of a fan-out")
    parser.add_argument("--mb", type=int, default=5, help="W7: megabytes of untouched state")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds after which a loop ends early")
    parser.add_argument("--dir", type=Path, help="where fresh run folders are made; a real disk, not tmpfs")
    parser.add_argument("--run-dir", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--phase", default="", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help="keep the run folder")
    parser.add_argument("--json", action="store_true", help="one line instead of indented")
    return parser


def main(driver: Driver) -> None:
    """Serve one command line of ``driver``."""
    parser = arguments(driver.peer)
    args = parser.parse_args()
    answer = own_output()
    if args.list:
        print(json.dumps(driver.description()), file=answer, flush=True)
        return
    if not args.workload:
        parser.error("--workload or --list is needed")
    args.variant = args.variant or next(
        name for name, variant in driver.variants.items() if args.workload in variant.names
    )
    if args.variant not in driver.variants or args.workload not in driver.variants[args.variant].names:
        parser.error(f"{driver.peer}/{args.variant} has no {args.workload}; see --list")
    result = measured_in_folder(driver, args)
    print(json.dumps(result, indent=None if args.json else 1), file=answer, flush=True)


def own_output() -> TextIO:
    """Return standard output for the answer alone; whatever else prints goes to standard error."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answer


def measured_in_folder(driver: Driver, args: argparse.Namespace) -> dict[str, Any]:
    """Measure in the folder given, or in a fresh one that is removed afterwards."""
    if args.run_dir:
        return measured(driver, args, args.run_dir)
    if args.dir:
        args.dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{driver.peer}-", dir=args.dir))
    try:
        return measured(driver, args, folder)
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)


def measured(driver: Driver, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Take one measurement and return everything that is known about it."""
    steps = args.steps or workloads.STEPS.get(args.workload, 1000)
    branches = args.n or workloads.BRANCHES.get(args.workload, 100)
    ticks = Ticks(steps, args.time_limit)
    job = Job(args.workload, args.variant, steps, branches, args.mb, args.time_limit, folder, ticks)
    load, began = os.getloadavg()[0], time.time()
    figures = driver.functions[args.workload + (f"_{args.phase}" if args.phase else "")](job)
    return {
        "peer": driver.peer,
        "variant": args.variant,
        "workload": args.workload,
        "class": driver.variants[args.variant].durability,
        "params": {"steps": steps, "n": branches, "mb": args.mb if args.workload == "W7" else None},
        "metrics": figures,
        "peak_rss_mb": peak_megabytes(),
        "versions": driver.versions(),
        "env": {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "cpus": os.cpu_count(),
            "load1": load,
            "time": began,
        },
    }


def in_child(script: str, job: Job, phase: str) -> None:
    """Run a phase of this measurement in a process of its own, on the same folder; it may die as planned."""
    command = [sys.executable, script, "--workload", job.workload, "--variant", job.variant, "--phase", phase]
    command += ["--steps", str(job.steps), "--time-limit", str(job.time_limit), "--run-dir", str(job.folder), "--json"]
    child = subprocess.run(command, capture_output=True, text=True)
    if child.returncode not in (0, PLANNED_EXIT):
        raise RuntimeError(f"phase {phase} left with {child.returncode}: {child.stderr[-2000:]}")
