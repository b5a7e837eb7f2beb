"""What becomes of an attempt that failed: another attempt, an ``on_error`` way, or a failure for good.

Owns that choice, and what is noted of it. Knows what errors are and how nodes want them handled; starts nothing.
"""

from __future__ import annotations

from typing import Any

from nbgraph.engine.attempt import Assignment
from nbgraph.engine.calls.outcome import QUIET, hidden, words
from nbgraph.engine.calls.recorder import Recorder
from nbgraph.engine.ledger import Entry, Ledger
from nbgraph.engine.options import Options
from nbgraph.engine.printing import told
from nbgraph.engine.routing import Way
from nbgraph.engine.seeds import seeded
from nbgraph.engine.task import Task
from nbgraph.engine.timers import Timers
from nbgraph.engine.verdict import Verdict, node_failure
from nbgraph.errors import IsolationError, NbgraphError


class Failing:
    """Deals with the failures of one drive. A task that is to be tried again waits in ``retries``."""

    def __init__(self, ledger: Ledger, recorder: Recorder, options: Options, verdict: Verdict) -> None:
        self._ledger, self._recorder, self._options, self._verdict = ledger, recorder, options, verdict
        self.retries: Timers[Task] = Timers()
        """Tasks whose next attempt is due at a moment, in monotonic seconds."""

    def failed(
        self, assignment: Assignment, error: Exception, seconds: float, *, retryable: bool = True
    ) -> Entry | None:
        """Say what becomes of an attempt that took ``seconds``: an entry where an ``on_error`` way takes over."""
        task, upto = assignment.task, self._recorder.failed(assignment.task.id)
        if hidden(error, self._options.redact):
            vars(error)[QUIET] = True
        try:
            pause = _pause(task, error, self._options.seed) if retryable else None
        except Exception as wrong:  # noqa: BLE001 - a policy's predicate is the user's, and may raise anything
            error, pause = wrong, None
        if pause is not None:
            self._try_again(assignment, error, pause, {"seconds": seconds, **self._told(assignment), **_upto(upto)})
            return None
        taken = [Way(edge.index, edge.target) for edge in task.node.error_edges if isinstance(error, edge.on_error)]
        if taken:
            return self._ledger.caught(assignment, error, taken, seconds)
        facts = {**_asked(assignment, upto), "seconds": seconds, **self._told(assignment)}
        self.for_good(task, node_failure(self._ledger.run_id, task, error), **facts)
        return None

    def _told(self, assignment: Assignment) -> dict[str, Any]:
        return told(assignment.printed, self._options.redact)

    def _try_again(self, assignment: Assignment, error: Exception, pause: float, facts: dict[str, Any]) -> None:
        task, raised = assignment.task, _raised(error)
        self._ledger.note(
            "task.retried", task.node.name, task.id, attempt=task.attempt, error=raised, pause=pause, **facts
        )
        task.failed = (*task.failed, raised)
        task.attempt += 1
        self.retries.add(self._options.clock.monotonic() + pause, task)

    def for_good(self, task: Task, error: NbgraphError, **facts: Any) -> None:
        """Note a failure for good. The task stays alive: what it may still reach waits for its repair."""
        self._verdict.add(task.path, error)
        self._ledger.frontier.stuck.add(task.node.name)
        raised = _raised(error.__cause__ or error)
        self._ledger.note("task.failed", task.node.name, task.id, error=error.message, raised=raised, **facts)


def _pause(task: Task, error: Exception, seed: int) -> float | None:
    """Return the seconds before the next attempt; None where there is none."""
    retry = task.node.retry
    if retry is None or task.attempt >= retry.attempts or isinstance(error, IsolationError):
        return None
    if not retry.retryable(error):
        return None
    return retry.pause(task.attempt, seeded(seed, task.id, f"retry/{task.attempt}") / 2**256)


def _raised(error: BaseException) -> str:
    return f"{type(error).__name__}: {words(error)}"


def _upto(line: int) -> dict[str, Any]:
    """Return the last line of the log of calls that is the attempt's, where it made calls."""
    return {"upto": line} if line else {}


def _asked(assignment: Assignment, upto: int) -> dict[str, Any]:
    """Return what a replay of the failure needs: what the attempt asked."""
    facts: dict[str, Any] = {"upto": upto, "calls": list(assignment.used)} if upto else {}
    if turns := assignment.turns:
        facts["turns"] = turns
    if assignment.ctx is not None and assignment.ctx.nows:
        facts["now"] = assignment.ctx.nows
    return facts
