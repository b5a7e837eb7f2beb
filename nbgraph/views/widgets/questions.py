"""How many questions of a run wait for a person.

Owns the count, from the log of calls and the answers that came in. Knows nothing of what is asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from json import loads

from nbgraph.store.protocol import CallRecord, Store

_PATIENCE = 0.5
"""Seconds between two looks for answers: they are given by anybody, and nobody says so to a run that stands still."""


class Questions:
    """The open questions of one run. A question with a deadline counts until it has passed."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._asked: dict[tuple[str, str], tuple[int, float | None]] = {}
        self._looked, self._answered = 0.0, frozenset[int]()

    def take(self, calls: Iterable[CallRecord]) -> None:
        """Take new lines of the log, in order."""
        for line in calls:
            if line.phase == "asked":
                self._asked[line.task, line.name] = (line.seq, _deadline(loads(line.data or "{}")))
            elif line.phase == "answered":
                self._asked.pop((line.task, line.name), None)

    def open(self) -> int:
        """Return how many wait for an answer that nobody gave."""
        if not self._asked:
            return 0
        now = time.monotonic()
        if now - self._looked >= _PATIENCE:
            self._looked = now
            self._answered = frozenset(answer.seq for answer in self._store.answers(self._run_id))
        wall = time.time()
        return sum(
            seq not in self._answered and (deadline is None or deadline > wall)
            for seq, deadline in self._asked.values()
        )


def _deadline(facts: Mapping[str, object]) -> float | None:
    deadline = facts.get("deadline")
    return float(deadline) if isinstance(deadline, (int, float)) else None
