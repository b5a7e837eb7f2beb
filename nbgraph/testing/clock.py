"""A clock for tests: time moves when the test says so.

Owns the reading and the moving. Knows nothing of who waits for it; see ``finishing`` for a crew that does.
"""

from __future__ import annotations

import math
import threading

from nbgraph.errors import OptionsError

START = 1_700_000_000.0
"""Seconds since 1970-01-01 UTC at which a fake clock begins: 2023-11-14 22:13:20."""


class FakeClock:
    """A clock that stands still until it is moved: ``ng.Engine(graph, clock=FakeClock())``. Thread-safe.

    ``start``: seconds since the Unix epoch at the first reading. ``tick``: seconds, 0 or more, by which every
    reading moves it on, whoever reads: the engine, the store and its leases read it too, so how many readings
    a run takes is no promise.

    A run that waits for time (a retry's pause, a timeout, a question's deadline) waits for this clock: one
    that nobody moves never gets there. Three ways on: a ``tick`` of the size of the pause; ``advance`` from a
    node or from another thread (the run looks again within half a second); or
    ``executor=finishing((), clock=clock)``, which moves the clock by exactly what the run waits for.

    Raises ``OptionsError`` for a number that is not finite, and for a ``tick`` below 0.

    >>> clock = FakeClock(start=100.0)
    >>> clock.now(), clock.monotonic()
    (100.0, 100.0)
    >>> clock.advance(2.5)
    >>> clock.now()
    102.5
    >>> ticking = FakeClock(start=0.0, tick=1.0)
    >>> ticking.now(), ticking.now(), ticking.monotonic()
    (0.0, 1.0, 2.0)
    """

    def __init__(self, start: float = START, *, tick: float = 0.0) -> None:
        if not math.isfinite(start):
            raise OptionsError(f"start is {start!r}; it should be finite", option="start", actual=start)
        self._time, self._tick = float(start), _span("tick", tick)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FakeClock({self._time!r})"

    def now(self) -> float:
        """Return the time in seconds since the Unix epoch, then move on by ``tick``."""
        with self._lock:
            time = self._time
            self._time += self._tick
        return time

    def monotonic(self) -> float:
        """Return the same number as ``now`` would: it never goes back."""
        return self.now()

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``, 0 or more; raises ``OptionsError`` for less."""
        step = _span("seconds", seconds)
        with self._lock:
            self._time += step


def _span(option: str, seconds: float) -> float:
    if math.isfinite(seconds) and seconds >= 0:
        return float(seconds)
    expected = "a finite number of seconds, 0 or more"
    raise OptionsError(
        f"{option} is {seconds!r}; it should be {expected}",
        todo="make a clock with an earlier start instead of turning it back",
        option=option,
        expected=expected,
        actual=seconds,
    )
