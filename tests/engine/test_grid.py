"""What if: many forks of one run as one table, side by side under one budget."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

import nbgraph as ng
from tests.engine.pasts import GIVEN, adding
from tests.engine.plays import play
from tests.engine.stage import SOON, Gauge, PushedClock


@pytest.fixture
def store(tmp_path):
    """A store in a file."""
    with ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal") as made:
        yield made


def engine_of(graph, store=":memory:", **options):
    """Return an engine whose run "r" is done."""
    engine = ng.Engine(graph, store=store, **options)
    engine.run(GIVEN, run_id="r")
    return engine


def times_ten(state):
    """Make much of x."""
    return {"total": 10 * state["x"], "log": "b"}


def test_a_row_for_each_edit(store):
    """Each edit is a fork of its own, in the order given: its id, how it ended, the edit, and the final state."""
    engine = engine_of(adding("a > b; b > c", b=times_ten), store)
    frame = engine.fork_many("r", 1, edits=[{"x": 2}, {"x": 3, "log": "e"}, {}])
    assert list(frame.status) == ["completed"] * 3
    assert list(frame["edit.x"])[:2] == [2, 3]
    assert list(frame.x) == [2, 3, 1]
    assert list(frame.total) == [22, 33, 12]
    assert list(frame.log) == [["a", "b", "c"], ["a", "e", "b", "c"], ["a", "b", "c"]]
    assert list(frame.steps) == [3, 3, 2]
    assert (frame.seconds >= 0).all()
    assert [engine.open(run).state["total"] for run in frame.run_id] == [22, 33, 12]
    assert list(engine.runs().origin) == ["", "r@1", "r@1", "r@1"]


def test_a_fork_that_fails_is_a_row():
    """What a fork raises, and an edit that does not fit, is told in its row; the others are not disturbed."""

    def divides(state):
        return {"total": 12 // state["x"]}

    engine = engine_of(adding("a > b; b > c", b=divides))
    frame = engine.fork_many("r", 1, edits=[{"x": 3}, {"x": 0}, {"y": 1}, {"x": "two"}, 5, {"x": 4}])
    assert list(frame.status) == ["completed", "failed", "not begun", "not begun", "not begun", "completed"]
    words = ["", "NodeError: node 'b' raised ZeroDivisionError", "StateError", "StateError", "StateError", ""]
    assert all(word in error and bool(word) == bool(error) for word, error in zip(words, frame.error, strict=True))
    assert len(engine.runs()) == 4


def test_a_predicate_that_fails_is_a_row():
    """So is an edit that the graph's predicates cannot work with."""
    graph = adding("a")
    graph.node(name="b")(lambda state: {"log": "b"})
    graph.edge("a", "b", when=lambda state: 1 / state["x"])
    frame = engine_of(graph).fork_many("r", 1, edits=[{"x": 0}, {"x": 2}])
    assert list(frame.status) == ["not begun", "completed"]
    assert frame.error[0].startswith("StateError")


@pytest.mark.parametrize("width", [1, 3])
def test_side_by_side(width):
    """So many forks run at the same time, and no more."""
    go, more, gauge, full = threading.Event(), threading.Event(), Gauge(), threading.Barrier(width + 1)

    def waits(state, ctx):
        if ctx.run_id != "r":
            with gauge:
                more.set() if gauge.inside > width else go.is_set() or full.wait(SOON)
                go.wait(SOON)
        return {"log": "b"}

    engine, frames = engine_of(adding("a > b", b=waits)), []
    edits = [{"x": place} for place in range(2 * width)]
    grid = threading.Thread(
        target=lambda: frames.append(engine.fork_many("r", edits=edits, side_by_side=width, step=1))
    )
    grid.start()
    full.wait(SOON)
    too_many = more.wait(0.3)
    go.set()
    grid.join()
    assert (too_many, gauge.peak, list(frames[0].status)) == (False, width, ["completed"] * 2 * width)


def test_one_budget_for_all():
    """All forks share the time: what is under way when it is spent is paused, the rest is not begun; all say why."""
    clock = PushedClock()

    def slow(state, ctx):
        if ctx.run_id != "r":
            clock.push(4)
        return {"log": "b"}

    engine = engine_of(adding("a > b; b > c", b=slow, c=slow), clock=clock)
    frame = engine.fork_many("r", 1, edits=[{}] * 4, side_by_side=1, time_budget=10)
    assert list(frame.status) == ["completed", "paused", "not begun", "not begun"]
    assert ["" if not error else error.split(":")[0] for error in frame.error] == [
        "",
        "BudgetError",
        "not begun",
        "not begun",
    ]
    assert engine.resume(frame.run_id[1]).status == "completed"


@pytest.mark.parametrize("side_by_side", [1, 4])
@pytest.mark.parametrize("budget", [{"cost_budget": "0.000095"}, {"token_budget": 95}])
def test_one_budget_of_money_and_tokens_for_all(budget, side_by_side):
    """All forks pay from one purse, side by side too: nothing is spent beyond it, and every row says what it cost."""

    def ask(text, model, max_tokens):
        return {"model": model, "usage": {"input_tokens": 10, "output_tokens": 20}}

    def pays(state, ctx):
        if ctx.run_id != "r":
            ctx.call(ask, "x" * 19, model="m", max_tokens=20)
        return {"log": "b"}

    engine = engine_of(adding("a > b; b > c", b=pays, c=pays), prices={"m": (1, 1)})
    frame = engine.fork_many("r", 1, edits=[{}] * 4, side_by_side=side_by_side, **budget)
    assert (90, Decimal("0.00009")) == (frame.tokens.sum(), frame.cost.sum())
    assert {"paused", "completed", "not begun"} >= set(frame.status)
    paused = frame[frame.status == "paused"]
    assert all("and the forks beside it spent" in error for error in paused.error)
    assert all("is spent" in error for error in frame.error[frame.status == "not begun"])
    assert all(engine.resume(run_id).status == "completed" for run_id in paused.run_id)


def test_what_a_fork_cost_may_be_unknown():
    """A fork whose cost nobody knows says so in its row, with NaN; its tokens are known."""

    def asks(state, ctx):
        ctx.usage(model="nobodys-in-a-grid", input_tokens=7)

    frame = engine_of(adding("a > b", b=asks)).fork_many("r", 1, edits=[{}])
    assert (7, True) == (frame.tokens[0], frame.cost[0].is_nan())


def test_calls_are_reused_where_asked():
    """``reuse_calls`` and other options go to every fork; the table counts the calls made and those reused."""
    asked = []

    def asks(state, ctx):
        return {"log": [ctx.call(asked.append, "same"), ctx.call(asked.append, state["x"])]}

    engine = engine_of(adding("a > b", b=asks))
    frame = engine.fork_many("r", 1, edits=[{"x": 1}, {"x": 2}], reuse_calls=True, seed=7)
    assert (asked, list(frame.calls), list(frame.reused)) == (["same", 1, 2], [0, 1], [2, 1])
    assert list(engine.runs().seed) == [0, 7, 7]


def test_forks_that_wait_are_rows():
    """A fork that asks a person is a row like any other, its status "waiting"."""
    engine = ng.Engine(play("a > b", b=lambda state, ctx: {"log": ctx.ask("Go on?")}))
    engine.run({}, run_id="r")
    frame = engine.fork_many("r", edits=[{"x": 1}, {"x": 2}])
    assert list(frame.status) == ["waiting"] * 2
    assert sorted(engine.inbox().run_id) == sorted(["r", *frame.run_id])


def test_no_edits():
    """Without edits there are no forks, and an empty table with its columns."""
    frame = engine_of(adding("a")).fork_many("r", edits=[])
    assert (len(frame), list(frame.columns)[:3]) == (0, ["run_id", "status", "error"])


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"side_by_side": 0}, ng.OptionsError),
        ({"side_by_side": 1.5}, ng.OptionsError),
        ({"time_budget": -1}, ng.OptionsError),
        ({"cost_budget": 0}, ng.OptionsError),
        ({"token_budget": 1.5}, ng.OptionsError),
        ({"new_id": "one"}, ng.OptionsError),
        ({"update": {"x": 1}}, ng.OptionsError),
        ({"max_step": 3}, ng.OptionsError),
        ({"step": 9}, ng.RunError),
        ({"run": "nobody"}, ng.RunNotFound),
    ],
)
def test_refused_as_a_whole(how, kind):
    """What is wrong with every fork alike raises before any is made."""
    engine = engine_of(adding("a"))
    with pytest.raises(kind):
        engine.fork_many(**{"run": "r", "step": 1, "edits": [{"x": 1}, {"x": 2}], **how})
    assert list(engine.runs().run_id) == ["r"]


def test_a_run_may_be_given_as_itself():
    """Where an id is asked for, the run itself will do: to fork, to fork many times, to replay."""
    graph = ng.Graph({"n": int}, name="self")
    graph.node(lambda state: {"n": state["n"] + 1}, name="only")
    engine = ng.Engine(graph)
    run = engine.run({"n": 1})
    assert 2 == engine.fork(run).state["n"]
    assert [6] == list(engine.fork_many(run, 0, edits=[{"n": 5}]).n)
    assert engine.replay(run).ok
