"""What each node of a run has cost so far, from the lines of its log of calls as they come.

Owns the quick look: most lines are of calls that use no model, and are not read at all. The whole reading is
``analysis.costs``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from json import JSONDecoder, loads
from typing import Any, NamedTuple

from nbgraph.prices.money import amount, plus, total
from nbgraph.store.protocol import CallRecord
from nbgraph.views.costing.money import short_cost, sum_text


class Spent(NamedTuple):
    """What a call cost that was paid for in this run; None: nobody knows."""

    task: str
    node: str
    cost: Decimal | None


def spent(line: CallRecord) -> Spent | None:
    """Return what the line's call cost here; None where it has not ended, used no model, or came from a record."""
    if '"cost":' not in line.data or line.phase not in ("returned", "raised"):
        return None
    try:
        told = _at_the_end(line.data) or loads(line.data)
        cost = told["cost"]["usd"]
        return None if "reused" in told else Spent(line.task, line.node, None if cost is None else amount(cost))
    except (ValueError, LookupError, TypeError):
        return None


_KEY = ',"cost":'
_READ = JSONDecoder().raw_decode


def _at_the_end(data: str) -> dict[str, Any]:
    """Return what stands last in a line, if that is its cost: the response before it may be long, and is not read.

    >>> _at_the_end('{"response":"...","cost":{"usd":"1"}}'), _at_the_end('{"response":{"id":7,"cost":{"usd":"1"}}}')
    ({'cost': {'usd': '1'}}, {})
    """
    place = data.rfind(_KEY)
    if place < 0:
        return {}
    cost, end = _READ(data, place + len(_KEY))
    return {"cost": cost} if data[end:] == "}" else {}


def by_task(lines: Iterable[CallRecord]) -> dict[str, list[Spent]]:
    """Return what the calls of each task cost; tasks that used no model are not in it."""
    found: dict[str, list[Spent]] = {}
    for call in map(spent, lines):
        if call is not None:
            found.setdefault(call.task, []).append(call)
    return found


class Spending:
    """Counts costs by node. ``texts``: a node that used a model -> what that cost, in little room."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._sums: dict[str, tuple[Decimal, int]] = {}
        """What is known of a node's cost, and how many of its calls are not."""

    def total(self) -> str:
        """Return what all nodes' calls cost, as text; "" where no model was used."""
        if not self._sums:
            return ""
        known, unknown = zip(*self._sums.values(), strict=True)
        told = sum_text(total(known), sum(unknown))
        return "cost unknown" if told == "unknown" else told

    def take(self, lines: Iterable[CallRecord], tasks: Collection[str] | None = None) -> None:
        """Count further lines; ``tasks``: only of these."""
        self.add(call for call in map(spent, lines) if call is not None and (tasks is None or call.task in tasks))

    def add(self, calls: Iterable[Spent]) -> None:
        """Count further calls."""
        concerned = set()
        for call in calls:
            paid, unknown = self._sums.get(call.node, (Decimal(0), 0))
            one = (paid, unknown + 1) if call.cost is None else (plus(paid, call.cost), unknown)
            self._sums[call.node] = one
            concerned.add(call.node)
        for node in concerned:
            self.texts[node] = short_cost(*self._sums[node])
