"""What is no store is refused, untouched; what was one and is damaged is never believed."""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import stat
import tempfile

import pytest

from nbgraph.errors import StoreBusy, StoreCorrupt, StoreError, StoreForeign, StoreFull, StoreReadOnly
from nbgraph.store import RunStatus, SqliteStore, filesystem
from nbgraph.testing.records import event_record, run_record, step_record
from tests.store.conftest import change


@pytest.fixture
def path(tmp_path):
    """Where a store may be."""
    return tmp_path / "runs.sqlite"


def fill(path, steps=30):
    """Make a store with one run and close it."""
    with SqliteStore(path, durability="normal") as store:
        lease = store.create(run_record())
        for n in range(1, steps + 1):
            store.commit(lease, [step_record(n)], [event_record(n, n)])
        store.commit(lease, [], [], RunStatus("completed", "", '{"base":1}'))


def make_foreign(path):
    """Write another application's database."""
    change(path, "CREATE TABLE runs (a)", "PRAGMA user_version=1")


def make_newer(path):
    """Write a store of the future."""
    fill(path)
    change(path, "PRAGMA user_version=99")


def make_older(path):
    """Write a store of before the first version."""
    fill(path)
    change(path, "PRAGMA user_version=0")


def make_trap(path):
    """Plant a trigger."""
    fill(path)
    change(path, "CREATE TRIGGER t AFTER INSERT ON steps BEGIN DELETE FROM steps; END")


def make_view(path):
    """Add a view."""
    fill(path)
    change(path, "CREATE VIEW mine AS SELECT 1")


MAKERS = [
    lambda path: path.write_bytes(b""), lambda path: path.write_text("hello " * 500), make_foreign, make_newer,
    make_older, make_trap, make_view, lambda path: path.write_bytes(random.Random(1).randbytes(8192)),
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("read_only", [False, True])
def test_foreign_files_are_left_alone(path, make, read_only):
    """A file that is not ours is refused with its path and a next step, and keeps every byte."""
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreForeign) as caught:
        SqliteStore(path, read_only=read_only)
    assert str(path) in str(caught.value)
    assert caught.value.todo
    assert before == path.read_bytes()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_things_that_are_no_files(path, make):
    """A folder, a pipe and a link to nothing are refused at once."""
    make(path)
    with pytest.raises(StoreForeign, match=str(path.parent)):
        SqliteStore(path)


def test_missing_places(tmp_path):
    """A folder that does not exist, or a missing file opened for reading, is named."""
    with pytest.raises(StoreReadOnly, match="created"):
        SqliteStore(tmp_path / "no" / "runs.sqlite")
    with pytest.raises(StoreReadOnly, match="no store"):
        SqliteStore(tmp_path / "runs.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_changed_schema_is_damage(path):
    """A table of ours that differs by a column is reported as damaged."""
    fill(path)
    change(path, "ALTER TABLE blobs ADD COLUMN more")
    with pytest.raises(StoreCorrupt, match="blobs"):
        SqliteStore(path)


def test_files_are_private(path):
    """The file and its helpers can be read by their owner only; settings are the safe ones."""
    with SqliteStore(path) as store:
        store.create(run_record())
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert {0o600} == modes
        settings = ("synchronous", "journal_mode", "mmap_size", "trusted_schema", "cell_size_check", "page_size")
        found = [store._writer._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in settings]
        assert found == [2, "wal", 0, 0, 1, 4096]
    assert [path] == list(path.parent.iterdir())


def everything(path):
    """Read all that a store has."""
    with SqliteStore(path, read_only=True) as store:
        row = store.run("r")
        return row, list(store.steps("r")), store.events("r"), store.descriptions("r"), store.lineage("r", 30)


def test_flipped_bytes_are_never_believed(path):
    """After any flipped byte the data reads the same or is reported; 400 flips."""
    fill(path)
    good, expected, chance = path.read_bytes(), everything(path), random.Random(7)
    reported = 0
    for _ in range(400):
        data = bytearray(good)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        try:
            assert expected == everything(path)
        except (StoreCorrupt, StoreForeign):
            reported += 1
    assert reported > 20


def test_truncated_files_are_reported(path):
    """A file cut anywhere is reported as damaged or as no store."""
    fill(path)
    good = path.read_bytes()
    for size in range(100, len(good), 3001):
        path.write_bytes(good[:size])
        with pytest.raises((StoreCorrupt, StoreForeign)):
            everything(path)


CHANGES = [
    "UPDATE steps SET updates = '{}' WHERE id & 4294967295 = 7", "DELETE FROM steps WHERE id & 4294967295 = 7",
    "UPDATE runs SET input = '{}'", "UPDATE statuses SET status = 'failed'", "DELETE FROM statuses",
    "UPDATE leases SET fence = 9", "UPDATE events SET data = '[]' WHERE id & 4294967295 = 7",
    "DELETE FROM steps WHERE id & 4294967295 > 20", "INSERT INTO blobs VALUES (1, 'aa', x'00')",
    (
        "INSERT INTO steps SELECT 1, digest, committed, 'k', task, node, status, attempts, base, parents, mark, "
        "arrivals, updates, results, merged, facts, snapshot FROM steps LIMIT 1"
    ),
]  # fmt: skip


def test_missing_batch_is_noticed(path):
    """Steps that are gone from the middle are reported however many they are, not taken for the end."""
    fill(path, 600)
    change(path, "DELETE FROM steps WHERE id & 4294967295 BETWEEN 257 AND 512")
    with SqliteStore(path) as store:
        with pytest.raises(StoreCorrupt):
            list(store.steps("r"))
        assert list(store.verify()) != []


@pytest.mark.parametrize("statement", CHANGES)
def test_verify_finds_changes_by_hand(path, statement):
    """verify() names what was changed by other means."""
    fill(path)
    change(path, statement)
    with SqliteStore(path) as store:
        assert list(store.verify()) != []


def test_damage_names_run_and_step(path):
    """The error of a changed row says which step of which run, and what to do."""
    fill(path)
    change(path, CHANGES[0])
    with SqliteStore(path) as store, pytest.raises(StoreCorrupt) as caught:
        list(store.steps("r"))
    assert (caught.value.run_id, caught.value.step, "verify" in caught.value.todo) == ("r", 7, True)


@pytest.mark.parametrize("suffix", ["", "-wal"])
@pytest.mark.parametrize("replace", [False, True])
def test_vanished_file_is_noticed(path, clock, suffix, replace):
    """A commit after the file or its log was deleted or replaced raises, instead of writing into nowhere."""
    store = SqliteStore(path, clock=clock)
    lease = store.create(run_record())
    file = path.with_name(path.name + suffix)
    data = file.read_bytes()
    file.rename(path.with_name("elsewhere"))
    if replace:
        file.write_bytes(data)
    clock.time += 1
    with pytest.raises(StoreError, match="deleted or replaced"):
        store.commit(lease, [step_record(1)])


def test_full_disk(path, python):
    """No room is StoreFull, nothing of the commit is kept, and with room again the run goes on."""
    code = """
import resource
store = SqliteStore(sys.argv[1], durability="normal")
lease = store.create(run_record())
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
from nbgraph.errors import StoreFull
for n in range(1, 1000):
    try:
        store.commit(lease, [step_record(n, facts="x" * 3000)])
    except StoreFull as error:
        assert n > 5 and store.run("r").steps == n - 1 and "room" in str(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
        store.commit(lease, [step_record(n)])
        print("went on", store.verify())
        break
"""
    out, err = python(code, path).communicate(timeout=30)
    assert (out, err) == ("went on []\n", "")
    assert resource.RLIM_INFINITY  # the limit was the other process's
    assert issubclass(StoreFull, StoreError)


def test_locked_file(path):
    """A lock that stays is StoreBusy after the busy timeout, naming who drives runs there."""
    with SqliteStore(path, busy_timeout=0.05) as store:
        lease = store.create(run_record())
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for act in (lambda: store.commit(lease, [step_record(1)]), lambda: store.create(run_record("b"))):
            with pytest.raises(StoreBusy) as caught:
                act()
            assert lease.holder == caught.value.holder
        other.execute("ROLLBACK")
        store.commit(lease, [step_record(1)])
        other.close()


def test_read_only_store(path):
    """A store opened for reading reads, and refuses to write."""
    fill(path)
    with SqliteStore(path, read_only=True) as store:
        assert len(list(store.steps("r"))) == 30
        with pytest.raises(StoreReadOnly):
            store.create(run_record("b"))


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed to be without rights")
def test_file_without_rights(path, python):
    """Where nothing can be written, viewing works and running fails before it starts."""
    fill(path)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    for folder in path.parent.parents:
        if str(folder).startswith(tempfile.gettempdir() + os.sep):
            folder.chmod(0o755)  # another user may pass through, however deep the runner's own folders are
    code = """
from nbgraph.errors import StoreReadOnly
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with SqliteStore(sys.argv[1], read_only=True) as store: print(store.run("r").steps)
try: SqliteStore(sys.argv[1])
except StoreReadOnly: print("refused")
"""
    out, err = python(code, path).communicate(timeout=30)
    assert (out, err) == ("30\nrefused\n", "")


def test_mount_table():
    """The longest mount point decides; a network is told from a disk."""
    mounts = ["/dev/a / ext4 rw 0 0", "srv:/x /home nfs4 rw 0 0", "s /home/ann/my\\040ssh fuse.sshfs rw 0 0", "short"]
    paths = ("/etc/x", "/home/bob/x", "/homes/x", "/home/ann/my ssh/x")
    assert [filesystem.mounted_as(path, mounts) for path in paths] == ["ext4", "nfs4", "ext4", "fuse.sshfs"]


def test_views(path):
    """The documented views answer in columns, through sql() and a bare connection; sql() cannot write."""
    fill(path)
    with SqliteStore(path) as store:
        table = store.sql("SELECT step, node, seconds FROM v_tasks WHERE run_id = ? LIMIT 1", ("r",))
        assert table == (["step", "node", "seconds"], [(1, "n", 0.5)])
        for view in ("v_runs", "v_steps", "v_events"):
            assert (
                store.sql(f"SELECT * FROM {view}").rows
                == sqlite3.connect(path).execute(f"SELECT * FROM {view}").fetchall()
            )
        with pytest.raises(StoreError):
            store.sql("DELETE FROM steps")
