"""A notebook without a kernel: cells run in IPython's shell, in this process."""

from __future__ import annotations

import re

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from ipywidgets.widgets.widget import _instances
from traitlets.config import Config

SETUP = """
import nbgraph as ng
from typing import Annotated, TypedDict
class Words(TypedDict):
    words: Annotated[list, ng.append]
    n: int
"""


class Cells:
    """Runs cells and returns what they said; ``ns`` holds the notebook's names."""

    def __init__(self, shell):
        self.shell, self.ns = shell, shell.user_ns

    def run(self, cell, cell_id=None):
        """Run a cell; return all that it printed, showed and raised."""
        with capture_output() as got:
            self.shell.run_cell(cell, store_history=True, cell_id=cell_id)
        shown = [output.data.get("text/plain", "") for output in got.outputs]
        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join([got.stdout, got.stderr, *shown])).strip()

    def quiet(self, *cells):
        """Run cells that say nothing."""
        for cell in cells:
            assert "" == self.run(cell)

    def completions(self, text):
        """Return what is offered at the end of ``text``."""
        with provisionalcompleter():
            return [found.text for found in self.shell.Completer.completions(text, len(text))]


@pytest.fixture(scope="session")
def shell():
    """IPython's shell, made once."""
    made = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}), colors="nocolor")
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def cells(shell, tmp_path, monkeypatch):
    """A fresh notebook in an empty folder, with the extension loaded and a state defined."""
    monkeypatch.chdir(tmp_path)
    shell.reset(new_session=True)
    shell.user_ns["__spec__"] = None  # reset takes it from __main__, where process pools of other tests look for it
    made, before = Cells(shell), set(_instances)
    made.run("%load_ext nbgraph")
    made.quiet(SETUP)
    yield made
    made.run("%unload_ext nbgraph")
    shown = [widget for name, widget in _instances.items() if name not in before]
    for widget in shown:  # what cells showed goes with their kernel
        widget.close()
