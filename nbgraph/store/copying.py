"""Copying one run into another store: rows as they are, numbers kept, with what a fork shares.

Owns the order in which a run has to be written again. Any store may be the source or the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nbgraph.store.protocol import Lease, Origin, StepRecord, Store
from nbgraph.store.prune import mentioned

_BATCH = 500


def copy_run(source: Store, run_id: str, target: Store) -> None:
    """Copy a run, and before it the runs whose past it shares; what the target has already is left as it is.

    Raises what the stores raise. A run that is driven meanwhile is copied as far as it is committed.
    """
    if any(row.record.run_id == run_id for row in target.runs()):
        return
    origin = source.origin(run_id)
    if origin is not None:
        copy_run(source, origin.run_id, target)
    lease = _begun(source, run_id, target, origin)
    try:
        _copy(source, run_id, target, lease, origin.step if origin is not None else 0)
    finally:
        target.release(lease)


def _begun(source: Store, run_id: str, target: Store, origin: Origin | None) -> Lease:
    record = source.run(run_id).record
    if origin is not None:
        return target.fork(record._replace(input=""), origin)
    return target.create(record)


def _copy(source: Store, run_id: str, target: Store, lease: Lease, shared: int) -> None:
    row = source.run(run_id)
    _give_blobs(source, target, lease, [row.record.input, row.status.final])
    graphs = {first: (fingerprint, text) for first, fingerprint, text in source.descriptions(run_id)[1:]}
    for batch in _batches(source, run_id, shared, graphs):
        first = batch[0].step
        if first in graphs and first > shared + 1:
            target.redescribe(lease, *graphs[first])
        target.commit(
            lease, batch, blobs=_blobs(source, (text for step in batch for text in step if isinstance(text, str)))
        )
    events = list(source.events(run_id))
    target.commit(lease, (), [event._replace(seq=number) for number, event in enumerate(events, 1)], row.status)
    calls = source.calls(run_id)
    if calls:
        target.record(lease, calls, _blobs(source, (line.data for line in calls)))
    for answer in source.answers(run_id):
        target.answer(run_id, answer)


def _batches(source: Store, run_id: str, shared: int, graphs: Iterable[int]) -> Iterator[list[StepRecord]]:
    """Yield the run's own steps in order; a batch ends before a step from which on another graph was followed."""
    starts = set(graphs)
    batch: list[StepRecord] = []
    for step in source.steps(run_id, shared + 1):
        if batch and (step.step in starts or len(batch) == _BATCH):
            yield batch
            batch = []
        batch.append(step)
    if batch:
        yield batch


def _give_blobs(source: Store, target: Store, lease: Lease, texts: Iterable[str]) -> None:
    blobs = _blobs(source, texts)
    if blobs:
        target.commit(lease, (), blobs=blobs)


def _blobs(source: Store, texts: Iterable[str]) -> dict[str, bytes]:
    """Return the large values that texts refer to."""
    from contextlib import suppress  # noqa: PLC0415 - here only

    from nbgraph.errors import StoreError  # noqa: PLC0415 - here only

    found = {}
    for digest in mentioned(texts):
        with suppress(StoreError):  # a text that only looks like a digest
            found[digest] = source.blob(digest)
    return found
