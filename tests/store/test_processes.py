"""Several processes and threads, deaths at any moment: one driver, whole commits."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import threading
import time

import pytest

from nbgraph.errors import RunBusyError, StoreBusy, StoreError
from nbgraph.store import SqliteStore, holders, opening
from nbgraph.testing.records import run_record, step_record

READY = "print('ready', flush=True); sys.stdin.readline()\n"


@pytest.fixture
def path(tmp_path):
    """Where the store is."""
    return tmp_path / "runs.sqlite"


def let_go(processes):
    """Let processes that said they are ready go on at once."""
    for process in processes:
        if process.stdout.readline() != "ready\n":
            pytest.fail(f"a process did not get ready:\n{process.communicate(timeout=40)[1]}")
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def start_together(processes):
    """Let processes go on at once; return what they print then. What one says of its failure is shown whole."""
    let_go(processes)
    outputs, failures = [], []
    for process in processes:
        out, errors = process.communicate(timeout=40)
        outputs.append(out)
        if process.returncode or errors:
            failures.append(f"a process ended with {process.returncode}:\n{errors}")
    if failures:
        pytest.fail("\n".join(failures))
    return outputs


def test_eight_open_a_missing_file(path, python):
    """Eight processes that make one store at once all get it, 5 times over."""
    code = (
        READY + "for n in range(5):\n with SqliteStore(f'{sys.argv[1]}{n}') as s: s.create(run_record(sys.argv[2]))\n"
    )
    outputs = start_together([python(code + "print('ok')", path, n) for n in range(8)])
    assert outputs == ["ok\n"] * 8
    for n in range(5):
        with SqliteStore(f"{path}{n}") as store:
            assert (len(store.runs()), store.verify()) == (8, [])
    assert {f"runs.sqlite{n}" for n in range(5)} == {file.name for file in path.parent.iterdir()}


def test_opening_waits_for_its_turn(path):
    """Whoever opens a new file while another writes to it waits as long as the timeout says, and gets it later."""
    opening.create(str(path), 0.0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with pytest.raises(StoreBusy):
            SqliteStore(path, busy_timeout=0.3)
        assert time.monotonic() - started > 0.25
    with SqliteStore(path) as store:
        assert store.verify() == []


def test_two_race_for_a_run(path, python):
    """Of two processes that take a run at once exactly one gets it, 50 times."""
    with SqliteStore(path, durability="normal") as store:
        for n in range(50):
            store.release(store.create(run_record(str(n))))
    code = (
        "from nbgraph.errors import RunBusyError\ns = SqliteStore(sys.argv[1], durability='normal')\n"
        + READY
        + """
got = []
for n in range(50):
    try: s.acquire(str(n)); got.append(n)
    except RunBusyError: pass
print(*got, flush=True); sys.stdin.readline()
"""
    )
    processes = [python(code, path) for _ in range(2)]
    let_go(processes)
    won = [process.stdout.readline().split() for process in processes]
    assert [str(n) for n in range(50)] == sorted(won[0] + won[1], key=int)


def test_kill_at_any_moment(path, python):
    """A process killed while committing leaves every acknowledged step, whole, and a run that goes on; 15 kills."""
    chance, acknowledged = random.Random(3), 0
    SqliteStore(path).close()
    code = """
s = SqliteStore(sys.argv[1], durability="normal")
lease = s.acquire("r") if s.runs() else s.create(run_record())
n = s.run("r").steps
while True:
    n += 1
    s.commit(lease, [step_record(n)])
    print(n, flush=True)
"""
    for _ in range(15):
        process = python(code, path)
        for _ in range(chance.randrange(1, 60)):
            line = process.stdout.readline()
        process.kill()
        rest = process.stdout.read().split("\n")[:-1]
        acknowledged = int((rest or [line])[-1])
        process.wait()
        with SqliteStore(path) as store:
            assert store.run("r").steps in (acknowledged, acknowledged + 1)
            assert list(store.verify()) == []


def test_paused_driver_is_fenced_off(path, python, clock):
    """A driver stopped past its lease is taken over; when it wakes, its commit is refused."""
    code = """
from nbgraph.errors import RunBusyError
s = SqliteStore(sys.argv[1]); lease = s.create(run_record()); s.commit(lease, [step_record(1)])
print("ready", flush=True); sys.stdin.readline()
try: s.commit(lease, [step_record(2)])
except RunBusyError as e: print("refused", e.holder)
"""
    process = python(code, path)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGSTOP)
    with SqliteStore(path) as store, pytest.raises(RunBusyError, match=f"process {process.pid} "):
        store.acquire("r")
    later = SqliteStore(path).run("r").updated + holders.SECONDS + 1
    clock.time = later
    with SqliteStore(path, clock=clock) as store:
        lease = store.acquire("r")
        process.send_signal(signal.SIGCONT)
        assert f"refused {lease.holder}\n" == process.communicate("\n", timeout=20)[0]
        store.commit(lease, [step_record(2)])
        assert store.run("r").steps == 2


def test_dead_driver_is_succeeded_at_once(path, python):
    """A run whose driver died on this machine is taken over without waiting, and nobody is shown as its driver."""
    process = python("s = SqliteStore(sys.argv[1]); s.create(run_record()); os.kill(os.getpid(), 9)", path)
    process.communicate(timeout=20)
    with SqliteStore(path) as store:
        assert store.run("r").holder == ""
        store.commit(store.acquire("r"), [step_record(1)])


@pytest.mark.parametrize(
    ("holder", "lives"),
    [
        (holders.new_holder(), True),
        ("somebody of another kind", True),
        (holders.new_holder().replace("started ", "started 1"), False),
        (holders.new_holder().replace(f"process {os.getpid()}", "process 999999999"), False),
        (holders.new_holder().replace("machine ", "machine x"), True),
        ("", False),
    ],
    ids=["me", "unknown form", "number given again", "dead", "elsewhere", "nobody"],
)
def test_who_lives(holder, lives):
    """Dead is who cannot be alive on this machine, or is out of time."""
    assert lives == holders.lives(holder, 10.0, 9.0)
    assert not holders.lives(holder, 10.0, 10.0)


def test_signs_of_life(path, clock):
    """The thread starts only with a lease that is no longer young or on request, renews it, and ends with it."""
    with SqliteStore(path, clock=clock) as store, SqliteStore(path, clock=clock) as other:
        lease = store.create(run_record())
        store.commit(lease, [step_record(1)])
        assert store._heart.thread is None
        clock.time += 10
        assert store._writer.beat()
        clock.time += 10
        with pytest.raises(RunBusyError):
            other.acquire("r")
        store.commit(lease, [step_record(2)])
        assert store._heart.thread is not None
        clock.time += 10
        with pytest.raises(RunBusyError):
            other.acquire("r")
        store.release(lease)
        assert not store._writer.beat()
        other.keep_alive(other.acquire("r"))
        assert other._heart.thread is not None
        assert other._heart.thread.daemon


def test_fork_is_refused(path):
    """A store that came by a fork refuses to read or write; the parent's goes on."""
    with SqliteStore(path) as store:
        lease = store.create(run_record())
        child = os.fork()
        if child == 0:
            refused = 0
            for act in (lambda: store.commit(lease, [step_record(1)]), store.runs, lambda: store.release(lease)):
                with contextlib.suppress(StoreError):
                    act()
                    os._exit(1)
                refused += 1
            store.close()
            os._exit(0 if refused == 3 else 1)
        assert os.waitpid(child, 0)[1] == 0
        store.commit(lease, [step_record(1)])
        assert store.verify() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an interrupt inside a finalizer
def test_interrupt_at_any_moment(path):
    """KeyboardInterrupt at 200 random moments of committing leaves no open transaction; the next call works."""
    chance, previous = random.Random(5), signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    with SqliteStore(path, durability="normal") as store:
        lease = store.create(run_record())
        try:
            for _ in range(200):
                with contextlib.suppress(KeyboardInterrupt):
                    number = store.run("r").steps
                    signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.002))
                    # Bounded: an interrupt inside a finalizer is swallowed by Python itself.
                    for later in range(number + 1, number + 300):
                        store.commit(lease, [step_record(later)])
                    signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        store.commit(lease, [step_record(store.run("r").steps + 1)])
        assert list(store.verify()) == []


def test_threads_share_a_store(path):
    """Eight threads that drive a run each through one store object lose nothing."""
    with SqliteStore(path, durability="normal") as store:

        def drive(run_id):
            lease = store.create(run_record(run_id))
            for n in range(1, 41):
                store.commit(lease, [step_record(n, run_id)])
                assert n == store.run(run_id).steps

        threads = [threading.Thread(target=drive, args=(str(n),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert ([row.steps for row in store.runs()], store.verify()) == ([40] * 8, [])


READ_WHILE_IT_IS_CLOSED = """
import threading
with SqliteStore(sys.argv[1]) as store:
    store.commit(store.create(run_record()), [step_record(step) for step in range(1, 400)])

def read(store, seen, ends):
    try:
        while True:
            for _ in store.steps("r"):
                seen.release()
    except Exception as error:
        ends.append("closed" if "is closed" in str(error) else repr(error))

for _ in range(30):
    store, seen, ends = SqliteStore(sys.argv[1]), threading.Semaphore(0), []
    readers = [threading.Thread(target=read, args=(store, seen, ends)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(2000):
        seen.acquire()
    store.close()
    for reader in readers:
        reader.join()
    print(*ends)
"""


def test_a_store_is_closed_while_threads_read(path, python):
    """Their queries end first, then each reader hears that the store is closed; the process lives."""
    process = python(READ_WHILE_IT_IS_CLOSED, path)
    said, errors = process.communicate(timeout=60)
    assert (0, "", 30 * "closed closed closed closed\n") == (process.returncode, errors, said)
