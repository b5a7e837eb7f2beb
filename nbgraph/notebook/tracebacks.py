"""An error of a verb as a person wants to read it: the node's lines, then the words; no frames of ours.

Owns what IPython shows of it. The error itself, its class and its own traceback stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

from nbgraph.errors import NbgraphError

_OURS = str(Path(__file__).parents[1])


def shorten(error: NbgraphError) -> None:
    """Have IPython show an error by what made it, from the person's code on, and by its words."""
    error._render_traceback_ = lambda: shown(error)  # type: ignore[attr-defined]  # IPython asks for it


def shown(error: NbgraphError) -> list[str]:
    """Return the lines that IPython shows."""
    cause = error.__cause__
    trace = None if cause is None else theirs(cause.__traceback__)
    told = f"{type(error).__name__}: {error}"
    shell: Any = get_ipython()
    if cause is None or trace is None or shell is None:
        return [told]
    lines: list[str] = shell.InteractiveTB.structured_traceback(type(cause), cause, trace)
    return [*lines, "", told]


def theirs(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback from the first frame that is not nbgraph's, None if all are."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace
