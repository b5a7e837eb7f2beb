"""Arrivals that no task has taken yet, and so which nodes could go on where a run stands.

Owns the counting, by the rule that the engine has (a node that gathers waits for every task that can still reach it).
Incremental: a row costs what it says, whatever came before it. Knows nothing of failures, workers or pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
            self._count(self._last, -1)
        elif self._start:
            self._start = ""
        elif row.node in self._each or '"s' in row.parents:
            _add(self._alone, row.node, -1)
        else:
            _add(self._gathered, row.node, 1 - row.parents.count("["))
        self._count(targets, 1)
        self._last = targets

    def _count(self, targets: Iterable[Target], by: int) -> None:
        for name, alone in targets:
            _add(self._alone if alone or name in self._each else self._gathered, name, by)

    def tasks(self) -> dict[str, int]:
        """Return the tasks that are begun or could begin, by node: one for each Send, one for all that is gathered."""
        found = dict(self._alone)
        if self._start:
            _add(found, self._start, 1)
        live, waiting = set(found), list(self._gathered)
        while name := next((name for name in waiting if not self._blocked(name, live, waiting)), ""):
            waiting.remove(name)
            live.add(name)
            _add(found, name, 1)
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


def _add(counts: dict[str, int], name: str, by: int) -> None:
    """Change a count; what is not there any more is not kept."""
    count = counts.get(name, 0) + by
    if count > 0:
        counts[name] = count
    else:
        counts.pop(name, None)
