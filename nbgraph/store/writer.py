"""The one connection that writes: every change of the file is one call of this class, one transaction.

Owns the transaction, the lock around it and the memory of where each held run's chains end. Nothing of
that memory survives an exception: what was durable is read back from the file. Reading is elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from typing import TYPE_CHECKING

from nbgraph.errors import StoreError
from nbgraph.store import holders, leases
from nbgraph.store.digests import START, chain, event_root, root
from nbgraph.store.failures import Edge
from nbgraph.store.filesystem import Watch
from nbgraph.store.protocol import EventRecord, Lease, RunRecord, RunStatus, StepRecord
from nbgraph.store.refusals import check_blob, doubled, existing, forked, out_of_order
from nbgraph.store.rows import RunHead, find, step_fields
from nbgraph.store.schema import MASK, SHIFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nbgraph.clock import Clock

_INSERT_RUN = "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_STEP = "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_STATUS = "INSERT OR REPLACE INTO statuses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LAST = "SELECT id & 4294967295, digest FROM {} WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1"
_GROW_AFTER = 32
"""Commits with an fsync after which the log is grown at once: worth about 50 of them, so short runs never pay."""
_LOG_SIZE = 4 << 20
_WATCH = 0.01
"""Seconds within which the file's identity is not looked at again: two system calls cost a quarter of a commit."""


class Held:
    """What a driver's commits need to know: where the run is, and where its two chains end."""

    __slots__ = ("beaten", "event", "event_digest", "fresh", "head", "lease", "step", "step_digest")

    def __init__(self, connection: sqlite3.Connection, lease: Lease, head: RunHead, beaten: float) -> None:
        self.lease, self.head, self.beaten = lease, head, beaten
        self.fresh = True
        self.step: int
        self.step_digest: bytes
        self.event: int
        self.event_digest: bytes
        place = head.ref << SHIFT
        last = connection.execute(_LAST.format("steps"), (place, place + MASK)).fetchone()
        self.step, self.step_digest = last or (0, root(head.digest, 1))
        last = connection.execute(_LAST.format("events"), (place, place + MASK)).fetchone()
        self.event, self.event_digest = last or (0, event_root(head.digest, 1))


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
        now = self._clock.now()
        record = record._replace(seed=int(record.seed), created=float(record.created))
        with self.transaction() as connection:
            if connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (record.run_id,)).fetchone():
                raise self._exists(connection, record.run_id)
            head = self._insert_run(record)
            lease = Lease(record.run_id, 1, holders.new_holder())
            leases.grant(connection, head, lease, now + holders.SECONDS)
            held = Held(connection, lease, head, self._clock.monotonic())
            self._put_status(held, RunStatus("running"), now)
        self._held[record.run_id] = held
        return lease

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
        """Keep all of it or nothing; return how long ago the lease gave a sign of life, in seconds.

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
                self._insert_steps(held, steps, now)
                if events:
                    self._insert_events(held, events)
                if blobs:
                    self._insert_blobs(blobs)
                if status is not None:
                    self._put_status(held, status, now)
                age = self._clock.monotonic() - held.beaten
                if age > holders.BEAT:
                    self._beat(held, now)
                execute("COMMIT")
                held.fresh = True
                self._held[lease.run_id] = held
                return age
            except BaseException:
                self._abandon()
                raise

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

    def _exists(self, connection: sqlite3.Connection, run_id: str) -> Exception:
        _, holder, expires = leases.read(connection, self._file, run_id, find(connection, self._file, run_id))
        if holders.lives(holder, expires, self._clock.now()):
            return leases.busy(run_id, holder)
        return existing(self._file, run_id)

    def _insert_run(self, record: RunRecord) -> RunHead:
        digest = chain(START, record)
        run_id, graph, fingerprint, description, input_, seed, created, options = record
        row = (digest, run_id, graph, fingerprint, str(seed), created, options, description, input_)
        ref = self._execute(_INSERT_RUN, row).lastrowid
        return RunHead(ref or 0, digest)

    def _insert_steps(self, held: Held, steps: Sequence[StepRecord], now: float) -> None:
        place, number, digest, rows = held.head.ref << SHIFT, held.step, held.step_digest, []
        for record in steps:
            number += 1
            if record[0] != number:
                raise out_of_order(self._file, held.lease.run_id, "step", number, record[0])
            digest = chain(digest, step_fields(now, record))
            (_, task, node, status, attempts, base, parents, update, results, merged, arrivals, snapshot, mark, facts,
             key) = record  # fmt: skip
            rows.append((place + number, digest, now, key, task, node, status, attempts, base, parents, mark, arrivals,
                         update, results, merged, facts, snapshot))  # fmt: skip
        try:
            if len(rows) == 1:
                self._execute(_INSERT_STEP, rows[0])
            elif rows:
                self._connection.executemany(_INSERT_STEP, rows)
        except sqlite3.IntegrityError as error:
            if "steps.key" in str(error):
                raise self._doubled(held, steps) from error
            raise
        held.step, held.step_digest = number, digest

    def _doubled(self, held: Held, steps: Sequence[StepRecord]) -> Exception:
        # Rows of this commit that went in before the doubled one do not count as known.
        query = "SELECT 1 FROM steps WHERE key = ? AND id NOT BETWEEN ? AND ?"
        place, seen = held.head.ref << SHIFT, set[str]()
        for record in steps:
            span = (place + held.step + 1, place + held.step + len(steps))
            if record.key in seen or self._execute(query, (record.key, *span)).fetchone():
                return doubled(held.lease.run_id, record)
            seen.add(record.key)
        return doubled(held.lease.run_id, steps[-1])

    def _insert_events(self, held: Held, events: Sequence[EventRecord]) -> None:
        place, number, digest, rows = held.head.ref << SHIFT, held.event, held.event_digest, []
        for record in events:
            number += 1
            if record[0] != number:
                raise out_of_order(self._file, held.lease.run_id, "event", number, record[0])
            # What a REAL column gives back is a float, and the digest is of what comes back.
            fields = record._replace(time=float(record.time))
            digest = chain(digest, fields)
            rows.append((place + number, digest, *fields[1:]))
        self._connection.executemany(_INSERT_EVENT, rows)
        held.event, held.event_digest = number, digest

    def _insert_blobs(self, blobs: Mapping[str, bytes]) -> None:
        for digest, data in blobs.items():
            if self._execute("SELECT 1 FROM blobs WHERE digest = ?", (digest,)).fetchone() is None:
                check_blob(self._file, digest, data)
                self._execute("INSERT INTO blobs VALUES (NULL, ?, ?)", (digest, data))

    def _put_status(self, held: Held, status: RunStatus, now: float) -> None:
        anchors = (held.step, held.step_digest.hex(), held.event, held.event_digest.hex())
        fields = (float(now), *anchors, *status)
        self._execute(_PUT_STATUS, (held.head.ref, chain(held.head.digest, fields), *fields))

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
