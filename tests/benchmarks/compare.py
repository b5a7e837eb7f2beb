"""Measure nbgraph beside the machine's limit and beside other engines, interleaved, and print medians and ratios.

    python compare.py --workdir FOLDER                                   nbgraph and raw SQLite
    python compare.py --workdir FOLDER --peers DRIVERS --venvs ROOT      also every DRIVERS/bench_<peer>.py
                                                                        for which ROOT/<peer>/bin/python exists

Owns which measurements are taken and in which order: in each repeat the variants of a workload follow each other in an order
drawn anew, each in a process of its own, so that the slow drift of a shared machine touches all alike. FOLDER must be on a
real disk. Knows no engine; ``tables`` makes the figures readable.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tables
import workloads

HERE = Path(__file__).parent
OWN = ("limit", "nbgraph")
HEAVY = ("W3", "W5g", "W7")


@dataclass(frozen=True)
class Peer:
    """An engine that can be measured: its driver, the Python that has it, what it offers."""

    name: str
    python: str
    script: Path
    variants: dict[str, Any]
    imports: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Measurement:
    """One thing to measure, once in each repeat."""

    peer: Peer
    variant: str
    workload: str
    branches: int = 0

    def command(self, args: argparse.Namespace) -> list[str]:
        """Return the command that measures it."""
        command = [self.peer.python, str(self.peer.script), "--workload", self.workload, "--variant", self.variant]
        command += ["--dir", str(args.workdir), "--time-limit", str(args.time_limit), "--json"]
        if self.branches:
            command += ["--n", str(self.branches)]
        if args.steps and self.workload in ("W2", "W3"):
            command += ["--steps", str(args.steps)]
        return command


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure nbgraph beside raw SQLite and other engines.")
    parser.add_argument("--workdir", type=Path, required=True, help="a folder on the disk to be measured")
    parser.add_argument("--peers", type=Path, help="folder of other engines' drivers, bench_<peer>.py")
    parser.add_argument("--venvs", type=Path, help="folder with one virtual environment for each peer")
    parser.add_argument("--only", default="", help="peers, separated by commas; default: all found")
    parser.add_argument("--variants", default="", help="peer/variant, separated by commas; the limit is always there")
    parser.add_argument("--workloads", default=",".join((*workloads.NAMES, "W6")), help="default: all")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--fan", default="100,1000", help="branch counts of W4")
    parser.add_argument("--steps", type=int, default=0, help="steps of W2 and W3")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds after which a loop ends early")
    parser.add_argument("--timeout", type=float, default=400.0, help="seconds that one measurement may take")
    parser.add_argument("--out", type=Path, help="write all figures there, as JSON")
    return parser.parse_args()


def found_peers(args: argparse.Namespace) -> list[Peer]:
    """Return the limit, nbgraph and every other peer that has a driver and an environment."""
    wanted = {*args.only.split(","), "limit"} if args.only else None
    scripts = [(name, sys.executable, HERE / f"bench_{name}.py") for name in OWN]
    if args.peers and args.venvs:
        for script in sorted(args.peers.glob("bench_*.py")):
            name = script.stem.removeprefix("bench_")
            python = args.venvs / name / "bin" / "python"
            if name not in OWN and python.exists():
                scripts.append((name, str(python), script))
    peers = [asked(*entry) for entry in scripts if wanted is None or entry[0] in wanted]
    return [peer for peer in peers if peer]


def asked(name: str, python: str, script: Path) -> Peer | None:
    """Ask a driver what it offers; say so and return None if it doesn't start."""
    answer = subprocess.run([python, str(script), "--list"], capture_output=True, text=True)
    if answer.returncode:
        print(f"{name} is left out: {last_line(answer.stderr)}", file=sys.stderr)
        return None
    said = json.loads(answer.stdout.splitlines()[-1])
    return Peer(name, python, script, said["variants"], said["imports"], said["versions"])


def last_line(text: str) -> str:
    """Return the last line of an error's text."""
    return (text.strip().splitlines() or ["it said nothing"])[-1][:200]


def planned(args: argparse.Namespace, peers: list[Peer], workload: str) -> list[Measurement]:
    """Return what is to be measured of a workload."""
    chosen = set(filter(None, args.variants.split(",")))
    branches = [int(count) for count in args.fan.split(",")] if workload == "W4" else [0]
    return [
        Measurement(peer, variant, workload, count)
        for peer in peers
        for variant, facts in peer.variants.items()
        if workload in facts["workloads"]
        if not chosen or peer.name == "limit" or f"{peer.name}/{variant}" in chosen
        for count in branches
    ]


def measured(args: argparse.Namespace, job: Measurement, repeat: int) -> dict[str, Any]:
    """Take one measurement; a failure is a result with an ``error``."""
    facts = {"peer": job.peer.name, "variant": job.variant, "workload": job.workload, "repeat": repeat}
    facts |= {"n": job.branches, "class": job.peer.variants[job.variant]["class"]}
    try:
        answer = subprocess.run(job.command(args), capture_output=True, text=True, timeout=args.timeout)
    except subprocess.TimeoutExpired:
        return facts | {"error": f"took more than {args.timeout:.0f} s"}
    lines = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    if answer.returncode or not lines:
        return facts | {"error": last_line(answer.stderr)}
    said = json.loads(lines[-1])
    return facts | {"metrics": said["metrics"] | {"rss_mb": said["peak_rss_mb"]}}


def import_ms(python: str, statement: str) -> float:
    """Return the milliseconds that a fresh interpreter takes to execute a statement and end; the median of five."""
    times = []
    for _ in range(6):  # the first fills the caches and is not counted
        begin = time.perf_counter()
        subprocess.run([python, "-c", statement], check=True, capture_output=True)
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times[1:])


def imported(peer: Peer, repeat: int) -> dict[str, Any]:
    """Measure W6: importing a peer, against the same interpreter importing nothing."""
    facts = {"peer": peer.name, "variant": "import", "workload": "W6", "repeat": repeat, "n": 0, "class": "none"}
    bare, whole = import_ms(peer.python, "pass"), import_ms(peer.python, peer.imports)
    return facts | {"metrics": {"over_bare_ms": whole - bare, "import_ms": whole}}


def repeat_all(args: argparse.Namespace, peers: list[Peer]) -> list[dict[str, Any]]:
    """Take all measurements, repeat by repeat."""
    results = []
    for repeat in range(args.repeats):
        order = random.Random(repeat)
        for workload in args.workloads.split(","):
            jobs = planned(args, peers, workload)
            order.shuffle(jobs)
            for job in jobs:
                results.append(measured(args, job, repeat))
                print(tables.progress(results[-1]), file=sys.stderr, flush=True)
                if workload in HEAVY:
                    os.sync()  # or the next measurement pays for what this one left to be written
            if workload == "W6":
                results += [imported(peer, repeat) for peer in peers if peer.name != "limit"]
    return results


def main() -> int:
    """Measure, print the tables, keep the figures where asked to. Returns 1 if a measurement of nbgraph failed."""
    args = arguments()
    args.workdir.mkdir(parents=True, exist_ok=True)
    peers = found_peers(args)
    results = repeat_all(args, peers)
    versions = {peer.name: peer.versions for peer in peers}
    machine = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "cpus": os.cpu_count()}
    if args.out:
        args.out.write_text(
            json.dumps({"machine": machine, "versions": versions, "results": results}), encoding="utf-8"
        )
    print(tables.rendered(results, machine, args.repeats))
    ours = [result for result in results if result["peer"] == "nbgraph"]
    return 1 if not ours or any("error" in result for result in ours) else 0


if __name__ == "__main__":
    raise SystemExit(main())
