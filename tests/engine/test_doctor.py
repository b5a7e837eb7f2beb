"""The doctor: names the node and the field that move, and why, without calling anything."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
import uuid
from datetime import datetime
from typing import Annotated, TypedDict

import pytest

import nbgraph as ng

pytestmark = pytest.mark.slow


class Answer(TypedDict, total=False):
    n: int
    out: Annotated[list, ng.append]
    latest: Annotated[str, lambda before, after: after]


def sick(**nodes):
    """Return a graph that runs ``nodes`` beside each other behind a healthy one."""
    graph = ng.Graph(Answer, name="sick")
    graph.node(lambda state: {"n": 1}, name="begin")
    for name, fn in nodes.items():
        graph.node(fn, name=name, after="begin")
    graph.node(lambda state: {"n": len(state["out"])}, name="end", after=list(nodes))
    return graph


def examined(graph, given=None):
    return ng.Engine(graph).doctor(given, n=2)


def found(diagnosis):
    return {(finding.node, finding.field, finding.moves_with) for finding in diagnosis.findings}


def today(state):
    return {"out": str(datetime.now().date())}  # noqa: DTZ005 - the sickness itself


def seconds(state):
    return {"out": int(time.time())}


def drawn(state):
    return {"out": random.random()}


def unordered(state):
    return {"out": list({"a", "b", "c", "d", "e", "f"})}


def unique(state):
    return {"out": str(uuid.uuid4())}


def local(state):
    return {"out": time.strftime("%H", time.localtime(0))}


def healthy(state, ctx):
    return {"out": [ctx.now().isoformat(), ctx.rng.random(), sorted({"b", "a"})]}


SICK = {
    "today": (today, "clock"),
    "seconds": (seconds, "clock"),
    "drawn": (drawn, "random seed"),
    "unordered": (unordered, "hash seed"),
    "unique": (unique, "again"),
    "local": (local, "time zone"),
}


def test_what_moves_is_named_with_its_cause():
    """Each hidden input is found at its node and field, told apart from the others; nothing healthy is blamed."""
    diagnosis = examined(sick(healthy=healthy, **{name: fn for name, (fn, _) in SICK.items()}))
    assert {(name, "out", cause) for name, (_, cause) in SICK.items()} == found(diagnosis)
    assert not diagnosis.ok
    assert all(finding.why for finding in diagnosis.findings)


def test_a_healthy_graph_is_said_to_be(capfd):
    """Recorded time, seeded numbers and sorted sets do not move; what nodes print harms nothing."""
    graph = sick(healthy=healthy, loud=lambda state: print("}{"))  # noqa: T201 - what nodes print is what it is about
    diagnosis = examined(graph)
    assert diagnosis.ok, repr(diagnosis)
    assert not diagnosis.notes
    assert diagnosis.trials >= 9


def test_shared_globals_are_found_by_permuting_who_finishes_first():
    """Two nodes that share something outside of the state move with the completion order."""
    counter = itertools.count()

    async def one(state):
        await asyncio.sleep(0)
        return {"out": next(counter)}

    diagnosis = examined(sick(one=one, two=lambda state: {"out": next(counter)}))
    assert {("one", "out", "order"), ("two", "out", "order")} == found(diagnosis)


def test_only_the_first_task_that_moves_is_blamed():
    """What only follows from an earlier difference is no finding of its own."""
    graph = sick(unordered=unordered)
    graph.node(lambda state: {"out": state["out"][-1]}, name="copy", after="end")
    assert {"unordered"} == {finding.node for finding in examined(graph).findings}


def test_a_reducer_that_depends_on_order_is_told_and_is_no_sickness():
    """The order of edges decides there, never timing: it is shown, and the graph is still well."""
    fan = {
        "a": lambda state: {"latest": "a", "out": 1},
        "b": lambda state: {"latest": "b", "out": 2},
        "c": lambda state: {"latest": "c", "out": 3},
    }
    diagnosis = examined(sick(**fan))
    assert {("a, b, c", "latest", "operand order")} == found(diagnosis)
    assert diagnosis.ok


def test_nothing_is_called(tmp_path):
    """Calls are answered by the record of a run of the same input; without one the doctor says what to do."""
    log = tmp_path / "calls"

    def outside(x):
        with log.open("a") as file:
            file.write("x")
        return x * 2

    graph = sick(asks=lambda state, ctx: {"out": ctx.call(outside, state["n"])})
    engine = ng.Engine(graph, store=tmp_path / "runs.sqlite")
    with pytest.raises(ng.MissingCallError, match="record"):
        engine.doctor()
    assert not log.exists()
    engine.run(run_id="r")
    assert engine.doctor(n=2).ok
    assert engine.doctor("r", n=2).ok
    assert "x" == log.read_text()
    assert ["r"] == list(engine.runs()["run_id"])


def test_a_graph_that_does_not_travel_is_examined_here():
    """What cannot be sent to another process is said, and the completion orders are still tried."""
    lock = threading.Lock()
    counter = itertools.count()

    def locked(state):
        with lock:
            return {"out": 1}

    assert examined(sick(one=locked, two=lambda state: {"out": 2})).ok
    diagnosis = examined(sick(one=locked, two=lambda state: {"out": next(counter)}))
    assert {("two", "out", "again")} == found(diagnosis)
    assert any("process of its own" in note for note in diagnosis.notes)


def test_findings_are_a_table_and_escaped_html():
    """The findings come as a DataFrame; names and values are text, not markup."""
    diagnosis = examined(sick(unordered=lambda state: {"out": list({"<b>a", "<i>b", "<u>c", "<s>d"})}))
    assert ["node", "field", "moves_with", "why", "before", "after", "task"] == list(diagnosis.table.columns)
    assert "<b>" not in diagnosis._repr_html_()
