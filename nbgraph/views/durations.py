"""Durations as people say them, where there is little room.

Owns the rounding. A timeline's axis is more exact, see ``timeline.ticks``.
"""

from __future__ import annotations


def seconds_text(seconds: float) -> str:
    """Return a duration as people say it, two or three digits of it.

    >>> [seconds_text(seconds) for seconds in (0, 0.0042, 0.32, 4.26, 61, 4000)]
    ['0 s', '4 ms', '320 ms', '4.3 s', '1:01 min', '1:07 h']
    """
    if not seconds:
        return "0 s"
    if seconds < 0.0005:
        return "<1 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60) if seconds >= 3599.5 else round(seconds)
    return f"{minutes // 60}:{minutes % 60:02} {'h' if seconds >= 3599.5 else 'min'}"
