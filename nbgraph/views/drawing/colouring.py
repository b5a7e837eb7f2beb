"""What a run changes in a drawing: classes, words and counts, as patches that file and page apply alike.

Owns how facts look. Knows nothing of where things stand, but for how wide they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nbgraph.views.drawing.element import number
from nbgraph.views.drawing.figure import NAME_ABOVE, NAME_ALONE, edge_class, node_class
from nbgraph.views.drawing.words import facts_line, link_title, node_title
from nbgraph.views.layout.shapes import Box, Layout
from nbgraph.views.tally import NodeFacts, strongest
from nbgraph.views.topology import Link, Node, Topology

Patch = tuple[str, dict[str, str]]


def colouring(
    topology: Topology,
    layout: Layout,
    nodes: Mapping[str, NodeFacts],
    edges: Mapping[str, int],
    *,
    times: bool = True,
) -> dict[str, dict[str, str]]:
    """Return what to change, for every node, link and cluster that there are facts of; always the same keys.

    Two colourings of one layout can be compared key by key: only what differs needs to be sent.
    """
    patches: dict[str, dict[str, str]] = {}
    for place, node in enumerate(topology.nodes):
        if node.name in nodes and node.name in layout.boxes:
            patches.update(_node(node, layout.boxes[node.name], nodes[node.name], f"n{place}", times=times))
    for place, link in enumerate(topology.links):
        if link.id in edges and link.id in layout.routes:
            patches.update(_link(link, edges[link.id], place))
    for place, cluster in enumerate(topology.clusters):
        prefix = f"{cluster.name}/"
        inner = [facts.status for name, facts in nodes.items() if name == cluster.name or name.startswith(prefix)]
        if inner:
            patches[f"c{place}"] = {"class": f"ng-cluster ng-is-{strongest(inner)}"}
    return patches


def _node(node: Node, box: Box, facts: NodeFacts, key: str, *, times: bool) -> Iterator[Patch]:
    yield key, {"class": node_class(node, facts.status)}
    yield f"{key}t", {"text": node_title(node, facts, times=times)}
    if node.kind != "end":
        line = facts_line(facts, box.w - 16 - (16 if node.start else 0), times=times)
        yield f"{key}n", {"y": number(box.cy + (NAME_ABOVE if line else NAME_ALONE))}
        yield f"{key}f", {"text": line}
        yield f"{key}s", {"display": "inline" if facts.stale else "none"}


def _link(link: Link, taken: int, place: int) -> Iterator[Patch]:
    state = "ng-taken" if taken else "ng-untaken"
    yield f"e{place}", {"class": f"{edge_class(link)} {state}"}
    yield f"e{place}t", {"text": link_title(link, taken)}
    yield f"g{place}", {"class": f"ng-tag ng-{link.kind} {state}"}
    yield f"g{place}c", {"text": f"{taken}×" if taken > 1 else ""}
