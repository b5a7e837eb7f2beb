"""A sheet of characters to draw on: lines that join where they meet, boxes, text.

Owns box-drawing characters. A cell remembers the directions in which a line leaves it, so that two lines
drawn through it become a cross or a fork by themselves. Mutable; knows nothing of graphs.
"""

from __future__ import annotations

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"


class Canvas:
    """A sheet that grows as it is drawn on. Rows and columns count from 0.

    >>> sheet = Canvas()
    >>> sheet.line((0, 1), (2, 1)); sheet.line((1, 1), (1, 3))
    >>> print(sheet.text())
     ╷
     ├─╴
     ╵
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], int] = {}
        self._chars: dict[tuple[int, int], str] = {}

    def line(self, begin: tuple[int, int], end: tuple[int, int]) -> None:
        """Draw a straight line between two cells, both included."""
        (top, left), (bottom, right) = min(begin, end), max(begin, end)
        for row in range(top, bottom):
            self._join((row, left), _DOWN)
            self._join((row + 1, left), _UP)
        for column in range(left, right):
            self._join((top, column), _RIGHT)
            self._join((top, column + 1), _LEFT)

    def write(self, row: int, column: int, text: str) -> None:
        """Write text over whatever is there."""
        for place, char in enumerate(text):
            self._chars[row, column + place] = char

    def box(self, row: int, column: int, lines: list[str], *, heavy: bool = False) -> None:
        """Draw a box around centred lines; ``column`` is its left side, ``row`` its upper."""
        corners, side, bar = ("╔╗╚╝", "║", "═") if heavy else ("╭╮╰╯", "│", "─")
        width = max(map(len, lines)) + 2
        self.write(row, column, corners[0] + bar * width + corners[1])
        for place, line in enumerate(lines, 1):
            self.write(row + place, column, side + line.center(width) + side)
        self.write(row + len(lines) + 1, column, corners[2] + bar * width + corners[3])

    def text(self) -> str:
        """Return the sheet, without blanks at the ends of lines."""
        cells = {**{at: _LINES[ways] for at, ways in self._lines.items()}, **self._chars}
        if not cells:
            return ""
        rows: dict[int, dict[int, str]] = {}
        for (row, column), char in cells.items():
            rows.setdefault(row, {})[column] = char
        return "\n".join(_joined(rows.get(row, {})) for row in range(max(rows) + 1))

    def _join(self, at: tuple[int, int], way: int) -> None:
        self._lines[at] = self._lines.get(at, 0) | way


def _joined(row: dict[int, str]) -> str:
    return "".join(row.get(column, " ") for column in range(max(row, default=-1) + 1)).rstrip()
