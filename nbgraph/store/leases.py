"""Rows of the leases table: who may drive a run, and under which fence.

Owns the statements; all of them run inside a transaction that the caller opened. What makes a holder
live or dead is decided in ``holders``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbgraph.errors import RunBusyError
from nbgraph.store import holders
from nbgraph.store.digests import chain
from nbgraph.store.failures import damaged
from nbgraph.store.protocol import Lease
from nbgraph.store.rows import RunHead, not_found

if TYPE_CHECKING:
    import sqlite3

FENCE = "SELECT fence, holder FROM leases WHERE run = ?"
_UPDATE = "UPDATE leases SET digest = ?, fence = ?, holder = ?, expires = ? WHERE run = ?"


def grant(connection: sqlite3.Connection, head: RunHead, lease: Lease, expires: float) -> None:
    """Write the first lease of a new run."""
    fields = (lease.fence, lease.holder, expires)
    connection.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", (head.ref, chain(head.digest, fields), *fields))


def write(connection: sqlite3.Connection, head: RunHead, fence: int, holder: str, expires: float) -> None:
    """Replace the lease."""
    fields = (fence, holder, expires)
    connection.execute(_UPDATE, (chain(head.digest, fields), *fields, head.ref))


def read(connection: sqlite3.Connection, file: str, run_id: str, head: RunHead) -> tuple[int, str, float]:
    """Return (fence, holder, expires), checked."""
    query = "SELECT digest, fence, holder, expires FROM leases WHERE run = ?"
    row = connection.execute(query, (head.ref,)).fetchone()
    if row is None or chain(head.digest, row[1:]) != row[0]:
        raise damaged(file, "its lease was changed", run_id)
    return row[1], row[2], row[3]


def take(connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, holder: str, now: float) -> Lease:
    """Give the run to ``holder`` ("": to nobody) under the next fence; ``RunBusyError`` while its driver lives."""
    fence, current, expires = read(connection, file, run_id, head)
    if holders.lives(current, expires, now):
        raise busy(run_id, current)
    write(connection, head, fence + 1, holder, now + holders.SECONDS if holder else 0.0)
    return Lease(run_id, fence + 1, holder)


def check(connection: sqlite3.Connection, file: str, lease: Lease, head: RunHead) -> None:
    """Say why a commit's fence did not fit: taken over, removed, or damaged."""
    if connection.execute("SELECT 1 FROM runs WHERE ref = ?", (head.ref,)).fetchone() is None:
        raise not_found(file, lease.run_id)
    fence, current, _ = read(connection, file, lease.run_id, head)
    if (fence, current) != (lease.fence, lease.holder):
        raise lost(lease, current)


def busy(run_id: str, holder: str) -> RunBusyError:
    """Return the error for a run that somebody drives."""
    return RunBusyError(
        f"run {run_id!r} is being driven by {holder}",
        still="it goes on there; anybody may read and watch it meanwhile",
        todo="wait until it ends, or stop that process and try again",
        run_id=run_id,
        holder=holder,
    )


def lost(lease: Lease, current: str) -> RunBusyError:
    """Return the error for a driver whose lease was taken over."""
    return RunBusyError(
        f"run {lease.run_id!r} was taken over by {current or 'somebody who has let go of it since'}",
        still="what was committed before is kept; nothing of this commit was stored",
        todo="let the new driver go on, or resume the run",
        run_id=lease.run_id,
        holder=current,
    )
