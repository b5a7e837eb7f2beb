"""The doors to the widgets: what ``run.view()``, ``ng.dashboard(run)`` and their like open.

Owns the functions only; each widget has a file of its own. Here and not in the package itself, where a widget's file
would take the place of the function of its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph
    from nbgraph.views.subject import Subject
    from nbgraph.views.widgets.controls import ControlsView
    from nbgraph.views.widgets.dashboard import Dashboard
    from nbgraph.views.widgets.graph_view import GraphView, PlainGraphView

__all__ = [
    "controls",
    "costs_view",
    "dashboard",
    "diff_view",
    "graph_view",
    "inbox_form",
    "run_browser",
    "run_view",
]

# A door imports its widget when it is opened: whoever draws graphs does not load the inbox.
# ruff: noqa: PLC0415 - see above


def graph_view(graph: Graph, **how: Any) -> PlainGraphView:
    """Return a live drawing of a graph, which follows its cells. ``engine``, ``direction``: as ``Graph.to_svg``."""
    from nbgraph.views.widgets.graph_view import PlainGraphView

    return PlainGraphView(graph, **how)


def run_view(run: Subject, **how: Any) -> GraphView:
    """Return the graph of a run, coloured as it happens; click a node for its tasks. ``how``: ``engine``, ``direction``."""
    from nbgraph.views.widgets.graph_view import GraphView

    return GraphView(run, **how)


def controls(run: Any, **how: Any) -> ControlsView:
    """Return the buttons of a run."""
    from nbgraph.views.widgets.controls import ControlsView

    return ControlsView(run, **how)


def dashboard(run: Any, **how: Any) -> Dashboard:
    """Return graph, controls, timeline and state of a run in one output, moving together.

    Works on a live run, a past one, and one that another process drives. ``close()`` frees it.
    """
    from nbgraph.views.widgets.dashboard import Dashboard

    return Dashboard(run, **how)


def diff_view(diff: Any, **how: Any) -> Any:
    """Return two runs side by side, with where they part."""
    from nbgraph.views.widgets.diff_view import DiffView

    return DiffView(diff, **how)


def run_browser(engine: Any, **how: Any) -> Any:
    """Return all runs of an engine's store, to find, open, resume, fork or delete."""
    from nbgraph.views.widgets.run_browser import RunBrowser

    return RunBrowser(engine, **how)


def inbox_form(engine: Any, **how: Any) -> Any:
    """Return the open questions of an engine's store as forms."""
    from nbgraph.views.widgets.inbox_form import InboxForm

    return InboxForm(engine, **how)


def costs_view(run: Subject, **how: Any) -> Any:
    """Return what a run's calls used and cost, as it goes on. ``prices``: for calls whose lines say no cost."""
    from nbgraph.views.widgets.costs import CostsView

    return CostsView(run, **how)
