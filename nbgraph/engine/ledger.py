"""The run's books: what finished becomes a row, rows become durable, then the frontier hears of it.

Owns the one path by which a run's state changes, live and at a resume alike: check, fold, commit,
complete. Knows the store's records; knows no thread and no queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from json import dumps
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.clock import Clock
from nbgraph.engine.attempt import Assignment, Outcome, asked
from nbgraph.engine.calls.outcome import words
from nbgraph.engine.conflicts import Conflict, Writers
from nbgraph.engine.frontier import Frontier
from nbgraph.engine.merge import Kept, Merger
from nbgraph.engine.order import ROOT
from nbgraph.engine.printing import told
from nbgraph.engine.record import (
    MARK_EVERY,
    asked_facts,
    facts_text,
    mark_text,
    object_text,
    snapshot_due,
    step_record,
)
from nbgraph.engine.returned import read
from nbgraph.engine.routing import Way, ways_on
from nbgraph.engine.task import Arrival, Failure, Lineage, Task
from nbgraph.errors import CodecError, NbgraphError, UpdateError
from nbgraph.graph.plan import Plan
from nbgraph.graph.schema import TypeProblem
from nbgraph.ids import RunId, StepNo, root_id
from nbgraph.store.protocol import EventRecord, Lease, RunStatus, StepRecord, Store

if TYPE_CHECKING:
    from nbgraph.engine.context import Context


class Entry(NamedTuple):
    """One finished task, ready to be committed. ``row`` is None for a ghost."""

    task: Task
    after: Lineage
    ways: Sequence[Way]
    row: StepRecord | None


class Conflicted(Exception):  # noqa: N818 - control flow inside the engine, never shown
    """The task writes what a concurrent one wrote."""

    def __init__(self, conflicts: list[Conflict]) -> None:
        super().__init__()
        self.conflicts = conflicts


class Ledger:
    """Keeps the books of one run."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        plan: Plan,
        merger: Merger,
        clock: Clock,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.last: Lineage | None = None
        self.settled: dict[str, Any] = {}
        """What ``conflicts`` decided between branch ends, as the end of the run notes it."""
        self._store, self._lease, self._plan, self._merger, self._clock = store, lease, plan, merger, clock
        self.run_id = RunId(lease.run_id)
        self.frontier = Frontier(plan, merger, names)
        self._writers = Writers()
        self._events: list[EventRecord] = []
        self._seq = 0
        self._planned: StepNo = StepNo(0)
        self._marked: StepNo = StepNo(0)
        self.step: StepNo = StepNo(0)
        """Steps committed."""
        self.restored = False
        self.ghosts = 0
        """Tasks that finished and are not to be stored."""
        self.after_commit: Callable[[Sequence[StepRecord], Sequence[EventRecord], RunStatus | None], None] | None = None

    # -- beginnings

    def begin(self, initial: Lineage, step: StepNo = StepNo(0)) -> None:  # noqa: B008 - an int
        """Start from the input; ``step`` is 1 where the input was edited."""
        self.frontier.begin(Arrival(root_id(self._plan.name), step, "e0", ROOT, initial))

    def resumed(self, step: StepNo, marked: StepNo, events: int) -> None:
        """Go on behind ``step``, the last mark being at ``marked``, after so many events."""
        self.step = self._planned = step
        self._marked, self._seq, self.restored = marked, events, True

    @property
    def events(self) -> int:
        """Events noted so far."""
        return self._seq

    @property
    def committed(self) -> int:
        """Events that are durable."""
        return self._seq - len(self._events)

    def now(self) -> float:
        """Return the time in seconds since the Unix epoch."""
        return self._clock.now()

    # -- entries

    def done(self, outcome: Outcome, *, failing: bool, noted: bool = False) -> Entry:
        """Return the entry of a node that returned; raises what is wrong with what it returned.

        ``failing``: the run has failed already, look for every conflict. ``noted``: its conflicts are known.
        """
        task = outcome.assignment.task
        given = outcome.assignment.state
        returned = read(task.node, self._plan.schema, outcome.value, given)
        update = {name: self._keep(task, name, value) for name, value in returned.update.items()}
        ctx = outcome.assignment.ctx
        facts: dict[str, Any] = {"started": self._clock.now() - outcome.seconds, "seconds": outcome.seconds}
        if ctx is not None:
            facts |= self._asked(ctx)
        if outcome.assignment.printed is not None:
            facts |= told(outcome.assignment.printed, self._merger.redaction)
        look_for = None if noted else failing
        return self._entry(task, update, returned.routes, facts, failing=look_for, drew=bool(ctx and ctx.drew))

    def _asked(self, ctx: Context) -> dict[str, Any]:
        if ctx.streamed is not None:
            self._merger.blobs.update(ctx.streamed.blobs)
        return asked_facts(ctx)

    def gathered(self, task: Task) -> Entry:
        """Return the entry of a subgraph's end, which runs no code."""
        facts = {"started": self._clock.now(), "seconds": 0.0}
        return self._entry(task, {}, None, facts, failing=False, drew=False)

    def _keep(self, task: Task, name: str, value: Any) -> Kept:
        try:
            return self._merger.keep(name, value)
        except CodecError as error:
            inside = (error.path or "$").removeprefix("$")
            raise CodecError(
                f"node {task.node.name!r} returned {name!r} with a value that cannot be kept: {error.message}",
                still="nothing of this task was stored",
                todo=error.todo,
                node=task.node.name,
                field=name,
                path=f"{name}{inside}",
                actual=error.actual,
            ) from error

    def _entry(
        self,
        task: Task,
        update: Mapping[str, Kept],
        routes: Any,
        facts: dict[str, Any],
        *,
        failing: bool | None,
        drew: bool,
    ) -> Entry:
        ghost = task.ghost
        step = StepNo(0 if ghost else self._planned + 1)
        after = self.after(task)
        try:
            results = self._merger.write(after, update)
        except TypeProblem as problem:
            raise _bad_result(task, problem) from None
        ways = ways_on(self._plan, task.node, routes, partial(asked, after, self._plan.schema))
        for way in ways:
            if way.private:
                self._check_private(task, way.private)
        if failing is not None and update and not self.frontier.alone():
            self._check_conflicts(task, update, failing=failing)
        self.close(task, after, step, update, drew=drew)
        row = None if ghost else self._row(step, task, after, update, results, ways, facts)
        return Entry(task, after, ways, row)

    def _check_private(self, task: Task, private: dict[str, Any]) -> None:
        for name, value in private.items():
            private[name] = self._keep(task, name, value).value

    def caught(self, assignment: Assignment, error: Exception, ways: Sequence[Way], seconds: float) -> Entry:
        """Return the entry of a task that failed and whose ``on_error`` edges take over."""
        task = assignment.task
        step = StepNo(0 if task.ghost else self._planned + 1)
        after = self.after(task)
        failure = Failure(task.node.name, type(error).__name__, words(error))
        after.errors = (*after.errors, failure)
        self.close(task, after, step, {}, drew=False)
        facts = {"started": self._clock.now() - seconds, "seconds": seconds, "caught": failure}
        if assignment.ctx is not None:
            facts |= self._asked(assignment.ctx)
        if assignment.printed is not None:
            facts |= told(assignment.printed, self._merger.redaction)
        row = None if task.ghost else self._row(step, task, after, {}, {}, ways, facts, status="caught")
        return Entry(task, after, ways, row)

    def after(self, task: Task) -> Lineage:
        """Return what the task's update is written to: its input, not yet shared with anybody."""
        after = self._merger.branch(task.lineage)
        if task.visits is not None:
            after.visits = task.visits
        return after

    def _check_conflicts(self, task: Task, update: Mapping[str, Kept], *, failing: bool) -> None:
        written = self._written(update)
        if failing:
            found = self._writers.all_conflicts(task, written)
        else:
            found = self._writers.conflicts(task, task.lineage.writers, written)
        if found:
            raise Conflicted(found)

    def _written(self, update: Mapping[str, Kept]) -> dict[str, Any]:
        return {name: kept.value for name, kept in update.items() if self._merger.exclusive(name)}

    def close(self, task: Task, after: Lineage, step: StepNo, update: Mapping[str, Kept], *, drew: bool) -> None:
        """Write down who wrote; forget the past where one task alone is alive, and visits where luck came in."""
        if drew:
            after.visits = {}
        if self.frontier.alone():
            after.chain, after.writers = None, {}
            self._writers.clear()
        else:
            self._merger.link(after, task.id, step, update)
            self._writers.add(task, self._written(update))

    def edited(self, task: Task | None, after: Lineage, step: StepNo, update: Mapping[str, Kept]) -> None:
        """Write down that a person changed what ``task`` left: it is a write of that task's, and news to any cycle."""
        after.visits = {}
        if task is not None:
            self._merger.link(after, task.id, step, update)
            self._writers.replace(task, self._written(update))

    def edit_conflicts(self, task: Task, after: Lineage, update: Mapping[str, Kept]) -> list[Conflict]:
        """Return the conflicts that such a change makes."""
        return self._writers.conflicts(task, after.writers, self._written(update))

    def _row(
        self,
        step: StepNo,
        task: Task,
        after: Lineage,
        update: Mapping[str, Kept],
        results: Mapping[str, Kept],
        ways: Sequence[Way],
        facts: dict[str, Any],
        status: str = "done",
    ) -> StepRecord:
        if task.failed:
            facts["retried"] = task.failed
        if task.settled:
            facts["settled"] = self._decided(task.settled)
        row = step_record(
            self.run_id, step, task, status=status, update=update, results=results, ways=ways,
            facts=facts_text(facts), merger=self._merger,
        )  # fmt: skip
        self._planned = step
        if after.cost > 0 and snapshot_due(after):
            row = row._replace(snapshot=object_text(self._merger.texts(after)))
            after.cost = 0
        if step - self._marked >= MARK_EVERY and self.frontier.alone():
            row = row._replace(mark=mark_text(task.path, after, self._merger, self._seq))
            self._marked = step
        return row

    def _decided(self, fields: Sequence[str]) -> dict[str, Any]:
        """Return what is kept of concurrent writes between which ``conflicts`` decided."""
        return {"policy": self._merger.policy, "fields": list(fields)}

    # -- commits

    def note(self, kind: str, node: str = "", task: str = "", **data: Any) -> None:
        """Note an event; it becomes durable with the next commit."""
        self._seq += 1
        text = facts_text(data) if data else "{}"
        self._events.append(EventRecord(self._seq, self._planned, self._clock.now(), kind, node, task, text))

    def commit(self, entries: Sequence[Entry], status: RunStatus | None = None) -> None:
        """Make entries and noted events durable in one transaction, then tell the frontier."""
        rows = [entry.row for entry in entries if entry.row is not None]
        if rows or self._events or status is not None:
            blobs = self._merger.blobs
            events = self._events
            self._store.commit(self._lease, rows, events, status, blobs)
            self._events = []
            self._merger.blobs = {}
            if self.after_commit is not None:
                self.after_commit(rows, events, status)
        for entry in entries:
            step = StepNo(entry.row.step) if entry.row is not None else StepNo(0)
            self.step = max(self.step, step)
            self.ghosts += entry.row is None
            self.frontier.complete(entry.task, entry.after, step, entry.ways)

    def append(self, row: StepRecord) -> None:
        """Make a row durable that no task made: a person changed the state there."""
        blobs, self._merger.blobs = self._merger.blobs, {}
        self._store.commit(self._lease, [row], self._events, None, blobs)
        self._events = []
        self.step = self._planned = StepNo(row.step)
        if row.mark:
            self._marked = self.step

    def final(self) -> str:
        """Gather all branch ends; return where the final state is, as canonical JSON."""
        ends = sorted(self.frontier.ends, key=lambda arrival: (arrival.path, arrival.edge))
        gathered = self._merger.gather(ends)
        self.last = gathered.lineage
        self.settled = {"settled": self._decided(gathered.settled)} if gathered.settled else {}
        if not gathered.fold:
            return f'{{"base":{ends[0].step},"fold":[],"set":{{}}}}'
        values = {name: self._merger.text(name, value) for name, value in gathered.merged.items()}
        fold = dumps(gathered.fold, separators=(",", ":"))
        return object_text({
            "base": str(ends[0].step),
            "fold": fold,
            "set": object_text(values) if values else "{}",
        })  # fmt: skip


def _bad_result(task: Task, problem: TypeProblem) -> NbgraphError:
    return UpdateError(
        f"a reducer made a value of the wrong type from what node {task.node.name!r} returned: "
        f"{problem.path or 'it'} should be {problem.expected}, not {problem.actual}",
        still="nothing of this task was stored",
        todo="let the reducer return the field's type",
        node=task.node.name,
        expected=problem.expected,
        actual=problem.actual,
    )
