"""In which order a replayed node gets its answers: as it got them then, where that could have been otherwise.

Owns the waiting of async calls for each other, and for what the node gave up then. Knows calls by the lines that ended
them; makes none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from nbgraph.errors import NbgraphError
from nbgraph.store.protocol import CallRecord

if TYPE_CHECKING:
    from asyncio import Future

_SKIPS = 10_000
"""Timers to skip to at most while a node gives up no call that it gave up then."""


class Taken(NamedTuple):
    """One recorded call of the attempt: the line that ended it, and where it began."""

    end: CallRecord
    begin: int
    request: str
    """The request's text, "" where the record does not hold it."""


class Turns:
    """Lets the answers of one attempt come in the order of ``log``: lines, one entry for each part of an answer.

    Without a log each answer comes as a whole, in the order of ``calls``. ``awaited`` makes the error for a call that
    is waited for although it was given up.
    """

    def __init__(
        self, calls: Sequence[Taken], log: Sequence[int], awaited: Callable[[CallRecord], NbgraphError]
    ) -> None:
        self.overlap = overlapping(calls) or bool(log)
        self._awaited = awaited
        self._ends = {call.end.seq: call.end for call in calls}
        self._order = _numbered(log) if log else [(seq, inf) for seq in self._ends]
        self._place = 0
        """How many entries the node has got by now."""
        self._got: dict[int, float] = {}
        self._waiting: dict[int, Future[None]] = {}
        self._hanging: dict[int, Future[None]] = {}
        self._skipped = 0
        self.failed = False
        """True behind a request that failed: what the node's client waits for, if anything, is to try again."""

    def over(self, seq: int) -> None:
        """Note that the node has all that there is of an answer."""
        self._got[seq] = inf

    async def turn(self, seq: int, *, part: bool = False) -> None:
        """Wait until all that came before this answer, or this ``part`` of one, has come."""
        import asyncio  # noqa: PLC0415 - whoever awaits has it loaded

        if self.overlap:
            turn = self._waiting[seq] = asyncio.get_running_loop().create_future()
            self.release()
            await turn
            self._got[seq] = self._got.get(seq, 0) + 1 if part else inf
            self.release()
        await asyncio.sleep(0)  # where the live call let others run, this one does too

    async def given_up(self, seq: int) -> None:
        """Wait as the node did then, until it gives the call up."""
        import asyncio  # noqa: PLC0415 - see turn

        hanging = self._hanging[seq] = asyncio.get_running_loop().create_future()
        try:
            await hanging
        finally:
            del self._hanging[seq]
            self.over(seq)
            self.release()

    def idle(self, timed: bool) -> bool:
        """Go on where nothing can happen any more, but for a timer if ``timed``; return whether its time has come."""
        if timed and (self._hanging or self.failed) and self._skipped < _SKIPS:
            self._skipped += 1
            return True
        if self._waiting and not timed:
            self.release(anyway=True)
        elif self._hanging:
            seq, hanging = next(iter(self._hanging.items()))
            if not hanging.done():
                hanging.set_exception(self._awaited(self._ends[seq]))
        return False

    def release(self, *, anyway: bool = False) -> None:
        """Let the next answer come, if it is asked for; ``anyway``: nothing else can happen, so some turn never comes."""
        if not self._waiting:
            return
        while self._place < len(self._order) and self._passed(*self._order[self._place]):
            self._place += 1
        due = self._order[self._place][0] if self._place < len(self._order) else None
        if anyway:
            due = next(seq for seq in self._ends if seq in self._waiting)
        turn = self._waiting.pop(due, None) if due is not None else None
        if turn is not None and not turn.done():
            turn.set_result(None)

    def _passed(self, seq: int, count: float) -> bool:
        got = self._got.get(seq, 0)
        return got == inf or got > count


def _numbered(log: Sequence[int]) -> list[tuple[int, float]]:
    """Return the entries of a log, each with how many of its line come before it.

    >>> _numbered([4, 7, 4])
    [(4, 0.0), (7, 0.0), (4, 1.0)]
    """
    counts: dict[int, int] = {}
    numbered = []
    for seq in log:
        counts[seq] = counts.get(seq, -1) + 1
        numbered.append((seq, float(counts[seq])))
    return numbered


def overlapping(calls: Sequence[Taken]) -> bool:
    """Say whether any two calls, none inside the other, were under way at the same time."""
    under_way: list[tuple[float, str]] = []
    for begin, end, name in sorted((call.begin, _until(call.end), call.end.name) for call in calls):
        while under_way and under_way[-1][0] <= begin:
            under_way.pop()
        if under_way and not name.startswith(f"{under_way[-1][1]}/"):
            return True
        under_way.append((end, name))
    return False


def _until(end: CallRecord) -> float:
    return inf if end.phase in ("started", "asked") else end.seq
