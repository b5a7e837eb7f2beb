"""Looking for a run while another process makes it."""

from __future__ import annotations

import sqlite3

from nbgraph.store import SqliteStore, rows
from tests.store.conftest import run_record


class Late:
    """A connection that sees the run only from its second statement on."""

    def __init__(self, path, begin):
        self._path, self._begin, self._asked = path, begin, 0

    def execute(self, *statement):
        self._asked += 1
        if self._asked == 2:
            self._begin()
        return sqlite3.connect(self._path).execute(*statement)


def test_a_run_that_appears_meanwhile_is_no_damage(tmp_path):
    """A run that another process makes between two looks at the file is found, not taken for a broken index."""
    path = tmp_path / "runs.sqlite"
    with SqliteStore(path) as store:
        late = Late(path, lambda: store.create(run_record()))
        assert 1 == rows.find(late, str(path), "r").ref
