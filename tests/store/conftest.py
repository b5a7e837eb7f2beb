"""Records to put into stores, and processes to put them there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from nbgraph.store import AnswerRecord, CallRecord, EventRecord, RunRecord, StepRecord

REPO = Path(__file__).resolve().parents[2]


def run_record(run_id: str = "r", **changes: Any) -> RunRecord:
    """Return a small run."""
    return RunRecord(run_id, "graph", "f0", '{"nodes":["n"]}', '{"count":0}', 7, 1000.5)._replace(**changes)


def step_record(step: int, run_id: str = "r", **changes: Any) -> StepRecord:
    """Return step number ``step`` of a chain."""
    task = sha256(f"task {step}".encode()).hexdigest()
    key = sha256(f"{run_id} {step}".encode()).hexdigest()
    update, facts = f'{{"count":{step}}}', '{"seconds":0.5,"started":10.0}'
    parents = f'[[{step - 1},"e0"]]'
    record = StepRecord(
        step, task, "n", "done", 1, step - 1, parents, update, "", "", '["e0"]', "", '{"live":[]}', facts, key
    )
    return record._replace(**changes)


def event_record(seq: int, step: int = 0, **changes: Any) -> EventRecord:
    """Return event number ``seq``."""
    return EventRecord(seq, step, 2000.25 + seq, "noted", "n", "", "{}")._replace(**changes)


def call_record(seq: int = 0, step: int = 1, **changes: Any) -> CallRecord:
    """Return a line of the log of calls, of the task that ``step_record(step)`` commits."""
    task, request = step_record(step).task, sha256(b"request").hexdigest()
    record = CallRecord(seq, 3000.25, task, "n", 1, "0", "returned", request, '{"response":1}')
    return record._replace(**changes)


def question(seq: int = 0, step: int = 1, **changes: Any) -> CallRecord:
    """Return a line that asks."""
    data = '{"request":{"asked":{"prompt":"Go on?","schema":{}}}}'
    return call_record(seq, step, phase="asked", data=data)._replace(**changes)


def answer_record(seq: int, **changes: Any) -> AnswerRecord:
    """Return an answer to question ``seq``."""
    return AnswerRecord(seq, 4000.25, '"yes"', "Ann")._replace(**changes)


def change(path: Path, *statements: str) -> None:
    """Do to a file what nobody should."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


class FakeClock:
    """Time that moves when told."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        """Return the moment."""
        return self.time

    def monotonic(self) -> float:
        """Return the same."""
        return self.time


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def python() -> Callable[..., subprocess.Popen[str]]:
    """Start a Python process that runs ``code``; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *args: object) -> subprocess.Popen[str]:
        head = "from tests.store.conftest import *\nfrom nbgraph.store import *\nimport os, sys\n"
        process = subprocess.Popen(
            [sys.executable, "-c", head + code, *map(str, args)],
            cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
