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
NOTHING: Wrote = 0, (), ()
"""A step that is not known: it was pruned."""
Unread = tuple[int, str]
"""A step's base, and its update as it stands in its row."""
_SHORT = 200
"""Characters of an update that are kept as they are, until somebody asks for the step: of most, nobody does."""


class Writers:
    """Knows of every step what it wrote, and finds the last writer of a field as a step left it."""

    def __init__(self) -> None:
        self._steps: dict[int, Wrote] = {}
        self._unread: dict[int, Unread] = {}
        self._fields: dict[tuple[str, ...], tuple[str, ...]] = {}
        """Most steps of a run write what others wrote: each combination is kept once."""

    def add(self, row: StepRecord) -> None:
        """Take a step."""
        if len(row.update) <= _SHORT and not (row.merged or row.results) and row.status != "migrated":
            self._unread[row.step] = row.base, row.update
        else:
            fold = tuple(read(row.merged)["fold"]) if row.merged else ()
            self._keep(row.step, row.base, written(row), fold)

    def _keep(self, step: int, base: int, fields: tuple[str, ...], fold: tuple[int, ...] = ()) -> Wrote:
        wrote = self._steps[step] = base, self._fields.setdefault(fields, fields), fold
        return wrote

    def _of(self, step: int) -> Wrote | None:
        unread = self._unread.pop(step, None)
        if unread is None:
            return self._steps.get(step)
        base, update = unread
        return self._keep(step, base, tuple(read(update)) if update else ())

    def last(self, step: int, fields: Iterable[str]) -> dict[str, int]:
        """Return field -> the step that wrote it last, ``INPUT`` where none did, for the state after ``step``.

        A field of which that is not known (its step was pruned) is left out.
        """
        missing, found = set(fields), dict[str, int]()
        while missing and (wrote := self._of(step)) is not None:
            base, _, fold = wrote
            for source in (step, *reversed(fold)):
                _, fields, _ = self._of(source) or NOTHING
                own = missing.intersection(fields)
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
