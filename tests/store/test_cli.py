"""The command line looks at stores and says what it finds."""

from __future__ import annotations

import sqlite3

from nbgraph.__main__ import main
from nbgraph.store import SqliteStore
from tests.store.conftest import run_record, step_record


def test_verify_and_runs(tmp_path, capsys):
    """A sound file gives 0 and its numbers, a changed one 1 and the finding, no store 1 and the reason."""
    path = tmp_path / "runs.sqlite"
    with SqliteStore(path) as store:
        store.commit(store.create(run_record()), [step_record(1)])
    assert main(["verify", str(path)]) == 0
    assert "all is well (1 runs, 1 steps)" in capsys.readouterr().out
    assert main(["runs", str(path)]) == 0
    assert "r  running  1 steps  1970-01-01 00:16:40 UTC  graph" in capsys.readouterr().out
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE steps SET node = 'other'")
    connection.close()
    assert main(["verify", str(path)]) == 1
    assert "step 1" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "no")]) == 1
    assert "no store" in capsys.readouterr().err
