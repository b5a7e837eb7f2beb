"""What a use of a model costs: a dated table, users' own prices first, other models' from ``genai-prices``.

``Usage`` is what a call used, ``Rate`` a price, ``Prices`` finds the one for the other. All amounts are US dollars, as
exact ``Decimal``; what nobody knows is None, never 0. Knows no run, no call and no store.
"""

from typing import TYPE_CHECKING, Any

from nbgraph.prices.pricing import Priced, Prices, UnknownPriceWarning, listed, prices_of
from nbgraph.prices.rate import Rate
from nbgraph.prices.table import AS_OF
from nbgraph.prices.usage import Usage, usage_of

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = [
    "AS_OF", "Priced", "Prices", "Rate", "UnknownPriceWarning", "Usage", "listed", "prices_of", "table", "usage_of",
]  # fmt: skip


def table() -> "DataFrame":
    """Return nbgraph's own price table, with dates, sources and notes; US dollars per million tokens, exact.

    >>> table()["input"].to_dict()
    {'gpt-4o': Decimal('2.50'), 'claude-sonnet-4-5': Decimal('3.00'), 'gemini-2.5-flash': Decimal('0.075')}
    """
    import pandas as pd  # noqa: PLC0415 - 300 ms; loaded when a table is first asked for

    from nbgraph.prices.table import TABLE  # noqa: PLC0415 - beside its only use; this module is the public face

    kinds = ("input", "output", "cache_read", "cache_write")
    rows: list[dict[str, Any]] = [
        {
            "model": row.model,
            **{kind: getattr(row.rate, kind) for kind in kinds},
            **{name: getattr(row, name) for name in ("as_of", "source", "note")},
        }
        for row in TABLE
    ]
    return pd.DataFrame(rows).set_index("model")
