"""Time as it is drawn: stretches in which nobody drove the run are folded to a narrow gap.

Owns the mapping from the clock to the axis. A run that waited a night for an answer is still readable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

_SHARE = 0.05
"""Part of what was drawn before a gap that the gap may take."""
_LEAST = 0.01
"""Seconds that a gap may always take."""


class Fold(NamedTuple):
    """A gap: where it begins on the axis, how wide it is there, and how long it really was; all in seconds."""

    at: float
    width: float
    seconds: float


class Folds:
    """Maps seconds since the Unix epoch to seconds on the axis, which begins with 0 at ``origin``."""

    def __init__(self) -> None:
        self.origin: float | None = None
        self.folds: list[Fold] = []
        self._begins: list[float] = []

    def place(self, time: float) -> float:
        """Return where a time is on the axis; the first one that is asked for is its origin.

        >>> folds = Folds()
        >>> folds.place(100.0), folds.place(101.5)
        (0.0, 1.5)
        """
        if self.origin is None:
            self.origin = time
        if not self.folds:  # most runs never rest
            return time - self.origin
        place = bisect_right(self._begins, time) - 1
        if place < 0:
            return time - self.origin
        fold, gone = self.folds[place], time - self._begins[place]
        return fold.at + (gone * fold.width / fold.seconds if gone < fold.seconds else fold.width + gone - fold.seconds)

    def idle(self, since: float, until: float) -> None:
        """Fold the time from ``since`` to ``until``, in which nobody drove the run, where that makes it shorter."""
        at = self.place(since)
        width = max(_LEAST, _SHARE * at)
        if until - since > 2 * width:
            self.folds.append(Fold(at, width, until - since))
            self._begins.append(since)


def unfolded(folds: Sequence[Fold], active: float) -> float:
    """Return where on the axis a run had been driven for ``active`` seconds: ticks count those, not the gaps.

    >>> unfolded([Fold(at=1.0, width=0.5, seconds=60.0)], 0.5), unfolded([Fold(1.0, 0.5, 60.0)], 1.25)
    (0.5, 1.75)
    """
    place = active
    for fold in folds:
        if place > fold.at:
            place += fold.width
    return place
