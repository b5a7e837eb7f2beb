"""What each row counts for: steps, events and lines of the log of calls -> numbers.

Owns the one rule per metric. Pure but for the tally that it adds to: whoever has the rows can count again and finds the
same.
"""

from __future__ import annotations

from json import loads
from typing import Any

from nbgraph.observe.metrics import families as of
from nbgraph.observe.metrics.models import Models
from nbgraph.observe.metrics.reasons import reason_of
from nbgraph.observe.metrics.tally import Tally
from nbgraph.observe.used import Used
from nbgraph.store.protocol import EventRecord, StepRecord

_ENDS = ("completed", "failed", "paused", "waiting", "cancelled")


class Counter:
    """Counts the rows of runs into a tally."""

    def __init__(self, tally: Tally) -> None:
        self._tally, self._models = tally, Models()

    def step(self, graph: str, row: StepRecord) -> None:
        """Count a step."""
        facts = loads(row.facts or "{}")
        self._tally.add(of.STEPS, graph, row.status)
        self._took(graph, row.node, row.status, facts)
        self._settled(graph, facts)

    def event(self, graph: str, row: EventRecord) -> None:
        """Count what happened between steps."""
        facts = loads(row.data or "{}")
        what, _, how = row.kind.partition(".")
        if row.kind == "task.retried":
            self._tally.add(of.RETRIES, graph, row.node, reason_of(str(facts.get("error", ""))))
        elif row.kind == "task.failed":
            self._tally.add(of.STEPS, graph, "failed")
            self._took(graph, row.node, "failed", facts)
        elif row.kind == "conflict":
            self._tally.add(of.CONFLICTS, graph, "fail")
        elif row.kind == "queue.waited":
            self._tally.add(of.BACKPRESSURE, graph, "queue_full")
        elif what == "run" and how in _ENDS:
            self._stands(graph, how, facts)

    def _stands(self, graph: str, how: str, facts: dict[str, Any]) -> None:
        self._tally.add(of.RUNS, graph, how)
        self._settled(graph, facts)
        if facts.get("why") == "backpressure":
            self._tally.add(of.BACKPRESSURE, graph, "queue_stayed_full")

    def _took(self, graph: str, node: str, status: str, facts: dict[str, Any]) -> None:
        if isinstance(facts.get("seconds"), (int, float)):
            self._tally.observe(facts["seconds"], graph, node, status)

    def _settled(self, graph: str, facts: dict[str, Any]) -> None:
        settled = facts.get("settled")
        if settled:
            self._tally.add(of.CONFLICTS, graph, settled["policy"], amount=len(settled["fields"]))

    def call(self, graph: str, told: Used, at: float) -> None:
        """Count what ended a call, and what it used. What a record answered was counted by whoever paid for it."""
        self._tally.add(of.CALLS, graph, told.outcome)
        if told.usage is None:
            return
        model = self._models.label(told.model, told.source, at)
        for direction in of.DIRECTIONS:
            many = getattr(told.usage, direction)
            if many:
                self._tally.add(of.TOKENS, model, direction, amount=many)
        if told.cost is None:
            self._tally.add(of.UNPRICED, graph)
        else:
            self._tally.add(of.COST, model, amount=told.cost)
