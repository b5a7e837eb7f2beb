"""Writes a recorded run as a test: a small recording, and a file that pytest finds beside it.

Owns the two files. The test replays the recording against today's code; nothing is called.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nbgraph.engine.keepsake.harvest import Harvest, importable_as
from nbgraph.errors import GraphError
from nbgraph.store.copying import copy_run
from nbgraph.store.protocol import Store

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph

_TEST = '''"""Replays run {run!r} of graph {graph!r}. Written by nbgraph's run.to_pytest: write it anew rather than edit it."""

from pathlib import Path

{code}
RECORDING = Path(__file__).with_suffix(".sqlite")


def {name}():
    """Today's code does what was recorded; nothing is called."""
    with ng.SqliteStore(RECORDING, read_only=True) as store:
        ng.Engine({attribute}, store=store).replay({run!r})
'''


def write_test(store: Store, run_id: str, graph: Graph, path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Write the test to ``path`` and its recording beside it; return the test's path. Raises ``GraphError``."""
    target = _checked(Path(path), overwrite=overwrite)
    found = importable_as(graph, list(sys.modules.values()))
    module, _, attribute = (found or ":graph").partition(":")
    code = f"import nbgraph as ng\nfrom {module} import {attribute}\n" if found else Harvest().module(graph)
    name = f"test_run_{_word(run_id)}"
    text = _TEST.format(run=run_id, graph=graph.name, code=code, name=name, attribute=attribute)
    compile(text, str(target), "exec")  # nobody should find a broken test
    recording = target.with_suffix(".sqlite")
    for leftover in (recording, *(recording.with_name(recording.name + end) for end in ("-wal", "-shm"))):
        leftover.unlink(missing_ok=True)
    copy_run(store, run_id, str(recording))
    target.write_text(text, encoding="utf-8")
    return target


def _checked(target: Path, *, overwrite: bool) -> Path:
    if target.suffix != ".py" or not target.name.startswith("test_"):
        raise GraphError(
            f"{target.name!r} is no name that pytest finds", still="nothing was written", todo="call it test_<name>.py"
        )
    there = [path for path in (target, target.with_suffix(".sqlite")) if path.exists()]
    if there and not overwrite:
        raise GraphError(
            f"{there[0].name!r} exists", still="nothing was written", todo="pass overwrite=True, or another path"
        )
    return target


def _word(text: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in text)
