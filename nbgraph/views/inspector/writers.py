"""Who wrote a field last: by what follows from what, not by who committed last.

Owns the walk back along the ways that a state came from: a step's own update, then the updates of the branches that
it gathered, then its first parent. Costs at most the steps between. Pure; keeps a few words of every step.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import loads
from typing import NamedTuple

from nbgraph.store.protocol import StepRecord

INPUT = 0
"""Stands for the run's input."""


class Wrote(NamedTuple):
    """What of a step decides who wrote what."""

    base: int
    fields: tuple[str, ...]
    fold: tuple[int, ...]
    """Steps of other branches whose updates it gathered, in the order in which they were folded in."""


class Writers:
    """Knows of every step what it wrote, and finds the last writer of a field as a step left it."""

    def __init__(self) -> None:
        self._steps: dict[int, Wrote] = {}

    def add(self, row: StepRecord) -> None:
        """Take a step."""
        fold = tuple(loads(row.merged)["fold"]) if row.merged else ()
        self._steps[row.step] = Wrote(row.base, written(row), fold)

    def last(self, step: int, fields: Iterable[str]) -> dict[str, int]:
        """Return field -> the step that wrote it last, ``INPUT`` where none did, for the state after ``step``.

        A field of which that is not known (its step was pruned) is left out.
        """
        missing, found = set(fields), dict[str, int]()
        while missing and step in self._steps:
            wrote = self._steps[step]
            for source in (step, *reversed(wrote.fold)):
                own = missing.intersection(self._steps[source].fields if source in self._steps else ())
                found |= dict.fromkeys(own, source)
                missing -= own
            step = wrote.base
        return found | (dict.fromkeys(missing, INPUT) if step == INPUT else {})


def written(row: StepRecord) -> tuple[str, ...]:
    """Return the fields that a step wrote. A migration writes down what others wrote: it wrote nothing itself."""
    if row.status == "migrated":
        return ()
    names = dict.fromkeys(loads(row.update) if row.update else ())
    return tuple(names | dict.fromkeys(loads(row.results) if row.results else ()))
