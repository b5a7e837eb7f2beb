"""What a run costs: a table per node and model with bars and sums, and how it grew, live.

Owns what the page is told, and how often. The reading and the sums are ``analysis.costs``; each call's line says what it
cost, and what nobody knows reads "unknown".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from nbgraph.analysis.calls import ENDED, Calls
from nbgraph.analysis.costs import CallCost, CostRow, Point, as_recorded, cost_of, cost_rows, growth, total_of
from nbgraph.escape import cut
from nbgraph.prices import Prices
from nbgraph.views.costing.money import cost_text
from nbgraph.views.subject import News, Subject
from nbgraph.views.tables import bundle_of
from nbgraph.views.widgets.base import RunView
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.pace import Pace

_EVERY = 0.25
"""Seconds between two sums at least."""
_ROWS, _POINTS, _NAME = 200, 300, 200
"""Rows of the table, points of the chart, characters of a name."""


class CostsView(RunView):
    """What a run's calls used and cost, as it goes on. ``prices``: for calls whose lines say no cost."""

    _esm = module("costs")
    _css = stylesheet("costs")
    head = traitlets.Dict().tag(sync=True)
    """run, graph, and the sums: calls, reused, input, output, seconds, cost (text), more (rows that are not shown)."""
    rows: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    """[node, model, calls, reused, input, output, seconds, cost (text), cost (number or None)], the largest first."""
    points: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    """[calls, tokens, cost (number), calls of unknown cost], at most some hundreds."""

    def __init__(self, subject: Subject, *, prices: Prices | None = None, **how: Any) -> None:
        self._pricing = as_recorded(prices or Prices())
        self._calls, self._dirty, self._pace = Calls(whole=False), False, Pace(_EVERY)
        super().__init__(subject, **how)

    def begin(self) -> Mapping[str, Any]:
        """Name the run; nothing is summed yet."""
        return {"head": self._head(total_of([]), 0)}

    def take(self, news: News) -> None:
        """Take what is new."""
        self._calls.take(news.calls)
        self._dirty = self._dirty or bool(news.calls)

    def tick(self) -> None:
        """Take what is new, and sum up now and then."""
        super().tick()
        if self._dirty and not self.closed and self._pace.due():
            with self._pace.work():
                self._sum_up()

    def _sum_up(self) -> None:
        self._dirty = False
        costs = self._costs(self._calls)
        rows = sorted(cost_rows(costs), key=_size, reverse=True)
        with self.hold_sync():
            self.head = self._head(total_of(costs), max(0, len(rows) - _ROWS))
            self.rows = [_sent(row) for row in rows[:_ROWS]]
            self.points = [[p.calls, p.tokens, float(p.cost), p.unknown] for p in thinned(list(growth(costs)))]

    def _costs(self, calls: Calls) -> list[CallCost]:
        return [cost_of(call, self._pricing) for call in calls.all() if call.outcome in ENDED]

    def _head(self, total: CostRow, more: int) -> dict[str, Any]:
        graph = self.subject.store.run(str(self.subject.id)).record.graph
        return {
            "run": cut(self.subject.id, _NAME), "graph": cut(graph, _NAME), "calls": total.calls, "reused": total.reused,
            "input": total.tokens.input, "output": total.tokens.output, "seconds": total.seconds,
            "cost": cost_text(total.cost), "more": more,
        }  # fmt: skip

    def picture(self) -> Mapping[str, str]:
        """Return the table."""
        calls = Calls(whole=False)
        calls.take(self.subject.store.calls(str(self.subject.id)))
        costs = self._costs(calls)
        lines = [_shown(row) for row in (*cost_rows(costs), total_of(costs, ("all", "")))] if costs else []
        heads = ("node", "model", "calls", "tokens in", "tokens out", "cost")
        return bundle_of(f"Costs of run {self.subject.id}", heads, lines, empty="No calls yet.")


def _size(row: CostRow) -> tuple[float, int, int]:
    return float(row.cost or 0), row.tokens.input + row.tokens.output, row.calls


def _sent(row: CostRow) -> list[Any]:
    known = None if row.cost is None else float(row.cost)
    names = (cut(name, _NAME) for name in row.key)
    return [*names, row.calls, row.reused, row.tokens.input, row.tokens.output, row.seconds, cost_text(row.cost), known]


def _shown(row: CostRow) -> tuple[str, ...]:
    tokens = row.tokens
    return *row.key, f"{row.calls:,}", f"{tokens.input:,}", f"{tokens.output:,}", cost_text(row.cost)


def thinned(points: Sequence[Point], most: int = _POINTS) -> list[Point]:
    """Return at most ``most`` points, evenly chosen, the last one always.

    >>> from decimal import Decimal
    >>> [point.calls for point in thinned([Point(n, 0.0, 0, Decimal(0), 0) for n in range(1, 8)], 3)]
    [2, 4, 7]
    """
    many = len(points)
    if many <= most:
        return list(points)
    return [points[(place + 1) * many // most - 1] for place in range(most)]
