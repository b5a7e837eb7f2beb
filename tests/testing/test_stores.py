"""The contract for stores of other authors: used as documented it passes a good store and catches a bad one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from doctest import DocTestParser

import pytest

from nbgraph.errors import RunBusyError, StoreError
from nbgraph.store import Lease, MemoryStore
from nbgraph.testing.stores import StoreContract

EXAMPLE = "".join(example.source for example in DocTestParser().get_examples(StoreContract.__doc__))
"""The module of tests that the documentation shows."""


class LosesEvents(MemoryStore):
    def commit(self, lease, steps, events=(), status=None, blobs=None):
        super().commit(lease, steps, (), status, blobs)


class LetsAnybodyDrive(MemoryStore):
    def acquire(self, run_id):
        with contextlib.suppress(RunBusyError):
            return super().acquire(run_id)
        return Lease(run_id, 1, "somebody")


class NeverLetsGo(MemoryStore):
    def release(self, lease):
        pass


class TakesTwoAnswers(MemoryStore):
    def answer(self, run_id, answer):
        with contextlib.suppress(StoreError):
            super().answer(run_id, answer)


class ReadsFromTheInput(MemoryStore):
    def lineage(self, run_id, step):
        return list(self.steps(run_id, 1, step))


class CountsFromOne(MemoryStore):
    def record(self, lease, calls, blobs=None):
        return min(super().record(lease, calls, blobs), 1)


class ForgetsWhereItCameFrom(MemoryStore):
    def origin(self, run_id):
        return None


class KeepsTheBeginning(MemoryStore):
    def rebase(self, run_id, step, snapshot):
        pass


class NeverCloses(MemoryStore):
    def close(self):
        pass


def pytest_run(folder, module):
    """Run a module of tests in a process of its own; return what pytest printed, and its exit code.

    Without plugins: ours would have pytest rewrite the asserts of all of nbgraph.
    """
    (folder / "test_mine.py").write_text(module)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "test_mine.py"]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode


@pytest.mark.parametrize(
    ("store", "rule"),
    [
        (LosesEvents, StoreContract.test_steps_read_back_in_order),
        (LetsAnybodyDrive, StoreContract.test_one_driver),
        (NeverLetsGo, StoreContract.test_one_driver),
        (TakesTwoAnswers, StoreContract.test_answers),
        (ReadsFromTheInput, StoreContract.test_lineage),
        (CountsFromOne, StoreContract.test_lines_are_numbered),
        (ForgetsWhereItCameFrom, StoreContract.test_fork_shares_the_past),
        (KeepsTheBeginning, StoreContract.test_rebase),
        (NeverCloses, StoreContract.test_closed_store),
    ],
)
def test_a_bad_store_breaks_its_rule(store, rule):
    """A store that breaks a promise turns the rule about it red; a good one does not."""
    rule(StoreContract(), MemoryStore())
    with pytest.raises((AssertionError, StoreError, pytest.fail.Exception)):
        rule(StoreContract(), store())


@pytest.mark.slow
def test_the_documented_way_works(tmp_path):
    """The example of the documentation is a module of tests that passes, without a warning."""
    said, code = pytest_run(tmp_path, EXAMPLE)
    assert (0, True) == (code, " passed" in said), said


@pytest.mark.slow
def test_a_failed_rule_shows_what_it_saw(tmp_path):
    """A store's author reads the values that differ, and what is missing where no store was supplied."""
    broken = EXAMPLE.replace("MemoryStore() as", "Broken() as").replace("class Test", "class Broken(MemoryStore):\n"
        "    def last_mark(self, run_id):\n        return 40 + 2\n\nclass Test", 1)  # fmt: skip
    said, code = pytest_run(tmp_path, broken + "\nclass TestNothing(StoreContract):\n    pass\n")
    assert (1, True) == (code, "assert 42 == 0" in said), said
    assert "supplies the fixture `store`" in said


def test_only_the_contract_needs_pytest():
    """Helpers and records load neither pytest nor Hypothesis: programs under test use them, too."""
    code = "import sys, nbgraph.testing, nbgraph.testing.records; print({'pytest', 'hypothesis'} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "set()" == run.stdout.strip()
