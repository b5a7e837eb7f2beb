"""How things show themselves, and what a person can open on them: names only.

Owns the one table in which a lower layer names what a higher one does for it, as text, so that imports keep
pointing down and nothing is loaded before it is looked at. Knows nothing of what these functions do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

_FACES: Mapping[str, str] = {
    "graph.bundle": "nbgraph.views.static:graph_bundle",
    "run.bundle": "nbgraph.views.static:run_bundle",
    "diff.bundle": "nbgraph.views.static:diff_bundle",
    "graph.svg": "nbgraph.views.static:graph_svg",
    "run.svg": "nbgraph.views.static:run_svg",
    "run.timeline": "nbgraph.views.timeline.static:timeline",
    "costs.table": "nbgraph.views.costing.table:table_bundle",
    "run.costs_view": "nbgraph.views.widgets.doors:costs_view",
    "run.cost_chart": "nbgraph.views.costing.reading:cost_chart",
    "run.report": "nbgraph.views.report:write_report",
    "graph.view": "nbgraph.views.widgets.doors:graph_view",
    "run.view": "nbgraph.views.widgets.doors:run_view",
    "diff.view": "nbgraph.views.widgets.doors:diff_view",
    "engine.browser": "nbgraph.views.widgets.doors:run_browser",
    "engine.inbox_form": "nbgraph.views.widgets.doors:inbox_form",
    "run.export_events": "nbgraph.observe.jsonlines:export_events",
    "engine.metrics": "nbgraph.observe.metrics:counting",
    "engine.logs": "nbgraph.observe.logs:observer",
    "run.otel": "nbgraph.observe.tracing.past:export",
    "run.trace": "nbgraph.observe.chrome:write_trace",
    "progress": "nbgraph.notebook.progress:progress",
}

_LOG = logging.getLogger("nbgraph")


def face(name: str) -> Callable[..., Any]:
    """Return the function that shows something in one way; imports it when first asked for."""
    module, _, function = _FACES[name].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def bundle(name: str, shown: Any, **how: Any) -> dict[str, Any]:
    """Return what a notebook displays of ``shown``: its text always, its picture, made as ``how`` says, where one can be.

    Never raises: a display that fails is a line in the log, not a traceback where a picture should be.
    """
    text = {"text/plain": repr(shown)}
    try:
        return {**text, **face(name)(shown, **how)}
    except Exception:  # noqa: BLE001 - a display never raises, whatever a picture stumbles over
        _LOG.warning("no picture of %s could be made", text["text/plain"], exc_info=True)
        return text
