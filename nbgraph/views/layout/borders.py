"""Lines that end on what is drawn: a node's corners are round, the box that an engine knows is not.

Owns the shapes of nodes as far as lines meet them, and the moving of a line's two ends onto them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot

from nbgraph.views.layout.shapes import Box, Point, Route
from nbgraph.views.topology import Node, Topology

CORNER = 8.0
"""Radius of a box's corners; a start is round at both sides."""
_NEAR, _ROUNDS = 0.05, 24


def on_borders(topology: Topology, boxes: Mapping[str, Box], routes: Mapping[str, Route]) -> dict[str, Route]:
    """Return the routes with both ends on the borders that are drawn."""
    shapes = {node.name: _shape(node, boxes[node.name]) for node in topology.nodes if node.name in boxes}
    ends = {link.id: (shapes.get(link.src), shapes.get(link.dst)) for link in topology.links}
    return {key: _joined(route, *ends[key]) for key, route in routes.items()}


def corner(node: Node, box: Box) -> float:
    """Return the radius of a node's corners."""
    return box.h / 2 if node.start else CORNER


class _Shape:
    """A box with round corners."""

    def __init__(self, box: Box, radius: float) -> None:
        self.x, self.y, self.radius = box.cx, box.cy, min(radius, box.w / 2, box.h / 2)
        self._across, self._down = box.w / 2 - self.radius, box.h / 2 - self.radius

    def distance(self, x: float, y: float) -> float:
        """Return how far a point is from the border; negative inside."""
        across, down = abs(x - self.x) - self._across, abs(y - self.y) - self._down
        return hypot(max(across, 0.0), max(down, 0.0)) + min(max(across, down), 0.0) - self.radius


def _shape(node: Node, box: Box) -> _Shape:
    if node.kind == "end":
        return _Shape(Box(box.x + 1, box.y + 1, box.w - 2, box.h - 2), box.w)
    return _Shape(box, corner(node, box))


def _joined(route: Route, src: _Shape | None, dst: _Shape | None) -> Route:
    points = list(route.points)
    if len(points) < 4:
        return route
    if src is not None:
        points[0], points[1] = _moved(points[0], points[1], src)
    if dst is not None:
        points[-1], points[-2] = _moved(points[-1], points[-2], dst)
    return route._replace(points=tuple(points))


def _moved(end: Point, handle: Point, shape: _Shape) -> tuple[Point, Point]:
    """Return an end and the handle next to it, moved straight on until the end is on the border."""
    if shape.distance(*end) < _NEAR:
        return end, handle
    ahead = _met(end, (end[0] - handle[0], end[1] - handle[1]), shape)
    found = ahead or _met(end, (shape.x - end[0], shape.y - end[1]), shape) or end
    dx, dy = found[0] - end[0], found[1] - end[1]
    return _rounded(found), _rounded((handle[0] + dx, handle[1] + dy))


def _met(end: Point, along: Point, shape: _Shape) -> Point | None:
    """Return where a straight line from ``end`` meets the border, None if it passes by."""
    length = hypot(*along)
    x, y = end
    for _ in range(_ROUNDS if length else 0):
        far = shape.distance(x, y)
        if far < _NEAR:
            return x, y
        x, y = x + along[0] / length * far, y + along[1] / length * far
    return None


def _rounded(point: Point) -> Point:
    return round(point[0], 2), round(point[1], 2)
