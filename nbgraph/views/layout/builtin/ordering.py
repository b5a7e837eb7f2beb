"""In which order items stand within their rows, so that few arcs cross.

Owns the search: several starts, sweeps down and up by the middle of the neighbours, exchanges of neighbours in a
row, and the best order seen. The same input gives the same order.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from random import Random

from nbgraph.views.layout.builtin.parts import Level

_WORK = 160_000
"""Hops looked at, about: what a layout may cost."""
Near = list[list[tuple[int, float]]]


def ordered(level: Level) -> None:
    """Sort the rows of ``level`` in place."""
    search = _Search(level)
    if search.size and len(level.rows) > 1:
        search.run()
    level.rows[:] = search.best


class _Search:
    def __init__(self, level: Level) -> None:
        count = len(level.items)
        self.rows = [list(row) for row in level.rows]
        self.up: Near = [[] for _ in range(count)]
        self.down: Near = [[] for _ in range(count)]
        self.pairs: list[list[tuple[int, float, int, float]]] = []
        for hops in level.hops:
            pairs = []
            for hop in hops:
                high, low = _share(level, hop.upper, hop.upper_at), _share(level, hop.lower, hop.lower_at)
                self.up[hop.lower].append((hop.upper, high))
                self.down[hop.upper].append((hop.lower, low))
                pairs.append((hop.upper, high, hop.lower, low))
            self.pairs.append(pairs)
        self.size, self.huge = sum(map(len, self.pairs)), level.huge
        self.pos = [0] * count
        self.best = [list(row) for row in self.rows]
        self.fewest = 1 << 60

    def run(self) -> None:
        budget = max(4, min(160, _WORK // self.size))
        if self.huge:
            self._quick()
            return
        starts = [
            self._walk(self.down, reverse=False),
            self._walk(self.up, reverse=True),
            *self._shuffled(budget // 24),
        ]
        each = max(4, min(24, budget // len(starts)))
        for rows in starts:
            self._set(rows)
            self._keep()
            self._improve(each)
            if not self.fewest:
                break
        self._set(self.best)

    def _quick(self) -> None:
        """Take the first start, and sweep it down and up once."""
        self._set(self._walk(self.down, reverse=False))
        for down in (True, False):
            self._sweep(down=down, median=False)
        self.best = self.rows

    # -- the state

    def _set(self, rows: Sequence[Sequence[int]]) -> None:
        self.rows = [list(row) for row in rows]
        for row in self.rows:
            self._number(row)

    def _number(self, row: Sequence[int]) -> None:
        for place, item in enumerate(row):
            self.pos[item] = place

    def _keep(self) -> bool:
        crossings = sum(self._crossings(pairs) for pairs in self.pairs)
        if crossings < self.fewest:
            self.fewest, self.best = crossings, [list(row) for row in self.rows]
            return True
        return False

    def _crossings(self, pairs: Sequence[tuple[int, float, int, float]]) -> int:
        pos, count = self.pos, 0
        seen: list[float] = []
        for _, low in sorted([(pos[u] + at_u, pos[v] + at_v) for u, at_u, v, at_v in pairs]):
            count += len(seen) - bisect_right(seen, low)
            insort(seen, low)
        return count

    # -- starts

    def _walk(self, ways: Near, *, reverse: bool) -> list[list[int]]:
        """Return the rows in the order of a depth-first walk."""
        place = {item: row for row, items in enumerate(self.rows) for item in items}
        rows: list[list[int]] = [[] for _ in self.rows]
        seen: set[int] = set()
        for row in reversed(self.rows) if reverse else self.rows:
            for first in row:
                waiting = [first]
                while waiting:
                    item = waiting.pop()
                    if item not in seen:
                        seen.add(item)
                        rows[place[item]].append(item)
                        waiting += [other for other, _ in reversed(ways[item])]
        return rows

    def _shuffled(self, count: int) -> list[list[list[int]]]:
        random = Random(4)  # noqa: S311 - any fixed sequence will do
        return [[random.sample(row, len(row)) for row in self.rows] for _ in range(min(5, count))]

    # -- improving

    def _improve(self, rounds: int) -> None:
        idle = 0
        for turn in range(rounds):
            self._sweep(down=turn % 2 == 0, median=turn % 4 < 2)
            self._exchange()
            idle = 0 if self._keep() else idle + 1
            if idle > 5 or not self.fewest:
                return

    def _sweep(self, *, down: bool, median: bool) -> None:
        near = self.up if down else self.down
        for row in self.rows[1:] if down else self.rows[-2::-1]:
            keys = {item: _middle([self.pos[o] + at for o, at in near[item]], median=median) for item in row}
            loose = sorted((item for item in row if keys[item] >= 0), key=keys.__getitem__)
            following = iter(loose)
            # What has no neighbour there keeps its place.
            row[:] = [item if keys[item] < 0 else next(following) for item in row]
            self._number(row)

    def _exchange(self) -> None:
        """Exchange neighbours in a row as long as that helps."""
        todo = list(range(len(self.rows)))
        for _ in range(4):
            better = [number for number in todo if self._exchange_in(self.rows[number])]
            near = {number + aside for number in better for aside in (-1, 0, 1)}
            todo = [number for number in range(len(self.rows)) if number in near]
            if not todo:
                return

    def _exchange_in(self, row: list[int]) -> bool:
        pos, better = self.pos, False
        line = [
            (item, sorted([pos[o] + at for o, at in self.up[item]]), sorted([pos[o] + at for o, at in self.down[item]]))
            for item in row
        ]
        for place in range(len(line) - 1):
            (_, high, low), (_, other_high, other_low) = line[place], line[place + 1]
            if _gain(high, other_high) + _gain(low, other_low) > 0:
                line[place], line[place + 1] = line[place + 1], line[place]
                better = True
        row[:] = [item for item, _, _ in line]
        self._number(row)
        return better


def _gain(left: Sequence[float], right: Sequence[float]) -> int:
    """Return how many crossings fewer there are when two neighbours change places."""
    if not left or not right or left[-1] <= right[0]:
        return -sum(1 for one in left for other in right if one < other) if left and right else 0
    return sum((one > other) - (one < other) for one in left for other in right)


def _middle(places: list[float], *, median: bool) -> float:
    """Return the middle of places, -1 if there is none."""
    if not places:
        return -1.0
    if not median or len(places) < 3:
        return sum(places) / len(places)
    places.sort()
    half = len(places) // 2
    if len(places) % 2:
        return places[half]
    left, right = places[half - 1] - places[0], places[-1] - places[half]
    if left + right == 0:
        return (places[half - 1] + places[half]) / 2
    return (places[half - 1] * right + places[half] * left) / (left + right)


def _share(level: Level, item: int, at: float) -> float:
    """Return where an arc touches an item, as a share of its width between -0.5 and 0.5."""
    one = level.items[item]
    return at / (one.left + one.right) if at else 0.0
