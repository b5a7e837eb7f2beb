"""What becomes of an attempt that ended: a step, a question, a call that was refused, or a failure.

Owns that choice. Knows outcomes and the run's books; not how attempts are started or waited for.
"""

from __future__ import annotations

from nbgraph.engine.asking import Asking
from nbgraph.engine.attempt import Assignment, Outcome, isolated, named
from nbgraph.engine.brakes import Brakes
from nbgraph.engine.calls.recorder import Recorder
from nbgraph.engine.conflicts import Conflict
from nbgraph.engine.failing import Failing
from nbgraph.engine.ledger import Conflicted, Entry, Ledger
from nbgraph.engine.readonly import refusal
from nbgraph.engine.task import Task
from nbgraph.engine.verdict import Verdict
from nbgraph.errors import IsolationError
from nbgraph.graph.schema import Schema


class Settling:
    """Settles the outcomes of one drive. A task that waits for a person is in ``asking``."""

    def __init__(
        self,
        ledger: Ledger,
        schema: Schema,
        recorder: Recorder,
        brakes: Brakes,
        failing: Failing,
        verdict: Verdict,
    ) -> None:
        self._ledger, self._schema, self._recorder = ledger, schema, recorder
        self._brakes, self._failing, self._verdict = brakes, failing, verdict
        self.asking = Asking()

    def entry(self, outcome: Outcome) -> Entry | None:
        """Return what to commit of an outcome; None where it is no step, or not yet."""
        assignment, _, error, seconds, _ = outcome
        if assignment.ctx is not None and self._suspended(assignment):
            return None
        if error is None:
            error = isolated(assignment, self._schema)
        if error is not None:
            return self._failing.failed(assignment, _explained(assignment, error), seconds)
        try:
            return self._done(outcome)
        except Exception as wrong:  # noqa: BLE001 - a predicate, a reducer or a value of the user's may raise anything
            return self._failing.failed(assignment, wrong, seconds, retryable=False)

    def _suspended(self, assignment: Assignment) -> bool:
        """Say whether a task runs again from its beginning, whatever it returned: it waits, or a call was refused."""
        refused = assignment.refused
        if refused is not None:
            self._brakes.refuse(assignment, refused)
        if assignment.questions:
            self._set_aside(assignment)
        elif refused is not None:
            self._ledger.frontier.put_back(assignment.task)  # for a resume
        else:
            return False
        return True

    def _set_aside(self, assignment: Assignment) -> None:
        """Let a task wait for a person. It stays alive, as one that failed does."""
        task, questions = assignment.task, assignment.questions
        self.asking.add(task, questions)
        seqs, upto = sorted(one.seq for one in questions), self._recorder.book(task.id).last
        self._ledger.note("task.waiting", task.node.name, task.id, questions=seqs, upto=upto)
        self._ledger.commit(())

    def _done(self, outcome: Outcome) -> Entry | None:
        failing = self._verdict.bound is not None
        try:
            return self._ledger.done(outcome, failing=failing)
        except Conflicted as found:
            task = outcome.assignment.task
            self._conflicted(task, found.conflicts)
            return self._ledger.done(outcome, failing=True, noted=True)

    def _conflicted(self, task: Task, conflicts: list[Conflict]) -> None:
        """Let the run fail by a conflict.

        The task goes on in memory only, and so does all that fires from now on: to learn whether something
        before the later writer fails too, whichever of the two came first.
        """
        for conflict in conflicts:
            self._verdict.add_conflict(self._ledger.run_id, conflict)
            self._ledger.note("conflict", task.node.name, task.id, field=conflict.field)
        task.ghost = self._ledger.frontier.haunted = True


def _explained(assignment: Assignment, error: BaseException) -> Exception:
    error = refusal(error, assignment.state) or error
    if isinstance(error, IsolationError):
        field = None if error.container is None else assignment.state.find(error.container)
        return named(error, assignment.task.node.name, field)
    return error if isinstance(error, Exception) else RuntimeError(f"the node ended with {error!r}")
