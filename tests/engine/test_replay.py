"""Replay: every kind of run runs again from its record alone; nothing is called, nothing is written."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

import nbgraph as ng
from nbgraph.errors import MissingCallError, ReplayMismatchError, RunCancelledError
from tests.engine.outside import REPO, Service, fetch
from tests.engine.plays import holding, play, says
from tests.engine.stage import Log, beside, chain, counting, fan


class Paid:
    """A function of the outside world that counts how often it was called."""

    def __init__(self) -> None:
        self.times = 0
        self._lock = threading.Lock()

    def ask(self, word: str) -> str:
        with self._lock:
            self.times += 1
        return f"{word}!"

    async def aask(self, word: str, after: float | None = None) -> str:
        await asyncio.sleep(random.random() / 100 if after is None else after)
        return self.ask(word)


@pytest.fixture
def paid() -> Paid:
    """The outside world."""
    return Paid()


def replayed(graph: ng.Graph, run: ng.Run, **how: Any) -> Any:
    """Replay a run in an engine of its own."""
    return ng.Engine(graph, store=run._store).replay(run.id, **how)


def faithful(graph: ng.Graph, paid: Paid | None = None, given: Any = None, **options: Any) -> Any:
    """Run a graph and replay it; return the replay, which found no difference and paid nothing."""
    run = ng.Engine(graph, **options).run(given or {"log": [], "count": 0}, run_id="r")
    times = paid.times if paid is not None else 0
    replay = replayed(graph, run)
    assert (True, times) == (replay.ok, paid.times if paid is not None else 0)
    assert len(list(run.history())) == replay.tasks + len(replay.skipped)
    return replay


def failing(graph: ng.Graph, kind: type[Exception] = ng.NodeError, **options: Any) -> ng.Run:
    """Run a graph that fails; return the run."""
    engine = ng.Engine(graph, **options)
    with pytest.raises(kind):
        engine.run({"log": [], "count": 0}, run_id="r")
    return engine.open("r")


# -- every kind of run


def test_a_failed_run_fails_again_as_it_did(paid):
    """The node whose failure stands runs again with its recorded calls and clock, and raises the same."""

    def broken(state, ctx):
        raise ValueError(ctx.call(paid.ask, "why") + str(ctx.now()))

    run = failing(chain(says_fine, broken))
    replay = replayed(chain(says_fine, broken), run)
    assert (True, 2, 1, 1) == (replay.ok, replay.tasks, replay.calls, paid.times)


def says_fine(state):
    return {"log": "fine"}


def test_a_failing_node_that_was_mended_is_a_difference():
    """Of a failed run the failure is recorded too: code that no longer fails does something else."""

    def broken(state):
        raise ValueError("boom")

    run = failing(chain(says_fine, broken))
    mended = chain(says_fine, broken)
    mended.node(name="broken", after="says_fine")(says("mended"))
    with pytest.raises(ReplayMismatchError) as caught:
        replayed(mended, run)
    assert (2, "broken", "error") == (caught.value.step, caught.value.node, caught.value.field)
    assert ("ValueError: boom", "no error") == (caught.value.expected, caught.value.actual)


def test_a_failing_node_that_fails_otherwise_is_a_difference():
    """Another message of a failure that stands is told, recorded and now."""

    def broken(state):
        raise ValueError(f"boom {next(numbers)}")

    numbers = iter(range(9))
    run = failing(chain(says_fine, broken))
    assert ["boom 0", "boom 1"] == [
        text.removeprefix("ValueError: ") for error in replayed(chain(says_fine, broken), run, strict=False).problems
        for text in (error.expected, error.actual)
    ]  # fmt: skip


def test_a_paused_run_replays_up_to_where_it_stands(paid):
    """What had finished is compared; what had not is listed as skipped, with the reason."""
    engine = ng.Engine(counting(9))
    engine.run({"count": 0}, run_id="r", before="end")
    replay = engine.replay("r")
    assert (True, 9, [(0, "end", "it had not finished")]) == (replay.ok, replay.tasks, list(replay.skipped))


def test_a_waiting_run_replays_up_to_its_question(paid):
    """A run that waits for a person is compared as far as it got; the question is not put again."""

    def ask(state, ctx):
        return {"log": [ctx.call(paid.ask, "before"), ctx.ask("Sure?")]}

    engine = ng.Engine(beside(says_fine, ask))
    engine.run({"log": [], "count": 0}, run_id="r")
    replay = engine.replay("r")
    assert (True, 2, ["ask"], 1) == (
        replay.ok,
        replay.tasks,
        [node for _, node, _ in replay.skipped],
        len(engine.inbox()),
    )


def test_a_cancelled_run_replays(paid):
    """The steps before the cancellation are compared."""

    def stop(state, ctx):
        engine.open("r").cancel()
        while not ctx.cancelled:
            time.sleep(0.001)

    graph = chain(says_fine, stop)
    engine = ng.Engine(graph)
    with pytest.raises(RunCancelledError):
        engine.start({"log": [], "count": 0}, run_id="r").wait()
    assert (True, 1) == (engine.replay("r").ok, engine.replay("r").tasks)


def test_a_run_whose_process_died_replays(tmp_path):
    """A run that the file still calls running, with nobody driving it, is compared as far as it is kept."""
    program = f"""
import os, nbgraph as ng
from tests.engine.stage import counting
graph = counting(9)
graph.node(name="end")(lambda state: os._exit(7))
ng.Engine(graph, store={str(tmp_path / "runs.sqlite")!r}).run({{"count": 0}}, run_id="r")
"""
    assert 7 == subprocess.run([sys.executable, "-c", program], cwd=REPO).returncode
    engine = ng.Engine(counting(9), store=tmp_path / "runs.sqlite")
    assert ("interrupted", True, 9) == (engine.open("r").status, engine.replay("r").ok, engine.replay("r").tasks)


def test_a_resumed_run_replays(paid):
    """What a run did over several drives, with answers and repaired nodes, replays as one."""
    broken = [True]

    def shaky(state, ctx):
        said = ctx.call(paid.ask, "kept"), str(ctx.now())
        if broken:
            raise ValueError(broken.pop())
        return {"log": [*said, ctx.ask("Sure?", schema=bool), ctx.rng.random()]}

    run = failing(chain(says_fine, shaky))
    run._engine.resume("r")
    run._engine.answer(run._engine.inbox().question[0], True)
    run._engine.resume("r")
    assert ("completed", True, 1) == (run.status, replayed(chain(says_fine, shaky), run).ok, paid.times)


# -- forks


def test_a_fork_replays_its_shared_past_as_it_was_recorded(paid):
    """The past's calls, seed and ids are the parent's, also of a fork of a fork; the rest is its own."""

    def draws(state, ctx):
        number = ctx.rng.random(), str(ctx.uuid()), ctx.idempotency_key(), str(ctx.now())
        return {"log": [*number, ctx.call(paid.ask, "word")], "count": state["count"] + 1}

    graph = counting(4)
    graph.node(name="count")(draws)
    engine = ng.Engine(graph, seed=1)
    engine.run({"log": [], "count": 0}, run_id="r")
    engine.fork("r", 2, new_id="f", seed=2, update={"log": "edited"})
    engine.fork("f", 4, new_id="g", seed=3, state={"count": 3})
    for run_id in "rfg":
        assert engine.replay(run_id).ok, run_id
    assert [1, 2, 3] == [engine.store.run(run_id).record.seed for run_id in "rfg"]


def test_a_fork_with_changed_code_replays_where_its_own_code_ran_only_from_there():
    """Of a fork that was made to try other code, the shared past drifts and says its step; the new part does not."""
    engine = ng.Engine(chain(says_fine, node_b))
    engine.run({"log": [], "count": 0}, run_id="r")
    other = chain(says_fine, node_b)
    other.node(name="says_fine")(says("other"))
    forked = ng.Engine(other, store=engine.store)
    forked.fork("r", 1, new_id="f")
    assert [(1, "says_fine", "log")] == [(e.step, e.node, e.field) for e in forked.replay("f", strict=False).problems]
    assert engine.replay("f").ok


def node_b(state):
    return {"log": "b"}


def test_a_fork_from_before_a_failure_replays():
    """The failure that the parent had is not the fork's."""

    def broken(state):
        if not state["count"]:
            raise ValueError("boom")

    run = failing(chain(says_fine, broken))
    run._engine.fork("r", new_id="f", update={"count": 1})
    assert run._engine.replay("f").ok


def test_calls_reused_from_a_parent_replay_without_it(paid):
    """A fork that was served from its parent's record holds all it needs."""
    graph = chain(says_fine, lambda_call(paid))
    engine = ng.Engine(graph)
    engine.run({"log": [], "count": 0}, run_id="r")
    engine.fork("r", 1, new_id="f", reuse_calls=True)
    assert (True, 1, 1) == (engine.replay("f").ok, engine.replay("f").calls, paid.times)


def lambda_call(paid: Paid) -> Any:
    def calls(state, ctx):
        return {"log": ctx.call(paid.ask, "word")}

    return calls


# -- every kind of node


def test_a_retried_node_replays_with_the_attempt_that_succeeded(paid):
    """Attempt number, calls and readings are those of the successful attempt; what failed before is not repeated."""

    def shaky(state, ctx):
        said = ctx.call(paid.ask, "word")
        if ctx.attempt < 3:
            raise OSError(str(ctx.now()))
        return {"log": [said, ctx.attempt, str(ctx.now())]}

    graph = ng.Graph(Log, name="retried")
    graph.node(retry=ng.Retry(attempts=3, wait=0.001))(shaky)
    assert 1 == faithful(graph, paid).calls


def test_a_caught_failure_is_caught_again(paid):
    """A failure that an on_error edge took over is raised again, with its calls, and routes the same way."""

    def shaky(state, ctx):
        raise ValueError(ctx.call(paid.ask, "why"), str(ctx.now()))

    graph = ng.Graph(Log, name="caught")
    graph.node(name="shaky")(shaky)
    graph.node(name="mend")(lambda state, ctx: {"log": [error.type for error in ctx.errors]})
    graph.edge("shaky", "mend", on_error=ValueError)
    graph.start("shaky")
    assert (2, 1) == (faithful(graph, paid).tasks, paid.times)


def test_a_recorded_exception_is_raised_again(paid):
    """A call that raised raises the same type with the same arguments and attributes, and says where it came from."""

    def refuse(word):
        error = LookupError(word, 404)
        error.code = 404
        raise error

    def tries(state, ctx):
        try:
            ctx.call(refuse, "word")
        except LookupError as error:
            notes.append(getattr(error, "__notes__", []))
            return {"log": [str(error), error.code, *map(str, error.args)]}

    notes: list[Any] = []
    faithful(chain(tries))
    assert "in refuse" in notes[1][0]


def test_a_timeout_is_not_repeated_and_said_so():
    """A task that took too long is skipped with the reason, caught or standing: how long it takes is not recorded."""

    async def slow(state):
        await asyncio.sleep(30)

    for caught in (True, False):
        graph = ng.Graph(Log, name="late")
        graph.node(timeout=0.01)(slow)
        graph.node(name="mend")(says("mended"))
        if caught:
            graph.edge("slow", "mend", on_error=ng.NodeTimeoutError)
        else:
            graph.edge("slow", "mend")
        run = ng.Engine(graph).run(run_id="r") if caught else failing(graph)
        replay = replayed(graph, run)
        assert replay.ok
        assert [("slow", "it took too long then; how long it takes is not recorded")] == [
            (node, why) for _, node, why in replay.skipped
        ]


def test_a_subgraph_replays(paid):
    """Nodes of a graph in a graph run again; its end, which runs no code, does not count."""
    inner = play("i > j", name="inner", j=lambda_call(paid))
    run = ng.Engine(holding("a > sub; sub > b", inner)).run({"log": [], "x": 0}, run_id="r")
    replay = replayed(holding("a > sub; sub > b", inner), run)
    assert (True, 4, 1) == (replay.ok, replay.tasks, paid.times)


class Own(TypedDict):
    """Fields that only code can merge."""

    text: Annotated[str, lambda old, new: f"({old}{new})"]
    plain: Annotated[list[str], ng.append]


def test_gathers_with_reducers_of_ones_own_replay():
    """What a reducer made of several branches is compared, where they gather and at the end of the run."""
    node = lambda name: lambda state: {"text": name, "plain": name + state["text"]}  # noqa: E731 - a factory
    for ways in ("a > b c d; b > e; c > e; d > e", "a > b c; b > d"):
        graph = play(ways, Own, **{name: node(name) for name in "abcde" if name in ways})
        faithful(graph, given={"text": "", "plain": []}, max_concurrent=8)


def test_another_end_of_the_same_steps_is_a_difference():
    """A reducer that differs only where the last branches meet is caught at the final state."""

    def graph(reducer):
        own = TypedDict("Own", {"text": Annotated[str, reducer]})  # noqa: UP013 - the reducer is given
        return play("a > b c", own, a=writes("a"), b=writes("b"), c=writes("c"))

    run = ng.Engine(graph(lambda old, new: old + new)).run({"text": ""}, run_id="r")
    problems = replayed(graph(lambda old, new: old + new if len(old) < 2 else new + old), run, strict=False).problems
    assert [("(final state)", "(final state)")] == [(error.node, error.field) for error in problems]
    assert ("abc", "cab") == tuple(
        json.loads(text)["set"]["text"] for text in (problems[0].expected, problems[0].actual)
    )


def test_a_run_resumed_with_another_reducer_agrees_with_its_file():
    """What was taken in keeps the value that it was given then; today's reducer takes in what comes."""

    def graph(reducer, seen):
        total = TypedDict("Total", {"total": Annotated[int, reducer]})  # noqa: UP013 - the reducer is given
        look = lambda state: seen.append(state["total"]) or {"total": 1}  # noqa: E731 - a node
        return play("a > b c; b > d; c > d; d > e", total, d=says_two, e=look, **dict.fromkeys("abc", says_two))

    for before, after in ((ng.add, ng.maximum), (ng.add, max), (lambda old, new: old + new, min)):
        seen = []
        engine = ng.Engine(graph(before, seen))
        engine.run({"total": 0}, run_id="r", before="e")
        run = ng.Engine(graph(after, seen), store=engine.store).resume("r")
        assert ([8], run.state, run.at(4).state["total"]) == (seen, ng.open_run(engine.store, "r").state, 8)


def writes(word):
    return lambda state: {"text": word}


def says_two(state):
    return {"total": 2}


def test_a_reducer_of_the_whole_graph_replays():
    """A graph's own reducer runs again on each step and gather; another result is a difference."""
    good = lambda state, update: {**state, **update, "count": state["count"] + 1}  # noqa: E731 - a reducer
    bad = lambda state, update: {**state, **update, "count": state["count"] + 2}  # noqa: E731 - another
    nodes = {name: says([name]) for name in "abcd"}
    run = ng.Engine(play("a > b c; b > d; c > d", Log, reducer=good, **nodes)).run({"log": [], "count": 0}, run_id="r")
    assert replayed(play("a > b c; b > d; c > d", Log, reducer=good, **nodes), run).ok
    found = replayed(play("a > b c; b > d; c > d", Log, reducer=bad, **nodes), run, strict=False).problems
    assert {"count"} == {error.field for error in found}
    assert ["a", "b", "c", "d", "d"] == sorted(error.node for error in found)


def test_threads_of_a_node_replay(paid):
    """Calls that a sync node makes from threads, by key or as equals, are told apart whoever comes first."""

    def spreads(state, ctx):
        def one(number):
            time.sleep(random.random() / 200)
            return ctx.call(paid.ask, f"word {number}", key=f"{number}")

        with ThreadPoolExecutor(8) as pool:
            return {"log": [*pool.map(one, range(8)), *pool.map(lambda _: ctx.call(paid.ask, "same"), range(8))]}

    assert 16 == faithful(chain(spreads), paid).calls


def test_calls_beside_each_other_end_in_their_recorded_order(paid):
    """Whatever a node makes of who answers first, it makes it again: answers come in the order of the record."""

    async def races(state, ctx):
        order = []

        async def branch(name):
            for turn in range(3):
                order.append(await ctx.call(paid.aask, f"{name}{turn}"))  # noqa: PERF401 - one after the other

        await asyncio.gather(*map(branch, "abcd"))
        return {"log": order}

    for _ in range(5):
        assert 12 == faithful(chain(races), paid).calls


def test_calls_served_to_a_later_attempt_come_in_the_order_in_which_it_got_them(paid):
    """A retry is served at once what the first attempt waited for; a replay follows the attempt that succeeded."""

    async def races(state, ctx):
        order = []

        async def branch(name, after):
            order.append(await ctx.call(paid.aask, name, after))

        await asyncio.gather(branch("slow", 0.02), branch("quick", 0.0), branch("between", 0.01))
        if ctx.attempt == 1:
            raise OSError
        return {"log": order}

    graph = ng.Graph(Log, name="races")
    graph.node(name="races", retry=ng.Retry(attempts=2, wait=0.001))(races)
    assert 3 == faithful(graph, paid).calls


def test_calls_that_a_node_gave_up_are_given_up_again(paid):
    """A timeout around a call, or a race whose loser is cancelled, replays at once, in the recorded order."""

    async def impatient(state, ctx):
        order = []
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                order.append(await ctx.call(paid.aask, "never", 3600))
        racers = [asyncio.ensure_future(ctx.call(paid.aask, "horse", after)) for after in (3600, 0.0, 3600)]
        for winner in asyncio.as_completed(racers):
            order.append(await winner)
            break
        for racer in racers:
            racer.cancel()
        await asyncio.gather(*racers, return_exceptions=True)
        return {"log": [*order, await ctx.call(paid.aask, "after", 0.0)]}

    faithful(chain(impatient), paid)


def test_a_node_that_waits_for_what_it_gave_up_then_is_a_difference(paid):
    """The record has no answer to a call that was cancelled: waiting for it ends with a mismatch, not never."""

    def graph(seconds):
        async def impatient(state, ctx):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ctx.call(paid.aask, "never", 3600)

        return chain(impatient)

    run = ng.Engine(graph(0.01)).run({"log": [], "count": 0}, run_id="r")
    with pytest.raises(ReplayMismatchError, match="waits for call 1, which it gave up then"):
        replayed(graph(None), run)


def test_work_on_threads_beside_calls_keeps_the_order(paid):
    """A call whose answer came after that of a branch that was busy on a thread still comes after it."""

    async def races(state, ctx):
        order = []

        async def busy():
            await asyncio.to_thread(time.sleep, 0.02)
            order.append(await ctx.call(paid.aask, "busy", 0.0))

        async def slow():
            order.append(await ctx.call(paid.aask, "slow", 0.1))

        await asyncio.gather(busy(), slow())
        return {"log": order}

    faithful(chain(races), paid)


def test_a_gather_in_a_record_whose_code_asks_less_ends(paid):
    """A replay whose calls wait for one that is never made again does not hang: it tells which."""

    def races(words):
        async def node(state, ctx):
            return {"log": list(await asyncio.gather(*[ctx.call(paid.aask, word, wait) for word, wait in words]))}

        graph = ng.Graph(Log, name="races")
        graph.node(name="node")(node)
        return graph

    words = [("a", 0.01), ("b", 0.02), ("c", 0.03)]
    run = ng.Engine(races(words)).run(run_id="r")
    with pytest.raises(ReplayMismatchError, match=r"call (a1.)?1"):
        replayed(races(words[1:]), run)


@pytest.mark.parametrize("how", [{"max_concurrent": 1}, {"max_concurrent": 8}, {"max_concurrent": 8, "loop": "host"}])
def test_runs_of_any_width_and_loop_replay(paid, how):
    """Sync and async nodes, one at a time, eight at once or on the caller's loop: the record is the same to replay."""

    async def work(state, ctx):
        return {"log": [await ctx.call(paid.aask, f"{state['item']}"), ctx.rng.random()]}

    graph = fan(16, work)
    run = asyncio.run(ng.Engine(graph, **how).arun({"log": [], "count": 0}, run_id="r"))
    assert (True, 16, 16) == (replayed(graph, run).ok, replayed(graph, run).calls, paid.times)


def test_context_variables_of_the_caller_are_the_nodes(paid):
    """A node sees the caller's context variables in a replay as it does in a run."""
    from contextvars import ContextVar

    where = ContextVar("where", default="nowhere")

    async def looks(state):
        return {"log": where.get()}

    run = ng.Engine(chain(looks)).run({"log": [], "count": 0}, run_id="r")
    where.set("here")
    assert "'nowhere'" in replayed(chain(looks), run, strict=False).problems[0].expected.replace('"', "'")


# -- where it happens


def test_a_replay_works_inside_a_running_loop(paid):
    """As in a notebook: a sync call of replay in a thread whose event loop runs."""

    async def calls(state, ctx):
        return {"log": await ctx.call(paid.aask, "word")}

    run = ng.Engine(chain(calls, says_fine)).run({"log": [], "count": 0}, run_id="r")

    async def cell() -> Any:
        return replayed(chain(calls, says_fine), run), run.replay()

    assert [True, True] == [replay.ok for replay in asyncio.run(cell())]


def test_a_replay_writes_nothing(tmp_path, paid):
    """The file's bytes and its time stay as they are, and so do the store's other files."""
    store = tmp_path / "runs.sqlite"
    engine = ng.Engine(chain(lambda_call(paid), says_fine), store=store)
    engine.run({"log": [], "count": 0}, run_id="r")
    engine.close()
    before = kept(tmp_path)
    engine = ng.Engine(chain(lambda_call(paid), says_fine), store=store)
    assert engine.replay("r").ok
    assert before["runs.sqlite"] == kept(tmp_path)["runs.sqlite"]
    engine.close()
    assert before == kept(tmp_path)


def kept(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file's bytes and time of change."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.iterdir())}


def test_a_run_can_be_replayed_while_another_process_drives_it(tmp_path):
    """A replay takes no lease: it compares what is there so far, again and again, while the run goes on."""
    store = tmp_path / "runs.sqlite"
    command = [sys.executable, "-m", "tests.engine.test_replay", str(store)]
    with subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True) as process:
        assert "begun\n" == process.stdout.readline()
        engine, seen = ng.Engine(driven(), store=store), set()
        while process.poll() is None:
            replay = engine.replay("r")
            assert replay.ok
            seen.add((replay.tasks, engine.open("r").status))
    assert (0, True, 301) == (process.returncode, engine.replay("r").ok, engine.replay("r").tasks)
    assert len(seen) > 3


def driven() -> ng.Graph:
    """Return a run of 300 calls."""
    graph = counting(300)
    graph.node(name="count")(_counts)
    return graph


def _counts(state: Any, ctx: Any) -> Any:
    return {"count": ctx.call(_next, state["count"]), "log": ctx.now().isoformat()}


def _next(number: int) -> int:
    return number + 1


def test_an_engine_of_another_graph_is_refused(paid):
    """A run is replayed with its own graph only."""
    run = ng.Engine(chain(says_fine)).run({"log": [], "count": 0}, run_id="r")
    with pytest.raises(ng.GraphError):
        replayed(fan(2, says("x")), run)


# -- no network

_QUIET = """
import sys
events = []
sys.addaudithook(lambda event, args: events.append(event) if event.startswith("socket.") else None)
import asyncio, nbgraph as ng
from tests.engine.test_replay import mixed
engine = ng.Engine(mixed(), store=sys.argv[1])
async def cell():
    del events[:]  # those of asyncio.run are this program's
    return engine.replay("r"), list(events)
replay, found = asyncio.run(cell()) if sys.argv[2] == "loop" else (engine.replay("r"), events)
print(replay.ok, replay.tasks, replay.calls, found)
"""


def mixed() -> ng.Graph:
    """Return sync and async nodes that call, beside each other."""
    graph = ng.Graph(Log, name="mixed")
    graph.node(name="split", sends="work")(lambda state: [ng.Send("work", item=place) for place in range(4)])
    graph.node(name="work")(_works)
    graph.node(name="gather", after="work")(lambda state, ctx: {"log": ctx.call(_anext, 1)})
    return graph


async def _works(state: Any, ctx: Any) -> Any:
    return {"log": list(await asyncio.gather(ctx.call(_anext, state["item"]), ctx.call(_next, state["item"])))}


async def _anext(number: int) -> int:
    await asyncio.sleep(0)
    return number + 1


@pytest.mark.parametrize("where", ["script", "loop"])
def test_a_replay_opens_no_socket(tmp_path, where):
    """Not one audit event of a socket is raised by the replay of sync and async nodes, in a fresh process."""
    engine = ng.Engine(mixed(), store=tmp_path / "runs.sqlite")
    engine.run({"log": [], "count": 0}, run_id="r")
    engine.close()
    command = [sys.executable, "-c", _QUIET, str(tmp_path / "runs.sqlite"), where]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True)
    assert ("True 6 9 []\n", "") == (done.stdout, done.stderr)


@pytest.fixture
def service():
    """An HTTP service that counts, and how to stop it."""
    service, stopped = Service(), []

    def stop() -> None:
        if not stopped:
            stopped.append(True)
            service.close()

    service.stop = stop
    yield service
    stop()


def test_a_replay_needs_no_service(service):
    """With the service stopped a run that asked it replays, sync and async."""

    def asks(state, ctx):
        return {"log": ctx.call(service.get, "one")["number"]}

    async def waits(state, ctx):
        answers = await asyncio.gather(*[ctx.call(service.aget, word) for word in "abc"])
        return {"log": [answer["word"] for answer in answers]}

    graph = chain(asks, waits)
    run = ng.Engine(graph).run({"log": [], "count": 0}, run_id="r")
    service.stop()
    assert (True, 4) == (replayed(graph, run).ok, service.paid.total())


def _directly(service: Service) -> Any:
    return lambda state: {"log": fetch(service.url, "word")["word"]}


def _on_a_thread(service: Service) -> Any:
    def node(state):
        with ThreadPoolExecutor(1) as pool:
            return {"log": pool.submit(fetch, service.url, "word").result()["word"]}

    return node


def _from_a_loop(service: Service) -> Any:
    async def node(state):
        return {"log": (await asyncio.to_thread(fetch, service.url, "word"))["word"]}

    return node


def _swallowed(service: Service) -> Any:
    def node(state):
        with suppress(Exception):
            fetch(service.url, "word")
        return {"log": "word"}

    return node


_SINCE_312 = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 does not tell who starts a thread")


@pytest.mark.parametrize("node", [_directly, pytest.param(_on_a_thread, marks=_SINCE_312), _from_a_loop, _swallowed])
def test_a_node_that_reaches_past_its_calls_is_refused(service, node):
    """On its own thread or one that it starts, caught by the node or not: MissingCallError, and nothing is sent."""
    graph = ng.Graph(Log, name="past")
    graph.node(name="node")(node(service))
    run = ng.Engine(graph).run({"log": [], "count": 0}, run_id="r")
    with pytest.raises(MissingCallError, match="network past") as caught:
        replayed(graph, run)
    assert (1, "node", "network") == (caught.value.step, caught.value.node, caught.value.field)
    assert 1 == service.paid.total()


def test_other_threads_may_use_the_network_during_a_replay(service):
    """The guard holds for the replay's threads only, and only while it lasts."""
    other = ThreadPoolExecutor(1)
    other.submit(int).result()

    def meanwhile(state):
        return {"log": other.submit(fetch, service.url, "other").result()["word"]}

    graph = ng.Graph(Log, name="meanwhile")
    graph.node(name="node")(meanwhile)
    run = ng.Engine(graph).run({"log": [], "count": 0}, run_id="r")
    assert replayed(graph, run).ok
    assert ("after", 3) == (fetch(service.url, "after")["word"], service.paid.total())
    other.shutdown()


def test_threads_started_in_a_replay_are_free_after_it(service):
    """A pool that a node made in a replay serves the process afterwards."""
    pools = []

    def node(state):
        pools.append(ThreadPoolExecutor(1))
        return {"log": pools[-1].submit(int).result()}

    graph = ng.Graph(Log, name="pool")
    graph.node(name="node")(node)
    run = ng.Engine(graph).run({"log": [], "count": 0}, run_id="r")
    assert replayed(graph, run).ok
    assert "free" == pools[-1].submit(fetch, service.url, "free").result()["word"]
    for pool in pools:
        pool.shutdown()


# -- what is not in the record


def test_a_redacted_response_that_is_needed_says_so():
    """A secret was never written: a node that only passes it on replays, one that looks into it is told."""

    def token(state, ctx):
        secret = ctx.call(lambda: {"password": "s3cret"})["password"]
        return {"log": len(secret) if state["count"] else "kept"}

    engine = ng.Engine(chain(token))
    engine.run({"log": [], "count": 0}, run_id="passes")
    engine.run({"log": [], "count": 1}, run_id="looks")
    assert engine.replay("passes").ok
    with pytest.raises(ReplayMismatchError, match="a secret was needed that is not kept in the store"):
        engine.replay("looks")


def test_a_run_is_compared_with_its_replay():
    """run.diff(replay) is empty for unchanged code, and else the difference of that task alone."""
    engine = ng.Engine(chain(says_fine, node_b))
    run = engine.run({"log": [], "count": 0}, run_id="r")
    assert run.diff(run.replay()).same
    other = chain(says_fine, node_b)
    other.node(name="says_fine")(says("other"))
    diff = run.diff(replayed(other, run, strict=False))
    assert [("says_fine", "log")] == [(found.node, found.field) for found in diff.differences]


def test_a_replay_shows_itself_in_words():
    """The repr says how many tasks ran, how many calls were served, and the first difference."""
    engine = ng.Engine(chain(says_fine))
    engine.run({"log": [], "count": 0}, run_id="r")
    assert "<Replay of 'r': 1 tasks, 0 calls from the record; no difference>" == repr(engine.replay("r"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "calls"])
def test_a_run_of_a_thousand_steps_replays(tmp_path, kind, capsys):
    """Measured, not judged: seconds for 1,000 steps, plain or with a call each; all of them are compared."""
    graph = counting(1000)
    if kind == "calls":
        graph.node(name="count")(_counts)
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite", durability="normal")
    engine.run({"log": [], "count": 0}, run_id="r", max_steps=2000)
    began = time.perf_counter()
    replay = engine.replay("r")
    with capsys.disabled():
        sys.stderr.write(f"\nreplay of 1,000 steps ({kind}): {time.perf_counter() - began:.2f} s\n")
    assert (True, 1001) == (replay.ok, replay.tasks)


if __name__ == "__main__":
    begun = ng.Engine(driven(), store=sys.argv[1]).start({"log": [], "count": 0}, run_id="r")
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    begun.wait()


def test_a_difference_shows_itself_in_a_notebook():
    """The error of a difference is a small table of what was recorded and what came now, escaped."""
    graph = ng.Graph(dict, name="g")
    graph.node(lambda state: {"a": "<b>then</b>"}, name="only")
    engine = ng.Engine(graph)
    engine.run(run_id="r")
    graph.node(lambda state: {"a": "<i>now</i>"}, name="only")
    with pytest.raises(ng.ReplayMismatchError) as caught:
        engine.replay("r")
    shown = caught.value._repr_html_()
    assert "&lt;b&gt;then" in shown
    assert "&lt;i&gt;now" in shown
    assert not {"<b>", "<i>"} & set(shown.replace("><", "> <").split())
