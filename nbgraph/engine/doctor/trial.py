"""One trial: a graph run in memory, one task at a time, its calls from a record; and what every task did.

Owns that run and its trace. Knows nothing of what a trial is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from json import dumps, loads
from typing import Any

from nbgraph.clock import Clock
from nbgraph.codec import Redaction, Types
from nbgraph.engine.calls.meter import Meter
from nbgraph.engine.calls.recorder import Recorder
from nbgraph.engine.control import Breakpoints
from nbgraph.engine.driver import Driver
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Merger
from nbgraph.engine.onebyone import OneByOne
from nbgraph.engine.options import Options
from nbgraph.engine.printing import routed
from nbgraph.engine.record import object_text
from nbgraph.engine.replay.quiet import guarded
from nbgraph.engine.replay.recorded import RecordedDesk
from nbgraph.engine.replay.turns import Taken
from nbgraph.engine.task import Task
from nbgraph.graph.plan import Plan
from nbgraph.store.memory import MemoryStore
from nbgraph.store.protocol import CallRecord, RunRecord

FIXED = 1_700_000_000.0
"""What ``ctx.now()`` says where no record does: seconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class Did:
    """What one task did: its node, the steps' tasks before it, what it returned by field, where it went, its failure."""

    node: str
    parents: tuple[str, ...]
    fields: Mapping[str, str]


Trace = dict[str, Did]
"""Task -> what it did, in commit order."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The calls that serve in trials, by task; picklable."""

    calls: Mapping[str, Sequence[tuple[tuple[Any, ...], int, str]]] = field(default_factory=dict)
    nows: Mapping[str, Sequence[float]] = field(default_factory=dict)
    blobs: Mapping[str, bytes] = field(default_factory=dict)

    def taken(self, task: str) -> list[Taken]:
        """Return the recorded calls of a task."""
        return [Taken(CallRecord(*end), begin, text) for end, begin, text in self.calls.get(task, ())]


class _Desk(RecordedDesk):
    """Answers calls from the record, and the clock with a fixed time where there is no record."""

    def now(self) -> float:
        return super().now() if self._nows else FIXED


class _Served(Recorder):
    """A recorder that records nothing: every desk answers from the recording."""

    def serve(self, recording: Recording, seen: list[RecordedDesk]) -> None:
        """Answer from ``recording``; the desks that are opened are put in ``seen``."""
        self._recording, self._seen = recording, seen

    def desk(self, task: Task) -> Any:
        recording = self._recording
        where = {"node": task.node.name, "task": task.id, "step": None}
        opened = _Desk(
            recording.taken(task.id), recording.nows.get(task.id, ()), recording.blobs.__getitem__, self.redact,
            self.types, where,
        )  # fmt: skip
        self._seen.append(opened)
        return opened


@dataclass(frozen=True, slots=True)
class Conditions:
    """How trials of one graph are run."""

    given: Any
    seed: int
    conflicts: Any
    recording: Recording
    max_steps: int


def trial(plan: Plan, conditions: Conditions, clock: Clock, choose: Callable[[int], int]) -> tuple[Trace, list[str]]:
    """Run once; return what every task did, and what was missing in the record, in words."""
    store, seen = MemoryStore(clock=clock), list[RecordedDesk]()
    options = Options(
        seed=conditions.seed, conflicts=conditions.conflicts, clock=clock, max_concurrent=2**20, queue_depth=2**20,
        max_steps=conditions.max_steps, prints="keep",
    )  # fmt: skip
    merger = Merger(plan, options.conflicts, Redaction(), conditions.recording.blobs.__getitem__)
    initial, texts = merger.initial(plan.schema.initial(conditions.given))
    record = RunRecord("trial", plan.name, plan.fingerprint, plan.description, object_text(texts), options.seed, 0.0)
    lease = store.create(record)
    ledger = Ledger(store, lease, plan, merger, clock)
    ledger.begin(initial)
    unpaid = Meter()  # no call is made
    recorder = _Served(store, lease, clock, Redaction(), Types.of(*plan.schema.types), unpaid)
    recorder.serve(conditions.recording, seen)
    with routed(), guarded():
        Driver(plan, ledger, OneByOne(choose), options, Breakpoints(), recorder).drive()
    missing = [desk.problem.message for desk in seen if desk.problem is not None]
    return trace_of(store), missing


def trace_of(store: MemoryStore) -> Trace:
    """Return what every task of the trial did; failures too."""
    rows = list(store.steps("trial"))
    tasks = {row.step: row.task for row in rows}
    trace = {}
    for row in rows:
        fields = {name: dumps(value, sort_keys=True) for name, value in loads(row.update or "{}").items()}
        facts = loads(row.facts)
        fields["(route)"] = row.arrivals
        gathered = loads(row.merged)["set"] if row.merged else {}  # not the steps: they are numbered as tasks finish
        fields["(reduced)"] = row.results + dumps(gathered, sort_keys=True)
        fields["(error)"] = dumps(facts.get("caught", ""))
        parents = tuple(tasks[step] for step, _ in loads(row.parents) if step)
        trace[row.task] = Did(row.node, parents, fields)
    for event in store.events("trial"):
        if event.kind == "task.failed":
            trace[event.task] = Did(event.node, (), {"(error)": loads(event.data).get("raised", "")})
    return trace
