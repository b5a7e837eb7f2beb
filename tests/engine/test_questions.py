"""A node's questions to people: what can be asked and answered, when a run waits, and what an answer sets going."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import random
import threading
import time
from typing import Annotated, Any, Literal, TypedDict

import pydantic
import pytest

import nbgraph as ng
from nbgraph.testing import FakeClock, finishing
from tests.engine.stage import SOON, kinds, nodes_of


class Log(TypedDict):
    """What the nodes heard, in merge order."""

    log: Annotated[list[Any], ng.append]


class Size(enum.Enum):
    """An answer chosen from a list."""

    SMALL = "s"
    LARGE = "l"


@dataclasses.dataclass(frozen=True)
class Trip:
    """An answer of several fields."""

    to: str
    days: int = 1


class Order(pydantic.BaseModel):
    """An answer with a rule of its own."""

    item: str
    count: int = pydantic.Field(ge=1)


@pytest.fixture
def kept(tmp_path):
    """Return engines on one file, each as a new kernel would make it."""
    engines = []

    def engine(graph, *changes, **options):
        engines.append(ng.Engine(graph, *changes, store=tmp_path / "runs.sqlite", **options))
        return engines[-1]

    yield engine
    for one in engines:
        one.close()


def alone(node, **options):
    """Return a graph of one node called ``ask``."""
    graph = ng.Graph(Log, name="alone")
    graph.node(name="ask", **options)(node)
    return graph


def asks(*prompts, is_async=False, then=list, **how):
    """Return a node that asks one question after the other and logs the answers."""

    def node(state, ctx):
        return {"log": then(ctx.ask(prompt, **how) for prompt in prompts)}

    async def anode(state, ctx):
        return {"log": then([await ctx.ask(prompt, **how) for prompt in prompts])}

    return anode if is_async else node


def open_ids(engine):
    """Return the ids of the open questions by their prompt."""
    inbox = engine.inbox()
    return dict(zip(inbox.prompt, inbox.question, strict=True))


def until_asked(engine, count=1):
    """Wait until a live run has put its questions; return the inbox."""
    end = time.monotonic() + SOON
    while len(inbox := engine.inbox()) < count:
        assert time.monotonic() < end
    return inbox


def beside(first, second, **options):
    """Return a graph of a start and two nodes side by side, merged in that order."""
    graph = ng.Graph(Log, name="beside")
    graph.node(name="begin")(lambda state: None)
    graph.node(name="first", after="begin", **options)(first)
    graph.node(name="second", after="begin")(second)
    return graph


# -- answers and what they must be


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("schema", "given", "expected"),
    [
        (bool, False, False),
        (Literal["yes", "no"], "no", "no"),
        (Size, "l", Size.LARGE),
        (Size, Size.LARGE, Size.LARGE),
        (Trip, {"to": "Oslo", "days": 2}, Trip("Oslo", 2)),
        (Trip, Trip("Oslo"), Trip("Oslo")),
        (Order, {"item": "pen", "count": 3}, Order(item="pen", count=3)),
        (list[int], [1, 2], [1, 2]),
        (int | None, None, None),
        (None, {"any": ["thing", 1]}, {"any": ["thing", 1]}),
    ],
)
def test_an_answer_reaches_the_node_as_its_schema(kept, schema, given, expected, is_async):
    """The node gets an instance of the type it asked for, in a sync and in an async node."""
    heard = []
    engine = kept(alone(asks("?", schema=schema, is_async=is_async, then=lambda found: heard.extend(found) or [])))
    run = engine.run(run_id="r")
    assert ("waiting", None) == (run.status, run.error)
    engine.answer(open_ids(engine)["?"], given)
    assert "completed" == engine.resume("r").status
    assert [expected] == heard
    assert type(expected) is type(heard[0])


@pytest.mark.parametrize(
    ("schema", "given", "path", "expected", "actual"),
    [
        (bool, "yes", "", "yes or no (true/false)", '"yes"'),
        (bool, 1, "", "yes or no (true/false)", "1"),
        (Literal["a", "b"], "c", "", 'one of "a", "b"', '"c"'),
        (Size, "m", "", 'one of "s", "l"', '"m"'),
        (Trip, {"to": "Oslo", "days": "2"}, "days", "a whole number", '"2"'),
        (Order, {"item": "pen", "count": 0}, "count", "a whole number from 1", "0"),
        (list[int], [1, True], "[1]", "a whole number", "true"),
        (Trip, {"to": "Oslo", "whither": 1}, "whither", "left out (asked for: to, days)", "1"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(kept, schema, given, path, expected, actual):
    """``AnswerError`` says where, what was wanted and what came; nothing is kept, the question stays open."""
    engine = kept(alone(asks("?", schema=schema)))
    engine.run(run_id="r")
    question = open_ids(engine)["?"]
    with pytest.raises(ng.AnswerError) as caught:
        engine.answer(question, given)
    error = caught.value
    assert (path, expected, actual) == (error.path, expected, error.actual)
    assert ("r", "ask", question) == (error.run_id, error.node, error.question)
    assert {"?": question} == open_ids(engine)
    assert "waiting" == engine.resume("r").status


@pytest.mark.parametrize("given", [object(), float("nan"), b"\xff", pydantic.SecretStr("x")])
def test_an_answer_that_json_cannot_hold_is_refused(kept, given):
    """Where anything may be answered, it must still be data that the file keeps."""
    engine = kept(alone(asks("?")))
    engine.run(run_id="r")
    with pytest.raises(ng.AnswerError):
        engine.answer(open_ids(engine)["?"], given)
    assert 1 == len(engine.inbox())


@pytest.mark.parametrize("question", ["", "r", "r/", "r/0", "r/99", "r/x", "r/1/1", "nobody/1", "r/-1", "r/²"])
def test_an_unknown_question_cannot_be_answered(kept, question):
    """``QuestionError`` names the id that is not open, and nothing is kept."""
    engine = kept(alone(asks("?")))
    engine.run(run_id="r")
    with pytest.raises(ng.QuestionError) as caught:
        engine.answer(question, True)
    assert question == caught.value.question
    assert 1 == len(engine.inbox())


def test_a_question_is_answered_once(kept):
    """The first answer stands, before the resume and after it."""
    engine = kept(alone(asks("?")))
    engine.run(run_id="r")
    question = open_ids(engine)["?"]
    engine.answer(question, "first", by="Ann")
    with pytest.raises(ng.QuestionError):
        engine.answer(question, "second")
    assert ["first"] == engine.resume("r").state["log"][0]
    with pytest.raises(ng.QuestionError):
        engine.answer(question, "third")
    assert ["Ann"] == [answer.by for answer in engine.store.answers("r")]


@pytest.mark.parametrize(
    "how",
    [
        {"timeout": 0},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"timeout": True},
        {"timeout": "5"},
        {"schema": bool, "timeout": 5},
        {"schema": bool, "timeout": 5, "default": "yes"},
        {"schema": FakeClock},
        {"schema": pydantic.SecretStr},
        {"schema": "no type"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(kept, how):
    """``QuestionError`` in the node: a schema without a form, a timeout that is none, a default that does not fit."""
    engine = kept(alone(asks("?", **how)))
    with pytest.raises(ng.QuestionError):
        engine.run(run_id="r")
    assert "failed" == engine.open("r").status
    assert [] == list(engine.inbox().question)


HOSTILE = {
    "html": "<script>alert(1)</script>&nbsp;\x00\u202e",
    "surrogate": "lone \ud800 and \udfff",
    "huge": "x" * 3_000_000,
    "data": {"diff": ["-a", "+b"], "n": 2**80, "$tag": None},
    "bytes": b"\x00\xff" * 100_000,
    "empty": "",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_prompt_may_be_anything_that_can_be_kept(kept, kind):
    """Whatever was asked is listed as it was, by another kernel too, and can be answered."""
    prompt = HOSTILE[kind]
    graph = alone(asks(prompt))
    kept(graph).run(run_id="r")
    engine = kept(graph)
    inbox = engine.inbox()
    assert [prompt] == list(inbox.prompt)
    assert isinstance(inbox._repr_html_(), str)
    engine.answer(inbox.question[0], "fine")
    assert [["fine"]] == engine.resume("r").state["log"]


def test_a_prompt_that_cannot_be_kept_fails_the_node(kept):
    """A prompt is kept in the file, so an object that has no record is refused, with its type."""
    with pytest.raises(ng.CallError, match="object"):
        kept(alone(asks(object()))).run(run_id="r")


def test_a_secret_in_a_prompt_is_not_written(kept, tmp_path):
    """What the redaction covers is blanked in the file, and the question can be answered all the same."""
    engine = kept(alone(asks({"password": "hunter2", "who": "Ann"})))
    engine.run(run_id="r")
    assert "Ann" == engine.inbox().prompt[0]["who"]
    engine.answer(engine.inbox().question[0], 1)
    assert [[1]] == engine.resume("r").state["log"]
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


# -- waiting


def test_other_branches_go_on_while_a_question_is_open(kept):
    """What does not depend on the answer is committed; what does comes after the answer."""
    graph = beside(asks("?"), lambda state: {"log": "second"})
    graph.node(name="third", after="second")(lambda state: {"log": "third"})
    graph.node(name="join", after=["first", "third"])(lambda state: {"log": "join"})
    engine = kept(graph)
    run = engine.run(run_id="r")
    assert ("waiting", ["begin", "second", "third"]) == (run.status, nodes_of(run))
    engine.answer(open_ids(engine)["?"], "yes")
    assert [["yes"], "second", "third", "join"] == kept(graph).resume("r").state["log"]


def test_a_waiting_run_that_nobody_answered_waits_again(kept):
    """A resume without an answer runs no other node, asks no second question and stands still again."""
    graph, ran = beside(asks("?"), lambda state: ran.append(1)), []
    engine = kept(graph)
    question = (engine.run(run_id="r"), open_ids(engine))[1]
    for _ in range(3):
        assert "waiting" == kept(graph).resume("r").status
    assert (question, [1]) == (open_ids(engine), ran)


@pytest.mark.parametrize("is_async", [False, True])
def test_each_question_of_a_node_gets_its_own_answer(kept, is_async):
    """One is open at a time; code and calls before it are served from the record, and counted once."""
    made = []

    def call(number):
        made.append(number)
        return number

    async def anode(state, ctx):
        return {"log": [(await ctx.call(call, n), await ctx.ask(f"q{n}")) for n in range(3)]}

    def node(state, ctx):
        return {"log": [(ctx.call(call, n), ctx.ask(f"q{n}")) for n in range(3)]}

    graph = alone(anode if is_async else node)
    kept(graph).run(run_id="r")
    for number in range(3):
        engine = kept(graph)
        assert [f"q{number}"] == list(open_ids(engine))
        engine.answer(open_ids(engine)[f"q{number}"], f"a{number}")
        run = engine.resume("r")
    assert [(0, "a0"), (1, "a1"), (2, "a2")] == run.state["log"][0]
    assert [0, 1, 2] == made
    assert engine.replay("r").ok


def test_each_lap_of_a_loop_asks_its_own_question(kept):
    """The same words in another lap are another question."""
    graph = alone(lambda state, ctx: {"log": ctx.ask("again?", schema=bool)})
    graph.edge("ask", "ask", when=lambda state: state["log"][-1])
    graph.edge("ask", "end", otherwise=True)
    graph.node(name="end")(lambda state: None)
    graph.start("ask")
    engine = kept(graph)
    engine.run(run_id="r")
    for answer in (True, True, False):
        engine.answer(open_ids(engine)["again?"], answer)
        run = engine.resume("r")
    assert ("completed", [True, True, False]) == (run.status, run.state["log"])
    assert 3 == len(engine.store.answers("r"))


def test_the_same_words_twice_in_one_node_are_two_questions(kept):
    """Two equal questions of one node each take their own answer, in order."""
    engine = kept(alone(asks("?", "?")))
    engine.run(run_id="r")
    for answer in ("one", "two"):
        engine.answer(open_ids(engine)["?"], answer)
        run = engine.resume("r")
    assert [["one", "two"]] == run.state["log"]


def test_questions_with_keys_may_change_places(kept):
    """``key=`` finds the answer again where the order of asking differs from time to time."""
    order = ["a", "b"]

    def node(state, ctx):
        return {"log": {key: ctx.ask("?", key=key) for key in order}}

    engine = kept(alone(node))
    engine.run(run_id="r")
    engine.answer(open_ids(engine)["?"], "for a")
    order.reverse()
    engine.resume("r")
    engine.answer(open_ids(engine)["?"], "for b")
    assert [{"a": "for a", "b": "for b"}] == engine.resume("r").state["log"]


async def gathered(ctx):
    """Ask two questions with ``asyncio.gather``, the second after a call."""

    async def called():
        await ctx.call(len, "xx")
        return await ctx.ask("b")

    return list(await asyncio.gather(ctx.ask("a"), called()))


async def grouped(ctx):
    """Ask two questions in a ``TaskGroup``, the second after a call."""

    async def called():
        await ctx.call(len, "xx")
        return await ctx.ask("b")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ctx.ask("a")), group.create_task(called())]
    return [task.result() for task in tasks]


@pytest.mark.parametrize("way", [gathered, grouped])
@pytest.mark.parametrize("first", ["a", "b"])
def test_questions_asked_side_by_side_are_open_together(kept, way, first):
    """Both can be answered, in either order; a call that was under way is not made a second time."""

    async def node(state, ctx):
        return {"log": await way(ctx)}

    graph = alone(node)
    kept(graph).run(run_id="r")
    engine = kept(graph)
    ids = open_ids(engine)
    assert {"a", "b"} == ids.keys()
    second = "b" if first == "a" else "a"
    engine.answer(ids[first], first.upper())
    assert "waiting" == engine.resume("r").status
    assert {second: ids[second]} == open_ids(engine)
    engine.answer(ids[second], second.upper())
    run = engine.resume("r")
    assert [["A", "B"]] == run.state["log"]
    assert 3 == len(run.calls)
    assert engine.replay("r").ok


def test_a_question_that_the_node_takes_back_is_not_waited_for(kept):
    """Of a person and a machine the machine was faster, and the node cancelled its asking: the run goes on."""

    async def node(state, ctx):
        person, machine = asyncio.create_task(ctx.ask("?")), asyncio.create_task(ctx.call(len, "xx"))
        await asyncio.wait({person, machine}, return_when=asyncio.FIRST_COMPLETED)
        person.cancel()
        return {"log": machine.result()}

    engine = kept(alone(node))
    assert [2] == engine.run(run_id="r").state["log"]
    assert [] == list(engine.inbox().question)
    assert engine.replay("r").ok


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("unknown", ["retry", "skip", "ask"])
def test_a_call_that_asks_is_not_a_call_of_unknown_outcome(kept, unknown, is_async):
    """A recorded function that stopped at its own question is made again with the answer, whatever the policy."""

    def inner():
        return ng.current().ask("inner?")

    async def ainner():
        return await ng.current().ask("inner?")

    async def anode(state, ctx):
        return {"log": await ctx.call(ainner, unknown=unknown)}

    node = anode if is_async else lambda state, ctx: {"log": ctx.call(inner, unknown=unknown)}
    engine = kept(alone(node))
    engine.run(run_id="r")
    engine.answer(open_ids(engine)["inner?"], "yes")
    assert ["yes"] == engine.resume("r").state["log"]
    assert engine.replay("r").ok


# -- what a wait is not


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("caught", [Exception, BaseException])
def test_a_wait_cannot_be_swallowed(kept, caught, is_async):
    """``except Exception`` does not see it; a node that catches everything and returns still waits."""
    seen = []

    def node(state, ctx):
        try:
            return {"log": ctx.ask("?")}
        except caught as error:
            seen.append(error)

    async def anode(state, ctx):
        try:
            return {"log": await ctx.ask("?")}
        except caught as error:
            seen.append(error)

    engine = kept(alone(anode if is_async else node))
    run = engine.run(run_id="r")
    assert ("waiting", [], caught is BaseException) == (run.status, list(run.history()), bool(seen))
    engine.answer(open_ids(engine)["?"], "yes")
    assert ["yes"] == engine.resume("r").state["log"]


def test_a_node_that_fails_after_swallowing_a_wait_still_waits(kept):
    """An error that the missing answer led to is no failure."""

    def node(state, ctx):
        try:
            answer = ctx.ask("?")
        except BaseException as error:
            raise ValueError from error
        return {"log": answer}

    engine = kept(alone(node, retry=ng.Retry(attempts=2)))
    assert "waiting" == engine.run(run_id="r").status


def test_retries_and_error_edges_do_not_see_a_wait(kept):
    """Waiting is not failing: no attempt is used up, no ``on_error`` edge is taken."""
    graph = alone(asks("?"), retry=ng.Retry(attempts=2, on=(Exception, BaseException)))
    graph.node(name="rescue")(lambda state: {"log": "rescued"})
    graph.edge("ask", "rescue", on_error=Exception)
    graph.start("ask")
    engine = kept(graph)
    run = engine.run(run_id="r")
    assert ("waiting", []) == (run.status, kinds(run, "task.retried"))
    engine.answer(open_ids(engine)["?"], "yes")
    run = engine.resume("r")
    assert ([1], [["yes"]]) == (list(run.tasks.attempts), run.state["log"])


def test_a_retry_after_an_answer_keeps_the_answer(kept):
    """An attempt that fails behind its question does not ask again."""
    attempts = []

    def node(state, ctx):
        answer = ctx.ask("?")
        attempts.append(ctx.attempt)
        if len(attempts) < 3:
            raise ValueError
        return {"log": answer}

    engine = kept(alone(node, retry=ng.Retry(attempts=3, wait=0, jitter=0)))
    engine.run(run_id="r")
    engine.answer(open_ids(engine)["?"], "yes")
    run = engine.resume("r")
    assert (["yes"], [1, 2, 3]) == (run.state["log"], attempts)
    assert 1 == len(run.calls)


def test_a_node_timeout_does_not_count_the_wait(kept):
    """A node with a timeout may wait for ever for an answer: its time runs only while it runs."""
    clock = FakeClock()
    engine = kept(alone(asks("?", is_async=True), timeout=5), clock=clock)
    assert "waiting" == engine.run(run_id="r").status
    clock.advance(1000)
    engine.answer(open_ids(engine)["?"], "yes")
    assert [["yes"]] == engine.resume("r").state["log"]


@pytest.mark.parametrize("finish", [["first", "second"], ["second", "first"]])
@pytest.mark.parametrize("failing", ["first", "second"])
def test_the_verdict_beside_a_failing_branch_does_not_depend_on_timing(kept, finish, failing):
    """A run whose first trouble in canonical order is a failure has failed; where a question comes before it, it waits."""

    def fail(state):
        raise ValueError

    nodes = {"first": asks("?"), "second": asks("?")} | {failing: fail}
    graph = beside(nodes["first"], nodes["second"])
    engine = kept(graph, executor=finishing(finish), max_concurrent=4)
    if failing == "first":
        with pytest.raises(ng.NodeError):
            engine.run(run_id="r")
    else:
        engine.run(run_id="r")
    assert {"first": "failed", "second": "waiting"}[failing] == engine.open("r").status


def test_a_run_that_waits_before_a_failure_finds_it_after_the_answer(kept):
    """The failure behind an open question is reported once the question is answered and all before it is done."""

    def fail(state):
        raise ValueError("behind")

    engine = kept(beside(asks("?"), fail))
    engine.run(run_id="r")
    engine.answer(open_ids(engine)["?"], "yes")
    with pytest.raises(ng.NodeError, match="behind"):
        engine.resume("r")
    run = engine.open("r")
    assert ("failed", ["begin", "first"]) == (run.status, nodes_of(run))


# -- time


def test_a_default_answers_when_time_is_up_live(kept):
    """A run that is still driven takes the default when the deadline comes, by the run's clock."""
    clock = FakeClock()
    engine = kept(
        alone(asks("?", schema=bool, timeout=60, default=False)), clock=clock, executor=finishing((), clock=clock)
    )
    run = engine.run(run_id="r")
    assert ("completed", [[False]]) == (run.status, run.state["log"])
    assert 60 <= clock.now() - 1_700_000_000.0 < 62
    assert [] == list(engine.inbox().question)


@pytest.mark.parametrize("late", [False, True])
def test_a_default_answers_at_a_resume_after_the_deadline(kept, late):
    """A run whose driver went away takes the default at a resume after the deadline, and not before."""
    clock = FakeClock()
    graph = alone(asks("?", schema=bool, timeout=60, default=True))
    run = kept(graph, clock=clock).start(run_id="r")
    until_asked(kept(graph, clock=clock))
    run.pause()
    assert "paused" == run.status
    clock.advance(61 if late else 30)
    resumed = kept(graph, clock=clock).open("r").resume()
    if late:
        assert [[True]] == resumed.wait(SOON).state["log"]
    else:
        assert "paused" == resumed.pause().status
        assert 1 == len(kept(graph).inbox())


def test_an_answer_comes_before_a_default(kept):
    """Who answers in time is heard, whatever the clock says at the resume; a replay hears the same."""
    clock = FakeClock()
    graph = alone(asks("?", timeout=60, default="nobody"))
    engine = kept(graph, clock=clock)
    run = engine.start(run_id="r")
    until_asked(engine)
    run.pause()
    engine.answer(open_ids(engine)["?"], "somebody")
    clock.advance(100)
    run = engine.resume("r")
    assert [["somebody"]] == run.state["log"]
    assert engine.replay("r").ok


class Meddled(ng.SqliteStore):
    """A store in which something happens between the driver's look at the answers and what it does then."""

    meddle = None

    def answers(self, run_id):
        """Return the answers, then let it happen."""
        found, act, self.meddle = super().answers(run_id), self.meddle, None
        if act is not None:
            act()
        return found


def test_an_answer_that_was_taken_is_heard_though_the_time_was_up(tmp_path):
    """An answer and a default compete for the question: nobody is told that an answer was taken which is not."""
    clock, graph = FakeClock(), alone(asks("?", timeout=60, default="nobody"))
    with Meddled(tmp_path / "runs.sqlite", clock=clock) as store:
        engine = ng.Engine(graph, store=store, clock=clock)
        run = engine.start(run_id="r")
        until_asked(engine)
        run.pause()
        clock.advance(61)
        question = open_ids(engine)["?"]
        store.meddle = lambda: engine.answer(question, "somebody")
        assert [["somebody"]] == engine.resume("r").state["log"]


def test_a_deadline_may_lie_further_off_than_a_table_can_say(kept):
    """A timeout of millions of years is listed, without a date."""
    engine = kept(alone(asks("?", timeout=1e15)))
    run = engine.start(run_id="r")
    until_asked(engine)
    assert [True] == list(engine.inbox().deadline.isna())
    run.pause()


# -- runs


def test_the_inbox_lists_the_open_questions_of_all_runs(kept):
    """Open ones only, oldest first: not those of completed runs, nor answered ones; a fork has its own."""
    clock = FakeClock(tick=1.0)
    graph = beside(asks("?"), lambda state: None)
    engine = kept(graph, clock=clock)
    for name in ("waits", "answered", "completed", "other"):
        engine.run(run_id=name)
    ids = {run.rpartition("/")[0]: run for run in engine.inbox().question}
    engine.answer(ids["answered"], 1)
    engine.answer(ids["completed"], 1)
    engine.resume("completed")
    engine.fork("completed", 1, new_id="fork")
    assert ["waits", "other", "fork"] == list(engine.inbox().run_id)
    assert engine.inbox().asked.is_monotonic_increasing


def test_questions_of_a_fan_out_may_be_answered_in_any_order(kept):
    """Twenty tasks ask; the result does not depend on the order of the answers."""
    graph = ng.Graph(Log, name="fan")
    graph.node(name="split", sends="work")(lambda state: [ng.Send("work", item=place) for place in range(20)])
    graph.node(name="work")(lambda state, ctx: {"log": [state["item"], ctx.ask(f"q{state['item']}", schema=int)]})
    graph.node(name="end", after="work")(lambda state: None)
    engine, digests = kept(graph, max_concurrent=4), set()
    for seed in range(3):
        engine.run(run_id=f"r{seed}")
        ids = open_ids(engine)
        assert 20 == len(ids)
        order = sorted(ids)
        random.Random(seed).shuffle(order)
        for place, prompt in enumerate(order):
            engine.answer(ids[prompt], int(prompt[1:]) * 10)
            if place % 7 == 6:
                assert "waiting" == engine.resume(f"r{seed}").status
        digests.add(engine.resume(f"r{seed}").digest)
    assert 1 == len(digests)
    assert [[place, place * 10] for place in range(20)] == engine.open("r0").state["log"]


def test_a_subgraph_may_ask(kept):
    """A question inside a subgraph stands in the inbox under its node there, and its answer goes on."""
    inner = alone(asks("?"))
    graph = ng.Graph(Log, name="outer")
    graph.node(name="begin")(lambda state: {"log": "begin"})
    graph.node(inner, name="sub", after="begin")
    graph.node(name="end", after="sub")(lambda state: {"log": "end"})
    engine = kept(graph)
    engine.run(run_id="r")
    assert [("?", "sub/ask")] == list(zip(engine.inbox().prompt, engine.inbox().node, strict=True))
    engine.answer(open_ids(engine)["?"], "yes")
    assert ["begin", ["yes"], "end"] == engine.resume("r").state["log"]


@pytest.mark.parametrize("how", [{"prompt": "new"}, {"prompt": "new", "key": "k"}, {"prompt": "new", "schema": int}])
def test_a_question_whose_words_changed_is_asked_anew(kept, how):
    """After an edit of the node the old question is gone from the inbox, and its answer does not serve the new one."""
    asked: dict[str, Any] = {"prompt": "old"}
    graph = alone(lambda state, ctx: {"log": ctx.ask(**asked)})
    engine = kept(graph)
    engine.run(run_id="r")
    old = open_ids(engine)["old"]
    asked = how
    assert "waiting" == engine.resume("r").status
    assert ["new"] == list(open_ids(engine))
    with pytest.raises(ng.QuestionError):
        engine.answer(old, "stale")
    engine.answer(open_ids(engine)["new"], 7)
    assert [7] == engine.resume("r").state["log"]


def test_an_edit_that_is_taken_back_brings_the_old_question_back(kept):
    """The inbox lists what the node asked when it ran last."""
    asked: dict[str, Any] = {"prompt": "old"}
    engine = kept(alone(lambda state, ctx: {"log": ctx.ask(**asked)}))
    engine.run(run_id="r")
    for prompt, key in (("new", "k"), ("old", None), ("new", "k")):
        asked = {"prompt": prompt, "key": key}
        engine.resume("r")
        assert [prompt] == list(open_ids(engine))


def test_an_answer_given_before_the_words_changed_does_not_serve(kept):
    """An answer belongs to the words it was given to."""
    asked = ["old"]
    engine = kept(alone(lambda state, ctx: {"log": ctx.ask(asked[0])}))
    engine.run(run_id="r")
    engine.answer(open_ids(engine)["old"], "stale")
    asked[0] = "new"
    assert "waiting" == engine.resume("r").status
    assert ["new"] == list(open_ids(engine))


def test_an_answer_whose_type_changed_meanwhile_is_refused_by_the_node(kept):
    """An answer that fitted the form then, and not the type now, is a new question, not a wrong value in the node."""
    schema: list[Any] = [int]
    engine = kept(alone(lambda state, ctx: {"log": ctx.ask("?", schema=schema[0])}))
    engine.run(run_id="r")
    engine.answer(open_ids(engine)["?"], 3)
    schema[0] = bool
    assert "waiting" == engine.resume("r").status
    assert [{"type": "boolean"}] == list(engine.inbox().schema)


# -- live runs


@pytest.fixture
def busy():
    """A node that keeps a run live until it is let go."""
    release = threading.Event()

    def hold(state):
        release.wait(SOON)
        return {"log": "held"}

    hold.release = release
    yield hold
    release.set()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_live_run_goes_on_when_it_is_answered(kept, busy, is_async):
    """While other branches run, an answer, of whatever kernel, sets its branch going without a resume."""
    heard = threading.Event()
    graph = beside(asks("?", is_async=is_async), busy)
    graph.node(name="after", after="first")(lambda state: heard.set())
    run = kept(graph).start(run_id="r")
    other = kept(graph)
    until_asked(other)
    other.answer(open_ids(other)["?"], "yes")
    assert heard.wait(SOON)
    assert "running" == run.status
    busy.release.set()
    assert [["yes"], "held"] == run.wait(SOON).state["log"]


def test_a_question_is_listed_before_what_runs_beside_it_ends(kept):
    """A node's second question can be answered while a call of the node is still under way."""
    release = threading.Event()

    async def node(state, ctx):
        await ctx.ask("a")
        return {"log": list(await asyncio.gather(ctx.ask("b"), ctx.call(release.wait, SOON)))}

    engine = kept(alone(node))
    engine.run(run_id="r")
    engine.answer(open_ids(engine)["a"], 1)
    run = engine.open("r").resume()
    assert ["b"] == list(until_asked(engine).prompt)
    engine.answer(open_ids(engine)["b"], 2)
    release.set()
    run.wait(SOON)
    assert [[2, True]] == (run if run.status == "completed" else engine.resume("r")).state["log"]
    assert 3 == len(run.calls)


def test_a_waiting_live_run_can_be_paused_and_cancelled(kept, busy):
    """A run with an open question obeys like any other; its question is in the inbox only while it may go on."""
    graph = beside(asks("?"), busy)
    engine = kept(graph)
    run = engine.start(run_id="r")
    until_asked(engine)
    busy.release.set()
    run.pause()
    assert run.status in ("paused", "waiting")
    assert 1 == len(engine.inbox())
    busy.release.clear()
    other = engine.start(run_id="s")
    until_asked(engine, 2)
    other.cancel()
    assert "cancelled" == other.status
    assert ["r"] == list(engine.inbox().run_id)
