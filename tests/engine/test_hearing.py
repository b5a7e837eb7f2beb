"""What a drive commits is kept once for all who listen: whole commits, in order, and no more than is bearable."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgraph.engine import hearing
from nbgraph.engine.hearing import Tape
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord

COMMITS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=60)
"""Steps and events of each commit."""


def step(number, update=""):
    facts = dict.fromkeys(StepRecord._fields, "")
    return StepRecord(**facts | {"step": number, "task": f"t{number}", "node": "a", "update": update})


def event(number, at=0):
    return EventRecord(number, at, 0.0, "noted", "", "", "{}")


def call(number):
    return CallRecord(number, 0.0, "t", "a", 1, "0", "started", "", "{}")


class Drive:
    """Commits numbered rows to a tape."""

    def __init__(self):
        self.tape, self.steps, self.events = Tape(), 0, 0

    def commit(self, steps, events=0):
        rows = [step(self.steps + place) for place in range(1, steps + 1)]
        notes = [event(self.events + place, self.steps + steps) for place in range(1, events + 1)]
        self.steps += steps
        self.events += events
        self.tape.committed(rows, notes)


@given(COMMITS, st.lists(st.integers(0, 59)), st.integers(0, 59))
def test_each_ear_gets_all_that_comes_once_and_in_order(commits, looks, joins):
    """However looks fall between commits, and whenever one begins to listen, each row comes once, in order."""
    drive = Drive()
    early, steps, events, late, before = drive.tape.listen(), [], [], None, (0, 0)
    for place, commit in enumerate(commits):
        if place == joins:
            late, before = drive.tape.listen(), (drive.steps, drive.events)
        drive.commit(*commit)
        if place in looks:
            more = early.commits()
            assert all(note.step <= drive.steps for note in more[1])
            steps, events = steps + [row.step for row in more[0]], events + [note.seq for note in more[1]]
    rest = early.commits()
    assert list(range(1, drive.steps + 1)) == steps + [row.step for row in rest[0]]
    assert list(range(1, drive.events + 1)) == events + [note.seq for note in rest[1]]
    if late is not None:
        told = late.commits()
        assert list(range(before[0] + 1, drive.steps + 1)) == [row.step for row in told[0]]
        assert list(range(before[1] + 1, drive.events + 1)) == [note.seq for note in told[1]]


def test_half_a_commit_is_not_told():
    """What an interrupt cut off between the rows of a commit is not handed over."""
    drive = Drive()
    ear = drive.tape.listen()
    drive.commit(2, 1)

    class Cut:
        def __iter__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive.tape.committed([step(3)], Cut())
    steps, events = ear.commits()
    assert ([1, 2], [1]) == ([row.step for row in steps], [note.seq for note in events])


def test_who_does_not_take_is_cut_off_and_nobody_else():
    """An ear that falls too far behind is full and holds nothing; one that takes goes on."""
    drive = Drive()
    idle, quick = drive.tape.listen(), drive.tape.listen()
    taken = 0
    for _ in range(hearing._FULL // 100 + 20):
        drive.commit(100)
        taken += len(quick.commits()[0])
    assert (True, False, drive.steps) == (idle.full, quick.full, taken)
    assert ([], []) == idle.commits()


def test_heavy_rows_fill_an_ear_sooner():
    """It counts how large updates are, too: a few large ones are too many."""
    tape = Tape()
    ear, large = tape.listen(), "x" * (hearing._HEAVY // 4)
    for number in range(1, 7):
        tape.committed([step(number, large)], [])
    assert ear.full


def test_lines_of_calls_fill_an_ear():
    """Lines that nobody takes are kept up to the same number; what was given has no gap."""
    tape = Tape()
    ear = tape.listen()
    for number in range(1, hearing._FULL + 10):
        tape.called([call(number)])
    lines = [line.seq for line in ear.lines()]
    assert ear.full
    assert list(range(1, len(lines) + 1)) == lines


class Rows(list):
    """Rows that can be watched going away."""


def test_what_all_have_taken_is_forgotten():
    """A part of the tape that lies before everybody is gone, however many listened."""
    drive = Drive()
    ears = [drive.tape.listen() for _ in range(3)]
    part = drive.tape._part
    part.steps = Rows()
    gone = weakref.ref(part.steps)
    del part
    drive.commit(hearing._LONG)
    drive.commit(1)
    for ear in ears[:2]:
        ear.commits()
    gc.collect()
    assert gone() is not None
    ears[2].commits()
    gc.collect()
    assert gone() is None


def test_nothing_is_kept_while_nobody_listens():
    """Without an ear, and soon after the last one is gone, a tape holds no row."""
    drive = Drive()
    drive.commit(3)
    ear = drive.tape.listen()
    drive.commit(1)
    assert [4] == [row.step for row in ear.commits()[0]]
    del ear
    gc.collect()
    drive.commit(hearing._LONG)
    drive.commit(5)
    assert drive.tape._part is None
