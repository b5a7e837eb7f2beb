"""A whole notebook that a program executes, as nbmake does: every form finishes, and what fails, fails."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # what a kernel's client warns of is not ours

SETUP = """%load_ext nbgraph
import asyncio
import nbgraph as ng
from typing import Annotated, TypedDict
class Words(TypedDict):
    words: Annotated[list, ng.append]
    n: int"""
CELLS = [
    SETUP,
    "%graph g --state Words max_concurrent=2",
    "%%node one\n{'words': 'a', 'n': 1}",
    "%%time\n%%node two --after one --sends each\n[ng.Send('each', word=word) for word in 'xyz']",
    "%%node each --join each\nawait asyncio.sleep(0)\n{'words': ctx.call(str.upper, state['word']) if 0 else state['word']}",
    "@g.node(after='each')\ndef last(state): return {'n': len(state['words'])}",
    "%edge one last --on-error ValueError",
    "g",
    "%ng run {'n': 0} --id r1 --fresh",
    "assert (await g_engine.arun({})).status == 'completed'",
    "run = %ng start --id r2 --fresh",
    "await run",
    "run.wait();",
    "%ng start --id r3 --fresh",
    "%ng wait",
    "%ng run --id r4 --fresh --before two",
    "%ng step",
    "%ng resume",
    "%ng replay r1",
    "%ng fork r1 --step 1 --set n=9 --reuse-calls",
    "%ng diff r1 r2",
    *(f"%ng {verb}" for verb in ("runs", "tasks", "calls", "events", "costs", "plan", "changes", "state", "help")),
    "%ng inbox --table",
    "%ng help run",
    "%%node?",
    "%ng?",
    "%%node last --after each\n1 / 0",
    "try:\n    get_ipython().run_line_magic('ng', 'run --id r5 --fresh')\nexcept ng.NodeError:\n    pass",
    "%ng debug",
    "%%node last --after each\n{'n': 0}",
    "%ng resume",
    "%reload_ext nbgraph",
    "%unload_ext nbgraph",
]


def executed(folder, cells):
    """Run cells as a notebook in a folder; return the notebook."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return notebook


def test_run_all_finishes_twice(tmp_path):
    """Run All over every form ends without an error, also the second time, with the runs of the first in the file."""
    cells = [cell.replace("g_engine", "ng.Engine(g)") for cell in CELLS]
    executed(tmp_path, cells)
    shown = executed(tmp_path, cells)
    printed = [output for cell in shown.cells for output in cell.outputs if output.output_type == "stream"]
    assert {"stdout"} == {output.name for output in printed}


@pytest.mark.parametrize("cell", ["%%node two --aftr one\n{}", "%ng run", "%edge one", "%%node two\nfor", "%graph a-b"])
def test_a_cell_that_is_refused_fails_the_notebook(tmp_path, cell):
    """What is refused in words is still an error: nbmake sees the notebook fail."""
    with pytest.raises(CellExecutionError):
        executed(tmp_path, [SETUP, "%graph g --state Words", cell])
