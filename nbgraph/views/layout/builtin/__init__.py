"""Our own layered layout: pure Python, the same picture on every machine.

Owns the assembly. A subgraph is laid out by itself, links that leave it ending in ports in its border, and is one
item of the level around it. A level is laid out in the classic steps, a module each: which links lead back, in
which row everything stands (``ranks``, ``rows``), in which order (``ordering``), where across (``placing``), and
how the links run (``tracks``, ``curves``).
"""

from __future__ import annotations

from nbgraph.views.layout.builtin.blocks import Block, block
from nbgraph.views.layout.builtin.curves import smooth
from nbgraph.views.layout.builtin.frames import Frame
from nbgraph.views.layout.levels import Plan
from nbgraph.views.layout.shapes import Box, Layout, Point, Route
from nbgraph.views.topology import Link, Topology

_MARGIN = 14.0


def by_builtin(topology: Topology, direction: str) -> Layout:
    """Return the layout; any topology has one."""
    plan, frame = Plan.of(topology), Frame(direction == "right")
    whole = block(plan, "", frame)
    boxes = {name: _moved(box) for name, box in whole.boxes.items()}
    routes = {link.id: _route(link, plan, whole, boxes, frame) for link in topology.links}
    clusters = {name: _moved(box) for name, box in whole.clusters.items()}
    width, height = whole.width + 2 * _MARGIN, whole.height + 2 * _MARGIN
    return frame.finished(Layout("builtin", width, height, boxes, routes, clusters))


def _moved(box: Box) -> Box:
    return Box(round(box.x + _MARGIN, 1), round(box.y + _MARGIN, 1), round(box.w, 1), round(box.h, 1))


def _route(link: Link, plan: Plan, whole: Block, boxes: dict[str, Box], frame: Frame) -> Route:
    if link.src == link.dst:
        return _rounded(frame.loop(link, boxes[link.src], *whole.loops[link.id]))
    points = smooth([(x + _MARGIN, y + _MARGIN) for x, y in whole.tracks[link.id]], whole.bent[link.id])
    label = whole.labels.get(link.id)
    at = (label[0] + _MARGIN, label[1] + _MARGIN) if label else None
    return _rounded(Route(points[::-1] if link.id in plan.back else points, at, whole.before.get(link.id, False)))


def _rounded(route: Route) -> Route:
    return route._replace(points=tuple(map(_near, route.points)), label=_near(route.label) if route.label else None)


def _near(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)
