"""Tasks, arrivals and what is known on a task's lineage.

Owns the records that pass between readiness, merging and the loop. Knows nothing of how any of it
is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nbgraph.engine.order import Path
from nbgraph.graph.plan import NodePlan
from nbgraph.ids import StepNo, TaskId

Signature = tuple[tuple[str, str], ...]
"""A state's content, field by field: equal for equal states."""


class Failure(NamedTuple):
    """A failure that an ``on_error`` edge took over; what ``ctx.errors`` shows."""

    node: str
    type: str
    message: str


class Write(NamedTuple):
    """One task's update as it lies on a lineage: linked back to the one before it."""

    task: TaskId
    step: StepNo
    update: dict[str, Any]
    before: Write | None
    depth: int


@dataclass(frozen=True, slots=True)
class Visits:
    """How the lineage came by a node in a cycle: the latest signatures, and an old one as an anchor.

    A cycle of up to ``RECENT`` laps is seen at once; a longer one by the anchor, which moves at every
    power of two (Brent's cycle detection), so that the memory does not grow with the run.
    """

    recent: tuple[Signature, ...] = ()
    anchor: Signature | None = None
    count: int = 0

    RECENT = 16

    def seen(self, signature: Signature) -> bool:
        """Say whether the lineage was here before with the same state."""
        return signature in self.recent or signature == self.anchor

    def add(self, signature: Signature) -> Visits:
        """Return the visits with one more."""
        count = self.count + 1
        anchor = signature if count & (count - 1) == 0 else self.anchor
        return Visits((*self.recent[1 - self.RECENT :], signature), anchor, count)


@dataclass(slots=True)
class Lineage:
    """What a task has from its ancestors: the state, and what is needed to merge and to watch it.

    ``values`` and ``later`` together are the state: plain values, and stand-ins that come on touch.
    """

    values: dict[str, Any]
    later: dict[str, Any] = field(default_factory=dict)
    private: dict[str, Any] = field(default_factory=dict)
    """Fields of a ``Send``, visible down its branch until it is gathered."""
    writers: dict[str, TaskId] = field(default_factory=dict)
    """Field without reducer -> its last writer, since one task alone was alive."""
    chain: Write | None = None
    """Updates since one task alone was alive, newest first."""
    digests: dict[str, str] = field(default_factory=dict)
    visits: dict[str, Visits] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    """Field -> characters of its canonical text, for the snapshot rule."""
    cost: int = 0
    """Characters to read back to the last snapshot."""
    errors: tuple[Failure, ...] = ()

    def get(self, name: str) -> Any:
        """Return a field's value or stand-in, None where it has neither."""
        return self.values[name] if name in self.values else self.later.get(name)

    def has(self, name: str) -> bool:
        """Say whether the field has a value."""
        return name in self.values or name in self.later


class Arrival(NamedTuple):
    """A way taken: from a finished task towards a node."""

    parent: TaskId
    step: StepNo
    edge: str
    path: Path
    lineage: Lineage
    ghost: bool = False


@dataclass(slots=True)
class Task:
    """One execution of a node: its identity, its place in the order, and its input."""

    id: TaskId
    node: NodePlan
    path: Path
    parents: tuple[tuple[StepNo, str], ...]
    lineage: Lineage
    fold: tuple[StepNo, ...] = ()
    """Steps whose updates the gather folded into the first parent's state, in order."""
    merged: Mapping[str, Any] = field(default_factory=dict)
    """Fields whose value at the gather cannot be read back without code."""
    settled: tuple[str, ...] = ()
    """Fields at the gather that several branches wrote, and that ``conflicts`` decided."""
    visits: dict[str, Visits] | None = None
    """The lineage's visits with this one; None for a node in no cycle."""
    ghost: bool = False
    """It runs only to find the first failure of a run that fails anyway; it is never stored."""
    problem: Exception | None = None
    """What is wrong with the task before it has begun."""
    attempt: int = 1
    failed: tuple[str, ...] = ()
    """What went wrong in earlier attempts, in words."""

    def __lt__(self, other: Task) -> bool:
        return self.path < other.path
