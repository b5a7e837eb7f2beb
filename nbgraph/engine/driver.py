"""The loop that drives one run: the only place where "what happens first" exists.

Owns the order of effects: start what may start, wait for what finishes, have it committed. It decides
nothing by itself. Readiness is ``frontier``'s, what starts next ``lineup``'s, what becomes of an outcome
``settling``'s and ``failing``'s, why to stop ``brakes``', how it ends ``ending``'s. One thread drives;
others only set requests and wake it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from typing import Any

from nbgraph.engine.attempt import Assignment, Outcome, Surroundings, perform, prepare
from nbgraph.engine.brakes import Brakes
from nbgraph.engine.calls.recorder import Recorder
from nbgraph.engine.control import Breakpoints
from nbgraph.engine.ending import end, undecided
from nbgraph.engine.failing import Failing
from nbgraph.engine.ledger import Entry, Ledger
from nbgraph.engine.lineup import Lineup
from nbgraph.engine.options import Options
from nbgraph.engine.printing import shows
from nbgraph.engine.settling import Settling
from nbgraph.engine.task import Task
from nbgraph.engine.underway import UnderWay
from nbgraph.engine.verdict import Verdict, node_failure, timed_out
from nbgraph.engine.workers import Crew
from nbgraph.errors import NbgraphError
from nbgraph.graph.plan import Plan

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
        self._schema, self._ledger, self._crew, self._options = plan.schema, ledger, crew, options
        self._recorder, self._clock = recorder, options.clock
        self._around = Surroundings(
            ledger.run_id, options.seed, options.clock, recorder.desk, publish, shows(options.prints)
        )
        self._variables = copy_context()
        self._frontier, self._verdict = ledger.frontier, Verdict()
        self._brakes = Brakes(ledger, plan.schema, options, breakpoints, recorder.meter)
        self._lineup = Lineup(ledger, options, self._verdict, self._brakes)
        self._underway = UnderWay(crew, self._lineup.admission, options.clock)
        self._failing = Failing(ledger, recorder, options, self._verdict)
        self._settling = Settling(ledger, plan.schema, recorder, self._brakes, self._failing, self._verdict)
        self._plain = crew.inline and self._brakes.free
        self.requests = self._brakes.requests
        self.entered: Callable[[Assignment], None] | None = None
        """Is shown each attempt before it starts, on this thread, and may set its context variables."""

    # -- from any thread

    def wake(self) -> None:
        """Make the loop look at its requests."""
        self._crew.wake()

    def under_way(self) -> list[Assignment]:
        """Return what runs now; ``RuntimeError`` where it changes meanwhile."""
        return self._underway.attempts()

    def queued(self) -> list[Task]:
        """Return what could start and waits for a worker; as above."""
        return self._lineup.tasks()

    def cancel_running(self) -> None:
        """Raise the flag that running sync nodes may look at."""
        for assignment in self._underway.attempts():
            assignment.cancelled = True

    # -- the loop

    def drive(self) -> NbgraphError | None:
        """Drive the run; return the error that it ended with, None if it completed or was paused."""
        while True:
            self._chain()
            self._brakes.look(self._left)
            if self._brakes.cancelled:
                self._underway.give_up()
            self._lineup.admit()
            outcomes = self._work()
            if outcomes is None:
                return self._end()
            if outcomes:
                self._settle(outcomes)
            if self._underway.due is not None:
                self._time_out()

    def _chain(self) -> None:
        """Run a chain of sync nodes as long as there is nothing else to do: no queue, no thread."""
        while self._straight():
            task = self._frontier.ready.pop()
            entry = self._settling.entry(self._underway.alone(self._prepared(task)))
            if entry is not None:
                self._ledger.commit((entry,))
                self._recorder.settled(task.id)

    def _straight(self) -> bool:
        """Say whether one sync task is all there is, and no bound, breakpoint or request has a say in it."""
        frontier, ledger = self._frontier, self._ledger
        if not (self._plain and len(frontier.ready) == 1 == frontier.alive and self._brakes.halt is None):
            return False
        task, requests = frontier.ready[0], self.requests
        node = task.node
        simple = node.fn is not None and not node.is_async and node.timeout is None and task.problem is None
        asked = requests.pause or requests.cancel or requests.stops
        return simple and not asked and self._verdict.bound is None and ledger.step < self._options.max_steps

    def _left(self) -> bool:
        """Say whether anything is left to start, now or later."""
        return bool(self._lineup or self._failing.retries)

    # -- starting

    def _work(self) -> Sequence[Outcome] | None:
        """Start what may start, then wait; None when nothing is left to start or to wait for."""
        while self._brakes.halt is None and (task := self._lineup.next()) is not None:
            if task.problem is not None:
                self._failing.for_good(task, node_failure(self._ledger.run_id, task, task.problem))
            elif task.node.fn is None:
                self._commit([self._ledger.gathered(task)])
                self._lineup.admit()
            else:
                outcome = self._start(task)
                if outcome is not None:
                    return (outcome,)
        goes_on = self._brakes.halt is None
        if self._underway or (goes_on and self._comes_back()):
            return self._wait()
        if goes_on and (self._lineup.unblock() or self._answered()):
            return ()
        return None

    def _comes_back(self) -> bool:
        """Say whether time alone will make a task ready."""
        return bool(self._failing.retries) or self._settling.asking.deadline() is not None

    def _start(self, task: Task) -> Outcome | None:
        """Start a task; return its outcome at once where the loop runs it itself."""
        node, assignment = task.node, self._prepared(task)
        self._brakes.count()
        self._underway.begin(assignment)
        if self._frontier.ready:
            self._lineup.admit()  # the queue has room again: a short queue must not keep workers idle
        if self._crew.inline and not node.is_async and node.timeout is None and self._lonely():
            return perform(assignment)
        self._underway.submit(assignment)
        return None

    def _prepared(self, task: Task) -> Assignment:
        assignment = prepare(task, self._schema, self._around, self._variables.copy())
        if self.entered is not None:
            self.entered(assignment)
        return assignment

    def _lonely(self) -> bool:
        """Say whether nothing else could run meanwhile: then there is no need for a thread."""
        return len(self._underway) == 1 and (self._options.max_concurrent == 1 or not self._left())

    # -- waiting

    def _wait(self) -> Sequence[Outcome]:
        if self._frontier.ready:
            self._lineup.admit()  # by now the queue holds only what cannot start: whoever is not in it waits
        outcomes = self._crew.collect(self._patience())
        self._put_back(self._failing.retries.take(self._clock.monotonic()))
        self._answered()
        return outcomes

    def _answered(self) -> bool:
        """Take back the tasks whose questions were answered meanwhile, by anybody; say whether there are any."""
        asking = self._settling.asking
        tasks = asking.back(self._recorder.answered(), self._clock.now()) if asking else []
        self._put_back(tasks)
        return bool(tasks)

    def _put_back(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self._frontier.put_back(task)

    def _patience(self) -> float:
        """Return how many seconds the loop may sleep."""
        now = self._clock.monotonic()
        dues = [due for due in (self._underway.due, self._failing.retries.due) if due is not None]
        if self._brakes.halt is None:  # a bound that was hit stays in the past: to look at it again would be no sleep
            dues += self._brakes.due(self._lineup.admission.waiting_since)
            deadline = self._settling.asking.deadline()
            if deadline is not None:
                dues.append(now + deadline - self._clock.now())
        return max(0.0, min(SLICE, min(dues) - now)) if dues else SLICE

    def _time_out(self) -> None:
        for assignment, seconds in self._underway.overdue():
            entry = self._failing.failed(assignment, timed_out(assignment.task), seconds)
            if entry is not None:
                self._commit([entry])

    # -- settling

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        """Commit what finished together in one transaction, in canonical order."""
        if len(outcomes) > 1:
            outcomes = sorted(outcomes, key=lambda outcome: outcome.assignment.task.path)
        entries: list[Entry] = []
        for outcome in outcomes:
            self._underway.end(outcome.assignment)
            entry = self._settling.entry(outcome)
            if entry is not None:
                entries.append(entry)
        if entries:
            self._commit(entries)

    def _commit(self, entries: Sequence[Entry]) -> None:
        self._ledger.commit(entries)
        for entry in entries:
            self._recorder.settled(entry.task.id)
        self._brakes.after(entries)

    # -- ending

    def _end(self) -> NbgraphError | None:
        failure = self._verdict.error()
        if failure is not None and self._undecided():
            failure = None
        return end(self._ledger, failure, self._brakes.halt, len(self._settling.asking))

    def _undecided(self) -> bool:
        self._lineup.clear()
        self._put_back(self._failing.retries)
        return self._brakes.cancelled or undecided(self._frontier, self._settling.asking, self._verdict.bound)
