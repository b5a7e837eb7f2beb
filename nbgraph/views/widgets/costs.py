"""What a run costs: a table per node and model with bars and sums, and how it grew, live.

Owns what the page is told, and how often. The reading and the sums are ``analysis.costs``, the chart is
``views.costing``'s, the same as in a file; each call's line says what it cost, and what nobody knows reads "unknown".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from nbgraph.analysis.calls import ENDED, Calls
from nbgraph.analysis.costs import FREE, CallCost, CostRow, as_recorded, cost_of, cost_rows, total_of
from nbgraph.escape import cut
from nbgraph.prices import Prices
from nbgraph.views.costing.growth import drawable
from nbgraph.views.costing.money import cost_text, part_text
from nbgraph.views.costing.picture import picture
from nbgraph.views.costing.reading import budget_of, grown, pricing_of
from nbgraph.views.costing.sheet import costs_bundle, prices_used
from nbgraph.views.costing.sources import price_lines
from nbgraph.views.costing.table import percent
from nbgraph.views.drawing.element import as_lists
from nbgraph.views.subject import News, Subject
from nbgraph.views.widgets.base import RunView
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.pace import Pace

_EVERY = 0.25
"""Seconds between two sums at least."""
_ROWS, _NAME, _PRICES = 200, 200, 12
"""Rows of the table, characters of a name, prices that are listed."""
_WIDTHS = {"wide": 820.0, "narrow": 420.0}
"""Pixels of the chart on a page with room, and on a narrow one."""


class CostsView(RunView):
    """What a run's calls used and cost, as it goes on. ``prices``: for calls whose lines say no cost."""

    _esm = module("costs")
    _css = stylesheet("costs")
    head = traitlets.Dict().tag(sync=True)
    """run, graph, and the sums: calls, reused, input, output, cached, seconds, unknown (calls); cost, saved and budget as
    text ("" for none); more (rows that are not shown), prices (lines)."""
    rows: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    """[node, model, calls, reused, input, output, cached, seconds, cost (text), bar (0 to 1), share (text)], the largest first."""
    chart = traitlets.Dict().tag(sync=True)
    """Trees of the chart by room, "wide" and "narrow"; empty where there is nothing to draw."""

    def __init__(self, subject: Subject, *, prices: Prices | None = None, **how: Any) -> None:
        self._pricing = as_recorded(prices or pricing_of(subject))
        self._calls, self._dirty, self._pace = Calls(whole=False), False, Pace(_EVERY)
        self._costs: dict[int, CallCost] = {}
        """Calls that ended, by the line that began them."""
        self._open: dict[str, list[int]] = {}
        """Tasks that are not committed yet, and their calls."""
        self._last = 0
        super().__init__(subject, **how)

    def begin(self) -> Mapping[str, Any]:
        """Name the run; nothing is summed yet."""
        return {"head": self._head([], 0)}

    def take(self, news: News) -> None:
        """Take what is new; without calls nothing is to be done for a step."""
        for call in self._calls.take(news.calls) if news.calls else ():
            if call.outcome in ENDED:
                self._costs[call.seq] = cost_of(call, self._pricing)
                self._open.setdefault(call.task, []).append(call.seq)
        if news.steps:
            self._last = news.steps[-1].step
            for row in news.steps if self._open else ():
                for seq in self._open.pop(row.task, ()):
                    self._costs[seq] = self._costs[seq]._replace(step=row.step)
        self._dirty = self._dirty or bool(self._costs and (news.calls or news.steps))

    def tick(self) -> None:
        """Take what is new, and sum up now and then."""
        super().tick()
        if self._dirty and not self.closed and self._pace.due():
            with self._pace.work():
                self._sum_up()

    def _sum_up(self) -> None:
        self._dirty = False
        costs = list(self._costs.values())
        rows = sorted(cost_rows(costs), key=_size, reverse=True)
        total = total_of(costs)
        with self.hold_sync():
            self.head = self._head(costs, max(0, len(rows) - _ROWS))
            self.rows = [_sent(row, total, rows[0]) for row in rows[:_ROWS]]
            self.chart = self._drawn(costs)

    def _drawn(self, costs: Sequence[CallCost]) -> dict[str, Any]:
        if not any(cost.source != FREE.source and not cost.reused for cost in costs):
            return {}
        found = grown(costs, self._last, budget_of(self.subject))
        return {room: as_lists(picture(found, width=width, theme="page")) for room, width in _WIDTHS.items()}

    def _head(self, costs: Sequence[CallCost], more: int) -> dict[str, Any]:
        total, budget = total_of(costs), budget_of(self.subject)
        graph = self.subject.store.run(str(self.subject.id)).record.graph
        used = prices_used(costs)
        return {
            "run": cut(self.subject.id, _NAME), "graph": cut(graph, _NAME), "calls": total.calls, "reused": total.reused,
            "input": total.tokens.input, "output": total.tokens.output, "cached": total.tokens.cache_read,
            "seconds": total.seconds, "cost": part_text(total.known, total.unknown, total.tokens.tokens), "unknown": total.unknown,
            "saved": cost_text(total.saved) if total.saved is None or total.saved else "",
            "budget": "" if budget is None else cost_text(budget), "more": more, "prices": price_lines(used, _PRICES),
        }  # fmt: skip

    def picture(self) -> Mapping[str, str]:
        """Return the table and the chart."""
        return costs_bundle(self.subject, self._pricing)


def _size(row: CostRow) -> tuple[float, int, int]:
    return drawable(row.known), row.tokens.tokens, row.calls


def _sent(row: CostRow, total: CostRow, largest: CostRow) -> list[Any]:
    """Return a row for the page. Its bar is of cost, or of tokens where no cost is known; ``largest`` has the longest."""
    tokens, names = row.tokens, (cut(name, _NAME) for name in row.key)
    if total.known:
        part, most, whole = (drawable(one.known) for one in (row, largest, total))
    else:
        part, most, whole = (float(one.tokens.tokens) for one in (row, largest, total))
    return [
        *names, row.calls, row.reused, tokens.input, tokens.output, tokens.cache_read, row.seconds,
        part_text(row.known, row.unknown, tokens.tokens), part / most if most else 0.0, percent(part / whole) if whole and part else "",
    ]  # fmt: skip
