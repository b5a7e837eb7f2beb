"""Our own layered layout: pure Python, the same picture on every machine.

Owns the assembly. A subgraph is laid out by itself, links that leave it ending in ports in its border, and is one
item of the level around it. A level is laid out in the classic steps, a module each: which links lead back, in
which row everything stands (``ranks``, ``rows``), in which order (``ordering``), where across (``placing``), and
how the links run (``tracks``, ``curves``).
"""

from __future__ import annotations

from nbgraph.views.layout.builtin.blocks import Block, block
from nbgraph.views.layout.builtin.curves import smooth
from nbgraph.views.layout.levels import Plan
from nbgraph.views.layout.measure import label_size
from nbgraph.views.layout.shapes import Box, Layout, Point, Route
from nbgraph.views.topology import Link, Topology

_MARGIN = 14.0
_LOOP = 30.0
"""How far a link from a node to itself reaches out."""


def by_builtin(topology: Topology) -> Layout:
    """Return the layout; any topology has one."""
    plan = Plan.of(topology)
    whole = block(plan, "")
    boxes = {name: _moved(box) for name, box in whole.boxes.items()}
    routes = {link.id: _route(link, plan, whole, boxes) for link in topology.links}
    clusters = {name: _moved(box) for name, box in whole.clusters.items()}
    return Layout("builtin", whole.width + 2 * _MARGIN, whole.height + 2 * _MARGIN, boxes, routes, clusters)


def _moved(box: Box) -> Box:
    return Box(round(box.x + _MARGIN, 1), round(box.y + _MARGIN, 1), round(box.w, 1), round(box.h, 1))


def _route(link: Link, plan: Plan, whole: Block, boxes: dict[str, Box]) -> Route:
    if link.src == link.dst:
        return _loop(link, boxes[link.src], whole.loops[link.id])
    points = smooth([(x + _MARGIN, y + _MARGIN) for x, y in whole.tracks[link.id]], whole.bent[link.id])
    label = whole.labels.get(link.id)
    ordered = points[::-1] if link.id in plan.back else points
    return Route(tuple(map(_rounded, ordered)), _rounded((label[0] + _MARGIN, label[1] + _MARGIN)) if label else None)


def _loop(link: Link, box: Box, number: int) -> Route:
    """Return a link from a node to itself, at its right border; further ones lie around the first."""
    x, out, high = box.x + box.w, _LOOP + 9 * number, min(8.0 + 4 * number, box.h / 2 - 2)
    points = ((x, box.cy - high), (x + out, box.cy - high - 9), (x + out, box.cy + high + 9), (x, box.cy + high))
    width = label_size(link)[0]
    label = (x + out * 0.8 + width / 2, box.cy - 7.0 + 18 * number) if width else None
    return Route(tuple(map(_rounded, points)), label)


def _rounded(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)
