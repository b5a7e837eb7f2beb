"""How a run stood after one of its steps, found quickly again and again while a person moves about.

Owns the tallies that are kept on the way. Reads the store; knows nothing of widgets.
"""

from __future__ import annotations

from bisect import bisect_right
from copy import deepcopy

from nbgraph.views.costing.spending import Spent, spent
from nbgraph.views.subject import Subject
from nbgraph.views.tally import Tally

_EVERY = 1000
"""Steps between two tallies that are kept: looking anywhere counts no more than that."""


class Past:
    """Tallies of one run at any step. They are kept as they come by, so that going back is as quick as going on."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._kept: list[tuple[int, Tally]] = []
        self._latest: tuple[int, Tally] | None = None
        """What was asked for last: mostly it is asked for again."""
        self._spent: dict[str, list[Spent]] = {}
        """What the calls of each task cost, of the log up to its line ``_line``."""
        self._line = 0

    def at(self, step: int) -> Tally:
        """Return how things stood right after ``step``."""
        if self._latest is None or self._latest[0] != step:
            self._latest = step, self._counted(step)
        return self._latest[1]

    def _counted(self, step: int) -> Tally:
        place = bisect_right(self._kept, step, key=lambda kept: kept[0])
        begun, tally = self._kept[place - 1] if place else (0, None)
        tally = _copy(tally) if tally is not None else self._beginning()
        store, name = self._subject.store, str(self._subject.id)
        events = [event for event in store.events(name) if begun <= event.step < step]
        self._read_calls()
        while begun < step:
            end = min(step, begun - begun % _EVERY + _EVERY)
            rows = list(store.steps(name, begun + 1, end))
            tally.add(rows, [event for event in events if begun <= event.step < end])
            if self._spent:
                tally.spending.add(call for row in rows for call in self._spent.get(row.task, ()))
            begun = end
            if end % _EVERY == 0:
                self._keep(end, tally)
        return tally

    def _read_calls(self) -> None:
        """Take the log's new lines; those of a task are all there before its step is."""
        for line in self._subject.store.calls(str(self._subject.id), after=self._line):
            self._line, call = line.seq, spent(line)
            if call is not None:
                self._spent.setdefault(call.task, []).append(call)

    def _beginning(self) -> Tally:
        tally = Tally.of(self._subject)
        tally.status = "running"
        return tally

    def _keep(self, step: int, tally: Tally) -> None:
        if all(step != kept for kept, _ in self._kept):
            self._kept.append((step, _copy(tally)))
            self._kept.sort(key=lambda kept: kept[0])


def _copy(tally: Tally) -> Tally:
    """Return a tally that counts on by itself; what there is to count never changes and is shared."""
    return deepcopy(tally, {id(tally.topology): tally.topology})
