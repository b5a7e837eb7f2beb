"""Reading a store's file: each thread has a connection of its own, and each answer is checked.

Owns the connections for reading. What rows say is in ``rows``, ``forks`` and ``calls``.
"""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.clock import Clock, SystemClock
from nbgraph.errors import StoreError
from nbgraph.store import calls, forks, holders, opening, rows
from nbgraph.store.failures import Edge, damaged
from nbgraph.store.protocol import AnswerRecord, CallRecord, EventRecord, Origin, RunRow, StepRecord
from nbgraph.store.refusals import forked
from nbgraph.store.schema import MASK
from nbgraph.store.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nbgraph.store.pieces import Piece


class Table(NamedTuple):
    """The answer to a query."""

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


class Reading:
    """The half of a store that asks."""

    def __init__(self, file: str, clock: Clock | None, busy_timeout: float) -> None:
        self._file, self._timeout = file, busy_timeout
        self._clock: Clock = clock or SystemClock()
        self._edge, self._pid = Edge(file), os.getpid()
        self._local, self._closed = threading.local(), False
        self._readers: weakref.WeakSet[opening.Connection] = weakref.WeakSet()

    @property
    def name(self) -> str:
        """The file's absolute path."""
        return self._file

    def run(self, run_id: str) -> RunRow:
        """Return one run; raises ``RunNotFound``."""
        with self._reading() as reader:
            return self._row(rows.read_run(reader, self._file, run_id))

    def runs(self) -> Sequence[RunRow]:
        """Return every run, oldest first."""
        with self._reading() as reader:
            return [self._row(run) for run in rows.read_runs(reader, self._file)]

    def descriptions(self, run_id: str) -> Sequence[tuple[int, str, str]]:
        """Return (first step, fingerprint, description) of every graph that the run followed, oldest first."""
        with self._reading() as reader:
            return forks.descriptions(reader, self._file, forks.trail(reader, self._file, run_id))

    def steps(self, run_id: str, first: int = 1, last: int | None = None) -> Iterator[StepRecord]:
        """Yield the steps ``first`` to ``last`` (both included) in order, each checked against its digest."""
        with self._reading() as reader:
            line = forks.trail(reader, self._file, run_id)
        last = MASK if last is None else last
        return (record for piece in line for record in self._batches(piece, first, last))

    def _batches(self, piece: Piece[forks.Owner], first: int, last: int) -> Iterator[StepRecord]:
        first, last = max(first, piece.first), min(last, piece.last)
        while first <= last:
            with self._reading() as reader:
                batch = rows.next_steps(reader, self._file, *piece.owner, first, last)
            yield from batch
            if not batch:
                return
            first = batch[-1].step + 1

    def lineage(self, run_id: str, step: int) -> Sequence[StepRecord]:
        """Return the steps from the nearest snapshot (or the input) along ``base`` to ``step``, oldest first."""
        with self._reading() as reader:
            return forks.read_lineage(reader, self._file, forks.trail(reader, self._file, run_id), step)

    def last_mark(self, run_id: str) -> int:
        """Return the last step that has a ``mark``, 0 if none has."""
        with self._reading() as reader:
            return forks.last_mark(reader, forks.trail(reader, self._file, run_id))

    def events(self, run_id: str, *, after: int = 0) -> Sequence[EventRecord]:
        """Return the run's events above number ``after``, in order."""
        with self._reading() as reader:
            return rows.read_events(reader, self._file, run_id, rows.find(reader, self._file, run_id), after)

    def calls(self, run_id: str, *, unsettled: bool = False, after: int = 0) -> Sequence[CallRecord]:
        """Return the run's own log of calls above number ``after``, or its lines of tasks without a committed step."""
        with self._reading() as reader:
            if unsettled:
                return calls.read_unsettled(reader, self._file, forks.trail(reader, self._file, run_id))
            return calls.read_calls(reader, self._file, run_id, rows.find(reader, self._file, run_id), after)

    def answers(self, run_id: str) -> Sequence[AnswerRecord]:
        """Return the answers that came in, by the question's number."""
        with self._reading() as reader:
            return calls.read_answers(reader, self._file, run_id, rows.find(reader, self._file, run_id))

    def origin(self, run_id: str) -> Origin | None:
        """Return where a fork comes from, None for a run of its own."""
        with self._reading() as reader:
            return forks.origin_of(reader, self._file, run_id)

    def blob(self, digest: str) -> bytes:
        """Return a large binary value by its SHA-256."""
        with self._reading() as reader:
            row = reader.execute("SELECT data FROM blobs WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise damaged(self._file, f"it has no blob {digest}")
        if sha256(row[0]).hexdigest() != digest:
            raise damaged(self._file, f"blob {digest} was changed")
        return bytes(row[0])

    def verify(self) -> Sequence[str]:
        """Check everything; return what is wrong, in words, empty when all is well."""
        with self._reading() as reader:
            return verify(reader, self._file)

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

    def _row(self, run: rows.FullRun) -> RunRow:
        holder = run.holder if holders.lives(run.holder, run.expires, self._clock.now()) else ""
        return RunRow(run.record, run.status, run.steps, run.updated, holder)

    @contextmanager
    def _reading(self) -> Iterator[opening.Connection]:
        """Give this thread's connection, which nobody closes while the block runs: that would crash the process."""
        with self._edge:
            reader = self._reader()
            with reader.turn:
                if self._closed:  # just now, by somebody who may not have known of this connection
                    reader.close()
                self._check_usable()
                yield reader

    def _reader(self) -> opening.Connection:
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
            with reader.turn:
                reader.close()
