"""Where a graph's nodes and links stand: one function, three engines, one result.

Owns the choice. ``dot`` on PATH draws best; ``pygraphviz`` (the extra ``nbgraph[layout]``) is the same inside Python;
``builtin`` is always there and gives the same picture everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nbgraph.views.layout.borders import on_borders
from nbgraph.views.layout.builtin import by_builtin
from nbgraph.views.layout.dot import by_dot, by_pygraphviz
from nbgraph.views.layout.shapes import Box, Layout, Point, Route
from nbgraph.views.topology import Topology

__all__ = ["Box", "Layout", "Point", "Route", "layout"]

_OTHERS: Mapping[str, Callable[[Topology, str], Layout | None]] = {"dot": by_dot, "pygraphviz": by_pygraphviz}


def layout(topology: Topology, engine: str = "auto", direction: str = "down") -> Layout:
    """Return where everything stands, in CSS pixels. Never fails: an engine that is missing is passed over.

    ``engine``: "auto" (dot, else pygraphviz, else our own), or one of them by name; the result's ``engine`` says who
    did it. ``direction``: where links lead, "down" or "right".
    """
    found = _found(topology, engine, direction)
    return found._replace(routes=on_borders(topology, found.boxes, found.routes))


def _found(topology: Topology, engine: str, direction: str) -> Layout:
    wanted = _OTHERS if engine == "auto" else [engine]
    for name in wanted:
        found = _OTHERS[name](topology, direction) if name in _OTHERS and topology.nodes else None
        if found is not None:
            return found
    return by_builtin(topology, direction)
