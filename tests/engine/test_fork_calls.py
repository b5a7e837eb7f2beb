"""Calls of a fork: made again, or served from the parent's record until the fork parts from it; questions."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import nbgraph as ng
from tests.engine.pasts import GIVEN, adding
from tests.engine.plays import does, play

REPO = Path(__file__).resolve().parents[2]


class Service:
    """What nodes call; counts who asked how often."""

    def __init__(self):
        self.asked = Counter()

    def ask(self, word):
        """Answer."""
        self.asked[word] += 1
        return word.upper()

    async def aask(self, word):
        """Answer later."""
        await asyncio.sleep(0)
        return self.ask(word)

    def refuse(self, word):
        """Raise."""
        self.asked[word] += 1
        raise LookupError(word)

    def taken(self):
        """Return what was asked since the last look."""
        asked, self.asked = self.asked, Counter()
        return dict(asked)


def asking(service, ways="a > b; b > c"):
    """Return a graph whose nodes ask for their own name and for what came last."""

    def node(name):
        def asks(state, ctx):
            last = state["log"][-1] if state["log"] else "nothing"
            return {"log": ctx.call(service.ask, name) + ctx.call(service.ask, f"{name} after {last}")}

        return asks

    return adding(ways, **{name: node(name) for name in "abc"})


@pytest.fixture
def service():
    """A service."""
    return Service()


def engine_of(graph, service, store=":memory:", **options):
    """Return an engine whose run "r" is done, the service's counts at zero."""
    engine = ng.Engine(graph, store=store, **options)
    engine.run(GIVEN, run_id="r")
    service.taken()
    return engine


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_reused_until_it_parts(step, service):
    """With ``reuse_calls`` a fork without an edit calls nothing, at whatever step; without it, all calls behind it."""
    engine = engine_of(asking(service), service)
    digest = engine.open("r").digest
    assert engine.fork("r", step, reuse_calls=True).digest == digest
    assert service.taken() == {}
    assert engine.fork("r", step).digest == digest
    assert sum(service.taken().values()) == 2 * (3 - step)


def test_only_what_differs_is_asked(service):
    """Behind an edit the calls whose request is the same are free, the others are made."""
    engine = engine_of(asking(service), service)
    fork = engine.fork("r", 1, update={"log": "edit"}, reuse_calls=True)
    assert service.taken() == {"b after edit": 1, f"c after {fork.at(3).state['log'][-1]}": 1}
    assert list(fork.calls.reused) == [True, False, True, False]
    assert len(set(fork.calls.call)) == 1
    assert [asked["args"] for asked in fork.calls.asked][:2] == [["b"], ["b after edit"]]


def test_reused_calls_are_the_forks_own(service, tmp_path):
    """A fork's record is whole: it replays, and is forked with its calls, by its own log."""
    store = ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal")
    engine = engine_of(asking(service), service, store)
    fork = engine.fork("r", 1, update={"log": "edit"}, reuse_calls=True, new_id="f")
    service.taken()
    found = fork.replay()
    assert (found.ok, found.calls, found.tasks) == (True, 6, 3)
    assert engine.fork("f", 2, reuse_calls=True).digest == fork.digest
    assert service.taken() == {}
    assert [] == list(store.verify())


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4])
def test_fork_of_a_fork_borrows_from_both(step, service):
    """A fork of a fork is served from its parent's record, and from what that one shares."""
    engine = engine_of(asking(service), service)
    fork = engine.fork("r", 2, reuse_calls=True, new_id="f")
    assert engine.fork("f", min(step, 3), reuse_calls=True).digest == fork.digest
    assert service.taken() == {}


def test_raised_calls_are_reused(service):
    """A call that raised and was handled raises again from the record."""

    def asks(state, ctx):
        try:
            return {"log": ctx.call(service.refuse, "b")}
        except LookupError as error:
            return {"log": repr(error)}

    engine = engine_of(adding("a > b", b=asks), service)
    fork = engine.fork("r", 1, reuse_calls=True)
    assert (fork.digest, service.taken()) == (engine.open("r").digest, {})
    assert list(fork.calls.status) == ["raised"]


def test_what_made_the_parent_fail_is_asked_again(service):
    """The call that failed a run is made again in its fork, those before it are not."""
    works = []

    def asks(state, ctx):
        word = ctx.call(service.ask, "first")
        return {"log": word + ctx.call(service.ask if works else service.refuse, "second")}

    engine = ng.Engine(adding("a > b", b=asks))
    with pytest.raises(ng.NodeError):
        engine.run(GIVEN, run_id="r")
    works.append(True)
    service.taken()
    assert engine.fork("r", reuse_calls=True).state["log"] == ["a", "FIRSTSECOND"]
    assert service.taken() == {"second": 1}


def test_calls_beside_each_other(service):
    """Calls that ``asyncio.gather`` issues, calls in threads with keys, and calls inside calls are reused."""

    @ng.call
    def outer(word):
        return service.ask(word) + ng.current().call(service.ask, f"in {word}")

    async def asks(state, ctx):
        return {"log": list(await asyncio.gather(*(ctx.call(service.aask, word) for word in "xyzx")))}

    engine = engine_of(adding("a > b; b > c", b=asks, c=lambda state: {"log": outer("o")}), service)
    assert engine.fork("r", 0, reuse_calls=True).digest == engine.open("r").digest
    assert service.taken() == {}
    fork = engine.fork("r", 0)
    assert sum(service.taken().values()) == 6
    assert fork.digest == engine.open("r").digest


def test_recorded_time_is_reused_with_its_call(service):
    """A clock reading that went into a call is the recorded one, so that the call is the same."""
    engine = engine_of(adding("a", a=lambda s, ctx: {"log": ctx.call(service.ask, ctx.now().isoformat())}), service)
    assert engine.fork("r", 0, reuse_calls=True).state == engine.open("r").state
    assert service.taken() == {}


def test_a_retried_node_in_a_fork(service):
    """What was borrowed serves every attempt, whatever the numbers of the lines in either log."""
    attempts = []

    def asks(state, ctx):
        words = [ctx.call(service.ask, word) for word in "xyz"]
        attempts.append(1)
        if len(attempts) in (2, 3):
            raise ValueError("again")
        return {"log": words}

    engine = engine_of(adding("a > b", b=does(asks, retry=ng.Retry(attempts=4, wait=0))), service)
    assert engine.fork("r", 1, reuse_calls=True).digest == engine.open("r").digest
    assert (service.taken(), len(attempts)) == ({}, 4)


@pytest.mark.parametrize("more", range(6))
def test_lines_of_two_logs_are_told_apart(more, service):
    """A borrowed call is not taken for one of the fork's own that has the same number, and each serves once."""
    fails = []

    def first(state, ctx):
        return {"log": [ctx.call(service.ask, f"word {place}") for place in range(state["x"])]}

    def second(state, ctx):
        words = [ctx.call(service.ask, "x")]
        if fails:
            fails.pop()
            raise ValueError("again")
        return {"log": words + [ctx.call(service.ask, word) for word in "yz"]}

    engine = engine_of(adding("a > b", a=first, b=does(second, retry=ng.Retry(attempts=2, wait=0))), service)
    fails.append(True)
    engine.fork("r", 0, update={"x": 1 + more}, reuse_calls=True)
    assert (service.taken(), fails) == ({f"word {place}": 1 for place in range(1, 1 + more)}, [])


def test_a_fork_that_failed_still_borrows(service):
    """Resumed inside a node, a fork is served its own calls, and the parent's where it had not come to them."""
    fails = []

    def asks(state, ctx):
        words = [ctx.call(service.ask, "x")]
        if fails:
            raise ValueError("no")
        return {"log": words + [ctx.call(service.ask, word) for word in "yz"]}

    engine = engine_of(adding("a > b", b=asks), service)
    fails.append(True)
    with pytest.raises(ng.NodeError):
        engine.fork("r", 0, reuse_calls=True, new_id="f")
    fails.clear()
    assert (engine.resume("f").digest, service.taken()) == (engine.open("r").digest, {})


def test_a_node_that_wants_no_old_calls(service):
    """A node with ``reuse_calls=False`` asks again in a fork too."""
    graph = asking(service)
    node = next(node for node in graph.nodes if node.name == "b")
    graph.node(name="b", reuse_calls=False)(node.fn)
    engine = engine_of(graph, service)
    engine.fork("r", 1, reuse_calls=True)
    assert sum(service.taken().values()) == 2


@pytest.mark.parametrize("reuse", [False, True])
def test_questions_are_put_again(reuse, service):
    """Answers behind the fork are asked for anew, also where calls are reused; answers before it stay."""

    def asks(state, ctx):
        return {"log": [ctx.call(service.ask, "b"), ctx.ask("Go on?")]}

    engine = ng.Engine(play("a > b; b > c", a=asks, b=asks))
    engine.run({}, run_id="r")
    for answer in ("first", "second"):
        engine.answer(engine.inbox().question[0], answer)
        engine.resume("r")
    fork = engine.fork("r", 1, reuse_calls=reuse, new_id="f")
    assert (fork.status, fork.state["log"], list(engine.inbox().run_id)) == ("waiting", [["B", "first"]], ["f"])
    engine.answer(engine.inbox().question[0], "other")
    assert engine.resume("f").state["log"] == [["B", "first"], ["B", "other"], "c"]
    assert service.taken() == {"b": 2 if reuse else 3}


def test_a_resumed_fork_still_borrows(service):
    """A fork that stood still in between reuses the parent's calls when it goes on, in whatever engine."""
    graph = asking(service)
    engine = engine_of(graph, service)
    fork = engine.fork("r", 0, reuse_calls=True, before="b", new_id="f")
    assert fork.status == "paused"
    assert ng.Engine(graph, store=engine.store).resume("f").digest == engine.open("r").digest
    assert service.taken() == {}
    assert engine.fork("r", 0, before="b", new_id="g").resume().wait().status == "completed"
    assert sum(service.taken().values()) == 6


CHILD = """
import os, sys
import nbgraph as ng
from tests.engine.test_fork_calls import Service, asking
from tests.engine.pasts import GIVEN
service = Service()
store, dies = sys.argv[1:]

def ask(self, word):
    if word.startswith(dies):
        os.kill(os.getpid(), 9)
    with open(store + ".asked", "a") as file:
        print(word, file=file)
    return word.upper()

ask.__qualname__, ask.__module__, Service.ask = "Service.ask", Service.__module__, ask
ng.Engine(asking(service), store=store).fork("r", 0, update={"log": "edit"}, reuse_calls=True, new_id="f")
"""


@pytest.mark.slow
@pytest.mark.parametrize("dies", ["b after", "c after"])
def test_killed_fork_goes_on(dies, service, tmp_path):
    """A fork whose process was killed inside a call is resumed: what it has stays, what it may borrow is borrowed."""
    path = str(tmp_path / "runs.sqlite")
    engine = engine_of(asking(service), service, path)
    done = subprocess.run([sys.executable, "-c", CHILD, path, dies], cwd=REPO, env=os.environ, check=False)
    assert (done.returncode, engine.open("f").status) == (-9, "interrupted")
    plan = engine.open("f").plan()
    assert dict(plan[plan.action == "execute"].iloc[0][["node", "calls"]]) == {"node": dies[0], "calls": 1}
    fork = engine.resume("f")
    before = Path(path + ".asked").read_text().splitlines()
    assert len(before) + sum(service.taken().values()) == 3  # "... after ...", each once
    assert fork.digest == engine.fork("r", 0, update={"log": "edit"}).digest
    assert fork.replay().ok
