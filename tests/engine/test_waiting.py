"""Waiting for a run in a real kernel: every form of it, the stop button, what went wrong in the background, prints."""

from __future__ import annotations

import pytest

from tests.cells import started_kernel
from tests.kernels import VERSIONS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # what a kernel's client warns of is not ours

SETUP = """
import asyncio, sys, threading
from typing import Annotated, TypedDict
import nbgraph as ng

class Log(TypedDict):
    log: Annotated[list, ng.append]

def engine_of(*nodes, **options):
    graph = ng.Graph(Log, name="chain")
    for place, node in enumerate(nodes):
        graph.node(after=[nodes[place - 1].__name__] if place else None)(node)
    return ng.Engine(graph, **options)

def first(state):
    return {"log": "first"}

def waiting():
    "Say whether the cell has come to wait for the run: an interrupt between two of its own calls is its own."
    frame = sys._current_frames()[threading.main_thread().ident]
    while frame is not None and not ("select" in frame.f_code.co_name or "/nbgraph/engine/" in frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None

async def waits(state):
    if not free.is_set():
        while not waiting():
            await asyncio.sleep(0)
        print("go", flush=True)
        await asyncio.to_thread(free.wait, 30)
    return {"log": "waits"}

def fails(state):
    raise ValueError("in the background")

def talks(state):
    talking.set()
    free.wait(30)
    print("from the node")
    return {"log": "talks"}
"""
TRIES = 3
"""How often a time is taken; the best counts, as others may be using the machine."""
STOPPED = [
    "engine.run(run_id='r')",
    "await engine.arun(run_id='r')",
    "run = engine.start(run_id='r'); await run",
    "run = engine.start(run_id='r'); run.wait()",
]
FORMS = [
    "engine.run()",
    "await engine.arun()",
    "await engine.start()",
    "engine.start().wait()",
    "engine.start(before='waits').pause().resume().wait()",
    "await engine.start(loop='host')",
    "engine.run(run_id='s', before='waits').step()",
    "engine.fork('s', step=1)",
]


@pytest.fixture(scope="module", params=VERSIONS)
def notebook(request, tmp_path_factory):
    """One kernel of each version for all tests of this file."""
    with started_kernel(tmp_path_factory.mktemp("kernel"), request.param) as made:
        assert "" == made.run(SETUP)
        yield made


@pytest.mark.parametrize("wait", STOPPED, ids=["run", "arun", "await", "wait"])
def test_stop_frees_the_cell_within_half_a_second(notebook, wait):
    """However a cell waits, stop frees it 0.5 s after one that sleeps, it says how to go on, and nothing is lost."""
    cell, took = "free = threading.Event(); engine = engine_of(first, waits, prints='show')\n", []
    for _ in range(TRIES):
        told, seconds = notebook.stop(cell + wait, after="go")
        took.append(seconds)
        assert "engine.resume('r')" in told
        notebook.run("free.set(); engine.open('r').wait()")
        notebook.run("engine.open('r').status == 'completed' or engine.resume('r')")
        assert "['first', 'waits']" in notebook.run("engine.open('r').state['log']")
    assert min(took) < 0.5


@pytest.mark.parametrize("wait", ["await run", "run.wait()"])
def test_what_failed_in_the_background_is_raised_by_the_wait(notebook, wait):
    """Starting shows nothing of a failure; the cell that waits for the run has its error, with the node's own."""
    assert "" == notebook.run("engine = engine_of(first, fails); run = engine.start(run_id='r')")
    told = notebook.run(wait)
    assert "ValueError: in the background" in told
    assert "engine.resume('r')" in told


def test_run_all_over_every_form_of_waiting_ends(notebook):
    """A notebook that waits in every way there is runs through from top to bottom."""
    notebook.run("free = threading.Event(); free.set(); engine = engine_of(first, waits)")
    cells = [notebook.send(f"({form}).state['log']") for form in FORMS]
    assert ["['first', 'waits']"] * len(FORMS) == [notebook.outputs(cell).strip() for cell in cells]


def test_a_nodes_print_lands_in_no_other_cell(notebook):
    """What a node prints while another cell runs is kept with its task, and shown nowhere else."""
    begin = "free, talking = threading.Event(), threading.Event(); run = engine_of(talks).start(); talking.wait(30)"
    assert "True" == notebook.run(begin).strip()
    other = "free.set(); run.wait(); print('from the cell')"
    assert "from the cell" == notebook.run(other).strip()
    assert "['from the node\\n']" in notebook.run("list(run.tasks.printed)")


def test_a_nodes_print_is_not_lost_where_it_is_asked_to_show(notebook):
    """With ``prints="show"`` the cell that waits shows it."""
    begin = "free, talking = threading.Event(), threading.Event(); free.set()\n"
    assert "from the node" in notebook.run(begin + "run = engine_of(talks, prints='show').run()")
