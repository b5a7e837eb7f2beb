"""The loop that drives one run: the only place where "what happens first" exists.

Owns the order of effects: start what may start, wait for what finishes, have it committed. It decides
nothing that a result could depend on: readiness is ``frontier``'s, merging ``merge``'s, the verdict
``verdict``'s. One thread drives; others only set requests and wake it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any

from nbgraph.engine.admission import Admission
from nbgraph.engine.asking import Asking
from nbgraph.engine.attempt import Assignment, Outcome, Surroundings, isolated, named, perform, prepare, shown
from nbgraph.engine.bounds import final_failure, full_queue, out_of_budget, over_budget, over_steps
from nbgraph.engine.calls.outcome import QUIET, hidden, words
from nbgraph.engine.calls.purse import OutOfBudget
from nbgraph.engine.calls.recorder import Recorder
from nbgraph.engine.context import seeded
from nbgraph.engine.control import Breakpoints, Halt, Requests
from nbgraph.engine.ledger import Conflicted, Entry, Ledger
from nbgraph.engine.options import Options
from nbgraph.engine.order import Path
from nbgraph.engine.printing import shows, told
from nbgraph.engine.readonly import refusal
from nbgraph.engine.routing import Way
from nbgraph.engine.task import Task
from nbgraph.engine.timers import Timers
from nbgraph.engine.verdict import Verdict, cancelled, error_text, node_failure, timed_out
from nbgraph.engine.workers import Crew
from nbgraph.errors import (
    IsolationError,
    NbgraphError,
    NodeTimeoutError,
)
from nbgraph.graph.plan import EdgePlan, Plan
from nbgraph.store.protocol import RunStatus

SLICE = 0.2
"""Seconds to sleep at most: a signal that comes just before a sleep begins is only heard after it."""


class Driver:
    """Drives one run from where its ledger stands until it ends, fails, or is told to stop."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        crew: Crew,
        options: Options,
        breakpoints: Breakpoints,
        recorder: Recorder,
        publish: Callable[[Task, int, int, Any], None] | None = None,
    ) -> None:
        self._plan, self._ledger, self._crew, self._options = plan, ledger, crew, options
        self._breaks, self._recorder = breakpoints, recorder
        self._asking = Asking()
        self._around = Surroundings(
            ledger.run_id, options.seed, options.clock, recorder.desk, publish, shows(options.prints)
        )
        self._frontier = ledger.frontier
        self._admission = Admission(options.queue_depth, options.max_concurrent)
        self._running: dict[int, Assignment] = {}
        self._timeouts = Timers[Assignment]()
        self._retries = Timers[Task]()
        self._verdict = Verdict()
        self._halt: Halt | None = None
        self._refused: tuple[Path, Halt] | None = None
        self._started = 0
        self._variables = copy_context()
        self._clock = options.clock
        self._began = self._clock.monotonic()
        # A resume goes past the breakpoint that it stands at, and past no other.
        self._exempt = {task.id for task in self._frontier.ready[:1]} if ledger.restored else set()
        self._needed: set[str] = set()
        self._limited = recorder.meter.limited
        unbound = options.time_budget is None and not self._limited
        self._plain = crew.inline and unbound and breakpoints == Breakpoints()
        self.requests = Requests()
        self.entered: Callable[[Assignment], None] | None = None
        """Is shown each attempt before it starts, on this thread, and may set its context variables."""

    # -- the loop

    def drive(self) -> NbgraphError | None:
        """Drive the run; return the error that it ended with, None if it completed or was paused."""
        while True:
            self._chain()
            self._obey()
            self._admit()
            outcomes = self._work()
            if outcomes is None:
                return self._finish()
            if outcomes:
                self._settle(outcomes)
            if self._timeouts:
                self._time_out()

    def _chain(self) -> None:
        """Run a chain of sync nodes as long as there is nothing else to do: no queue, no thread."""
        while self._straight():
            task = self._frontier.ready.pop()
            self._started += 1
            self._running[0] = assignment = self._prepared(task)
            outcome = perform(assignment)
            del self._running[0]
            entry = self._entry(outcome)
            if entry is not None:
                self._ledger.commit((entry,))
                self._recorder.settled(task.id)

    def _straight(self) -> bool:
        """Say whether one sync task is all there is, and no bound, breakpoint or request has a say in it."""
        frontier, ledger = self._frontier, self._ledger
        if not (self._plain and len(frontier.ready) == 1 == frontier.alive and self._halt is None):
            return False
        task, requests = frontier.ready[0], self.requests
        node = task.node
        simple = node.fn is not None and not node.is_async and node.timeout is None and task.problem is None
        asked = requests.pause or requests.cancel or requests.stops
        return simple and not asked and self._verdict.bound is None and ledger.step < self._options.max_steps

    def _prepared(self, task: Task) -> Assignment:
        assignment = prepare(task, self._plan.schema, self._around, self._variables.copy())
        if self.entered is not None:
            self.entered(assignment)
        return assignment

    def wake(self) -> None:
        """Make the loop look at its requests; callable from any thread."""
        self._crew.wake()

    def under_way(self) -> list[Assignment]:
        """Return what runs now; callable from any thread, ``RuntimeError`` where it changes meanwhile."""
        return list(self._running.values())

    def queued(self) -> list[Task]:
        """Return what could start and waits for a worker; as above."""
        return [*self._admission.waiting(), *self._frontier.ready]

    def cancel_running(self) -> None:
        """Raise the flag that running sync nodes may look at; callable from any thread."""
        for assignment in list(self._running.values()):
            assignment.cancelled = True

    def _obey(self) -> None:
        requests = self.requests
        if requests.cancel:
            self._stop(Halt("cancelled", "cancelled", cancelled(self._ledger.run_id)))
            self._abandon_all()
        elif requests.pause:
            self._stop(Halt("paused", "asked"))
        budget = self._options.time_budget
        if budget is not None and self._halt is None and (spent := self._clock.monotonic() - self._began) >= budget:
            self._stop(Halt("paused", "time_budget", over_budget(self._ledger.run_id, budget, spent)))
        if self._limited and self._halt is None:
            self._check_spent()

    def _check_spent(self) -> None:
        """Start nothing further where a budget was overdrawn; a run that has nothing to start any more may end."""
        over = self._recorder.meter.over()
        if over is not None and (self._frontier.ready or len(self._admission) or self._retries):
            self._stop(Halt("paused", over.why, out_of_budget(self._ledger.run_id, over)))

    def _stop(self, halt: Halt) -> None:
        if self._halt is None or halt.status == "cancelled":
            self._halt = halt

    # -- starting

    def _admit(self) -> None:
        """Move ready tasks to the queue, in canonical order, as far as it has room."""
        if self._halt is not None:
            return
        frontier, admission, bound = self._frontier, self._admission, self._verdict.bound
        while frontier.ready and (bound is None or frontier.ready[0].path < bound):
            if admission.full():
                if not admission.idle() and admission.wait(self._clock.monotonic()):
                    self._ledger.note("queue.waited", depth=self._options.queue_depth)
                break
            admission.admit(frontier.take())
        else:
            admission.waiting_since = None
        self._check_backpressure()

    def _check_backpressure(self) -> None:
        since, limit = self._admission.waiting_since, self._options.backpressure_timeout
        if since is None or limit is None or self._clock.monotonic() - since < limit:
            return
        run_id, depth = self._ledger.run_id, self._options.queue_depth
        self._stop(Halt("paused", "backpressure", full_queue(run_id, depth, limit)))

    def _work(self) -> Sequence[Outcome] | None:
        """Start what may start, then wait; None when nothing is left to start or to wait for."""
        while self._halt is None and (task := self._next()) is not None:
            if task.problem is not None:
                self._fail(task, node_failure(self._ledger.run_id, task, task.problem))
            elif task.node.fn is None:
                self._commit([self._ledger.gathered(task)])
                self._admit()
            else:
                outcome = self._start(task)
                if outcome is not None:
                    return (outcome,)
        if self._running or (self._halt is None and (self._retries or self._asking.deadline() is not None)):
            return self._wait()
        if self._halt is None and (self._unblock() or self._answered()):
            return ()
        return None

    def _next(self) -> Task | None:
        """Return the next task to start, None if none may; stops the run at a bound or a breakpoint."""
        if self._bounded():
            return None
        task = self._admission.next()
        if task is None:
            return None
        bound = self._verdict.bound
        if bound is not None and task.path > bound and task.id not in self._needed:
            self._frontier.put_back(task)
            return self._next()
        if task.id not in self._exempt and self._breaks_before(task):
            self._frontier.put_back(task)
            self._stop(Halt("paused", f"before {task.node.name}"))
            return None
        return task

    def _breaks_before(self, task: Task) -> bool:
        if task.node.name in self.requests.stops:
            return True
        if self._breaks.before is None:
            return False
        return self._breaks.stops_before(task.node.name, partial(shown, task.lineage, self._plan.schema, task.node))

    def _bounded(self) -> bool:
        """Say whether a bound on the number of steps keeps further tasks from starting."""
        if not len(self._admission):
            return False
        quota, limit = self._breaks.quota, self._options.max_steps
        if quota is not None and self._started >= quota:
            self._stop(Halt("paused", "step"))
        elif self._ledger.step + self._ledger.ghosts + len(self._running) >= limit:
            self._stop(Halt("paused", "max_steps", over_steps(self._ledger.run_id, limit)))
        return self._halt is not None

    def _start(self, task: Task) -> Outcome | None:
        """Start a task; return its outcome at once where the loop runs it itself."""
        self._started += 1
        node = task.node
        assignment = self._prepared(task)
        self._admission.started(task)
        self._running[id(assignment)] = assignment
        if self._frontier.ready:
            self._admit()  # the queue has room again: a short queue must not keep workers idle
        if self._crew.inline and not node.is_async and node.timeout is None and self._lonely():
            return perform(assignment)
        if node.timeout is not None:
            self._timeouts.add(self._clock.monotonic() + node.timeout, assignment)
        self._crew.submit(assignment)
        return None

    def _lonely(self) -> bool:
        """Say whether nothing else could run meanwhile: then there is no need for a thread."""
        if len(self._running) != 1:
            return False
        return self._options.max_concurrent == 1 or not (len(self._admission) or self._frontier.ready or self._retries)

    def _unblock(self) -> bool:
        """Of a failing run, start a task behind the failure that keeps one before it waiting."""
        bound = self._verdict.bound
        task = self._frontier.waits_before(bound) if bound is not None else None
        if task is None or self._frontier.pick(task.id) is None:
            return False
        self._needed.add(task.id)
        self._admission.admit(task)
        return True

    # -- waiting

    def _wait(self) -> Sequence[Outcome]:
        if self._frontier.ready:
            self._admit()  # by now the queue holds only what cannot start: whoever is not in it waits
        outcomes = self._crew.collect(self._patience())
        now = self._clock.monotonic()
        for task in self._retries.take(now):
            self._frontier.put_back(task)
        self._answered()
        return outcomes

    def _answered(self) -> bool:
        """Take back the tasks whose questions were answered meanwhile, by anybody; say whether there are any."""
        if not self._asking:
            return False
        tasks = self._asking.back(self._recorder.answered(), self._clock.now())
        for task in tasks:
            self._frontier.put_back(task)
        return bool(tasks)

    def _patience(self) -> float:
        """Return how many seconds the loop may sleep."""
        dues = [due for due in (self._timeouts.due, self._retries.due) if due is not None]
        if self._halt is None:  # a bound that was hit stays in the past: looking at it again would not let us sleep
            dues += self._bounds()
            deadline = self._asking.deadline()
            if deadline is not None:
                dues.append(self._clock.monotonic() + deadline - self._clock.now())
        return max(0.0, min(SLICE, min(dues) - self._clock.monotonic())) if dues else SLICE

    def _bounds(self) -> list[float]:
        """Return when the run would hit a bound in time."""
        options, waiting = self._options, self._admission.waiting_since
        dues = [] if options.time_budget is None else [self._began + options.time_budget]
        if options.backpressure_timeout is not None and waiting is not None:
            dues.append(waiting + options.backpressure_timeout)
        return dues

    def _time_out(self) -> None:
        now = self._clock.monotonic()
        for assignment in self._timeouts.take(now):
            if id(assignment) not in self._running:
                continue
            task, began = assignment.task, now if assignment.started is None else assignment.started
            due = began + (task.node.timeout or 0.0)  # it waited for a worker: its time counts from when it got one
            if due > now:
                self._timeouts.add(due, assignment)
                continue
            self._crew.abandon(assignment)
            self._release(assignment)
            self._failed(assignment, timed_out(task), now - began)

    def _release(self, assignment: Assignment) -> None:
        del self._running[id(assignment)]
        self._admission.ended(assignment.task)

    def _abandon_all(self) -> None:
        for assignment in list(self._running.values()):
            self._crew.abandon(assignment)
            self._release(assignment)

    # -- settling

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        """Commit what finished together in one transaction, in canonical order."""
        entries: list[Entry] = []
        if len(outcomes) > 1:
            outcomes = sorted(outcomes, key=lambda outcome: outcome.assignment.task.path)
        for outcome in outcomes:
            self._release(outcome.assignment)
            entry = self._entry(outcome)
            if entry is not None:
                entries.append(entry)
        if entries:
            self._commit(entries)

    def _commit(self, entries: Sequence[Entry]) -> None:
        self._ledger.commit(entries)
        for entry in entries:
            self._recorder.settled(entry.task.id)
        if self._breaks.after is not None:
            for entry in entries:
                if self._breaks.stops_after(
                    entry.task.node.name, partial(shown, entry.after, self._plan.schema, entry.task.node)
                ):
                    self._stop(Halt("paused", f"after {entry.task.node.name}"))

    def _entry(self, outcome: Outcome) -> Entry | None:
        """Return what to commit of an outcome; None where it failed and nothing is."""
        error, refused = outcome.error, outcome.assignment.refused
        if refused is not None:
            self._refuse(outcome.assignment, refused)
        if outcome.assignment.questions:
            self._set_aside(outcome.assignment)
            return None
        if refused is not None:
            return None
        if error is None:
            error = isolated(outcome.assignment, self._plan.schema)
        if error is not None:
            return self._failed(outcome.assignment, self._explained(outcome, error), outcome.seconds)
        try:
            return self._done(outcome)
        except Exception as wrong:  # noqa: BLE001 - a predicate, a reducer or a value of the user's may raise anything
            return self._failed(outcome.assignment, wrong, outcome.seconds, retryable=False)

    def _set_aside(self, assignment: Assignment) -> None:
        """Let a task wait for a person. It stays alive, as one that failed does."""
        task, questions = assignment.task, assignment.questions
        self._asking.add(task, questions)
        seqs, upto = sorted(one.seq for one in questions), self._recorder.book(task.id).last
        self._ledger.note("task.waiting", task.node.name, task.id, questions=seqs, upto=upto)
        self._ledger.commit(())

    def _refuse(self, assignment: Assignment, refused: OutOfBudget) -> None:
        """Stop before a call that would break a budget; what runs finishes. A resume runs the task again.

        Of several the first in canonical order is reported.
        """
        task, first = assignment.task, self._refused
        halt = Halt("paused", refused.why, out_of_budget(self._ledger.run_id, refused, task.node.name))
        if not assignment.questions:
            self._frontier.put_back(task)
        if first is None or task.path < first[0]:
            self._refused = (task.path, halt)
            if first is not None and self._halt is first[1]:
                self._halt = None
            self._stop(halt)

    def _done(self, outcome: Outcome) -> Entry | None:
        failing = self._verdict.bound is not None
        try:
            return self._ledger.done(outcome, failing=failing)
        except Conflicted as found:
            task = outcome.assignment.task
            for conflict in found.conflicts:
                self._verdict.add_conflict(self._ledger.run_id, conflict)
                self._ledger.note("conflict", task.node.name, task.id, field=conflict.field)
            # It goes on in memory only, and so does all that fires from now on: to learn whether something
            # before the later writer fails too, whichever of the two came first.
            task.ghost = self._frontier.haunted = True
            return self._ledger.done(outcome, failing=True, noted=True)

    def _explained(self, outcome: Outcome, error: BaseException) -> Exception:
        error = refusal(error, outcome.assignment.state) or error
        if isinstance(error, IsolationError):
            field = None if error.container is None else outcome.assignment.state.find(error.container)
            return named(error, outcome.assignment.task.node.name, field)
        return error if isinstance(error, Exception) else RuntimeError(f"the node ended with {error!r}")

    def _failed(
        self, assignment: Assignment, error: Exception, seconds: float, *, retryable: bool = True
    ) -> Entry | None:
        """Retry, take an ``on_error`` way, or let the run fail."""
        task, upto = assignment.task, self._recorder.failed(assignment.task.id)
        if hidden(error, self._options.redact):
            vars(error)[QUIET] = True
        try:
            if retryable and self._retry(assignment, error, seconds, upto):
                return None
        except Exception as wrong:  # noqa: BLE001 - a policy's predicate is the user's, and may raise anything
            error = wrong
        taken = [_way(edge) for edge in task.node.error_edges if isinstance(error, edge.on_error)]
        if taken:
            return self._caught(assignment, error, taken, seconds)
        facts: dict[str, Any] = {"upto": upto, "calls": list(assignment.used)} if upto else {}
        if turns := assignment.turns:
            facts["turns"] = turns
        if assignment.ctx is not None and assignment.ctx.nows:
            facts["now"] = assignment.ctx.nows
        facts |= {"seconds": seconds, **told(assignment.printed, self._options.redact)}
        self._fail(task, node_failure(self._ledger.run_id, task, error), **facts)
        return None

    def _caught(self, assignment: Assignment, error: Exception, taken: list[Way], seconds: float) -> Entry | None:
        entry = self._ledger.caught(assignment, error, taken, seconds)
        if isinstance(error, NodeTimeoutError):
            self._commit([entry])
            return None
        return entry

    def _retry(self, assignment: Assignment, error: Exception, seconds: float, upto: int) -> bool:
        task, retry = assignment.task, assignment.task.node.retry
        if retry is None or task.attempt >= retry.attempts or isinstance(error, IsolationError):
            return False
        if not retry.retryable(error):
            return False
        unit = seeded(self._options.seed, task.id, f"retry/{task.attempt}") / 2**256
        pause = retry.pause(task.attempt, unit)
        raised = f"{type(error).__name__}: {words(error)}"
        facts = {"seconds": seconds, **told(assignment.printed, self._options.redact)}
        if upto:
            facts["upto"] = upto
        self._ledger.note(
            "task.retried", task.node.name, task.id, attempt=task.attempt, error=raised, pause=pause, **facts
        )
        task.failed = (*task.failed, raised)
        task.attempt += 1
        self._retries.add(self._clock.monotonic() + pause, task)
        return True

    def _fail(self, task: Task, error: NbgraphError, **facts: Any) -> None:
        """Note a failure for good. The task stays alive: what it may still reach waits for its repair."""
        self._verdict.add(task.path, error)
        self._frontier.stuck.add(task.node.name)
        cause = error.__cause__ or error
        raised = f"{type(cause).__name__}: {words(cause)}"
        self._ledger.note("task.failed", task.node.name, task.id, error=error.message, raised=raised, **facts)

    # -- ending

    def _finish(self) -> NbgraphError | None:
        error = self._verdict.error()
        if error is not None and not self._undecided():
            return self._close("failed", error)
        if self._halt is not None:
            return self._close(self._halt.status, self._halt.error, why=self._halt.why)
        if self._asking:
            return self._close("waiting", None, questions=len(self._asking))
        try:
            final = self._ledger.final()
        except Exception as wrong:  # noqa: BLE001 - a user's reducer may raise anything
            return self._close("failed", final_failure(self._ledger.run_id, wrong))
        self._ledger.note("run.completed", **self._ledger.settled)
        self._ledger.commit((), RunStatus("completed", "", final))
        return None

    def _undecided(self) -> bool:
        """Say whether the run was stopped before all that comes before its first failure had run.

        Then it is paused, not failed: which failure is the first is not known, and a resume finds out.
        """
        bound, cancelled = self._verdict.bound, self._halt is not None and self._halt.status == "cancelled"
        for task in (*self._admission.drain(), *self._retries):
            self._frontier.put_back(task)
        if cancelled or bound is None:
            return cancelled
        behind = self._frontier.waits_before(bound) is not None  # it keeps a gather before the bound waiting
        return behind or any(task.path < bound for task in self._frontier.ready) or self._asking.before(bound)

    def _close(self, status: str, error: NbgraphError | None, **data: Any) -> NbgraphError | None:
        self._ledger.note(f"run.{status}", **data)
        self._ledger.commit((), RunStatus(status, error_text(error) if error else "", ""))
        return error


def _way(edge: EdgePlan) -> Way:
    return Way(edge.index, edge.target)
