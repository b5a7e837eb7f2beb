"""The one writer of drawings: layout and colouring in, SVG text or the page's elements out.

Owns the two doors. ``scene`` is what the page builds; ``svg`` is the same tree as text, so that a picture in a file and
the live one are the same by construction.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbgraph.views.drawing.colouring import colouring
from nbgraph.views.drawing.element import Element, as_lists, as_markup, element, patched
from nbgraph.views.drawing.figure import figure
from nbgraph.views.drawing.rules import rules
from nbgraph.views.layout.shapes import Layout
from nbgraph.views.tally import NodeFacts
from nbgraph.views.topology import Topology

__all__ = ["colouring", "rules", "scene", "svg"]


def scene(topology: Topology, layout: Layout, title: str = "") -> dict[str, Any]:
    """Return the uncoloured drawing for the page: plain numbers, strings and lists.

    ``tree`` is ``[tag, attributes, children]``, nested. A colouring (``colouring``) is applied by setting, on the
    element whose ``data-key`` it names, each attribute it gives ("text": what is in the element). ``data-node``,
    ``data-edge`` and ``data-cluster`` say what was clicked. The element ``n<place>b`` is a breakpoint's mark:
    ``display`` "inline" shows it.
    """
    tree = as_lists(figure(topology, layout, title or topology.name))
    return {"width": layout.width, "height": layout.height, "engine": layout.engine, "tree": tree}


def svg(
    topology: Topology,
    layout: Layout,
    nodes: Mapping[str, NodeFacts] | None = None,
    edges: Mapping[str, int] | None = None,
    theme: str = "light",
    title: str = "",
    *,
    times: bool = True,
    patches: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Return the drawing as a whole SVG document, with its own background and style; ``patches`` as ``colouring`` makes them.

    ``theme``: "light", "dark", or "page" for a place that defines the palette's CSS variables and has ``rules()``.
    """
    tree = figure(topology, layout, title or topology.name)
    if nodes is not None or edges is not None:
        tree = patched(tree, colouring(topology, layout, nodes or {}, edges or {}, times=times))
    tree = patched(tree, patches) if patches else tree
    return as_markup(tree if theme == "page" else _for_a_file(tree, theme))


def _for_a_file(tree: Element, theme: str) -> Element:
    """Return the drawing with its style in it, and without what only a page can use."""
    title, *rest = _still(tree).children
    return Element(tree.tag, tree.attributes, (title, element("style", {}, rules(theme)), *rest))


def _still(one: Element) -> Element:
    """Return the tree without hidden parts, wide lines to point at and keys."""
    kept = [child if isinstance(child, str) else _still(child) for child in one.children if _shows(child)]
    attributes = {name: value for name, value in one.attributes.items() if name != "data-key"}
    return Element(one.tag, attributes, tuple(kept))


def _shows(child: Element | str) -> bool:
    if isinstance(child, str):
        return bool(child)
    empty = child.tag in ("text", "tspan") and not any(_shows(one) for one in child.children)
    return child.attributes.get("display") != "none" and child.attributes.get("class") != "ng-hit" and not empty
