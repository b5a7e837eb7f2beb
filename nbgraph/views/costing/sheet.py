"""A run's costs by node and model, with the chart, as they stay when the kernel is gone; no DataFrame is made of them.

Owns the rows that are shown. What they look like is ``table``'s and ``chart``'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbgraph.analysis.costs import FREE, CallCost, CostRow, Pricing, cost_rows, total_of
from nbgraph.views.costing.chart import CostChart
from nbgraph.views.costing.money import cost_text, part_text
from nbgraph.views.costing.reading import budget_of, costs_read, grown
from nbgraph.views.costing.sources import PriceUsed
from nbgraph.views.costing.table import sheet
from nbgraph.views.markup import Markup
from nbgraph.views.subject import Subject
from nbgraph.views.tables import text_table

_HEADS = ("node", "model", "calls", "tokens in", "tokens out", "cost")


def costs_bundle(run: Subject, pricing: Pricing | None = None) -> dict[str, str]:
    """Return what a notebook shows of a run's costs: table and chart, and the table as text."""
    costs, title = costs_read(run, pricing), f"Costs of run {run.id}"
    if not costs:
        return {"text/html": sheet([], title, []), "text/plain": f"{title}: no calls yet"}
    lines = [_text(row) for row in (*cost_rows(costs), total_of(costs, ("all", "")))]
    chart = CostChart(grown(costs, run.store.run(str(run.id)).steps, budget_of(run)))
    below = Markup(chart.bundle()["text/html"]) if chart.growth.bands else None
    html = sheet(rows_by(costs), title, prices_used(costs), below)
    return {"text/html": html, "text/plain": "\n".join([title, text_table(_HEADS, lines)])}


def rows_by(costs: Iterable[CallCost]) -> list[dict[str, Any]]:
    """Return a row for each node and model, as a table of costs has them; the dearest first."""
    rows = sorted(cost_rows(costs), key=lambda row: (row.known, row.tokens.tokens), reverse=True)
    return [_row(row) for row in rows]


def _row(row: CostRow) -> dict[str, Any]:
    tokens, (node, model) = row.tokens, row.key
    return {
        "node": node, "model": model, "calls": row.calls, "reused": row.reused, "input": tokens.input,
        "output": tokens.output, "cache_read": tokens.cache_read, "known": row.known, "unknown": row.unknown,
        "cost": row.cost, "saved": row.saved, "seconds": row.seconds,
    }  # fmt: skip


def prices_used(costs: Iterable[CallCost]) -> list[PriceUsed]:
    """Return the prices of all calls that used a model, each once."""
    used = (PriceUsed(cost.model, cost.rate, cost.source, cost.as_of) for cost in costs if cost.source != FREE.source)
    return list(dict.fromkeys(used))


def _text(row: CostRow) -> tuple[str, ...]:
    tokens, cost = row.tokens, part_text(row.known, row.unknown, row.tokens.tokens)
    saved = f", {cost_text(row.saved)} saved" if row.saved else ""
    return *row.key, f"{row.calls:,}", f"{tokens.input:,}", f"{tokens.output:,}", f"{cost}{saved}"
