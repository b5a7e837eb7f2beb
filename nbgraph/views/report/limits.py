"""How much of a run a report takes: bounds that keep the page quick to open, and which steps are shown.

Owns the numbers. What is left out is said on the page, each time with the call that shows it.
"""

from __future__ import annotations

STEPS = 160
"""Steps at which the scrubber can stop, and whose states are kept."""
_READ, _LEAST = 16_000_000, 8
"""Characters of states that are read for that, about, and states that are read however large they are."""
TASKS = 1000
CALLS = 200
COSTS = 100
"""Rows of costs, a node and model each; the dearest are shown."""
EVENTS = 300
PRINTS = 200
NODES = 300
"""Nodes whose source is shown."""
FINAL, FIELD, STATE = 400_000, 60_000, 6_000
"""Characters of the final state, of a field of it, and of a state along the way."""
STATES = 2_000_000
"""Characters of all states along the way together."""
CALL, PRINT, SOURCE, TRACEBACK = 4_000, 8_000, 20_000, 20_000
"""Characters of a request or response, of what a task printed, of a node's source, of a traceback."""


def kept_steps(total: int, most: int = STEPS) -> list[int]:
    """Return which steps are shown, in order: all, or the first, the last, and evenly spread ones between; 0 is the input.

    >>> kept_steps(3)
    [0, 1, 2, 3]
    >>> kept = kept_steps(10_000)
    >>> len(kept), kept[:3], kept[-2:]
    (160, [0, 1, 2], [9999, 10000])
    """
    if total < most:
        return list(range(total + 1))
    first, last = list(range(most // 8)), list(range(total - most * 3 // 8 + 1, total + 1))
    between, wide = most - len(first) - len(last), last[0] - first[-1] - 1
    middle = [first[-1] + 1 + place * wide // between for place in range(between)]
    return [*first, *middle, *last]


def most_states(size: int) -> int:
    """Return how many states of about ``size`` characters are read.

    >>> most_states(1000), most_states(1_000_000), most_states(10**9)
    (160, 16, 8)
    """
    return max(_LEAST, min(STEPS, _READ // max(size, 1)))


def left_out(shown: int, total: int, what: str, where: str) -> str:
    """Return what to say where not everything is shown, "" where everything is.

    >>> left_out(2, 5, "tasks", "run.tasks")
    '3 more tasks are left out here; run.tasks has them.'
    """
    missing = total - shown
    many = f"{missing:,} more {what} {'is' if missing == 1 else 'are'}"
    return f"{many} left out here; {where} has them." if missing > 0 else ""
