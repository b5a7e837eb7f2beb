"""A real Jupyter kernel: runs, awaits, stops and resumes as a person at a notebook would."""

from __future__ import annotations

import re

import pytest

from tests.cells import started_kernel
from tests.kernels import VERSIONS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # what a kernel's client warns of is not ours

SETUP = """
import asyncio, threading
from typing import Annotated, TypedDict
import nbgraph as ng

class Log(TypedDict):
    log: Annotated[list, ng.append]
    x: int

presses = []
"""


@pytest.fixture(scope="module", params=VERSIONS)
def notebook(request, tmp_path_factory):
    """One kernel of each version for all tests of this file, with its settings in a folder of its own."""
    folder = tmp_path_factory.mktemp("kernel")
    with started_kernel(folder, request.param) as made:
        assert "" == made.run(SETUP)
        yield made


TWO = """
graph = ng.Graph(Log, name="two")
@graph.node
def first(state): return {"log": "sync"}
@graph.node(after="first")
async def second(state):
    await asyncio.sleep(0)
    return {"log": "async"}
engine = ng.Engine(graph)
"""


def test_a_cell_runs_a_graph(notebook):
    """``engine.run`` works where the kernel's loop runs, with sync and async nodes."""
    assert "['sync', 'async']" in notebook.run(TWO + "engine.run().state['log']")


def test_a_cell_awaits_a_graph(notebook):
    """``await engine.arun`` works at the top level of a cell."""
    assert "['sync', 'async']" in notebook.run(TWO + "(await engine.arun()).state['log']")


def test_a_started_run_outlives_its_cell(notebook):
    """``engine.start`` leaves the cell; a later cell awaits the run."""
    cell = TWO.replace('return {"log": "sync"}', 'go.wait(30); return {"log": "sync"}')
    assert "running" in notebook.run("go = threading.Event()" + cell + "run = engine.start(); run.status")
    assert "['sync', 'async']" in notebook.run("go.set(); (await run).state['log']")


SYNC_STUCK = """
def held(state, ctx):
    if not presses:
        presses.append(1)
        ready.wait(30)
        print("go", flush=True)
        for _ in range(600): threading.Event().wait(0.05)
    return {"log": "held"}
"""
ASYNC_STUCK = """
async def held(state, ctx):
    if not presses:
        presses.append(1)
        ready.wait(30)
        print("go", flush=True)
        await asyncio.Event().wait()
    return {"log": "held"}
"""
POLITE_STUCK = SYNC_STUCK.replace("for _ in range(600): threading.Event().wait(0.05)", "pause = threading.Event()\n        while not ctx.cancelled: pause.wait(0.01)")  # fmt: skip
STUCK = """
presses, ready = [], threading.Event()
graph = ng.Graph(Log, name="stuck")
@graph.node
def first(state): return {"log": "first"}
graph.node(after="first")(held)
@graph.node(after="held")
def last(state): return {"log": "last"}
engine = ng.Engine(graph, prints="show")
"""
WAITS = [
    "ready.set(); await engine.arun(run_id='r')",
    "run = engine.start(run_id='r'); ready.set(); await run",
    "run = engine.start(run_id='r'); ready.set(); run.wait()",
]


@pytest.mark.parametrize("held", [SYNC_STUCK, ASYNC_STUCK], ids=["sync", "async"])
def test_stop_pauses_a_blocking_run_and_resume_completes_it(notebook, held):
    """The stop button frees a cell in ``engine.run`` within 2 s; nothing is lost, and the next cell goes on."""
    told, seconds = notebook.stop(held + STUCK + "ready.set(); engine.run(run_id='r')", after="go")
    assert seconds < 2.0
    assert "KeyboardInterrupt" in told
    assert "engine.resume('r')" in told
    assert "paused ['first']" in notebook.run("r = engine.open('r'); print(r.status, r.state['log'])")
    assert "['first', 'held', 'last']" in notebook.run("engine.resume('r').state['log']")


@pytest.mark.parametrize("held", [POLITE_STUCK, ASYNC_STUCK], ids=["sync", "async"])
@pytest.mark.parametrize("wait", WAITS, ids=["arun", "await", "wait"])
def test_stop_frees_a_cell_that_waits(notebook, held, wait):
    """The stop button frees a cell that awaits or waits for a run within 2 s, and the cell says how to go on."""
    told, seconds = notebook.stop(held + STUCK + wait, after="go")
    assert seconds < 2.0
    assert "engine.resume('r')" in told
    assert "True" in notebook.run("engine.open('r').cancel().status in ('cancelled', 'paused')")
    assert "['first', 'held', 'last']" in notebook.run("engine.resume('r').state['log']")


def test_objects_of_the_kernels_loop_work_in_async_nodes(notebook):
    """An async client made in a cell is bound to the kernel's loop; ``loop="host"`` runs async nodes there."""
    client = """
class Client:
    def __init__(self):
        self.loop, self.answers = asyncio.get_running_loop(), asyncio.Queue()
    async def ask(self):
        assert asyncio.get_running_loop() is self.loop
        self.loop.call_soon(self.answers.put_nowait, "answer")
        return await self.answers.get()
client = Client()
graph = ng.Graph(Log, name="client")
@graph.node
async def ask(state): return {"log": await client.ask()}
engine = ng.Engine(graph, loop="host")
(await engine.arun()).state["log"]
"""
    assert "['answer']" in notebook.run(client)
    assert "['answer']" in notebook.run("run = engine.start()\n(await run).state['log']")
    assert "OptionsError" in notebook.run("engine.run()")


def test_nested_is_refused_in_this_kernel(notebook):
    """Under ipykernel 7 ``nested=True`` is refused, and the kernel goes on working."""
    if "'6." in notebook.run("import ipykernel; ipykernel.__version__"):
        pytest.skip("older kernels do not hang")
    told = notebook.run(TWO + "engine.run(nested=True)")
    assert "OptionsError" in told
    assert "arun" in told
    assert "2" in notebook.run("1 + 1")


def test_the_source_of_a_cells_node_is_found(notebook):
    """The fingerprint stays when a cell is run again and changes when the node in it is edited."""
    cell = "graph = ng.Graph(Log, name='f')\n@graph.node\ndef only(state): return {'x': 1}\ngraph.fingerprint"
    first, again = notebook.run(cell), notebook.run(cell)
    assert 64 == len(first.strip().strip("'"))
    assert first == again
    assert first != notebook.run(cell.replace("'x': 1", "'x': 2"))


def test_redefining_a_node_changes_the_fingerprint_of_the_same_graph(notebook):
    """Running the cell of one node again, edited, changes the graph that stands in another cell."""
    notebook.run("graph = ng.Graph(Log, name='f')")
    node = "@graph.node\ndef only(state):\n    return {'x': 1}\ngraph.fingerprint"
    assert notebook.run(node) == notebook.run(node) != notebook.run(node.replace("1", "2"))


def test_a_traceback_points_into_the_cell(notebook):
    """What a node raises is shown with the line of the cell that raised it."""
    cell = "graph = ng.Graph(Log, name='t')\n@graph.node\ndef bad(state):\n    return {'x': 1 / 0}  # here\nng.Engine(graph).run()"
    told = notebook.run(cell)
    assert "ZeroDivisionError" in told
    assert re.search(r"-+> 4 +return \{'x': 1 / 0\}  # here", told)
    assert "NodeError: node 'bad' raised" in told


def test_a_failed_node_is_repaired_in_the_next_cell(notebook):
    """Fix the node, resume: only what did not finish runs, with the new code."""
    broken = TWO.replace("await asyncio.sleep(0)", "raise ValueError('oops')")
    assert "NodeError" in notebook.run(broken + "engine.run(run_id='r')")
    repair = (
        "@graph.node(after='first')\ndef second(state): return {'log': 'repaired'}\nengine.resume('r').state['log']"
    )
    assert "['sync', 'repaired']" in notebook.run(repair)


def test_the_tables_show_in_a_cell(notebook):
    """Tables are DataFrames, and a run shows itself in one line."""
    told = notebook.run(TWO + "run = engine.run(run_id='r')\nprint(run.tasks.node.tolist())\nrun")
    assert "['first', 'second']" in told
    assert "<Run 'r' of 'two': completed, 2 steps>" in told
