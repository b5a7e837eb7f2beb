"""The work that every engine does in a measurement, and how much of it: trivial, so that the engine is what is measured.

Owns the inputs and the bodies of the nodes. Knows no engine, no clock and no file. Standard library only.

    W1   three nodes in a row over a small state, in memory
    W2   a loop of two nodes, each step durable: a counter and a short text
    W3   the same loop, each step appends a message of 1 KB to a list
    W4   start, n branches, a join that sees them in branch order
    W4b  the same, each branch takes 10 ms, at most 16 at a time
    W4d  branches that finish in another order each time: in how many orders are they merged?
    W5   a process dies at the start of step n + 1; another opens what it left (W5g: with W3's list)
    W7   the loop beside 5 MB of state that nobody touches
"""

from __future__ import annotations

import math
from random import Random
from typing import Any

NAMES = ("W1", "W2", "W3", "W4", "W4b", "W4d", "W5", "W5g", "W7")
STEPS = {"W2": 1000, "W3": 1000, "W5": 1000, "W5g": 1000, "W7": 100}
BRANCHES = {"W4": 100, "W4b": 100, "W4d": 30}

CLASSES = ("none", "exit", "process", "power")
"""What survives: nothing; only a finished run; each step a killed process; each step a power cut."""

BRANCH_SECONDS = 0.010
BRANCH_LIMIT = 16
ORDER_RUNS = 5

_LETTERS = Random(1).choices("abcdefghijklmnopqrstuvwxyz     0123456789.,;", k=40_000)
_TEXT = "".join(_LETTERS)


def small_state() -> dict[str, Any]:
    """Return the input of W1."""
    return {"user": "ada", "count": 0, "text": "hello"}


def count_up(state: Any) -> dict[str, Any]:
    """The first and the last node of W1."""
    return {"count": state["count"] + 1}


def shout(state: Any) -> dict[str, Any]:
    """The middle node of W1."""
    return {"text": state["text"].upper()}


def check_small(state: Any) -> None:
    """Raise if W1 did not do its work."""
    if dict(state) != {"user": "ada", "count": 2, "text": "HELLO"}:
        raise AssertionError(state)


def counted(counter: int) -> dict[str, Any]:
    """Return the state of W2 after ``counter`` steps."""
    return {"counter": counter, "label": f"s{counter:07d}"}


def message(number: int) -> str:
    """Return the W3 message of that number: 1,024 ASCII characters, no two alike, none that JSON escapes."""
    start = number * 769 % (len(_TEXT) - 1024)
    return f"{number:08d}{_TEXT[start : start + 1016]}"


def payload(megabytes: int) -> list[str]:
    """Return the untouched part of W7's state: a thousand messages for each megabyte."""
    return [message(number) for number in range(1000 * megabytes)]


def ideal_ms(branches: int) -> float:
    """Return how long W4b takes when nothing but the branches' own work takes time."""
    return math.ceil(branches / BRANCH_LIMIT) * BRANCH_SECONDS * 1e3


def delay(branch: int, run: int) -> float:
    """Return the seconds that a W4d branch takes: shuffled, and otherwise in each run."""
    return 0.002 * Random(1000 * run + branch).randrange(12)
