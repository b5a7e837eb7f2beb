"""A definition as a Graphviz drawing, through the ``graphviz`` package.

Owns attributes and escaping: every name and label goes through ``graphviz.escape``, and ids are our own.
The package is imported here only, and this module only when a drawing is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import graphviz

from nbgraph.graph.outline import successors
from nbgraph.graph.picture import drawn_start, inside, links_of, missing_of, names_of

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph

_STYLES: dict[str, dict[str, str]] = {
    "edge": {},
    "when": {},
    "otherwise": {},
    "error": {"style": "dashed", "color": "#b3261e", "fontcolor": "#b3261e"},
    "goto": {"style": "dashed"},
    "send": {"penwidth": "2"},
}


def digraph(graph: Graph) -> graphviz.Digraph:
    """Return the drawing; subgraphs are clusters, each with a point that it ends in."""
    drawing = graphviz.Digraph(
        name=_text(graph.name),
        graph_attr={"compound": "true", "rankdir": "TB", "fontname": "sans-serif"},
        node_attr={"shape": "box", "style": "rounded", "fontname": "sans-serif"},
        edge_attr={"fontname": "sans-serif", "fontsize": "10"},
    )
    _draw(drawing, graph, "n", ())
    return drawing


def _text(text: str) -> Any:
    # A NUL would end the drawing there; graphviz.escape takes care of backslashes and of "<...>".
    return graphviz.escape(" ".join(text.replace("\0", "").split()))


def _draw(drawing: graphviz.Digraph, graph: Graph, prefix: str, above: tuple[Graph, ...]) -> tuple[str, list[str]]:
    """Draw one graph; return the id that arrivals point to, and the ids that nothing leads on from."""
    names = names_of(graph)
    entries = {name: f"{prefix}{place}" for place, name in enumerate(names)}
    exits = dict(entries)
    start, missing = drawn_start(graph), missing_of(graph)
    for node in graph.nodes:
        if node.graph is not None and not inside(node.graph, (*above, graph)):
            entries[node.name], exits[node.name] = _cluster(
                drawing, node.name, node.graph, exits[node.name], (*above, graph)
            )
        else:
            drawing.node(
                entries[node.name], label=_text(node.name), **({"penwidth": "2"} if node.name == start else {})
            )
    for name in missing:
        drawing.node(entries[name], label=_text(f"{name} ?"), style="dashed")
    for link in links_of(graph):
        label = {"label": _text(link.label)} if link.label else {}
        drawing.edge(exits[link.src], entries[link.dst], **label, **_STYLES[link.kind])
    ways = successors(graph)
    first = start if start is not None else names[0] if names else None
    return entries[first] if first is not None else prefix, [exits[name] for name in names if not ways.get(name)]


def _cluster(drawing: graphviz.Digraph, name: str, graph: Graph, own: str, above: tuple[Graph, ...]) -> tuple[str, str]:
    end = f"{own}_end"
    with drawing.subgraph(name=f"cluster_{own}") as cluster:
        cluster.attr(label=_text(name))
        cluster.node(end, label="", shape="point")
        entry, ends = _draw(cluster, graph, f"{own}_", above)
        for last in ends:
            cluster.edge(last, end, style="dotted")
    return (entry if graph.nodes else end), end
