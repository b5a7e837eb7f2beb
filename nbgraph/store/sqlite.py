"""A store in one SQLite file, by the standard library's driver.

Owns which connection does what: one writes (``writer``), each thread has its own for reading (``reading``). The file
format is in ``schema``, the promises in ``protocol``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self, TypeVar

from nbgraph.errors import OptionsError, StoreBusy, StoreError, StoreReadOnly
from nbgraph.store import filesystem, forks, holders, leases, opening, prune, rows
from nbgraph.store.heartbeat import Heartbeat
from nbgraph.store.protocol import (
    AnswerRecord,
    CallRecord,
    EventRecord,
    Lease,
    Origin,
    RunRecord,
    RunStatus,
    StepRecord,
)
from nbgraph.store.reading import Reading
from nbgraph.store.rebase import rebase
from nbgraph.store.refusals import has_forks
from nbgraph.store.schema import VERSION
from nbgraph.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from nbgraph.clock import Clock

_T = TypeVar("_T")


class SqliteStore(Reading):
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
        super().__init__(os.path.realpath(path), clock, busy_timeout)
        self._durability, self._is_link = durability, os.path.islink(path)
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

    def __repr__(self) -> str:
        return f"SqliteStore({self._file!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def create(self, record: RunRecord) -> Lease:
        """Keep a new run and hold it; ``RunBusyError`` or ``StoreError`` if the id exists."""
        return self._writing(lambda: self._need_writer().create(record))

    def fork(self, record: RunRecord, origin: Origin) -> Lease:
        """Keep a new run that shares the steps up to ``origin.step``, and hold it."""
        return self._writing(lambda: self._need_writer().fork(record, origin))

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

    def record(self, lease: Lease, calls: Sequence[CallRecord], blobs: Mapping[str, bytes] | None = None) -> int:
        """Keep lines of the log of calls in one transaction, or nothing; return the number of the first."""
        writer = self._writer or self._need_writer()
        try:
            age, first = writer.record(lease, calls, blobs)
        except StoreBusy as error:
            raise self._name_holder(error) from error.__cause__
        if age > holders.GRACE and self._heart.thread is None:
            self._heart.start()
        return first

    def answer(self, run_id: str, answer: AnswerRecord) -> None:
        """Keep an answer; nobody needs to hold the run, and anybody may."""
        self._writing(lambda: self._need_writer().answer(run_id, answer))

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
            others = forks.forks_of(connection, head.ref)
            if others:
                raise has_forks(self._file, run_id, others)
            prune.drop_run(connection, head.ref)
            prune.sweep(connection)

    def rebase(self, run_id: str, step: int, snapshot: str) -> None:
        """Make ``step`` (which has a mark) the run's new beginning; nobody may drive it meanwhile."""
        self._writing(lambda: self._rebase(run_id, step, snapshot))

    def _rebase(self, run_id: str, step: int, snapshot: str) -> None:
        with self._need_writer().transaction() as connection:
            run = rows.read_run(connection, self._file, run_id)
            # A new fence: a driver that was only presumed dead must not go on from where its chain ended.
            now = self._clock.now()
            leases.take(connection, self._file, run_id, run.head, "", now)
            rebase(connection, self._file, run, step, snapshot, now)
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
