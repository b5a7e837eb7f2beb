"""Every recorded run as a regression test: replay them all against today's code.

Owns the matching of runs to graphs and the table. Calls nothing and writes nothing.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbgraph.engine.engine import Engine
from nbgraph.errors import GraphError, NbgraphError
from nbgraph.graph.definition import Graph
from nbgraph.store import Store, open_store

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = ("run_id", "graph", "status", "ok", "tasks", "calls", "skipped", "differences", "first")


def replay_all(store: str | os.PathLike[str] | Store, *graphs: Graph, run_ids: list[str] | None = None) -> DataFrame:
    """Replay the runs of a store; return a row a run: whether it did what was recorded, and the first difference.

    ``graphs``: those to replay with, matched by name; none given: those that exist in this process. A run
    of a graph that is not among them has no verdict (``ok`` is NA). ``assert replay_all(...).ok.all()``
    makes it a test.
    """
    import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

    with opened(store) as source:
        runs = [row for row in source.runs() if run_ids is None or row.record.run_id in run_ids]
        wanted = {row.record.graph for row in runs}
        known = graphs_by_name(graphs or tuple(graph for graph in _alive() if graph.name in wanted))
        rows = [
            _row(source, known.get(row.record.graph), row.record.run_id, row.record.graph, row.status.status)
            for row in runs
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"ok": "boolean"})


def _row(store: Store, graph: Graph | None, run_id: str, name: str, status: str) -> tuple[Any, ...]:
    if graph is None:
        return (run_id, name, status, None, 0, 0, 0, 0, f"no graph called {name!r} was given")
    try:
        found = Engine(graph, store=store).replay(run_id, strict=False)
    except NbgraphError as error:
        return (run_id, name, status, False, 0, 0, 0, 1, error.message)
    first = found.problems[0].message if found.problems else ""
    return (run_id, name, status, found.ok, found.tasks, found.calls, len(found.skipped), len(found.problems), first)


@contextmanager
def opened(store: str | os.PathLike[str] | Store) -> Iterator[Store]:
    """Open a path for reading meanwhile; a store is used as it is."""
    found = open_store(store, read_only=True) if not isinstance(store, Store) else store
    try:
        yield found
    finally:
        if found is not store:
            found.close()


def graphs_by_name(graphs: tuple[Graph, ...]) -> dict[str, Graph]:
    """Return graphs by name; raises ``GraphError`` for two of one name."""
    known: dict[str, Graph] = {}
    for graph in graphs:
        if known.setdefault(graph.name, graph) is not graph:
            raise GraphError(
                f"there are two graphs called {graph.name!r}",
                todo="pass the one to replay with: replay_all(store, graph)",
            )
    return known


def _alive() -> tuple[Graph, ...]:
    """Return the graphs of this process; of those of one name, the one that the notebook's names lead to."""
    gc.collect()
    named = [found for found in vars(sys.modules["__main__"]).values() if isinstance(found, Graph)]
    chosen = {graph.name for graph in named}
    others = (found for found in gc.get_objects() if isinstance(found, Graph) and found.name not in chosen)
    return (*dict.fromkeys(named), *others)
