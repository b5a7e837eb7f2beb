"""Small tables as they stand in a notebook without a kernel: HTML that needs no style sheet, and text.

Owns their layout. Knows nothing of what is in them; everything is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nbgraph.escape import NO_FORMULA, cut, plain, safe

_CELL = "padding:.25em .9em .25em 0;text-align:left;vertical-align:top;border-bottom:1px solid rgba(128,128,128,.3)"
_BEGIN = f'<div class="{NO_FORMULA}">'
_MOST, _WIDTH = 50, 60
"""Rows that are shown, and characters of a cell in a text table."""


def html_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as HTML.

    >>> html_table(["a"], [["<1>"]]).count("&lt;1&gt;")
    1
    """
    lines = [_line("th", heads), *(_line("td", row) for row in rows)]
    return f'<table style="border-collapse:collapse;color:inherit;background:transparent">{"".join(lines)}</table>'


def _line(tag: str, cells: Sequence[Any]) -> str:
    return "<tr>" + "".join(f'<{tag} style="{_CELL}">{safe(cell)}</{tag}>' for cell in cells) + "</tr>"


def text_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as text, its columns as wide as what is in them.

    >>> print(text_table(["run", "steps"], [["r1", 3]]))
    run  steps
    r1   3
    """
    lines = [[cut(cell, _WIDTH) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def bundle_of(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> dict[str, str]:
    """Return what a notebook shows of a table: ``text/html`` and ``text/plain``, at most 50 rows, ``empty`` for none."""
    if not rows:
        return {"text/html": f"{_BEGIN}<b>{safe(title)}</b><br>{safe(empty)}</div>", "text/plain": f"{title}: {empty}"}
    shown, left = rows[:_MOST], len(rows) - _MOST
    more = f"and {left} more" if left > 0 else ""
    return {
        "text/html": f"{_BEGIN}<b>{safe(title)}</b>{html_table(heads, shown)}{safe(more)}</div>",
        "text/plain": "\n".join([plain(title), text_table(heads, shown), *([more] if more else [])]),
    }
