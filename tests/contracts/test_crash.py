"""Death at any moment: what a killed process leaves is whole, and the run goes on to the same end."""

from __future__ import annotations

import itertools
import signal
from random import Random

import pytest

from tests.contracts.lives import Course
from tests.contracts.programs import laps

LARGE, SMALL = (9, 18), (2, 3)
KILLS = 50
"""Deaths at random moments, for each durability."""


def at_random(chance: Random) -> dict:
    """Draw how and when the next life ends: by its own hand somewhere, or by ours."""
    if chance.random() < 0.25:
        return {"kill_after": chance.randrange(1, 30)}
    at, most = chance.choice([("any statement", 120), ("witnessed", 60), ("acknowledged", 25)])
    return {"at": at, "count": chance.randrange(1, most), "hard": chance.random() < 0.8}


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["full", "normal"])
def test_killed_at_random_moments_a_run_of_200_tasks_loses_and_doubles_nothing(tmp_path, nursery, durability):
    """Fifty deaths, each life a new process: every kept step stays, none runs again, the result is the same."""
    chance, deaths = Random(f"deaths {durability}"), 0
    assert 199 == laps.tasks(*LARGE)
    for number in itertools.count():
        course = Course(tmp_path, LARGE, durability, run=f"r{number}")
        while course.live(nursery, **(at_random(chance) if deaths + course.deaths < KILLS else {})).code:
            assert [] == course.faults
        deaths += course.deaths
        assert [] == course.end()
        if deaths >= KILLS:
            return


MOMENTS = (
    "commit called", "commit: before BEGIN", "commit: after BEGIN", "commit: after INSERT INTO steps",
    "commit: before COMMIT", "commit: after COMMIT", "commit returned", "acknowledged",
)  # fmt: skip


@pytest.mark.parametrize("hard", [True, False], ids=["SIGKILL", "_exit"])
@pytest.mark.parametrize("at", MOMENTS)
def test_death_around_a_commit_leaves_all_of_it_or_nothing(tmp_path, nursery, at, hard):
    """At every point of a step's commit, the first, then one in the middle, then the last: the run goes on rightly."""
    course = Course(tmp_path, SMALL)
    for step in (1, laps.tasks(*SMALL) // 2, laps.tasks(*SMALL)):
        assert (-signal.SIGKILL if hard else 7) == course.live(nursery, at=at, step=step, hard=hard).code
    course.live(nursery)
    assert [] == course.end()


@pytest.mark.parametrize(
    "at",
    [
        "create called", "create: after INSERT INTO runs", "create: before COMMIT", "create: after COMMIT",
        "create returned", "release called", "release: after UPDATE", "release: before COMMIT",
        "release: after COMMIT", "commit+completed: after INSERT OR REPLACE", "commit+completed: before COMMIT",
        "commit+completed: after COMMIT",
    ],
)  # fmt: skip
def test_death_at_the_ends_of_a_run(tmp_path, nursery, at):
    """While a run is made, completed or let go of: it is not there, goes on, or is complete."""
    course = Course(tmp_path, SMALL)
    assert -signal.SIGKILL == course.live(nursery, at=at).code
    life = course.live(nursery)
    assert life.code == 0 or "is complete" in life.words
    course.faults = [fault for fault in course.faults if "is complete" not in fault]
    assert [] == course.end()


@pytest.mark.parametrize(
    "at", ["acquire called", "acquire: after UPDATE", "acquire: before COMMIT", "acquire: after COMMIT",
           "commit+running: before COMMIT", "commit+running: after COMMIT"],
)  # fmt: skip
def test_death_while_resuming(tmp_path, nursery, at):
    """A life that ends while it takes the run over costs nothing; it may happen again and again."""
    course = Course(tmp_path, SMALL)
    course.live(nursery, at="acknowledged", count=4)
    for _ in range(3):
        assert -signal.SIGKILL == course.live(nursery, at=at).code
    assert 0 == course.live(nursery).code
    assert [] == course.end()


@pytest.mark.parametrize("at", ["+snapshot: before COMMIT", "+snapshot: after COMMIT", "+mark: before COMMIT",
                                "+mark: after COMMIT", "_grow_log returned", "_grow_log called"])  # fmt: skip
def test_death_around_rare_writes(tmp_path, nursery, at):
    """Commits with a snapshot or a place to pick up, and the log's growth: as every other commit."""
    course = Course(tmp_path, (9, 8))
    assert -signal.SIGKILL == course.live(nursery, at=f"commit{at}" if at[0] == "+" else at).code
    assert 0 == course.live(nursery).code
    assert [] == course.end()
