"""The way into a file, for verbs that read it and for verbs that write.

Owns what the command line promises of files: none is made by looking, none is left behind.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nbgraph.store import SqliteStore
from nbgraph.store.opening import connect


@contextmanager
def reading(file: str) -> Iterator[SqliteStore]:
    """Open a store to read it; raises the ``StoreError`` that says why it cannot be read."""
    path = Path(file).resolve()
    alone = not _log(path).exists()
    try:
        with SqliteStore(file, read_only=True) as store:
            yield store
    finally:
        if alone:
            _tidy(path)


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _tidy(path: Path) -> None:
    """Take away the two empty files that SQLite makes beside a file that it reads.

    Only SQLite itself may: it does when the last connection that could write is closed, and only then.
    """
    if not _log(path).exists():
        return
    with suppress(sqlite3.Error):  # a folder that cannot be written
        connection = connect(str(path), writable=True, busy_timeout=0.0)
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        finally:
            connection.close()


@contextmanager
def writing(file: str) -> Iterator[SqliteStore]:
    """Open a store that exists to write into it; an older file is brought to today's format."""
    if not Path(file).exists():
        with reading(file):  # says what is wrong
            pass
    with SqliteStore(file) as store:
        yield store
