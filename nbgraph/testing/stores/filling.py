"""Stores with something in them, and all that they tell of it.

Owns what the parts of the contract do to a store before they look. Knows the store's protocol only.
"""

from __future__ import annotations

from typing import Any

from nbgraph.store import Lease, Origin, Store
from nbgraph.testing.records import event_record, run_record, step_record


def filled(store: Store, steps: int = 5, run_id: str = "r") -> Lease:
    """Create a run with so many steps, one commit each; return the lease."""
    lease = store.create(run_record(run_id))
    for number in range(1, steps + 1):
        store.commit(lease, [step_record(number, run_id)], [event_record(number, number)])
    return lease


def forked(store: Store, step: int, run_id: str = "f", origin: str = "r", more: int = 0) -> Lease:
    """Fork a run and give the fork ``more`` steps; return the lease."""
    record = run_record(run_id, input="", fingerprint=f"{run_id}0", description=f'["{run_id}"]')
    lease = store.fork(record, Origin(origin, step))
    for number in range(step + 1, step + more + 1):
        store.commit(lease, [step_record(number, run_id)])
    return lease


def all_of(store: Store, run_id: str) -> list[Any]:
    """Return everything a store tells of a run, but who drives it."""
    steps = list(store.steps(run_id))
    read = (store.events, store.calls, store.answers, store.descriptions, store.last_mark, store.origin)
    lines = [store.lineage(run_id, record.step) for record in steps]
    return [store.run(run_id)._replace(holder=""), steps, lines, *(ask(run_id) for ask in read)]


def keys(store: Store, run_id: str, *span: int) -> str:
    """Return whose steps a run's are, in order: "r1 r2 f3"."""
    owners = {step_record(n, run).key: f"{run}{n}" for run in ("r", "f", "g") for n in range(1, 12)}
    return " ".join(owners[record.key] for record in store.steps(run_id, *span))
