"""Round numbers on an axis, and durations in words.

Owns which ticks a stretch of time gets and how they are written. Pure; the page's side has a copy in ``timescale.js``.
"""

from __future__ import annotations

from math import ceil, floor, log10

_ROUND = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between ticks, from ten seconds on."""


def spacing(seconds: float, most: int) -> float:
    """Return a round number of seconds of which at most ``most`` fit into ``seconds``.

    >>> spacing(1.0, 6), spacing(90.0, 6)
    (0.2, 15)
    """
    least = max(seconds, 1e-9) / max(1, most)
    if least > 5:
        return next((step for step in _ROUND if step >= least), ceil(least / 86400) * 86400)
    power = 10.0 ** floor(log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))


def ticks(start: float, end: float, most: int) -> list[float]:
    """Return round numbers from ``start`` to ``end``, both included, at most ``most`` + 1.

    >>> ticks(0.0, 1.0, 5)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    step = spacing(end - start, most)
    first, last = ceil(start / step - 1e-6), floor(end / step + 1e-6)
    return [round(place * step, 9) for place in range(first, last + 1)]


def words(seconds: float) -> str:
    """Return a duration as a person writes it.

    >>> [words(s) for s in (0.00002, 0.0345, 0.5, 1.25, 75, 3700, 90000)]
    ['20 µs', '34.5 ms', '500 ms', '1.25 s', '1 min 15 s', '1 h 2 min', '1 d 1 h']
    """
    for size, unit in ((1e-3, "µs"), (1.0, "ms"), (60.0, "s")):
        if seconds < size * 0.9995:
            return f"{_short(seconds / (size / 1000 if size < 60 else 1))} {unit}"
    for size, unit, small, part in ((3600, "min", 1, "s"), (86400, "h", 60, "min"), (float("inf"), "d", 3600, "h")):
        if seconds < size:
            whole, rest = divmod(int(seconds / small + 0.5), 24 if part == "h" else 60)
            return f"{whole} {unit} {rest} {part}" if rest else f"{whole} {unit}"
    raise AssertionError


def _short(number: float) -> str:
    text = f"{number:.3g}" if number < 1000 else f"{number:.0f}"
    return text if "e" not in text else f"{number:.0f}"


def tick_words(seconds: float, step: float) -> str:
    """Return a tick's label, as exact as the distance to the next one.

    >>> tick_words(0.25, 0.05), tick_words(1.5, 0.5), tick_words(90, 30)
    ('250 ms', '1.5 s', '1:30')
    """
    if abs(seconds) < 1e-12:
        return "0"
    if step < 1e-3 and seconds < 1e-3:
        return f"{seconds * 1e6:.6g} µs"
    if seconds < 0.9999:
        return f"{seconds * 1e3:.6g} ms"
    if seconds < 59.9999:
        return f"{seconds:.6g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
