"""Both stores keep the contract."""

from __future__ import annotations

import pytest

from nbgraph.store import MemoryStore, SqliteStore, open_store
from nbgraph.testing.stores import StoreContract


class TestMemoryStore(StoreContract):
    """In memory."""

    @pytest.fixture
    def store(self):
        with MemoryStore() as store:
            yield store


class TestSqliteStore(StoreContract):
    """In a file."""

    @pytest.fixture
    def store(self, tmp_path):
        with SqliteStore(tmp_path / "runs.sqlite", durability="normal") as store:
            yield store


class TestSqliteStoreWithoutLog(TestSqliteStore):
    """In a file on what looks like a network: with a rollback journal."""

    @pytest.fixture
    def store(self, tmp_path, monkeypatch):
        monkeypatch.setattr("nbgraph.store.filesystem.network_type", lambda path: "nfs4")
        with pytest.warns(UserWarning, match="nfs4"):
            store = SqliteStore(tmp_path / "runs.sqlite", durability="normal")
        with store:
            assert store._writer._connection.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
            yield store


def test_open_store(tmp_path):
    """A path is a file, ":memory:" is memory, a store is itself."""
    assert isinstance(open_store(":memory:"), MemoryStore)
    with open_store(tmp_path / "a.sqlite", durability="normal") as store:
        assert isinstance(store, SqliteStore)
        assert store is open_store(store)
