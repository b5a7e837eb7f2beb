"""Calls, answers and forks in a file: what was changed by other means is noticed, processes race, views show them."""

from __future__ import annotations

import contextlib
import random
import sqlite3

import pytest

from nbgraph.errors import RunNotFound, StoreBusy, StoreCorrupt, StoreForeign
from nbgraph.store import Origin, SqliteStore
from nbgraph.testing.records import answer_record, call_record, event_record, question, run_record, step_record
from nbgraph.testing.stores.filling import all_of
from tests.store.conftest import change


@pytest.fixture
def path(tmp_path):
    """Where a store is: a run with calls and answers, a fork of it, a fork of that."""
    path = tmp_path / "runs.sqlite"
    with SqliteStore(path, durability="normal") as store:
        lease = store.create(run_record())
        for n in range(1, 11):
            store.record(lease, [question(step=n, name=str(n)), call_record(step=n + 1)])
            store.commit(lease, [step_record(n)], [event_record(n, n)])
        for n in (1, 5, 7):
            store.answer("r", answer_record(n))
        fork = store.fork(run_record("f", input=""), Origin("r", 6))
        store.record(fork, [question(), call_record(step=7), call_record(step=9)])
        store.commit(fork, [step_record(n, "f") for n in (7, 8)])
        store.answer("f", answer_record(1))
        store.fork(run_record("g", input=""), Origin("f", 7))
    return path


def everything(path):
    """Read all that a store has."""
    with SqliteStore(path, read_only=True) as store:
        return [(all_of(store, run), list(store.calls(run, unsettled=True))) for run in "rfg"]


CHANGES = [
    "UPDATE calls SET data = '{}' WHERE id & 4294967295 = 3", "DELETE FROM calls WHERE id & 4294967295 = 3",
    "UPDATE calls SET task = 'a' WHERE id & 4294967295 = 20", "UPDATE calls SET attempt = -1 WHERE id & 4294967295 = 4",
    "UPDATE calls SET digest = zeroblob(32) WHERE id & 4294967295 = 20", "DELETE FROM calls WHERE id & 4294967295 < 4",
    "UPDATE calls SET time = 1 WHERE id & 4294967295 = 20",
    "INSERT INTO calls SELECT id + 100, digest, time, task, node, attempt, name, phase, request, data FROM calls LIMIT 1",
    "INSERT INTO calls SELECT 1, digest, time, task, node, attempt, name, phase, request, data FROM calls LIMIT 1",
    "UPDATE answers SET value = '\"no\"' WHERE id & 4294967295 = 5", "DELETE FROM answers WHERE id & 4294967295 = 5",
    "DELETE FROM answers WHERE id & 4294967295 = 7", "DELETE FROM answers WHERE id & 4294967295 = 0",
    "DELETE FROM answers WHERE id & 4294967295 > 0", "UPDATE answers SET person = 'Eve'", "UPDATE answers SET id = id + 4 WHERE id & 4294967295 = 7",
    "INSERT INTO answers SELECT 9, digest, time, value, person FROM answers LIMIT 1",
    "DELETE FROM forks", "DELETE FROM forks WHERE run = 3", "UPDATE forks SET step = 5 WHERE run = 2",
    "UPDATE forks SET parent = 1 WHERE run = 3", "UPDATE forks SET head = '' WHERE run = 2",
    "UPDATE forks SET digest = zeroblob(32)", "UPDATE forks SET parent = run", "INSERT INTO forks VALUES (9, x'', 1, 1, '')",
    "INSERT INTO forks SELECT 1, digest, parent, step, head FROM forks LIMIT 1",
    "DELETE FROM runs WHERE ref = 1", "DELETE FROM runs WHERE ref = 2", "DELETE FROM steps WHERE id >> 32 = 1",
    "DELETE FROM steps WHERE id = (1 << 32) + 6", "DELETE FROM steps WHERE id >> 32 = 2",
    "UPDATE steps SET id = id + 1 WHERE id = (2 << 32) + 8",
]  # fmt: skip


@pytest.mark.parametrize("statement", CHANGES)
def test_verify_finds_changes_by_hand(path, statement):
    """verify() names what was changed by other means."""
    change(path, statement)
    with SqliteStore(path) as store:
        assert list(store.verify()) != []


# An orphan, or a row that nobody asked for, is verify's to find.
UNSEEN = ("INSERT INTO calls SELECT 1", "INSERT INTO answers SELECT 9", "INSERT INTO forks VALUES (9")


@pytest.mark.parametrize("statement", [statement for statement in CHANGES if not statement.startswith(UNSEEN)])
def test_reading_finds_changes_by_hand(path, statement):
    """Whoever reads a changed row is told, verify() or not."""
    change(path, statement)
    with pytest.raises((StoreCorrupt, RunNotFound)):
        everything(path)


@pytest.mark.parametrize("statement", [
    "DELETE FROM forks", "UPDATE forks SET step = 5 WHERE run = 2", "UPDATE forks SET digest = zeroblob(32)",
    "UPDATE forks SET head = '' WHERE run = 2", "UPDATE forks SET parent = run",
])  # fmt: skip
def test_lost_origin_is_noticed(path, statement):
    """Whoever asks for the run, or for its steps alone, is told that it is no longer known where it came from."""
    change(path, statement)
    with SqliteStore(path) as store:
        for ask in (store.run, lambda run_id: list(store.steps(run_id))):
            with pytest.raises(StoreCorrupt):
                ask("f")
        with pytest.raises(StoreCorrupt):
            store.runs()


def test_changed_origin_is_noticed_by_the_fork(path):
    """A fork of a step that was changed, gone or written anew does not go on; a step after it does not matter."""
    with SqliteStore(path) as store:
        before = all_of(store, "f")
    change(path, "DELETE FROM steps WHERE id >> 32 = 1 AND id & 4294967295 > 6")
    with SqliteStore(path) as store:
        assert list(store.steps("f")) == before[1]
    change(path, "UPDATE steps SET digest = zeroblob(32) WHERE id = (1 << 32) + 6")
    with SqliteStore(path) as store:
        for ask in (store.steps, store.last_mark, store.descriptions, lambda run_id: store.lineage(run_id, 8)):
            with pytest.raises(StoreCorrupt, match="'r', of which it is a fork"):
                ask("f")


def test_changed_line_is_named(path):
    """An unsettled line is checked with the one before it; the error says which one it is."""
    change(path, "DELETE FROM calls WHERE id = (2 << 32) + 2")
    with SqliteStore(path) as store, pytest.raises(StoreCorrupt, match=r"call 3.*changed") as caught:
        store.calls("f", unsettled=True)
    assert caught.value.run_id == "f"


def test_answer_does_not_cover_up(path):
    """After an answer was removed by other means the next one is refused: it would hide that."""
    change(path, "DELETE FROM answers WHERE id & 4294967295 = 5")
    with SqliteStore(path) as store, pytest.raises(StoreCorrupt, match="missing"):
        store.answer("r", answer_record(9))


def test_flipped_bytes_are_never_believed(path):
    """After any flipped byte the data reads the same or is reported; 300 flips."""
    good, expected, chance = path.read_bytes(), everything(path), random.Random(11)
    reported = 0
    for _ in range(300):
        data = bytearray(good)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        try:
            assert expected == everything(path)
        except (StoreCorrupt, StoreForeign):
            reported += 1
    assert reported > 20


def test_two_race_to_answer(path, python):
    """Of two processes that answer a question at once exactly one does, 40 times."""
    with SqliteStore(path, durability="normal") as store:
        first = store.record(store.acquire("r"), [question(name=f"q{n}") for n in range(40)])
    code = """
from nbgraph.errors import StoreError
s = SqliteStore(sys.argv[1], durability="normal")
print("ready", flush=True); sys.stdin.readline()
for n in range(int(sys.argv[2]), int(sys.argv[2]) + 40):
    try: s.answer("r", answer_record(n, by=sys.argv[3])); print(n)
    except StoreError as error: assert "already" in error.message
"""
    processes = {name: python(code, path, first, name) for name in ("Ann", "Bob")}
    for process in processes.values():
        assert process.stdout.readline() == "ready\n"
    for process in processes.values():
        process.stdin.write("\n")
        process.stdin.flush()
    won = {
        int(number): name
        for name, process in processes.items()
        for number in process.communicate(timeout=40)[0].split()
    }
    with SqliteStore(path) as store:
        assert {answer.seq: answer.by for answer in store.answers("r") if answer.seq >= first} == won
        assert ([*range(first, first + 40)], store.verify()) == (sorted(won), [])


def test_killed_while_recording(path, python):
    """A process killed while it records leaves every acknowledged line, whole, and a log that goes on; 10 kills."""
    chance, code = (
        random.Random(3),
        """
s = SqliteStore(sys.argv[1], durability="normal")
lease = s.acquire("r")
while True: print(s.record(lease, [call_record(), call_record()]), flush=True)
""",
    )
    for _ in range(10):
        process = python(code, path)
        for _ in range(chance.randrange(1, 60)):
            line = process.stdout.readline()
        process.kill()
        rest = process.stdout.read().split("\n")[:-1]
        last = int((rest or [line])[-1])
        process.wait()
        with SqliteStore(path) as store:
            assert (len(store.calls("r")) - last - 1) in (0, 2)
            assert list(store.verify()) == []


def test_fenced_off_recorder(path, clock):
    """A driver whose lease ran out and was taken over cannot record; the new one can."""
    with SqliteStore(path, clock=clock) as old, SqliteStore(path, clock=clock) as new:
        stale = old.acquire("r")
        old.record(stale, [call_record()])
        clock.time += 60
        lease = new.acquire("r")
        with pytest.raises(Exception, match="taken over"):
            old.record(stale, [call_record()])
        assert (new.record(lease, [call_record()]), new.verify()) == (22, [])


def test_recording_is_a_sign_of_life(path, clock):
    """Whoever records keeps the lease, however long no step is committed."""
    with SqliteStore(path, clock=clock) as store, SqliteStore(path, clock=clock) as other:
        lease = store.acquire("r")
        for _ in range(3):
            clock.time += 10
            store.record(lease, [call_record()])
        assert store._heart.thread is not None
        assert other.run("r").holder == lease.holder


def test_recording_into_a_locked_file(path):
    """A lock that stays is StoreBusy naming who drives; with the lock gone the next line is kept."""
    with SqliteStore(path, busy_timeout=0.05) as store:
        lease, other = store.acquire("r"), sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for act in (lambda: store.record(lease, [call_record()]), lambda: store.answer("r", answer_record(9))):
            with pytest.raises(StoreBusy) as caught:
                act()
            assert lease.holder == caught.value.holder
        with contextlib.closing(other):
            other.execute("ROLLBACK")
        assert (store.record(lease, [call_record()]), store.verify()) == (21, [])


def test_views(path):
    """The views show forks with their origin and all their steps, lines of the log, and questions with answers."""
    with SqliteStore(path) as store:
        assert store.sql("SELECT run_id, steps, input, origin, origin_step FROM v_runs").rows == [
            ("r", 10, '{"count":0}', None, None), ("f", 8, '{"count":0}', "r", 6), ("g", 7, '{"count":0}', "f", 7),
        ]  # fmt: skip
        assert store.sql("SELECT step FROM v_steps WHERE run_id = 'f'").rows == [(7,), (8,)]
        found = store.sql(
            "SELECT seq, time, task, node, attempt, name, phase, request, data FROM v_calls WHERE run_id='r'"
        )
        assert list(map(tuple, store.calls("r"))) == found.rows
        store.record(store.acquire("f"), [call_record(phase="answered", data='{"by":"timeout","value":[1]}')] * 1)
        asked = store.sql("SELECT run_id, seq, prompt, answer, answered, answered_by FROM v_questions").rows
        assert asked[:2] == [("r", 1, "Go on?", '"yes"', 4000.25, "Ann"), ("r", 3, "Go on?", None, None, None)]
        assert [("r", 5), ("r", 7), ("f", 1)] == [row[:2] for row in asked[2:] if row[3]]


def test_view_of_a_settled_question(path):
    """A question that nobody answered and the log has an answer to shows that one; a rebased log shows what is left."""
    with SqliteStore(path) as store:
        lease = store.acquire("g")
        store.record(lease, [question(), call_record(phase="answered", data='{"by":"timeout","value":[1]}')])
        query = "SELECT answer, answered, answered_by FROM v_questions WHERE run_id = 'g'"
        assert store.sql(query).rows == [("[1]", 3000.25, "timeout")]
        for run_id in ("g", "f"):
            store.release(lease)
            store.delete(run_id)
        store.rebase("r", 10, "{}")
        assert store.sql("SELECT seq, phase FROM v_calls").rows == [(18, "returned"), (19, "asked"), (20, "returned")]
