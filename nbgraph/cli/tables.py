"""pandas tables as rows of JSON data.

Owns what a missing cell and a time become. pandas is there already when a table is.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

from nbgraph.cli.plain import plain

if TYPE_CHECKING:
    from pandas import DataFrame


def rows_of(frame: DataFrame) -> list[dict[str, Any]]:
    """Return a dict a row, column -> JSON data; None where there is nothing, times as ISO text in UTC."""
    columns = [[_cell(value) for value in frame[name].array] for name in frame.columns]
    return [dict(zip(frame.columns, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _cell(value: Any) -> Any:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, float) and isnan(value):
        return None
    if type(value).__name__ == "Timestamp":
        return value.isoformat(timespec="microseconds")
    found = value.item() if type(value).__module__ == "numpy" else value
    return plain(found)
