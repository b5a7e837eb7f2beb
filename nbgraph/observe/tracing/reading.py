"""A run's spans from its file alone: no node's code runs, and whoever drives it is not asked.

Owns the reading of the store.
"""

from __future__ import annotations

from contextlib import suppress

from nbgraph.errors import RunNotFound
from nbgraph.observe.tracing.identity import Identity
from nbgraph.observe.tracing.places import nodes_of
from nbgraph.observe.tracing.spans import Span
from nbgraph.observe.tracing.tree import Head, Tree
from nbgraph.store.protocol import Store


def head_of(store: Store, run_id: str) -> Head:
    """Return what is known of a run before its first row; raises ``RunNotFound``."""
    record = store.run(run_id).record
    return Head(
        Identity(run_id, record.created), record.graph, record.fingerprint, record.seed,
        nodes_of(store.descriptions(run_id)), _origins(store, run_id),
    )  # fmt: skip


def _origins(store: Store, run_id: str) -> list[tuple[Identity, int]]:
    """Return who owns the steps that a fork shares, the nearest last."""
    found: list[tuple[Identity, int]] = []
    with suppress(RunNotFound):  # who was deleted is nobody's link
        while (origin := store.origin(run_id)) is not None:
            run_id = origin.run_id
            found.insert(0, (Identity(run_id, store.run(run_id).record.created), origin.step))
    return found


def spans_of(store: Store, run_id: str, *, content: bool = False) -> list[Span]:
    """Return all spans of a run as it stands, each behind its parent: drive by drive, in each in the order of its tasks' ends.

    A drive that goes on ends where it is now. ``content``: with what was said to models and by them, as stored.
    """
    head = head_of(store, run_id)
    tree = Tree(head, content=content)
    if store.origin(run_id) is None:
        tree.begin(head.run.created)
    steps = list(store.steps(run_id))  # the calls last: what a step used was written before it
    events = store.events(run_id)
    found = [*tree.take(steps, events, store.calls(run_id)), *tree.end()]
    return sorted(found, key=lambda span: (span.drive, span.kind != "run"))


def drives_before(store: Store, run_id: str, seq: int) -> int:
    """Return how many drives a run had up to event ``seq``."""
    before = [event.kind for event in store.events(run_id) if event.seq <= seq]
    forked = store.origin(run_id) is not None
    return before.count("run.resumed") + (before.count("run.forked") if forked else 1)
