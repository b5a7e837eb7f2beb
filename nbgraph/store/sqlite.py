"""A store in one SQLite file, by the standard library's driver.

Owns which connection does what: one writes (``writer``), each thread has its own for reading. The file
format is in ``schema``, the promises in ``protocol``.
"""

from __future__ import annotations

import os
import threading
import weakref
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from nbgraph.clock import Clock, SystemClock
from nbgraph.errors import OptionsError, StoreBusy, StoreError, StoreReadOnly
from nbgraph.store import filesystem, holders, leases, opening, prune, rows
from nbgraph.store.failures import Edge, damaged
from nbgraph.store.heartbeat import Heartbeat
from nbgraph.store.protocol import EventRecord, Lease, RunRecord, RunRow, RunStatus, StepRecord
from nbgraph.store.refusals import forked
from nbgraph.store.schema import MASK, SHIFT, VERSION
from nbgraph.store.verify import verify
from nbgraph.store.writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

_T = TypeVar("_T")


class Table(NamedTuple):
    """The answer to a query."""

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


class SqliteStore:
    """Runs in a file. Opens ``path``, or makes it; refuses, untouched, what is not a store.

    ``durability="full"`` survives a power cut from commit on; "normal" survives the death of the process,
    and a power cut may take the last commits. ``busy_timeout`` is in seconds.

    >>> with SqliteStore(getfixture("tmp_path") / "runs.sqlite") as store:
    ...     len(store.runs())
    0
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: str = "full",
        clock: Clock | None = None,
        read_only: bool = False,
        busy_timeout: float = 5.0,
    ) -> None:
        if durability not in ("full", "normal"):
            raise OptionsError(
                f"durability is {durability!r}",
                todo='choose "full" or "normal"',
                option="durability",
                actual=durability,
            )
        self._file, self._is_link = os.path.realpath(path), os.path.islink(path)
        self._durability, self._timeout = durability, busy_timeout
        self._clock: Clock = clock or SystemClock()
        self._edge, self._pid = Edge(self._file), os.getpid()
        self._local, self._closed = threading.local(), False
        self._readers: weakref.WeakSet[opening.Connection] = weakref.WeakSet()
        self._writer: Writer | None = None
        with self._edge:
            self._open(read_only)

    def _open(self, read_only: bool) -> None:
        if not filesystem.exists(self._file):
            if self._is_link:
                raise filesystem.refused(self._file, "is where a link leads to, and is not there")
            if read_only:
                message = f"there is no store {self._file!r}"
                raise StoreReadOnly(message, todo="check the path, or open it for writing", file=self._file)
            opening.create(self._file, self._clock.now())
        try:
            version = opening.inspect(self._reader(), self._file)
            if read_only and version < VERSION:
                raise opening.refuse_upgrade(self._file, version)  # noqa: TRY301 - the handler below closes what was opened
            if not read_only:
                connection = opening.open_writer(self._file, self._durability, self._timeout)
                if version < VERSION:
                    opening.upgrade(connection, self._file, self._clock.now())
                self._writer = Writer(connection, self._file, self._clock)
                self._heart = Heartbeat(self._writer.beat)
        except BaseException:
            self._close_readers()
            raise

    @property
    def name(self) -> str:
        """The file's absolute path."""
        return self._file

    def __repr__(self) -> str:
        return f"SqliteStore({self._file!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # --- writing -----------------------------------------------------------------------------------

    def create(self, record: RunRecord) -> Lease:
        """Keep a new run and hold it; ``RunBusyError`` or ``StoreError`` if the id exists."""
        return self._writing(lambda: self._need_writer().create(record))

    def acquire(self, run_id: str) -> Lease:
        """Take the right to drive; raises ``RunBusyError`` naming the holder while that one lives, ``RunNotFound``."""
        return self._writing(lambda: self._need_writer().acquire(run_id))

    def release(self, lease: Lease) -> None:
        """Give the right back; nothing happens if it has been taken over already."""
        self._writing(lambda: self._need_writer().release(lease))

    def keep_alive(self, lease: Lease) -> None:
        """Give signs of life from now on, without commits, until the lease is released. Cheap when repeated."""
        if self._need_writer().holds(lease) and self._heart.thread is None:
            self._heart.start()

    def commit(
        self,
        lease: Lease,
        steps: Sequence[StepRecord],
        events: Sequence[EventRecord] = (),
        status: RunStatus | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> None:
        """Keep all of it in one transaction, or nothing."""
        writer = self._writer or self._need_writer()
        try:
            age = writer.commit(lease, steps, events, status, blobs)
        except StoreBusy as error:
            raise self._name_holder(error) from error.__cause__
        if age > holders.GRACE and self._heart.thread is None:
            self._heart.start()

    def redescribe(self, lease: Lease, fingerprint: str, description: str) -> None:
        """Note that from the next step on the run follows another graph."""
        self._writing(lambda: self._need_writer().redescribe(lease, fingerprint, description))

    def delete(self, run_id: str) -> None:
        """Remove a run that nobody drives, whole, with the blobs that only it referred to."""
        self._writing(lambda: self._delete(run_id))

    def _delete(self, run_id: str) -> None:
        with self._need_writer().transaction() as connection:
            head = rows.find(connection, self._file, run_id)
            leases.take(connection, self._file, run_id, head, "", self._clock.now())
            prune.drop_run(connection, head.ref)
            prune.sweep(connection)

    def rebase(self, run_id: str, step: int, snapshot: str) -> None:
        """Make ``step`` (which has a mark) the run's new beginning; nobody may drive it meanwhile."""
        self._writing(lambda: self._rebase(run_id, step, snapshot))

    def _rebase(self, run_id: str, step: int, snapshot: str) -> None:
        with self._need_writer().transaction() as connection:
            run = rows.read_run(connection, self._file, run_id)
            # A new fence: a driver that was only presumed dead must not go on from where its chain ended.
            leases.take(connection, self._file, run_id, run.head, "", self._clock.now())
            prune.rebase(connection, self._file, run, step, snapshot)
            prune.sweep(connection)

    def _writing(self, act: Callable[[], _T]) -> _T:
        try:
            return act()
        except StoreBusy as error:
            raise self._name_holder(error) from error.__cause__

    def _name_holder(self, error: StoreBusy) -> StoreBusy:
        try:
            drivers = [row.holder for row in self.runs() if row.holder]
        except StoreError:
            return error
        message = f"{error.message} (runs in it are driven by: {', '.join(drivers)})" if drivers else error.message
        holder = drivers[0] if drivers else None
        return StoreBusy(message, still=error.still, todo=error.todo, file=self._file, holder=holder)

    def _need_writer(self) -> Writer:
        if self._closed:
            raise self._shut()
        if self._writer is None:
            message = f"the store {self._file!r} was opened for reading only"
            raise StoreReadOnly(message, todo="open it without read_only", file=self._file)
        return self._writer

    # --- reading -----------------------------------------------------------------------------------

    def run(self, run_id: str) -> RunRow:
        """Return one run; raises ``RunNotFound``."""
        with self._edge:
            return self._row(rows.read_run(self._reader(), self._file, run_id))

    def runs(self) -> Sequence[RunRow]:
        """Return every run, oldest first."""
        with self._edge:
            return [self._row(run) for run in rows.read_runs(self._reader(), self._file)]

    def descriptions(self, run_id: str) -> Sequence[tuple[int, str, str]]:
        """Return (first step, fingerprint, description) of every graph that the run followed, oldest first."""
        with self._edge:
            reader = self._reader()
            return rows.read_graphs(reader, self._file, rows.read_run(reader, self._file, run_id))

    def steps(self, run_id: str, first: int = 1, last: int | None = None) -> Iterator[StepRecord]:
        """Yield the steps ``first`` to ``last`` (both included) in order, each checked against its digest."""
        with self._edge:
            head = rows.find(self._reader(), self._file, run_id)
        return self._batches(run_id, head, first, MASK if last is None else last)

    def _batches(self, run_id: str, head: rows.RunHead, first: int, last: int) -> Iterator[StepRecord]:
        with self._edge:
            query = "SELECT min(id) & 4294967295 FROM steps WHERE id BETWEEN ? AND ?"
            place = head.ref << SHIFT
            oldest = self._reader().execute(query, (place, place + MASK)).fetchone()[0]
        first = max(first, oldest or 1)
        while first <= last:
            with self._edge:
                batch = rows.read_steps(self._reader(), self._file, run_id, head, first, last)
            yield from batch
            if not batch:
                return
            first = batch[-1].step + 1

    def lineage(self, run_id: str, step: int) -> Sequence[StepRecord]:
        """Return the steps from the nearest snapshot (or the input) along ``base`` to ``step``, oldest first."""
        with self._edge:
            reader = self._reader()
            head = rows.find(reader, self._file, run_id)
            return rows.read_lineage(reader, self._file, run_id, head, step)

    def last_mark(self, run_id: str) -> int:
        """Return the last step that has a ``mark``, 0 if none has."""
        with self._edge:
            reader = self._reader()
            place = rows.find(reader, self._file, run_id).ref << SHIFT
            query = "SELECT id & 4294967295 FROM steps WHERE id BETWEEN ? AND ? AND mark != '' ORDER BY id DESC LIMIT 1"
            row = reader.execute(query, (place, place + MASK)).fetchone()
        return row[0] if row else 0

    def events(self, run_id: str) -> Sequence[EventRecord]:
        """Return the run's events in order."""
        with self._edge:
            reader = self._reader()
            return rows.read_events(reader, self._file, run_id, rows.find(reader, self._file, run_id))

    def blob(self, digest: str) -> bytes:
        """Return a large binary value by its SHA-256."""
        with self._edge:
            row = self._reader().execute("SELECT data FROM blobs WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise damaged(self._file, f"it has no blob {digest}")
        if sha256(row[0]).hexdigest() != digest:
            raise damaged(self._file, f"blob {digest} was changed")
        return bytes(row[0])

    def verify(self) -> Sequence[str]:
        """Check everything; return what is wrong, in words, empty when all is well."""
        with self._edge:
            return verify(self._reader(), self._file)

    def sql(self, query: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> Table:
        """Run a query that cannot write on the tables and views that ``schema`` documents."""
        with self._edge:
            self._check_usable()
            connection = opening.open_reader(self._file, self._timeout)
            try:
                # Our views call JSON functions, which SQLite lets only a trusted schema do: so it is compared first.
                opening.check_schema(connection, self._file)
                connection.execute("PRAGMA trusted_schema=ON")
                cursor = connection.execute(query, params)
                return Table([column[0] for column in cursor.description or ()], cursor.fetchall())
            finally:
                connection.close()

    def close(self) -> None:
        """Let go of the file. Leases held by this store are released. Closing again does nothing."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        self._close_readers()  # first: the last to close is the writer, which tidies up the log
        if self._writer is not None:
            self._heart.stop()
            self._writer.close()
            self._writer = None

    def _row(self, run: rows.FullRun) -> RunRow:
        holder = run.holder if holders.lives(run.holder, run.expires, self._clock.now()) else ""
        return RunRow(run.record, run.status, run.steps, run.updated, holder)

    def _reader(self) -> sqlite3.Connection:
        self._check_usable()
        reader: opening.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = opening.open_reader(self._file, self._timeout)
            self._local.reader = reader
            self._readers.add(reader)
        return reader

    def _check_usable(self) -> None:
        if os.getpid() != self._pid:
            raise forked(self._file)
        if self._closed:
            raise self._shut()

    def _shut(self) -> StoreError:
        return StoreError(f"the store {self._file!r} is closed", todo="open it again", file=self._file)

    def _close_readers(self) -> None:
        for reader in list(self._readers):
            reader.close()
