"""Graphviz as a layout engine: the program ``dot``, or the library inside ``pygraphviz``.

Owns the text that it is given and the reading of its answer. Sizes are ours and fixed, names never leave this
process (only numbers do), and text is not drawn by it, so fonts and hostile names do not matter.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from json import loads
from typing import Any

from nbgraph.views.layout.levels import Plan
from nbgraph.views.layout.measure import CLUSTER_HEAD, head_width, label_size, node_size
from nbgraph.views.layout.shapes import Box, Layout, Point, Route
from nbgraph.views.topology import Topology

MARGIN = 14.0
_TIMEOUT = 20.0
"""Seconds: a thousand nodes take one."""


def by_dot(topology: Topology, direction: str) -> Layout | None:
    """Return the layout of ``dot`` on PATH, None if it is not there or fails."""
    program = shutil.which("dot")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - the program is found on PATH, its input is numbers
            [program, "-Tjson0"],
            input=_text(topology, direction).encode("ascii"),
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
        )
        return _read(topology, done.stdout.decode("utf-8", "replace"), "dot", direction)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, IndexError, TypeError):
        return None


def by_pygraphviz(topology: Topology, direction: str) -> Layout | None:
    """Return the layout of the extra ``nbgraph[layout]``, None if it is not installed or fails."""
    try:
        from pygraphviz import AGraph  # noqa: PLC0415 - optional, and heavy

        drawn = AGraph(string=_text(topology, direction)).draw(format="json0", prog="dot")
        return _read(topology, bytes(drawn).decode("utf-8", "replace"), "pygraphviz", direction)
    except Exception:  # noqa: BLE001 - a library of C: whatever it stumbles over, another engine draws
        return None


def _text(topology: Topology, direction: str) -> str:
    numbers = {node.name: number for number, node in enumerate(topology.nodes)}
    lines = ["digraph g {", f"rankdir={'LR' if direction == 'right' else 'TB'}; nodesep=0.35; ranksep=0.55;"]
    lines += ['node [shape=box fixedsize=true label=""]; edge [dir=none label=""]; compound=true;']
    lines += _cluster_lines(topology, numbers, "")
    back = Plan.of(topology).back
    for place, link in enumerate(topology.links):
        # A link that leads back is drawn from its end, so that the start is above what follows.
        upper, lower = (link.dst, link.src) if link.id in back else (link.src, link.dst)
        width, height = label_size(link)
        label = f" label={_room(width, height)}" if width else ""
        lines.append(f"n{numbers[upper]} -> n{numbers[lower]} [id={place}{label}];")
    return "\n".join([*lines, "}"])


def _room(width: float, height: float) -> str:
    """Return an empty label of a fixed size."""
    size = f'fixedsize="true" width="{round(width)}" height="{round(height)}"'
    return f'<<table border="0" cellborder="0" cellpadding="0" cellspacing="0"><tr><td {size}></td></tr></table>>'


def _cluster_lines(topology: Topology, numbers: Mapping[str, int], inside: str) -> Iterator[str]:
    for node in topology.nodes:
        if node.cluster == inside:
            width, height = node_size(node)
            yield f"n{numbers[node.name]} [width={width / 72:.4f} height={height / 72:.4f}];"
    for place, cluster in enumerate(topology.clusters):
        if cluster.inside == inside and cluster.name:
            yield f"subgraph cluster_{place} {{ margin=14; label={_room(head_width(cluster), CLUSTER_HEAD - 14)};"
            yield from _cluster_lines(topology, numbers, cluster.name)
            yield "}"


def _read(topology: Topology, answer: str, engine: str, direction: str) -> Layout:
    told = loads(answer)
    low, left, right, top = _bounds(told["bb"])
    place = _Places(left, top)
    boxes, clusters = {}, {}
    for one in told.get("objects", ()):
        name = str(one["name"])
        if name.startswith("cluster_"):
            clusters[topology.clusters[int(name[8:])].name] = place.rectangle(one["bb"])
        elif name.startswith("n"):
            node = topology.nodes[int(name[1:])]
            boxes[node.name] = place.around(one["pos"], node_size(node))
    back = Plan.of(topology).back
    routes = {}
    for edge in told.get("edges", ()):
        link = topology.links[int(edge["id"])].id
        route = place.route(edge)
        routes[link] = route._replace(points=route.points[::-1]) if link in back else route
    return Layout(engine, right - left + 2 * MARGIN, top - low + 2 * MARGIN, boxes, routes, clusters, direction)


def _bounds(text: str) -> tuple[float, float, float, float]:
    left, low, right, top = map(float, text.split(","))
    return low, left, right, top


class _Places:
    """Turns Graphviz's coordinates, y upwards, into ours."""

    def __init__(self, left: float, top: float) -> None:
        self._left, self._top = left, top

    def point(self, text: str) -> Point:
        x, y = map(float, text.split(","))
        return round(x - self._left + MARGIN, 2), round(self._top - y + MARGIN, 2)

    def around(self, text: str, size: Sequence[float]) -> Box:
        (x, y), (width, height) = self.point(text), size
        return Box(round(x - width / 2, 2), round(y - height / 2, 2), width, height)

    def rectangle(self, text: str) -> Box:
        low, left, right, top = _bounds(text)
        x, y = self.point(f"{left},{top}")
        return Box(x, y, right - left, top - low)

    def route(self, edge: Mapping[str, Any]) -> Route:
        points = tuple(self.point(text) for text in str(edge["pos"]).split() if text[0] not in "se")
        return Route(points, self.point(edge["lp"]) if "lp" in edge else None)
