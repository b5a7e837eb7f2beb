"""Runs the nodes of a recorded run again, each with exactly its recorded input, and compares.

Owns the walk: row by row in commit order, taking each row in as it was recorded, so that one difference does
not become many. Writes nothing; every node runs by itself, so nothing depends on timing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import copy_context
from json import loads
from typing import Any

from nbgraph.analysis.calls import around
from nbgraph.engine.attempt import Assignment, Outcome, Surroundings, aperform, isolated, perform, prepare
from nbgraph.engine.calls.outcome import words
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Merger
from nbgraph.engine.options import Options
from nbgraph.engine.printing import routed, shows
from nbgraph.engine.readonly import refusal
from nbgraph.engine.replay.compare import differences, mismatch
from nbgraph.engine.replay.owners import Owners
from nbgraph.engine.replay.quiet import Guard, QuietLoop, guarded
from nbgraph.engine.replay.recorded import RecordedDesk, taken
from nbgraph.engine.replay.report import Replay, saved_by
from nbgraph.engine.replay.turns import Taken
from nbgraph.engine.restoring import EDITED, Restorer, names_of, today_of
from nbgraph.engine.task import Task
from nbgraph.errors import NbgraphError, ReplayMismatchError, StoreCorrupt
from nbgraph.graph.plan import Plan
from nbgraph.ids import RunId
from nbgraph.prices import prices_of
from nbgraph.store.protocol import CallRecord, EventRecord, Lease, StepRecord, Store


class _EnoughError(Exception):
    """The first difference was found, and one is enough."""


class Replayer:
    """Replays one run with today's plan. What nodes print is shown or dropped, as the options say of a live run."""

    def __init__(self, store: Store, run_id: str, plan: Plan, merger: Merger, options: Options) -> None:
        self._store, self._plan, self._merger = store, plan, merger
        self._clock, self._redact, self._show = options.clock, options.redact, shows(options.prints)
        self._prices = options.prices
        self._run_id = RunId(run_id)
        self._owners = Owners(store, run_id)
        descriptions = [text for _, _, text in store.descriptions(run_id)]
        self._fields = [(first, loads(text)["fields"]) for first, _, text in store.descriptions(run_id)]
        names = names_of(plan, descriptions)
        self._today = today_of(plan)
        self._ledger = Ledger(store, Lease(run_id, 0, ""), plan, merger, self._clock, names)
        self._variables = copy_context()
        self._loop: QuietLoop | None = None
        self._guard = Guard()
        self.problems: list[NbgraphError] = []
        self.rows: dict[str, StepRecord] = {}
        """Task -> the row that it would get today."""
        self.skipped: list[tuple[int, str, str]] = []
        self.tasks = self.calls = 0
        self._served: list[CallRecord] = []
        # Read before the rows: what drives the run meanwhile only adds to them.
        self._recorded = store.run(run_id).status.final
        self._failed = last_failures(store.events(run_id))

    def replay(self, *, strict: bool) -> None:
        """Go through the run; with ``strict`` up to the first difference. What was found is in ``problems``."""
        try:
            with routed(), guarded() as self._guard:
                self._walk(strict=strict)
        except _EnoughError:
            pass
        finally:
            if self._loop is not None:
                self._loop.settle()
                self._loop.close()

    def _walk(self, *, strict: bool) -> None:
        restorer = Restorer(self._store, self._run_id, self._plan, self._merger, self._ledger)
        since = last_migration(self._store.steps(self._run_id))
        for row in self._store.steps(self._run_id, 1, since) if since else ():
            if row.status not in EDITED:
                self.skipped.append(
                    (row.step, row.node, f"it saw the state as it was before the migration at step {since}")
                )

        def look(task: Task, row: StepRecord) -> None:
            self._look(task, row)
            if strict and self.problems:
                raise _EnoughError

        try:
            held = restorer.restore(look, since=since)
        except StoreCorrupt as error:
            if error.node is None:  # the file's bytes, not where today's graph leads
                raise
            self.problems.append(_elsewhere(error))
            return
        restorer.complete(held)
        self._failures()
        self._final()

    # -- one task

    def _look(self, task: Task, row: StepRecord) -> None:
        if task.node.fn is None:
            return
        facts = loads(row.facts) if row.facts else {}
        if task.problem is not None:
            self.problems.append(
                mismatch(row, "error", "no error", _raised(task.problem), "cannot begin, as it did then")
            )
            return
        if row.status == "caught" and facts["caught"][1] == "NodeTimeoutError":
            self.skipped.append((row.step, row.node, "it took too long then; how long it takes is not recorded"))
            return
        task.attempt = row.attempts
        run_id, seed = self._owners.of(row.step)
        used = facts.get("calls", ())
        calls = taken(self._owners.calls(run_id, row.task, used), used)
        where = {"step": row.step, "node": row.node, "task": row.task}
        desk = RecordedDesk(
            calls, facts.get("now", ()), self._store.blob, self._redact,
            self._merger.types, where, facts.get("turns", ()),
        )  # fmt: skip
        outcome = self._perform(task, desk, run_id, seed)
        self.tasks += 1
        self._count(calls, desk)
        self.problems += self._compared(task, row, outcome, desk, facts)

    def _count(self, calls: Iterable[Taken], desk: RecordedDesk) -> None:
        self.calls += len(desk.used)
        used = set(desk.used)
        served = {call.end.name for call in calls if call.end.seq in used}
        for call in calls:
            if served.intersection((call.end.name, *around(call.end.name))):
                began = call.end._replace(seq=call.begin, phase="started", data=call.request)
                self._served += [call.end] if call.begin == call.end.seq else [began, call.end]

    def _perform(self, task: Task, desk: RecordedDesk, run_id: RunId, seed: int) -> Outcome:
        around = Surroundings(run_id, seed, self._clock, lambda _: desk, show=self._show)
        assignment = prepare(task, self._plan.schema, around, self._variables.copy())
        outcome = self._on_loop(assignment, desk) if task.node.is_async else perform(assignment)
        if self._guard.refused:
            desk.refuse(self._guard.refused[0])
            self._guard.refused.clear()
        return outcome

    def _on_loop(self, assignment: Assignment, desk: RecordedDesk) -> Outcome:

        loop = self._loop = self._loop or QuietLoop()
        loop.idle = desk.idle
        outcome = loop.run_until_complete(loop.create_task(aperform(assignment), context=assignment.variables))
        loop.settle()
        return outcome

    def _compared(
        self, task: Task, row: StepRecord, outcome: Outcome, desk: RecordedDesk, facts: Mapping[str, Any]
    ) -> list[NbgraphError]:
        error = outcome.error or isolated(outcome.assignment, self._plan.schema)
        if error is not None:
            error = refusal(error, outcome.assignment.state) or error
        wrong = desk.left() if error is None or row.status == "caught" else desk.problem
        if wrong is not None:
            return [wrong]
        if row.status == "caught":
            return self._caught(row, error, facts["caught"])
        if error is not None:
            return [mismatch(row, "error", "no error", _raised(error), "raised, which it did not then")]
        return self._same_reducers(row) or self._same_row(task, row, outcome)

    def _same_row(self, task: Task, row: StepRecord, outcome: Outcome) -> list[NbgraphError]:
        try:
            entry = self._ledger.done(outcome, failing=False, noted=True)
        except Exception as error:  # noqa: BLE001 - a predicate, a reducer or a value of the user's may raise anything
            return [mismatch(row, "error", "no error", _raised(error), "failed after it returned")]
        assert entry.row is not None  # noqa: S101 - a replayed task is no ghost
        self.rows[task.id] = entry.row._replace(step=row.step, parents=row.parents, base=row.base, facts=row.facts)
        return list(differences(row, entry.row, self._today))

    def _same_reducers(self, row: StepRecord) -> list[NbgraphError]:
        """Return which fields of the row's update are taken in by another reducer today."""
        recorded: Mapping[str, Any] = next(
            (fields for first, fields in reversed(self._fields) if first <= row.step), {}
        )
        found: list[NbgraphError] = []
        for name in sorted(loads(row.update)) if row.update else ():
            before = recorded.get(name, {}).get("reducer", "set")
            now = self._merger.spec(name).reducer.name
            if before != now:
                found.append(mismatch(row, name, before, now, f"updates {name!r}, whose reducer is another"))
        return found

    def _caught(self, row: StepRecord, error: BaseException | None, then: Any) -> list[NbgraphError]:
        recorded = f"{then[1]}: {then[2]}"
        now = _raised(error) if error is not None else "no error"
        return [] if recorded == now else [mismatch(row, "error", recorded, now, "does not fail as it did")]

    # -- ends

    def _failures(self) -> None:
        """Run the nodes whose failure stands again: they should fail as they did."""
        for task in sorted(self._ledger.frontier.ready):
            event = self._failed.get(task.id)
            if event is None or task.problem is not None or task.node.fn is None:
                self.skipped.append((0, task.node.name, "it had not finished"))
                continue
            facts = loads(event.data)
            self._fail_again(task, event, facts)

    def _fail_again(self, task: Task, event: EventRecord, facts: Mapping[str, Any]) -> None:
        raised = facts.get("raised", "")
        if raised.startswith("NodeTimeoutError"):
            self.skipped.append((0, task.node.name, "it took too long then; how long it takes is not recorded"))
            return
        run_id, seed = self._owners.now
        used = facts.get("calls", ())
        calls = taken(self._owners.calls(run_id, task.id, used), used)
        where = {"node": task.node.name, "task": task.id, "step": event.step + 1}
        desk = RecordedDesk(
            calls, facts.get("now", ()), self._store.blob, self._redact, self._merger.types, where,
            facts.get("turns", ()),
        )  # fmt: skip
        outcome = self._perform(task, desk, run_id, seed)
        self.tasks += 1
        self._count(calls, desk)
        error = outcome.error or isolated(outcome.assignment, self._plan.schema)
        if error is None:
            error = self._unreturnable(outcome)
        now = "no error" if error is None else _raised(error)
        if desk.problem is not None:
            self.problems.append(desk.problem)
        elif now != raised:
            row = _stand_in(task, event)
            self.problems.append(mismatch(row, "error", raised, now, "does not fail as it did"))

    def _unreturnable(self, outcome: Outcome) -> BaseException | None:
        try:
            self._ledger.done(outcome, failing=False, noted=True)
        except Exception as error:  # noqa: BLE001 - see _same_row
            return error
        return None

    def _final(self) -> None:
        recorded = self._recorded
        if not recorded or self.problems:
            return
        row = StepRecord(self._ledger.step, "", "(final state)", "done", 1, 0, *[""] * 9)
        try:
            final = self._ledger.final()
        except Exception as error:  # noqa: BLE001 - see _same_row
            self.problems.append(mismatch(row, "error", "no error", _raised(error), "cannot be gathered any more"))
            return
        if final != recorded:
            self.problems.append(mismatch(row, "(final state)", recorded, final, "is gathered to another end"))

    def report(self, state: Any) -> Replay:
        """Return what was found."""
        problems = tuple(sorted(self.problems, key=lambda error: error.step or 0))
        saved = saved_by(self._served, prices_of(self._prices))
        return Replay(
            self._run_id, self.tasks, tuple(self.skipped), self.calls, problems, state, dict(self.rows), saved
        )


def last_migration(rows: Iterable[StepRecord]) -> int:
    """Return the last step at which the state was brought to another schema, 0 if none."""
    return max((row.step for row in rows if row.status == EDITED[1]), default=0)


def last_failures(events: Iterable[EventRecord]) -> dict[str, EventRecord]:
    """Return the last failure of each task, since the run was last resumed."""
    failed: dict[str, EventRecord] = {}
    for event in events:
        if event.kind == "run.resumed":
            failed.clear()
        elif event.kind == "task.failed":
            failed[event.task] = event
    return failed


def _elsewhere(error: StoreCorrupt) -> ReplayMismatchError:
    """Return the difference that ends a replay: today's graph does not lead to a recorded step at all."""
    return ReplayMismatchError(
        f"{error.message}; what comes after it was not compared",
        still="nothing was called and nothing was written",
        todo=error.todo,
        step=error.step,
        node=error.node,
        task=error.task,
        field="task",
        expected=f"node {error.node}",
        actual="no such task",
    )


def _raised(error: BaseException) -> str:
    return f"{type(error).__name__}: {words(error)}"


def _stand_in(task: Task, event: EventRecord) -> StepRecord:
    """Return what stands for the row that a failed task does not have."""
    return StepRecord(event.step + 1, task.id, task.node.name, "failed", task.attempt, 0, *[""] * 9)
