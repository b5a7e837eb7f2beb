"""Who recorded what: a fork's shared past was recorded under its origin's id, seed and log of calls.

Owns the way from a step to its run. Reads only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nbgraph.ids import RunId
from nbgraph.store.protocol import CallRecord, Store


class Owners:
    """Whose each step is: a fork's shared past was recorded under its origin's id, seed and log."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._chain: list[tuple[int, RunId, int]] = []
        self._calls: dict[str, dict[str, list[CallRecord]]] = {}
        self._upto: dict[str, int] = {}
        upto = sys.maxsize
        while True:
            record, origin = store.run(run_id).record, store.origin(run_id)
            self._chain.append((min(upto, sys.maxsize), RunId(run_id), record.seed))
            if origin is None:
                break
            run_id, upto = origin.run_id, min(upto, origin.step)

    @property
    def now(self) -> tuple[RunId, int]:
        """The run itself, and its seed."""
        return self._chain[0][1:]

    def of(self, step: int) -> tuple[RunId, int]:
        """Return the run that recorded a step, and its seed."""
        return next(entry for entry in reversed(self._chain) if step <= entry[0])[1:]

    def calls(self, run_id: str, task: str, used: Sequence[int] = ()) -> list[CallRecord]:
        """Return a task's lines in a run's log, up to the last one ``used`` at least."""
        if run_id not in self._calls or max(used, default=0) > self._upto.get(run_id, 0):
            tasks: dict[str, list[CallRecord]] = {}
            for line in self._store.calls(run_id):
                tasks.setdefault(line.task, []).append(line)
                self._upto[run_id] = line.seq
            self._calls[run_id] = tasks
        return self._calls[run_id].get(task, [])
