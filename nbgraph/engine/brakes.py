"""Why a run goes no further for now: somebody asked, or it met a breakpoint, a bound or the end of a budget.

Owns that decision; the first reason stands, and only cancelling overrules it. Stops nothing by itself: whoever
starts tasks looks at ``halt``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nbgraph.engine.attempt import Assignment, shown
from nbgraph.engine.bounds import full_queue, out_of_budget, over_budget, over_steps
from nbgraph.engine.calls.meter import Meter
from nbgraph.engine.calls.purse import OutOfBudget
from nbgraph.engine.control import Breakpoints, Halt, Requests
from nbgraph.engine.ledger import Entry, Ledger
from nbgraph.engine.options import Options
from nbgraph.engine.order import Path
from nbgraph.engine.task import Task
from nbgraph.engine.verdict import cancelled
from nbgraph.graph.schema import Schema

_NOWHERE = Breakpoints()


class Brakes:
    """What can stop one drive of a run."""

    def __init__(
        self, ledger: Ledger, schema: Schema, options: Options, breakpoints: Breakpoints, meter: Meter
    ) -> None:
        self._ledger, self._schema, self._options = ledger, schema, options
        self._breaks, self._meter = breakpoints, meter
        self._clock = options.clock
        self._began = self._clock.monotonic()
        self._started = 0
        self._refused: tuple[Path, Halt] | None = None
        # A resume goes past the breakpoint that it stands at, and past no other.
        self._exempt = {task.id for task in ledger.frontier.ready[:1]} if ledger.restored else set()
        self.free = options.time_budget is None and not meter.limited and breakpoints == _NOWHERE
        """True where only a person's request, or ``max_steps``, can stop this drive."""
        self.requests = Requests()
        self.halt: Halt | None = None
        """Why nothing further starts; None while the run goes on."""

    def stop(self, halt: Halt) -> None:
        """Start nothing further."""
        if self.halt is None or halt.status == "cancelled":
            self.halt = halt

    @property
    def cancelled(self) -> bool:
        """True once the run was cancelled: then what runs is given up, too."""
        return self.halt is not None and self.halt.status == "cancelled"

    def look(self, left: Callable[[], bool]) -> None:
        """Stop where somebody asked for it, or a budget is spent; ``left`` says whether anything is left to start."""
        requests = self.requests
        if requests.cancel:
            self.stop(Halt("cancelled", "cancelled", cancelled(self._ledger.run_id)))
        elif requests.pause:
            self.stop(Halt("paused", "asked"))
        if self.halt is None and not self.free:
            self._check_time()
            self._check_spent(left)

    def _check_time(self) -> None:
        budget = self._options.time_budget
        if budget is not None and (spent := self._clock.monotonic() - self._began) >= budget:
            self.stop(Halt("paused", "time_budget", over_budget(self._ledger.run_id, budget, spent)))

    def _check_spent(self, left: Callable[[], bool]) -> None:
        """Start nothing further where a budget was overdrawn; a run that has nothing to start any more may end."""
        if self.halt is None and self._meter.limited:
            over = self._meter.over()
            if over is not None and left():
                self.stop(Halt("paused", over.why, out_of_budget(self._ledger.run_id, over)))

    # -- tasks that are about to start

    def count(self) -> None:
        """Note that a task starts."""
        self._started += 1

    def at_bound(self, running: int) -> bool:
        """Stop where no further task may start beside those that run; say so."""
        quota, limit, ledger = self._breaks.quota, self._options.max_steps, self._ledger
        if quota is not None and self._started >= quota:
            self.stop(Halt("paused", "step"))
        elif ledger.step + ledger.ghosts + running >= limit:
            self.stop(Halt("paused", "max_steps", over_steps(ledger.run_id, limit)))
        return self.halt is not None

    def before(self, task: Task) -> bool:
        """Stop where there is a breakpoint before ``task``; say so."""
        if task.id in self._exempt or not self._breaks_before(task):
            return False
        self.stop(Halt("paused", f"before {task.node.name}"))
        return True

    def _breaks_before(self, task: Task) -> bool:
        if task.node.name in self.requests.stops:
            return True
        if self._breaks.before is None:
            return False
        return self._breaks.stops_before(task.node.name, partial(shown, task.lineage, self._schema, task.node))

    def waited(self, since: float | None) -> None:
        """Stop where a ready task has found the queue full for too long, ``since`` that monotonic second."""
        limit = self._options.backpressure_timeout
        if since is not None and limit is not None and self._clock.monotonic() - since >= limit:
            error = full_queue(self._ledger.run_id, self._options.queue_depth, limit)
            self.stop(Halt("paused", "backpressure", error))

    # -- tasks that ran

    def after(self, entries: Sequence[Entry]) -> None:
        """Stop where there is a breakpoint after one of the tasks that were committed."""
        if self._breaks.after is None:
            return
        for task, after, _, _ in entries:
            name = task.node.name
            if self._breaks.stops_after(name, partial(shown, after, self._schema, task.node)):
                self.stop(Halt("paused", f"after {name}"))

    def refuse(self, assignment: Assignment, refused: OutOfBudget) -> None:
        """Stop before a call that would break a budget. Of several the first in canonical order is reported."""
        task, first = assignment.task, self._refused
        halt = Halt("paused", refused.why, out_of_budget(self._ledger.run_id, refused, task.node.name))
        if first is None or task.path < first[0]:
            self._refused = (task.path, halt)
            if first is not None and self.halt is first[1]:
                self.halt = None
            self.stop(halt)

    def due(self, waiting_since: float | None) -> list[float]:
        """Return the monotonic seconds at which a bound in time would be met."""
        options = self._options
        dues = [] if options.time_budget is None else [self._began + options.time_budget]
        if options.backpressure_timeout is not None and waiting_since is not None:
            dues.append(waiting_since + options.backpressure_timeout)
        return dues
