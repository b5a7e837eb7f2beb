"""Processes that put records into stores, and what else the tests of stores share."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nbgraph.testing.records import run_record, step_record  # noqa: F401 - other tests' way to them

REPO = Path(__file__).resolve().parents[2]


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
        head = "from nbgraph.testing.records import *\nfrom nbgraph.store import *\nimport os, sys\n"
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
