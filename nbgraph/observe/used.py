"""What the lines of a run's log of calls say: how each call ended, what it used, what that cost.

Owns the pairing of lines as they come. What they mean is read where ``run.costs`` reads it: the numbers are the same.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from nbgraph.analysis.calls import ENDED, calls_of
from nbgraph.analysis.costs import FREE, as_recorded, cost_of
from nbgraph.prices import Prices, Usage
from nbgraph.store.protocol import CallRecord


class Used(NamedTuple):
    """A line that ended something. ``cost`` is in US dollars, None where nobody knows; ``source`` says who knew it."""

    outcome: str
    """"returned", "raised", "reused" (a record answered: paid there), "entered" (by ``ctx.usage``), "asked", "answered"."""
    model: str = ""
    usage: Usage | None = None
    """None where no model was used here, as far as the line tells."""
    cost: Decimal | None = None
    source: str = ""


class Reading:
    """Reads the lines of one drive, in order."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, str], CallRecord] = {}
        self._pricing = as_recorded(Prices())

    def read(self, line: CallRecord) -> Used | None:
        """Return what a line tells; None for one that only began a call."""
        key = (line.task, line.name)
        if line.phase == "started":
            self._begun[key] = line
            return None
        begun = self._begun.pop(key, None)
        return self._ended(line, begun) if line.phase in ENDED else Used(line.phase)

    def _ended(self, line: CallRecord, begun: CallRecord | None) -> Used:
        call = calls_of([line] if begun is None else [begun, line], whole=False)[0]
        outcome = "reused" if call.reused else "entered" if call.entered else call.outcome
        paid = cost_of(call, self._pricing)
        if call.reused or paid.source == FREE.source:
            return Used(outcome)
        return Used(outcome, paid.model, paid.tokens, paid.cost, paid.source)
