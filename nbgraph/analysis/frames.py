"""A comparison as pandas tables.

Owns the columns. pandas is imported when a table is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import isnan, nan
from typing import TYPE_CHECKING, Any, TypeVar

from nbgraph.analysis.differences import Difference
from nbgraph.analysis.sides import Side
from nbgraph.analysis.words import shown, text_of
from nbgraph.prices.money import EXACT

if TYPE_CHECKING:
    from pandas import DataFrame

TABLE = (
    "task", "node", "step_left", "step_right", "field", "left", "right", "seconds_left", "seconds_right", "what",
)  # fmt: skip
TASKS = (
    "task", "node", "step_left", "step_right", "outcome", "seconds_left", "seconds_right", "seconds_delta",
    "cost_left", "cost_right", "cost_delta", "calls_left", "calls_right",
)  # fmt: skip
_DTYPES = {"step": "Int64", "seconds": "float64", "calls": "int64"}
"""``cost`` has none: exact Decimals."""
_N = TypeVar("_N", float, Decimal)
_PLAIN = (type(None), bool, int, float, str, list, dict, tuple)


def table(differences: Iterable[Difference], left: Side, right: Side) -> DataFrame:
    """Return one row a difference."""
    return _frame([_row(difference, left, right) for difference in differences], TABLE)


def _row(difference: Difference, left: Side, right: Side) -> tuple[Any, ...]:
    task, texts = difference.task, shown(difference.left, difference.right)
    cells = (_cell(value, text) for value, text in zip((difference.left, difference.right), texts, strict=True))
    steps = difference.step_left, difference.step_right
    times = left.seconds.get(task, nan), right.seconds.get(task, nan)
    return (task, difference.node, *steps, difference.field, *cells, *times, difference.what)


def _cell(value: Any, text: str) -> Any:
    """Return a small plain value as it is, anything else as its shortened text."""
    return value if isinstance(value, _PLAIN) and text == text_of(value) else text


def tasks(outcomes: Iterable[tuple[str, str]], left: Side, right: Side) -> DataFrame:
    """Return one row a task, from (task, outcome) pairs."""
    return _frame([_task(task, outcome, left, right) for task, outcome in outcomes], TASKS)


def _task(task: str, outcome: str, left: Side, right: Side) -> tuple[Any, ...]:
    times, costs, calls = [], [], []
    for side in (left, right):
        times.append(side.seconds.get(task, nan))
        costs.append(side.cost(task))
        calls.append(side.made.get(task, 0))
    node, steps = left.node(task) or right.node(task), (left.step(task), right.step(task))
    ran = left.has(task), right.has(task)
    took, (before, after) = _whole(times, ran, 0.0), _whole(costs, ran, Decimal(0))
    delta = EXACT.subtract(after, before)
    return (task, node, *steps, outcome, *times, took[1] - took[0], *costs, delta, *calls)


def _whole(pair: Sequence[_N], ran: Sequence[bool], nothing: _N) -> list[_N]:
    """Return both sides' amounts; what did not run took nothing."""
    return [nothing if not here and isnan(value) else value for value, here in zip(pair, ran, strict=True)]


def _frame(rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> DataFrame:
    import pandas as pd  # noqa: PLC0415 - 300 ms; loaded when a table is first asked for

    # Column by column: pandas must not make floats of a column of values that are all numbers.
    series = zip(*rows, strict=True) if rows else [()] * len(columns)
    frame = pd.DataFrame(
        {name: pd.Series(list(cells), dtype=object) for name, cells in zip(columns, series, strict=True)}
    )
    return frame.astype({name: kind for name in columns if (kind := _DTYPES.get(name.partition("_")[0]))})
