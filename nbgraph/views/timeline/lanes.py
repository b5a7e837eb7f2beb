"""Which lane a span is in, and in which row of the lane: what runs beside something stands below it.

Owns lanes by node and by branch, and the stacking. Pure; knows no rows of a store.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

TRUNK = 0
"""The branch of what descends from no split, or gathers several."""


class Branch(NamedTuple):
    """Where a task stands in the tree of splits: its branch, and the number of ways that it took."""

    number: int
    ways: int


class Rows:
    """Stacks the spans of one lane: each in the first row that is free. Spans come in the order of their ends."""

    def __init__(self) -> None:
        self._free: list[float] = []

    def __len__(self) -> int:
        return len(self._free)

    def take(self, start: float, end: float) -> int:
        """Return the row of a span from ``start`` to ``end`` (infinite: until ``put`` says otherwise).

        >>> rows = Rows()
        >>> rows.take(0.0, 2.0), rows.take(1.0, 3.0), rows.take(2.0, 4.0)
        (0, 1, 0)
        """
        for row, free in enumerate(self._free):
            if free <= start:
                self._free[row] = end
                return row
        self._free.append(end)
        return len(self._free) - 1

    def free(self, row: int) -> float:
        """Return from when on a row is free."""
        return self._free[row]

    def put(self, row: int, end: float) -> None:
        """Note that what holds ``row`` ends at ``end``."""
        self._free[row] = end


class Lanes:
    """Names and rows of the lanes, in the order in which they are first needed."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self._rows: list[Rows] = []
        self._places: dict[object, int] = {}

    def lane(self, key: object, label: str) -> int:
        """Return the number of the lane ``key``; a new one is called ``label``."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.labels)
            self.labels.append(label)
            self._rows.append(Rows())
        return place

    def rows(self, lane: int) -> Rows:
        """Return the rows of a lane."""
        return self._rows[lane]

    def heights(self) -> list[int]:
        """Return the number of rows of each lane, at least 1."""
        return [max(1, len(rows)) for rows in self._rows]

    def hold(self, lane: int, start: float) -> int:
        """Return a row that is kept free from ``start`` on until it is put to an end."""
        return self._rows[lane].take(start, inf)


class Branches:
    """Finds the branch of each task: the first split that it descends from, gathered branches left behind.

    >>> branches, root = Branches(), Branch(TRUNK, ways=2)
    >>> left = Branch(branches.number([(1, root, "e0")]), ways=1)
    >>> right = Branch(branches.number([(1, root, "e1")]), ways=1)
    >>> left.number, right.number, branches.number([(2, left, "e0"), (3, right, "e0")])
    (1, 2, 0)
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], int] = {}

    def number(self, parents: Iterable[tuple[int, Branch, str]]) -> int:
        """Return the branch of a task with these parents: each one's step, its place, and the way taken from it."""
        numbers = {self._below(*parent) for parent in parents}
        return numbers.pop() if len(numbers) == 1 else TRUNK

    def _below(self, step: int, parent: Branch, way: str) -> int:
        if parent.number != TRUNK or parent.ways < 2:
            return parent.number
        return self._known.setdefault((step, way), len(self._known) + 1)
