"""Rule 7: randomness, ids and time come from the seed, the run and the record; nothing else gets in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

import nbgraph as ng
from nbgraph.engine import context
from tests.engine.plays import after, does, every_order, play, refused, run


def draws(state, ctx):
    """Log three random numbers."""
    return {"log": [ctx.rng.randrange(10**12) for _ in range(3)]}


def names_itself(state, ctx):
    """Log two UUIDs."""
    return {"log": [str(ctx.uuid()), str(ctx.uuid())]}


def numbers(graph, **options):
    """Return what the nodes of a graph logged."""
    return run(graph, **options).state["log"]


FORK = "a > b c d"
DRAWING = dict.fromkeys("abcd", draws)


# -- rng


def test_rng_is_a_random_random():
    """Whatever the standard library offers for randomness works."""
    kinds = run(play("a", a=lambda state, ctx: {"x": isinstance(ctx.rng, Random) + 2 * (ctx.rng is ctx.rng)}))
    assert 3 == kinds.state["x"]


def test_rng_is_the_same_in_every_run_of_one_seed():
    """The numbers are a function of seed and task, not of the run; the default seed is 0."""
    graph = play(FORK, **DRAWING)
    engine = ng.Engine(graph)
    assert numbers(graph, seed=0) == numbers(graph) == list(engine.run(run_id="another").state["log"])


def test_rng_differs_between_seeds():
    """Another seed gives other numbers to every task."""
    one, two = (numbers(play(FORK, **DRAWING), seed=seed) for seed in (1, 2))
    assert not {n for row in one for n in row} & {n for row in two for n in row}


def test_rng_differs_between_siblings():
    """Tasks of one node have numbers of their own, as do tasks of different nodes."""
    split = does(lambda state: [ng.Send("w", n=1)] * 4, sends="w")
    rows = numbers(play("a; w", a=split, w=draws)) + numbers(play(FORK, **DRAWING))
    assert len(rows) == len({tuple(row) for row in rows}) == 8


def test_a_new_sibling_changes_nobodys_numbers():
    """Adding a branch, or one more Send, leaves the numbers of the others as they were."""
    three = numbers(play(FORK, **DRAWING))
    assert three == numbers(play("a > b c d e", **DRAWING, e=draws))[:4]
    maps = [numbers(play("a; w", a=does(mapped(count), sends="w"), w=draws)) for count in (3, 4)]
    assert maps[0] == maps[1][:3]


def mapped(count):
    """Return a node that sends ``count`` times."""
    return lambda state: [ng.Send("w", n=n) for n in range(count)]


def test_rng_does_not_depend_on_completion_order():
    """Who draws first does not matter: nobody shares a source."""
    assert 1 == len({json.dumps(list(done.state["log"])) for done in every_order(play(FORK, **DRAWING), "bcd")})


def test_rng_is_the_same_in_every_attempt():
    """A retried node draws the same numbers again."""
    seen = []

    def flaky(state, ctx):
        seen.append(ctx.rng.random())
        if ctx.attempt < 3:
            raise OSError

    ng.Engine(play("a", a=does(flaky, retry=ng.Retry(attempts=3, wait=0.001)))).run()
    assert (3, 1) == (len(seen), len(set(seen)))


def test_rng_is_the_same_after_a_resume():
    """The seed is kept with the run: who resumes need not know it."""
    graph = play("a > b", a=draws, b=draws)
    engine = ng.Engine(graph, seed=7)
    engine.run(run_id="r", before="b")
    assert numbers(graph, seed=7) == ng.Engine(graph, store=engine.store).resume("r").state["log"]


def test_the_shared_random_module_is_neither_used_nor_touched():
    """Nodes that draw from ctx leave the process's own generator alone."""
    import random

    random.seed(5)
    expected = random.random()
    random.seed(5)
    run(play(FORK, **DRAWING))
    assert expected == random.random()


def test_retry_jitter_is_seeded():
    """The pauses between attempts are a function of seed and task."""

    def broken(state):
        raise OSError

    def pauses(seed):
        retry = ng.Retry(attempts=4, wait=0.001, jitter=1.0)
        engine = ng.Engine(play("a", a=does(broken, retry=retry)), seed=seed)
        with pytest.raises(ng.MaxAttemptsError):
            engine.run(run_id=f"r{seed}{len(engine.runs())}")
        events = engine.open(engine.runs()["run_id"].iloc[0]).events
        return [data["pause"] for data in events[events["kind"] == "task.retried"]["data"]]

    assert pauses(1) == pauses(1) != pauses(2)
    assert 3 == len(set(pauses(1)))


# -- uuid


def test_uuids_differ_between_runs_and_tasks_and_questions():
    """No two are equal: not in one task, not between siblings, not between runs of one seed."""
    graph = play(FORK, **dict.fromkeys("abcd", names_itself))
    engine = ng.Engine(graph)
    made = [n for run_id in "pq" for row in engine.run(run_id=run_id).state["log"] for n in row]
    assert 16 == len(set(made))


def test_uuids_are_stable_within_a_run():
    """The same run id and task give the same ids, in every store and order, and after a failure."""
    graph = play(FORK, **dict.fromkeys("abcd", names_itself))
    assert 1 == len({json.dumps(list(done.state["log"])) for done in every_order(graph, "bcd")})


def test_uuids_are_the_same_in_every_attempt():
    """A node that names something outside by its id names it the same when it tries again."""
    seen = []

    def flaky(state, ctx):
        seen.append(ctx.uuid())
        if ctx.attempt == 1:
            raise OSError

    ng.Engine(play("a", a=does(flaky, retry=ng.Retry(attempts=2, wait=0.001)))).run()
    assert (2, 1, 8) == (len(seen), len(set(seen)), seen[0].version)


def test_the_idempotency_key_is_of_run_and_task():
    """It is stable across attempts and resumes, and differs between tasks and runs."""
    graph = play("a > b", **dict.fromkeys("ab", lambda state, ctx: {"log": ctx.idempotency_key()}))
    engine = ng.Engine(graph)
    one, two = (list(engine.run(run_id=run_id).state["log"]) for run_id in "pq")
    assert (4, 64) == (len({*one, *two}), len(one[0]))
    assert one == list(ng.Engine(graph).run(run_id="p").state["log"])


# -- time


class Ticking:
    """A clock that says what it is told to."""

    def __init__(self, *times):
        self.times = list(times)

    def now(self):
        return self.times.pop(0) if len(self.times) > 1 else self.times[0]

    def monotonic(self):
        return 0.0


def test_now_is_in_utc_and_comes_from_the_clock():
    """ctx.now() is an aware datetime of the engine's clock."""
    clock = Ticking(86400.0)
    state = run(play("a", {"t": datetime}, a=lambda state, ctx: {"t": ctx.now()}), clock=clock).state
    assert (datetime(1970, 1, 2, tzinfo=UTC), UTC) == (state["t"], state["t"].tzinfo)


def test_now_is_recorded_with_the_step():
    """Every answer of the clock is in the step's facts, in the order of the questions."""
    engine = ng.Engine(play("a", a=lambda state, ctx: {"log": [ctx.now(), ctx.now()]}))
    told = list(engine.run(run_id="r").state["log"][0])
    (row,) = engine.store.steps("r")
    assert told == [datetime.fromtimestamp(seconds, UTC) for seconds in json.loads(row.facts)["now"]]


def test_what_was_not_asked_is_not_recorded():
    """A node that asked for nothing leaves no trace of luck or time."""
    engine = ng.Engine(play("a"))
    engine.run(run_id="r")
    (row,) = engine.store.steps("r")
    assert not {"now", "drew"} & json.loads(row.facts).keys()


# -- the machine

PROGRAM = """
import json, sys
from typing import Annotated
import nbgraph as ng
graph = ng.Graph({"tags": Annotated[set, ng.union], "log": Annotated[list, ng.append], "d": Annotated[dict, ng.merge]}, name="machine")
@graph.node
def split(state): return [ng.Send("work", word=word) for word in ("pear", "fig", "plum", "äpfel", "Zebra", "zoo")]
@graph.node
def work(state, ctx): return {"tags": {state["word"], state["word"][::-1]}, "log": ctx.rng.random(), "d": {state["word"]: {1, "one"}}}
@graph.node(after="work")
def end(state): return {"log": [sorted(state["tags"]), 1234567.891, None]}
run = ng.Engine(graph, max_concurrent=4).run(run_id="r")
texts = [[row.task, row.update, row.arrivals, row.key] for row in sorted(run._store.steps("r"), key=lambda row: row.task)]
print(json.dumps([run.digest, graph.fingerprint, texts]))
"""


def elsewhere(folder, text=PROGRAM, **environment):
    """Return what a program gives in a process of its own under other circumstances."""
    program = folder / "program.py"
    program.write_text(text, encoding="utf-8")
    environment |= {"PYTHONPATH": str(Path(ng.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(program)], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
    return json.loads(done.stdout)


def test_hash_seed_time_zone_and_locale_do_not_matter(tmp_path):
    """Other hash seeds, zones, locales and encodings give one digest, one fingerprint, the same bytes and keys."""
    worlds = [
        {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8"},
        {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LANG": "de_DE.UTF-8", "PYTHONUTF8": "1"},
        {"PYTHONHASHSEED": "random", "TZ": "Pacific/Kiritimati", "LANG": "tr_TR", "PYTHONIOENCODING": "utf-8"},
    ]
    results = [elsewhere(tmp_path, **world) for world in worlds]
    assert [results[0]] * len(worlds) == results


def test_the_machine_comparison_can_fail(tmp_path):
    """Saboteur: a node that lets the hash seed in gives digests that differ."""
    leaky = PROGRAM.replace('"log": ctx.rng.random()', '"log": hash(state["word"])')
    assert elsewhere(tmp_path, leaky, PYTHONHASHSEED="1") != elsewhere(tmp_path, leaky, PYTHONHASHSEED="2")


def test_threads_do_not_matter():
    """Runs at many widths, with threads, have one digest."""
    graph = play("a > b c d; b c d > e", e=draws, **DRAWING)
    assert 1 == len({ng.Engine(graph, max_concurrent=width).run(run_id="r").digest for width in (1, 2, 3, 8, 64)})


def test_saboteur_a_shared_generator_is_noticed(monkeypatch):
    """With one source for all tasks, completion order shows in the numbers."""
    shared = Random(0)
    monkeypatch.setattr(context, "seeded", lambda seed, task, purpose: shared.getrandbits(64))
    assert 1 < len({json.dumps(list(done.state["log"])) for done in every_order(play(FORK, **DRAWING), "bcd")})


def test_a_node_that_fails_after_drawing_leaves_the_others_numbers_alone():
    """What a failed sibling used up is nobody else's."""

    def broken(state, ctx):
        raise ValueError(ctx.rng.random())

    calm = numbers(play(FORK, **DRAWING))
    _, kept = refused(play(FORK, **(DRAWING | {"d": broken})), ng.NodeError)
    assert calm[:3] == [after(kept, name)[0]["log"][-1] for name in "abc"]
