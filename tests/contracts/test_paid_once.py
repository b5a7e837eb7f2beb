"""The promise of DESIGN section 4 for calls: one whose record is committed is never made again, wherever a run dies."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
from random import Random
from typing import Annotated, TypedDict

import pytest

import nbgraph as ng
from nbgraph.store import AnswerRecord, Origin
from nbgraph.testing import POINTS
from tests.contracts.paying import Errand, rows_of, standing

KILLS = int(os.environ.get("NBGRAPH_KILLS", "300"))
"""Deaths at random moments, half of them for each durability."""
LARGE, SMALL = (3, 6), (1, 2)
DURABILITIES = ("full", "normal")


class Log(TypedDict):
    """What the nodes got."""

    log: Annotated[list, ng.append]


def at_random(till, chance: Random) -> dict:
    """Draw how the next life ends: at a moment of time, at a statement of SQL, or while the till has its money."""
    drawn = chance.random()
    if drawn < 0.2:
        till.ambush(signal.SIGKILL, chance.randrange(1, 20), answered=chance.random() < 0.5)
        return {}
    return (
        {"kill_in": chance.uniform(0, 0.15)}
        if drawn < 0.8
        else {"at": "any statement", "count": chance.randrange(1, 150)}
    )


@pytest.mark.slow
@pytest.mark.parametrize("durability", DURABILITIES)
def test_killed_at_random_moments_a_run_pays_once(tmp_path, nursery, till, durability, record_testsuite_property):
    """At 300 random moments: no step and no line is lost or doubled, no committed call is repeated, the end is the same."""
    chance, moments = Random(f"paid {durability}"), Errand(tmp_path, LARGE, till=till).moments
    for number in itertools.count():
        course = Errand(tmp_path, LARGE, durability, run=f"r{number}", till=till)
        while course.live(
            nursery, **(at_random(till, chance) if (moments + course.moments).total() < KILLS // 2 else {})
        ).code:
            assert [] == course.faults
        moments += course.moments
        assert [] == course.end()
        if moments.total() >= KILLS // 2:
            break
    record_testsuite_property(f"deaths at random moments, {durability}", dict(moments))
    assert {"between steps", "marked, not paid", "paid, not kept", "kept, not committed"} == set(moments)


# -- every commit point

WAYS = {"acquire": {}, "redescribe": {"changed": True}}
"""How a run that was begun goes on, for the points that only those come by."""


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("point", [point for point in POINTS if "fork" not in point])
def test_killed_at_a_commit_point_a_run_pays_once(
    tmp_path, nursery, till, point, durability, record_testsuite_property
):
    """Each write of the store, before it and after it: twice in a row where it comes first, then where it comes next."""
    course, what = Errand(tmp_path, SMALL, durability, till=till), point.split()[1]
    if what in WAYS:
        course.live(nursery, point="after commit", count=4)
    codes = [course.live(nursery, point=point, count=count, **WAYS.get(what, {})).code for count in (1, 1, 2, 3)]
    record_testsuite_property(f"deaths {point}, {durability}", codes.count(-signal.SIGKILL))
    assert -signal.SIGKILL == codes[0]
    assert 0 in codes or 0 == course.live(nursery, **WAYS.get(what, {})).code
    assert [] == course.end()


@pytest.mark.slow
@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("point", [f"{when} {what}" for what in ("record", "commit") for when in ("before", "after")])
def test_killed_at_every_record_and_every_commit_a_run_pays_once(
    tmp_path, nursery, till, point, durability, record_testsuite_property
):
    """A run for each write of a run, from the first to the last: it dies there, and goes on to the same end."""
    for number in itertools.count(1, 1 if durability == "full" else 3):  # the same statements: every third will do
        (tmp_path / str(number)).mkdir()
        course = Errand(tmp_path / str(number), SMALL, durability, run=f"r{number}", till=till)
        dead = course.live(nursery, point=point, count=number).code
        assert not dead or 0 == course.live(nursery).code
        assert [] == course.end()
        if not dead:
            break
    record_testsuite_property(f"last write died at: {point}, {durability}", number - 1)
    assert number > (12 if "record" in point else 8)


@pytest.mark.parametrize("at", [0, 3, 7])
@pytest.mark.parametrize("point", [point for point in POINTS if "fork" in point])
def test_killed_while_a_fork_is_made(tmp_path, nursery, till, point, at):
    """The fork is there or not, goes on with the calls of its origin and pays nothing; its origin is not written."""
    origin = Errand(tmp_path, SMALL, till=till)
    assert 0 == origin.live(nursery).code
    with ng.SqliteStore(origin.store) as store:
        before, paid = rows_of(store, "r"), len(till.books.payments)
    fork = Errand(tmp_path, SMALL, run="f", till=till, shared=frozenset(row.task for row in before[1][:at]))
    assert -signal.SIGKILL == fork.live(nursery, fork=("r", at), point=point, count=1).code
    fork.live(nursery, fork=("r", at), point="after record", count=1)
    assert 0 == fork.live(nursery, fork=("r", at)).code
    assert ([], paid) == (fork.end(), len(till.books.payments))
    with ng.SqliteStore(origin.store) as store:
        assert before == rows_of(store, "r")


def test_a_fork_that_died_before_its_edit_was_kept_is_no_fork(tmp_path):
    """A resume refuses it, as nobody knows any more what was to be edited; it can be made again under its id."""
    graph = ng.Graph(Log, name="edited")
    graph.node(name="a")(lambda state: {"log": "a"})
    graph.node(name="b", after="a")(lambda state: {"log": "b"})
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite")
    engine.run({}, run_id="r")
    record = engine.store.run("r").record._replace(run_id="f")
    engine.store.release(engine.store.fork(record, Origin("r", 1)))
    with pytest.raises(ng.RunNotFound, match="never began"):
        engine.resume("f")
    assert ["a", "!", "b"] == list(engine.fork("r", 1, new_id="f", update={"log": "!"}).state["log"])
    with pytest.raises(ng.StoreError, match="already"):
        engine.fork("r", 1, new_id="f")


# -- inside a call


@pytest.mark.parametrize("answered", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize(("unknown", "paid"), [("retry", 2), ("ask", 2), ("skip", 1)])
def test_a_call_of_unknown_outcome_follows_its_policy(tmp_path, nursery, till, unknown, paid, answered):
    """Of a process that dies while the till has its money: retry pays again with the same key, ask asks, skip does not."""
    course = Errand(tmp_path, SMALL, till=till)
    till.ambush(signal.SIGKILL, answered=answered)
    life = course.live(nursery, unknown=unknown, **({"point": "before record", "count": 2} if answered else {}))
    assert -signal.SIGKILL == life.code
    (payment,) = till.books.payments
    assert 0 == course.live(nursery, unknown=unknown).code
    assert ([], paid) == (course.faults, till.books.paid[payment.key])
    log = course.log()
    assert (unknown == "ask") == any(line.name.endswith("?") for line in log if line.phase == "asked")
    assert (unknown == "skip") == json.loads(standing(log)[payment.task, 1].data).get("skipped", False)


def test_a_branch_gets_its_own_answers_again():
    """Branches that ask for the same: when their node runs again each is served what it got, whichever was faster."""
    numbers, seen, turns = itertools.count(1), [], asyncio.Event()

    async def first(name):
        if name == "a":
            await turns.wait()

    async def number():
        turns.set()
        return next(numbers)

    async def branch(ctx, name):
        await ctx.call(first, name)
        return [await ctx.call(number), await ctx.call(number)]

    async def work(state, ctx):
        seen.append(await asyncio.gather(branch(ctx, "a"), branch(ctx, "b")))
        if len(seen) < 3:
            raise OSError("again")

    graph = ng.Graph(Log, name="branches")
    graph.node(retry=ng.Retry(3, wait=0.0))(work)
    run = ng.Engine(graph).run({})
    assert [seen[0]] * 3 == seen
    assert [1, 2, 3, 4] == sorted(itertools.chain(*seen[0]))
    assert run.replay().ok


def test_of_two_answers_the_first_counts(tmp_path):
    """A question that two people answer from two kernels has one answer; the second gets an error, and is not kept."""
    graph = ng.Graph(Log, name="asks")
    graph.node(name="ask")(lambda state, ctx: {"log": ctx.ask("Which?", schema=int)})
    first, second = (ng.Engine(graph, store=tmp_path / "runs.sqlite") for _ in "ab")
    assert "waiting" == first.run({}, run_id="r").status
    (line,) = first.store.calls("r")
    first.answer(f"r/{line.seq}", 1)
    with pytest.raises(ng.QuestionError):
        second.answer(f"r/{line.seq}", 2)
    with pytest.raises(ng.StoreError):  # who had looked before the first answer was there
        second.store.answer("r", AnswerRecord(line.seq, 0.0, "2", "b"))
    assert ["1"] == [answer.value for answer in second.store.answers("r")]
    assert [1] == second.resume("r").state["log"]
