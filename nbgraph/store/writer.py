"""The one connection that writes: every change of the file is one call of this class, one transaction.

Owns the transaction, the lock around it and the memory of where each held run's chains end. Nothing of
that memory survives an exception: what was durable is read back from the file. Reading is elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, TypeVar

from nbgraph.errors import StoreError
from nbgraph.store import forks, holders, leases
from nbgraph.store.calls import put_answer
from nbgraph.store.digests import START, chain, fork_start
from nbgraph.store.failures import Edge
from nbgraph.store.filesystem import Watch
from nbgraph.store.held import Held, add_blobs, add_calls, add_events, add_steps, put_status
from nbgraph.store.pieces import extended
from nbgraph.store.protocol import Lease, RunRecord, RunStatus
from nbgraph.store.refusals import existing, forked
from nbgraph.store.rows import RunHead, find, no_step, read_run
from nbgraph.store.schema import SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nbgraph.clock import Clock
    from nbgraph.store.protocol import AnswerRecord, CallRecord, EventRecord, Origin, StepRecord

_T = TypeVar("_T")

_INSERT_RUN = "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_GROW_AFTER = 32
"""Commits with an fsync after which the log is grown at once: worth about 50 of them, so short runs never pay."""
_LOG_SIZE = 4 << 20
_WATCH = 0.01
"""Seconds within which the file's identity is not looked at again: two system calls cost a quarter of a commit."""


class Writer:
    """Serialises all writes of one store object. Methods may be called from any thread."""

    def __init__(self, connection: sqlite3.Connection, file: str, clock: Clock) -> None:
        self._connection, self._file, self._clock = connection, file, clock
        self._execute: Callable[..., sqlite3.Cursor] = connection.execute
        self._lock = threading.Lock()
        self._pid = os.getpid()
        connection.execute("SELECT 1 FROM migrations").fetchone()  # the first look is what makes the log's file
        self._watch, self._log_watch = Watch(file), Watch(file + "-wal")
        self._watched = float("-inf")
        self._edge = Edge(file)
        self._held: dict[str, Held] = {}
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        self._until_growth = _GROW_AFTER if synchronous == 2 else -1

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block in one write transaction: all of it is kept, or nothing and memory is dropped."""
        with self._lock, self._edge:
            self._ready()
            try:
                # IMMEDIATE, not DEFERRED: a read-then-write transaction that upgrades late fails at once
                # with SQLITE_BUSY_SNAPSHOT, whatever the busy timeout is.
                self._execute("BEGIN IMMEDIATE")
                yield self._connection
                self._execute("COMMIT")
            except BaseException:
                self._abandon()
                raise

    def create(self, record: RunRecord) -> Lease:
        """Write a new run with its status and lease."""
        with self.transaction() as connection:
            self._check_new(connection, record.run_id)
            held = self._begin(connection, record, START)
        self._held[record.run_id] = held
        return held.lease

    def fork(self, record: RunRecord, origin: Origin) -> Lease:
        """Write a new run that goes on after a step of another, which may be driven meanwhile."""
        with self.transaction() as connection:
            self._check_new(connection, record.run_id)
            parent = read_run(connection, self._file, origin.run_id)
            line = forks.trail(connection, self._file, origin.run_id)
            if not 0 <= origin.step <= parent.steps:
                raise no_step(self._file, *origin)
            forks.read_lineage(connection, self._file, line, origin.step)  # pruned, or damaged: say so now
            start = fork_start(parent.head.ref, origin.step)
            held = self._begin(connection, record._replace(input=""), start, origin.step)
            line = extended(line, forks.Owner(record.run_id, held.head), origin.step)
            digest = forks.shared_digest(connection, line, parent.head)
            forks.bind(connection, held.head, parent.head.ref, digest)
        self._held[record.run_id] = held
        return held.lease

    def _check_new(self, connection: sqlite3.Connection, run_id: str) -> None:
        if connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone() is None:
            return
        head = find(connection, self._file, run_id)
        _, holder, expires = leases.read(connection, self._file, run_id, head)
        if holders.lives(holder, expires, self._clock.now()):
            raise leases.busy(run_id, holder)
        raise existing(self._file, run_id)

    def _begin(self, connection: sqlite3.Connection, record: RunRecord, start: bytes, fork: int = -1) -> Held:
        now = self._clock.now()
        record = record._replace(seed=int(record.seed), created=float(record.created))
        head = RunHead(*self._insert_run(record, start), fork)
        lease = Lease(record.run_id, 1, holders.new_holder())
        leases.grant(connection, head, lease, now + holders.SECONDS)
        held = Held(connection, lease, head, self._clock.monotonic())
        put_status(connection, held, RunStatus("running"), now)
        return held

    def _insert_run(self, record: RunRecord, start: bytes) -> tuple[int, bytes]:
        digest = chain(start, record)
        run_id, graph, fingerprint, description, input_, seed, created, options = record
        row = (digest, run_id, graph, fingerprint, str(seed), created, options, description, input_)
        return self._execute(_INSERT_RUN, row).lastrowid or 0, digest

    def acquire(self, run_id: str) -> Lease:
        """Take the lease from nobody, or from a driver that is dead or out of time."""
        now = self._clock.now()
        with self.transaction() as connection:
            head = find(connection, self._file, run_id)
            lease = leases.take(connection, self._file, run_id, head, holders.new_holder(), now)
            held = Held(connection, lease, head, self._clock.monotonic())
        self._held[run_id] = held
        return lease

    def release(self, lease: Lease) -> None:
        """Write that nobody drives the run, unless somebody else does by now."""
        self._held.pop(lease.run_id, None)
        with self.transaction() as connection:
            row = connection.execute("SELECT ref, digest FROM runs WHERE run_id = ?", (lease.run_id,)).fetchone()
            if row and connection.execute(leases.FENCE, row[:1]).fetchone() == (lease.fence, lease.holder):
                leases.write(connection, RunHead(*row), lease.fence, "", 0.0)

    def commit(
        self,
        lease: Lease,
        steps: Sequence[StepRecord],
        events: Sequence[EventRecord],
        status: RunStatus | None,
        blobs: Mapping[str, bytes] | None,
    ) -> float:
        """Keep all of it or nothing; return how long ago the lease gave a sign of life, in seconds."""

        def keep(held: Held, now: float) -> None:
            connection, file = self._connection, self._file
            add_steps(connection, file, held, steps, now)
            if events:
                add_events(connection, file, held, events)
            if blobs:
                add_blobs(connection, file, blobs)
            if status is not None:
                put_status(connection, held, status, now)

        return self._fenced(lease, keep)[0]

    def record(self, lease: Lease, calls: Sequence[CallRecord], blobs: Mapping[str, bytes] | None) -> tuple[float, int]:
        """Keep lines of the log of calls or nothing; return what ``commit`` does, and the number of the first."""

        def keep(held: Held, now: float) -> int:  # noqa: ARG001 - lines have times of their own
            if blobs:
                add_blobs(self._connection, self._file, blobs)
            return add_calls(self._connection, held, calls)

        return self._fenced(lease, keep)

    def _fenced(self, lease: Lease, keep: Callable[[Held, float], _T]) -> tuple[float, _T]:
        """Let ``keep`` write in one transaction if ``lease`` still holds; return the age of its last sign of life.

        The hot path, so the transaction is written out instead of using ``transaction``.
        """
        execute = self._execute
        with self._lock, self._edge:
            self._ready()
            try:
                execute("BEGIN IMMEDIATE")
                held = self._held.get(lease.run_id)
                if held is None or not held.fresh or held.lease != lease:
                    held = self._recall(lease)
                # Until COMMIT has returned, memory may be ahead of the file or behind it: whatever interrupts
                # this, the next commit reads the ends of the chains from the file.
                held.fresh = False
                if self._until_growth >= 0:
                    self._count_down()
                if execute(leases.FENCE, held.head[:1]).fetchone() != (lease.fence, lease.holder):
                    leases.check(self._connection, self._file, lease, held.head)
                now = self._clock.now()
                kept = keep(held, now)
                age = self._clock.monotonic() - held.beaten
                if age > holders.BEAT:
                    self._beat(held, now)
                execute("COMMIT")
                held.fresh = True
                self._held[lease.run_id] = held
                return age, kept
            except BaseException:
                self._abandon()
                raise

    def answer(self, run_id: str, answer: AnswerRecord) -> None:
        """Write an answer, whoever drives the run."""
        with self.transaction() as connection:
            put_answer(connection, self._file, run_id, find(connection, self._file, run_id), answer)

    def redescribe(self, lease: Lease, fingerprint: str, description: str) -> None:
        """Note the graph that the run follows from its next step on."""
        with self.transaction() as connection:
            held = self._recall(lease)
            leases.check(connection, self._file, lease, held.head)
            fields = (held.step + 1, fingerprint, description)
            row = ((held.head.ref << SHIFT) + fields[0], chain(held.head.digest, fields), *fields[1:])
            connection.execute("INSERT OR REPLACE INTO graphs VALUES (?, ?, ?, ?)", row)

    def beat(self) -> bool:
        """Give a sign of life for every run held; return whether there is any."""
        with self.transaction():
            now = self._clock.now()
            for held in list(self._held.values()):
                if self._execute(leases.FENCE, held.head[:1]).fetchone() == (held.lease.fence, held.lease.holder):
                    self._beat(held, now)
                else:
                    del self._held[held.lease.run_id]
        return bool(self._held)

    def holds(self, lease: Lease) -> bool:
        """Tell whether this store gave ``lease`` out and has not seen its end."""
        held = self._held.get(lease.run_id)
        return held is not None and held.lease == lease

    def close(self) -> None:
        """Release what is held, then let go of the file."""
        if os.getpid() != self._pid:
            return  # the connection is the parent's: closing it here would be the parent's business done twice
        for held in list(self._held.values()):
            with contextlib.suppress(StoreError):
                self.release(held.lease)
        with self._lock, self._edge:
            self._connection.close()

    def _ready(self) -> None:
        if os.getpid() != self._pid:
            raise forked(self._file)
        moment = self._clock.monotonic()
        if moment - self._watched >= _WATCH or moment < self._watched:
            self._watch.check()
            self._log_watch.check()
            self._watched = moment
        if self._connection.in_transaction:  # an interrupt came in the middle of giving up
            self._execute("ROLLBACK")

    def _abandon(self) -> None:
        # SQLite has already rolled back after some errors; a second rollback would be an error itself.
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def _recall(self, lease: Lease) -> Held:
        head = find(self._connection, self._file, lease.run_id)
        known = self._held.get(lease.run_id)
        beaten = known.beaten if known is not None else self._clock.monotonic()
        return Held(self._connection, lease, head, beaten)

    def _beat(self, held: Held, now: float) -> None:
        leases.write(self._connection, held.head, held.lease.fence, held.lease.holder, now + holders.SECONDS)
        held.beaten = self._clock.monotonic()

    def _count_down(self) -> None:
        self._until_growth -= 1
        if self._until_growth < 0:
            self._grow_log()

    def _grow_log(self) -> None:
        """Give the write-ahead log its full size: an fsync that also extends a file costs twice.

        Nobody else can be writing: zeros behind the last frame are what a log that is used again has, too.
        """
        with contextlib.suppress(OSError):  # no room or no log: then commits stay as they are
            handle = os.open(self._file + "-wal", os.O_WRONLY | os.O_APPEND)
            try:
                os.write(handle, bytes(max(0, _LOG_SIZE - os.fstat(handle).st_size)))
            finally:
                os.close(handle)
