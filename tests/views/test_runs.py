"""The runs of a store as lines: what is new, what changed, what is gone."""

from __future__ import annotations

import nbgraph as ng
from nbgraph.views.runs import RunList


def test_a_look_tells_what_is_new_and_what_is_gone_once():
    """A run is told of when it comes and when it goes, whatever characters its id has."""
    graph = ng.Graph({"n": int}, name="one")
    graph.node(name="only")(lambda state: {"n": 1})
    engine = ng.Engine(graph, store=":memory:")
    runs = RunList(engine.store)
    engine.run({}, run_id="a\u202eb")
    assert ["a\ufffdb"] == [line.id for line in runs.look()[0]]
    assert ([], []) == runs.look()
    engine.delete("a\u202eb")
    assert ([], ["a\u202eb"]) == runs.look()
    assert {} == runs.lines
