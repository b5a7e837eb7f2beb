"""Counts and histograms, exact: what a scrape shows.

Owns the numbers and their lock. Knows the families' shapes; knows no run and no row.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from nbgraph.observe.metrics.families import BUCKETS, Family
from nbgraph.prices.money import plus

Labels = tuple[str, ...]


class Spread(NamedTuple):
    """A histogram: how many fell into each bucket (the last has no bound), and the sum of all in seconds."""

    counts: tuple[int, ...]
    total: float


class Tally:
    """Numbers by family and labels. One thread adds at a time; any thread reads."""

    def __init__(self) -> None:
        self._counts: dict[Family, dict[Labels, Decimal]] = {}
        self._spreads: dict[Labels, list[int]] = {}
        self._totals: dict[Labels, float] = {}
        self._lock = threading.Lock()

    def add(self, family: Family, *labels: str, amount: Decimal | int = 1) -> None:
        """Count."""
        key = tuple(map(_writable, labels))
        with self._lock:
            counts = self._counts.setdefault(family, {})
            counts[key] = plus(counts.get(key, Decimal(0)), Decimal(amount))

    def observe(self, seconds: float, *labels: str) -> None:
        """Count how long something took."""
        key = tuple(map(_writable, labels))
        with self._lock:
            counts = self._spreads.setdefault(key, [0] * (len(BUCKETS) + 1))
            counts[bisect_left(BUCKETS, seconds)] += 1
            self._totals[key] = self._totals.get(key, 0.0) + seconds

    def counts(self, family: Family) -> Iterator[tuple[Labels, Decimal]]:
        """Yield the counts of a family, by labels."""
        with self._lock:
            found = sorted(self._counts.get(family, {}).items())
        yield from found

    def spreads(self) -> Iterator[tuple[Labels, Spread]]:
        """Yield the histograms, by labels."""
        with self._lock:
            found = [(key, Spread(tuple(counts), self._totals[key])) for key, counts in sorted(self._spreads.items())]
        yield from found


def _writable(text: str) -> str:
    """Return a label that can be written as UTF-8, whatever a user called a node."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
