"""A store in the memory of this process: for throw-away work, and as fast as keeping references can be.

Owns who may change which run, and when; a run's lists are in ``memory_run``. Same promises as the file within the
life of the process; nothing is encoded.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from typing import TYPE_CHECKING, Self, TypeVar

from nbgraph.clock import Clock, SystemClock
from nbgraph.errors import StoreError
from nbgraph.store import leases, prune, refusals
from nbgraph.store.holders import new_holder
from nbgraph.store.memory_run import MemoryRun
from nbgraph.store.protocol import Lease, Origin
from nbgraph.store.rows import no_step, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from nbgraph.store.protocol import AnswerRecord, CallRecord, EventRecord, RunRecord, RunRow, RunStatus, StepRecord

    Row = TypeVar("Row", EventRecord, CallRecord)


class MemoryStore:
    """Runs in memory, gone with the object.

    >>> MemoryStore().name
    ':memory:'
    """

    name = ":memory:"

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._now = (clock or SystemClock()).now
        self._lock = threading.Lock()
        self._runs: dict[str, MemoryRun] = {}
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
            self._check_new(record.run_id)
            return self._begin(record)

    def fork(self, record: RunRecord, origin: Origin) -> Lease:
        """Keep a new run that shares the steps up to ``origin.step``, and hold it."""
        with self._lock:
            self._check_new(record.run_id)
            parent = self._find(origin.run_id)
            if not 0 <= origin.step < parent.next:
                raise no_step(self.name, *origin)
            parent.lineage(self.name, origin.step)  # pruned: say so now
            return self._begin(record._replace(input=parent.record.input), parent, origin.step)

    def _check_new(self, run_id: str) -> None:
        self._check_open()
        known = self._runs.get(run_id)
        if known is not None:
            raise leases.busy(run_id, known.lease.holder) if known.lease else refusals.existing(self.name, run_id)

    def _begin(self, record: RunRecord, parent: MemoryRun | None = None, shared: int = 0) -> Lease:
        lease = Lease(record.run_id, 1, new_holder())
        self._runs[record.run_id] = MemoryRun(record, lease, self._now(), parent, shared)
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
            run = self._held(lease)
            if steps:
                run.check_steps(self.name, steps, self._keys)
            if events:
                run.check_events(self.name, events)
            if blobs:
                self._keep_blobs(blobs)
            now, more, new, keys = self._now(), len(steps), len(events), {record[14] for record in steps}
            # Nothing below can fail, nor calls anything: interrupts are heard at calls, so there is no half of a commit.
            run.updated = now
            run.steps += steps
            run.next += more
            self._keys |= keys
            run.events += events
            run.next_event += new
            if status is not None:
                run.status = status

    def record(self, lease: Lease, calls: Sequence[CallRecord], blobs: Mapping[str, bytes] | None = None) -> int:
        """Keep lines of the log of calls, or nothing; return the number of the first."""
        with self._lock:
            run = self._held(lease)
            if blobs:
                self._keep_blobs(blobs)
            first, more, now = run.next_call, len(calls), self._now()
            numbered = [call._replace(seq=number) for number, call in enumerate(calls, first)]
            run.calls += numbered  # see above
            run.next_call += more
            run.updated = now
            return first

    def answer(self, run_id: str, answer: AnswerRecord) -> None:
        """Keep an answer; nobody needs to hold the run, and anybody may."""
        with self._lock:
            run = self._find(run_id)
            question = run.question(answer.seq)
            if question is None:
                raise refusals.no_question(self.name, run_id, answer.seq)
            if run.answered(question):
                raise refusals.answered_already(self.name, run_id, answer.seq)
            run.answers[answer.seq] = answer

    def _held(self, lease: Lease) -> MemoryRun:
        run = self._runs.get(lease.run_id)
        if run is None or (run.lease is not lease and run.lease != lease):
            run = self._find(lease.run_id)
            raise leases.lost(lease, run.lease.holder if run.lease else "")
        return run

    def _keep_blobs(self, blobs: Mapping[str, bytes]) -> None:
        for digest, data in blobs.items():
            refusals.check_blob(self.name, digest, data)
        self._blobs.update({digest: bytes(data) for digest, data in blobs.items()})

    def redescribe(self, lease: Lease, fingerprint: str, description: str) -> None:
        """Note that from the next step on the run follows another graph."""
        with self._lock:
            run = self._held(lease)
            run.graphs[run.next] = (run.next, fingerprint, description)

    def run(self, run_id: str) -> RunRow:
        """Return one run; raises ``RunNotFound``."""
        with self._lock:
            return self._find(run_id).row

    def runs(self) -> Sequence[RunRow]:
        """Return every run, oldest first."""
        with self._lock:
            self._check_open()
            return [run.row for run in self._runs.values()]

    def descriptions(self, run_id: str) -> Sequence[tuple[int, str, str]]:
        """Return (first step, fingerprint, description) of every graph that the run followed, oldest first."""
        with self._lock:
            return self._find(run_id).descriptions()

    def steps(self, run_id: str, first: int = 1, last: int | None = None) -> Iterator[StepRecord]:
        """Yield the steps ``first`` to ``last`` (both included) in order."""
        with self._lock:
            run = self._find(run_id)
            return iter(run.all_steps(first, run.next if last is None else last))

    def lineage(self, run_id: str, step: int) -> Sequence[StepRecord]:
        """Return the steps from the nearest snapshot (or the input) along ``base`` to ``step``, oldest first."""
        with self._lock:
            return self._find(run_id).lineage(self.name, step)

    def last_mark(self, run_id: str) -> int:
        """Return the last step that has a ``mark``, 0 if none has."""
        with self._lock:
            return self._find(run_id).last_mark()

    def events(self, run_id: str, *, after: int = 0) -> Sequence[EventRecord]:
        """Return the run's events above number ``after``, in order."""
        with self._lock:
            return _above(self._find(run_id).events, after)

    def calls(self, run_id: str, *, unsettled: bool = False, after: int = 0) -> Sequence[CallRecord]:
        """Return the run's own log of calls above number ``after``, or its lines of tasks without a committed step."""
        with self._lock:
            run = self._find(run_id)
            return run.unsettled() if unsettled else _above(run.calls, after)

    def answers(self, run_id: str) -> Sequence[AnswerRecord]:
        """Return the answers that came in, by the question's number."""
        with self._lock:
            return sorted(self._find(run_id).answers.values())

    def origin(self, run_id: str) -> Origin | None:
        """Return where a fork comes from, None for a run of its own."""
        with self._lock:
            run = self._find(run_id)
            return Origin(run.parent.record.run_id, run.shared) if run.parent else None

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
            run = self._idle(run_id)
            forks = [other.record.run_id for other in self._runs.values() if other.parent is run]
            if forks:
                raise refusals.has_forks(self.name, run_id, forks)
            self._keys.difference_update(record.key for record in run.steps)
            del self._runs[run_id]
            self._sweep()

    def rebase(self, run_id: str, step: int, snapshot: str) -> None:
        """Make ``step`` (which has a mark) the run's new beginning; nobody may drive it meanwhile."""
        with self._lock:
            run = self._idle(run_id)
            below = [other for other in self._runs.values() if run in other.way()[1:]]
            for fork in below:
                self._idle(fork.record.run_id)  # what its driver commits next may be built on what would be gone
            finding = run.rebase_refusal(step, below)
            if finding:
                raise refusals.bad_rebase(self.name, run_id, step, finding)
            dropped = run.steps[: step - run.first]
            run.begin(step, snapshot)
            self._keys.difference_update(record.key for record in dropped)
            self._sweep()

    def _sweep(self) -> None:
        if self._blobs:
            used = prune.mentioned(text for run in self._runs.values() for text in run.texts())
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

    def _idle(self, run_id: str) -> MemoryRun:
        run = self._find(run_id)
        if run.lease is not None:
            raise leases.busy(run_id, run.lease.holder)
        return run

    def _find(self, run_id: str) -> MemoryRun:
        self._check_open()
        run = self._runs.get(run_id)
        if run is None:
            raise not_found(self.name, run_id)
        return run

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(f"the store {self.name!r} is closed", todo="make another one", file=self.name)


def _above(rows: Sequence[Row], after: int) -> list[Row]:
    """Return the rows whose number, their first entry, is above ``after``; looks at those alone."""
    place = bisect_right(rows, after, key=lambda row: row[0]) if after else 0
    return list(rows[place:])
