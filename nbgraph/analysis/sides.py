"""One run as a side of a comparison: its rows as they were read, and what is looked up in them.

Owns how a row's texts are read for comparing. Knows the store's records and the codec, no run and no store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from json import loads
from math import isnan
from typing import Any

from nbgraph.analysis.values import ABSENT
from nbgraph.codec import NO_TYPES, Types, decode
from nbgraph.codec.text import to_text
from nbgraph.errors import CodecError
from nbgraph.prices.money import NAN, amount, clean, total
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord

EDITS = frozenset({"edited", "migrated"})
"""Statuses of steps that no task made: a person, or a migration, changed fields there."""
_MADE = frozenset({"started", "returned", "raised"})


@dataclass(frozen=True)
class Side:
    """A run, or what is to be compared like one.

    ``final`` and ``input`` are states, field by field; None: not known, and not compared. ``order``: task ->
    its place in the canonical order, anything that sorts; None: the order is read from the rows. ``costs``:
    task -> cost in US dollars, None or NaN where it is not known; a task that is not in it cost nothing if it made
    no call. ``types`` and ``blob`` are for showing values, as in ``decode``; ``description`` is the
    graph's as it is stored, for drawing it.
    """

    name: str
    steps: Sequence[StepRecord] = field(repr=False)
    events: Sequence[EventRecord] = field(default=(), repr=False)
    calls: Sequence[CallRecord] = field(default=(), repr=False)
    final: Mapping[str, Any] | None = field(default=None, repr=False)
    input: Mapping[str, Any] | None = field(default=None, repr=False)
    order: Mapping[str, Any] | None = field(default=None, repr=False)
    costs: Mapping[str, Decimal | float | None] | None = field(default=None, repr=False)
    types: Types = field(default_factory=lambda: NO_TYPES, repr=False)
    blob: Callable[[str], bytes] | None = field(default=None, repr=False)
    description: str = field(default="", repr=False)

    @cached_property
    def rows(self) -> dict[str, StepRecord]:
        """Task -> its step."""
        return {row.task: row for row in self.steps}

    @cached_property
    def numbered(self) -> dict[int, StepRecord]:
        """Step number -> the step."""
        return {row.step: row for row in self.steps}

    @cached_property
    def failures(self) -> dict[str, EventRecord]:
        """Task -> its last failure, for tasks that have no step."""
        return {e.task: e for e in self.events if e.kind == "task.failed" and e.task not in self.rows}

    @cached_property
    def parents(self) -> dict[str, list[tuple[str, str]]]:
        """Task -> (parent task, way) pairs; parents that the rows do not hold (the input, pruned ones) are left out."""
        rows = self.numbered
        return {row.task: [(rows[step].task, way) for step, way in _arrived(row) if step in rows] for row in self.steps}

    @cached_property
    def made(self) -> dict[str, int]:
        """Task -> calls to the outside world, attempts at one call counted once."""
        names: dict[str, set[str]] = {}
        for call in self.calls:
            if call.phase in _MADE:
                names.setdefault(call.task, set()).add(call.name)
        return {task: len(found) for task, found in names.items()}

    @cached_property
    def seconds(self) -> dict[str, float]:
        """Task -> seconds that its last attempt took."""
        return {row.task: float(loads(row.facts).get("seconds") or 0.0) for row in self.steps if row.facts}

    def has(self, task: str) -> bool:
        """Say whether the task ran here, or tried to."""
        return task in self.rows or task in self.failures

    def node(self, task: str) -> str:
        """Return the task's node, "" if it is not here."""
        found = self.rows.get(task) or self.failures.get(task)
        return found.node if found is not None else ""

    def step(self, task: str) -> int | None:
        """Return the task's step, None if it has none here."""
        row = self.rows.get(task)
        return None if row is None else row.step

    def status(self, task: str) -> str:
        """Return how the task ended, with the failure's words if it failed."""
        row = self.rows.get(task)
        if row is None:
            return f"failed: {loads(self.failures[task].data or '{}').get('error', '')}"
        if row.status == "caught":
            _, kind, message = loads(row.facts)["caught"]
            return f"caught: {kind}: {message}"
        return row.status

    def cost(self, task: str) -> Decimal:
        """Return what the task cost here, exact; NaN where that is not known or it did not run."""
        if self.costs is None or not self.has(task):
            return NAN
        cost = self.costs.get(task, None if self.made.get(task) else 0)
        return NAN if cost is None or isnan(cost) else amount(cost)

    @cached_property
    def total_cost(self) -> Decimal:
        """The sum of all costs, exact; NaN where one of them is not known."""
        if self.costs is None:
            return NAN
        costs = [self.cost(task) for task in dict.fromkeys([*self.rows, *self.failures, *self.costs]) if self.has(task)]
        return NAN if any(map(isnan, costs)) else clean(total(costs))

    def value(self, tree: Any) -> Any:
        """Return the value of a tree, read-only; the tree itself where its value cannot be made here."""
        if tree is ABSENT or type(tree) not in (list, dict):
            return tree
        try:
            return decode(to_text(tree), types=self.types, blob=self.blob, frozen=True)
        except CodecError:
            return tree


def _arrived(row: StepRecord) -> list[tuple[int, str]]:
    return [(step, way) for step, way in loads(row.parents or "[]")]
