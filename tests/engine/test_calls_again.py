"""Calls of a node that runs again: what is served from the record, and what is made anew."""

from __future__ import annotations

import signal
import subprocess
import sys
from threading import Event

import pytest

import nbgraph as ng
from nbgraph.testing import FakeClock
from tests.engine.outside import REPO, Service, begin, one, paying

QUICK = ng.Retry(attempts=3, wait=0.0, jitter=0.0)


@pytest.fixture
def service():
    """Run the service that counts."""
    made = Service()
    yield made
    made.close()


@pytest.fixture
def engine(tmp_path):
    """Return what makes an engine on the test's file."""
    return lambda graph, **options: ng.Engine(graph, store=tmp_path / "runs.sqlite", **options)


def failing_after(service, failures, *, is_async=False):
    """Return a node that asks twice and then fails, ``failures`` times."""
    left = list(range(failures))

    def work(state, ctx):
        got = [ctx.call(service.get, word)["number"] for word in ("tea", "milk")]
        if left:
            raise ValueError(left.pop())
        return {"log": got}

    async def awork(state, ctx):
        got = [(await ctx.call(service.aget, word))["number"] for word in ("tea", "milk")]
        if left:
            raise ValueError(left.pop())
        return {"log": got}

    return awork if is_async else work


@pytest.mark.parametrize("is_async", [False, True])
def test_a_retry_pays_nothing_twice(is_async, service, engine):
    """What returned before the attempt failed is served to the next attempt; the replay agrees."""
    run = engine(one(failing_after(service, 2, is_async=is_async), retry=QUICK)).run({}, run_id="r")
    assert [[1, 2]] == run.state["log"]
    assert {"tea": 1, "milk": 1} == service.paid
    assert run.replay().ok


@pytest.mark.parametrize("is_async", [False, True])
def test_a_resume_pays_nothing_twice(is_async, service, engine):
    """A failed run goes on in a new engine: the calls of the node that failed are served from the file."""
    node = failing_after(service, 1, is_async=is_async)
    assert isinstance(begin(engine(one(node))), ng.NodeError)
    run = engine(one(node)).resume("r")
    assert [[1, 2]] == run.state["log"]
    assert {"tea": 1, "milk": 1} == service.paid
    assert run.replay().ok


def test_a_node_may_want_every_call_made_anew(service, engine):
    """``reuse_calls=False``: each attempt, and each resume, makes all its calls."""
    node = failing_after(service, 3)
    assert isinstance(begin(engine(one(node, retry=ng.Retry(2, wait=0.0), reuse_calls=False))), ng.MaxAttemptsError)
    run = engine(one(node, retry=ng.Retry(2, wait=0.0), reuse_calls=False)).resume("r")
    assert [[7, 8]] == run.state["log"]
    assert {"tea": 4, "milk": 4} == service.paid
    assert run.replay().ok


def test_a_changed_request_is_made_anew(service, engine):
    """After the cell was fixed only the call that asks for something else is made."""

    def node(word, broken):
        def work(state, ctx):
            got = [ctx.call(service.get, asked)["word"] for asked in ("tea", word)]
            return {"log": 1 / 0 if broken else got}

        return work

    begin(engine(one(node("mlik", True))))
    run = engine(one(node("milk", False))).resume("r")
    assert [["tea", "milk"]] == run.state["log"]
    assert {"tea": 1, "mlik": 1, "milk": 1} == service.paid
    assert run.replay().ok


def test_calls_in_another_order_are_served_too(service, engine):
    """A fixed cell may ask first what it asked second, and ask something in between."""

    def node(words, broken):
        return lambda state, ctx: {
            "log": [[ctx.call(service.get, word)["number"] for word in words], 1 // (not broken)]
        }

    begin(engine(one(node(["tea", "milk"], True))))
    run = engine(one(node(["milk", "sugar", "tea"], False))).resume("r")
    assert [[[2, 3, 1], 1]] == run.state["log"]
    assert run.replay().ok


def test_a_call_that_raised_is_made_again(service, engine):
    """Of a failed attempt the next one gets what returned; what raised it asks for again."""
    fails = [True]

    def flaky(word):
        service.get(word)
        if fails and fails.pop():
            raise ConnectionError("lost")
        return word

    run = engine(one(lambda state, ctx: {"log": [ctx.call(service.get, "tea")["number"], ctx.call(flaky, "milk")]},
                     retry=QUICK)).run({}, run_id="r")  # fmt: skip
    assert [[1, "milk"]] == run.state["log"]
    assert {"tea": 1, "milk": 2} == service.paid
    assert [("1", "returned"), ("2", "raised"), ("2", "returned")] == list(
        zip(run.calls.name, run.calls.status, strict=True)
    )
    assert run.replay().ok


def test_what_a_resume_will_reuse_can_be_asked(service, engine):
    """``run.plan()`` counts the calls that the node's next attempt will be served."""
    node = failing_after(service, 1)
    begin(engine(one(node)))
    row = engine(one(node)).open("r").plan().iloc[0]
    assert ("work", "execute", 2) == (row["node"], row["action"], row["calls"])


def test_the_time_before_a_call_stays_as_it_was(service, engine):
    """``ctx.now()`` in a request: the next attempt, and a resume, read the same time, so that the request is the same."""
    clock, fails = FakeClock(), [1, 2, 3]

    def work(state, ctx):
        asked = str(ctx.now().timestamp())
        clock.advance(60)
        got = ctx.call(service.get, asked)["word"]
        if fails:
            raise ValueError(fails.pop())
        return {"log": got}

    assert begin(engine(one(work, retry=ng.Retry(2, wait=0.0)), clock=clock))
    run = engine(one(work, retry=ng.Retry(2, wait=0.0)), clock=clock).resume("r")
    assert [run.state["log"][0]] == list(service.paid)
    assert 1 == service.paid.total()
    assert run.replay().ok


def test_the_time_before_a_question_stays_as_it_was(engine):
    """A question that tells the time is the same question when the node runs again with its answer."""
    clock = FakeClock()

    def work(state, ctx):
        clock.advance(1)
        return {"log": ctx.ask(f"Is it {ctx.now()}?", schema=bool)}

    engine = engine(one(work), clock=clock)
    assert "waiting" == engine.run({}, run_id="r").status
    engine.answer(engine.inbox().question[0], True)
    assert [True] == engine.resume("r").state["log"]


def test_an_idempotency_key_is_the_same_in_every_attempt(engine):
    """It differs by task, by run and by ``n``, and by nothing else."""
    seen = []

    def work(state, ctx):
        seen.append((ctx.idempotency_key(), ctx.idempotency_key(1)))
        if len(seen) < 4:
            raise ValueError(seen)

    made = engine(one(work, retry=ng.Retry(2, wait=0.0)))
    begin(made)
    made.resume("r").replay()
    assert {seen[0]} == set(seen)
    made.run({}, run_id="another")
    assert 4 == len({*seen[0], *seen[-1]})


def late(service, retry):
    """Return a node whose first attempt's call comes back after its timeout; and what lets it come back."""
    release, ended = Event(), Event()

    def slow(word):
        got = service.get(word)
        if service.paid[word] == 1:
            release.wait(10)
        return got

    def work(state, ctx):
        if ctx.attempt == 2:
            ctx.call(service.get, "water")
            release.set()
            ended.wait(10)
        try:
            got = ctx.call(slow, "tea")["number"]
            return {"log": [got, ctx.call(service.get, "milk")["number"]]}
        finally:
            if ctx.attempt == 1:
                ended.set()

    return one(work, retry=retry, timeout=0.2)


@pytest.mark.slow
def test_an_attempt_that_timed_out_pays_for_nothing_more(service, engine):
    """A thread that was left behind may finish its call; its further calls are refused, and its results do not count."""
    run = engine(late(service, QUICK)).run({}, run_id="r")
    assert 1 == service.paid["milk"]
    assert 2 == len(run.state["log"][0])
    assert run.replay().ok


# -- nobody knows how it ended


def die(tmp_path, url, unknown):
    """Run ``paying`` in a process that is killed inside of its second call."""
    command = [sys.executable, "-m", "tests.engine.outside", str(tmp_path / "runs.sqlite"), url, unknown]
    return subprocess.run(command, cwd=REPO, check=False, timeout=60).returncode


@pytest.mark.slow
@pytest.mark.parametrize(("unknown", "got", "coffees"), [("retry", "coffee", 2), ("skip", None, 1)])
def test_a_process_that_dies_inside_a_call(unknown, got, coffees, service, engine, tmp_path):
    """The call before is served; the one of which nobody knows the end is made again, or skipped."""
    assert -signal.SIGKILL == die(tmp_path, service.url, unknown)
    made = engine(paying(service.url, unknown))
    assert ["returned", "started"] == list(made.open("r").calls.status)
    run = made.resume("r")
    assert [["look", got]] == run.state["log"]
    assert {"look": 1, "coffee": coffees} == service.paid
    assert run.replay().ok


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "got", "coffees"), [("retry", "coffee", 2), ("skip", None, 1)])
def test_a_process_that_dies_inside_a_call_that_a_person_decides_about(answer, got, coffees, service, engine, tmp_path):
    """``unknown="ask"``: the run waits with a question in the inbox, and does what the answer says."""
    die(tmp_path, service.url, "ask")
    made = engine(paying(service.url, "ask"))
    assert "waiting" == made.resume("r").status
    with pytest.raises(ng.AnswerError):
        made.answer(made.inbox().question[0], "perhaps")
    assert "pay was interrupted" in made.inbox().prompt[0]
    made.answer(made.inbox().question[0], answer)
    run = made.resume("r")
    assert [["look", got]] == run.state["log"]
    assert {"look": 1, "coffee": coffees} == service.paid
    assert run.replay().ok


@pytest.mark.slow
def test_every_death_is_asked_about(service, engine, tmp_path):
    """The answer to one interrupted call decides about no other: dying again asks again."""
    die(tmp_path, service.url, "ask")
    made = engine(paying(service.url, "ask"))
    made.resume("r")
    made.answer(made.inbox().question[0], "retry")
    made.close()
    assert -signal.SIGKILL == die(tmp_path, service.url, "ask")
    made = engine(paying(service.url, "ask"))
    assert "waiting" == made.resume("r").status
    assert 2 == service.paid["coffee"]


def test_an_outer_call_that_was_interrupted_pays_its_inner_ones_once(service, engine):
    """A call inside a call is recorded by itself: when the outer one is made again, it is served."""
    fails = [True]

    @ng.call
    def inner(word):
        return service.get(word)["number"]

    async def outer(words):
        got = [inner(word) for word in words]
        if fails and fails.pop():
            raise ConnectionError("lost")
        return got

    node = lambda state, ctx: {"log": ctx.call(outer, ["tea", "milk"])}  # noqa: E731 - one call
    begin(engine(one(node)))
    run = engine(one(node)).resume("r")
    assert [[1, 2]] == run.state["log"]
    assert {"tea": 1, "milk": 1} == service.paid
    assert run.replay().ok
