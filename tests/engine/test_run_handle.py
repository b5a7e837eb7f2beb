"""The run in one's hand: what it tells, live or past, and what one can do with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

import nbgraph as ng
from tests.engine.stage import SOON, Log, chain, counting, kinds, nodes_of, says


def a(state):
    return {"log": "a"}


def b(state):
    return {"log": "b", "count": 2}


def c(state):
    return {"log": "c"}


def abc(**options):
    """Return an engine of a chain of three."""
    return ng.Engine(chain(a, b, c), **options)


class Gate:
    """A node ``held`` that begins, and goes on when it is let."""

    def __init__(self):
        self.began, self.go = threading.Event(), threading.Event()

    def held(self, state):
        self.began.set()
        self.go.wait(SOON)
        return {"log": "held"}

    def engine(self, **options):
        """Return an engine of ``a``, the held node and ``c``."""

        def held(state):
            return self.held(state)

        return ng.Engine(chain(a, held, c), **options)


@pytest.fixture
def gate():
    """A gate that stands open at the end."""
    made = Gate()
    yield made
    made.go.set()


# -- what it tells


def test_a_run_has_the_id_that_was_asked_for_or_one_of_its_own():
    """Two runs without an id have different ones; a taken id is refused and its run untouched."""
    engine = abc()
    assert "mine" == engine.run(run_id="mine").id
    assert engine.run().id != engine.run().id
    with pytest.raises(ng.StoreError, match="mine"):
        engine.run(run_id="mine")
    assert "completed" == engine.open("mine").status


def test_a_completed_run_tells_its_state():
    """State, status and error of a run that went well."""
    run = abc().run({"log": ["x"]})
    assert ("completed", None, False) == (run.status, run.error, run.live)
    assert {"log": ["x", "a", "b", "c"], "count": 2} == run.state
    assert {"log": ["x"]} == run.input


def test_any_step_can_be_looked_at():
    """``at(n)`` is the state after step n, 0 the input, and the node that made it."""
    run = abc().run({"log": []})
    assert [[], ["a"], ["a", "b"], ["a", "b", "c"]] == [run.at(step).state["log"] for step in range(4)]
    assert ["", "a", "b", "c"] == [run.at(step).node for step in range(4)]
    assert [1, 2, 3] == [view.step for view in run.history()]
    assert [view.state for view in run.history()] == [run.at(step).state for step in (1, 2, 3)]


@pytest.mark.parametrize("step", [-1, 4, 1000])
def test_a_step_that_is_not_there_is_refused(step):
    """``at`` names the steps that there are."""
    with pytest.raises(ng.RunError, match="no step") as caught:
        abc().run(run_id="r").at(step)
    assert ("r", step) == (caught.value.run_id, caught.value.step)


def test_tables_are_data_frames():
    """Tasks, steps and events are pandas tables with one row each, times in UTC."""
    run = abc().run()
    tasks, steps, events = run.tasks, run.steps, run.events
    assert ["a", "b", "c"] == list(tasks.node) == list(steps.node)
    columns = ["step", "node", "status", "attempts", "started", "seconds", "parents", "task", "printed"]
    assert columns == list(tasks.columns)
    assert ([1, 2, 3], [1, 1, 1], [[0], [1], [2]]) == (list(tasks.step), list(tasks.attempts), list(tasks.parents))
    assert "UTC" == str(tasks.started.dt.tz)
    assert (tasks.seconds >= 0).all()
    assert [{"log": "a"}, {"count": 2, "log": "b"}, {"log": "c"}] == list(steps["update"])
    assert ["step", "step", "step", "run.completed"] == list(events.kind)


def test_a_failed_task_is_a_row_without_a_step():
    """The tasks table shows what failed, below what finished."""

    def bad(state):
        raise ValueError

    engine = ng.Engine(chain(a, bad))
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    tasks = engine.open("r").tasks
    assert [("a", "done"), ("bad", "failed")] == list(zip(tasks.node, tasks.status, strict=True))
    assert tasks.step.isna().tolist() == [False, True]
    assert [event.data["seconds"] for event in engine.open("r").stream() if event.kind == "task.failed"] == [
        tasks.seconds.iloc[1]
    ]


def test_equal_runs_have_equal_digests():
    """The digest covers tasks, updates and final state: same for the same, another for another input."""
    engine = abc()
    first, second, other = engine.run({}), engine.run({}), engine.run({"log": ["x"]})
    assert first.digest == second.digest != other.digest
    assert 64 == len(first.digest)


def test_the_repr_says_which_how_and_what():
    """A run shows its id, graph, status, steps and error in one line."""

    def bad(state):
        raise ValueError("no luck")

    assert "<Run 'r' of 'chain': completed, 3 steps>" == repr(abc().run(run_id="r"))
    engine = ng.Engine(chain(a, bad))
    with pytest.raises(ng.NodeError):
        engine.run(run_id="r")
    assert "failed, 1 steps: node 'bad' raised ValueError: no luck" in repr(engine.open("r"))


@dataclass
class Point:
    """A state that is a record."""

    x: int = 0
    y: int = 0


def test_a_state_of_a_dataclass_is_told_as_one():
    """State, input and history of a run over records are records."""
    graph = ng.Graph(Point, name="points")
    graph.node(name="move")(lambda state: {"x": state.x + 1})
    run = ng.Engine(graph).run(Point(1, 2))
    assert (Point(1, 2), Point(2, 2)) == (run.input, run.state)
    assert Point(2, 2) == run.at(1).state


# -- live


def test_a_live_run_tells_how_far_it_is(gate):
    """Status, steps and state of a run can be read while it goes on, from its handle and from the store."""
    engine = gate.engine()
    run = engine.start(run_id="r")
    assert gate.began.wait(SOON)
    assert ("running", True, ["a"]) == (run.status, run.live, nodes_of(run))
    assert ["a"] == run.state["log"] == engine.open("r").state["log"]
    assert ["running"] == list(engine.runs().status)
    assert engine.runs().holder[0]
    gate.go.set()
    assert ["a", "held", "c"] == run.wait(SOON).state["log"]
    assert [""] == list(engine.runs().holder)


def test_waiting_may_end_before_the_run(gate):
    """``wait(timeout)`` returns the run that goes on."""
    run = gate.engine().start()
    assert gate.began.wait(SOON)
    assert run is run.wait(0.01)
    assert "running" == run.status


def test_waiting_raises_what_the_run_failed_with():
    """``wait`` raises the node's failure every time it is asked, also on a run opened later."""

    def bad(state):
        raise ValueError

    engine = ng.Engine(chain(bad))
    run = engine.start(run_id="r")
    for waiting in (run, run, engine.open("r")):
        with pytest.raises(ng.NodeError):
            waiting.wait(SOON)
    assert isinstance(run.error, ng.NodeError)


def test_any_handle_steers_a_live_run(gate):
    """Pausing and waiting work on every handle of a run, whichever started it."""
    engine = gate.engine()
    engine.run(run_id="r", before="held")
    first, second = engine.open("r"), engine.open("r")
    second.resume()
    assert gate.began.wait(SOON)
    assert (True, True) == (first.live, second.live)
    first.pause(0)
    gate.go.set()
    assert ("paused", ["a", "held"]) == (first.wait(SOON).status, nodes_of(second))


def test_a_failure_that_was_repaired_is_no_handles_error_any_more():
    """Once another handle has resumed the run to its end, the one that saw it fail has no error either."""
    broken = [True]

    def fragile(state):
        if broken:
            raise ValueError(broken.pop())

    engine = ng.Engine(chain(fragile))
    run = engine.start(run_id="r")
    with pytest.raises(ng.NodeError):
        run.wait(SOON)
    assert isinstance(run.error.__cause__, ValueError)
    engine.open("r").resume().wait(SOON)
    assert run.error is None
    assert "completed" == run.wait().status


def test_pausing_keeps_what_runs_and_starts_nothing_more(gate):
    """``pause`` waits for the running node, keeps its result, and ``resume`` goes on with the next."""
    run = gate.engine().start()
    assert gate.began.wait(SOON)
    run.pause(0)
    gate.go.set()
    run.wait(SOON)
    assert ("paused", ["a", "held"]) == (run.status, nodes_of(run))
    assert ["a", "held", "c"] == run.resume().wait(SOON).state["log"]
    assert ["asked"] == [data["why"] for data in kinds(run, "run.paused")]


@pytest.mark.parametrize("by", ["the engine", "the run"])
def test_a_run_that_is_about_to_stand_still_can_be_resumed(gate, by):
    """Whoever resumes while the last node ends waits for it, and the run goes on: the request to pause is over."""
    engine = gate.engine()
    run = engine.start(run_id="r")
    assert gate.began.wait(SOON)
    run.pause(0)
    threading.Timer(0.05, gate.go.set).start()
    resumed = engine.resume("r") if by == "the engine" else run.resume().wait(SOON)
    assert ("completed", ["a", "held", "c"]) == (resumed.status, nodes_of(resumed))


def test_a_live_run_has_one_driver(gate):
    """While it runs, a second driver is refused and told who holds it; its own ``resume`` does nothing."""
    engine = gate.engine()
    run = engine.start(run_id="r")
    assert gate.began.wait(SOON)
    with pytest.raises(ng.RunBusyError) as caught:
        engine.resume("r")
    assert caught.value.holder
    assert run is run.resume()
    gate.go.set()
    assert "completed" == run.wait(SOON).status


def test_steering_a_run_that_is_over_does_nothing():
    """Pausing, cancelling or stepping a completed run leaves it completed."""
    run = abc().run()
    assert ["completed"] * 4 == [act().status for act in (run.pause, run.cancel, run.step, lambda: run.until("b"))]
    with pytest.raises(ng.RunError, match="complete"):
        run.resume()


# -- past


def test_a_past_run_is_the_same_class(tmp_path):
    """Opened from the file, with or without its graph, a run tells what the live one told."""
    path = tmp_path / "runs.sqlite"
    engine = abc(store=path)
    live = engine.run({"log": ["x"]}, run_id="r")
    for past in (ng.open_run(path, "r"), engine.open("r"), abc(store=path).open("r")):
        assert type(live) is type(past) is ng.Run
        assert (live.id, live.status, live.digest, repr(live)) == (past.id, past.status, past.digest, repr(past))
        assert dict(live.state) == dict(past.state)
        assert live.tasks.equals(past.tasks)
        assert live.at(2).state == past.at(2).state


def test_a_run_opened_without_its_graph_cannot_be_steered(tmp_path):
    """Reading needs no graph; going on does, and the error says how to get there."""
    path = tmp_path / "runs.sqlite"
    abc(store=path).run(run_id="r", before="c")
    run = ng.open_run(path, "r")
    assert ("paused", ["a", "b"]) == (run.status, run.state["log"])
    for act in (run.resume, run.step, lambda: run.until("c")):
        with pytest.raises(ng.RunError, match="Engine"):
            act()


@pytest.mark.parametrize("file", ["runs.sqlite", None])
def test_an_engine_takes_a_run_for_its_id(file, tmp_path):
    """Whoever has the run in hand need not write its id, whatever is asked of the engine, in any store."""
    engine = ng.Engine(counting(2), store=":memory:" if file is None else tmp_path / file)
    run = engine.run({"count": 0}, run_id="r", before="end")
    assert "completed" == engine.resume(run).status
    assert "r" == engine.open(run).id
    assert 1 == engine.prune(run, before=1)
    engine.delete(run)
    assert engine.runs().empty


def test_a_run_that_is_not_there():
    """Opening an unknown id raises at once."""
    engine = abc()
    for act in (
        lambda: engine.open("nobody"),
        lambda: engine.resume("nobody"),
        lambda: ng.open_run(engine.store, "nobody"),
    ):
        with pytest.raises(ng.RunNotFound):
            act()


def test_runs_are_listed(tmp_path):
    """``engine.runs()`` and ``ng.runs(file)`` list the store's runs, oldest first, as a table."""
    path = tmp_path / "runs.sqlite"
    engine = abc(store=path)
    engine.run(run_id="first")
    engine.run(run_id="second", before="b")
    for table in (engine.runs(), ng.runs(path)):
        assert ["first", "second"] == list(table.run_id)
        assert ["completed", "paused"] == list(table.status)
        assert [3, 1] == list(table.steps)
        assert ["chain", "chain"] == list(table.graph)
        assert table.created.is_monotonic_increasing


def test_a_run_whose_process_died_is_interrupted(tmp_path):
    """A run that says running, with nobody who drives it, is told as interrupted, and can be resumed."""
    path = tmp_path / "runs.sqlite"
    engine = abc(store=path)
    run = engine.run(run_id="r", before="b")
    lease = engine.store.acquire("r")
    from nbgraph.store import RunStatus

    engine.store.commit(lease, (), (), RunStatus("running"))
    engine.store.release(lease)
    assert "interrupted" == run.status
    assert "interrupted" == engine.runs().status[0]
    assert "completed" == engine.resume("r").status


def test_another_graphs_run_is_refused():
    """A run is resumed with the graph of its name only."""
    engine = abc()
    engine.run(run_id="r", before="b")
    other = ng.Graph(Log, name="other")
    other.node(name="a")(says("a"))
    with pytest.raises(ng.GraphError, match="other"):
        ng.Engine(other, store=engine.store).resume("r")
    assert "paused" == engine.open("r").status


def test_the_state_that_is_told_cannot_be_changed():
    """What a run shows is what is stored: changing it is refused, a copy is free."""
    run = abc().run()
    with pytest.raises(TypeError):
        run.state["count"] = 3
    with pytest.raises(TypeError):
        run.state["log"].append("x")
    assert {"log": [1]} | {"count": 2} == dict(run.state) | {"log": [1]}
