"""The way into a file: settings, then checks that write nothing, then migrations, then use.

Owns connections' settings and the open sequence. After it, a file is ours, of today's version, with our
schema to the letter: no trigger, view or table of somebody else's.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from nbgraph.errors import StoreForeign, StoreReadOnly
from nbgraph.store import filesystem, migrations, schema
from nbgraph.store.failures import damaged

_QUICK_CHECK_LIMIT = 1 << 20
"""Bytes up to which every page is checked on opening (about 1 ms); digests guard what is read anyway."""

_TURNS = 4
"""How often the journal's mode is tried again; each time after the lock was free."""


class Connection(sqlite3.Connection):
    """A connection that can be referred to weakly, and that ``turn`` is for who uses it or closes it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.turn = threading.RLock()


def connect(path: str, *, writable: bool, busy_timeout: float, immutable: bool = False) -> Connection:
    """Open ``path``, which exists, with every setting that a foreign file must not be able to choose."""
    mode = "?mode=rw" if writable else "?mode=ro"
    uri = Path(path).as_uri() + mode + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(
        uri, uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False, factory=Connection
    )
    try:
        _settle(connection, writable)
    except BaseException:
        connection.close()
        raise
    return connection


def _settle(connection: sqlite3.Connection, writable: bool) -> None:
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    connection.execute("PRAGMA mmap_size=0")
    if not writable:
        connection.execute("PRAGMA query_only=ON")


def create(path: str, now: float) -> None:
    """Make an empty store at ``path``, unless somebody else does it first."""

    def fill(draft: str) -> None:
        connection = connect(draft, writable=True, busy_timeout=5.0)
        try:
            connection.execute("PRAGMA page_size=4096")
            _write_schema(connection, now)
        finally:
            connection.close()

    filesystem.give_birth(path, fill)


def _write_schema(connection: sqlite3.Connection, now: float) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in schema.SCHEMA.values():
        connection.execute(statement)
    connection.execute("INSERT INTO migrations VALUES (?, 'created', ?)", (schema.VERSION, now))
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID:d}")
    connection.execute(f"PRAGMA user_version = {schema.VERSION:d}")
    connection.execute("COMMIT")


def open_reader(path: str, busy_timeout: float) -> Connection:
    """Open ``path`` for reading; also from a medium or a folder where SQLite cannot put its helpers."""
    try:
        connection = connect(path, writable=False, busy_timeout=busy_timeout)
        connection.execute("PRAGMA schema_version").fetchone()
        return connection
    except sqlite3.OperationalError:
        wal = path + "-wal"
        if os.access(os.path.dirname(path), os.W_OK) or (os.path.exists(wal) and os.path.getsize(wal)):
            raise
    return connect(path, writable=False, busy_timeout=busy_timeout, immutable=True)


def open_writer(path: str, durability: str, busy_timeout: float) -> Connection:
    """Open ``path``, which has been inspected, for writing: a write-ahead log, or a journal on a network."""
    network = filesystem.network_type(path)
    if network:
        warnings.warn(
            f"{path!r} is on a network file system ({network}): locks may not hold there and every commit is "
            "slower; keep runs on a local disk and copy the file when they are done",
            stacklevel=4,
        )
    connection = connect(path, writable=True, busy_timeout=busy_timeout)
    try:
        _set_journal(connection, "DELETE" if network else "WAL")
        connection.execute(f"PRAGMA synchronous={'NORMAL' if durability == 'normal' and not network else 'FULL'}")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_journal(connection: sqlite3.Connection, mode: str) -> None:
    """Choose the journal, also while others open the same new file and do it, too.

    SQLite does not wait here, whatever the timeout: when another process holds the lock it fails at once. For a
    transaction it waits, so an empty one takes its turn; by then the other has mostly done what was to do.
    """
    for _ in range(_TURNS):
        try:
            connection.execute(f"PRAGMA journal_mode={mode}")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    connection.execute(f"PRAGMA journal_mode={mode}")


def inspect(connection: sqlite3.Connection, path: str) -> int:
    """Check what a reader can check without writing; return the version, which may be an older one."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        raise _foreign(path, "it was not written by nbgraph", "choose another path")
    _check_pages(connection, path)
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > schema.VERSION:
        raise _foreign(path, f"its version {version} is newer than {schema.VERSION}", "upgrade nbgraph")
    if version < schema.VERSION and migrations.missing(version) is None:
        raise _foreign(path, f"there is no way from its version {version} to {schema.VERSION}", "use its nbgraph")
    check_schema(connection, path, older=version < schema.VERSION)
    return version


def _check_pages(connection: sqlite3.Connection, path: str) -> None:
    pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    if pages * size <= _QUICK_CHECK_LIMIT:
        (finding,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if finding != "ok":
            raise damaged(path, finding)


def check_schema(connection: sqlite3.Connection, path: str, *, older: bool = False) -> None:
    """Compare the file's schema with ours, to the letter; of an older file only that nothing in it can act."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    found = {name: sql for _, name, sql in rows if not str(name).startswith(("sqlite_stat", "sqlite_autoindex_"))}
    if older:
        strange = sorted(str(name) for kind, name, _ in rows if kind == "trigger")
    else:
        strange = sorted(map(str, found.keys() - schema.SCHEMA.keys()))
    if strange:
        finding = f"it has what nbgraph did not put there: {', '.join(strange)}"
        raise _foreign(path, finding, "drop it (keep a copy), or choose another path")
    changed = [] if older else [name for name, sql in schema.SCHEMA.items() if found.get(name) != sql]
    if changed:
        raise damaged(path, f"its schema was changed at {', '.join(changed)}")


def upgrade(connection: sqlite3.Connection, path: str, now: float) -> None:
    """Migrate an inspected older file; the result has today's schema or is refused."""
    migrations.migrate(connection, now)
    check_schema(connection, path)


def refuse_upgrade(path: str, version: int) -> StoreReadOnly:
    """Return the error for an older file that may not be written."""
    message = f"the store {path!r} has version {version} and must be migrated to {schema.VERSION} before it is read"
    return StoreReadOnly(message, still="it was not touched", todo="open it once for writing", file=path)


def _foreign(path: str, finding: str, todo: str) -> StoreForeign:
    return StoreForeign(
        f"{path!r} is not a store of this nbgraph: {finding}", still="it was not touched", todo=todo, file=path
    )
