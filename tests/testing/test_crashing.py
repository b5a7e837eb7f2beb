"""The store that ends its process: the moments it knows, and what is left to a resume."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from unittest.mock import create_autospec

import pytest

import nbgraph as ng
from nbgraph.store import MemoryStore, Store
from nbgraph.testing import POINTS, CrashingStore
from nbgraph.testing.crashing import EXIT_CODE, WRITES
from tests.testing import walker

REPO = Path(__file__).resolve().parents[2]
METHODS = sorted(name for name in vars(Store) if not name.startswith("_") and name != "name")
COMMITS = 4
"""Commits of a walk that hold steps; the last one, of the status alone, comes after them."""


def die(folder: Path, point: str, occurrence: int = 1, how: str = "kill") -> int:
    """Let a child walk until it dies; return how it ended."""
    # Imported, not run as a program: the record names what was called by its module.
    program = "import sys; from tests.testing import walker; walker.main(*sys.argv[1:])"
    command = [sys.executable, "-c", program, folder / "runs.sqlite", folder / "witness", point]
    return subprocess.run([*command, str(occurrence), how], cwd=REPO, timeout=60, check=False).returncode


def witnessed(folder: Path, word: str) -> Counter[str]:
    """Return how often each node did what ``word`` says."""
    file = folder / "witness"
    lines = file.read_text(encoding="ascii").splitlines() if file.exists() else []
    return Counter(line.split()[1] for line in lines if line.startswith(word))


def complete(folder: Path, *, calls: bool = False) -> list[str]:
    """Resume the walk, or begin it; check it against an undisturbed one and return its nodes by step."""
    graph = walker.build(str(folder / "witness"), calls=calls)
    with ng.SqliteStore(folder / "runs.sqlite") as store:
        engine = ng.Engine(graph, store=store, max_concurrent=1)
        status = store.runs()[0].status.status if store.runs() else ""
        run = (
            engine.open("r") if status == "completed" else engine.resume("r") if status else engine.run({}, run_id="r")
        )
        twin = ng.Engine(walker.build(str(folder / "twin"), calls=calls), max_concurrent=1).run({}, run_id="r")
        assert ("completed", twin.digest, []) == (run.status, run.digest, list(store.verify()))
        return [row.node for row in store.steps("r")]


@pytest.mark.parametrize("occurrence", range(1, COMMITS + 2))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_at_a_commit_is_resumed_with_nothing_lost_or_doubled(tmp_path, when, occurrence):
    """After SIGKILL at any commit, each step is kept once and only a body whose step was not kept runs again."""
    assert -signal.SIGKILL == die(tmp_path, f"{when} commit", occurrence)
    with ng.SqliteStore(tmp_path / "runs.sqlite", read_only=True) as store:
        kept = [row.node for row in store.steps("r")]
    assert min(occurrence - (when == "before"), COMMITS) == len(kept)
    begun = witnessed(tmp_path, "body")
    assert ["start", "left", "right", "end"] == complete(tmp_path)
    again = set() if when == "after" or occurrence > COMMITS else set(begun) - set(kept)
    assert witnessed(tmp_path, "body") == Counter(["start", "left", "right", "end", *again])


@pytest.mark.parametrize("point", ["before create", "after create", "before release", "after release"])
def test_a_run_killed_at_its_beginning_or_end_is_whole(tmp_path, point):
    """Before its creation there is no run, after its last commit a completed one; every body runs once."""
    assert -signal.SIGKILL == die(tmp_path, point)
    assert ["start", "left", "right", "end"] == complete(tmp_path)
    assert {1} == set(witnessed(tmp_path, "body").values())


@pytest.mark.parametrize("occurrence", range(1, 9))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_is_made_again_only_if_its_outcome_was_not_kept(tmp_path, when, occurrence):
    """After SIGKILL at any write to the log of calls, a call whose return was kept is never made again."""
    assert -signal.SIGKILL == die(tmp_path, f"{when} record", occurrence)
    with ng.SqliteStore(tmp_path / "runs.sqlite", read_only=True) as store:
        returned = {line.node for line in store.calls("r") if line.phase == "returned"}
    complete(tmp_path, calls=True)
    calls = witnessed(tmp_path, "call")
    assert {"start", "left", "right", "end"} == set(calls)
    assert {1} >= {calls[node] for node in returned}
    assert len(calls) + (when == "before" and not occurrence % 2) == calls.total()


def test_a_process_can_be_ended_without_a_signal(tmp_path):
    """``how="exit"`` ends it with a code of its own."""
    assert EXIT_CODE == die(tmp_path, "after commit", 2, "exit")


def test_a_moment_that_never_comes_changes_nothing(tmp_path):
    """A child whose moment lies behind its end completes."""
    assert 0 == die(tmp_path, "after commit", 100)
    assert ["start", "left", "right", "end"] == complete(tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_the_protocol_is_handed_on(method):
    """Each method takes what the protocol says, passes it to the store as it is and returns the answer."""
    inner = create_autospec(Store, instance=True)
    store = CrashingStore(inner, "after answer", 100)
    signature = inspect.signature(getattr(Store, method))
    assert method in vars(CrashingStore)
    assert signature == inspect.signature(getattr(CrashingStore, method))
    names = [name for name in signature.parameters if name != "self"]
    given = {name: object() for name in names}
    answer = getattr(store, method)(**given)
    (call,) = getattr(inner, method).mock_calls
    bound = signature.bind(store, *call.args, **call.kwargs).arguments
    assert list(given.values()) == [bound[name] for name in names]
    assert answer is (getattr(inner, method).return_value if signature.return_annotation != "None" else None)


def test_it_is_a_store_with_all_that_the_other_has():
    """It passes for a store, has its name, and what the store has beside the protocol."""
    with MemoryStore() as inner:
        store = CrashingStore(inner, "before commit")
        assert isinstance(store, Store)
        assert ":memory:" == store.name
        assert store._runs is inner._runs


@pytest.mark.parametrize(
    ("change", "option"),
    [({"point": "commit"}, "point"), ({"occurrence": 0}, "occurrence"), ({"how": "raise"}, "how")],
)
def test_what_it_does_not_know_is_refused(change, option):
    """An unknown moment or way and an occurrence below 1 raise OptionsError, which lists the moments."""
    with pytest.raises(ng.OptionsError) as caught:
        CrashingStore(MemoryStore(), **{"point": "before commit", **change})
    assert option == caught.value.option


def test_points_list_two_moments_of_each_write():
    """``POINTS`` holds before and after of everything that writes."""
    assert {f"{when} {what}" for what in WRITES for when in ("before", "after")} == set(POINTS)
    assert set(WRITES) <= set(METHODS)
