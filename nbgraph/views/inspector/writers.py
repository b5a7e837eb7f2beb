"""Who wrote a field last: by what follows from what, not by who committed last.

Owns the walk back along the ways that a state came from: a step's own update, then the updates of the branches that
it gathered, then its first parent. Costs at most the steps between. Pure; keeps a few words of every step.
"""

from __future__ import annotations

from collections.abc import Iterable

from nbgraph.store.protocol import StepRecord
from nbgraph.views.rows import read

INPUT = 0
"""Stands for the run's input."""


Wrote = tuple[int, tuple[str, ...], tuple[int, ...]]
"""What of a step decides who wrote what: its base, its fields, and the steps of other branches whose updates it gathered,
in the order in which they were folded in. A plain tuple: the garbage collector need not look at thousands of them."""


class Writers:
    """Knows of every step what it wrote, and finds the last writer of a field as a step left it."""

    def __init__(self) -> None:
        self._steps: dict[int, Wrote] = {}
        self._fields: dict[tuple[str, ...], tuple[str, ...]] = {}
        """Most steps of a run write what others wrote: each combination is kept once."""

    def add(self, row: StepRecord) -> None:
        """Take a step."""
        fold = tuple(read(row.merged)["fold"]) if row.merged else ()
        fields = written(row)
        self._steps[row.step] = row.base, self._fields.setdefault(fields, fields), fold

    def last(self, step: int, fields: Iterable[str]) -> dict[str, int]:
        """Return field -> the step that wrote it last, ``INPUT`` where none did, for the state after ``step``.

        A field of which that is not known (its step was pruned) is left out.
        """
        missing, found = set(fields), dict[str, int]()
        while missing and step in self._steps:
            base, _, fold = self._steps[step]
            for source in (step, *reversed(fold)):
                own = missing.intersection(self._steps[source][1] if source in self._steps else ())
                found |= dict.fromkeys(own, source)
                missing -= own
            step = base
        return found | (dict.fromkeys(missing, INPUT) if step == INPUT else {})


def written(row: StepRecord) -> tuple[str, ...]:
    """Return the fields that a step wrote. A migration writes down what others wrote: it wrote nothing itself."""
    if row.status == "migrated":
        return ()
    names = read(row.update) if row.update else {}
    return tuple(names | read(row.results)) if row.results else tuple(names)
