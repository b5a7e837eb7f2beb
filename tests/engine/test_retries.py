"""Retries: how often, after which pause, for which failures, and what is told when they do not help."""

from __future__ import annotations

import time

import pytest

import nbgraph as ng
from tests.engine.stage import Log, fan, kinds


def failing(times, error=ValueError, *, is_async=False):
    """Return a node that fails ``times`` times and then logs its attempt."""

    def node(state, ctx):
        if ctx.attempt <= times:
            raise error(f"attempt {ctx.attempt}")
        return {"log": ctx.attempt}

    async def anode(state, ctx):
        return node(state, ctx)

    return anode if is_async else node


def alone(node, **options):
    """Return a graph of one node called ``work``."""
    graph = ng.Graph(Log, name="alone")
    graph.node(name="work", **options)(node)
    return graph


QUICK = {"wait": 0.0, "jitter": 0.0}


@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_is_tried_again(is_async):
    """A node that fails twice succeeds at its third attempt, which ``ctx.attempt`` counts."""
    graph = alone(failing(2, is_async=is_async), retry=ng.Retry(attempts=3, **QUICK))
    run = ng.Engine(graph).run()
    assert [3] == run.state["log"]
    assert [3] == list(run.tasks.attempts)


@pytest.mark.parametrize("is_async", [False, True])
def test_attempts_that_do_not_help_are_told(is_async):
    """The error of the last attempt says how many there were, and is caused by the node's own exception."""
    graph = alone(failing(9, is_async=is_async), retry=ng.Retry(attempts=3, **QUICK))
    with pytest.raises(ng.MaxAttemptsError, match="attempt 3") as caught:
        ng.Engine(graph).run(run_id="r")
    error = caught.value
    assert ("r", "work", 3) == (error.run_id, error.node, error.attempts)
    assert isinstance(error.__cause__, ValueError)
    assert "attempt 3" == str(error.__cause__)


def test_each_failed_attempt_is_an_event():
    """What went wrong in each attempt, and the pause after it, can be read later."""
    run = ng.Engine(alone(failing(2), retry=ng.Retry(attempts=3, **QUICK))).run()
    told = [(event["attempt"], event["error"], event["pause"]) for event in kinds(run, "task.retried")]
    assert [(1, "ValueError: attempt 1", 0.0), (2, "ValueError: attempt 2", 0.0)] == told


def pauses(seed=0, count=1, **policy):
    """Return every pause of a run whose tasks fail four times each, by task."""
    graph = fan(count, failing(4), retry=ng.Retry(attempts=5, **policy))
    run = ng.Engine(graph, seed=seed, max_concurrent=4).run()
    events = run.events[run.events.kind == "task.retried"]
    return {task: [data["pause"] for data in rows.data] for task, rows in events.groupby("task")}


def test_pauses_grow_exponentially_up_to_the_cap():
    """Pauses double from ``wait`` and never exceed ``cap``."""
    (found,) = pauses(wait=0.001, factor=2, cap=0.003, jitter=0).values()
    assert [0.001, 0.002, 0.003, 0.003] == found


def test_jitter_is_seeded():
    """The same seed gives the same pauses, another seed others, and siblings differ."""
    policy = {"wait": 0.001, "factor": 1, "jitter": 1.0}
    first = pauses(seed=1, count=2, **policy)
    assert first == pauses(seed=1, count=2, **policy)
    assert first != pauses(seed=2, count=2, **policy)
    left, right = first.values()
    assert left != right
    assert all(0 <= pause <= 0.001 for pause in [*left, *right])


def test_the_pause_really_passes():
    """Between two attempts lies at least the pause."""
    moments = []

    def work(state):
        moments.append(time.monotonic())
        if len(moments) == 1:
            raise ValueError

    ng.Engine(alone(work, retry=ng.Retry(attempts=2, wait=0.05, jitter=0))).run()
    assert moments[1] - moments[0] >= 0.05


def test_others_run_while_one_waits_for_its_retry():
    """A task that backs off keeps no worker: its sibling runs meanwhile, though only one may."""
    order = []

    def work(state, ctx):
        order.append((state["item"], ctx.attempt))
        if state["item"] == 0 and ctx.attempt == 1:
            raise ValueError

    ng.Engine(fan(2, work, retry=ng.Retry(attempts=2, wait=0.05)), max_concurrent=1).run()
    assert [(0, 1), (1, 1), (0, 2)] == order


@pytest.mark.parametrize("on", [OSError, (KeyError, OSError), lambda error: isinstance(error, OSError)])
def test_only_failures_that_the_policy_names_are_tried_again(on):
    """A class, a tuple or a predicate decides; another failure ends the task at its first attempt."""
    policy = ng.Retry(attempts=3, on=on, **QUICK)
    assert [3] == ng.Engine(alone(failing(2, ConnectionError), retry=policy)).run().state["log"]
    with pytest.raises(ng.NodeError) as caught:
        ng.Engine(alone(failing(2, ValueError), retry=policy)).run()
    assert (ng.NodeError, 1) == (type(caught.value), caught.value.attempt)


def test_a_predicate_that_raises_fails_the_node():
    """A broken policy is the node's failure like any other: the run is failed and can be resumed."""
    graph = alone(failing(1), retry=ng.Retry(attempts=2, on=lambda error: error.nonsense))
    engine = ng.Engine(graph)
    with pytest.raises(ng.NodeError, match="nonsense"):
        engine.run(run_id="r")
    assert "failed" == engine.open("r").status


def test_an_exception_that_cannot_be_told_is_still_tried_again():
    """An exception whose own text raises neither stops the retry nor breaks the engine."""

    class UntoldError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    run = ng.Engine(alone(failing(1, UntoldError), retry=ng.Retry(attempts=2, **QUICK))).run()
    assert [2] == run.state["log"]


def test_what_cannot_change_is_not_tried_again():
    """A node that changes its input, or returns what does not fit, fails at once however many attempts it has."""
    calls = []

    def spoil(state):
        calls.append("spoil")
        state["count"] = 1

    def misfit(state):
        calls.append("misfit")
        return {"nowhere": 1}

    for node in (spoil, misfit):
        with pytest.raises((ng.IsolationError, ng.UpdateError)):
            ng.Engine(alone(node, retry=ng.Retry(attempts=3, **QUICK))).run()
    assert ["spoil", "misfit"] == calls


def test_attempts_count_anew_after_a_resume():
    """A resumed task has all its attempts again, and counts them from one."""
    attempts = []

    def work(state, ctx):
        attempts.append(ctx.attempt)
        if len(attempts) < 4:
            raise ValueError
        return {"log": "done"}

    engine = ng.Engine(alone(work, retry=ng.Retry(attempts=2, **QUICK)))
    with pytest.raises(ng.MaxAttemptsError):
        engine.run(run_id="r")
    assert ["done"] == engine.resume("r").state["log"]
    assert [1, 2, 1, 2] == attempts


def test_a_number_is_a_policy_with_so_many_attempts():
    """``retry=2`` is short for ``Retry(attempts=2)``."""
    assert 2 == alone(failing(1), retry=2).compile().nodes["work"].retry.attempts


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0}, {"attempts": 1.5}, {"attempts": True}, {"wait": -1}, {"wait": float("nan")}, {"factor": 0.5},
        {"cap": -1}, {"cap": float("inf")}, {"jitter": 1.1}, {"jitter": -0.1}, {"on": "ValueError"}, {"on": ("x",)},
        {"on": int}, {"wait": "1"},
    ],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused_where_it_is_written(wrong):
    """An invalid policy raises at definition and names the value."""
    (name,) = wrong
    with pytest.raises(ng.GraphError, match=name) as caught:
        ng.Retry(**wrong)
    assert caught.value.todo


@pytest.mark.parametrize("wrong", [{"retry": "often"}, {"retry": 0}, {"timeout": 0}, {"timeout": "1"}, {"limit": 0}])
def test_a_node_option_that_makes_no_sense_is_refused_where_it_is_written(wrong):
    """An invalid retry, timeout or limit raises when the node is defined, not when it runs."""
    with pytest.raises(ng.GraphError):
        alone(failing(0), **wrong)
