"""A graph as it is drawn: nodes, links and the boxes of subgraphs, all by absolute name ("review/lint").

Owns what there is to draw, from a live graph, finished or not, or from the description that is stored with a run. A
graph that compiles gives exactly what its description gives, so rows of a run find their nodes and links by
name in both. Knows nothing of places or colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import loads
from typing import Any, NamedTuple

from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph
from nbgraph.graph.parts import NodeDef
from nbgraph.graph.picture import drawn_start, inside, links_of, missing_of, names_of
from nbgraph.views.subject import Subject


class Node(NamedTuple):
    """One box. ``kind``: "sync", "async", "end" (of a subgraph), "graph" (not looked into) or "missing"."""

    name: str
    label: str
    kind: str
    join: str
    """"all": it fires once for all its arrivals; "each": for every one."""
    cluster: str
    """The subgraph that it is in; "" at the top."""
    start: bool
    attempts: int
    source: str


class Link(NamedTuple):
    """One way from a node to another. ``kind``: "edge", "when", "otherwise", "error", "goto" or "send"."""

    id: str
    """"src>index": unique in its graph."""
    src: str
    dst: str
    kind: str
    label: str
    index: str  # type: ignore[assignment]  # the name that the rows have; nobody asks a link where a value stands in it
    """Place among the ways out of ``src``, as in a row's arrivals: "e0", "x0", "g0", "s0"."""


class Cluster(NamedTuple):
    """The box around a subgraph. ``inside``: the cluster around it, "" at the top."""

    name: str
    label: str
    inside: str


class Topology(NamedTuple):
    """Everything that a drawing of one graph holds. Order is part of it: it decides what stands left."""

    name: str
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    clusters: tuple[Cluster, ...]


def topology_of(graph: Graph) -> Topology:
    """Return what to draw of a live graph. Unfinished ones too: names without a node are "missing".

    >>> graph = Graph({"n": int}, name="count")
    >>> graph.edge("up", "check")
    >>> [(node.name, node.kind) for node in topology_of(graph).nodes]
    [('up', 'missing'), ('check', 'missing')]
    """
    try:
        description = graph.compile().description
    except GraphError:
        return _unfinished(graph)
    return topology_from(description)


def topology_from(description: str) -> Topology:
    """Return what to draw of a stored description; needs no code and runs none. Raises ``ValueError`` if it is none."""
    told = loads(description)
    ends = {node["name"] for node in told["nodes"] if node["kind"] == "end"}
    nodes = tuple(_node(node, told["start"]) for node in told["nodes"])
    return Topology(told["name"], nodes, tuple(_links(told["edges"])), _clusters(ends))


def topology_of_run(subject: Subject) -> Topology:
    """Return what to draw of a run: the graph that it followed last, as stored."""
    return topology_from(subject.store.descriptions(str(subject.id))[-1][2])


def parent(name: str) -> str:
    """Return the subgraph around a node or subgraph, "" at the top.

    >>> parent("review/lint"), parent("review")
    ('review', '')
    """
    return name.rpartition("/")[0]


def _node(told: Mapping[str, Any], start: str) -> Node:
    name, kind = told["name"], told["kind"]
    cluster = name if kind == "end" else parent(name)
    label = name.rpartition("/")[2]
    return Node(name, label, kind, told["join"], cluster, name == start, told["attempts"], told["source"])


def _links(told: Iterable[Mapping[str, Any]]) -> Iterator[Link]:
    for one in told:
        label = one["label"] or ("otherwise" if one["kind"] == "otherwise" else "")
        yield Link(f"{one['from']}>{one['index']}", one["from"], one["to"], one["kind"], label, one["index"])


def _clusters(names: Iterable[str]) -> tuple[Cluster, ...]:
    """Return the boxes, outer ones first."""
    ordered = sorted(names, key=lambda name: (name.count("/"), name))
    return tuple(Cluster(name, name.rpartition("/")[2], parent(name)) for name in ordered)


def _unfinished(graph: Graph) -> Topology:
    drawn = _Unfinished()
    start = drawn.add(graph, "", ())
    nodes = tuple(node._replace(start=node.name == start) for node in drawn.nodes)
    return Topology(graph.name, nodes, tuple(drawn.links), _clusters(drawn.clusters))


class _Unfinished:
    """Collects a graph that does not compile yet, with the names that it will have."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.links: list[Link] = []
        self.clusters: list[str] = []

    def add(self, graph: Graph, cluster: str, above: tuple[Graph, ...]) -> str:
        """Add one graph; return the node that an arrival at it reaches, "" if there is none or no start is decided."""
        prefix, entries, missing = f"{cluster}/" if cluster else "", dict[str, str](), missing_of(graph)
        for node in graph.nodes:
            entries[node.name] = self._node(node, prefix, cluster, (*above, graph))
        for name in names_of(graph):
            if name in missing:
                entries[name] = prefix + name
                self.nodes.append(Node(prefix + name, name, "missing", "all", cluster, False, 1, ""))
        self._link(graph, prefix, entries)
        start = drawn_start(graph)
        return entries[start] if start is not None else ""

    def _node(self, node: NodeDef, prefix: str, cluster: str, above: tuple[Graph, ...]) -> str:
        name = prefix + node.name
        if node.graph is None or inside(node.graph, above):
            kind = "graph" if node.graph is not None else "async" if node.is_async else "sync"
            attempts = node.retry.attempts if node.retry else 1
            self.nodes.append(Node(name, node.name, kind, node.join, cluster, False, attempts, node.source.text))
            return name
        self.clusters.append(name)
        first = len(self.nodes)
        entry = self.add(node.graph, name, above)
        inner = self.nodes[first].name if len(self.nodes) > first else name
        self.nodes.append(Node(name, node.name, "end", "all", name, False, 1, ""))
        self._ends(name, self.nodes[first:-1])
        return entry or inner

    def _ends(self, cluster: str, inner: Sequence[Node]) -> None:
        """Lead the nodes that nothing leads on from to the subgraph's end."""
        leading = {link.src for link in self.links}
        for node in inner:
            own = node.cluster == cluster or (node.kind == "end" and parent(node.name) == cluster)
            if own and node.name not in leading and (node.kind != "end" or node.name != cluster):
                self.links.append(Link(f"{node.name}>e0", node.name, cluster, "edge", "", "e0"))

    def _link(self, graph: Graph, prefix: str, entries: Mapping[str, str]) -> None:
        count: dict[tuple[str, str], int] = {}
        for link in links_of(graph):
            src, letter = prefix + link.src, _LETTERS.get(link.kind, "e")
            place = count[src, letter] = count.get((src, letter), -1) + 1
            label = "" if link.kind == "send" else link.label
            index = f"{letter}{place}"
            self.links.append(Link(f"{src}>{index}", src, entries[link.dst], link.kind, label, index))


_LETTERS = {"error": "x", "goto": "g", "send": "s"}
