"""What a person may ask of a run, for every way in which it can stand; and how long it has run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgraph.store.protocol import EventRecord
from nbgraph.views.widgets.steering import DOING, VERBS, Elapsed, Standing, heeded, refused

STILL = ("resume", "step", "until", "fork")
GOING = ("pause", "cancel", "fork")


RESUMED = EventRecord(1, 0, 0.0, "run.resumed", "", "", "{}")


@pytest.mark.parametrize(
    ("standing", "events", "ends"),
    [
        (Standing("paused", asked="resume"), (), False),
        (Standing("running", live=True, asked="resume"), (RESUMED,), True),
        (Standing("completed", asked="resume"), (), True),
        (Standing("paused", live=True, asked="pause"), (), False),
        (Standing("paused", asked="pause"), (), True),
        (Standing("paused", asked="step"), (RESUMED,), False),
        (Standing("completed", asked="step"), (), True),
        (Standing("completed"), (), False),
    ],
)
def test_what_was_asked_ends_with_the_runs_own_word(standing, events, ends):
    """That the run was resumed, stands still, or has completed is known from the run, not from the thread that asked."""
    assert ends == heeded(standing, events)


@pytest.mark.parametrize(
    ("standing", "can"),
    [
        (Standing("running", live=True, steps=3), GOING),
        (Standing("running", live=True), ("pause", "cancel")),
        (Standing("paused", steps=3), STILL),
        (Standing("paused"), ("resume", "step", "until")),
        (Standing("failed", steps=3), STILL),
        (Standing("cancelled", steps=3), STILL),
        (Standing("interrupted", steps=3), STILL),
        (Standing("completed", steps=3), ("fork",)),
        (Standing("waiting", steps=3), STILL),
        (Standing("waiting", steps=3, questions=1), ("fork",)),
        (Standing("waiting", live=True, steps=3, questions=1), GOING),
        (Standing("completed", live=True, steps=3), ("fork",)),
        (Standing("paused", live=True, steps=3), ("fork",)),
        (Standing("running", holder="kernel 7", steps=3), ("fork",)),
        (Standing("paused", steps=3, closed="read only"), ()),
        (Standing("running", live=True, steps=3, asked="pause"), ("cancel",)),
        (Standing("running", live=True, steps=3, asked="cancel"), ()),
        (Standing("paused", steps=3, asked="step"), ("pause", "cancel")),
        (Standing("running", live=True, steps=3, asked="until"), ("pause", "cancel")),
        (Standing("paused", steps=3, asked="fork"), ()),
        (Standing("", steps=0), ("resume", "step", "until")),
    ],
)
def test_a_button_works_where_it_would_do_something(standing: Standing, can: tuple[str, ...]):
    """What a run can be asked depends on how it stands, who drives it, and what it was asked already."""
    assert set(can) == {verb for verb, why in refused(standing).items() if not why}


@given(
    st.builds(
        Standing,
        st.sampled_from(["running", "paused", "waiting", "failed", "cancelled", "completed", "interrupted"]),
        live=st.booleans(),
        holder=st.sampled_from(["", "kernel 7"]),
        steps=st.integers(0, 3),
        asked=st.sampled_from(["", *VERBS]),
        questions=st.integers(0, 2),
    )
)
def test_every_button_says_why_it_does_not_work(standing: Standing):
    """Each verb has its reason, in words, and what is being done is never offered again."""
    reasons = refused(standing)
    assert list(VERBS) == list(reasons)
    assert not standing.asked or reasons[standing.asked]


def test_who_drives_the_run_is_the_reason():
    """Where another process drives, the buttons name it."""
    assert (
        "kernel 7 drives this run; here it can only be watched"
        == refused(Standing("running", holder="kernel 7"))["pause"]
    )


def test_what_was_asked_is_the_reason():
    """While something is done, the others wait for it by name."""
    assert DOING["fork"] in refused(Standing("paused", steps=1, asked="fork"))["step"]


def event(kind: str, time: float) -> EventRecord:
    """Return an event of a run."""
    return EventRecord(1, 0, time, kind, "", "", "{}")


def test_pauses_do_not_count():
    """A run's time is that between a beginning or a resume and the next halt."""
    elapsed = Elapsed(100.0)
    assert 5.0 == elapsed.seconds(105.0, going=True)
    elapsed.take([event("run.paused", 110.0)])
    assert 10.0 == elapsed.seconds(500.0, going=False)
    elapsed.take([event("run.resumed", 500.0)])
    assert 12.0 == elapsed.seconds(502.0, going=True)
    elapsed.take([event("run.completed", 503.0)])
    assert 13.0 == elapsed.seconds(900.0, going=False)


def test_a_run_whose_end_nobody_noted_lasted_to_its_last_sign_of_life():
    """Of a process that died, the time of the last step or event is the end."""
    elapsed = Elapsed(100.0)
    elapsed.take([event("task.retried", 103.0)], step_ended=107.0)
    assert 7.0 == elapsed.seconds(999.0, going=False)


def test_a_clock_that_goes_back_takes_nothing_away():
    """Time never runs backwards on the page."""
    elapsed = Elapsed(100.0)
    elapsed.take([event("run.paused", 90.0)])
    assert 0.0 == elapsed.seconds(80.0, going=False)
