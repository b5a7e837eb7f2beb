"""Lives and deaths of one run, and the check of what they leave behind.

Owns the talk with the nursery's processes and the promise of DESIGN section 4 as one function, ``audit``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Timer
from types import ModuleType
from typing import Any, ClassVar, NamedTuple, Self

import nbgraph as ng
from nbgraph.codec import encode
from nbgraph.store.protocol import StepRecord
from tests.contracts.programs import laps

REPO = Path(__file__).resolve().parents[2]


class Life(NamedTuple):
    """What one process said, and how it ended: 0, 7 (by itself) or -9 (killed)."""

    kept: list[tuple[str, ...]]
    """(step, task, key) of every step that the store acknowledged."""
    lines: list[tuple[str, ...]]
    """(number, phase, task, name) of every line of the log of calls that it acknowledged."""
    code: int
    words: str
    """What it said last."""


class Nursery:
    """A process that starts processes; see ``programs/nursery.py``."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contracts.programs.nursery"],
            cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def live(
        self, order: dict[str, Any], kill_after: int | None = None, kill_in: float | None = None,
        when_stopped: Callable[[int], None] | None = None,
    ) -> Life:  # fmt: skip
        """Have one process carry out ``order``; return how that went.

        Kill it from here once it said that it kept ``kill_after`` steps, or ``kill_in`` seconds after it began.
        ``when_stopped`` is called with its number when it has been stopped; then it goes on.
        """
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        heard: dict[str, list[tuple[str, ...]]] = {"kept": [], "line": []}
        pid, begun, words, timer = 0, False, "", Timer(kill_in or 0, lambda: _kill(pid))
        for line in self._process.stdout:
            head, *rest = line.split()
            if head == "pid":
                pid = int(rest[0])
            begun = begun or head == "begins"
            if kill_in is not None and head in ("pid", "begins") and pid and begun:  # whoever writes first
                timer.start()
            if head in heard:
                heard[head].append(tuple(rest))
            elif head == "stopped":
                _while_stopped(pid, when_stopped)
            elif head == "ended":
                timer.cancel()
                return Life(heard["kept"], heard["line"], int(rest[0]), words)
            elif head not in ("pid", "begins"):
                words = line.strip()
            if pid and kill_after is not None and len(heard["kept"]) >= kill_after:
                _kill(pid)
                kill_after = None
        raise AssertionError("the nursery is gone")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def _kill(pid: int) -> None:
    assert pid > 0, "0 would be this process and all of its group"
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _while_stopped(pid: int, act: Callable[[int], None] | None) -> None:
    try:
        if act is not None:
            act(pid)
    finally:
        os.kill(pid, signal.SIGCONT)


@dataclass
class Course:
    """One run through many lives. ``faults`` says what was found wrong, in words; empty is well."""

    play: ClassVar[ModuleType] = laps
    """What is run."""
    folder: Path
    size: tuple[int, int]
    durability: str = "full"
    run: str = "r"
    deaths: int = 0
    faults: list[str] = field(default_factory=list)
    kept: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _found: dict[str, StepRecord] = field(default_factory=dict)
    _read: int = 0
    _seen: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """The file."""
        return self.folder / "runs.sqlite"

    def live(self, nursery: Nursery, **aim: Any) -> Life:
        """Go through one more life, and check what it leaves."""
        how = {name: aim.pop(name) for name in ("kill_after", "kill_in", "when_stopped") if name in aim}
        order = {
            "store": str(self.store), "witness": str(self._witness), "size": self.size, "run": self.run,
            "play": self.play.__name__.rpartition(".")[2], "durability": self.durability, **aim,
        }  # fmt: skip
        life = nursery.live(order, **how)
        self.deaths += life.code in (7, -signal.SIGKILL)
        if life.words.startswith("broke"):
            self.faults.append(life.words)
        before, self._found = self._found, {row.task: row for row in self.rows()}
        self._check(life, before, self._found)
        return life

    @property
    def _witness(self) -> Path:
        return self.folder / f"witness-{self.run}"

    def rows(self) -> list[StepRecord]:
        """Return the steps in the file, none where there is no run yet."""
        if not self.store.exists():
            return []
        with ng.SqliteStore(self.store, read_only=True) as store:
            self.faults += store.verify()
            rows = list(store.steps(self.run)) if self.run in [row.record.run_id for row in store.runs()] else []
        self._note("a task was committed twice", [task for task, n in Counter(r.task for r in rows).items() if n > 1])
        return rows

    def _check(self, life: Life, before: dict[str, StepRecord], after: dict[str, StepRecord]) -> None:
        self.kept.update((task, (step, task, key)) for step, task, key in life.kept)
        found = {row.task: (str(row.step), row.task, row.key) for row in after.values()}
        self._note("an acknowledged step is lost or changed", [k for k, v in self.kept.items() if found.get(k) != v])
        self._note("a committed step changed", [task for task in before if after.get(task) != before[task]])
        witnessed = self._witnessed()
        starts = [(task, *rest) for word, task, *rest in witnessed if word == "start"]
        self._note("a committed body ran again", [task for task, *_ in starts if task in before])
        tries = Counter(task for task, *_ in starts)
        self._note("a body ran twice in one life", [task for task, n in tries.items() if n > self.play.TRIES])
        self._note("a body ran on what was not kept", [task for task, *_ in starts if not self._due(task, set(after))])
        for task, key, seen in starts:
            if self._seen.setdefault(task, (key, seen)) != (key, seen):
                self.faults.append(f"task {task} got another key or state than before")
        self._check_calls(life, witnessed)

    def _check_calls(self, life: Life, witnessed: list[list[str]]) -> None:
        """Check what a life did to the outside world; these plays do nothing to it."""

    def _note(self, what: str, tasks: list[str]) -> None:
        self.faults += [f"{what}: {task}" for task in tasks]

    def _witnessed(self) -> list[list[str]]:
        """Return the words of every line that was written since the last look."""
        if not self._witness.exists():
            return []
        lines = self._witness.read_text(encoding="ascii").splitlines()[self._read :]
        self._read += len(lines)
        return [line.split() for line in lines]

    def _due(self, task: str, kept: set[str]) -> bool:
        return undisturbed(self.play, self.size).parents[task] <= kept

    def end(self) -> list[str]:
        """Check a completed run against an undisturbed one; return all that was ever found wrong."""
        engine = ng.Engine(self.play.build(laps.Blind()), store=self.store)
        run, expected = engine.open(self.run), undisturbed(self.play, self.size)
        if run.status != "completed":
            self.faults.append(f"the run is {run.status}")
        if run.digest != expected.digest or encode(dict(run.state), blobs={}) != expected.state:
            self.faults.append("the result differs from an undisturbed run's")
        if {task for task, *_ in self._seen.items()} != set(expected.parents):
            self.faults.append("not the bodies of an undisturbed run")
        engine.close()
        return self.faults


class Undisturbed(NamedTuple):
    """What a run of a size gives when nothing dies."""

    digest: str
    state: str
    parents: dict[str, frozenset[str]]
    """Task -> the tasks whose arrivals it gathered."""


@cache
def undisturbed(play: ModuleType, size: tuple[int, int]) -> Undisturbed:
    """Run the graph in memory, once for each size."""
    engine = ng.Engine(play.build(laps.Blind()))
    run = play.drive(engine, size, "r")
    rows = list(engine.store.steps("r"))
    ids = {row.step: row.task for row in rows}
    parents = {row.task: frozenset(ids[step] for step, _ in json.loads(row.parents) if step) for row in rows}
    return Undisturbed(run.digest, encode(dict(run.state), blobs={}), parents)
