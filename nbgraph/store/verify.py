"""Checking a whole file: SQLite's own structure, then every row against its digest.

Owns the list of findings. Stops at the first finding of each run: what follows it cannot be judged. A run's steps
and events must reach to where its last status says; the log of calls has no such mark, so lines cut off its end
are not missed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from nbgraph.errors import StoreError
from nbgraph.store.calls import read_answers, read_log
from nbgraph.store.failures import Edge
from nbgraph.store.forks import trail
from nbgraph.store.rebase import every_step
from nbgraph.store.rows import FullRun, read_events, read_graphs, read_run
from nbgraph.store.schema import SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

_ORPHANS = {
    "steps": "SELECT count(*) FROM steps WHERE id >> 32 NOT IN (SELECT ref FROM runs)",
    "events": "SELECT count(*) FROM events WHERE id >> 32 NOT IN (SELECT ref FROM runs)",
    "calls": "SELECT count(*) FROM calls WHERE id >> 32 NOT IN (SELECT ref FROM runs)",
    "answers": "SELECT count(*) FROM answers WHERE id >> 32 NOT IN (SELECT ref FROM runs)",
    "forks": "SELECT count(*) FROM forks WHERE run NOT IN (SELECT ref FROM runs)",
    "graphs": "SELECT count(*) FROM graphs WHERE id >> 32 NOT IN (SELECT ref FROM runs)",
    "statuses": "SELECT count(*) FROM statuses WHERE run NOT IN (SELECT ref FROM runs)",
    "leases": "SELECT count(*) FROM leases WHERE run NOT IN (SELECT ref FROM runs)",
}


def verify(connection: sqlite3.Connection, file: str) -> Sequence[str]:
    """Return what is wrong, in words; empty when all is well. One moment of the file."""
    findings: list[str] = []

    def attempt(check: Callable[[], Sequence[str]]) -> None:
        try:
            with Edge(file):
                findings.extend(check())
        except StoreError as error:
            findings.append(error.message)

    run_ids: list[str] = []
    attempt(lambda: _start(connection, run_ids))
    for run_id in run_ids:
        attempt(lambda run_id=run_id: _run(connection, file, run_id))  # type: ignore[misc]
    attempt(lambda: _orphans(connection))
    attempt(lambda: _blobs(connection))
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    return findings


def _start(connection: sqlite3.Connection, run_ids: list[str]) -> Sequence[str]:
    connection.execute("BEGIN")
    run_ids.extend(row[0] for row in connection.execute("SELECT run_id FROM runs NOT INDEXED ORDER BY ref"))
    found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    return [] if found == ["ok"] else [f"SQLite: {finding}" for finding in found]


def _run(connection: sqlite3.Connection, file: str, run_id: str) -> Sequence[str]:
    run = read_run(connection, file, run_id)
    read_graphs(connection, file, run)
    for _ in every_step(connection, file, run):
        pass
    read_events(connection, file, run_id, run.head)
    read_log(connection, file, run_id, run.head)
    read_answers(connection, file, run_id, run.head)
    trail(connection, file, run_id)
    return _anchors(connection, run)


def _anchors(connection: sqlite3.Connection, run: FullRun) -> Sequence[str]:
    """Compare the ends of the chains at the last change of status with the rows there."""
    place, (step, head, event, event_head) = run.head.ref << SHIFT, run.anchors
    findings = []
    for table, number, digest in (("steps", step, head), ("events", event, event_head)):
        query = f"SELECT digest FROM {table} WHERE id = ?"  # noqa: S608 - a name of ours
        row = connection.execute(query, (place + number,)).fetchone()
        if table == "steps" and number == run.head.fork:  # a fork that had no step of its own by then
            row = (run.head.root(number + 1),)
        if number and (row is None or row[0].hex() != digest):
            findings.append(f"run {run.record.run_id!r}: its {table} up to {number} are not those of its last status")
    return findings


def _orphans(connection: sqlite3.Connection) -> Sequence[str]:
    counts = {table: connection.execute(query).fetchone()[0] for table, query in _ORPHANS.items()}
    return [f"{count} rows of {table} belong to no run" for table, count in counts.items() if count]


def _blobs(connection: sqlite3.Connection) -> Sequence[str]:
    rows = connection.execute("SELECT digest, data FROM blobs")
    return [f"blob {digest} was changed" for digest, data in rows if sha256(data).hexdigest() != digest]
