"""Routes are plain frozen values; a retry's policy is checked where it is written."""

import pickle
from typing import Literal

import pytest

from nbgraph.errors import GraphError
from nbgraph.graph.retry import Retry
from nbgraph.graph.routes import Goto, Result, Send, Stop


def test_routes_compare_by_value_and_pickle():
    """A route is its target and its fields, also in another process."""
    for route in (Goto("a"), Send("a", x=[1]), Stop(), Result({"x": 1}, Goto("b"))):
        assert route == pickle.loads(pickle.dumps(route))
    assert Send("a", x=1) != Send("a", x=2)
    assert {Send("a", x=[1])} == {Send("a", x=[1])}


def test_a_sends_fields_may_have_any_name():
    """Even a field called "target" or "fields" is the user's own."""
    assert {"target": 1, "fields": 2, "self": 3} == dict(Send("a", target=1, fields=2, self=3).fields)


def test_a_sends_fields_cannot_be_changed():
    """What was sent stays as it was."""
    with pytest.raises(TypeError):
        Send("a", x=1).fields["x"] = 2


@pytest.mark.parametrize("route", [Goto, Send])
def test_a_target_is_a_name(route):
    """A function in place of its name is refused, and the name is suggested."""

    def review(state): ...

    with pytest.raises(GraphError, match="'review'"):
        route(review)


def test_routes_can_be_subscripted_for_annotations():
    """``Goto[Literal[...]]`` evaluates at run time."""
    assert (Literal["a", "b"],) == Goto[Literal["a", "b"]].__args__
    assert (Literal["a"],) == Send[Literal["a"]].__args__


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": True},
        {"attempts": 1.5},
        {"wait": -1},
        {"wait": float("nan")},
        {"factor": 0.5},
        {"cap": float("inf")},
        {"jitter": 1.1},
        {"jitter": "x"},
        {"on": "ValueError"},
        {"on": (ValueError, 3)},
        {"on": int},
    ],
)
def test_a_retry_that_makes_no_sense_is_refused(wrong):
    """The error names the option and its value."""
    with pytest.raises(GraphError, match=next(iter(wrong))):
        Retry(**wrong)


@pytest.mark.parametrize(
    ("on", "yes", "no"),
    [
        (OSError, TimeoutError(), ValueError()),
        ((OSError, KeyError), KeyError(), ValueError()),
        (lambda error: "again" in str(error), ValueError("again"), ValueError("no")),
    ],
)
def test_a_retry_says_which_failures_are_tried_again(on, yes, no):
    """By class, by several classes, or by a predicate."""
    assert Retry(on=on).retryable(yes)
    assert not Retry(on=on).retryable(no)


def test_pauses_grow_up_to_the_cap():
    """Attempt 1 waits ``wait``, each further one ``factor`` times as long, never more than ``cap``."""
    retry = Retry(wait=1, factor=3, cap=10, jitter=0)
    assert [1, 3, 9, 10, 10] == [retry.pause(attempt, 0.5) for attempt in (1, 2, 3, 4, 5000)]


def test_jitter_shortens_a_pause_by_at_most_its_fraction():
    """The caller's number decides, so that a replay waits as long."""
    retry = Retry(wait=10, jitter=0.5)
    assert 10.0 == retry.pause(1, 0.0)
    assert 7.5 == retry.pause(1, 0.5)
