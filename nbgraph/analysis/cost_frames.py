"""Costs as pandas tables: one row a call, a group of calls, or a run.

Owns the columns. pandas is imported when a table is asked for. Amounts are exact Decimals in US dollars,
``Decimal("NaN")`` where nobody knows, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.analysis.costs import NAMES, CallCost, CostRow, cost_rows, total_of
from nbgraph.errors import OptionsError
from nbgraph.prices.money import NAN, total

if TYPE_CHECKING:
    from pandas import DataFrame

    from nbgraph.analysis.cost_table import Told

TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")
PRICE = ("source", "rate", "as_of")
CALLS = (
    "step", "node", "call", "model", *TOKENS, "cost", "saved", "seconds", "share", *PRICE, "reused", "attempt", "seq",
    "task",
)  # fmt: skip
SUMS = ("calls", "reused", *TOKENS, "cost", "known", "unknown", "saved", "seconds", "share", *PRICE)
RUNS = ("run_id", "graph", "status", *SUMS[:-3])
_KINDS = {
    **dict.fromkeys(("step", "attempt"), "Int64"),
    **dict.fromkeys((*TOKENS, "calls", "unknown", "seq"), "int64"),
    **dict.fromkeys(("seconds", "share"), "float64"),
}


class RunCosts(NamedTuple):
    """One run and its own calls."""

    run_id: str
    graph: str
    status: str
    costs: Sequence[CallCost]


def calls_frame(costs: Sequence[CallCost], title: str, *, last: int = 0) -> DataFrame:
    """Return one row a call, in the order in which they began. ``last``: steps that the run has."""
    known = total(cost.cost for cost in costs if cost.cost)
    rows = [(*_used(cost), _share(cost.cost, known), *_told_of(cost)) for cost in costs]
    return _table(_frame(rows, CALLS, {"reused": "bool"}), costs, title, last=last)


def _used(cost: CallCost) -> tuple[Any, ...]:
    names = cost.step, cost.node, cost.call, cost.model
    seconds = nan if cost.seconds is None else cost.seconds
    return (*names, *_tokens(cost), _amount(cost.cost), _amount(cost.saved), seconds)


def _told_of(cost: CallCost) -> tuple[Any, ...]:
    return cost.source, cost.rate, cost.as_of, cost.reused, cost.attempt, cost.seq, cost.task


def _tokens(row: CallCost | CostRow) -> tuple[int, ...]:
    tokens = row.tokens
    return tokens.input, tokens.output, tokens.cache_read, tokens.cache_write, tokens.reasoning


def _amount(value: Decimal | None) -> Decimal:
    return NAN if value is None else value


def _share(cost: Decimal | None, known: Decimal) -> float:
    if cost is None:
        return nan
    return float(cost) / float(known) if known else 0.0


def groups_frame(costs: Sequence[CallCost], by: Sequence[str], title: str) -> DataFrame:
    """Return one row a group of calls with the names ``by`` in common: by step or attempt in their order, else the dearest first.

    So the order says nothing of who asked first. ``attrs["total"]`` is the sum of all. Raises ``OptionsError`` for a name
    that there is not.
    """
    by = list(dict.fromkeys(by))
    _check(by)
    whole = total_of(costs)
    found = sorted(cost_rows(costs, by), key=_place if set(by) & {"step", "attempt"} else _dearest)
    rows = [(*row.key, *_sums(row, whole.known), *_price(row)) for row in found]
    table = _table(_frame(rows, (*by, *SUMS), {"reused": "int64"}), costs, title)
    table.attrs["total"] = dict(zip(SUMS[:-3], _sums(whole, whole.known), strict=True))
    return table


def _place(row: CostRow) -> tuple[Any, ...]:
    """Return a group's place by its names; what is not committed yet has no step, and comes last."""
    return tuple((name is None, "" if name is None else name) for name in row.key)


def _dearest(row: CostRow) -> tuple[Any, ...]:
    return -row.known, -row.unknown, -(row.saved or 0), -row.tokens.tokens, _place(row)


def _check(by: Sequence[str]) -> None:
    wrong = next((name for name in by if name not in NAMES), None)
    if wrong is None:
        return
    near = get_close_matches(str(wrong), NAMES, 1, 0.0)[0]
    raise OptionsError(
        f"costs cannot be summed by {wrong!r}; the nearest is {near!r}",
        option="by",
        expected=near,
        actual=wrong,
        todo=f"names are: {', '.join(NAMES)}; several may be given",
    )


def _sums(row: CostRow, known: Decimal) -> tuple[Any, ...]:
    share = nan if row.unknown else _share(row.known, known)
    money = _amount(row.cost), row.known, row.unknown, _amount(row.saved)
    return (row.calls, row.reused, *_tokens(row), *money, row.seconds, share)


def _price(row: CostRow) -> tuple[str, str, str]:
    """Return the price that all calls of a group have in common, "" where there are several."""
    return row.prices[0] if len(row.prices) == 1 else ("", "", "")


def runs_frame(runs: Iterable[RunCosts]) -> DataFrame:
    """Return one row a run, oldest first; ``attrs["total"]`` is what all of them paid together."""
    runs = list(runs)
    costs = [cost for run in runs for cost in run.costs]
    whole = total_of(costs)
    rows = [(*run[:3], *_sums(total_of(run.costs), whole.known)) for run in runs]
    table = _table(_frame(rows, RUNS, {"reused": "int64"}), costs, "Costs of all runs")
    table.attrs["total"] = dict(zip(SUMS[:-3], _sums(whole, whole.known), strict=True))
    return table


def _frame(rows: Sequence[Sequence[Any]], columns: Sequence[str], kinds: Mapping[str, str]) -> DataFrame:
    import pandas as pd  # noqa: PLC0415 - 300 ms; loaded when a table is first asked for

    # Column by column: pandas must not make floats of exact amounts.
    series = zip(*rows, strict=True) if rows else [()] * len(columns)
    frame = pd.DataFrame(
        {name: pd.Series(list(cells), dtype=object) for name, cells in zip(columns, series, strict=True)}
    )
    kinds = {**_KINDS, **kinds}
    return frame.astype({name: kinds[name] for name in columns if name in kinds})


def _table(frame: DataFrame, costs: Sequence[CallCost], title: str, *, last: int = 0) -> DataFrame:
    from nbgraph.analysis.cost_table import cost_table  # noqa: PLC0415 - imports pandas

    return cost_table(frame, _told(costs, title, last))


def _told(costs: Sequence[CallCost], title: str, last: int) -> Told:
    from nbgraph.analysis.cost_table import PriceUsed, Told  # noqa: PLC0415 - imports pandas

    used = {PriceUsed(cost.model, cost.rate, cost.source, cost.as_of) for cost in costs if cost.source != "none"}
    return Told(title, sorted(used), last)
