"""The promise of DESIGN section 4: commits happen once, an interrupted body runs again, one driver a run."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import pairwise
from typing import Annotated, TypedDict

import pytest

import nbgraph as ng
from tests.contracts.lives import REPO, Course
from tests.contracts.programs import racer

RACES = 50


class Notes(TypedDict):
    """One list."""

    notes: Annotated[list[str], ng.append]


@pytest.fixture
def racers(tmp_path):
    """Start processes that race for the runs of one store; what still runs at the end is killed."""
    started = []

    def start(saboteur="nobody"):
        command = [sys.executable, "-m", "tests.contracts.programs.racer", str(tmp_path / "runs.sqlite"), saboteur]
        process = subprocess.Popen(command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert "ready\n" == process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def tell(process, line="") -> None:
    """Send a line."""
    process.stdin.write(line + "\n")
    process.stdin.flush()


def race(racers, run_id, place):
    """Let two processes go for a paused run at once; return what both said first."""
    first, second = racers if place % 2 else racers[::-1]
    tell(first, run_id)
    tell(second, run_id)
    return {process.pid: process.stdout.readline().split(maxsplit=2) for process in racers}


# -- one driver


def test_of_two_processes_that_resume_a_run_at_once_one_drives_it(tmp_path, racers):
    """In every race one process drives, the other gets RunBusyError, which names the run and the driver."""
    engine = ng.Engine(racer.build(hold=False), store=tmp_path / "runs.sqlite", durability="normal")
    pair = [racers(), racers()]
    for place in range(RACES):
        run = engine.run({"count": 0}, run_id=f"race-{place}", before="drive")
        said = race(pair, run.id, place)
        winner = next(process for process in pair if said[process.pid] == ["drives"])
        loser = next(process for process in pair if process is not winner)
        word, busy, holder = said[loser.pid]
        assert ("busy", run.id) == (word, busy)
        assert f"process {winner.pid}" in holder
        tell(winner)
        assert "completed 2\n" == winner.stdout.readline()
    assert ["completed"] * RACES == [row.status.status for row in engine.store.runs()]


def test_a_race_without_leases_is_noticed(tmp_path, racers):
    """Saboteur: where every driver counts as dead, both processes drive."""
    engine = ng.Engine(racer.build(hold=False), store=tmp_path / "runs.sqlite", durability="normal")
    engine.run({"count": 0}, run_id="r", before="drive")
    for racer_process in (racers("leaseless"), racers("leaseless")):
        tell(racer_process, "r")
        assert "drives\n" == racer_process.stdout.readline()


# -- bodies and commits


@pytest.mark.parametrize(("at", "again"), [("witnessed", True), ("acknowledged", False)])
def test_a_body_runs_again_before_its_commit_and_never_after(tmp_path, nursery, at, again):
    """Of a process that dies, the bodies whose step is kept run once, the others that had begun run again."""
    course = Course(tmp_path, (2, 3))
    course.live(nursery, at=at, count=7, hard=True)
    begun = starts(course)
    kept = {row.task for row in course.rows()}
    assert 0 == course.live(nursery).code
    counts = starts(course)
    assert {1} == {counts[task] for task in kept}
    assert {2} == {counts[task] for task in begun.keys() - kept} or not again
    assert [] == course.end()


def starts(course: Course) -> Counter:
    """Return how often each body has started, by the witness."""
    lines = (course.folder / "witness-r").read_text(encoding="ascii").splitlines()
    return Counter(line.split()[1] for line in lines if line.startswith("start"))


def test_the_idempotency_key_is_the_same_in_every_attempt_and_after_a_resume(tmp_path):
    """A node that fails twice, is resumed and fails again sees one key; another task and another run see others."""
    keys: dict[str, list[str]] = {}
    graph = ng.Graph(Notes, name="keys")

    @graph.node
    def first(state, ctx):
        keys.setdefault(f"{ctx.run_id} first", []).append(ctx.idempotency_key())

    @graph.node(after="first", retry=ng.Retry(attempts=2, wait=0.001))
    def second(state, ctx):
        keys.setdefault(f"{ctx.run_id} second", []).append(ctx.idempotency_key())
        if len(keys[f"{ctx.run_id} second"]) < 5:
            raise OSError("not yet")

    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", durability="normal")
    for run_id in ("a", "b"):
        with pytest.raises(ng.MaxAttemptsError):
            engine.run({}, run_id=run_id)
        with pytest.raises(ng.MaxAttemptsError):
            engine.resume(run_id)
        assert "completed" == engine.resume(run_id).status
    assert [1, 5, 1, 5] == [len(seen) for seen in keys.values()]
    assert [1] * 4 == [len(set(seen)) for seen in keys.values()]
    assert 4 == len({seen[0] for seen in keys.values()})


def test_a_steps_key_is_unique_in_the_store(tmp_path):
    """Every committed step has a key of its own; a step that comes with a known one is refused whole."""
    engine = ng.Engine(chain("ab"), store=tmp_path / "runs.sqlite", durability="normal")
    engine.run({}, run_id="r", before="b")
    (row,) = engine.store.steps("r")
    lease = engine.store.acquire("r")
    with pytest.raises(ng.IdempotencyError):
        engine.store.commit(lease, [row._replace(step=2)])
    engine.store.release(lease)
    assert ["a", "b"] == list(engine.resume("r").state["notes"])


# -- failed runs


def chain(names: str) -> ng.Graph:
    """Return a graph of nodes in a row that note their names."""
    graph = ng.Graph(Notes, name="chain")
    for before, name in zip([None, *names], names, strict=False):
        graph.node(name=name, **({"after": before} if before else {}))(says(name))
    return graph


def says(word: str):
    """Return a node that notes a word."""
    return lambda state: {"notes": word}


def fan(ran: list[str], broken: set[str]) -> ng.Graph:
    """Return a graph: start, a map over 6 items beside a branch of two, a gather, an end. ``broken`` ones fail."""
    graph = ng.Graph(Notes, name="fan")

    def does(name):
        ran.append(name)
        if name in broken:
            raise ValueError(name)
        return {"notes": name}

    @graph.node
    def start(state):
        return does("start")

    @graph.node(after="start", sends="item")
    def split(state):
        return [ng.Send("item", number=number) for number in range(6)]

    @graph.node
    def item(state):
        return does(f"item {state['number']}")

    @graph.node(after="start")
    def left(state):
        return does("left")

    @graph.node(after="left")
    def right(state):
        return does("right")

    @graph.node(after=["item", "right"])
    def gather(state):
        return does("gather")

    @graph.node(after="gather")
    def end(state):
        return does("end")

    return graph


ALL = ["start", "item 0", "item 1", "item 2", "item 3", "item 4", "item 5", "left", "right", "gather", "end"]


@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize(
    "broken", [{"start"}, {"item 2"}, {"item 0", "item 5"}, {"left"}, {"item 3", "right"}, {"gather"}, {"end"}]
)
def test_a_failed_run_executes_only_what_did_not_finish(tmp_path, broken, width):
    """After a failure anywhere the resume runs each unfinished body, no finished one, and ends as if nothing was."""
    ran, broken = [], set(broken)
    engine = ng.Engine(fan(ran, broken), store=tmp_path / "runs.sqlite", durability="normal", max_concurrent=width)
    with pytest.raises(ng.NodeError):
        engine.run({}, run_id="r")
    failed = engine.open("r")
    assert ("failed", 1) == (failed.status, len({str(failed.error)}))
    done = set(ran) - broken
    ran.clear()
    broken.clear()
    with ng.SqliteStore(tmp_path / "runs.sqlite") as store:
        run = ng.Engine(fan(ran, set()), store=store).resume("r")
        assert sorted(set(ALL) - done) == sorted(ran)
        assert ALL == list(run.state["notes"])
        assert ng.Engine(fan([], set())).run({}).digest == run.digest
        assert [] == store.verify()


def test_a_run_that_fails_again_and_again_keeps_what_each_resume_did(tmp_path):
    """However often a run fails and at however many places, every body succeeds once."""
    ran: list[str] = []
    broken = {"start", "item 1", "right", "gather", "end"}
    healthy = set(ALL) - broken
    engine = ng.Engine(fan(ran, broken), store=tmp_path / "runs.sqlite", durability="normal")
    with pytest.raises(ng.NodeError, match="start"):
        engine.run({}, run_id="r")
    for mended, next_one in pairwise(["start", "item 1", "right", "gather", "end"]):
        broken.discard(mended)
        with pytest.raises(ng.NodeError, match=next_one):
            engine.resume("r")
    broken.clear()
    assert ALL == list(engine.resume("r").state["notes"])
    assert {1} == {Counter(ran)[name] for name in healthy}


def test_a_resume_uses_the_nodes_current_code(tmp_path):
    """A node whose cell was mended after the failure runs as mended; what is kept is not made anew."""
    graph = chain("abc")

    @graph.node(name="b", after="a")
    def broken(state):
        raise ValueError("broken")

    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", durability="normal")
    with pytest.raises(ng.NodeError, match="broken"):
        engine.run({}, run_id="r")
    graph.node(name="a")(says("other a"))
    graph.node(name="b", after="a")(says("mended"))
    assert ["a", "mended", "c"] == list(engine.resume("r").state["notes"])
    assert 2 == len(engine.store.descriptions("r"))


def test_a_completed_run_is_not_run_again(tmp_path):
    """Resuming what is complete raises and changes nothing in the file."""
    engine = ng.Engine(chain("ab"), store=tmp_path / "runs.sqlite")
    digest = engine.run({}, run_id="r").digest
    with pytest.raises(ng.RunError, match="complete"):
        engine.resume("r")
    assert (digest, 2) == (engine.open("r").digest, engine.store.run("r").steps)


def test_an_interrupt_in_a_node_loses_nothing(tmp_path):
    """A KeyboardInterrupt out of a body pauses the run; the body runs again, the steps before it do not."""
    graph, ran = chain("abc"), []

    @graph.node(name="b", after="a")
    def interrupted(state):
        ran.append("b")
        if len(ran) == 1:
            raise KeyboardInterrupt
        return {"notes": "b"}

    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", durability="normal")
    with pytest.raises(KeyboardInterrupt, match="resume"):
        engine.run({}, run_id="r")
    assert ("paused", 1) == (engine.open("r").status, engine.store.run("r").steps)
    assert ["a", "b", "c"] == list(engine.resume("r").state["notes"])
