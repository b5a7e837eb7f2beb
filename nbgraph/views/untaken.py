"""Arrivals that no task has taken yet, and so which nodes could go on where a run stands.

Owns the counting, by the rule that the engine has (a node that gathers waits for every task that can still reach it).
Incremental: a row costs what it says, whatever came before it. Knows nothing of failures, workers or pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbgraph.graph.topology import reach
from nbgraph.store.protocol import StepRecord
from nbgraph.views.topology import Topology

Target = tuple[str, bool]
"""A node that an arrival leads to, and whether it came by a Send, which is a task of its own."""
EDITS = ("edited", "migrated")
"""Statuses of rows that no task made: they replace the ways of the row before them."""


class Untaken:
    """Counts arrivals. ``take`` each row with where it leads; ask ``tasks`` when something is to be shown."""

    def __init__(self, topology: Topology) -> None:
        self._each = {node.name for node in topology.nodes if node.join == "each"}
        self._place = {node.name: place for place, node in enumerate(topology.nodes)}
        self._start = next((node.name for node in topology.nodes if node.start), "")
        """Where the input is, "" as soon as a task took it."""
        self._alone: dict[str, int] = {}
        self._gathered: dict[str, int] = {}
        self._last: Sequence[Target] = ()
        self._before: dict[str, list[str]] = {node.name: [] for node in topology.nodes}
        for link in topology.links:
            self._before[link.dst].append(link.src)
        self._reached: dict[str, frozenset[str]] = {}

    def take(self, row: StepRecord, targets: Sequence[Target]) -> None:
        """Count a row: what its task took, and where it leads."""
        if row.status in EDITS:
            if self._start:
                return  # the input was edited, and is where it was
            for name, alone in self._last:
                _take(self._alone if alone or name in self._each else self._gathered, name, 1)
        elif self._start:
            self._start = ""
        elif row.node in self._each or '"s' in row.parents:
            _take(self._alone, row.node, 1)
        else:
            _take(self._gathered, row.node, row.parents.count("[") - 1)
        for name, alone in targets:
            counts = self._alone if alone or name in self._each else self._gathered
            counts[name] = counts.get(name, 0) + 1
        self._last = targets

    def tasks(self) -> dict[str, int]:
        """Return the tasks that are begun or could begin, by node: one for each Send, one for all that is gathered."""
        found = dict(self._alone)
        if self._start:
            found[self._start] = found.get(self._start, 0) + 1
        live, waiting = set(found), list(self._gathered)
        while name := next((name for name in waiting if not self._blocked(name, live, waiting)), ""):
            waiting.remove(name)
            live.add(name)
            found[name] = found.get(name, 0) + 1
        return found

    def _blocked(self, name: str, live: set[str], waiting: Sequence[str]) -> bool:
        """Say whether more may still arrive; of two that wait for each other the one declared first goes first."""
        before = self._reaching(name)
        if not live.isdisjoint(before):
            return True
        place = self._place.get(name, -1)
        return any(
            other != name and (name not in self._reaching(other) or self._place.get(other, -1) < place)
            for other in waiting
            if other in before
        )

    def _reaching(self, name: str) -> frozenset[str]:
        if name not in self._reached:
            self._reached[name] = reach(self._before, name) if name in self._before else frozenset()
        return self._reached[name]


def _take(counts: dict[str, int], name: str, taken: int) -> None:
    """Count what was taken; what is not there any more is not kept."""
    left = counts.get(name, 0) - taken
    if left > 0:
        counts[name] = left
    else:
        counts.pop(name, None)
