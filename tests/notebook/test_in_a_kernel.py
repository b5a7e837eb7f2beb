"""The magics in a real kernel, as JupyterLab and Notebook 7 talk to it: cell ids, the stop button, a prompt."""

from __future__ import annotations

import re

import pytest

from tests.cells import started_kernel

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # what a kernel's client warns of is not ours

SETUP = """
import asyncio
import nbgraph as ng
from typing import Annotated, TypedDict
class Words(TypedDict):
    words: Annotated[list, ng.append]
    n: int
"""
FAILING = """%%node two --after one
half = 5
word = ctx.call(str.upper, "word")
half / state["n"]
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all tests of this file."""
    with started_kernel(tmp_path_factory.mktemp("kernel")) as made:
        made.run("%load_ext nbgraph")
        assert "" == made.run(SETUP)
        yield made


@pytest.fixture
def notebook(kernel):
    """A notebook in that kernel with a graph of two nodes, the second of which fails."""
    kernel.run("%reset -f\n%reload_ext nbgraph")
    kernel.run(SETUP + "\n%graph g --state Words --store :memory:")
    assert "" == kernel.run("%%node one\n{'words': 'a', 'n': 0}")
    assert "" == kernel.run(FAILING)
    return kernel


def test_a_traceback_points_into_the_node_cell(notebook):
    """What a node cell raises is shown with the line of that cell, and the cell's number."""
    told = notebook.run("%ng run")
    assert re.search(r"-+> 4 +return half", told)
    assert "Cell In[" in told
    assert "line 4, in two(state, ctx)" in told
    assert "notebook/" not in told


def test_a_syntax_error_points_into_the_node_cell(notebook):
    """A syntax error is shown at the line of the cell that has it."""
    told = notebook.run("%%node three\nx = 1\nfor x in y\n    pass")
    assert "line 3" in told
    assert "expected ':'" in told


def test_a_node_that_left_its_cell_is_removed(notebook):
    """The front end's cell id tells that a node is gone."""
    notebook.run("%%node three --after two\nNone", cell_id="c3")
    assert 'node "three" is no longer in this cell' in notebook.run("%%node four --after two\nNone", cell_id="c3")
    assert "['one', 'two', 'four']" in notebook.run("[node.name for node in g.nodes]")


def test_the_debugger_stands_where_the_node_raised(notebook):
    """``%ng debug`` has the recorded state and the node's own names; the call's answer comes from the record."""
    notebook.run("%ng run")
    told = notebook.talk("%ng debug", ["p state['words']", "p word, half", "q"])
    assert "raised ZeroDivisionError: division by zero" in told
    assert re.search(r"-+> 4 +return half", told)
    assert "['a']" in told
    assert "('WORD', 5)" in told
    assert "2" in notebook.run("1 + 1")


def test_the_debugger_can_walk_from_the_first_line(notebook):
    """``%ng debug --step`` stops at the node's first line and steps on; leaving it leaves no error."""
    notebook.run("%ng run")
    told = notebook.talk("%ng debug --step", ["n", "n", "p word", "q"])
    assert "----> 2     half = 5" in told
    assert "run_line_magic" not in told
    assert "'WORD'" in told
    assert "Traceback" not in told
    assert "2" in notebook.run("1 + 1")


@pytest.mark.parametrize("step", ["", "--step"])
def test_the_debugger_enters_an_async_node(notebook, step):
    """An async node is entered just as well, while the kernel's own loop runs."""
    assert "changed" not in notebook.run("%%node two --after one\nawait asyncio.sleep(0)\n1 / state['n']")
    notebook.run("%ng run")
    told = notebook.talk(f"%ng debug {step}", ["p state['n'] + 41", "q"])
    assert "41" in told
    assert "await asyncio.sleep(0)" in told
    assert "2" in notebook.run("1 + 1")


def test_the_debugger_asks_nobody_where_nobody_answers(notebook):
    """In a notebook that is executed by a program, ``%ng debug`` says so and the cell goes on."""
    notebook.run("%ng run")
    told = notebook.run("%ng debug")
    assert "nobody can answer the debugger here" in told
    assert "Traceback" not in told


def test_a_node_that_does_not_fail_now_says_so(notebook):
    """A mended node has nothing to debug: what it returns is shown."""
    notebook.run("%ng run")
    notebook.run("%%node two --after one\n{'words': 'mended'}")
    assert "does not fail now: it returns {'words': 'mended'}" in notebook.talk("%ng debug", [])


def test_the_kernel_completes(notebook):
    """The front end's completion offers verbs, options, runs and nodes."""
    notebook.run("%ng run --id r1")
    assert ["run", "runs"] == notebook.complete("%ng ru")
    assert ["r1"] == notebook.complete("%ng tasks r")
    assert ["--timeout"] == notebook.complete("%%node x --tim")
    assert ["two"] == notebook.complete("%%node x --after t")


def test_stop_pauses_a_run_of_the_magic(notebook):
    """The stop button in ``%ng run`` pauses the run, and ``%ng resume`` goes on with the latest."""
    notebook.run("import threading; go, begun = threading.Event(), threading.Event()")
    notebook.run("%%node two --after one\nbegun.set()\nwhile not go.wait(0.05): pass\n{'words': 'b'}")
    tells = "threading.Thread(target=lambda: begun.wait(30) and print('begun', flush=True)).start()"
    told, seconds = notebook.stop(f"{tells}\n%ng run --id r1 --fresh", after="begun")
    assert seconds < 2.0
    assert "engine.resume('r1')" in told
    notebook.run("go.set()")
    assert "['a', 'b']" in notebook.run("run = %ng resume\nrun.state['words']")


def test_nothing_is_left_of_a_progress_line_when_nobody_looks(notebook):
    """A blocking run in a notebook that a program executes shows no progress."""
    notebook.run("%%node two --after one\nimport time; time.sleep(1.5)\n{'words': 'b'}")
    assert "" == notebook.run("%ng run;")


def test_a_progress_line_comes_and_goes_where_a_person_waits(notebook):
    """A blocking run of more than a second shows one line, which is empty in the end."""
    notebook.run("%%node two --after one\nimport time; time.sleep(2)\n{'words': 'b'}")
    sent = notebook.send("%ng run --id r1 --fresh;", answers=True)
    shown = [message["content"]["data"] for message in notebook.messages(sent) if "data" in message["content"]]
    assert any(
        "run r1: step 1 after 00:01" in data["text/plain"] and "running two" in data["text/plain"] for data in shown
    )
    assert "" == shown[-1]["text/plain"]
