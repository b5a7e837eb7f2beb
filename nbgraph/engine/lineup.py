"""What could start, and which of it is next: ready tasks, and those admitted to the workers' queue.

Owns that choice, in canonical order. Knows no worker and no thread: whoever starts tasks asks, and says what started.
"""

from __future__ import annotations

from nbgraph.engine.admission import Admission
from nbgraph.engine.brakes import Brakes
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.options import Options
from nbgraph.engine.task import Task
from nbgraph.engine.verdict import Verdict
from nbgraph.ids import TaskId


class Lineup:
    """The tasks of one drive that have not started."""

    def __init__(self, ledger: Ledger, options: Options, verdict: Verdict, brakes: Brakes) -> None:
        self._ledger, self._frontier = ledger, ledger.frontier
        self._verdict, self._brakes = verdict, brakes
        self._depth, self._now = options.queue_depth, options.clock.monotonic
        self._needed: set[TaskId] = set()
        """Tasks behind the first failure that run all the same."""
        self.admission = Admission(options.queue_depth, options.max_concurrent)

    def __len__(self) -> int:
        return len(self.admission) + len(self._frontier.ready)

    def tasks(self) -> list[Task]:
        """Return all of them."""
        return [*self.admission.waiting(), *self._frontier.ready]

    def admit(self) -> None:
        """Move ready tasks to the queue, as far as it has room, and stop where one has waited for too long."""
        if self._brakes.halt is not None:
            return
        frontier, admission, bound = self._frontier, self.admission, self._verdict.bound
        while frontier.ready and (bound is None or frontier.ready[0].path < bound):
            if admission.full():
                if not admission.idle() and admission.wait(self._now()):
                    self._ledger.note("queue.waited", depth=self._depth)
                break
            admission.admit(frontier.take())
        else:
            admission.waiting_since = None
        self._brakes.waited(admission.waiting_since)

    def next(self) -> Task | None:
        """Return the next task to start, None if none may; stops at a bound or a breakpoint."""
        admission = self.admission
        while len(admission) and not self._brakes.at_bound(admission.running):
            task = admission.next()
            if task is None:
                return None
            if self._matters(task):
                return self._unless_stopped(task)
            self._frontier.put_back(task)
        return None

    def _matters(self, task: Task) -> bool:
        """Say whether a failure before the task does not make it pointless."""
        bound = self._verdict.bound
        return bound is None or task.path <= bound or task.id in self._needed

    def _unless_stopped(self, task: Task) -> Task | None:
        if not self._brakes.before(task):
            return task
        self._frontier.put_back(task)
        return None

    def unblock(self) -> bool:
        """Of a failing run, admit a task behind the failure that keeps one before it waiting; say so."""
        bound = self._verdict.bound
        task = self._frontier.waits_before(bound) if bound is not None else None
        if task is None or self._frontier.pick(task.id) is None:
            return False
        self._needed.add(task.id)
        self.admission.admit(task)
        return True

    def clear(self) -> None:
        """Take everything out of the queue again."""
        for task in self.admission.drain():
            self._frontier.put_back(task)
