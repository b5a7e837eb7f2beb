"""A table of costs: a DataFrame that shows itself with bars, sums and the prices that were used.

Owns what is told beside the numbers. What it looks like is a view's. pandas is imported here: this file is loaded when
a table is first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pandas import DataFrame

from nbgraph.faces import bundle


class PriceUsed(NamedTuple):
    """What one model's calls were priced with. ``source``, ``rate`` and ``as_of`` as ``prices.Priced`` has them."""

    model: str
    rate: str
    source: str
    as_of: str


class Told(NamedTuple):
    """What stands beside the numbers of a table."""

    title: str = "Costs"
    prices: Sequence[PriceUsed] = ()
    last: int = 0
    """Steps that the run has; only where the table has one row a call."""
    budget: Decimal | None = None
    """Dollars that the run may cost, where it was told."""


class CostTable(DataFrame):
    """Costs as plain numbers. Whatever pandas makes of it is a plain DataFrame; only this table itself shows bars and sums.

    ``cost`` and ``saved`` hold exact Decimals in US dollars, ``Decimal("NaN")`` where nobody knows.
    """

    _metadata = ["told"]  # noqa: RUF012 - pandas' own name for what a frame carries beside its columns
    told = Told()

    def _repr_html_(self) -> str:
        return str(self._repr_mimebundle_().get("text/html") or DataFrame(self).to_html(max_rows=50))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle("costs.table", self)


def cost_table(frame: DataFrame, told: Told) -> CostTable:
    """Return a frame as a table that shows itself; its ``attrs`` are kept."""
    table = CostTable(frame)
    table.attrs = frame.attrs
    table.told = told
    return table
