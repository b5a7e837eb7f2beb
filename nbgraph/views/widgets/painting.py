"""What a page is told of a drawing: once where things stand, then only what looks otherwise than before.

Owns the difference between two looks at a graph. Pure: facts in, patches of ``drawing.colouring`` out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nbgraph.views.drawing import colouring, scene
from nbgraph.views.layout import layout
from nbgraph.views.settings import default_engine
from nbgraph.views.tally import NodeFacts
from nbgraph.views.topology import Topology

Patches = dict[str, dict[str, str]]

_MOST = 400
"""Patches that are sent again and again, at most (about 50 kB): then the page gets the whole once more."""


class Painter:
    """One drawing on a page. ``whole`` and ``since`` are what the page has to apply, in this order, at any time.

    ``since`` grows until it would be long to send; so a page that missed something, or came late, is right at once.
    """

    def __init__(self, topology: Topology, *, engine: str = "", direction: str = "down", title: str = "") -> None:
        self.topology = topology
        self.layout = layout(topology, engine or default_engine(), direction)
        links = list(dict.fromkeys((link.src, link.dst) for link in topology.links))
        self.scene: dict[str, Any] = {**scene(topology, self.layout, title), "links": links}
        self.whole: Patches = {}
        self.since: Patches = {}
        self._nodes: Mapping[str, NodeFacts] = {}
        self._edges: Mapping[str, int] = {}
        self._stops: frozenset[str] = frozenset()
        self._places = {node.name: place for place, node in enumerate(topology.nodes)}

    def paint(self, nodes: Mapping[str, NodeFacts], edges: Mapping[str, int]) -> bool:
        """Take how things stand now; say whether anything looks otherwise."""
        new_nodes = {name: facts for name, facts in nodes.items() if self._nodes.get(name) != facts}
        new_edges = {link: taken for link, taken in edges.items() if self._edges.get(link) != taken}
        if not new_nodes and not new_edges:
            return False
        patches = colouring(self.topology._replace(clusters=()), self.layout, new_nodes, new_edges)
        if new_nodes and self.topology.clusters:
            patches.update(colouring(self.topology._replace(nodes=(), links=()), self.layout, nodes, {}))
        self._nodes, self._edges = nodes, edges
        self._add(patches)
        return True

    def stop_at(self, names: Iterable[str]) -> bool:
        """Take where the run stops; say whether that is otherwise."""
        wanted = frozenset(names)
        changed = wanted ^ self._stops
        self._stops = wanted
        shown = {True: "inline", False: "none"}
        self._add(
            {f"n{self._places[name]}b": {"display": shown[name in wanted]} for name in changed & self._places.keys()}
        )
        return bool(changed)

    def _add(self, patches: Patches) -> None:
        self.since = {**self.since, **patches}
        if len(self.since) > _MOST:
            self.whole, self.since = {**self.whole, **self.since}, {}
