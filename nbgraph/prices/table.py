"""The price table: a few reference prices, dated, in this one place.

Owns the rows. To renew one: change its numbers, its source and its date. All other models' prices, and tiers, are
``genai-prices``' (``bundled``).

US dollars per million tokens, flat: no tiers for long prompts, no batch or priority prices.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from nbgraph.prices.names import BEFORE, undated
from nbgraph.prices.rate import Rate

AS_OF = "2025-10-15"
"""The table's date: the design's reference prices are of October 2025."""


class Row(NamedTuple):
    """One model's price, under each of its names."""

    model: str
    provider: str
    rate: Rate
    names: tuple[str, ...]
    source: str
    note: str = ""
    remark: str = ""
    """The note in short, shown with the price in every table of costs."""
    besides: tuple[str, ...] = ()
    """Dated names that look like this model's, and have a price of their own."""
    as_of: str = AS_OF

    @property
    def shown(self) -> str:
        """The price as people read it."""
        return f"{self.rate} ({self.remark})" if self.remark else str(self.rate)


TABLE: tuple[Row, ...] = (
    # Input and output: the design's reference. Cached input: the provider's list, half of the input price.
    # No price for writing a cache: it is input like any other.
    Row(
        "gpt-4o",
        "openai",
        Rate("2.50", "10.00", cache_read="1.25"),
        ("gpt-4o",),
        "https://openai.com/api/pricing",
        # Snapshots 2024-08-06 and 2024-11-20 cost this; the first one, 5.00 and 15.00.
        besides=("gpt-4o-2024-05-13",),
    ),
    # Input and output: the design's reference. Cache: the provider's list, read 0.1 and written 1.25 times the input
    # price, 2 times for one hour. The provider's list of that time also had 6.00 in and 22.50 out for prompts beyond
    # 200,000 tokens; this row is flat.
    Row(
        "claude-sonnet-4-5",
        "anthropic",
        Rate("3.00", "15.00", cache_read="0.30", cache_write="3.75", cache_write_1h="6.00"),
        ("claude-sonnet-4-5", "claude-sonnet-4.5", "claude-4-5-sonnet", "claude-4.5-sonnet"),
        "https://docs.claude.com/en/docs/about-claude/pricing",
        "flat; the provider's list had 6.00 in, 22.50 out beyond 200,000 tokens of input",
    ),
    # Input and output: the design's reference. It is NOT the provider's list price, which is 0.30 in and 2.50 out as
    # genai-prices 0.2.3 has it (``prices=ng.prices.listed`` uses that). Cached input: the provider's list has 0.03, a
    # tenth of its input price of 0.30; the amount is taken as it is, since the reference says nothing of caches.
    Row(
        "gemini-2.5-flash",
        "google",
        Rate("0.075", "0.30", cache_read="0.03"),
        ("gemini-2.5-flash",),
        "https://ai.google.dev/gemini-api/docs/pricing",
        "the design's reference; the provider's list price is 0.30 in, 2.50 out: prices=ng.prices.listed",
        "reference; the list price is 0.30 in, 2.50 out",
    ),
)

_ROWS = {name: row for row in TABLE for name in row.names}


@lru_cache(maxsize=1000)
def row_of(model: str) -> Row | None:
    """Return the row of a model under any of its names, None for its neighbours and everybody else.

    >>> row_of("models/gemini-2.5-flash").model, row_of("gpt-4o-mini"), row_of("gpt-4o-2024-05-13")
    ('gemini-2.5-flash', None, None)
    """
    before, slash, name = model.lower().rpartition("/")
    if slash and before.rpartition("/")[2] not in BEFORE:
        return None
    row = _ROWS.get(undated(name))
    return None if row is None or name in row.besides else row
