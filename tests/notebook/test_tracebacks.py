"""What an error of a run looks like in a plain cell, as IPython shows it."""

from __future__ import annotations

import re

import pytest

GRAPH = """
graph = ng.Graph(Words, name="g")
@graph.node
def one(state): return {"n": 1}
@graph.node(after="one")
def two(state):
    return {"n": 1 / 0}
@graph.node
async def three(state):
    return {"n": 1 / 0}
graph.edge("two", "three", on_error=ValueError)
engine = ng.Engine(graph)
run = engine.start({}, run_id="r", before="two")
run.wait();
"""


@pytest.mark.parametrize(
    "cell",
    [
        "engine.run({})",
        "await engine.arun({})",
        "engine.resume('r')",
        "await engine.aresume('r')",
        "engine.fork('r', 1)",
        "engine.start({}).wait()",
        "await engine.start({})",
        "run.step()",
        "run.until('three')",
    ],
)
def test_a_cell_shows_the_nodes_line_and_one_frame_of_the_engine(cells, cell):
    """Between the cell and the node's own line the engine's frames are left out; where it is raised, one is shown."""
    cells.run(GRAPH)
    told = cells.run(cell)
    assert re.search(r"line 6, in two\(state\)", told)
    assert 1 == len(re.findall(r"^File .*nbgraph/engine/", told, re.MULTILINE))


def test_an_async_node_is_shown_the_same_way(cells):
    """What awaits an async node is left out as well."""
    cells.run(GRAPH.replace("ValueError", "ZeroDivisionError"))
    told = cells.run("engine.run({})")
    assert re.search(r"line 9, in three\(state\)", told)
    assert "in aperform" not in told
