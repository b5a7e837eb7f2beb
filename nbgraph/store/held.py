"""The ends of a driven run's chains, and the rows that go there: steps, events, calls, blobs, the status.

Owns the inserting statements. Works inside the caller's transaction; who may write is decided before.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from nbgraph.store.digests import call_root, chain, event_root
from nbgraph.store.refusals import check_blob, doubled, out_of_order
from nbgraph.store.rows import RunHead, step_fields
from nbgraph.store.schema import MASK, SHIFT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbgraph.store.protocol import CallRecord, EventRecord, Lease, RunStatus, StepRecord

_INSERT_STEP = "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_CALL = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_STATUS = "INSERT OR REPLACE INTO statuses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LAST = "SELECT id & 4294967295, digest FROM {} WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1"


class Held:
    """What a driver's commits need to know: where the run is, and where its chains end."""

    __slots__ = (
        "beaten", "call", "call_digest", "event", "event_digest", "fresh", "head", "lease", "step", "step_digest",
    )  # fmt: skip

    def __init__(self, connection: sqlite3.Connection, lease: Lease, head: RunHead, beaten: float) -> None:
        self.lease, self.head, self.beaten = lease, head, beaten
        self.fresh = True
        shared = max(head.fork, 0)
        self.step, self.step_digest = self._end(connection, "steps") or (shared, head.root(shared + 1))
        self.event, self.event_digest = self._end(connection, "events") or (0, event_root(head.digest, 1))
        self.call, self.call_digest = -1, b""
        """-1: not looked up; most runs, and most resumes, come by without."""

    def _end(self, connection: sqlite3.Connection, table: str) -> tuple[int, bytes] | None:
        place = self.head.ref << SHIFT
        row: tuple[int, bytes] | None = connection.execute(_LAST.format(table), (place, place + MASK)).fetchone()
        return row

    def look_up_calls(self, connection: sqlite3.Connection) -> None:
        """Find the end of the log of calls."""
        self.call, self.call_digest = self._end(connection, "calls") or (0, call_root(self.head.digest, 1))


def add_steps(connection: sqlite3.Connection, file: str, held: Held, steps: Sequence[StepRecord], now: float) -> None:
    """Add steps that continue the run."""
    place, number, digest, rows = held.head.ref << SHIFT, held.step, held.step_digest, []
    for record in steps:
        number += 1
        if record[0] != number:
            raise out_of_order(file, held.lease.run_id, "step", number, record[0])
        digest = chain(digest, step_fields(now, record))
        (_, task, node, status, attempts, base, parents, update, results, merged, arrivals, snapshot, mark, facts,
         key) = record  # fmt: skip
        rows.append((place + number, digest, now, key, task, node, status, attempts, base, parents, mark, arrivals,
                     update, results, merged, facts, snapshot))  # fmt: skip
    try:
        _insert(connection, _INSERT_STEP, rows)
    except sqlite3.IntegrityError as error:
        if "steps.key" in str(error):
            raise _doubled(connection, held, steps) from error
        raise
    held.step, held.step_digest = number, digest


def _insert(connection: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    if len(rows) == 1:
        connection.execute(statement, rows[0])
    elif rows:
        connection.executemany(statement, rows)


def _doubled(connection: sqlite3.Connection, held: Held, steps: Sequence[StepRecord]) -> Exception:
    # Rows of this commit that went in before the doubled one do not count as known.
    query = "SELECT 1 FROM steps WHERE key = ? AND id NOT BETWEEN ? AND ?"
    place, seen = held.head.ref << SHIFT, set[str]()
    for record in steps:
        span = (place + held.step + 1, place + held.step + len(steps))
        if record.key in seen or connection.execute(query, (record.key, *span)).fetchone():
            return doubled(held.lease.run_id, record)
        seen.add(record.key)
    return doubled(held.lease.run_id, steps[-1])


def add_events(connection: sqlite3.Connection, file: str, held: Held, events: Sequence[EventRecord]) -> None:
    """Add events that continue the run's."""
    place, number, digest, rows = held.head.ref << SHIFT, held.event, held.event_digest, []
    for record in events:
        number += 1
        if record[0] != number:
            raise out_of_order(file, held.lease.run_id, "event", number, record[0])
        # What a REAL column gives back is a float, and the digest is of what comes back.
        fields = record._replace(time=float(record.time))
        digest = chain(digest, fields)
        rows.append((place + number, digest, *fields[1:]))
    connection.executemany(_INSERT_EVENT, rows)
    held.event, held.event_digest = number, digest


def add_calls(connection: sqlite3.Connection, held: Held, calls: Sequence[CallRecord]) -> int:
    """Add lines to the run's log of calls; return the number of the first."""
    if held.call < 0:
        held.look_up_calls(connection)
    place, first, digest, rows = held.head.ref << SHIFT, held.call + 1, held.call_digest, []
    for number, (_, time, *rest) in enumerate(calls, first):
        fields = (float(time), *rest)
        digest = chain(digest, (number, *fields))
        rows.append((place + number, digest, *fields))
    _insert(connection, _INSERT_CALL, rows)
    held.call, held.call_digest = held.call + len(calls), digest
    return first


def add_blobs(connection: sqlite3.Connection, file: str, blobs: Mapping[str, bytes]) -> None:
    """Add large values that are not there."""
    for digest, data in blobs.items():
        if connection.execute("SELECT 1 FROM blobs WHERE digest = ?", (digest,)).fetchone() is None:
            check_blob(file, digest, data)
            connection.execute("INSERT INTO blobs VALUES (NULL, ?, ?)", (digest, data))


def put_status(connection: sqlite3.Connection, held: Held, status: RunStatus, now: float) -> None:
    """Write the status, with where the chains of steps and events end."""
    anchors = (held.step, held.step_digest.hex(), held.event, held.event_digest.hex())
    fields = (float(now), *anchors, *status)
    connection.execute(_PUT_STATUS, (held.head.ref, chain(held.head.digest, fields), *fields))
