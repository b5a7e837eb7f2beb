"""Bringing a run's books to where its rows stand: each row is taken in as if its task had just finished.

Owns the reading of rows into a frontier, with the state of a mark as a short cut, with nodes under today's
names and with edited states. Runs no node's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from json import loads
from typing import Any, NamedTuple

from nbgraph.codec import decode
from nbgraph.engine.history import History
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Kept, Merger
from nbgraph.engine.record import marked, merged_text
from nbgraph.engine.routing import Way
from nbgraph.engine.task import Failure, Lineage, Task
from nbgraph.errors import StoreCorrupt
from nbgraph.graph.plan import NodePlan, Plan
from nbgraph.ids import RunId, StepNo, TaskId
from nbgraph.store.protocol import StepRecord, Store

EDITED = ("edited", "migrated")
"""Statuses of rows that no task made: a person changed the state there."""
Look = Callable[[Task, StepRecord], None]


class Held(NamedTuple):
    """A task that was taken in and has not been completed yet: an edit may follow. None: the input."""

    task: Task | None
    after: Lineage
    step: StepNo
    ways: list[Way]


class Restorer:
    """Takes a stored run into a ledger that has not begun."""

    def __init__(self, store: Store, run_id: RunId, plan: Plan, merger: Merger, ledger: Ledger) -> None:
        self._store, self._run_id, self._plan, self._merger, self._ledger = store, run_id, plan, merger, ledger
        self._today = today_of(plan)
        self._step, self._marked = StepNo(0), StepNo(0)
        self._history = History(store, run_id, merger.types)
        self._other = _other_reducers(plan, store.descriptions(run_id))

    def restore(self, look: Look | None = None, *, since: int | None = None) -> Held:
        """Take in all rows; return the last one, which ``complete`` is still to be told of.

        ``look`` is shown each task with its row before the row is taken in. ``since``: the mark to begin
        from, 0 for the input; None: the last one.
        """
        mark = self._store.last_mark(self._run_id) if since is None else since
        held = self._mark(mark) if mark else self._input()
        for row in self._store.steps(self._run_id, mark + 1):
            if row.status in EDITED:
                held = self._edited(held, row)
                continue
            self.complete(held)
            held = self._row(row, look)
        self._ledger.resumed(self._step, self._marked, len(self._store.events(self._run_id)))
        return held

    def complete(self, held: Held) -> None:
        """Tell the frontier of a task that was taken in."""
        if held.task is None:
            self._ledger.begin(held.after, held.step)
        else:
            self._ledger.frontier.complete(held.task, held.after, held.step, held.ways)

    def _input(self) -> Held:
        return Held(None, self._merger.initial(self._history.initial())[0], StepNo(0), [])

    def _mark(self, mark: int) -> Held:
        row = next(iter(self._store.steps(self._run_id, mark, mark)))
        lineage = self._lineage(self._history.fields_at(mark))
        path = marked(loads(row.mark), lineage)
        lineage.private = dict(self._decode(row.mark)["private"])
        of = loads(row.facts).get("of", row.task) if row.status in EDITED else row.task
        task = Task(TaskId(of), self._node(row), path, (), lineage)
        self._ledger.frontier.adopt(task)
        self._step = self._marked = StepNo(row.step)
        return Held(task, lineage, self._step, self._ways(row))

    def _lineage(self, fields: Mapping[str, Any]) -> Lineage:
        lineage = Lineage({})
        self._place(lineage, fields)
        return lineage

    def _place(self, lineage: Lineage, fields: Mapping[str, Any]) -> None:
        """Put values as they were recorded, whatever today's reducers would make."""
        for name, value in fields.items():
            self._merger.place(lineage, name, value)

    def _row(self, row: StepRecord, look: Look | None) -> Held:
        task = self._ledger.frontier.pick(TaskId(row.task))
        if task is None:
            raise _astray(self._run_id, row, self._store.name)
        other = next((names for first, names in reversed(self._other) if first <= row.step), set())
        if row.merged and (other or merged_text(task, self._merger) != row.merged):
            self._place(task.lineage, self._history.gathered(row))
        if look is not None:
            look(task, row)
        update, results = self._kept(row.update), self._kept(row.results)
        facts = loads(row.facts) if row.facts else {}
        after = self._ledger.after(task)
        self._merger.write(after, {name: kept for name, kept in update.items() if name not in other}, results)
        if other & update.keys():
            then = self._history.fields_at(row.step)
            self._place(after, {name: then[name] for name in sorted(other & update.keys()) if name in then})
        self._ledger.close(task, after, StepNo(row.step), update, drew=bool(facts.get("drew")))
        if row.status == "caught":
            after.errors = (*after.errors, Failure(*facts["caught"]))
        return self._taken(row, task, after)

    def _edited(self, held: Held, row: StepRecord) -> Held:
        """Take in what a person changed after the task before: its way on is from here."""
        update, results = self._kept(row.update), self._kept(row.results)
        replaced = {name: results[name] for name in loads(row.facts).get("replaced", ())}
        self._merger.write(held.after, update, results)
        self._merger.put(held.after, replaced)
        self._ledger.edited(held.task, held.after, StepNo(row.step), {**update, **replaced})
        return self._taken(row, held.task, held.after)

    def _taken(self, row: StepRecord, task: Task | None, after: Lineage) -> Held:
        if row.snapshot:
            after.cost = 0
        self._step = StepNo(row.step)
        if row.mark:
            self._marked = self._step
        return Held(task, after, self._step, self._ways(row))

    def _decode(self, text: str) -> Any:
        return decode(text, types=self._merger.types, blob=self._store.blob, frozen=True)

    def _kept(self, text: str) -> dict[str, Kept]:
        fields = self._decode(text) if text else {}
        return {name: self._merger.keep(name, value) for name, value in fields.items()}

    def _ways(self, row: StepRecord) -> list[Way]:
        ways = self._decode(row.arrivals) if row.arrivals else []
        return [
            Way(way[0], self._name(way[1], row), dict(way[2]) if len(way) > 2 else None, len(way) > 2) for way in ways
        ]

    def _name(self, recorded: str, row: StepRecord) -> str:
        """Return a recorded node's name of today."""
        name = self._today.get(recorded, recorded)
        if name not in self._plan.nodes:
            raise _gone(self._run_id, row, recorded)
        return name

    def _node(self, row: StepRecord) -> NodePlan:
        return self._plan.nodes[self._name(row.node, row)]


def today_of(plan: Plan) -> dict[str, str]:
    """Return recorded name -> today's of the nodes that had other names before."""
    return {old: node.name for node in plan.nodes.values() for old in node.aliases if old not in plan.nodes}


def names_of(plan: Plan, descriptions: list[str]) -> dict[str, str]:
    """Return today's name -> recorded name of the nodes that were renamed since a run began.

    ``descriptions``: of the graphs that the run followed, oldest first. A node's identity is the name under
    which the run first knew it.
    """
    known = [{node["name"] for node in loads(text)["nodes"]} for text in descriptions]
    names = {}
    for node in plan.nodes.values():
        called = (node.name, *(old for old in node.aliases if old not in plan.nodes))
        first = next((name for nodes in known for name in called if name in nodes), node.name)
        if first != node.name:
            names[node.name] = first
    return names


def _other_reducers(plan: Plan, descriptions: Iterable[tuple[int, str, str]]) -> list[tuple[int, set[str]]]:
    """Return, from which step on, the fields that were taken in by another reducer than today's."""
    return [(first, other_reducers(plan, loads(text))) for first, _, text in descriptions]


def other_reducers(plan: Plan, then: Mapping[str, Any]) -> set[str]:
    """Return the fields that a graph of the description ``then`` takes in by another reducer than today's."""
    other = bool(then.get("reducer")) != (plan.reducer is not None)
    reducers = {name: facts["reducer"] for name, facts in then.get("fields", {}).items()}
    names = {*reducers, *plan.schema.fields}
    now = {name: plan.schema.spec(name).reducer.name for name in names}
    return {name for name in names if other or reducers.get(name, "set") != now[name]}


def _astray(run_id: str, row: StepRecord, file: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"step {row.step} of run {run_id!r} (node {row.node!r}) does not follow from the steps before it",
        still="the file was not changed",
        todo="the graph's edges have changed since: resume with the graph as it was, fork before that step, or start "
        "a new run",
        run_id=run_id,
        step=row.step,
        node=row.node,
        task=row.task,
        file=file,
    )


def _gone(run_id: str, row: StepRecord, node: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"step {row.step} of run {run_id!r} knows node {node!r}, which the graph no longer has",
        still="the file was not changed",
        todo=f"bring the node back, say what it is called now (@graph.node(aliases=[{node!r}])), or start a new run",
        run_id=run_id,
        step=row.step,
        node=node,
    )
