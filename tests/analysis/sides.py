"""What the tests of comparing share: real runs in a file, as sides.

Owns no rule; each test file says its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import nbgraph as ng
from nbgraph.analysis import Diff, Difference, Side
from nbgraph.testing import GatedCrew


class Report(TypedDict):
    """Fields of every kind of folding that two runs may differ in."""

    text: Any
    log: Annotated[list, ng.append]
    own: Annotated[str, lambda old, new: old + new]


def chain(*nodes: Callable[..., Any], schema: Any = Report) -> ng.Graph:
    """Return a graph of ``nodes`` one after the other, named a, b, c, ... so that tasks of two chains align."""
    graph = ng.Graph(schema, name="play")
    for place, fn in enumerate(nodes):
        graph.node(name="abcdefgh"[place], after="abcdefgh"[place - 1] if place else None)(fn)
    return graph


def gives(**update: Any) -> Callable[[Any], Any]:
    """Return a node of this update."""
    return lambda state: update


def side(graph: ng.Graph, name: str = "r1", *, store: Any = ":memory:", given: Any = None, **facts: Any) -> Side:
    """Run the graph, to its end or its failure; return the run as a side."""
    options = facts.pop("options", {})
    engine = ng.Engine(graph, store=store, **options)
    try:
        run = engine.run(given or {}, run_id=name)
    except ng.NbgraphError:
        run = engine.open(name)
    final = dict(run.state) if run.status == "completed" else None
    rows = {"steps": list(engine.store.steps(name)), "events": engine.store.events(name)}
    blob = {row: engine.store.blob(row) for row in facts.pop("blobs", ())}
    engine.close()
    return Side(name, **{**rows, "final": final, "input": dict(given or {}), "blob": blob.get, **facts})


def pair(left: ng.Graph, right: ng.Graph, folder: Any, **facts: Any) -> tuple[Side, Side]:
    """Run both graphs into one file as r1 and r2."""
    store = folder / "runs.sqlite"
    return side(left, "r1", store=store, **facts), side(right, "r2", store=store, **facts)


def finishing(last_first: bool) -> GatedCrew:
    """Return a crew that finishes what began last, or first."""
    return GatedCrew(lambda waiting: len(waiting) - 1 if last_first else 0)


def plain(difference: Difference) -> tuple[Any, ...]:
    """Return a difference without step numbers and the task's id."""
    return difference.node, difference.what, difference.field, difference.left, difference.right


def told(diff: Diff) -> list[tuple[Any, ...]]:
    """Return the differences of tasks, plain."""
    return [plain(difference) for difference in diff.differences if difference.task]
