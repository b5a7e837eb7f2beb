"""Time, as something that is passed in: the wall clock for records, the monotonic one for waiting.

Owns the two readings. Nothing in nbgraph but this file reads the machine's clock, so a test can
stand still, and no result can depend on when it was made.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings in seconds: ``now`` since the Unix epoch, ``monotonic`` since any fixed moment."""

    def now(self) -> float:
        """Return the wall time: seconds since 1970-01-01 UTC. May jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some moment of the past. Never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
