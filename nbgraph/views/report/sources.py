"""The source of a report's graph: what each node's code was.

Owns its layout.
"""

from __future__ import annotations

from nbgraph.views.markup import Markup, fold, tag
from nbgraph.views.report.gathering import Facts
from nbgraph.views.report.head import source_block
from nbgraph.views.report.limits import NODES, SOURCE, left_out


def sources(facts: Facts) -> Markup | None:
    """Return the code of every node, folded."""
    nodes = [node for node in facts.topology.nodes if node.source]
    if not nodes:
        return None
    shown = [fold(tag("code", None, node.name), source_block(node.source[:SOURCE])) for node in nodes[:NODES]]
    note = left_out(len(shown), len(nodes), "nodes", "run.store.descriptions(run.id)")
    return tag(
        "section",
        {"id": "sources"},
        tag("h2", None, "Source"),
        tag("div", {"class": "steps"}, shown),
        tag("p", {"class": "note"}, note) if note else None,
    )
