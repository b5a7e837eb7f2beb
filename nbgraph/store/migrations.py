"""Forward migrations: how a file of an older version becomes one of today's.

Owns the list and the loop. Each migration is one transaction that holds its statements, its record in
the ``migrations`` table and the new version number; killed anywhere, a file is of one version or the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbgraph.store import schema

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence


class Migration(NamedTuple):
    """What leads from version ``version - 1`` to ``version``."""

    version: int
    name: str
    statements: Sequence[str]


MIGRATIONS: list[Migration] = [
    Migration(
        2,
        "recorded calls, answers and forks",
        (
            *(schema.TABLES[name] for name in ("calls", "answers", "forks")),
            "DROP VIEW v_runs",
            *(schema.VIEWS[name] for name in ("v_runs", "v_calls", "v_questions")),
        ),
    ),
]
"""Oldest first. A version that changes one of these texts leaves a copy of the old one here: the way must not change."""


def missing(version: int) -> Sequence[Migration] | None:
    """Return what leads from ``version`` to today's, ``None`` if there is no way."""
    way = [migration for migration in MIGRATIONS if migration.version > version]
    expected = list(range(version + 1, schema.VERSION + 1))
    return way if [migration.version for migration in way] == expected else None


def migrate(connection: sqlite3.Connection, now: float) -> None:
    """Bring the file to ``schema.VERSION``, one transaction per version. The caller has checked that it can."""
    while _next(connection, now):
        pass


def _next(connection: sqlite3.Connection, now: float) -> bool:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read inside the transaction: another process may have migrated the file while we waited for it.
        way = missing(connection.execute("PRAGMA user_version").fetchone()[0])
        if way:
            _apply(connection, way[0], now)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return bool(way)


def _apply(connection: sqlite3.Connection, migration: Migration, now: float) -> None:
    for statement in migration.statements:
        connection.execute(statement)
    connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", (migration.version, migration.name, now))
    connection.execute(f"PRAGMA user_version = {migration.version:d}")
