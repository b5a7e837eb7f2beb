"""Attempts that run: handed to a worker, and let go of when they end, take too long or are given up.

Owns who runs and until when. Decides nothing about what comes of an attempt.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbgraph.clock import Clock
from nbgraph.engine.admission import Admission
from nbgraph.engine.attempt import Assignment, Outcome, perform
from nbgraph.engine.timers import Timers
from nbgraph.engine.workers import Crew


class UnderWay:
    """What runs now in one drive."""

    def __init__(self, crew: Crew, admission: Admission, clock: Clock) -> None:
        self._crew, self._admission, self._clock = crew, admission, clock
        self._running: dict[int, Assignment] = {}
        self._timeouts: Timers[Assignment] = Timers()

    def __len__(self) -> int:
        return len(self._running)

    def attempts(self) -> list[Assignment]:
        """Return what runs; callable from any thread, ``RuntimeError`` where it changes meanwhile."""
        return list(self._running.values())

    def alone(self, assignment: Assignment) -> Outcome:
        """Run an attempt on this thread, where nothing else is alive: there is no queue and no worker."""
        self._running[0] = assignment
        outcome = perform(assignment)
        del self._running[0]
        return outcome

    def begin(self, assignment: Assignment) -> None:
        """Count an attempt, on whatever thread it will run."""
        self._admission.started(assignment.task)
        self._running[id(assignment)] = assignment

    def submit(self, assignment: Assignment) -> None:
        """Hand an attempt to a worker; its node's timeout runs from now on."""
        timeout = assignment.task.node.timeout
        if timeout is not None:
            self._timeouts.add(self._clock.monotonic() + timeout, assignment)
        self._crew.submit(assignment)

    def end(self, assignment: Assignment) -> None:
        """Note that an attempt has ended."""
        del self._running[id(assignment)]
        self._admission.ended(assignment.task)

    @property
    def due(self) -> float | None:
        """When to look for attempts that took too long, in monotonic seconds; None where none can."""
        return self._timeouts.due

    def overdue(self) -> Iterator[tuple[Assignment, float]]:
        """Give up what took longer than its timeout; yield it with the seconds that it took."""
        now = self._clock.monotonic()
        for assignment in self._timeouts.take(now):
            if id(assignment) not in self._running:
                continue
            began = now if assignment.started is None else assignment.started
            due = began + (assignment.task.node.timeout or 0.0)  # its time counts from when it got a worker
            if due > now:
                self._timeouts.add(due, assignment)
                continue
            self._give_up(assignment)
            yield assignment, now - began

    def give_up(self) -> None:
        """Give up everything."""
        for assignment in self.attempts():
            self._give_up(assignment)

    def _give_up(self, assignment: Assignment) -> None:
        self._crew.abandon(assignment)
        self.end(assignment)
