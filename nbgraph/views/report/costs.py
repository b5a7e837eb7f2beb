"""The costs of a report: what each node used of each model, the prices with their date, and how the cost grew.

Owns their layout. The chart is the one that all views share, in the page's colours.
"""

from __future__ import annotations

from nbgraph.analysis.costs import CostRow, cost_rows, total_of
from nbgraph.views.costing.growth import drawable
from nbgraph.views.costing.money import cost_text, part_text
from nbgraph.views.costing.picture import picture
from nbgraph.views.costing.reading import budget_of, grown
from nbgraph.views.costing.sheet import prices_used
from nbgraph.views.costing.sources import price_lines
from nbgraph.views.costing.table import percent
from nbgraph.views.drawing.element import as_markup
from nbgraph.views.durations import seconds_text
from nbgraph.views.markup import Markup, Part, table, tag
from nbgraph.views.report.gathering import Facts
from nbgraph.views.report.limits import COSTS, left_out
from nbgraph.views.settings import default_times

_PRICES = 20
"""Prices that are listed."""


def costs(facts: Facts) -> Markup | None:
    """Return the table by node and model with its sums, and the chart; None where no model was used."""
    total = total_of(facts.costs)
    if not total.prices:
        return None
    rows = sorted(cost_rows(facts.costs), key=_size, reverse=True)
    note = left_out(min(COSTS, len(rows)), len(rows), "rows", "run.costs_by()")
    return tag(
        "section", {"id": "costs"}, tag("h2", None, "Costs"), tag("p", {"class": "note"}, note) if note else None,
        _table(rows, total), _notes(facts, total), _chart(facts),
    )  # fmt: skip


def _size(row: CostRow) -> tuple[float, int, int]:
    return drawable(row.known), row.tokens.tokens, row.calls


def _table(rows: list[CostRow], total: CostRow) -> Markup:
    lines = [_line(row, row.key[0], row.key[1] or "not said", _bar(row, rows[0], total)) for row in rows[:COSTS]]
    whole = _line(total, "all", "", "")
    shown = [name for name in whole if name not in ("saved", "cached") or whole[name]]
    cells = [[line[name] for name in shown] for line in lines]
    return table(shown, [*cells, [tag("b", None, whole[name]) for name in shown]], "costs")


def _line(row: CostRow, node: str, model: str, bar: Part) -> dict[str, Part]:
    tokens, reused = row.tokens, f" ({row.reused:,} from the record)" if row.reused else ""
    return {
        "node": node, "model": model, "cost": part_text(row.known, row.unknown, tokens.tokens), "share": bar,
        "saved": cost_text(row.saved) if row.saved is None or row.saved else "", "calls": f"{row.calls:,}{reused}",
        "tokens in": f"{tokens.input:,}", "cached": f"{tokens.cache_read:,}" if tokens.cache_read else "",
        "tokens out": f"{tokens.output:,}", **({"time": seconds_text(row.seconds)} if default_times() else {}),
    }  # fmt: skip


def _bar(row: CostRow, largest: CostRow, total: CostRow) -> Part:
    """Return a bar of a row's cost, or of its tokens where no cost is known."""
    part, most, whole = (
        drawable(one.known) if total.known else float(one.tokens.tokens) for one in (row, largest, total)
    )
    if part <= 0:
        return None
    bar = tag("span", {"class": "bar", "style": f"width:{max(2, round(part / most * 110))}px"})
    return [bar, tag("span", {"class": "faint"}, f" {percent(part / whole)}")]


def _notes(facts: Facts, total: CostRow) -> Markup:
    unknown = [f"{total.unknown:,} of {total.calls:,} calls are of unknown cost, which is not in the sums."]
    lines = [*(unknown if total.unknown else ()), *price_lines(prices_used(facts.costs), _PRICES)]
    return tag("div", {"class": "note"}, [tag("div", None, line) for line in lines])


def _chart(facts: Facts) -> Markup | None:
    growth = grown(facts.costs, facts.row.steps, budget_of(facts.subject))
    if not growth.bands:
        return None
    rooms = {"roomy": 900.0, "narrow": 420.0}
    drawn = {room: Markup(as_markup(picture(growth, width=width, theme="page"))) for room, width in rooms.items()}
    return tag("div", {"class": "chart"}, [tag("div", {"class": room}, chart) for room, chart in drawn.items()])
