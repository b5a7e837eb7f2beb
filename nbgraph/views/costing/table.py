"""What a table of costs shows in a notebook: bars, sums, and the prices used with their date; no style sheet, no script.

Owns the columns that are shown and their order of reading. The numbers are the table's own; everything is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nbgraph.escape import NO_FORMULA, cut, picture_uri
from nbgraph.prices.money import total as summed
from nbgraph.views.costing.chart import CostChart
from nbgraph.views.costing.growth import Paid, drawable, growth
from nbgraph.views.costing.money import NO_COST, cost_text, count_text, known, part_text
from nbgraph.views.costing.sources import Used, price_lines
from nbgraph.views.drawing.element import as_markup, element
from nbgraph.views.durations import seconds_text
from nbgraph.views.markup import Markup, Part, tag
from nbgraph.views.settings import default_times

if TYPE_CHECKING:
    from nbgraph.analysis.cost_table import CostTable

_MOST, _ENDS, _NAME, _BAR, _HIGH, _NAMES = 40, 10, 40, 110, 11, 12
"""Rows up to which all are shown, those of a longer table at each end, characters of a name, pixels of the longest bar
and of all bars' height, prices that are listed."""
_TOKENS = {
    "input": "tokens in",
    "cache_read": "cached",
    "cache_write": "cache written",
    "output": "tokens out",
    "reasoning": "reasoning",
}
_COUNTS = {"calls": "calls", "reused": "reused"}
_PARTS = ("cache_read", "cache_write", "reasoning", "reused", "saved")
"""Columns that are shown only where one of their numbers is not 0."""
_ASIDE = ("known", "unknown", "share", "source", "rate", "as_of")
_OF_CALLS = ("seq", "task", "attempt")
"""Columns that are told in another way, or not at all; the second only where each call has a row."""
_ALL = (
    "font:inherit;border-collapse:collapse;color:inherit;background:transparent;margin:.4em 0;"
    "font-variant-numeric:tabular-nums"
)
_LAST = ("cost", "saved", "calls", "input", "cache_read", "cache_write", "output", "reasoning", "seconds", "reused")
_CELL = "padding:.25em 1em .25em 0;border-bottom:1px solid rgba(128,128,128,.3)"
_WHOLE = ";white-space:nowrap"
"""Of cells, not of the table: a notebook's own style sheet lets every cell wrap. Names may, on a narrow page."""
_NUMBER, _NAMED = f"{_CELL};text-align:right{_WHOLE}", f"{_CELL};text-align:left"
_BARRED = _NAMED + _WHOLE
_SUM = ";font-weight:600"
_BLUE = "#3d85c6"
"""Seen on light ground and on dark."""
Row = Mapping[str, Any]


def table_bundle(table: CostTable) -> dict[str, str]:
    """Return what a notebook shows of a table of costs; one that has a row for each call has the chart below."""
    rows, told = rows_of(table), table.told
    text = repr(table if default_times() else table.drop(columns="seconds"))
    return {"text/html": sheet(rows, told.title, told.prices, _chart(table, rows)), "text/plain": text}


def sheet(rows: Sequence[Row], title: str, prices: Iterable[Used], below: Markup | None = None) -> Markup:
    """Return rows as a table with its title and notes, and what is ``below``. All rows have the same columns."""
    look = {"class": NO_FORMULA, "style": "font:13px/1.5 system-ui,sans-serif"}
    head = tag("div", None, tag("b", None, cut(title, 200)), f": {sum_line(rows)}" if rows else ": no calls yet")
    if not rows:
        return tag("div", look, head)
    notes = [tag("div", None, tag("small", None, line)) for line in _notes(rows, prices)]
    return tag("div", look, head, _table(list(rows[0]), rows), notes, below)


def rows_of(table: CostTable) -> list[Row]:
    """Return the rows of a table; what is missing is None."""
    names = list(map(str, table.columns))
    return [dict(zip(names, map(_there, row), strict=True)) for row in table.itertuples(index=False, name=None)]


def _there(value: Any) -> Any:
    missing = type(value).__name__ == "NAType" or (type(value) is float and value != value)  # noqa: PLR0124 - NaN
    return None if missing else value


def sum_line(rows: Sequence[Row]) -> str:
    """Return the sums of rows in a line: calls, tokens, cost, what was saved."""
    total = _total(rows)
    parts = [count_text(int(total.get("calls", len(rows))), "call")]
    if tokens := total["input"] + total["output"]:
        parts.append(count_text(tokens, "token"))
    cost = _cost(total)
    parts.append("cost unknown" if cost == "unknown" else cost if cost != NO_COST else "")
    parts.append(f"{cost_text(total['saved'])} saved" if total["saved"] else "")
    return " · ".join(part for part in parts if part)


def _total(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the sums of a table's numbers; of the cost, the part that is known and how many calls are not."""
    total: dict[str, Any] = {name: sum(int(row.get(name) or 0) for row in rows) for name in (*_TOKENS, "reused")}
    if rows and "calls" in rows[0]:
        total["calls"] = sum(int(row["calls"]) for row in rows)
    total["seconds"] = sum(float(row.get("seconds") or 0.0) for row in rows)
    total["saved"] = summed(known(row.get("saved")) or Decimal(0) for row in rows)
    total["known"] = summed(map(_known, rows))
    total["unknown"] = sum(_unknown(row) for row in rows)
    return total


def _known(row: Row) -> Decimal:
    return known(row.get("known", row.get("cost"))) or Decimal(0)


def _unknown(row: Row) -> int:
    return int(row["unknown"]) if "unknown" in row else int(known(row.get("cost")) is None)


def _cost(row: Row) -> str:
    tokens = int(row.get("input") or 0) + int(row.get("output") or 0)
    return part_text(_known(row), _unknown(row), tokens)


# -- the cells


def _table(columns: Sequence[str], rows: Sequence[Row]) -> Markup:
    total = _total(rows)
    aside = _ASIDE if "calls" in columns else (*_ASIDE, *_OF_CALLS)
    shown = sorted((name for name in columns if name not in aside and _is_shown(name, total)), key=_order)
    most = max((drawable(_weight(row, total)) for row in rows), default=0.0)
    lines = [_line(shown, row, total, most) for row in _kept(rows)]
    if len(rows) > _MOST:
        more = f"… {len(rows) - 2 * _ENDS:,} more rows …"
        lines.insert(_ENDS, tag("tr", None, tag("td", {"style": _NAMED, "colspan": len(shown) + 1}, more)))
    foot = _beside(shown, [_sum(name, place, total) for place, name in enumerate(shown)], tag("td", {"style": _NAMED}))
    whole = tag("tr", None, foot) if len(rows) > 1 else None
    return tag("div", {"style": "overflow-x:auto"}, tag("table", {"style": _ALL}, _heads(shown, total), lines, whole))


def _is_shown(name: str, total: Row) -> bool:
    if name == "seconds" and not default_times():
        return False
    return name not in _PARTS or bool(total[name])


def _kept(rows: Sequence[Row]) -> list[Row]:
    return list(rows) if len(rows) <= _MOST else [*rows[:_ENDS], *rows[-_ENDS:]]


def _order(name: str) -> int:
    """Return a column's place: names, the money with its bar, which stays in sight on a narrow page, and the counts."""
    return _LAST.index(name) + 1 if name in _LAST else 0


def _heads(shown: Sequence[str], total: Row) -> Markup:
    words = {**_TOKENS, **_COUNTS, "seconds": "time"}
    heads = [tag("th", {"style": _look(name)}, words.get(name, name.replace("_", " "))) for name in shown]
    share = tag("th", {"style": _BARRED}, "share" if total["known"] else "share of tokens")
    return tag("tr", None, _beside(shown, heads, share))


def _beside(shown: Sequence[str], cells: Sequence[Markup], bar: Markup) -> list[Markup]:
    """Return a line's cells with that of its bar beside the cost."""
    place = shown.index("cost") + 1 if "cost" in shown else len(shown)
    return [*cells[:place], bar, *cells[place:]]


def _look(name: str) -> str:
    numbers = name in _TOKENS or name in _COUNTS or name in ("cost", "saved", "seconds", "step")
    return _NUMBER if numbers else _NAMED


def _line(shown: Sequence[str], row: Row, total: Row, most: float) -> Markup:
    cells = [tag("td", {"style": _look(name)}, _text(name, row)) for name in shown]
    return tag("tr", None, _beside(shown, cells, tag("td", {"style": _BARRED}, _bar(row, total, most))))


def _text(name: str, row: Row) -> str:
    value = row.get(name)
    if name == "cost":
        return _cost(row)
    if name == "saved":
        return cost_text(value) if known(value) else ""
    if name in _TOKENS:
        return f"{int(value or 0):,}" if value or row.get("input") or row.get("output") else "–"
    if name == "seconds":
        return seconds_text(float(value)) if value is not None else ""
    if name == "reused":
        return "yes" if value is True else f"{int(value):,}" if value else ""
    if name in _COUNTS:
        return f"{int(value or 0):,}"
    return "" if value is None else cut(value, 12 if name == "task" else _NAME)


def _sum(name: str, place: int, total: Row) -> Markup:
    text = _text(name, total) if name in total or name == "cost" else "all" if place == 0 else ""
    return tag("td", {"style": _look(name) + _SUM}, text)


# -- the bars


def _weight(row: Row, total: Row) -> Decimal:
    """Return what a bar is as long as: the cost, or the tokens where no cost is known."""
    return _known(row) if total["known"] else Decimal(int(row.get("input") or 0) + int(row.get("output") or 0))


def _bar(row: Row, total: Row, most: float) -> list[Part]:
    weight = drawable(_weight(row, total))
    whole = drawable(total["known"]) if total["known"] else float(total["input"] + total["output"])
    if weight <= 0 or most <= 0:
        return []
    wide = max(2, round(weight / most * _BAR))
    return [tag("img", _picture(wide)), f" {percent(weight / whole)}"]


def _picture(wide: int) -> dict[str, Any]:
    """Return a bar as an image of its own size: notebooks make the height of images follow from their width."""
    size: dict[str, str | float | None] = {"width": wide, "height": _HIGH}
    box: dict[str, str | float | None] = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {wide} {_HIGH}",
        **size,
    }
    drawn = element("svg", box, element("rect", {**size, "fill": _BLUE}))
    return {"src": picture_uri(as_markup(drawn)), **size, "alt": "", "style": "display:inline;margin:0;max-width:none"}


def percent(share: float) -> str:
    """Return a share as it stands beside its bar.

    >>> percent(0.314), percent(0.0004), percent(1.0)
    ('31 %', '<1 %', '100 %')
    """
    return "<1 %" if 0 < share < 0.01 else f"{min(share, 1.0) * 100:.0f} %"


# -- what is said below


def _notes(rows: Sequence[Row], prices: Iterable[Used]) -> list[str]:
    total = _total(rows)
    lines = []
    if total["unknown"]:
        lines.append(f"{count_text(total['unknown'], 'call')} of unknown cost: not in the sums")
    if total["reused"]:
        lines.append(f"{count_text(total['reused'], 'call')} from the record, paid for before")
    return [*lines, *price_lines(prices, _NAMES)]


def _chart(table: CostTable, rows: Sequence[Row]) -> Markup | None:
    """Return the chart, of a table that has a row for each call."""
    if not rows or "step" not in rows[0] or "calls" in rows[0]:
        return None
    found = [_paid(row) for row in rows if not row.get("reused") and row.get("source") != "none"]
    grown = growth(found, last=table.told.last, budget=table.told.budget)
    return Markup(CostChart(grown).bundle()["text/html"]) if found else None


def _paid(row: Row) -> Paid:
    step = row["step"]
    return Paid(None if step is None else int(step), str(row["model"]), row["cost"], int(row["input"] + row["output"]))
