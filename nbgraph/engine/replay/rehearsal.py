"""One task again, alone: its recorded input, its calls answered by the record of that attempt, today's function.

Owns finding the task and standing in for its surroundings, for whoever wants to look at a node closely. Calls
nothing, writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from json import loads
from typing import Any, NamedTuple

from nbgraph.engine.attempt import Assignment, Surroundings, prepare
from nbgraph.engine.calls.book import home_in
from nbgraph.engine.calls.request import at_home
from nbgraph.engine.calls.through import unpacked
from nbgraph.engine.context import Context
from nbgraph.engine.continuing import standing
from nbgraph.engine.merge import Merger
from nbgraph.engine.options import Options
from nbgraph.engine.replay.owners import Owners
from nbgraph.engine.replay.quiet import QuietLoop, guarded
from nbgraph.engine.replay.recorded import RecordedDesk, taken
from nbgraph.engine.replay.replayer import last_failures, last_migration
from nbgraph.engine.replay.turns import Taken
from nbgraph.engine.restoring import EDITED
from nbgraph.engine.task import Task
from nbgraph.errors import NbgraphError, RunError
from nbgraph.graph.plan import Plan
from nbgraph.graph.schema import Schema
from nbgraph.ids import RunId
from nbgraph.store.protocol import EventRecord, Lease, StepRecord, Store


class _FoundError(Exception):
    """The walk has come to the task that was looked for."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task


class _Memory(RecordedDesk):
    """Answers what the record knows, in whatever order it is asked: today's code may ask in another one."""

    def _recorded(self, name: str, digest: str, home: str) -> Taken | None:
        same = [call for call in self._asked.get(digest, ()) if call.end.seq not in self._served]
        found = next((call for call in same if call.end.name == name), same[0] if same else None)
        return found if found is None or at_home(home_in(found.request), home) else None

    def _unanswered(self, name: str, label: str, text: str) -> NbgraphError:
        return self._missing(f"calls {label}", name, text)

    def _at(self) -> str:
        return f"node {self._where['node']!r}"


class Act(NamedTuple):
    """A task as it was recorded: what it used, and where. ``step`` is 0 where it did not finish."""

    task: Task
    step: int
    facts: Mapping[str, Any]


class Rehearsal:
    """A task that can be called again and again, each time as it was then.

    ``node``, ``task`` and ``step`` (0: it did not finish) say which. ``error`` is what it raised then, in words, ""
    where it did not.
    """

    def __init__(self, act: Act, schema: Schema, around: Callable[[RecordedDesk], Surroundings],
                 desk: Callable[[], RecordedDesk]) -> None:  # fmt: skip
        self._act, self._schema, self._around, self._desk = act, schema, around, desk
        self.node, self.task, self.step = act.task.node.name, str(act.task.id), act.step
        raised = act.facts.get("caught")
        self.error: str = f"{raised[1]}: {raised[2]}" if raised else act.facts.get("raised", "")
        self._now: tuple[Assignment, RecordedDesk] | None = None

    def _prepared(self) -> tuple[Assignment, RecordedDesk]:
        """Return the next call's assignment; what was taken of it is the same until it is called."""
        if self._now is None:
            desk = self._desk()
            self._now = prepare(self._act.task, self._schema, self._around(desk), copy_context()), desk
        return self._now

    @property
    def fn(self) -> Callable[..., Any]:
        """The node's function, as it is today."""
        fn: Callable[..., Any] = self._act.task.node.fn  # type: ignore[assignment]  # a gather is not rehearsed
        return fn

    @property
    def state(self) -> Any:
        """What the node is called with."""
        return self._prepared()[0].given

    @property
    def ctx(self) -> Context:
        """Its context: calls, clock and answers come from the record; ``MissingCallError`` where that has none."""
        return self._prepared()[0].context()

    def call(self, through: Callable[..., Any] | None = None) -> Any:
        """Call the node; return what it returns, raise what it raises, with its own traceback.

        ``through(fn, *args)`` makes the call in its place: ``pdb.Pdb().runcall`` to walk through it. An async node
        runs on a loop of its own, on a thread beside where a loop runs here.
        """
        (assignment, desk), self._now = self._prepared(), None
        if assignment.task.problem is not None:
            raise assignment.task.problem
        if assignment.task.node.is_async:
            from nbgraph.engine.host import off_loop  # noqa: PLC0415 - asyncio, where there are async nodes

            return off_loop(partial(_awaited, assignment, desk, through))
        with guarded(), unpacked():
            return assignment.variables.run(through or _plainly, self.fn, *assignment.arguments)

    def __repr__(self) -> str:
        place = f"step {self.step}" if self.step else "which did not finish"
        told = f", it raised {self.error}" if self.error else ""
        return f"<Rehearsal of {self.node!r}, {place}{told}>"


def _plainly(fn: Callable[..., Any], *args: Any) -> Any:
    return fn(*args)


def _awaited(assignment: Assignment, desk: RecordedDesk, through: Callable[..., Any] | None) -> Any:

    loop = QuietLoop()
    loop.idle = desk.idle
    try:
        with guarded(), unpacked():
            coroutine = assignment.task.node.fn(*assignment.arguments)  # type: ignore[misc]  # see ``fn``
            task = loop.create_task(coroutine, context=assignment.variables)
            return (through or _plainly)(loop.run_until_complete, task)
    finally:
        loop.settle()
        loop.close()


def rehearse(
    store: Store, run_id: str, plan: Plan, merger: Merger, options: Options, which: str | int | None
) -> Rehearsal:
    """Return a task of a run, ready to be called; see ``Run.rehearse``."""
    stage = _Stage(store, run_id, plan, merger, options)
    act = stage.first_failure() if which is None else stage.step(which) if isinstance(which, int) else stage.find(which)
    if act.task.node.fn is None:
        raise _nothing(run_id, f"{act.task.node.name!r} is the end of a subgraph, which runs no code")
    return Rehearsal(act, plan.schema, *stage.conditions(act))


class _Stage:
    """One run, to find a task in and to put it into its surroundings again."""

    def __init__(self, store: Store, run_id: str, plan: Plan, merger: Merger, options: Options) -> None:
        self._store, self._run_id, self._plan, self._merger, self._options = store, run_id, plan, merger, options
        self._events = store.events(run_id)
        self._failed = last_failures(self._events)

    # -- finding

    def first_failure(self) -> Act:
        failed = [task for task in self._unfinished() if task.id in self._failed]
        if not failed:
            raise _nothing(self._run_id, "no task of it has failed")
        return self._unfinished_act(failed[0])

    def find(self, name: str) -> Act:
        """Return a task by its id or its beginning, or by its node: that did not finish, else the last that did."""
        open_tasks = self._unfinished()
        for task in (*(one for one in open_tasks if one.id in self._failed), *open_tasks):
            if _is(name, task.node.name, task.id):
                return self._unfinished_act(task)
        rows = [
            row for row in self._store.steps(self._run_id) if row.status not in EDITED and _is(name, row.node, row.task)
        ]
        if not rows:
            raise _nothing(self._run_id, f"it has no task and no node {name!r}")
        return self.step(rows[-1].step)

    def step(self, step: int) -> Act:
        row = next(iter(self._store.steps(self._run_id, step, step)), None)
        if row is None or row.status in EDITED:
            raise _nothing(self._run_id, f"step {step} is no task's" if row else f"it has no step {step}")
        since = last_migration(self._store.steps(self._run_id))
        if step <= since:
            raise _nothing(self._run_id, f"step {step} saw the state as it was before the migration at step {since}")

        def look(task: Task, other: StepRecord) -> None:
            if other.step == step:
                raise _FoundError(task)

        _, restorer = self._standing()
        last = self._store.last_mark(self._run_id)
        try:
            restorer.restore(look, since=last if since <= last < step else since)
        except _FoundError as found:
            found.task.attempt = row.attempts
            return Act(found.task, step, loads(row.facts or "{}"))
        raise _nothing(self._run_id, f"step {step} is not there any more")

    def _standing(self) -> Any:
        return standing(self._store, Lease(self._run_id, 0, ""), self._plan, self._merger, self._options)

    def _unfinished(self) -> list[Task]:
        if self._store.run(self._run_id).status.status == "completed":
            return []
        ledger, restorer = self._standing()
        restorer.complete(restorer.restore())
        return sorted(ledger.frontier.ready)

    def _unfinished_act(self, task: Task) -> Act:
        event = self._failed.get(task.id)
        task.attempt = 1 + sum(_retried(other, task) for other in _since_resumed(self._events))
        return Act(task, 0, loads(event.data) if event is not None else {"calls": self._ended(task)})

    def _ended(self, task: Task) -> list[int]:
        """Return what a task that was interrupted has in the log: every call that came to its end."""
        lines = Owners(self._store, self._run_id).calls(self._run_id, task.id)
        return [line.seq for line in lines if line.phase in ("returned", "raised", "answered")]

    # -- its surroundings

    def conditions(self, act: Act) -> tuple[Callable[[RecordedDesk], Surroundings], Callable[[], RecordedDesk]]:
        """Return what the task has around it, and what answers its calls, anew for each time that it is called."""
        owners = Owners(self._store, self._run_id)
        run_id, seed = owners.of(act.step) if act.step else owners.now
        used = act.facts.get("calls", ())
        calls = taken(owners.calls(run_id, act.task.id, used), used)
        where = {"node": act.task.node.name, "task": act.task.id, "step": act.step or None}
        clock, redact, types = self._options.clock, self._options.redact, self._merger.types
        turns = act.facts.get("turns", ())
        desk = partial(_Memory, calls, act.facts.get("now", ()), self._store.blob, redact, types, where, turns)
        return lambda desk: Surroundings(RunId(run_id), seed, clock, lambda _: desk), desk


def _is(name: str, node: str, task: str) -> bool:
    return name == node or (len(name) >= 6 and task.startswith(name))


def _since_resumed(events: Any) -> list[EventRecord]:
    last = max((place for place, event in enumerate(events) if event.kind == "run.resumed"), default=-1)
    return list(events[last + 1 :])


def _retried(event: EventRecord, task: Task) -> bool:
    return event.kind == "task.retried" and event.task == task.id


def _nothing(run_id: str, why: str) -> RunError:
    return RunError(
        f"there is nothing to rehearse in run {run_id!r}: {why}",
        still="nothing was called and nothing was written",
        todo="name a step, a task's id or a node: run.rehearse(3); they are in run.tasks",
        run_id=run_id,
    )
