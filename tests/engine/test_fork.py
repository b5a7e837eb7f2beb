"""Forks: a new run that shares another's past up to a step, goes its own way, and leaves the other one alone."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import nbgraph as ng
from tests.contracts.drawn import GraphShape, NodeShape, build, graphs
from tests.engine.pasts import GIVEN, SHAPES, State, adding, adds, given_to, rows_of
from tests.engine.plays import play, ran
from tests.engine.stage import SOON, counting

LIMIT = 120


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    """A store of each kind."""
    made = (
        ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal") if request.param == "file" else ng.MemoryStore()
    )
    yield made
    made.close()


@pytest.fixture
def file(tmp_path):
    """A store in a file."""
    with ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal") as made:
        yield made


def node(mode, *targets, writes=(), each=False):
    """Return a drawn node."""
    return NodeShape(mode, targets, each, writes, fails=False, catch=None)


LATE_CONFLICT = GraphShape((
    node("send", 0, 1), node("some", 5, 0, 6, writes=("left",)), node("edges", 0, 1), node("edges", 0, 1),
    node("edges", 2, 1), node("edges", 1, 4, each=True), node("edges", 0, 1),
))  # fmt: skip
"""Of several conflicts the first in canonical order is found late, behind a gather."""


# -- the same past, the same future


@pytest.mark.parametrize("shape", SHAPES)
def test_fork_at_every_step(shape, store):
    """Forked at any step and not edited, a run ends as it did; its replay finds no difference."""
    graph = SHAPES[shape]()
    engine = ng.Engine(graph, store=store)
    run = engine.run(given_to(graph), run_id="r")
    for step in range(run.status == "completed" and len(run.tasks) + 1):
        fork = engine.fork("r", step)
        assert (fork.status, fork.digest, fork.state) == ("completed", run.digest, run.state)
        assert fork.replay().ok
        assert fork.at(step).state == run.at(step).state
    assert [] == list(store.verify())


@pytest.mark.parametrize("step", [0, 1, 50, 99, 100, 101, 127, 160, 161, None])
def test_fork_of_a_long_loop(step, file):
    """A loop over places where a resume can pick up is forked before, at and behind them."""
    engine = ng.Engine(counting(160), store=file)
    run = engine.run({"count": 0}, run_id="r")
    fork = engine.fork("r", step)
    assert (fork.digest, fork.state["count"], len(fork.tasks)) == (run.digest, 160, 161)
    assert engine.fork(fork.id, 120).digest == run.digest


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@example(shape=LATE_CONFLICT, where=2, stops=[5], width=1)
@given(
    shape=graphs(),
    where=st.integers(0, 10**6),
    stops=st.lists(st.integers(1, 5), max_size=6),
    width=st.sampled_from((1, 8)),
)
def test_fork_of_drawn_graphs(shape, where, stops, width):
    """Forked anywhere, and stopped on its way and resumed: the digest, or the error, of the run that it is a fork of."""
    engine = ng.Engine(build(shape), max_steps=LIMIT, max_concurrent=width)
    expected = outcome(lambda: engine.run({}, run_id="r"))
    assume(expected != ("endless",))
    steps = len(list(engine.store.steps("r")))
    at = where % (steps + 1)
    found = outcome(lambda: engine.fork("r", at, new_id="f", max_steps=at + max(1, sum(stops[:1]))))
    for place in range(2, len(stops) + 1):
        if found == ("endless",):
            found = outcome(lambda: engine.resume("f", max_steps=at + sum(stops[:place])))  # noqa: B023 - called at once
    if found == ("endless",):
        found = outcome(lambda: engine.resume("f"))
    assert expected == found


EDITS = ({"log": ["edit"], "total": 5}, {"odd": "edit"}, {"left": 5}, {"tags": {9}, "right": 1, "top": 500})


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(shape=graphs(), where=st.integers(0, 10**6), edit=st.sampled_from(EDITS), how=st.sampled_from(("update", "state")),
       stops=st.lists(st.integers(1, 4), max_size=4))  # fmt: skip
def test_edited_fork_of_drawn_graphs(shape, where, edit, how, stops):
    """An edited fork ends the same whatever runs beside what, and wherever it is stopped; it reads back as it ran."""
    narrow = ng.Engine(build(shape), max_steps=LIMIT, max_concurrent=1)
    wide = ng.Engine(build(shape), store=narrow.store, max_steps=LIMIT, max_concurrent=8)
    assume(outcome(lambda: narrow.run({}, run_id="r")) != ("endless",))
    at = where % (len(list(narrow.store.steps("r"))) + 1)
    how = {how: edit}
    expected = outcome(lambda: narrow.fork("r", at, new_id="n", **how))
    assume(expected != ("endless",))
    assert expected == outcome(lambda: wide.fork("r", at, new_id="w", **how))
    found = outcome(lambda: wide.fork("r", at, new_id="s", max_steps=at + 2, **how))
    for stop in [*stops, LIMIT]:
        if found == ("endless",):
            found = outcome(lambda: wide.resume("s", max_steps=wide.store.run("s").steps + stop))  # noqa: B023 - called at once
    assert expected == found
    if expected[0] == "completed":
        run = narrow.open("n")
        assert [step.state for step in run.history()] == [run.at(step).state for step in range(1, len(run.tasks) + 1)]
        assert narrow.replay("n").ok


def outcome(go):
    """Return what became of a run, comparable between runs."""
    try:
        return ("completed", go().digest)
    except ng.MaxStepsError:
        return ("endless",)
    except ng.NbgraphError as error:
        return (type(error).__name__, error.message)


def test_fork_of_a_failed_run(store):
    """A failed run's fork has its past and today's code: what is mended goes through, and the parent stays failed."""
    graph = play("a > b c; b c > d", b=lambda state: 1 / 0)
    engine = ng.Engine(graph, store=store)
    with pytest.raises(ng.NodeError):
        engine.run({}, run_id="r")
    with pytest.raises(ng.NodeError, match="division"):
        engine.fork("r", new_id="again")
    graph.node(name="b")(lambda state: {"log": "mended"})
    fork = engine.fork("r")
    assert fork.state["log"] == ["a", "mended", "c", "d"]
    assert engine.open("r").status == engine.open("again").status == "failed"


def test_fork_of_a_waiting_run(store):
    """A fork of a run that waits for a person asks again, under its own question; the parent's stays open."""
    engine = ng.Engine(play("a > b; b > c", b=lambda state, ctx: {"log": ctx.ask("Go on?")}), store=store)
    assert engine.run({}, run_id="r").status == "waiting"
    fork = engine.fork("r", new_id="f")
    assert (fork.status, sorted(engine.inbox().run_id)) == ("waiting", ["f", "r"])
    engine.answer(engine.inbox().set_index("run_id").question["f"], "yes")
    assert engine.resume("f").state["log"] == ["a", "yes", "c"]
    assert (engine.open("r").status, list(engine.inbox().run_id)) == ("waiting", ["r"])


@pytest.mark.parametrize("before", ["b", "c"])
def test_fork_of_a_paused_run(before, store):
    """A paused run is forked where it stands, and both go on by themselves."""
    engine = ng.Engine(adding("a > b; b > c"), store=store)
    run = engine.run(GIVEN, run_id="r", before=before)
    fork = engine.fork("r", update={"log": "forked"})
    assert run.status == "paused"
    assert "forked" in fork.state["log"]
    assert engine.resume("r").state["log"] == ["a", "b", "c"]


def test_fork_of_a_running_run(store):
    """A run that is driven meanwhile can be forked at what it has committed; neither waits for the other."""
    go, begun = threading.Event(), threading.Event()

    def held(state, ctx):
        if ctx.run_id == "r":
            begun.set()
            go.wait(SOON)
        return {"log": "held"}

    engine = ng.Engine(play("a > held; held > c", held=held), store=store)
    run = engine.start({}, run_id="r")
    assert begun.wait(SOON)
    fork = engine.fork("r", 1)
    assert (fork.status, run.status) == ("completed", "running")
    go.set()
    assert run.wait().digest == fork.digest


# -- what is shared


def test_the_parent_is_not_written(file):
    """Forks with edits and other code, killed, deleted: the parent's rows are the same bytes."""
    graph = adding("a > b c; b c > d", d=lambda state, ctx: {"x": ctx.call(abs, -3)})
    engine = ng.Engine(graph, store=file)
    engine.run(GIVEN, run_id="r")
    before = rows_of(file, "r")
    for step in range(5):
        engine.fork("r", step, update={"log": "!"}, reuse_calls=True)
    graph.node(name="d", after=["b", "c"])(adds("other"))
    engine.fork("r", 2, state={"x": 9}, seed=4, new_id="f")
    file.delete("f")
    assert before == rows_of(file, "r")


def test_shared_steps_are_not_copied(file):
    """A fork's own rows are the edit and what it executed; what it costs does not depend on the past."""
    engine = ng.Engine(counting(300), store=file)
    engine.run({"count": 0}, run_id="r")
    for step, own in ((295, 6), (1, 300), (301, 0)):
        fork = engine.fork("r", step)
        assert (len(rows_of(file, fork.id)["steps"]), len(fork.tasks)) == (own, 301)
    fork = engine.fork("r", 295, state={"count": 299})
    assert (len(rows_of(file, fork.id)["steps"]), len(fork.tasks)) == (3, 298)


def test_fork_reads_as_one_run(store):
    """A fork's tables, history and states go through the shared past, the edit and its own steps."""
    engine = ng.Engine(adding("a > b; b > c"), store=store)
    parent = engine.run(GIVEN, run_id="r")
    fork = engine.fork("r", 1, update={"log": "edit"}, new_id="f")
    assert ran(fork) == ["a", "a", "b", "c"]
    assert [step.status for step in fork.history()] == ["done", "edited", "done", "done"]
    assert [fork.at(step).state["log"] for step in range(5)] == [
        [], ["a"], ["a", "edit"], ["a", "edit", "b"], ["a", "edit", "b", "c"],
    ]  # fmt: skip
    assert [step.state for step in fork.history()] == [fork.at(step).state for step in range(1, 5)]
    assert list(fork.events[fork.events.kind == "run.forked"].data) == [{"origin": "r", "at": 1, "reuse_calls": False}]
    assert (list(fork.tasks.step), fork.input, list(fork.steps.step)) == ([1, 2, 3, 4], parent.input, [1, 2, 3, 4])
    assert not fork.diff(parent).same


def test_fork_of_a_fork(store):
    """A fork is forked like any run, at a step of its own, at its edit, or of the shared past."""
    engine = ng.Engine(adding("a > b; b > c"), store=store)
    engine.run(GIVEN, run_id="r")
    engine.fork("r", 1, update={"log": "one"}, new_id="f")
    assert engine.fork("f", 3, update={"log": "two"}).state["log"] == ["a", "one", "b", "two", "c"]
    assert engine.fork("f", 2).state["log"] == ["a", "one", "b", "c"]
    assert engine.fork("f", 2, update={"log": "two"}).state["log"] == ["a", "one", "two", "b", "c"]
    assert engine.fork("f", 1).state["log"] == ["a", "b", "c"]


def test_runs_tells_the_origin(store):
    """The table of runs says of a fork which run it comes from, and the last step that they share."""
    engine = ng.Engine(adding("a > b"), store=store)
    engine.run(GIVEN, run_id="r")
    engine.fork("r", 1, new_id="f")
    engine.fork("f", new_id="g")
    assert list(engine.runs().origin) == ["", "r@1", "f@2"]


def test_a_parent_stays_while_it_has_forks(file):
    """A run cannot be deleted, nor pruned of what a fork shares, before its forks are gone."""
    engine = ng.Engine(counting(250), store=file)
    engine.run({"count": 0}, run_id="r")
    engine.fork("r", 50, new_id="f")
    for refused in (lambda: file.delete("r"), lambda: engine.prune("r", before=220)):
        with pytest.raises(ng.StoreError, match="f"):
            refused()
    assert engine.open("f").state["count"] == 250
    file.delete("f")
    assert engine.prune("r", before=220) == 200
    with pytest.raises(ng.NbgraphError, match=r"pruned|no step"):
        engine.fork("r", 50)
    assert engine.fork("r", 230).state["count"] == 250


# -- what may differ


def rolling(state, ctx):
    """Say a seeded number."""
    return {"log": ctx.rng.random()}


def test_fork_with_another_seed(store):
    """Tasks behind the fork draw by its seed, also when it is resumed; the shared past keeps its numbers."""
    engine = ng.Engine(play("a > b; b > c", a=rolling, b=rolling, c=rolling), store=store, seed=1)
    log = engine.run({}, run_id="r").state["log"]
    other = ng.Engine(engine.graph, seed=2).run({}).state["log"]
    assert engine.fork("r", 1).state["log"] == log
    fork = engine.fork("r", 1, seed=2, before="c", new_id="f")
    assert fork.status == "paused"
    assert engine.resume("f").state["log"] == [log[0], *other[1:]]
    assert engine.open("f").replay().ok


def test_fork_with_changed_code(store):
    """A fork runs today's code, and says so in its graphs; the past is what it was."""
    graph = adding("a > b; b > c")
    engine = ng.Engine(graph, store=store)
    engine.run(GIVEN, run_id="r")
    graph.node(name="b")(adds("B"))
    graph.node(name="d", after="c")(adds("d"))
    fork = engine.fork("r", 1)
    assert fork.state["log"] == ["a", "B", "c", "d"]
    assert engine.open("r").state["log"] == ["a", "b", "c"]
    assert [len(engine.store.descriptions(run)) for run in ("r", fork.id)] == [1, 2]


def test_fork_with_other_options(store):
    """Bounds and breakpoints of a fork are its own."""
    engine = ng.Engine(adding("a > b c; b c > d; d > e"), store=store)
    engine.run(GIVEN, run_id="r")
    with pytest.raises(ng.MaxStepsError):
        engine.fork("r", 1, max_steps=2, new_id="f")
    assert engine.resume("f").digest == engine.open("r").digest
    assert engine.fork("r", 1, after="d").status == "paused"
    fork = engine.fork("r", 3, before="d", update={"log": "look"})
    assert (fork.status, fork.state["log"][-1]) == ("paused", "look")


def test_fork_in_the_background(store):
    """``Run.fork`` returns a live run at once; ``afork`` awaits it."""
    import asyncio

    engine = ng.Engine(adding("a > b"), store=store)
    run = engine.run(GIVEN, run_id="r")
    fork = run.fork(1, new_id="f")
    assert (fork.id, fork.wait(SOON).digest) == ("f", run.digest)
    assert asyncio.run(engine.afork("r", 1, update={"log": "x"})).state["log"] == ["a", "x", "b"]


# -- refusals


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"step": 3}, ng.RunError),
        ({"step": -1}, ng.RunError),
        ({"update": {"lag": 1}}, ng.StateError),
        ({"state": {"lag": 1}}, ng.StateError),
        ({"update": {"x": "one"}}, ng.StateError),
        ({"state": {"log": "one"}}, ng.StateError),
        ({"update": {"x": 1}, "state": {"x": 2}}, ng.StateError),
        ({"update": [("x", 1)]}, ng.StateError),
        ({"state": 5}, ng.StateError),
        ({"update": {"log": object()}}, ng.CodecError),
        ({"new_id": "r"}, ng.NbgraphError),
        ({"before": "nobody"}, ng.NbgraphError),
        ({"max_step": 3}, ng.NbgraphError),
    ],
)  # fmt: skip
def test_refused_before_anything_is_changed(how, kind, file):
    """What cannot be a fork raises a typed error, and no fork is left over."""
    engine = ng.Engine(adding("a > b"), store=file)
    engine.run(GIVEN, run_id="r")
    before = rows_of(file, "r")
    with pytest.raises(kind):
        engine.fork("r", **{"step": 1, **how})
    assert (before, list(engine.runs().run_id)) == (rows_of(file, "r"), ["r"])
    assert engine.fork("r", 1).status == "completed"


def test_fork_of_no_run(store):
    """A run that is not there, or of another graph, cannot be forked."""
    engine = ng.Engine(adding("a > b"), store=store)
    engine.run(GIVEN, run_id="r")
    with pytest.raises(ng.RunNotFound):
        engine.fork("nobody")
    other = ng.Engine(play("a > b", State, name="other"), store=store)
    with pytest.raises(ng.GraphError, match="graph 'play'"):
        other.fork("r", 1)


def test_predicate_that_fails_on_the_edit(store):
    """A predicate or a reducer that raises on the edited state refuses the fork, with its own error as the cause."""
    graph = adding("a")
    graph.node(name="b")(adds("b"))
    graph.edge("a", "b", when=lambda state: 1 / state["x"])
    engine = ng.Engine(graph, store=store)
    engine.run(GIVEN, run_id="r")
    with pytest.raises(ng.StateError, match="ZeroDivisionError") as refused:
        engine.fork("r", 1, state={"x": 0})
    assert isinstance(refused.value.__cause__, ZeroDivisionError)
    assert list(engine.runs().run_id) == ["r"]
