"""Asked before anything is done: what a resume will execute and why (``run.plan``), what changed (``run.changes``)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Annotated, get_type_hints

import pytest

import nbgraph as ng
from tests.engine.pasts import GIVEN, State, adding, adds, rows_of, sends
from tests.engine.plays import does, holding, play
from tests.engine.stage import SOON

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def store(tmp_path):
    """A store in a file."""
    with ng.SqliteStore(tmp_path / "runs.sqlite", durability="normal") as made:
        yield made


def rows(plan, *columns):
    """Return a plan's rows as tuples."""
    return [tuple(row) for row in plan[list(columns)].itertuples(index=False)]


class Counted:
    """Nodes that count how often they were called, and may fail."""

    def __init__(self):
        self.called = Counter()
        self.fails = set()

    def node(self, name, calls=0):
        """Return a node of that name that makes so many calls."""

        def node(state, ctx):
            self.called[name] += 1
            for place in range(calls):
                ctx.call(abs, -place)
            if name in self.fails:
                raise ValueError(f"no {name}")
            return {"log": name}

        return node

    def graph(self, ways, calls=0):
        """Return a graph of such nodes."""
        names = dict.fromkeys(ways.replace(">", " ").replace(";", " ").split())
        return adding(ways, **{name: self.node(name, calls) for name in names})


def agrees(engine, counted):
    """Check that a resume executes what the plan says that it will, and nothing else; return the plan."""
    plan = engine.open("r").plan()
    kept = rows_of(engine.store, "r") if isinstance(engine.store, ng.SqliteStore) else None
    assert plan.equals(engine.open("r").plan())
    assert kept is None or kept == rows_of(engine.store, "r")
    counted.called.clear()
    counted.fails.clear()
    run = engine.resume("r")
    executed = plan[plan.action == "execute"]
    assert Counter(counted.called) == Counter(executed.node)
    ids = dict(zip(run.tasks.task, run.tasks.node, strict=True))
    assert all(ids[task] == node for task, node in rows(plan, "task", "node") if task)
    return plan


# -- the plan


def test_plan_of_a_failed_run(store):
    """What is committed is reused; what failed, was not begun, and may follow is executed: the resume agrees."""
    counted = Counted()
    counted.fails = {"c"}
    engine = ng.Engine(counted.graph("a > b c; b > d; c > e; d e > f", calls=2), store=store, max_concurrent=1)
    with pytest.raises(ng.NodeError):
        engine.run(GIVEN, run_id="r")
    plan = agrees(engine, counted).sort_values(["step", "node"])
    assert rows(plan, "node", "action", "why", "calls") == [
        ("a", "reuse", "committed at step 1", 2),
        ("b", "reuse", "committed at step 2", 2),
        ("d", "reuse", "committed at step 3", 2),
        ("c", "execute", "failed: ValueError: no c", 2),
        ("e", "execute", "may follow, as the tasks before it decide", 0),
        ("f", "execute", "may follow, as the tasks before it decide", 0),
    ]


@pytest.mark.parametrize("before", ["a", "b", "e"])
def test_plan_of_a_paused_run(before, store):
    """A paused run's plan, at its beginning too."""
    counted = Counted()
    engine = ng.Engine(counted.graph("a > b c; b c > e"), store=store, max_concurrent=1)
    engine.run(GIVEN, run_id="r", before=before)
    plan = agrees(engine, counted)
    assert sorted(plan.node) == ["a", "b", "c", "e"]
    assert list(plan.action).count("reuse") == {"a": 0, "b": 1, "e": 3}[before]


def test_plan_of_a_run_over_its_bounds(store):
    """The same for a run that used up its steps, or its time."""
    counted = Counted()
    engine = ng.Engine(counted.graph("a > b; b > c; c > d"), store=store)
    with pytest.raises(ng.MaxStepsError):
        engine.run(GIVEN, run_id="r", max_steps=2)
    assert list(agrees(engine, counted).action) == ["reuse", "reuse", "execute", "execute"]


def test_plan_of_a_completed_run(store):
    """Of a completed run everything is reused."""
    run = ng.Engine(adding("a > b"), store=store).run(GIVEN)
    assert rows(run.plan(), "node", "action", "step") == [("a", "reuse", 1), ("b", "reuse", 2)]


def test_plan_of_a_waiting_run(store):
    """A task that waits for a person says so, with the calls before its question; its answer counts once it is there."""

    def asks(state, ctx):
        ctx.call(abs, -1)
        return {"log": ctx.ask("Go on?")}

    engine = ng.Engine(play("a > b; b > c", b=asks), store=store)
    engine.run({}, run_id="r")
    assert rows(engine.open("r").plan(), "node", "why", "calls")[1] == ("b", "waits for an answer", 1)
    engine.answer(engine.inbox().question[0], "yes")
    assert rows(engine.open("r").plan(), "node", "why", "calls")[1] == ("b", "has its answer", 1)
    assert engine.resume("r").status == "completed"


CHILD = """
import os, sys
import nbgraph as ng
from tests.engine.pasts import GIVEN, adding
def dies(state, ctx):
    ctx.call(abs, -1)
    ctx.call(abs, -2)
    ctx.call(os.kill, os.getpid(), 9)
ng.Engine(adding("a > b; b > c", b=dies), store=sys.argv[1]).run(GIVEN, run_id="r")
"""


def test_plan_after_a_crash(tmp_path):
    """A task whose process died in a call was interrupted; the calls that returned before are kept."""
    path = str(tmp_path / "runs.sqlite")
    done = subprocess.run([sys.executable, "-c", CHILD, path], cwd=REPO, env=os.environ, check=False)
    engine = ng.Engine(adding("a > b; b > c"), store=path)
    run = engine.open("r")
    assert (done.returncode, run.status) == (-9, "interrupted")
    assert rows(run.plan(), "node", "action", "why", "calls")[1] == ("b", "execute", "was interrupted", 2)


def test_plan_of_a_node_that_wants_no_old_calls(store):
    """Calls of a node with ``reuse_calls=False`` will be made again, and are not counted as kept."""
    counted = Counted()
    counted.fails = {"b"}
    graph = adding("a > b", b=does(counted.node("b", 3), reuse_calls=False))
    engine = ng.Engine(graph, store=store)
    with pytest.raises(ng.NodeError):
        engine.run(GIVEN, run_id="r")
    assert list(engine.open("r").plan().calls) == [0, 0]


def test_plan_while_another_drives(store):
    """A plan needs no lease: it can be asked while the run is driven, and disturbs nobody."""
    go, begun = threading.Event(), threading.Event()

    def held(state):
        begun.set()
        go.wait(SOON)
        return {"log": "held"}

    graph = play("a > held; held > c", held=held)
    run = ng.Engine(graph, store=store).start({}, run_id="r")
    assert begun.wait(SOON)
    with ng.SqliteStore(store.name) as other:
        plan = ng.Engine(graph, store=other).open("r").plan()
    assert list(plan.action) == ["reuse", "execute", "execute"]
    go.set()
    assert run.wait().status == "completed"


def test_plan_with_changed_code(store):
    """What was committed by other code than today's is reused all the same, and says so; as is a renamed node's."""
    engine = ng.Engine(adding("a > b; b > c; c > d"), store=store)
    engine.run(GIVEN, run_id="r", before="d")
    graph = adding("a > B; B > c; c > d", a=lambda state: {"log": "other"}, B=does(adds("b"), aliases=["b"]))
    plan = ng.Engine(graph, store=store).open("r").plan()
    assert rows(plan, "node", "why") == [
        ("a", "committed at step 1 by another version of the code"),
        ("b", "committed at step 2"),
        ("c", "committed at step 3"),
        ("d", "had not begun"),
    ]


def test_plan_of_a_fork(store):
    """A fork's plan goes through the shared past and its edit."""
    engine = ng.Engine(adding("a > b; b > c"), store=store)
    engine.run(GIVEN, run_id="r")
    fork = engine.fork("r", 1, update={"log": "e"}, before="c", new_id="f")
    assert rows(fork.plan(), "node", "action", "why") == [
        ("a", "reuse", "committed at step 1"),
        ("a", "reuse", "edited by hand at step 2"),
        ("b", "reuse", "committed at step 3"),
        ("c", "execute", "had not begun"),
    ]


def test_plan_of_sends(store):
    """Every Send that was under way is a task of the plan."""
    graph = adding("a; work > end", a=does(sends, sends="work"))
    engine = ng.Engine(graph, store=store, max_concurrent=1)
    with pytest.raises(ng.MaxStepsError):
        engine.run(GIVEN, run_id="r", max_steps=2)
    assert rows(engine.open("r").plan(), "node", "action") == [
        ("a", "reuse"), ("work", "reuse"), ("work", "execute"), ("work", "execute"), ("end", "execute"),
    ]  # fmt: skip


# -- what changed


def changed(before, after):
    """Run one graph up to its end, return how another one differs from it."""
    store = ng.MemoryStore()
    ng.Engine(before, store=store).run({}, run_id="r")
    return rows(ng.Engine(after, store=store).open("r").changes(), "what", "name", "change", "before", "now")


def one(state):
    """Do something."""
    return {"log": "one"}


def two(state):
    """Do something else."""
    return {"log": "two"}


def make_commented():
    """Return ``one`` as it is in a cell in which only a comment and the docstring's place changed."""

    def one(state):
        # a comment
        """Do something."""
        return {"log": "one"}  # and another

    return one


def test_nothing_changed():
    """Graphs of the same meaning have no changes, in whatever order their cells ran."""
    other = ng.Graph(State, name="play")
    for name in ("c", "b", "a"):
        other.node(name=name)(one)
    for edge in (("b", "c"), ("a", "b")):
        other.edge(*edge)
    assert changed(play("a > b; b > c", State, **dict.fromkeys("abc", one)), other) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (play("a > b; b > c", State, a=one, b=one, c=one), [("node", "c", "added"), ("edge", "b -> c", "added")]),
        (play("a", State, a=one), [("node", "b", "removed"), ("edge", "a -> b", "removed")]),
        (play("a > b", State, a=one, b=two), [("node", "b", "source")]),
        (play("a > B", State, a=one, B=does(one, aliases="b")), [("node", "B", "renamed")]),
        (play("A > b", State, A=does(one, aliases="a"), b=one), [("node", "A", "renamed")]),
        (play("a > b", State, a=does(one, timeout=3), b=one), [("node", "a", "timeout")]),
        (play("a > b", State, a=one, b=does(one, retry=3)), [("node", "b", "attempts")]),
        (play("a > b", State, a=one, b=does(one, join="each")), [("node", "b", "join")]),
        (play("a > b; b > a", State, a=one, b=one), [("edge", "b -> a", "added")]),
        (play("b > a", State, a=one, b=one), [("edge", "a -> b", "removed"), ("edge", "b -> a", "added"), ("graph", "start", "changed")]),
        (play("a > b", {**get_type_hints(State, include_extras=True), "y": int}, a=one, b=one), [("field", "y", "added")]),
        (play("a > b", {"log": Annotated[list, ng.append]}, a=one, b=one), None),
    ],
)  # fmt: skip
def test_what_changed(after, expected):
    """Nodes, options, edges, fields and the start that were added, removed or changed have a row each."""
    found = [row[:3] for row in changed(play("a > b", State, a=one, b=one), after)]
    if expected is None:  # fields removed, and one of another type
        assert {("field", "own", "removed"), ("field", "x", "removed"), ("field", "total", "removed")} <= set(found)
    else:
        assert found == expected


def test_changed_source_is_shown():
    """A changed node's row holds both sources."""
    ((_, _, _, before, now),) = changed(play("a", State, a=one), play("a", State, a=two))
    assert ("one" in before, "two" in now) == (True, True)


def test_comments_are_no_change():
    """A node whose comments, blank lines or layout changed is the same node."""
    assert changed(play("a", State, a=one), play("a", State, a=make_commented())) == []


def test_changed_reducers():
    """Another reducer of a field, or of the whole graph, is a change of that field, or of the graph."""
    before, after = (play("a", {"log": Annotated[list, how]}, a=one) for how in (ng.append, ng.extend))
    assert changed(before, after) == [("field", "log", "changed", "list, append", "list, extend")]
    whole = play("a", {"log": list}, reducer=lambda state, update: {**state, **update}, a=lambda state: {"log": []})
    found = changed(whole, play("a", {"log": list}, a=whole.nodes[0].fn))
    assert [row[:3] for row in found] == [("graph", "reducer", "changed")]


def test_other_changes_have_a_row():
    """What the description does not hold, such as a predicate's code, still shows as a change of the graph."""
    graphs = []
    for limit in (lambda state: len(state["log"]) < 3, lambda state: len(state["log"]) < 4):
        graph = play("a; b", State, a=one, b=one)
        graph.edge("a", "a", when=limit)
        graph.edge("a", "b", otherwise=True)
        graphs.append(graph)
    assert len(changed(*graphs)) > 0


def test_changes_in_a_subgraph():
    """A subgraph's nodes are named by their path."""
    before, after = (holding("a > sub", play("i", State, i=fn), schema=State, a=one) for fn in (one, two))
    assert [row[:3] for row in changed(before, after)] == [("node", "sub/i", "source")]


def test_changes_are_against_the_last_graph(store):
    """A run that went on with changed code is compared with that code; a fork with its own."""
    graph = adding("a > b; b > c")
    engine = ng.Engine(graph, store=store)
    engine.run(GIVEN, run_id="r", before="b")
    graph.node(name="b")(two)
    assert list(engine.open("r").changes().change) == ["source"]
    fork = engine.fork("r")
    assert (len(fork.changes()), len(engine.open("r").changes())) == (0, 1)
    engine.resume("r")
    assert len(engine.open("r").changes()) == 0
