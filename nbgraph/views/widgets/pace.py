"""How often a view does what costs something.

Owns one rule: a pause of at least so many seconds, and so many times as long as the work took, within reason. Used by
one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

_SHARE = 20
"""Times the length of the work: a view takes a twentieth of a core, mostly."""
_SLOWEST = 2.0
"""Seconds of pause at most: a first look may take long for a reason of its own (an import), and a person waits."""


class Pace:
    """Says when it is time again; at first it is.

    >>> pace = Pace(60.0)
    >>> with pace.work():
    ...     pass
    >>> pace.due()
    False
    """

    def __init__(self, least: float) -> None:
        self._least, self._next = least, 0.0

    def due(self) -> bool:
        """Say whether it is time."""
        return monotonic() >= self._next

    def hurry(self) -> None:
        """Make it time now."""
        self._next = 0.0

    @contextmanager
    def work(self) -> Iterator[None]:
        """Do the work in this block; the pause begins at its end, however it ends."""
        began = monotonic()
        try:
            yield
        finally:
            ended = monotonic()
            self._next = ended + max(self._least, min(_SLOWEST, _SHARE * (ended - began)))
