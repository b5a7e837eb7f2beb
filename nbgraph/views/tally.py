"""How far each node and link of a graph is, counted from a run's rows and events as they come.

Owns the counting, and which status a node shows. Pure and incremental: what comes is looked at once, and the cost of
a step does not grow with the run. Knows nothing of how it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from json import loads
from typing import NamedTuple

from nbgraph.store.protocol import EventRecord, StepRecord
from nbgraph.views.costing.spending import Spending
from nbgraph.views.subject import News, Running, Subject
from nbgraph.views.topology import Topology, topology_of_run
from nbgraph.views.untaken import EDITS, Untaken
from nbgraph.views.ways import Ways


class NodeFacts(NamedTuple):
    """One node, or one link's worth of it, in numbers. ``status`` is a key of ``palette.STATUSES``."""

    status: str = "idle"
    done: int = 0
    """Steps committed."""
    failed: int = 0
    """Tasks that failed for good, those that an ``on_error`` edge took over included."""
    running: int = 0
    ready: int = 0
    """Tasks that could start and wait for a worker."""
    waiting: int = 0
    """Tasks with an open question to a person."""
    retried: int = 0
    """Attempts beyond the first, of all tasks."""
    reused: int = 0
    """Of ``done``: shared with the origin of a fork, or committed before a resume."""
    seconds: float = 0.0
    """Inside the node, all its steps together."""
    cost: str = ""
    """What its calls cost, as text, "$?" where nobody knows; "" where they use no model."""
    stale: bool = False
    """Its code has changed since the run used it."""


class _Count:
    """One node while it is counted."""

    __slots__ = ("caught", "done", "kept", "retried", "seconds")

    def __init__(self) -> None:
        self.done = self.caught = self.retried = self.kept = 0
        self.seconds = 0.0


class Tally:
    """Counts a run. ``take`` what is new; read ``nodes()`` and ``edges()`` when something is to be shown.

    ``shared``: the step up to which a fork shares its origin's. ``stale``: names of nodes whose code has changed
    since; whoever knows them may set it.
    """

    def __init__(self, topology: Topology, *, shared: int = 0) -> None:
        self.topology = topology
        self.status = ""
        """Of the run, as last heard."""
        self.steps = 0
        """Steps counted."""
        self.stale: frozenset[str] = frozenset()
        self._shared, self._ended = shared, ""
        self.spending = Spending()
        self._counts = {node.name: _Count() for node in topology.nodes}
        self._taken = dict.fromkeys((link.id for link in topology.links), 0)
        self._ways = Ways(topology.links)
        self._untaken = Untaken(topology)
        self._gone: Sequence[str] = ()
        """Links that the latest row took."""
        # Tasks by what they are in the midst of, each with its node.
        self._pending: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        self._live = False
        self._running: Sequence[Running] = ()
        self._ready: Mapping[str, int] = {}

    @classmethod
    def of(cls, subject: Subject) -> Tally:
        """Return an empty tally for a run, its topology and its origin read from the store."""
        origin = subject.store.origin(str(subject.id))
        return cls(topology_of_run(subject), shared=origin.step if origin is not None else 0)

    @classmethod
    def until(cls, subject: Subject, step: int) -> Tally:
        """Return how things stood right after ``step`` was committed, read from the store. Costs what is before it."""
        tally, store, name = cls.of(subject), subject.store, str(subject.id)
        events = [event for event in store.events(name) if event.step <= step]
        whole = store.run(name).steps <= step
        rows = list(store.steps(name, 1, step)) if step else []
        tally.add(rows, events if whole else _before(events, step))
        tally.spending.take(store.calls(name), None if whole else {row.task for row in rows})
        tally.status = subject.status if whole else "running"
        return tally

    def take(self, news: News) -> None:
        """Count what is new."""
        self.add(news.steps, news.events)
        if news.calls:
            self.spending.take(news.calls)
        self.status, self._live = news.status, news.live
        self._running, self._ready = news.running, news.ready

    def add(self, steps: Iterable[StepRecord], events: Sequence[EventRecord] = ()) -> None:
        """Count rows and events, each kind in order; an event comes after the steps that were committed before it."""
        if not events:
            self._add_steps(steps)
            return
        rows = list(steps)
        at = 0
        for event in events:
            first = at
            while at < len(rows) and rows[at].step <= event.step:
                at += 1
            self._add_steps(rows[first:at])
            self._happened(event)
        self._add_steps(rows[at:])

    def _add_steps(self, steps: Iterable[StepRecord]) -> None:
        taken, ways, untaken, alive = self._taken, self._ways, self._untaken, self._alive()
        for row in steps:
            self.steps = row.step
            links, targets = ways.of(row.node, row.arrivals)
            if row.status in EDITS:
                for link in self._gone:
                    taken[link] -= 1
            else:
                self._done(row)
            for link in links:
                taken[link] += 1
            self._gone = links
            untaken.take(row, targets)
            if alive:
                self._settle(row.task)

    def _done(self, row: StepRecord) -> None:
        count = self._counts.get(row.node)
        if count is not None:
            count.done += 1
            count.seconds += seconds_of(row.facts)
            if row.attempts > 1:
                count.retried += row.attempts - 1
            if row.status == "caught":
                count.caught += 1
            if row.step <= self._shared:
                count.kept += 1

    def _alive(self) -> bool:
        return bool(self._pending or self._failed or self._waiting)

    def _settle(self, task: str) -> None:
        for tasks in (self._pending, self._failed, self._waiting):
            tasks.pop(task, None)

    def _happened(self, event: EventRecord) -> None:
        if event.kind == "task.retried":
            self._pending[event.task] = event.node
        elif event.kind == "task.failed":
            self._settle(event.task)
            self._failed[event.task] = event.node
        elif event.kind == "task.waiting":
            self._waiting[event.task] = event.node
        elif event.kind == "run.resumed":
            self._resumed()
        if event.kind.startswith("run."):
            self._ended = event.kind

    def _resumed(self) -> None:
        """Start afresh what was in the midst of something; after a failure or a crash, what is done was kept."""
        for tasks in (self._pending, self._failed, self._waiting):
            tasks.clear()
        if self._ended in ("run.failed", "", "run.resumed", "run.forked"):
            for count in self._counts.values():
                count.kept = count.done

    def nodes(self) -> Mapping[str, NodeFacts]:
        """Return every node's facts, in the topology's order."""
        active = self.status in ("running", "")
        running = _counted(one.node for one in self._running if one.started is not None)
        trying = {one.task for one in self._running}
        pending = _counted(node for task, node in self._pending.items() if task not in trying)
        failed, waiting = _counted(self._failed.values()), _counted(self._waiting.values())
        ready = self._ready_now(failed, waiting, pending if active else {})
        facts, costs = {}, self.spending.texts
        for name, count in self._counts.items():
            told = (each.get(name, 0) for each in (failed, waiting, running, pending, ready))
            now = _Now(*told) if active else _Now(*told)._replace(running=0, pending=0)
            facts[name] = NodeFacts(
                _status(count, now, over=self.status == "completed"), count.done, now.failed + count.caught,
                now.running, now.ready, now.waiting, count.retried + pending.get(name, 0), count.kept, count.seconds,
                costs.get(name, ""), name in self.stale,
            )  # fmt: skip
        return facts

    def _ready_now(self, *begun: Mapping[str, int]) -> Mapping[str, int]:
        """Return the tasks that could start: as who drives the run says, else those not ``begun`` where it stands."""
        if self._live or self._running or self._ready:
            queued = _counted(one.node for one in self._running if one.started is None)
            return {name: queued.get(name, 0) + self._ready.get(name, 0) for name in {*queued, *self._ready}}
        if self.status in ("", "completed", "deleted"):
            return {}
        found = self._untaken.tasks()
        return {name: max(0, count - sum(each.get(name, 0) for each in begun)) for name, count in found.items()}

    def edges(self) -> Mapping[str, int]:
        """Return how often every link was taken, by its id."""
        return dict(self._taken)


class _Now(NamedTuple):
    """What a node's unfinished tasks are in the midst of."""

    failed: int
    waiting: int
    running: int
    pending: int
    ready: int


def _status(count: _Count, now: _Now, *, over: bool) -> str:
    """Return the one status that a node shows: what asks for attention goes first."""
    caught_only = 0 < count.done == count.caught
    first = (
        ("failed", bool(now.failed) or (caught_only and not now.running)),
        ("waiting", bool(now.waiting)),
        ("running", bool(now.running)),
        ("retried", bool(now.pending)),
        ("ready", bool(now.ready)),
        ("reused", 0 < count.done == count.kept),
        ("done", count.done > 0),
        ("skipped", over),
    )
    return next((status for status, holds in first if holds), "idle")


def strongest(statuses: Iterable[str]) -> str:
    """Return what a subgraph shows whose nodes have these statuses.

    >>> strongest(["done", "running", "idle"])
    'running'
    """
    found = set(statuses)
    order = ("failed", "waiting", "running", "retried", "ready")
    return next((status for status in order if status in found), _settled(found))


def _settled(found: set[str]) -> str:
    if "idle" in found and "done" in found:
        return "running" if found == {"idle", "done", "running"} else "idle"
    return next((status for status in ("done", "reused", "skipped") if status in found), "idle")


def seconds_of(facts: str) -> float:
    """Return the seconds that a row's facts tell, 0.0 where they tell none.

    >>> seconds_of('{"seconds":0.25,"started":1.0}')
    0.25
    """
    # Most rows hold nothing else, and this is the hot path; a whole reading takes three times as long.
    if facts.startswith('{"seconds":'):
        try:
            return float(facts[11 : facts.index(",")])
        except ValueError:
            pass
    return float(loads(facts or "{}").get("seconds") or 0.0)


def _before(events: Iterable[EventRecord], step: int) -> list[EventRecord]:
    """Return the events up to the commit of ``step``: what was noted after it belongs to what comes."""
    return [event for event in events if event.step < step]


def _counted(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts
