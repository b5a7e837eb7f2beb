"""stub, replaced within the hour."""

from __future__ import annotations

from nbgraph.graph.layout import layered
from nbgraph.views.layout.measure import label_size, node_size
from nbgraph.views.layout.shapes import Box, Layout, Route
from nbgraph.views.topology import Topology


def by_builtin(topology: Topology) -> Layout:
    """Return a layered layout."""
    succ: dict[str, list[str]] = {node.name: [] for node in topology.nodes}
    for link in topology.links:
        succ[link.src].append(link.dst)
    sizes = {node.name: node_size(node) for node in topology.nodes}
    boxes: dict[str, Box] = {}
    y = 14.0
    wide = 0.0
    for row in layered(succ, [n.name for n in topology.nodes if n.start]).rows:
        x = 14.0
        for key in row:
            if isinstance(key, str):
                w, h = sizes[key]
                boxes[key] = Box(x, y, w, h)
                x += w + 24
        wide = max(wide, x)
        y += 100
    routes = {}
    for link in topology.links:
        a, b = boxes[link.src], boxes[link.dst]
        p, q = (a.cx, a.y + a.h), (b.cx, b.y)
        m = ((p[0] + q[0]) / 2, (p[1] + q[1]) / 2)
        routes[link.id] = Route((p, (p[0], m[1]), (q[0], m[1]), q), m if label_size(link)[0] else None)
    clusters = {}
    for c in topology.clusters:
        inner = [boxes[n.name] for n in topology.nodes if n.cluster == c.name or n.cluster.startswith(c.name + "/")]
        if inner:
            x0, y0 = min(b.x for b in inner) - 10, min(b.y for b in inner) - 30
            clusters[c.name] = Box(
                x0, y0, max(b.x + b.w for b in inner) + 10 - x0, max(b.y + b.h for b in inner) + 10 - y0
            )
    return Layout("builtin", wide + 14, y, boxes, routes, clusters)
