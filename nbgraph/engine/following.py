"""A place in a run: what is new there since the last look, whoever drives the run.

Owns the way from commits to those who watch. Of a run that this process drives, what was committed is handed over
from memory; otherwise the file is looked at, seldom. Either way a follower gets each row once and in order.
"""

from __future__ import annotations

import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from operator import attrgetter
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import ref

from nbgraph.engine.feed import NOWHERE, Place
from nbgraph.engine.glance import Glance, Running
from nbgraph.errors import RunNotFound
from nbgraph.events import Chunk
from nbgraph.store.protocol import CallRecord, EventRecord, RunRow, StepRecord, Store

if TYPE_CHECKING:
    from nbgraph.engine.feed import Feed
    from nbgraph.engine.hearing import Ear
    from nbgraph.engine.session import Session

T = TypeVar("T")

LOOK_EVERY = 0.5
"""Seconds between two looks into a file that another process may be writing."""
_EVERYTHING = Place(sys.maxsize, sys.maxsize, sys.maxsize)
_SLICE = 0.1
"""Seconds to sleep at most: what only starts or waits tells nobody."""


class News(NamedTuple):
    """What is new since the last look, and how things stand."""

    steps: Sequence[StepRecord]
    """Committed since, in order, without a gap; a fork's shared steps come first."""
    events: Sequence[EventRecord]
    """Noted since, in order; the steps that they name are here or were before."""
    calls: Sequence[CallRecord]
    """Lines of the log of calls since, in order."""
    chunks: Sequence[Chunk]
    """Streamed since; only of a run that this process drives."""
    status: str
    """As ``Run.status``, or "deleted": then there is nothing to follow any more."""
    holder: str
    """Who drives the run now, for people; "" when nobody does."""
    live: bool
    """True while this process drives the run."""
    running: Sequence[Running]
    """What is executed now; empty where another process drives."""
    ready: Mapping[str, int]
    """Node -> tasks that could start and wait for a worker; empty where another process drives."""


class _Found(NamedTuple):
    """What came since the last look."""

    steps: Sequence[StepRecord] = ()
    events: Sequence[EventRecord] = ()
    calls: Sequence[CallRecord] = ()
    chunks: Sequence[Chunk] = ()


class _Standing(NamedTuple):
    """How things stand; the end of ``News``."""

    status: str
    holder: str
    live: bool
    glance: Glance


class Follower:
    """A place at a run's beginning, which moves on with every ``take``. Used by one thread at a time.

    ``live`` returns what drives the run in this process now, None if nothing does; ``latest`` what did so last, over or
    not: a drive may begin and end between two looks, and is not to be noticed half a second late.
    """

    def __init__(
        self,
        store: Store,
        run_id: str,
        live: Callable[[], Session | None],
        clock: Callable[[], float] = monotonic,
        latest: Callable[[], Session | None] = lambda: None,
        start: Place = NOWHERE,
    ) -> None:
        self._store, self._run_id, self._live, self._clock = store, run_id, live, clock
        self._latest, self._known = latest, _weak(latest())
        self._step, self._seq, self._line = start
        self._chunk = 0
        self._told: dict[tuple[str, int], int] = {}
        self._session: Session | None = None
        self._lived, self._status = False, ""
        """Whether the session was alive, and the status, before the rows were looked at: no end comes before its rows."""
        self._drive: Session | None = None
        """The one drive that is followed; None: whoever drives."""
        self._ear: Ear | None = None
        self._row: RunRow | None = None
        self._due = float("-inf")
        self._stood: _Standing | None = None
        self._kept: News | None = None
        self._behind = True
        """Whether something may be in the store that nobody hands over."""
        self._over = False
        self._wake = threading.Event()

    @classmethod
    def at(cls, store: Store, session: Session, start: Place) -> Follower:
        """Return a place at ``start`` of a run, to follow one drive of it and no other; it listens from now on.

        ``start`` is where the run stood before the drive. What another drive adds later is not this one's.
        """
        follower = cls(store, session.run_id, lambda: session, latest=lambda: session, start=start)
        follower._join(session)
        follower._drive, follower._behind = session, start != NOWHERE
        return follower

    def take(self) -> News | None:
        """Return what is new, None if nothing is. Costs what is new, not the length of the run.

        Where another process drives, the file is looked at twice a second at most. Raises the ``StoreError`` family.
        """
        news, self._kept = self._kept or self._look(), None
        return news

    def wait(self, timeout: float) -> bool:
        """Sleep until there is something new, at most ``timeout`` seconds; say whether there is."""
        end = self._clock() + timeout
        while True:
            self._wake.clear()
            feed = None if self._session is None else self._session.feed
            if feed is not None:
                feed.watch(self._wake.set)
            try:
                self._kept = self._kept or self._look()
                left = end - self._clock()
                if self._kept is not None or left <= 0 or self._over:
                    return self._kept is not None
                self._wake.wait(min(left, _SLICE))
            finally:
                if feed is not None:
                    feed.unwatch(self._wake.set)

    def rest(self) -> None:
        """Have the run keep nothing for this follower until it looks again; it reads then what it missed."""
        self._ear, self._behind = None, True

    def close(self) -> None:
        """Stop following; the run keeps nothing for this follower any more."""
        self._over, self._kept, self._session, self._ear = True, None, None, None

    # -- looking

    def _look(self) -> News | None:
        if self._over:
            return None
        try:
            found = self._found()
        except RunNotFound:
            self.close()
            return News((), (), (), (), "deleted", "", False, (), {})
        standing = self._standing()
        if standing is None or (not any(found) and standing == self._stood):
            return None
        self._stood = standing
        return News(*found, standing.status, standing.holder, standing.live, *standing.glance)

    def _found(self) -> _Found:
        session, last, latest = self._live(), list[Chunk](), self._latest()
        if latest is not self._known():
            self._known, self._behind = _weak(latest), True
        if session is not self._session:
            last = self._streamed()  # what the drive before this one published
            self._join(session)
        elif session is not None and (self._ear is None or self._ear.full):
            self._ear, self._behind = session.feed.tape.listen(), True
        if session is not None:
            self._lived, self._status = session.alive, session.feed.status
        if self._ear is None or self._behind:
            return self._read()._replace(chunks=[*last, *self._streamed()])
        return self._heard(self._ear)

    def _join(self, session: Session | None) -> None:
        """Listen to another drive, or to none. What came before, and meanwhile, is read from the store."""
        self._session, self._chunk, self._behind = session, 0, True
        self._ear = None if session is None else session.feed.tape.listen()

    def _standing(self) -> _Standing | None:
        session, row = self._session, self._row
        if session is not None:
            return _Standing(self._status, session.holder, live=self._lived, glance=session.glance())
        return None if row is None else _Standing(row.standing, row.holder, live=False, glance=Glance())

    # -- from memory

    def _heard(self, ear: Ear) -> _Found:
        steps, events = ear.commits()
        # The calls last: what a step used was written before it.
        return self._new(steps, events, ear.lines(), self._streamed())

    def _streamed(self) -> list[Chunk]:
        feed = None if self._session is None else self._session.feed
        return [] if feed is None or len(feed.chunks) == self._chunk else self._chunks(feed)

    def _chunks(self, feed: Feed) -> list[Chunk]:
        chunks, again = feed.chunks[self._chunk :], max(0, feed.inherited - self._chunk)
        self._chunk += len(chunks)
        new = [chunk for chunk in chunks[:again] if chunk.number > self._told.get((chunk.task, chunk.attempt), 0)]
        new += chunks[again:]
        self._told.update(((chunk.task, chunk.attempt), chunk.number) for chunk in new)
        return new

    # -- from the store

    def _read(self) -> _Found:
        if not self._behind and self._clock() < self._due:
            return _Found()
        self._due = self._clock() + LOOK_EVERY
        row, before = self._store.run(self._run_id), self._row
        if before is not None and before.record.created != row.record.created:
            raise RunNotFound(f"run {self._run_id!r} is another one now", run_id=self._run_id)
        if not self._behind and before is not None and _mark(before) == _mark(row):
            return _Found()
        steps = list(self._store.steps(self._run_id, self._step + 1))
        # After the steps, and none that comes after a step which was committed meanwhile. The calls last, as above.
        upto = steps[-1].step if steps else self._step
        events = list(takewhile(lambda event: event.step <= upto, self._store.events(self._run_id, after=self._seq)))
        calls = self._store.calls(self._run_id, after=self._line)
        self._row, self._behind = row, False
        return self._new(steps, events, calls, ())

    def _new(
        self,
        steps: Sequence[StepRecord],
        events: Sequence[EventRecord],
        calls: Sequence[CallRecord],
        chunks: Sequence[Chunk],
    ) -> _Found:
        """Leave out what was there before: between the store and the ear a row may come twice."""
        end = None if self._drive is None else self._drive.feed.end  # now that all was read: another drive may go on
        last = _EVERYTHING if end is None else end
        steps = _between(steps, self._step, last.step, _STEP)
        events = _between(events, self._seq, last.seq, _SEQ)
        calls = _between(calls, self._line, last.line, _SEQ)
        self._step = steps[-1].step if steps else self._step
        self._seq = events[-1].seq if events else self._seq
        self._line = calls[-1].seq if calls else self._line
        return _Found(steps, events, calls, chunks)


def _weak(session: Session | None) -> Callable[[], Session | None]:
    """Return a look at a session that does not keep it."""
    return (lambda: None) if session is None else ref(session)


_STEP, _SEQ = attrgetter("step"), attrgetter("seq")


def _between(rows: Sequence[T], before: int, last: int, number: Callable[[T], int]) -> Sequence[T]:
    """Return the rows behind number ``before`` up to ``last``. They are in order, so that few are looked at."""
    return rows[bisect_right(rows, before, key=number) : bisect_right(rows, last, key=number)] if rows else rows


def _mark(row: RunRow) -> tuple[object, ...]:
    """Return what changes where anything does."""
    return row.steps, row.updated, row.status, row.holder
