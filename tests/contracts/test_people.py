"""The promise about people: a question outlives its process, is answered once, by anybody, and asked again only where it lies ahead.

Runs ``programs/asker.py``: a plan, a question with a paid call before and behind it, an act.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

import nbgraph as ng
from tests.contracts.lives import REPO
from tests.contracts.programs import asker
from tests.contracts.programs.asker import PROMPT, SHAPES, Service, build

RACES = 25
ONCE = {"plan": 1, "draft": 1, "note": 1, "act": 1}
YES, NO = {"approved": True}, {"approved": False, "why": "too dear"}
BEFORE, AT, AFTER = "before", "at", "after"
PLACES = (BEFORE, AT, AFTER)


class Desk:
    """One store with run "r", processes that drive it, and a count of all calls they made."""

    def __init__(self, folder, shape="flat"):
        self.folder, self.shape, self.store = folder, shape, folder / "runs.sqlite"
        self.engines, self.processes = [], []

    def engine(self, graph=None):
        """Return a new engine, of the run's own graph unless another is given."""
        self.engines.append(ng.Engine(graph or build(self.folder, self.shape), store=self.store))
        return self.engines[-1]

    def stranger(self):
        """Return an engine that knows neither the graph nor the answer's class."""
        return self.engine(ng.Graph({"other": int}, name="stranger"))

    def process(self, *words, shape=None):
        """Start a process."""
        command = [sys.executable, "-m", asker.__name__, str(self.store), shape or self.shape, *words]
        process = subprocess.Popen(command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def does(self, *words):
        """Run a process to its end; return its exit code and what it said."""
        process = self.process(*words)
        said, _ = process.communicate()
        return process.returncode, said.split()

    def question(self, run_id="r"):
        """Return the id of a run's open question."""
        inbox = self.stranger().inbox()
        (found,) = inbox[inbox.run_id == run_id].question
        return found

    def asked(self):
        """Return the runs with an open question."""
        return sorted(self.stranger().inbox().run_id)

    def counts(self):
        """Return how often each call was made."""
        return Service(self.folder).counts()

    def close(self):
        """Let go of everything."""
        for process in self.processes:
            process.kill()
            process.communicate()
        for engine in self.engines:
            engine.close()


@pytest.fixture
def desk(tmp_path):
    """A store and its processes."""
    made = Desk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def undisturbed(tmp_path_factory):
    """Return the digest of a run with an answer, in which nothing went wrong."""

    def digest(shape, answer):
        other = Desk(tmp_path_factory.mktemp("undisturbed"), shape)
        engine = other.engine()
        engine.run({"log": []}, run_id="another id")
        engine.answer(other.question("another id"), answer)
        found = engine.resume("another id").digest
        other.close()
        return found

    return digest


def stand(desk, place):
    """Bring run "r" to a place before, at or after its question, with the answer YES."""
    engine = desk.engine()
    if place == BEFORE:
        return engine.run({"log": []}, run_id="r", after="plan" if desk.shape == "flat" else "sub/plan")
    run = engine.run({"log": []}, run_id="r")
    if place == AT:
        return run
    engine.answer(desk.question(), YES)
    return engine.resume("r")


# -- the twelve cases, in either shape


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", PLACES)
def test_a_replay_asks_nobody(desk, undisturbed, shape, place):
    """Before, at and after the question: a replay makes no call, puts no question and takes the recorded answer."""
    desk.shape = shape
    run = stand(desk, place)
    assert {BEFORE: "paused", AT: "waiting", AFTER: "completed"}[place] == run.status
    counts, asked, lines = desk.counts(), desk.asked(), len(run.calls)
    report = desk.engine().replay("r")
    assert report.ok
    assert {BEFORE: 1, AT: 1, AFTER: 5}[place] == report.calls
    assert (counts, asked, lines) == (desk.counts(), desk.asked(), len(desk.engine().open("r").calls))
    assert (undisturbed(shape, YES) == run.digest) == (place == AFTER)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", PLACES)
def test_a_resume_asks_once_and_pays_once(desk, undisturbed, shape, place):
    """A process that dies before, at or after its question: the next ones go on, every call made once, one question."""
    desk.shape = shape
    code, said = desk.does("run", *([BEFORE] if place == BEFORE else []))
    assert (7, []) == (code, said) if place == BEFORE else (0, "waiting") == (code, said[0])
    if place == BEFORE:
        assert [] == desk.asked()
        assert "waiting" == desk.does("resume")[1][0]
    desk.stranger().answer(desk.question(), YES)
    if place == AFTER:
        assert 7 == desk.does("resume", AFTER)[0]
        assert [] == desk.asked()
    assert (0, ["completed", undisturbed(shape, YES)]) == desk.does("resume")
    assert ONCE == desk.counts()
    run = desk.engine().open("r")
    assert 1 == sum(run.calls.call == "ask")
    assert desk.engine().replay("r").ok


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reuse", [False, True])
def test_a_fork_asks_again_what_lies_after_its_point(desk, undisturbed, shape, place, reuse):
    """Before and at the question a fork has a question of its own; after it, it keeps the answer and calls on."""
    desk.shape = shape
    parent = stand(desk, AT if place == AT else AFTER)
    before, counts = parent.digest, desk.counts()
    step = {BEFORE: 1, AT: None, AFTER: 2}[place]
    fork = desk.engine().fork("r", step, new_id="f", reuse_calls=reuse)
    if place == AFTER:
        assert undisturbed(shape, YES) == fork.digest
    else:
        assert "waiting" == fork.status
        desk.stranger().answer(desk.question("f"), NO)
        fork = desk.engine().resume("f")
        assert undisturbed(shape, NO) == fork.digest
    again = {BEFORE: ["draft", "note", "act"], AT: ["draft", "note", "act"], AFTER: ["act"]}[place]
    served = {BEFORE: ["draft", "note", "act"], AT: ["draft"], AFTER: ["act"]}[place] if reuse else []
    assert Counter(again) - Counter(served) == desk.counts() - counts
    assert before == desk.engine().open("r").digest
    assert (["r"] if place == AT else []) == desk.asked()
    assert desk.engine().replay("f").ok


def test_a_fork_between_two_questions_asks_the_second(desk):
    """Of two questions a fork behind the first keeps that one's answer and asks the other anew."""
    graph = ng.Graph(asker.State, name="two")
    graph.node(name="one")(lambda state, ctx: {"log": ctx.ask("first?")})
    graph.node(name="two", after="one")(lambda state, ctx: {"log": ctx.ask("second?")})
    engine = desk.engine(graph)
    engine.run({"log": []}, run_id="r")
    for word in ("a", "b"):
        engine.answer(desk.question(), word)
        run = engine.resume("r")
    assert ["a", "b"] == run.state["log"]
    engine.fork("r", 1, new_id="f")
    assert ["second?"] == list(engine.inbox().prompt)
    engine.answer(desk.question("f"), "c")
    assert ["a", "c"] == engine.resume("f").state["log"]
    assert ["a", "b"] == engine.open("r").state["log"]


# -- processes


@pytest.mark.slow
def test_a_question_outlives_its_process(desk, undisturbed):
    """One process asks and ends, another that lacks graph and class answers, a third one goes on."""
    assert "waiting" == desk.does("run")[1][0]
    inbox = desk.stranger().inbox()
    (row,) = inbox.to_dict("records")
    assert ("r", "approval", "approve", PROMPT) == (row["run_id"], row["graph"], row["node"], row["prompt"])
    for wrong, path in (("yes", ""), ({"approved": 1}, "approved"), ({"why": "?"}, "approved")):
        with pytest.raises(ng.AnswerError) as caught:
            desk.stranger().answer(row["question"], wrong)
        assert path == caught.value.path
    desk.stranger().answer(row["question"], NO, by="Ann")
    assert (0, ["completed", undisturbed("flat", NO)]) == desk.does("resume")
    assert ONCE == desk.counts()


@pytest.mark.slow
def test_of_two_processes_that_answer_at_once_one_is_heard(desk):
    """In every race one answer is taken and the other refused; the run goes on with the one that was taken."""
    graph = ng.Graph(asker.State, name="approval")
    graph.node(name="ask")(lambda state, ctx: {"log": ctx.ask("who?", schema=str)})
    engine = desk.engine(graph)
    pair = {word: desk.process("answer") for word in ("left", "right")}
    assert ["ready\n"] * 2 == [process.stdout.readline() for process in pair.values()]
    for place in range(RACES):
        run_id = f"race{place}"
        engine.run({"log": []}, run_id=run_id)
        question = desk.question(run_id)
        for word, process in list(pair.items())[:: 1 if place % 2 else -1]:
            process.stdin.write(f"{question} {word}\n")
            process.stdin.flush()
        said = {word: process.stdout.readline().strip() for word, process in pair.items()}
        assert ["refused", "taken"] == sorted(said.values())
        (winner,) = [word for word, heard in said.items() if heard == "taken"]
        assert [winner] == engine.resume(run_id).state["log"]
        assert [winner] == [answer.by for answer in engine.store.answers(run_id)]


def asked_by(desk, process):
    """Wait until a live process has put its question; return its id."""
    assert "holding\n" == process.stdout.readline()
    stranger = desk.stranger()
    while not len(inbox := stranger.inbox()):
        assert process.poll() is None
    return inbox.question[0]


@pytest.mark.slow
def test_a_live_run_of_another_process_goes_on_by_itself(desk):
    """An answer from here sets the branch going that waited over there; nobody resumes anything."""
    process = desk.process("run", shape="live")
    desk.stranger().answer(asked_by(desk, process), YES)
    said, _ = process.communicate(timeout=60)
    assert "completed" == said.split()[0]
    assert {"draft": 1} == desk.counts()


@pytest.mark.slow
def test_a_question_of_a_process_that_was_killed_can_be_answered(desk):
    """SIGKILL while a question is open: it stays open, and after the answer another process goes on."""
    process = desk.process("run", shape="live")
    question = asked_by(desk, process)
    process.kill()
    process.wait()
    assert question == desk.question()
    desk.stranger().answer(question, NO)
    other = desk.process("resume", shape="live")
    assert "completed" in other.communicate(timeout=60)[0]
    assert [["draft!", False]] == desk.engine().open("r").state["log"]
    assert {"draft": 1} == desk.counts()
