"""Files of older versions: brought to today's in whole steps, with everything that was in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from nbgraph.errors import StoreError, StoreForeign, StoreReadOnly
from nbgraph.store import Origin, RunStatus, SqliteStore, migrations, schema
from nbgraph.store.migrations import Migration
from nbgraph.testing.records import answer_record, event_record, question, run_record, step_record
from tests.store.conftest import change

VERSION_1 = Path(__file__).with_name("version_1.sql")
"""What version 1 wrote, as text: one run of three steps, its graph changed before the last, paused."""


@pytest.fixture
def path(tmp_path):
    """Where a file of version 1 is."""
    path = tmp_path / "runs.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1.read_text(encoding="utf-8"))
    connection.executescript(f"PRAGMA application_id = {schema.APPLICATION_ID}; PRAGMA user_version = 1")
    connection.close()
    return path


def version(path):
    """Return the version that the file says."""
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def test_version_1_is_migrated(path):
    """A file of version 1 opens, is of today's version then, and everything in it reads as it was written."""
    with SqliteStore(path) as store:
        row = store.run("r")
        assert (run_record(), RunStatus("paused"), 3, "") == (row.record, row.status, row.steps, row.holder)
        steps = [step_record(1), step_record(2, snapshot='{"count":2}'), step_record(3)]
        assert (steps, steps[1:]) == (list(store.steps("r")), store.lineage("r", 3))
        assert [event_record(n, n) for n in (1, 2, 3)] == store.events("r")
        assert [(1, "f0", '{"nodes":["n"]}'), (3, "f1", '{"nodes":["m"]}')] == store.descriptions("r")
        assert store.blob("d35c416a85b807e9b5384915d6ebb4a9f7352713efd89857b45a242f473728a9") == b"large"
        applied = store.sql("SELECT version, name FROM migrations ORDER BY version").rows
        assert ([1, *(m.version for m in migrations.MIGRATIONS)], []) == ([row[0] for row in applied], store.verify())
    assert version(path) == schema.VERSION
    with SqliteStore(path, read_only=True) as store:
        assert store.run("r").steps == 3


def test_version_1_goes_on(path):
    """A run of version 1 goes on, with calls, answers and forks."""
    with SqliteStore(path) as store:
        lease = store.acquire("r")
        store.commit(lease, [step_record(4)], [event_record(4, 4)])
        store.record(lease, [question()])
        store.answer("r", answer_record(1))
        fork = store.fork(run_record("f", input=""), Origin("r", 3))
        store.commit(fork, [step_record(4, "f")])
        assert [1, 2, 3, 4] == [record.step for record in store.steps("f")]
        assert store.sql("SELECT run_id, steps FROM v_runs").rows == [("r", 4), ("f", 4)]
        assert store.verify() == []


def test_older_file_is_not_read_only(path):
    """Opened for reading an older file is refused, with every byte kept."""
    before = path.read_bytes()
    with pytest.raises(StoreReadOnly, match="migrated"):
        SqliteStore(path, read_only=True)
    assert before == path.read_bytes()


def test_failed_migration_changes_nothing(path, monkeypatch):
    """A migration that fails leaves the version, and everything, as it was."""
    broken = Migration(schema.VERSION, "broken", ("CREATE TABLE more (a)", "SELECT no_such_thing"))
    monkeypatch.setattr("nbgraph.store.migrations.MIGRATIONS", [*migrations.MIGRATIONS[:-1], broken])
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert not isinstance(caught.value, StoreForeign)
    assert version(path) == schema.VERSION - 1
    assert [] == sqlite3.connect(path).execute("SELECT 1 FROM sqlite_master WHERE name = 'more'").fetchall()


def test_file_that_is_not_quite_version_1(path):
    """What has a trigger is refused untouched; a migrated file whose schema is not today's is refused as damaged."""
    change(path, "CREATE TRIGGER t AFTER INSERT ON steps BEGIN DELETE FROM steps; END")
    before = path.read_bytes()
    with pytest.raises(StoreForeign):
        SqliteStore(path)
    assert before == path.read_bytes()
    change(path, "DROP TRIGGER t", "ALTER TABLE blobs ADD COLUMN more")
    with pytest.raises(StoreError, match="blobs"):
        SqliteStore(path)
