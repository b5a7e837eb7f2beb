"""Giving a run a new beginning without its graph: what ``Engine.prune`` does, from rows alone.

Owns when that is right. It is, unless a built-in reducer that looks into values (``add``, ``maximum``, ``union``, ...)
had to fold objects of classes that only the graph can rebuild: stand-ins do not add up or compare as they do. What a
user's own reducer made is in the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import loads
from typing import Any

from nbgraph.codec import Record, encode
from nbgraph.engine.history import History
from nbgraph.engine.record import object_text
from nbgraph.errors import GraphError
from nbgraph.graph.reducers import BUILTINS
from nbgraph.store import Store

_PLAIN = ("set", "last")
"""Reducers that take the update as it is. Lazy ones only line values up."""


def pruned(store: Store, run_id: str, before: int) -> int:
    """Drop a run's steps before ``before``, as far as it can then still be resumed and read; return the first kept.

    1 if nothing could be dropped. Raises ``GraphError`` where only the graph can tell the state, ``StoreError`` where
    the run cannot begin there, ``RunBusyError``; then nothing was changed.
    """
    marks = [row.step for row in store.steps(run_id, 1, before) if row.mark]
    if not marks:
        return 1
    state = _state(store, run_id, marks[-1])
    looking = _fields_looked_into(store, run_id) & {name for name, value in state.items() if _has_record(value)}
    if looking:
        raise _needs_graph(run_id, sorted(looking))
    store.rebase(run_id, marks[-1], object_text({name: encode(value, blobs={}) for name, value in state.items()}))
    return marks[-1]


def _state(store: Store, run_id: str, step: int) -> Mapping[str, Any]:
    try:
        return History(store, run_id).at(step)
    except TypeError as error:  # records do not compare and do not add
        raise _needs_graph(run_id, []) from error


def _fields_looked_into(store: Store, run_id: str) -> set[str]:
    found = set()
    for _, _, text in store.descriptions(run_id):
        for name, facts in loads(text).get("fields", {}).items():
            reducer = BUILTINS.get(facts["reducer"])
            if reducer is not None and not reducer.lazy and reducer.name not in _PLAIN:
                found.add(name)
    return found


def _has_record(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_record(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_has_record, value))
    return isinstance(value, Record)


def _needs_graph(run_id: str, fields: list[str]) -> GraphError:
    told = f" (fields {', '.join(fields)})" if fields else ""
    return GraphError(
        f"run {run_id!r} holds objects of classes that its reducers work on{told}",
        still="nothing was removed",
        todo="give its graph: --graph module:attr",
        run_id=run_id,
    )
