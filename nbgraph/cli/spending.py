"""``costs``: what runs used and cost, from a file alone.

Owns the words and the keys of this verb. Amounts are exact texts, None (shown as "unknown") where nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from nbgraph.analysis.costs import NAMES
from nbgraph.cli.opening import reading
from nbgraph.cli.reply import Reply, with_json
from nbgraph.cli.screen import columns_of, safe
from nbgraph.cli.tables import rows_of
from nbgraph.engine import engine
from nbgraph.views.costing.sources import price_lines

if TYPE_CHECKING:
    from pandas import DataFrame

    from nbgraph.analysis.cost_table import CostTable

_MOST = 12
"""Prices that are listed."""
_AMOUNTS = ("cost", "saved", "known")
_USED = ("calls", "reused", "input", "output", "cost", "saved")
_RUNS = ("run_id", "graph", "status", *_USED)
_CALLS = ("step", "node", "call", "model", "input", "output", "cost", "saved", "reused")
_SELDOM = ("saved", "reused")
"""Columns that are shown only where one of their rows has something."""


@click.command()
@click.argument("file")
@click.argument("run", required=False)
@click.option("--by", multiple=True, metavar="BY[,BY]", help=f"Sum up by any of {', '.join(NAMES)}.")
@with_json
def costs(file: str, run: str | None, by: tuple[str, ...]) -> Reply:
    """List what the runs in FILE used and cost in US dollars, or the calls of RUN, or its sums."""
    by = tuple(_name(name.strip()) for given in by for name in given.split(","))
    if by and run is None:
        raise click.UsageError("--by sums up the calls of one run: nbgraph costs FILE RUN --by node")
    with reading(file) as store:
        if run is None:
            return _reply({"file": store.name}, "runs", engine.costs(store), _RUNS)
        opened = engine.open_run(store, run)
        sums = opened.costs_by(*by)
        if by:
            return _reply({"run_id": run}, "costs", sums, (*by, *_USED))
        return _reply({"run_id": run}, "costs", opened.costs, _CALLS, sums)


def _name(name: str) -> str:
    if name not in NAMES:
        raise click.UsageError(f"--by {name!r}: it should be one of {', '.join(NAMES)}")
    return name


def _reply(
    head: Mapping[str, Any], key: str, table: DataFrame, columns: Sequence[str], sums: DataFrame | None = None
) -> Reply:
    rows, total = [_row(row) for row in rows_of(table)], _row((table if sums is None else sums).attrs["total"])
    kept = [name for name in columns if name not in _SELDOM or any(row[name] not in (0, "0", False) for row in rows)]
    shown = [*columns_of([_shown(row) for row in rows], kept), _line(total), *_prices(table)]
    return Reply({**head, key: rows, "total": total}, shown if rows else ["no calls"])


def _prices(table: DataFrame) -> list[str]:
    """Return the prices that were used, a line each: beside the rows they would need a very wide terminal."""
    return [f"  {safe(line)}" for line in price_lines(cast("CostTable", table).told.prices, _MOST)]


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON data: amounts as plain digits."""
    return {name: _amount(value) if name in _AMOUNTS else _known(value) for name, value in row.items()}


def _amount(value: Any) -> str | None:
    return None if str(value) == "NaN" else f"{value}"


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "unknown" if value is None and name in _AMOUNTS else value for name, value in row.items()}


def _line(total: Mapping[str, Any]) -> str:
    unknown = f", and {_count(total['unknown'])} of unknown cost" if total["unknown"] else ""
    saved = f"; ${total['saved']} saved" if total["saved"] not in ("0", None) else ""
    used = f"{_count(total['calls'])}, {total['input']} tokens in, {total['output']} out"
    return f"{used}: ${total['known']}{unknown}{saved}"


def _count(calls: int) -> str:
    return f"{calls} call{'' if calls == 1 else 's'}"
