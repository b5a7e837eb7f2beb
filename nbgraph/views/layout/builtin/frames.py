"""Sizes as one direction sees them: a layout from left to right is one from top to bottom, turned at the end.

Owns the turning. Everything else in this package speaks of across and down only; here is what text, which is
never turned, asks of it: where labels and names of subgraphs stand, and how much room they take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nbgraph.views.layout.measure import CLUSTER_HEAD, LABEL_HEIGHT, head_width, label_size, node_size
from nbgraph.views.layout.shapes import Box, Layout, Point, Route
from nbgraph.views.topology import Cluster, Link, Node

PAD = 16.0
_PORT_ROOM = 26.0
_LOOP_ROOM, _LOOP = 34.0, 30.0
"""Room for a link from a node to itself, and how far it reaches out."""
_BESIDE = 1.0
"""From a line to its label."""


class Edges(NamedTuple):
    """Room around the content of a subgraph."""

    left: float
    right: float
    top: float
    bottom: float


class Frame(NamedTuple):
    """What a direction makes of sizes."""

    turned: bool

    def _turned(self, size: tuple[float, float]) -> tuple[float, float]:
        return (size[1], size[0]) if self.turned else size

    def node(self, node: Node) -> tuple[float, float]:
        """Return the width and height of a node."""
        return self._turned(node_size(node))

    def label(self, link: Link) -> tuple[float, float, float]:
        """Return the room of a link's label before its line, behind it, and along it: it is at the right, or above."""
        across, along = self._turned(label_size(link))
        return (across + _BESIDE, 0.0, along) if self.turned and across else (0.0, across + _BESIDE, along)

    def aside(self, link: Link, *, before: bool) -> float:
        """Return how far the middle of a label is from its line."""
        far = (max(self.label(link)[:2]) + _BESIDE) / 2
        return -far if before else far

    def around(self, *, entered: bool, left: bool) -> Edges:
        """Return the room around a subgraph's content; lines that enter or leave it have room of their own."""
        start, end = (0.0 if entered else PAD), (0.0 if left else PAD)
        if self.turned:
            return Edges(CLUSTER_HEAD + 4, PAD, start, end)
        return Edges(PAD, PAD, 0.0 if entered else CLUSTER_HEAD + 4, end)

    def ports(self) -> tuple[float, float]:
        """Return the room between a subgraph's border and its first row, and behind its last, where lines pass."""
        return (_PORT_ROOM if self.turned else CLUSTER_HEAD + 12), _PORT_ROOM

    def head(self, cluster: Cluster) -> tuple[float, float]:
        """Return the least width and height that a subgraph's name asks for."""
        return self._turned((head_width(cluster), 0.0))

    def loop_room(self, links: Sequence[Link]) -> float:
        """Return the room that a node's links to itself take at the right of it."""
        width = max(label_size(link)[0] for link in links)
        return _LOOP_ROOM + 9 * (len(links) - 1) + (LABEL_HEIGHT * len(links) if self.turned and width else width)

    def loop(self, link: Link, box: Box, number: int, count: int) -> Route:
        """Return one of ``count`` links from a node to itself, at its right border; further ones lie around the first."""
        x, out, high = box.x + box.w, _LOOP + 9 * number, min(8.0 + 4 * number, box.h / 2 - 2)
        points = ((x, box.cy - high), (x + out, box.cy - high - 9), (x + out, box.cy + high + 9), (x, box.cy + high))
        width, beyond = label_size(link)[0], x + 0.78 * (_LOOP + 9 * (count - 1))
        if not width:
            return Route(points, None)
        if self.turned:
            return Route(points, (beyond + LABEL_HEIGHT * (number + 0.5) + 2, box.cy + 10))
        return Route(points, (beyond + width / 2, box.cy + LABEL_HEIGHT * (number - (count - 1) / 2)))

    def finished(self, found: Layout) -> Layout:
        """Return a layout as it is to be seen."""
        if not self.turned:
            return found
        boxes, clusters = ({key: _box(box) for key, box in one.items()} for one in (found.boxes, found.clusters))
        routes = {
            key: Route(tuple(map(_point, r.points)), r.label and _point(r.label)) for key, r in found.routes.items()
        }
        return Layout(found.engine, found.height, found.width, boxes, routes, clusters, "right")


def _box(box: Box) -> Box:
    return Box(box.y, box.x, box.h, box.w)


def _point(point: Point) -> Point:
    return point[1], point[0]
