"""Runs in the standard ``logging``: a record when a run begins and ends, and one a step for whoever wants them.

Owns the two loggers and the fields of their records. A record is one line whatever names a user chose: they are written
as ``repr`` writes them.

``nbgraph.run``: INFO for "started", "resumed", "forked", "paused", "waiting", "cancelled" and "completed", WARNING for
"failed". Fields: ``run_id``, ``graph``, ``status``, and at the end ``steps``, ``seconds`` and ``cost``, of this drive of the
run: US dollars as an exact ``Decimal``, None where a part of it is unknown.

``nbgraph.task``: DEBUG for each step, WARNING for a retry and for a task that failed for good. Fields: ``run_id``,
``graph``, ``node``, ``task``, ``step``, ``status``, and where they are known ``attempt``, ``seconds``, ``error``.

A run is logged if, when it begins, the level of one of the two is INFO or lower and somebody handles it. Otherwise
nothing listens.
"""

from __future__ import annotations

import logging
from decimal import Decimal
from functools import cache, partial
from json import loads
from typing import TYPE_CHECKING, Any

from nbgraph.observe.used import Reading
from nbgraph.prices.money import plus

if TYPE_CHECKING:
    from nbgraph.engine.following import News
    from nbgraph.engine.observing import Followed
    from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord

RUN, TASK = logging.getLogger("nbgraph.run"), logging.getLogger("nbgraph.task")
for _logger in (RUN, TASK):
    _logger.addHandler(logging.NullHandler())  # where nobody handles these, nobody wants them on the screen

_BEGIN = {"run.resumed": "resumed", "run.forked": "forked"}
_END = ("paused", "waiting", "cancelled", "completed", "failed")


@cache
def observer() -> Logs:
    """Return the one observer that writes records."""
    return Logs()


class Logs:
    """Writes records of the runs that it follows."""

    def begin(self, run: Followed) -> RunLog:
        """Say that a run started; one that goes on says so by its first event."""
        return RunLog(run)


class RunLog:
    """Writes the records of one drive of a run."""

    def __init__(self, run: Followed) -> None:
        self._run, self._reading = run, Reading()
        self._cost: Decimal | None = Decimal(0)
        self._steps = run.start.step
        if run.new:
            self._told(logging.INFO, "started", "")

    def take(self, news: News) -> None:
        """Write what is new."""
        for line in news.calls:
            self._paid(line)
        rows = [(row.step, 0, partial(self._step, row)) for row in news.steps]
        rows += [(event.step, event.seq, partial(self._happened, event)) for event in news.events]
        for _, _, write in sorted(rows, key=lambda entry: entry[:2]):
            write()

    def end(self) -> None:
        """Hold nothing."""

    def _paid(self, line: CallRecord) -> None:
        told = self._reading.read(line)
        if told is not None and told.usage is not None and self._cost is not None:
            self._cost = None if told.cost is None else plus(self._cost, told.cost)

    def _happened(self, event: EventRecord) -> None:
        what, _, how = event.kind.partition(".")
        if event.kind in _BEGIN:
            self._told(logging.INFO, how, "")
        elif what == "run" and how in _END:
            self._ended(event, how)
        elif event.kind in ("task.retried", "task.failed") and TASK.isEnabledFor(logging.WARNING):
            self._went_wrong(event, how)

    def _ended(self, event: EventRecord, how: str) -> None:
        seconds = max(0.0, event.time - self._run.began)
        why = loads(event.data or "{}").get("why", "")
        facts = {"steps": self._steps, "seconds": seconds, "cost": self._cost}
        cost = "an unknown sum" if self._cost is None else f"${self._cost:f}"
        more = f"{f' ({why})' if why else ''}: {self._steps} steps, {seconds:.3f} s, {cost}"
        self._told(logging.WARNING if how == "failed" else logging.INFO, how, more, **facts)

    def _told(self, level: int, status: str, more: str, **facts: Any) -> None:
        run = self._run
        extra = {"run_id": run.run_id, "graph": run.graph, "status": status, **facts}
        RUN.log(level, "run %r of graph %r %s%s", run.run_id, run.graph, status, more, extra=extra)

    def _step(self, row: StepRecord) -> None:
        self._steps = row.step
        if not TASK.isEnabledFor(logging.DEBUG):
            return
        seconds = loads(row.facts or "{}").get("seconds", 0.0)
        extra = self._of(row.node, row.task, row.step, row.status, attempt=row.attempts, seconds=seconds)
        TASK.debug("run %r, step %d: node %r %s in %.6f s", self._run.run_id, row.step, row.node, row.status, seconds,
                   extra=extra)  # fmt: skip

    def _went_wrong(self, event: EventRecord, how: str) -> None:
        facts = loads(event.data or "{}")
        error = str(facts.get("error" if how == "retried" else "raised", ""))
        known = {name: facts[name] for name in ("attempt", "seconds") if name in facts}
        extra = self._of(event.node, event.task, event.step, how, error=error, **known)
        TASK.warning("run %r: node %r %s: %r", self._run.run_id, event.node, how, error, extra=extra)

    def _of(self, node: str, task: str, step: int, status: str, **facts: Any) -> dict[str, Any]:
        run = self._run
        return {
            "run_id": run.run_id, "graph": run.graph, "node": node, "task": task, "step": step, "status": status, **facts,
        }  # fmt: skip
