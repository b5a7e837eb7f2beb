"""A follower's place in a run: each row once, in order, whoever drives the run, and when."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

import nbgraph as ng
from nbgraph.engine.following import LOOK_EVERY, Follower
from nbgraph.views.subject import Steerable
from tests.engine.stage import SOON, Log, chain, counting, fan

CHECKED = """
from nbgraph.engine.run import Run
from nbgraph.views.subject import Follower, News, Steerable, Subject

def shown(run: Run) -> None:
    steerable: Steerable = run
    subject: Subject = run
    follower: Follower = run.follow()
    news: News | None = follower.take()
"""


class Wider(Log):
    """The state as it became."""

    more: int


class Gate:
    """A node that begins, and goes on when it is let."""

    def __init__(self):
        self.began, self.go = threading.Event(), threading.Event()

    def held(self, state):
        self.began.set()
        self.go.wait(SOON)
        return {"log": "held"}


@pytest.fixture
def gate():
    """A gate that stands open at the end."""
    made = Gate()
    yield made
    made.go.set()


def a(state):
    return {"log": "a"}


def b(state):
    return {"log": "b"}


def held_at(gate):
    """Return a graph of ``a``, a node that waits for the gate, and ``b``."""

    def held(state):
        return gate.held(state)

    return chain(a, held, b)


def everything(follower, until):
    """Take until a status comes that is one of ``until``; return all steps, events and calls."""
    steps, events, calls = [], [], []
    while True:
        assert follower.wait(SOON)
        news = follower.take()
        steps += news.steps
        events += news.events
        calls += news.calls
        if news.status in until and not news.live:
            return steps, events, calls


def in_store(run):
    """Return all that the store has of a run."""
    return list(run.store.steps(run.id)), list(run.store.events(run.id)), list(run.store.calls(run.id))


@pytest.mark.slow
def test_a_run_is_what_views_are_made_for(tmp_path):
    """The type checker finds that a run and its follower have the shape that views ask for."""
    from mypy import api

    program = tmp_path / "shown.py"
    program.write_text(CHECKED)
    told, wrong, code = api.run(["--strict", "--cache-dir", str(tmp_path / "cache"), str(program)])
    assert (0, "") == (code, wrong), told


def test_a_run_has_every_member_that_views_use():
    """What the views' protocol names is there on a run."""
    run = ng.Engine(chain(a)).run()
    members = [name for name in dir(Steerable) if not name.startswith("_")]
    assert "breakpoints" in members
    assert [] == [name for name in members if not hasattr(run, name)]


def test_the_first_look_gives_everything_so_far():
    """Of a past run the first ``take`` gives all rows and how it stands, the second one nothing."""
    run = ng.Engine(chain(a, b)).run()
    follower = run.follow()
    news = follower.take()
    assert in_store(run) == (list(news.steps), list(news.events), list(news.calls))
    assert ("completed", "", False, (), {}) == (news.status, news.holder, news.live, news.running, news.ready)
    assert follower.take() is None


def test_a_file_opened_without_its_graph_can_be_followed(tmp_path):
    """``ng.open_run`` is enough: following runs no code."""
    ng.Engine(chain(a, b), store=tmp_path / "f.sqlite").run(run_id="r")
    news = ng.open_run(tmp_path / "f.sqlite", "r").follow().take()
    assert (["a", "b"], "completed") == ([row.node for row in news.steps], news.status)


@pytest.mark.parametrize("store", [":memory:", "file"])
def test_a_live_run_is_followed_without_gap_or_double(store, tmp_path):
    """However a follower's looks fall between the commits, it gets every row once and in order."""
    engine = ng.Engine(counting(400), store=tmp_path / "f.sqlite" if store == "file" else store, durability="normal")
    run = engine.start({"count": 0})
    followers = [run.follow() for _ in range(3)]
    assert [everything(follower, ["completed"]) for follower in followers] == [in_store(run)] * 3
    assert 401 == len(in_store(run)[0])


def test_an_event_comes_with_the_steps_that_it_names():
    """No event is handed over before the step that had been committed by then."""
    graph = fan(40, lambda state: {"log": state["item"]})
    run = ng.Engine(graph, queue_depth=1).start()
    follower, steps = run.follow(), 0
    while (news := follower.take() if follower.wait(SOON) else None) and (news.live or news.status != "completed"):
        steps += len(news.steps)
        assert all(event.step <= steps for event in news.events)


def test_calls_and_chunks_are_handed_over(gate):
    """The lines of the log of calls and what nodes stream come too, once each."""

    def work(state, ctx):
        gate.held(state)
        ctx.stream("half")
        return {"log": ctx.call(str, 7)}

    follower, chunks, calls = ng.Engine(chain(a, work)).start().follow(), [], []
    gate.began.wait(SOON)
    follower.take()
    gate.go.set()
    while not chunks or len(calls) < 2:
        assert follower.wait(SOON)
        news = follower.take()
        chunks += news.chunks
        calls += news.calls
    assert (["half"], ["started", "returned"]) == ([chunk.delta for chunk in chunks], [call.phase for call in calls])


def test_what_runs_now_is_named(gate):
    """``running`` has node, task and attempt, and when it began in seconds since 1970; ``ready`` counts who waits."""

    def work(state):
        return gate.held(state)

    run = ng.Engine(fan(5, work), max_concurrent=2).start()
    follower = run.follow()
    gate.began.wait(SOON)
    news = follower.take()
    while len(news.running) < 2 or any(one.started is None for one in news.running):
        news = follower.take() or news
    assert ["work", "work"] == [one.node for one in news.running]
    assert {1} == {one.attempt for one in news.running}
    assert all(run.store.run(run.id).record.created <= one.started <= time.time() for one in news.running)
    assert ({"work": 3}, "running", True) == (news.ready, news.status, news.live)


def test_a_resumed_run_is_followed_on(gate):
    """Whoever follows a run that stops and is resumed goes on where it was, through any handle, nothing repeated."""
    engine = ng.Engine(held_at(gate))
    run = engine.start(run_id="r", before="b")
    follower = run.follow()
    gate.go.set()
    first = everything(follower, ["paused"])
    engine.open("r").resume()
    second = everything(follower, ["completed"])
    assert in_store(run) == tuple(one + other for one, other in zip(first, second, strict=True))


def test_a_run_that_becomes_live_later_is_noticed_at_once(gate):
    """A handle of a run that stood still sees it live as soon as another handle resumes it."""
    engine = ng.Engine(held_at(gate))
    engine.run(run_id="r", before="held")
    follower = engine.open("r").follow()
    before = follower.take()
    assert ("paused", False) == (before.status, before.live)
    engine.open("r").resume()
    gate.began.wait(SOON)
    news = follower.take()
    assert ("running", True) == (news.status, news.live)


def test_chunks_of_finished_tasks_are_not_repeated_after_a_resume(gate):
    """A resumed drive begins with the chunks of the tasks that are done; who has them does not get them again."""

    def talk(state, ctx):
        ctx.stream("one")
        gate.held(state)

    def more(state, ctx):
        ctx.stream("two")

    engine = ng.Engine(chain(talk, more))
    run = engine.start(before="more")
    follower = run.follow()
    gate.began.wait(SOON)
    seen = list(follower.take().chunks)
    gate.go.set()
    run.wait(SOON)
    again = engine.launcher.resumed(run.id, None, None, None, {})
    seen += follower.take().chunks
    again.drive()
    seen += follower.take().chunks
    assert ["one", "two"] == [chunk.delta for chunk in seen]


class Looks:
    """A store that counts how often it is asked for a run."""

    def __init__(self, store):
        self._store, self.count = store, 0

    def run(self, run_id):
        self.count += 1
        return self._store.run(run_id)

    def __getattr__(self, name):
        return getattr(self._store, name)


def test_a_file_is_looked_at_twice_a_second_at_most(tmp_path):
    """Of a run that another engine drives the file is asked again only after half a second, from the next step on."""
    ours = ng.Engine(counting(5), store=tmp_path / "f.sqlite")
    theirs = ng.Engine(counting(5), store=tmp_path / "f.sqlite")
    theirs.run({"count": 0}, run_id="r", after=lambda state: state["count"] == 2)
    looks, now = Looks(ours.store), [0.0]
    follower = Follower(looks, "r", lambda: None, clock=lambda: now[0])
    assert [1, 2] == [row.step for row in follower.take().steps]
    theirs.resume("r")
    assert [None] * 50 == [follower.take() for _ in range(50)]
    assert 1 == looks.count
    now[0] += LOOK_EVERY
    news = follower.take()
    assert ([3, 4, 5, 6], "completed", False) == ([row.step for row in news.steps], news.status, news.live)


def test_a_live_run_is_not_read_from_its_file(gate):
    """Once it listens, a follower of this process's run asks the store for nothing more."""
    engine = ng.Engine(held_at(gate))
    run = engine.start()
    gate.began.wait(SOON)
    looks = Looks(engine.store)
    follower = Follower(looks, run.id, run._driven)
    assert ["a"] == [row.node for row in follower.take().steps]
    assert [None] * 50 == [follower.take() for _ in range(50)]
    assert 1 == looks.count


def test_a_deleted_run_is_told_once():
    """Who follows a run that is deleted gets one last news with that status, then nothing."""
    engine = ng.Engine(chain(a))
    run = engine.run()
    now = [0.0]
    follower = Follower(engine.store, run.id, lambda: None, clock=lambda: now[0])
    follower.take()
    engine.delete(run.id)
    now[0] += LOOK_EVERY
    assert "deleted" == follower.take().status
    assert follower.take() is None


def test_a_run_made_anew_under_the_same_name_is_another_one():
    """Where a run was deleted and its id is used again, the old one's follower is told that its run is gone."""
    engine = ng.Engine(chain(a, b))
    engine.run(run_id="r")
    follower = Follower(engine.store, "r", lambda: None, clock=iter(range(100)).__next__)
    follower.take()
    engine.delete("r")
    engine.run(run_id="r")
    assert "deleted" == follower.take().status


def test_waiting_ends_with_news_or_with_the_time(gate):
    """``wait`` says whether there is something new, and takes nothing away."""
    run = ng.Engine(held_at(gate)).start()
    follower = run.follow()
    assert follower.wait(SOON)
    gate.began.wait(SOON)
    while follower.wait(0.0):
        follower.take()
    assert not follower.wait(0.01)
    gate.go.set()
    assert follower.wait(SOON)
    assert "held" in [row.node for row in everything(follower, ["completed"])[0]]


def test_a_forks_shared_and_edited_steps_come_first():
    """The follower of a fork gets the steps that it shares, then the edit, then its own."""
    engine = ng.Engine(chain(a, b))
    engine.run(run_id="r")
    fork = engine.fork("r", step=1, update={"count": 7})
    news = fork.follow().take()
    assert [("a", "done"), ("a", "edited"), ("b", "done")] == [(row.node, row.status) for row in news.steps]


def test_a_migrated_step_reaches_who_follows():
    """A resume that brings the state to another schema makes a step, and whoever follows gets it."""
    store = ng.MemoryStore()
    run = ng.Engine(chain(a, b), store=store).run(run_id="r", before="b")
    wider = ng.Graph(Wider, name="chain")
    wider.node(a)
    wider.node(after="a")(b)
    wider.migration(lambda state: {**state, "more": 1})
    engine = ng.Engine(wider, store=store)
    follower = engine.open(run.id).follow()
    follower.take()
    engine.resume("r")
    rows = everything(follower, ["completed"])[0]
    assert ["migrated", "done"] == [row.status for row in rows]


def test_a_closed_follower_is_forgotten(gate):
    """A run keeps nothing for a follower that was closed or dropped."""
    run = ng.Engine(held_at(gate)).start()
    closed, dropped = run.follow(), run.follow()
    closed.take()
    dropped.take()
    ears = [weakref.ref(closed._ear), weakref.ref(dropped._ear)]
    closed.close()
    del dropped
    gc.collect()
    assert [None, None] == [ear() for ear in ears]
    gate.go.set()
    run.wait(SOON)
    assert closed.take() is None


# -- what a task was given


def test_what_a_task_was_given_is_what_its_node_saw():
    """``given`` is the gathered state before the task's own update, with the fields of its ``Send``; 0 is the input."""
    seen = {}

    def work(state):
        seen[state["item"]] = dict(state)
        return {"log": state["item"]}

    run = ng.Engine(fan(3, work)).run({"count": 4})
    for row in run.store.steps(run.id):
        if row.node == "work":
            given = dict(run.given(row.step))
            assert seen[given["item"]] == given
    last = run.store.run(run.id).steps
    assert [0, 1, 2] == run.given(last)["log"]
    assert "item" not in run.given(last)
    assert dict(run.input) == dict(run.given(0))


def test_what_a_send_gave_stays_down_its_branch():
    """A field of a ``Send`` is in what every task of the branch was given, the nearest ``Send`` first."""
    graph = ng.Graph(Log, name="deep")
    graph.node(name="split", sends="one")(lambda state: [ng.Send("one", item=1, kept=True), ng.Send("one", item=5)])
    graph.node(name="one", sends="two")(lambda state: [ng.Send("two", item=state["item"] + 1)])
    graph.node(name="two")(lambda state: None)
    graph.node(name="three", after="two", join="each")(lambda state: None)
    run = ng.Engine(graph, max_concurrent=1).run()
    given = [run.given(row.step) for row in run.store.steps(run.id) if row.node == "three"]
    assert [(2, True), (6, None)] == sorted((state["item"], state.get("kept")) for state in given)


def test_there_is_nothing_that_a_missing_step_was_given():
    """``given`` of a step that the run does not have raises, naming those that it has."""
    with pytest.raises(ng.RunError, match="no step 9") as caught:
        ng.Engine(chain(a)).run().given(9)
    assert 9 == caught.value.step
