"""What a ``Send`` gave a task along, read from the rows: private fields, visible down its branch until it is gathered.

Owns that walk. Runs no code; costs the steps back to the last place where the run could be picked up.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import loads
from typing import Any

from nbgraph.codec import Types, decode
from nbgraph.store.protocol import StepRecord, Store


def sent_to(store: Store, run_id: str, row: StepRecord, types: Types) -> dict[str, Any]:
    """Return the private fields that the task of ``row`` was given."""
    found: dict[str, Any] = {}
    child, parent = row, _parent(store, run_id, row)
    while parent is not None:
        found = {**_along(store, parent, child, types), **found}
        if parent.mark:
            return {**_decoded(store, parent.mark, types)["private"], **found}
        child, parent = parent, _parent(store, run_id, parent)
    return found


def _parent(store: Store, run_id: str, row: StepRecord) -> StepRecord | None:
    """Return the row before, None at the input and where branches are gathered: there private fields end."""
    parents = loads(row.parents)
    if len(parents) != 1 or not parents[0][0]:
        return None
    step = parents[0][0]
    return next(iter(store.steps(run_id, step, step)), None)


def _along(store: Store, parent: StepRecord, child: StepRecord, types: Types) -> Mapping[str, Any]:
    """Return what the way between two tasks carried."""
    ((_, index),) = loads(child.parents)
    way = next((way for way in loads(parent.arrivals or "[]") if way[0] == index and len(way) > 2), None)
    return (
        {} if way is None else next(dict(one[2]) for one in _decoded(store, parent.arrivals, types) if one[0] == index)
    )


def _decoded(store: Store, text: str, types: Types) -> Any:
    return decode(text, types=types, blob=store.blob, frozen=True)
