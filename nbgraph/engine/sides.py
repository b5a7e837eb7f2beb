"""A run as one side of a comparison: its rows, with the calls of the past that a fork shares.

Owns what is handed to ``analysis``. Reads the store only.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbgraph.analysis.diff import Side
from nbgraph.codec import Types
from nbgraph.engine.history import History
from nbgraph.store.protocol import CallRecord, Store


def side_of(store: Store, run_id: str, types: Types) -> Side:
    """Return a run's rows, as ``analysis.compare`` takes them."""
    history, row = History(store, run_id, types), store.run(run_id)
    return Side(
        run_id,
        list(store.steps(run_id)),
        events=store.events(run_id),
        calls=[*_past_calls(store, run_id), *store.calls(run_id)],
        final=dict(history.final(row.status.final)) if row.status.final else None,
        input=dict(history.initial()),
        types=types,
        blob=store.blob,
        description=store.descriptions(run_id)[-1][2],
    )


def _past_calls(store: Store, run_id: str) -> Iterator[CallRecord]:
    """Yield the calls of the steps that a fork shares with its origin."""
    origin = store.origin(run_id)
    if origin is None:
        return
    shared = {row.task for row in store.steps(run_id, 1, origin.step)}
    for line in (*_past_calls(store, origin.run_id), *store.calls(origin.run_id)):
        if line.task in shared:
            yield line
