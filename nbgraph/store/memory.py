"""A store in the memory of this process: for throw-away work, and as fast as keeping references can be.

Owns lists and dictionaries. Same promises as the file within the life of the process; nothing is encoded.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Self

from nbgraph.clock import Clock, SystemClock
from nbgraph.errors import StoreError
from nbgraph.store import leases, prune
from nbgraph.store.holders import new_holder
from nbgraph.store.protocol import EventRecord, Lease, RunRecord, RunRow, RunStatus, StepRecord
from nbgraph.store.refusals import bad_rebase, check_blob, doubled, existing, out_of_order
from nbgraph.store.rows import no_step, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType


class _Run:
    """A run's lists. ``steps[0]`` is step ``first``; ``lease`` is None while nobody drives."""

    __slots__ = (
        "events",
        "fence",
        "first",
        "graphs",
        "lease",
        "next",
        "next_event",
        "record",
        "status",
        "steps",
        "updated",
    )

    def __init__(self, record: RunRecord, lease: Lease, now: float) -> None:
        self.record, self.fence = record, lease.fence
        self.lease: Lease | None = lease
        self.status, self.updated = RunStatus("running"), now
        self.steps: list[StepRecord] = []
        self.events: list[EventRecord] = []
        self.graphs = {1: (1, record.fingerprint, record.description)}
        self.first = self.next = self.next_event = 1


class MemoryStore:
    """Runs in memory, gone with the object.

    >>> MemoryStore().name
    ':memory:'
    """

    name = ":memory:"

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._now = (clock or SystemClock()).now
        self._lock = threading.Lock()
        self._runs: dict[str, _Run] = {}
        self._keys: set[str] = set()
        self._blobs: dict[str, bytes] = {}
        self._closed = False

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._runs)} runs)"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def create(self, record: RunRecord) -> Lease:
        """Keep a new run and hold it; ``RunBusyError`` or ``StoreError`` if the id exists."""
        with self._lock:
            self._check_open()
            known = self._runs.get(record.run_id)
            if known is not None:
                raise (
                    leases.busy(record.run_id, known.lease.holder)
                    if known.lease
                    else existing(self.name, record.run_id)
                )
            lease = Lease(record.run_id, 1, new_holder())
            self._runs[record.run_id] = _Run(record, lease, self._now())
        return lease

    def acquire(self, run_id: str) -> Lease:
        """Take the right to drive; raises ``RunBusyError`` while somebody has it, ``RunNotFound``."""
        with self._lock:
            run = self._idle(run_id)
            run.fence += 1
            run.lease = Lease(run_id, run.fence, new_holder())
            return run.lease

    def release(self, lease: Lease) -> None:
        """Give the right back; nothing happens if it has been taken over already."""
        with self._lock:
            run = self._runs.get(lease.run_id)
            if run is not None and run.lease == lease:
                run.lease = None

    def keep_alive(self, lease: Lease) -> None:
        """Do nothing: a lease in memory holds until it is released."""

    def commit(
        self,
        lease: Lease,
        steps: Sequence[StepRecord],
        events: Sequence[EventRecord] = (),
        status: RunStatus | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> None:
        """Keep all of it, or nothing."""
        with self._lock:
            run = self._runs.get(lease.run_id)
            if run is None or (run.lease is not lease and run.lease != lease):
                raise self._lost(lease)
            if steps:
                self._check_steps(run, steps)
            if events:
                self._check_events(run, events)
            if blobs:
                self._keep_blobs(blobs)
            # Nothing below can fail, so there is no half of a commit.
            if steps:
                run.steps.extend(steps)
                run.next += len(steps)
                self._keys.update([record[14] for record in steps])
            if events:
                run.events.extend(events)
                run.next_event += len(events)
            if status is not None:
                run.status = status
            run.updated = self._now()

    def _lost(self, lease: Lease) -> Exception:
        run = self._find(lease.run_id)
        return leases.lost(lease, run.lease.holder if run.lease else "")

    def _check_steps(self, run: _Run, steps: Sequence[StepRecord]) -> None:
        number, keys = run.next, self._keys
        for record in steps:
            if record[0] != number:
                raise out_of_order(self.name, run.record.run_id, "step", number, record[0])
            if record[14] in keys:
                raise doubled(run.record.run_id, record)
            number += 1
        if len(steps) > 1 and len({record[14] for record in steps}) < len(steps):
            raise doubled(run.record.run_id, steps[-1])

    def _check_events(self, run: _Run, events: Sequence[EventRecord]) -> None:
        for number, record in zip(itertools.count(run.next_event), events, strict=False):
            if record[0] != number:
                raise out_of_order(self.name, run.record.run_id, "event", number, record[0])

    def _keep_blobs(self, blobs: Mapping[str, bytes]) -> None:
        for digest, data in blobs.items():
            check_blob(self.name, digest, data)
        self._blobs.update({digest: bytes(data) for digest, data in blobs.items()})

    def redescribe(self, lease: Lease, fingerprint: str, description: str) -> None:
        """Note that from the next step on the run follows another graph."""
        with self._lock:
            run = self._runs.get(lease.run_id)
            if run is None or run.lease != lease:
                raise self._lost(lease)
            run.graphs[run.next] = (run.next, fingerprint, description)

    def run(self, run_id: str) -> RunRow:
        """Return one run; raises ``RunNotFound``."""
        with self._lock:
            return _row(self._find(run_id))

    def runs(self) -> Sequence[RunRow]:
        """Return every run, oldest first."""
        with self._lock:
            self._check_open()
            return [_row(run) for run in self._runs.values()]

    def descriptions(self, run_id: str) -> Sequence[tuple[int, str, str]]:
        """Return (first step, fingerprint, description) of every graph that the run followed, oldest first."""
        with self._lock:
            return list(self._find(run_id).graphs.values())

    def steps(self, run_id: str, first: int = 1, last: int | None = None) -> Iterator[StepRecord]:
        """Yield the steps ``first`` to ``last`` (both included) in order."""
        with self._lock:
            run = self._find(run_id)
            end = None if last is None else max(0, last - run.first + 1)
            return iter(run.steps[max(0, first - run.first) : end])

    def lineage(self, run_id: str, step: int) -> Sequence[StepRecord]:
        """Return the steps from the nearest snapshot (or the input) along ``base`` to ``step``, oldest first."""
        with self._lock:
            run, line = self._find(run_id), []
            while step > 0:
                if not run.first <= step < run.next:
                    raise no_step(self.name, run_id, step)
                record = run.steps[step - run.first]
                line.append(record)
                step = 0 if record.snapshot else record.base
        return line[::-1]

    def last_mark(self, run_id: str) -> int:
        """Return the last step that has a ``mark``, 0 if none has."""
        with self._lock:
            return next((record.step for record in reversed(self._find(run_id).steps) if record.mark), 0)

    def events(self, run_id: str) -> Sequence[EventRecord]:
        """Return the run's events in order."""
        with self._lock:
            return list(self._find(run_id).events)

    def blob(self, digest: str) -> bytes:
        """Return a large binary value by its SHA-256."""
        with self._lock:
            self._check_open()
            if digest not in self._blobs:
                raise StoreError(
                    f"the store {self.name!r} has no blob {digest}", todo="check the digest", file=self.name
                )
            return self._blobs[digest]

    def delete(self, run_id: str) -> None:
        """Remove a run that nobody drives, whole."""
        with self._lock:
            self._keys.difference_update(record.key for record in self._idle(run_id).steps)
            del self._runs[run_id]
            self._sweep()

    def rebase(self, run_id: str, step: int, snapshot: str) -> None:
        """Make ``step`` (which has a mark) the run's new beginning; nobody may drive it meanwhile."""
        with self._lock:
            run = self._idle(run_id)
            finding = prune.refusal(run.steps, run.status, step)
            if finding:
                raise bad_rebase(self.name, run_id, step, finding)
            dropped = run.steps[: step - run.first]
            kept = run.steps[step - run.first :]
            kept[0] = kept[0]._replace(snapshot=snapshot)
            run.events = prune.kept_events(run.events, dropped)
            run.steps, run.first = kept, step
            self._keys.difference_update(record.key for record in dropped)
            self._sweep()

    def _sweep(self) -> None:
        if self._blobs:
            texts = (text for run in self._runs.values() for text in _texts(run))
            used = prune.mentioned(texts)
            self._blobs = {digest: data for digest, data in self._blobs.items() if digest in used}

    def verify(self) -> Sequence[str]:
        """Return nothing: memory has no outside."""
        self._check_open()
        return []

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._closed = True
            self._runs.clear()
            self._keys.clear()
            self._blobs.clear()

    def _idle(self, run_id: str) -> _Run:
        run = self._find(run_id)
        if run.lease is not None:
            raise leases.busy(run_id, run.lease.holder)
        return run

    def _find(self, run_id: str) -> _Run:
        self._check_open()
        run = self._runs.get(run_id)
        if run is None:
            raise not_found(self.name, run_id)
        return run

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"the store {self.name!r} is closed", todo="make another one", file=self.name)


def _row(run: _Run) -> RunRow:
    return RunRow(run.record, run.status, run.next - 1, run.updated, run.lease.holder if run.lease else "")


def _texts(run: _Run) -> Iterator[str]:
    rows = (run.record, run.status, *run.steps, *run.events)
    return (field for row in rows for field in row if isinstance(field, str))
