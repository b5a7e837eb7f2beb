"""Which tasks may run: arrivals come in, tasks that are ready come out.

Owns readiness (DESIGN section 3, rule 2). A node fires once for all its arrivals, as soon as no live
task can still reach it; what it gathers is therefore a function of the graph, not of timing. No
thread, no clock, no store: the loop tells it what finished, and it answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from nbgraph.engine.merge import Merger
from nbgraph.engine.order import Path, arrival_path, gather_path
from nbgraph.engine.routing import Way
from nbgraph.engine.task import Arrival, Lineage, Signature, Task, Visits
from nbgraph.errors import NoProgressError
from nbgraph.graph.plan import NodePlan, Plan
from nbgraph.ids import StepNo, TaskId, task_id

_NEVER = Visits()


class Frontier:
    """The living edge of a run: ready tasks, live tasks by node, and arrivals that wait to be gathered."""

    def __init__(self, plan: Plan, merger: Merger, names: Mapping[str, str] | None = None) -> None:
        self._plan, self._merger = plan, merger
        self.names: Mapping[str, str] = names or {}
        """Node -> the name that its tasks' ids are made of, where it was renamed while the run went on."""
        self._live: dict[str, int] = {}
        self._pending: dict[str, list[Arrival]] = {}
        self.alive = 0
        """Tasks that are ready or running."""
        self.ready: list[Task] = []
        """A heap: the first in canonical order comes first."""
        self.haunted = False
        """A conflict was found: what fires from now on is never stored."""
        self.stuck: set[str] = set()
        """Nodes with a task that failed for good; it stays alive."""
        self.ends: list[Arrival] = []
        """Branch ends, for the final state."""

    def begin(self, root: Arrival) -> None:
        """Fire the start node."""
        self._fire(self._plan.nodes[self._plan.start], [root])

    def adopt(self, task: Task) -> None:
        """Count a task that is about to be completed from the record."""
        self.alive += 1
        self._live[task.node.name] = self._live.get(task.node.name, 0) + 1

    def take(self) -> Task:
        """Remove and return the first ready task."""
        return heappop(self.ready)

    def put_back(self, task: Task) -> None:
        """Make a live task ready again. One that failed stays alive: what it may still reach must wait for it."""
        heappush(self.ready, task)

    def pick(self, task: TaskId) -> Task | None:
        """Remove and return a ready task by its id, None if it is not there."""
        for place, candidate in enumerate(self.ready):
            if candidate.id == task:
                self.ready[place] = self.ready[-1]
                self.ready.pop()
                heapify(self.ready)
                return candidate
        return None

    def alone(self) -> bool:
        """Say whether exactly one task is alive and nothing waits to be gathered."""
        return self.alive == 1 and not self._pending and not self.ends

    @property
    def pending(self) -> bool:
        """True while arrivals wait to be gathered, or branches have ended."""
        return bool(self._pending or self.ends)

    def waiting(self) -> list[str]:
        """Return the nodes at which arrivals wait to be gathered."""
        return list(self._pending)

    def complete(self, task: Task, after: Lineage, step: StepNo, ways: Sequence[Way]) -> None:
        """Note that ``task`` finished and took ``ways``; whatever that makes ready is in ``ready``."""
        self._end(task)
        fan_out = len(ways)
        if fan_out == 1 and not (self.alive or self._pending or ways[0].private):
            (way,) = ways
            path = arrival_path(task.path, 0, 1)
            self._fire_one(self._plan.nodes[way.target], Arrival(task.id, step, way.edge, path, after, task.ghost))
            return
        if not fan_out:
            self.ends.append(Arrival(task.id, step, "end", task.path, after, task.ghost))
        for branch, way in enumerate(ways):
            lineage = self._private(after, way)
            path = arrival_path(task.path, branch, fan_out)
            arrival = Arrival(task.id, step, way.edge, path, lineage, task.ghost)
            node = self._plan.nodes[way.target]
            if way.alone or node.join_each:
                self._fire_one(node, arrival)
            else:
                self._pending.setdefault(way.target, []).append(arrival)
        if self._pending:
            self._gather()

    def _end(self, task: Task) -> None:
        self.alive -= 1
        self._live[task.node.name] -= 1

    def _private(self, after: Lineage, way: Way) -> Lineage:
        if not way.private:
            return after
        lineage = self._merger.branch(after)
        lineage.private = {**after.private, **way.private}
        return lineage

    def _gather(self) -> None:
        """Fire every node whose arrivals are complete, until none is left."""
        while name := next((name for name in self._pending if not self._blocked(name)), None):
            self._fire(self._plan.nodes[name], self._pending.pop(name))

    def _blocked(self, name: str) -> bool:
        reached_by = self._plan.reached_by[name]
        if any(count and node in reached_by for node, count in self._live.items()):
            return True
        return any(self._goes_first(other, name) for other in self._pending if other != name and other in reached_by)

    def _goes_first(self, other: str, name: str) -> bool:
        """Of two nodes that wait for each other the one declared first fires; else the one upstream."""
        nodes = self._plan.nodes
        return name not in self._plan.reached_by[other] or nodes[other].declared < nodes[name].declared

    def waits_before(self, bound: Path) -> Task | None:
        """Return a ready task behind ``bound`` that keeps a gather before ``bound`` waiting, or None.

        A gather that a failed task can still reach waits for its repair, whoever else runs.
        """
        for name, arrivals in self._pending.items():
            reached_by = self._plan.reached_by[name]
            if not self.stuck & reached_by and self._path(self._plan.nodes[name], arrivals) < bound:
                for task in sorted(self.ready):
                    if task.node.name in reached_by:
                        return task
        return None

    def _path(self, node: NodePlan, arrivals: Sequence[Arrival]) -> Path:
        return gather_path(sorted(arrival.path for arrival in arrivals), node.place)

    def _fire_one(self, node: NodePlan, arrival: Arrival) -> None:
        identity = task_id(((arrival.parent, arrival.edge),), self.names.get(node.name, node.name))
        parents = ((arrival.step, arrival.edge),)
        ghost = arrival.ghost or self.haunted
        self._ready(Task(identity, node, arrival.path, parents, arrival.lineage, ghost=ghost))

    def _ready(self, task: Task) -> None:
        if task.node.cyclic:
            self._visit(task)
        self.adopt(task)
        heappush(self.ready, task)

    def _fire(self, node: NodePlan, arrivals: list[Arrival]) -> None:
        if len(arrivals) == 1:
            self._fire_one(node, arrivals[0])
            return
        arrivals.sort(key=lambda arrival: (arrival.path, arrival.edge))
        try:
            gathered, problem = self._merger.gather(arrivals), None
        except Exception as error:  # noqa: BLE001 - a user's reducer may raise anything; it becomes the task's failure
            gathered, problem = self._merger.gather(arrivals[:1]), error
        task = Task(
            task_id([(arrival.parent, arrival.edge) for arrival in arrivals], self.names.get(node.name, node.name)),
            node,
            gather_path([arrival.path for arrival in arrivals], node.place),
            tuple([(arrival.step, arrival.edge) for arrival in arrivals]),
            gathered.lineage,
            gathered.fold,
            gathered.merged,
            gathered.settled,
            ghost=self.haunted or any(arrival.ghost for arrival in arrivals),
            problem=problem,
        )
        self._ready(task)

    def _visit(self, task: Task) -> None:
        """Note that the lineage comes by a node in a cycle; with the same state as before, it always will."""
        lineage = task.lineage
        signature = self._signature(lineage)
        visits = lineage.visits.get(task.node.name, _NEVER)
        if visits.seen(signature):
            task.problem = NoProgressError(
                f"node {task.node.name!r} is reached again with the same state, and nothing from outside was used "
                "since: the cycle can never end",
                still="every committed step is kept",
                todo="let a node of the cycle change the state, or give the cycle a way out",
                node=task.node.name,
                task=task.id,
            )
        task.visits = {**lineage.visits, task.node.name: visits.add(signature)}

    def _signature(self, lineage: Lineage) -> Signature:
        digests = sorted(lineage.digests.items())
        if lineage.private:
            digests += sorted((f"~{name}", self._merger.text(name, value)) for name, value in lineage.private.items())
        return tuple(digests)
