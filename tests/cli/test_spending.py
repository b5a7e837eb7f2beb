"""``costs``: what runs of a file cost, to people and to programs, exactly and without the graph."""

from __future__ import annotations

import pytest

import nbgraph as ng
from tests.cli.plays import CLEAR


@pytest.fixture(scope="module")
def spent(tmp_path_factory):
    """A file with a run of two models, one of unknown price and hostile name, and a fork that reuses its calls."""
    file = tmp_path_factory.mktemp("spent") / "runs.sqlite"
    graph = ng.Graph({"n": int}, name="asks")

    @graph.node
    def ask(state, ctx):
        for model in ("gpt-4o", f"odd{CLEAR}"):
            ctx.call(lambda model: {"model": model, "usage": {"input_tokens": 1000, "output_tokens": 10}}, model)

    @graph.node(after="ask")
    def again(state, ctx):
        ctx.call(lambda: {"model": "gpt-4o", "usage": {"input_tokens": 1, "output_tokens": 0}})

    engine = ng.Engine(graph, store=file)
    engine.run({"n": 1}, run_id="r")
    engine.fork("r", 1, reuse_calls=True, new_id="f")
    engine.close()
    return file


def test_each_run_is_a_row(spent, data):
    """Without a run all runs are listed, and what they cost together; amounts are exact texts, unknown ones null."""
    code, found = data("costs", spent)
    assert code == 0
    assert [("r", None, "0.0026025", 1), ("f", "0", "0", 0)] == [
        (row["run_id"], row["cost"], row["known"], row["unknown"]) for row in found["runs"]
    ]
    assert (4, "0.0026025") == (found["total"]["calls"], found["total"]["known"])


def test_each_call_of_a_run_is_a_row_with_its_price(spent, ask):
    """Prices and their dates stand below the table; what nobody knows reads "unknown", and nothing moves a cursor."""
    code, text = ask("costs", spent, "r")
    assert code == 0
    assert ["0.0026", "unknown", "0.0000025"] == [line.split()[6] for line in text.splitlines()[1:4]]
    assert "gpt-4o: $2.50 in, 10.00 out, 1.25 cached per million (nbgraph's table, as of 2025-10-15)" in text
    assert "3 calls, 2001 tokens in, 20 out: $0.0026025, and 1 call of unknown cost\n" in text
    assert "\x1b" not in text


def test_costs_are_summed_by_names(spent, data):
    """``--by`` sums up, by several names too; the total is that of all calls."""
    _, found = data("costs", spent, "r", "--by", "node", "--by", "model")
    assert (0, found) == data("costs", spent, "r", "--by", "node,model")
    assert [("ask", "gpt-4o"), ("again", "gpt-4o")] == [
        (row["node"], row["model"]) for row in found["costs"] if row["cost"] is not None
    ]
    assert "0.0026025" == found["total"]["known"]


def test_what_a_record_answered_was_saved(spent, data):
    """A fork's call from its origin's record costs nothing, and is listed as saved."""
    (row,) = data("costs", spent, "f")[1]["costs"]
    assert ("0", "0.0000025", True) == (row["cost"], row["saved"], row["reused"])


def test_sums_need_a_run(spent, data):
    """``--by`` without a run is a wrong usage, and the error says how to ask."""
    code, found = data("costs", spent, "--by", "node")
    assert (2, "UsageError") == (code, found["error"]["type"])
    assert "costs FILE RUN --by node" in found["error"]["message"]


def test_a_replay_tells_what_it_saved(file, data):
    """A replay's document has what its calls cost when they were made; calls without a model cost nothing."""
    _, found = data("replay", file, "done", "--graph", "tests.cli.plays:graph")
    assert ["0"] == [run["saved"] for run in found["runs"]]
