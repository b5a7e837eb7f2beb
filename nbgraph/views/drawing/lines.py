"""Lines and heads of links as path texts.

Owns the geometry between a route and what is drawn: the line ends where its head begins. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

from nbgraph.views.drawing.element import number
from nbgraph.views.layout.shapes import Point

HEAD_LENGTH, HEAD_WIDTH = 9.0, 4.0
"""From tip to base, and half of the base."""


def line_path(points: Sequence[Point], shorter: float = HEAD_LENGTH - 2) -> str:
    """Return the path of a route, its last stretch ``shorter``, so that a thick line does not stick out of its head."""
    *curve, last = points
    back = _back(points)
    end = (last[0] + back[0] * shorter, last[1] + back[1] * shorter)
    parts = [f"M{_at(points[0])}"]
    for place in range(1, len(points) - 2, 3):
        third = points[place + 2] if place + 3 < len(points) else end
        second = points[place + 1]
        if place + 3 >= len(points):
            second = (second[0] + back[0] * shorter, second[1] + back[1] * shorter)
        parts.append(f"C{_at(curve[place])} {_at(second)} {_at(third)}")
    return "".join(parts)


def head_path(points: Sequence[Point]) -> str:
    """Return the triangle at the end of a route."""
    (x, y), (dx, dy) = points[-1], _back(points)
    base = x + dx * HEAD_LENGTH, y + dy * HEAD_LENGTH
    left = base[0] - dy * HEAD_WIDTH, base[1] + dx * HEAD_WIDTH
    right = base[0] + dy * HEAD_WIDTH, base[1] - dx * HEAD_WIDTH
    return f"M{_at((x, y))}L{_at(left)}L{_at(right)}Z"


def middle(points: Sequence[Point]) -> Point:
    """Return the point half-way along a route, by its pieces."""
    pieces = (len(points) - 1) // 3
    if pieces < 1:
        return points[0]
    first = 3 * (pieces // 2)
    if pieces % 2 == 0:
        return points[first]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points[first : first + 4]
    return (ax + 3 * bx + 3 * cx + dx) / 8, (ay + 3 * by + 3 * cy + dy) / 8


def _back(points: Sequence[Point]) -> Point:
    """Return the direction from the tip back along the route, of length 1."""
    x, y = points[-1]
    for px, py in reversed(points[:-1]):
        length = hypot(px - x, py - y)
        if length > 0.5:
            return (px - x) / length, (py - y) / length
    return 0.0, -1.0


def _at(point: Point) -> str:
    return f"{number(point[0])},{number(point[1])}"
