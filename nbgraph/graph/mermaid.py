"""A definition as a Mermaid flowchart.

Owns Mermaid's syntax and its escaping: names and labels are other people's text, so that everything but
letters, digits and a few harmless marks becomes a numeric entity, and ids are our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbgraph.graph.picture import drawn_start, inside, links_of, missing_of, names_of

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph

_ARROWS = {"edge": "-->", "when": "-->", "otherwise": "-->", "error": "-.->", "goto": "-.->", "send": "==>"}
_HARMLESS = frozenset(" _-.,+*/=")


def mermaid(graph: Graph) -> str:
    """Return the flowchart's source; subgraphs are drawn as boxes around their nodes."""
    return "\n".join(["flowchart TD", *_lines(graph, "n", "  ", ())]) + "\n"


def escaped(text: str) -> str:
    """Return text that Mermaid and the page around it take as text only.

    >>> escaped('a"]; <b>')
    'a#34;#93;#59; #60;b#62;'
    """
    flat = " ".join(text.split())
    return "".join(c if c in _HARMLESS or (c.isalnum() and c.isascii()) else f"#{ord(c)};" for c in flat)


def _lines(graph: Graph, prefix: str, indent: str, above: tuple[Graph, ...]) -> Iterator[str]:
    ids = {name: f"{prefix}{place}" for place, name in enumerate(names_of(graph))}
    start, missing = drawn_start(graph), missing_of(graph)
    for node in graph.nodes:
        inner = node.graph
        if inner is not None and not inside(inner, (*above, graph)):
            yield f'{indent}subgraph {ids[node.name]}["{escaped(node.name)}"]'
            yield from _lines(inner, ids[node.name] + "_", indent + "  ", (*above, graph))
            yield f"{indent}end"
        else:
            left, right = ("([", "])") if node.name == start else ("[", "]")
            yield f'{indent}{ids[node.name]}{left}"{escaped(node.name)}"{right}'
    for name in sorted(missing, key=lambda name: ids[name]):
        yield f'{indent}{ids[name]}{{{{"{escaped(name)} ?"}}}}'
    for link in links_of(graph):
        label = f'|"{escaped(link.label)}"|' if link.label else ""
        yield f"{indent}{ids[link.src]} {_ARROWS[link.kind]}{label} {ids[link.dst]}"
