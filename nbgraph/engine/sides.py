"""A run as one side of a comparison: its rows, with the calls of the past that a fork shares.

Owns what is handed to ``analysis``. Reads the store only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from nbgraph.analysis.costs import as_recorded, cost_rows, costs_of
from nbgraph.analysis.diff import Side
from nbgraph.codec import Types
from nbgraph.engine.history import History
from nbgraph.prices import Prices
from nbgraph.store.protocol import CallRecord, Store


def side_of(store: Store, run_id: str, types: Types, prices: Prices) -> Side:
    """Return a run's rows, as ``analysis.compare`` takes them. ``prices``: for calls whose lines say no cost."""
    history, row = History(store, run_id, types), store.run(run_id)
    calls = [*_past_calls(store, run_id), *store.calls(run_id)]
    return Side(
        run_id,
        list(store.steps(run_id)),
        events=store.events(run_id),
        calls=calls,
        final=dict(history.final(row.status.final)) if row.status.final else None,
        input=dict(history.initial()),
        costs=_costs(calls, prices),
        types=types,
        blob=store.blob,
        description=store.descriptions(run_id)[-1][2],
    )


def _costs(calls: Iterable[CallRecord], prices: Prices) -> dict[str, Decimal | None]:
    """Return what each task's calls cost, None where one of them is not known."""
    costs = costs_of(calls, pricing=as_recorded(prices))
    return {row.key[0]: row.cost for row in cost_rows(costs, ["task"])}


def _past_calls(store: Store, run_id: str) -> Iterator[CallRecord]:
    """Yield the calls of the steps that a fork shares with its origin."""
    origin = store.origin(run_id)
    if origin is None:
        return
    shared = {row.task for row in store.steps(run_id, 1, origin.step)}
    for line in (*_past_calls(store, origin.run_id), *store.calls(origin.run_id)):
        if line.task in shared:
            yield line
