"""The elements of a drawing, uncoloured: boxes of subgraphs, lines, labels, nodes, in this order from back to front.

Owns what is drawn and where. Whatever a run changes has a ``data-key``, and ``colouring`` says how it looks then.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbgraph.escape import cut
from nbgraph.views.drawing.element import Element, element, number
from nbgraph.views.drawing.lines import head_path, line_path, middle
from nbgraph.views.drawing.words import link_title, node_title
from nbgraph.views.layout.borders import corner
from nbgraph.views.layout.measure import CLUSTER_HEAD, label_size, shown_label, shown_name
from nbgraph.views.layout.shapes import Box, Layout, Route
from nbgraph.views.topology import Cluster, Link, Node, Topology

NAME_ALONE, NAME_ABOVE, FACTS_BELOW = 4.5, -2.5, 12.5
"""Baselines from the middle of a node's box: of its name alone, of its name with facts under it, of the facts."""


def figure(topology: Topology, layout: Layout, title: str) -> Element:
    """Return the whole drawing; what the layout has no place for is left out."""
    width, height = layout.width, layout.height
    head = {
        "xmlns": "http://www.w3.org/2000/svg", "class": "ng-drawing", "viewBox": f"0 0 {width:.0f} {height:.0f}",
        "width": f"{width:.0f}", "height": f"{height:.0f}", "role": "img", "aria-label": cut(title, 200),
    }  # fmt: skip
    return element(
        "svg",
        head,
        element("title", {}, title),
        element("rect", {"class": "ng-ground", "width": width, "height": height}),
        element("g", {"class": "ng-clusters"}, *_clusters(topology, layout)),
        element("g", {"class": "ng-edges"}, *_lines(topology, layout)),
        element("g", {"class": "ng-tags"}, *_tags(topology, layout)),
        element("g", {"class": "ng-nodes"}, *_nodes(topology, layout)),
    )


def _clusters(topology: Topology, layout: Layout) -> Iterator[Element]:
    for place, cluster in enumerate(topology.clusters):
        box = layout.clusters.get(cluster.name)
        if box is not None:
            yield _cluster(cluster, box, f"c{place}")


def _cluster(cluster: Cluster, box: Box, key: str) -> Element:
    return element(
        "g",
        {"class": "ng-cluster ng-is-idle", "data-cluster": cluster.name, "data-key": key},
        element("title", {}, f"{cluster.name}\nsubgraph"),
        element("rect", {"class": "ng-cluster-box", **_place(box), "rx": 12.0}),
        element("text", {"class": "ng-cluster-name", "x": box.x + 12, "y": box.y + CLUSTER_HEAD - 9}, shown_name(cluster.label)),
    )  # fmt: skip


def _place(box: Box) -> dict[str, float]:
    return {"x": box.x, "y": box.y, "width": box.w, "height": box.h}


def _lines(topology: Topology, layout: Layout) -> Iterator[Element]:
    for place, link in enumerate(topology.links):
        route = layout.routes.get(link.id)
        if route is not None:
            yield _line(link, route, f"e{place}")


def edge_class(link: Link) -> str:
    """Return the class that a link has in any state."""
    return f"ng-edge ng-{link.kind}"


def _line(link: Link, route: Route, key: str) -> Element:
    path = line_path(route.points)
    return element(
        "g",
        {"class": edge_class(link), "data-edge": link.id, "data-key": key},
        element("title", {"data-key": f"{key}t"}, link_title(link, None)),
        element("path", {"class": "ng-hit", "d": path}),
        element("path", {"class": "ng-line", "d": path}),
        element("path", {"class": "ng-core", "d": path}) if link.kind == "send" else None,
        element("path", {"class": "ng-head", "d": head_path(route.points)}),
    )


def _tags(topology: Topology, layout: Layout) -> Iterator[Element]:
    for place, link in enumerate(topology.links):
        route = layout.routes.get(link.id)
        if route is not None:
            yield _tag(link, route, f"g{place}", above=layout.direction == "right")


def _tag(link: Link, route: Route, key: str, *, above: bool) -> Element:
    """Return a link's label and count: one text in the label's room, or the count alone on the line."""
    label = shown_label(link)
    x, y = route.label or middle(route.points)
    aside = label_size(link)[0] / 2 - 7 if label else 0.0
    side = " ng-before" if route.before else "" if label else " ng-alone"
    return element(
        "g",
        {"class": f"ng-tag ng-{link.kind}", "data-edge": link.id, "data-key": key},
        element(
            "text",
            {
                "class": f"ng-words{side}",
                "x": x + aside if route.before else x - aside,
                "y": y + (2.0 if above and label else 4.0),
            },
            element("tspan", {"class": "ng-label"}, label) if label else None,
            element("tspan", {"class": "ng-count", "dx": 5.0 if label else None, "data-key": f"{key}c"}, ""),
        ),
    )


def _nodes(topology: Topology, layout: Layout) -> Iterator[Element]:
    entered: dict[str, int] = {}
    for link in topology.links:
        entered[link.dst] = entered.get(link.dst, 0) + (link.src != link.dst)
    for place, node in enumerate(topology.nodes):
        box = layout.boxes.get(node.name)
        if box is not None:
            yield _node(node, box, f"n{place}", _joined(node, box, entered.get(node.name, 0), layout.direction))


def node_class(node: Node, status: str) -> str:
    """Return a node's class in a state."""
    return f"ng-node ng-{node.kind} ng-is-{status}"


def _node(node: Node, box: Box, key: str, join: Element | None) -> Element:
    parts = _end_parts(box) if node.kind == "end" else _box_parts(node, box, key, join)
    return element(
        "g",
        {"class": node_class(node, "idle"), "data-node": node.name, "data-key": key},
        element("title", {"data-key": f"{key}t"}, node_title(node, None)),
        *parts,
    )


def _end_parts(box: Box) -> Iterator[Element]:
    yield element("circle", {"class": "ng-box", "cx": box.cx, "cy": box.cy, "r": box.w / 2 - 1})
    yield element("circle", {"class": "ng-start", "cx": box.cx, "cy": box.cy, "r": box.w / 2 - 5})


def _box_parts(node: Node, box: Box, key: str, join: Element | None) -> Iterator[Element]:
    yield element("rect", {"class": "ng-box", **_place(box), "rx": corner(node, box)})
    if node.start:
        yield element("circle", {"class": "ng-start", "cx": box.x + 15, "cy": box.cy, "r": 4.0})
    if join is not None:
        yield join
    middle_x = box.cx + (6.0 if node.start else 0.0)
    name = shown_name(node.label) + (" ?" if node.kind == "missing" else "")
    yield element("text", {"class": "ng-name", "x": middle_x, "y": box.cy + NAME_ALONE, "data-key": f"{key}n"}, name)
    yield element("text", {"class": "ng-facts", "x": middle_x, "y": box.cy + FACTS_BELOW, "data-key": f"{key}f"}, "")
    yield _flag(box, key)
    yield element("circle", {"class": "ng-break", "cx": box.x + 1, "cy": box.y + 1, "r": 6.5, "display": "none", "data-key": f"{key}b"})  # fmt: skip


def _joined(node: Node, box: Box, entered: int, direction: str) -> Element | None:
    """Return the mark of a join: one bar where all arrivals meet, three ticks where each goes on by itself."""
    if entered < 2 and node.join != "each":
        return None
    long = 5.0 if node.join == "each" else 20.0 if direction == "right" else 30.0
    begins = (-11.5, -2.5, 6.5) if node.join == "each" else (-long / 2,)
    if direction == "right":
        path = "".join(f"M{number(box.x)},{number(box.cy + at)}v{number(long)}h4v-{number(long)}z" for at in begins)
    else:
        path = "".join(f"M{number(box.cx + at)},{number(box.y)}h{number(long)}v4h-{number(long)}z" for at in begins)
    return element("path", {"class": "ng-join", "d": path})


def _flag(box: Box, key: str) -> Element:
    x = box.x + box.w - 24
    return element(
        "g",
        {"class": "ng-flag", "display": "none", "data-key": f"{key}s"},
        element(
            "rect", {"class": "ng-flag-box", "x": x - 23, "y": box.y - 7, "width": 46.0, "height": 14.0, "rx": 7.0}
        ),
        element("text", {"class": "ng-flag-text", "x": x, "y": box.y + 3.2}, "changed"),
    )
