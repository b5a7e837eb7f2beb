"""The contracts can fail: each of these ways to break the engine turns the named test red, and for the right reason."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import nbgraph as ng
from tests.contracts import (
    test_crash,
    test_determinism,
    test_exactly_once,
    test_observability,
    test_one_driver,
    test_paid_once,
    test_replay,
    test_views,
)
from tests.contracts.carnival import Carnival
from tests.contracts.lives import Life, Nursery
from tests.contracts.programs import saboteurs
from tests.contracts.shop import shop


class Red(NamedTuple):
    """A test that must fail: what it is called with beside its fixtures, and what its failure must say."""

    test: Callable[..., None]
    args: dict[str, Any]
    says: str


_AT_A_POINT = test_paid_once.test_killed_at_a_commit_point_a_run_pays_once
_STOPPED = test_one_driver.test_a_stopped_driver_is_fenced_out
_DRIFT = test_replay.test_a_drift_is_caught_at_its_task

TABLE = {
    # steps
    "late": Red(
        test_exactly_once.test_a_body_runs_again_before_its_commit_and_never_after,
        {"at": "acknowledged", "again": False}, "an acknowledged step is lost",
    ),
    "twice": Red(
        test_crash.test_death_around_a_commit_leaves_all_of_it_or_nothing, {"at": "commit returned", "hard": True},
        "the result differs",
    ),
    "merged_by_arrival": Red(test_determinism.test_a_diamond_is_the_same_in_every_order, {}, "assert"),
    # drivers
    "leaseless": Red(
        test_one_driver.test_a_run_that_is_driven_is_busy, {}, "DID NOT RAISE",
    ),
    "unfenced": Red(_STOPPED, {"moment": "before it keeps a call", "durability": "normal", "holds": True}, "assert"),
    # calls
    "recorded_late": Red(_AT_A_POINT, {"point": "before record", "durability": "normal"}, "went on with what was not kept"),
    "never_served": Red(_AT_A_POINT, {"point": "after record", "durability": "normal"}, "a committed call was made again"),
    "served_another": Red(_AT_A_POINT, {"point": "before commit", "durability": "normal"}, "the result differs"),
    "served_failures": Red(_AT_A_POINT, {"point": "after create", "durability": "normal"}, "Refused"),
    "unmarked": Red(
        test_paid_once.test_a_call_of_unknown_outcome_follows_its_policy,
        {"unknown": "skip", "paid": 1, "answered": False}, "not marked as started",
    ),
    "named_by_arrival": Red(test_paid_once.test_a_branch_gets_its_own_answers_again, {}, "assert"),
    "another_key": Red(
        test_exactly_once.test_the_idempotency_key_is_the_same_in_every_attempt_and_after_a_resume, {}, "assert"
    ),
    "answered_twice": Red(test_paid_once.test_of_two_answers_the_first_counts, {}, "DID NOT RAISE"),
    # replay, forks, the file
    "routeless": Red(_DRIFT, {"name": "goto another node"}, "DID NOT RAISE"),
    "leftovers_ignored": Red(_DRIFT, {"name": "recorded exception no longer asked for"}, "DID NOT RAISE"),
    "forked_into": Red(test_paid_once.test_killed_while_a_fork_is_made, {"point": "after fork", "at": 3}, "assert"),
    "unchained": Red(
        test_replay.test_a_response_edited_in_the_file_is_noticed_by_the_chain, {}, "DID NOT RAISE|assert|differ"
    ),
    # views
    "unescaped": Red(test_views.test_text_is_never_markup, {}, "assert"),
    "told_twice": Red(test_views.test_a_live_picture_ends_as_the_picture_of_the_file, {}, "assert"),
    "drawn_into": Red(test_views.test_looking_writes_nothing, {}, "assert"),
    "fetched": Red(test_views.test_looking_opens_no_socket_and_starts_no_thread, {"saboteur": "fetched"}, "socket"),
    # what watches, and what it costs
    "told_early": Red(test_observability.test_listeners_are_told_of_nothing_before_it_is_committed, {}, "assert"),
    "told_in_the_run": Red(
        test_observability.test_a_blocked_listener_holds_up_neither_run_nor_commits,
        {"kind": "function", "patience": 0.001}, "the run waited for its listener",
    ),
    "attempts_counted": Red(
        test_observability.test_every_number_of_a_scrape_equals_the_rows, {}, "_steps_total"
    ),
    "summed_in_float": Red(
        test_observability.test_costs_are_the_same_to_the_last_digit_everywhere, {}, r"assert Decimal|assert \{Decimal"
    ),
    "unknown_is_free": Red(test_observability.test_what_nobody_knows_is_never_nothing, {}, "is_nan"),
    "checked_after": Red(
        test_observability.test_no_budget_is_ever_overspent_by_calls_that_keep_to_their_limits,
        {"budget": {"token_budget": 1000}}, "assert [0-9]+ <= 1000",
    ),
    "replayed_aloud": Red(test_observability.test_a_replay_tells_nobody_and_costs_nothing, {}, "assert"),
    "spans_in_the_run": Red(
        test_observability.test_spans_lie_in_their_parents_and_those_of_others_in_attempts, {}, "attempt 1"
    ),
    "secrets_kept": Red(test_observability.test_no_key_is_kept, {}, "sk-carnival"),
    "listened_anyway": Red(test_observability.test_off_is_off, {"saboteur": "listened_anyway"}, "listener"),
}  # fmt: skip


class Sabotaged:
    """The nursery, with every child broken."""

    def __init__(self, nursery: Nursery, saboteur: str) -> None:
        self._nursery, self._saboteur = nursery, saboteur

    def live(self, order: dict[str, Any], **how: Any) -> Life:
        """Have a broken process carry out ``order``."""
        return self._nursery.live({**order, "saboteur": self._saboteur}, **how)


@pytest.fixture
def recorded(tmp_path):
    """A file with one completed run of the shop, recorded by an engine that is whole."""
    engine = ng.Engine(shop(), store=tmp_path / "shop.sqlite", seed=test_replay.SEED)
    test_replay.record(engine)
    return engine.store


@pytest.fixture
def played(tmp_path):
    """Give a carnival that is made anew, by whatever is broken then."""
    made = []

    def play():
        made.append(Carnival(tmp_path))
        return made[-1]

    yield play
    for one in made:
        one.close()


def fixtures_of(red: Red, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what a test asks for and ``red`` does not give."""
    parameters = inspect.signature(red.test).parameters.values()
    wanted = [one.name for one in parameters if one.default is one.empty and one.name not in red.args]
    return {name: request.getfixturevalue(name) for name in wanted}


@pytest.mark.parametrize("saboteur", TABLE)
def test_a_broken_engine_fails_its_contract(saboteur, request, monkeypatch):
    """With the engine broken that way, here or in the processes that the test starts, the named test fails."""
    red = TABLE[saboteur]
    given = {**fixtures_of(red, request), **red.args}
    if "nursery" in given:
        given["nursery"] = Sabotaged(given["nursery"], saboteur)
    elif "saboteur" not in given:
        getattr(saboteurs, saboteur)(monkeypatch.setattr)
    with pytest.raises((AssertionError, pytest.fail.Exception, ng.NbgraphError)) as caught:
        red.test(**given)
    assert re.search(red.says, str(caught.value)), str(caught.value)


def test_every_saboteur_is_noticed_by_some_test():
    """The table has all ways of breaking the engine, and there are more than ten."""
    own = {
        name for name, found in vars(saboteurs).items()
        if inspect.isfunction(found) and found.__module__ == saboteurs.__name__
    }  # fmt: skip
    assert own - {"nobody"} == set(TABLE)
    assert len(TABLE) > 10
