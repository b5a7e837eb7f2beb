"""In which order an attempt got the parts of its answers: only where several came in at the same time.

Owns that log. What a node makes of two streams side by side depends on whose part came first, so a replay must know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Coming(Protocol):
    """An answer whose line is not written yet."""

    seq: int
    """0, then the number of its line."""


class Turns:
    """Who gave the attempt something, one entry each time: a line's number, or an answer whose line is not written yet."""

    def __init__(self, used: Sequence[int]) -> None:
        self._log: list[int | Coming] = list(used)

    def add(self, who: int | Coming) -> None:
        """Note a line that was used up, or a part of an answer."""
        self._log.append(who)

    def told(self, used: Sequence[int], *, whole: bool) -> list[int]:
        """Return the log as line numbers, nothing where it follows from ``used``, the lines in the order of their ends.

        ``whole``: it never does, since lines of an earlier attempt are among them.
        """
        log = [who if isinstance(who, int) else who.seq for who in self._log]
        return log if whole or _runs(log) != list(dict.fromkeys(used)) else []


def _runs(log: Sequence[int]) -> list[int]:
    """Return the log without repetitions in a row.

    >>> _runs([4, 4, 7, 4])
    [4, 7, 4]
    """
    return [seq for place, seq in enumerate(log) if not place or log[place - 1] != seq]
