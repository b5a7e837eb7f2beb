"""The buttons of a real run: what they do to it, and what they say of it."""

from __future__ import annotations

import pytest
from ipywidgets.widgets.widget import _instances

import nbgraph as ng
from nbgraph.views.widgets.controls import ControlsView
from nbgraph.views.widgets.doors import controls
from tests.widgets.acts import PATIENCE, Gate, caught_up, done, ended, line, say, until


@pytest.fixture
def opened(wire):
    """Make controls that are closed in the end."""
    made = []

    def make(run, **how):
        made.append(ControlsView(run, **how))
        caught_up(made[-1])
        return made[-1]

    yield make
    for view in made:
        view.close()


@pytest.fixture
def held():
    """A run that is in its second node of three, and the gate that lets it go on."""
    gate = Gate()
    run = ng.Engine(line("a", "b", "c", b=gate.node)).start({}, run_id="held")
    assert gate.reached.wait(PATIENCE)
    yield run, gate
    gate.open()
    run.wait(PATIENCE)


def can(view) -> set[str]:
    """Return which buttons work."""
    return {verb for verb, why in view.standing["refused"].items() if not why}


def test_a_run_that_goes_on_can_be_paused_and_stopped(opened, held):
    """The status, the steps so far and the buttons of a live run."""
    run, _ = held
    view = opened(run)
    assert ("running", True, 1) == (view.standing["status"], view.standing["going"], view.standing["steps"])
    assert {"pause", "cancel", "fork"} == can(view)


def test_pausing_is_said_until_it_is_true(opened, held):
    """Between the click and the pause the page says that it is coming."""
    run, gate = held
    view = opened(run)
    say(view, "pause")
    assert ("pause", "running") == (view.standing["asked"], view.standing["status"])
    gate.open()
    until(lambda: view.standing["status"] == "paused", view)
    until(lambda: view.standing["asked"] == "", view)
    assert {"resume", "step", "until", "fork"} == can(view)


def test_a_step_is_one_task(opened, held):
    """Step runs the next task and stands still again; the handle in the cell sees the same run."""
    run, gate = held
    view = opened(run)
    run_paused(run, gate)
    until(lambda: "step" in can(view), view)
    before = view.standing["steps"]
    say(view, "step")
    until(lambda: view.standing["asked"] == "", view)
    assert before + 1 == view.standing["steps"]


def run_paused(run, gate):
    """Pause a held run, and let it come to where it stands still."""
    run.pause(0)
    gate.open()
    run.wait(PATIENCE)


def test_resume_runs_to_the_end(opened, held):
    """Resume goes on in the background, and the end is shown."""
    run, gate = held
    run_paused(run, gate)
    view = opened(run)
    say(view, "resume")
    until(lambda: view.standing["status"] == "completed", view)
    assert {"fork"} == can(view)


def test_run_to_stops_before_the_node_that_was_chosen(opened):
    """Of a run that stands still, "until" goes on to that node."""
    engine = ng.Engine(line("a", "b", "c", "d"))
    run = engine.start({}, run_id="r", before="b")
    run.wait(PATIENCE)
    view = opened(run)
    say(view, "until", node="d")
    until(lambda: view.standing["asked"] == "", view)
    assert ("paused", ["a", "b", "c"]) == (run.status, run.state["log"])


def test_a_long_step_can_be_stopped(opened):
    """Stop works while a step is under way, although the step is being waited for."""
    gate = Gate()
    run = ng.Engine(line("a", "b", b=gate.node)).start({}, run_id="r", before="b")
    run.wait(PATIENCE)
    view = opened(run)
    say(view, "step")
    assert gate.reached.wait(PATIENCE)
    until(lambda: not view.standing["refused"]["cancel"], view)
    say(view, "cancel")
    until(lambda: view.standing["status"] == "cancelled", view)
    gate.open()


def test_what_an_action_failed_with_is_said_with_what_to_do(opened):
    """The error of a resume that cannot be is shown in its own words, and the buttons work again."""
    graph = line("a", "b", "c")
    run = ng.Engine(graph).start({}, run_id="r", before="b")
    run.wait(PATIENCE)
    view = opened(run)
    graph.edge("c", "nowhere")
    say(view, "resume")
    until(lambda: view.note, view)
    assert "error" == view.note["kind"]
    assert "nowhere" in view.note["text"]
    until(lambda: view.standing["asked"] == "", view)
    assert "resume" in can(view)


def test_a_step_that_fails_says_so(opened):
    """The error of the node is shown where the step was asked for."""

    def breaks(state):
        raise ValueError("no <such> thing")

    run = ng.Engine(line("a", "b", b=breaks)).start({}, run_id="r", before="b")
    run.wait(PATIENCE)
    view = opened(run)
    say(view, "step")
    until(lambda: view.note, view)
    assert "ValueError: no <such> thing" in view.note["text"]
    assert "fix the node" in view.note["todo"]


def test_a_fork_begins_where_the_cursor_is(opened):
    """A fork from the step that is looked at runs by itself; the run that it comes from is as it was."""
    run = done(line("a", "b", "c"))
    forks = []
    view = opened(run, opener=forks.append)
    view.cursor.move(2)
    caught_up(view)
    assert (2, False) == (view.standing["at"], view.standing["latest"])
    say(view, "fork", step=2)
    until(lambda: view.note, view)
    assert ("forked", 2, True) == (view.note["kind"], view.note["step"], view.note["opens"])
    say(view, "open")
    assert view.note == {}
    assert [2] == [fork.store.origin(fork.id).step for fork in forks]
    forks[0].wait(PATIENCE)


def test_a_run_that_was_opened_for_reading_says_how_to_steer_it(opened, tmp_path):
    """No button works, and each says why."""
    file = tmp_path / "runs.sqlite"
    ng.Engine(line("a"), store=file).run({}, run_id="r")
    view = opened(ng.open_run(file, "r"))
    assert set() == can(view)
    assert "ng.Engine(graph, store=...).open('r') can steer it" in view.standing["refused"]["fork"]


def test_a_question_keeps_a_waiting_run_from_being_resumed(opened):
    """Resume works as soon as the question is answered, from wherever."""
    engine = ng.Engine(line("a", "b", b=lambda state, ctx: {"log": ctx.ask("go?", schema=bool)}))
    run = engine.start({}, run_id="asks")
    run.wait(PATIENCE)
    view = opened(run)
    until(lambda: view.standing["status"] == "waiting", view)
    until(lambda: view.standing["refused"]["resume"], view)
    engine.answer(engine.inbox().question[0], True)
    until(lambda: not view.standing["refused"]["resume"], view)


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "explode"},
        {"kind": "delete"},
        {"kind": "until"},
        {"kind": "until", "node": "nowhere"},
        {"kind": "until", "node": ["a"]},
        {"kind": "fork"},
        {"kind": "fork", "step": -1},
        {"kind": "fork", "step": 99},
        {"kind": "fork", "step": True},
        {"kind": "fork", "step": "1"},
        {"kind": "pause"},
        {"kind": None},
        {"kind": ["resume"]},
        {"kind": "__init__"},
    ],
)
def test_what_cannot_be_is_not_done(opened, message):
    """A page that asks for what there is not, or not now, changes nothing."""
    run = ng.Engine(line("a", "b")).start({}, run_id="r", before="b")
    run.wait(PATIENCE)
    view = opened(run)
    before = view.standing
    say(view, **message)
    assert (before, {}) == (view.standing, view.note)
    assert "paused" == run.status


def test_closing_leaves_nothing(wire):
    """After close there is no comm, no entry in the registry, and no thread."""
    before = set(_instances)
    view = controls(done(line("a"), run_id="gone"))
    caught_up(view)
    view.close()
    ended("nbgraph-views-gone")
    assert (set(), before) == (wire.open, set(_instances))


def spent_run(**options):
    """Return a run that its budget of five dollars has stopped, after a call of four; ``options``: its engine's."""
    graph = ng.Graph({"n": int}, name="spent")

    @graph.node
    def ask(state, ctx):
        for _ in range(2):
            ctx.call(answer, "m", max_tokens=4_000_000)

    engine = ng.Engine(graph, store=":memory:", prices={"m": (1, 1)}, **options)
    with pytest.raises(ng.BudgetError):
        engine.run({"n": 1}, run_id="spent", **({} if options else {"cost_budget": "5"}))
    return engine.open("spent")


def answer(model, max_tokens):
    """Answer as a model would, with all tokens that it may use."""
    return {"model": model, "usage": {"input_tokens": 0, "output_tokens": max_tokens}}


def test_what_stopped_a_run_is_said(opened):
    """A run that a budget paused says so, with what to do next, until it goes on."""
    view = opened(spent_run())
    said, todo = view.standing["stopped"]
    assert "spent $4 of its cost_budget of $5" in said
    assert "engine.resume('spent', cost_budget=...) with more" == todo


def test_a_button_spends_no_more_than_was_allowed(opened):
    """Where only the drive had a budget, nothing would stop a resume by button: it is refused, and says how to go on."""
    view = opened(spent_run())
    assert set() == can(view)
    assert "in a cell: engine.resume('spent', cost_budget=...) with more" in view.standing["refused"]["resume"]


def test_a_button_resumes_under_the_engines_own_budget(opened):
    """Where the engine has the budget, a resume by button meets it again before the same call."""
    run = spent_run(cost_budget="5")
    view = opened(run)
    say(view, "resume")
    until(lambda: 2 == list(run.events.kind).count("run.paused"), view)
    assert 1 == len(run.costs)
