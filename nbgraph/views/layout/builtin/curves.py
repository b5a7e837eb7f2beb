"""A course of points that only goes down, as one smooth curve.

Owns the smoothing: across as a function of down, by cubics that do not overshoot (Fritsch and Carlson, 1980), so
that a curve stays between its points and two curves cross at most where their courses do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nbgraph.views.layout.shapes import Point


def smooth(points: Sequence[Point], bent: tuple[bool, bool] = (False, False)) -> tuple[Point, ...]:
    """Return a cubic Bezier through points of growing y, upright at both ends.

    ``bent``: whether it leaves its first point, and comes to its last, sideways instead.

    >>> smooth([(0, 0), (0, 9)])
    ((0, 0), (0.0, 3.0), (0.0, 6.0), (0, 9))
    """
    course = _thinned(points)
    slopes = _slopes(course, bent)
    curve: list[Point] = [course[0]]
    last = len(course) - 2
    for place, (a, b) in enumerate(pairwise(course)):
        corner = (place == 0 and bent[0], place == last and bent[1])
        curve += [*_piece(a, b, slopes[place], slopes[place + 1], corner), b]
    return tuple(curve)


def _piece(a: Point, b: Point, m: float, n: float, corner: tuple[bool, bool]) -> tuple[Point, Point]:
    """Return the two points between ``a`` and ``b`` that the curve is drawn to."""
    across, down = b[0] - a[0], b[1] - a[1]
    if corner[0]:
        return (a[0] + 0.7 * across, a[1]), (b[0], a[1] + 0.3 * down)
    if corner[1]:
        return (a[0], b[1] - 0.3 * down), (b[0] - 0.7 * across, b[1])
    third = down / 3
    # Upright ends are drawn a little stiffer: a curve that leaves a box should first leave it.
    stiff = 1.0 if across == 0 else 1.35
    first, second = third * (stiff if m == 0 else 1), third * (stiff if n == 0 else 1)
    return (a[0] + m * first, a[1] + first), (b[0] - n * second, b[1] - second)


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Drop the points that say nothing: between two others straight above each other."""
    kept = [points[0]]
    for point, after in pairwise(points[1:]):
        straight = abs(point[0] - kept[-1][0]) < 0.5 and abs(point[0] - after[0]) < 0.5
        if not straight and point[1] > kept[-1][1] + 0.5:
            kept.append(point)
    return [*kept, points[-1]]


def _slopes(course: Sequence[Point], bent: tuple[bool, bool]) -> list[float]:
    steep = [(b[0] - a[0]) / max(b[1] - a[1], 0.1) for a, b in pairwise(course)]
    slopes = [0.0]
    for left, right in pairwise(steep):
        # Past boxes a course has two points above each other: there it is upright.
        slopes.append(2 * left * right / (left + right) if left * right > 0 else 0.0)
    slopes.append(0.0)
    for end, corner in ((1, bent[0]), (-2, bent[1])):
        if corner:
            slopes[end] = 0.0  # a corner ends upright
    return slopes
