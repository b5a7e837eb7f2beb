"""Rule 1: a task's id says which task it is, in every run, and nothing else goes into it."""

from __future__ import annotations

from hashlib import sha256
from itertools import count

import pytest

import nbgraph as ng
from nbgraph.engine import frontier
from tests.engine.plays import every_order, ids, play, ran, run

DIAMOND = "a > b c; b > d; c > e; d > e"


def test_the_ids_are_the_documented_hash():
    """A task's id is SHA-256 over its sorted (parent id, index) pairs and its node's name."""
    made = dict(ids(run(play("a > b c; b > d; c > d"))))
    digest = lambda *lines: sha256("\n".join(lines).encode()).hexdigest()  # noqa: E731 - the formula, in one line
    root = sha256(b"nbgraph/root/play").hexdigest()
    assert made["a"] == digest(f"{root}:e0", "a")
    assert made["b"] == digest(f"{made['a']}:e0", "b")
    assert made["c"] == digest(f"{made['a']}:e1", "c")
    assert made["d"] == digest(*sorted([f"{made['b']}:e0", f"{made['c']}:e0"]), "d")


def test_ids_are_equal_across_runs_and_run_ids():
    """Two runs of one engine have the same task ids under different run ids."""
    engine = ng.Engine(play(DIAMOND))
    assert ids(engine.run(run_id="one")) == ids(engine.run(run_id="two"))


def test_ids_are_equal_across_seeds_and_inputs():
    """The seed and the input's values are not part of an identity; what they lead to is."""
    runs = [run(play(DIAMOND), {"x": seed}, seed=seed) for seed in (0, 1, 2**70, -3)]
    assert 1 == len({tuple(ids(one)) for one in runs})


def test_ids_are_equal_in_every_completion_order():
    """Who finishes first does not enter an id."""
    assert 1 == len({tuple(ids(one)) for one in every_order(play(DIAMOND), "bcd")})


@pytest.mark.parametrize("width", [1, 2, 8, 64])
def test_ids_are_equal_at_every_width(width):
    """How many tasks run at once does not enter an id, with real threads."""
    assert ids(run(play(DIAMOND))) == ids(ng.Engine(play(DIAMOND), max_concurrent=width).run())


def test_ids_are_equal_on_every_store(tmp_path):
    """A file and a throw-away store hold the same ids."""
    kept = ng.Engine(play(DIAMOND), store=tmp_path / "runs.sqlite")
    assert ids(run(play(DIAMOND))) == ids(kept.run())
    kept.close()


def test_another_graph_name_gives_other_ids():
    """The root depends on the graph's name: no task of another graph has the same id."""
    one, two = ids(run(play(DIAMOND))), ids(run(play(DIAMOND, name="other")))
    assert not {task for _, task in one} & {task for _, task in two}


def test_every_lap_of_a_loop_has_an_id_of_its_own():
    """A node that runs again is another task."""

    def lap(state):
        return ng.Result(update={"log": "lap"}, route=ng.Stop() if len(state["log"]) == 4 else ng.Goto("lap"))

    laps = ids(run(play("lap", lap=lap)))
    assert 5 == len({task for _, task in laps})


def test_equal_sends_are_different_tasks():
    """Two Sends with the same fields differ by their index."""

    def split(state):
        return [ng.Send("work", n=1), ng.Send("work", n=1)]

    made = [task for node, task in ids(run(play("split; work", split=split))) if node == "work"]
    assert 2 == len(set(made))


def test_a_further_send_leaves_the_others_ids_alone():
    """A sibling that comes last changes nobody's id before it."""

    def split(state):
        return [ng.Send("work", n=n) for n in range(state["x"])]

    three, four = (set(ids(run(play("split; work", split=split), {"x": n}))) for n in (3, 4))
    assert three < four


def test_two_ways_to_one_node_are_two_arrivals_of_one_task():
    """A task that gathers has one id over all its parents, whatever order they came in."""
    runs = list(every_order(play("a > b c d; b c d > e"), "bcd"))
    assert ["e"] * len(runs) == [ran(one)[-1] for one in runs]
    assert 1 == len({dict(ids(one))["e"] for one in runs})


def test_a_resumed_run_has_the_ids_of_an_undisturbed_one(tmp_path):
    """Pausing and resuming after every step gives the tasks that one go gives."""
    engine = ng.Engine(play(DIAMOND), store=tmp_path / "runs.sqlite")
    stepped = engine.run(run_id="stepped", before="a")
    while stepped.status != "completed":
        stepped.step()
    assert ids(engine.run(run_id="whole")) == ids(stepped)
    engine.close()


def test_a_retried_task_keeps_its_id():
    """An attempt is not another task."""
    tries = count()

    def flaky(state):
        if next(tries) == 0:
            raise OSError
        return {"log": "b"}

    graph = play("a > b; b > c")
    calm = ids(run(graph))
    graph.node(name="b", retry=ng.Retry(attempts=2, wait=0.001))(flaky)
    assert calm == ids(ng.Engine(graph).run())


def test_saboteur_ids_that_count_arrivals_are_noticed(monkeypatch):
    """With a counter mixed into the ids, the comparison over completion orders fails."""
    numbers, honest = count(), frontier.task_id
    monkeypatch.setattr(frontier, "task_id", lambda pairs, node: honest([*pairs, ("n", str(next(numbers)))], node))
    assert 1 < len({tuple(ids(one)) for one in every_order(play(DIAMOND), "bcd")})
