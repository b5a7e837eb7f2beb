"""Text on a terminal: what may stand there, and tables of it.

Owns the escaping (all that people are shown goes through ``safe``) and the columns' widths. Knows no run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import combining, east_asian_width

from nbgraph.cli.plain import shown

CELL = 60
"""Characters of a cell; the whole value is in ``--json``."""
FIELD = 500
"""Characters of a field of a state."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")
"""What ``plain.moment`` writes."""


def safe(text: str) -> str:
    r"""Return text on one line, without characters that move a cursor, turn text around or hide: they are escaped.

    >>> print(safe("a\x1b[2J\nb\u202e"))
    a\x1b[2J\nb\u202e
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    # A lone surrogate cannot be encoded, an odd space cannot be seen.
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def cut(text: str, most: int = CELL) -> str:
    """Return text of at most ``most`` characters; what was longer ends in "…"."""
    return text if len(text) <= most else text[: most - 1] + "…"


def cell(value: Any) -> str:
    """Return a value as it stands in a table: times in UTC to the second, seconds and the like to three digits."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, str) and _TIME.fullmatch(value):
        return value[:19].replace("T", " ")
    return safe(cut(value if isinstance(value, str) else shown(value)))


def columns_of(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Return rows as an aligned table with a line of heads; no rows, no lines.

    >>> print(*columns_of([{"n": 1, "who": "Ann"}, {"n": 10, "who": "B"}], ["n", "who"]), sep="|")
    n   who|1   Ann|10  B
    """
    body = [[cell(row[name]) for name in names] for row in rows]
    if not body:
        return []
    table = [list(names), *body]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(_padded, line, widths)).rstrip() for line in table]


def _width(text: str) -> int:
    """Return how many places a terminal needs for the text."""
    return len(text) if text.isascii() else sum(_places(char) for char in text)


def _places(char: str) -> int:
    return 0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def fields_of(state: Mapping[str, Any]) -> list[str]:
    """Return a state, a line a field, indented."""
    return [f"  {safe(name)} = {_long(shown(value))}" for name, value in state.items()] or ["  (no fields)"]


def _long(text: str) -> str:
    rest = len(text) - FIELD
    return safe(text) if rest <= 0 else f"{safe(text[:FIELD])}… ({rest:,} characters more: --json has them)"


def error_lines(error: Mapping[str, str]) -> list[str]:
    """Return an error, as ``error_of`` gives it, in words."""
    message = [safe(line) for line in error["message"].splitlines()] or [""]
    told = [f"{error['type']}: {message[0]}", *(f"  {line}" for line in message[1:])]
    told += [f"  Still true: {safe(error['still'])}"] if error["still"] else []
    return told + ([f"  Next: {safe(error['todo'])}"] if error["todo"] else [])
