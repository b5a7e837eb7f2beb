"""A run as a trace file: lanes in which nothing crosses, arrows that are whole, counters that end where the costs do."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable
from contextlib import suppress
from json import loads
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import nbgraph as ng
from nbgraph.observe.chrome.entries import entries_of
from nbgraph.observe.tracing import names
from nbgraph.testing import graphs
from tests.observe.traced import review, reviewed, tree


def complaints(entries: list[dict[str, Any]]) -> list[str]:
    """Return what a viewer would stumble over."""
    found = [f"{one} has no name" for one in entries if not isinstance(one["name"], str) or not one["name"]]
    bars = [one for one in entries if one["ph"] == "X"]
    found += [f"{one} has no time" for one in entries if one["ph"] != "M" and one["ts"] < 0]
    found += [f"{one} has no length" for one in bars if one["dur"] <= 0]
    return [*found, *_crossing(bars), *_arrows(entries, bars)]


def _crossing(bars: list[dict[str, Any]]) -> Iterable[str]:
    """Yield the bars of a lane that cross each other; they come in the order in which a viewer stacks them."""
    stacks: dict[int, list[int]] = {}
    for bar in bars:
        start, end, stack = *_nanoseconds(bar), stacks.setdefault(bar["tid"], [])
        while stack and stack[-1] <= start:
            stack.pop()
        if stack and stack[-1] < end:
            yield f"{bar['name']} at {bar['ts']} crosses what it begins in"
        stack.append(end)


def _nanoseconds(bar: dict[str, Any]) -> tuple[int, int]:
    start = round(bar["ts"] * 1000)
    return start, start + round(bar["dur"] * 1000)


def _arrows(entries: list[dict[str, Any]], bars: list[dict[str, Any]]) -> Iterable[str]:
    """Yield the arrows that lack an end, or that no task holds."""
    ends: dict[int, list[str]] = {}
    for one in entries:
        if one["ph"] in "sf":
            ends.setdefault(one["id"], []).append(one["ph"])
            held = (bar for bar in bars if bar["tid"] == one["tid"] and bar["cat"] == "task")
            inside = (start <= round(one["ts"] * 1000) < end for start, end in map(_nanoseconds, held))
            if not any(inside):
                yield f"arrow {one['id']} hangs in the air"
    yield from (f"arrow {number} has {found}" for number, found in ends.items() if sorted(found) != ["f", "s"])


@pytest.fixture(scope="module")
def run() -> Iterable[ng.Run]:
    """A run in which everything happens."""
    with ng.Engine(review({"read": 1, "judge": 1}), store=":memory:", quiet=True) as engine:
        yield reviewed(engine)


def test_a_file_is_whole(run: ng.Run, tmp_path: Path):
    """The file is JSON with every span, in lanes that do not cross, and an arrow for each task and its parent."""
    written = loads(run.export_trace(tmp_path / "trace.json").read_text())
    entries, spans = written["traceEvents"], tree(run)
    assert [] == complaints(entries)
    assert len(spans) == sum(one["ph"] == "X" for one in entries)
    arrows = sum(len(span.links) for span in spans if span.kind == "task")
    assert arrows == sum(one["ph"] == "s" for one in entries) == sum(one["ph"] == "f" for one in entries)
    assert ("nbgraph", "r1", "review") == tuple(written["otherData"][key] for key in ("made_by", "run", "graph"))


@pytest.mark.slow
@given(graph=graphs(failing=True))
def test_files_of_drawn_graphs_are_whole(graph: ng.Graph):
    """Whatever a graph does, nothing crosses in its lanes and no arrow hangs in the air."""
    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        with suppress(ng.RunError):
            engine.run({}, run_id="r")
        assert [] == complaints(entries_of(tree(engine.open("r")), "r"))


def test_times_are_microseconds_of_the_rows(run: ng.Run, tmp_path: Path):
    """A bar is as long as its task's rows say, to the nanosecond; what took no time is one nanosecond long."""
    entries = loads(run.export_trace(tmp_path / "trace.json").read_text())["traceEvents"]
    tries = [one for one in entries if one["ph"] == "X" and one["cat"] == "attempt" and names.SECONDS in one["args"]]
    assert tries
    for one in tries:
        assert max(1, round(one["args"][names.SECONDS] * 1e9)) == round(one["dur"] * 1000)


def test_counters_end_where_the_costs_do(run: ng.Run, tmp_path: Path):
    """The last points of tokens and cost are the run's totals."""
    entries = loads(run.export_trace(tmp_path / "trace.json").read_text())["traceEvents"]
    last = {one["name"]: one["args"] for one in entries if one["ph"] == "C"}
    total = run.costs_by().iloc[0]
    assert {"input": total["input"], "output": total["output"]} == last["tokens"]
    assert {"known": float(total["known"])} == last["cost, US dollars"]


def test_equal_rows_make_an_equal_file(run: ng.Run, tmp_path: Path):
    """Written twice, compressed or not, a trace is the same bytes."""
    first, again = (run.export_trace(tmp_path / name).read_bytes() for name in ("a.json", "b.json"))
    small, smaller = (run.export_trace(tmp_path / name).read_bytes() for name in ("a.json.gz", "b.json.gz"))
    assert (first, small) == (again, smaller)
    assert gzip.decompress(small) == first


def test_calls_beside_each_other_have_lanes_of_their_own(tmp_path: Path):
    """Calls of one attempt that overlap are drawn beside each other, in further lanes of its slot."""
    graph = ng.Graph({"n": int}, name="beside")

    @graph.node
    async def both(state, ctx):
        async def respond():
            await gate.wait()
            return {}

        gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.02, gate.set)
        await asyncio.gather(*(ctx.aoutside("wait", n, respond) for n in range(3)))

    with ng.Engine(graph, store=":memory:", quiet=True) as engine:
        written = loads(engine.run().export_trace(tmp_path / "trace.json").read_text())
    lanes = [one["args"]["name"] for one in written["traceEvents"] if one["name"] == "thread_name"]
    assert ["run", "slot 1", "slot 1, beside 1", "slot 1, beside 2"] == lanes
    assert [] == complaints(written["traceEvents"])


def test_only_a_trace_is_written_over(run: ng.Run, tmp_path: Path):
    """A trace is replaced; any other file, and a folder, is left alone unless the caller says overwrite."""
    mine, other = tmp_path / "mine.json", tmp_path / "other.json.gz"
    assert run.export_trace(run.export_trace(mine)) == mine
    other.write_text("precious")
    for taken in (other, tmp_path):
        with pytest.raises(ng.OptionsError, match=r"is no trace|is a folder"):
            run.export_trace(taken)
    assert "precious" == other.read_text()
    run.export_trace(other, overwrite=True)
    assert ["mine.json", "other.json.gz"] == sorted(path.name for path in tmp_path.iterdir())


def test_a_cost_that_is_entered_without_tokens_is_counted(tmp_path: Path):
    """What ``ctx.usage`` says of money alone is in the counter of the cost too."""
    graph = ng.Graph({"n": int}, name="hours")

    @graph.node
    def work(state: dict[str, int], ctx: ng.Context) -> None:
        ctx.usage(model="our own machine", cost="0.25")

    with ng.Engine(graph, store=":memory:") as engine:
        trace = engine.run({"n": 1}).export_trace(tmp_path / "trace.json")
    costs = [one["args"] for one in loads(trace.read_text())["traceEvents"] if one["name"] == "cost, US dollars"]
    assert [{"known": 0.25}] == costs
