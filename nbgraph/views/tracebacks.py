"""A recorded failure: the node's source as it was then, the line of it that raised, the frames that are its own.

Owns the finding of these in what is stored: descriptions and recorded tracebacks. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import loads

_FRAME = re.compile(r'^  File "[^\n]*", line \d+, in [^\n]*\n    ([^\n]+)', re.MULTILINE)


def source_of(descriptions: Sequence[tuple[int, str, str]], node: str, step: int) -> str:
    """Return the source of ``node`` in the graph that the run followed at ``step``, "" where it is not known."""
    known = [text for first, _, text in descriptions if first <= max(step, 1)] or [
        text for _, _, text in descriptions[:1]
    ]
    nodes = loads(known[-1]).get("nodes", ()) if known else ()
    return next((str(found.get("source") or "") for found in nodes if found.get("name") == node), "")


def failing_line(source: str, traceback: str) -> int:
    r"""Return which line of ``source`` (from 1) a traceback came through last, 0 where that cannot be told.

    A traceback knows files and their lines, a stored source neither: the innermost line of code that stands in the
    source, and in it only once, is the one.

    >>> failing_line("def f(s):\n    return 1 / 0", 'Traceback\n  File "x", line 9, in f\n    return 1 / 0\n')
    2
    """
    lines = [line.strip() for line in source.splitlines()]
    for code in reversed(_FRAME.findall(traceback)):
        if lines.count(code.strip()) == 1:
            return lines.index(code.strip()) + 1
    return 0


def own_frames(traceback: str) -> str:
    """Return a traceback without the engine's own frames at its beginning: a reader wants the node's."""
    head, *frames = re.split(r'(?m)^(?=  File ")', traceback)
    while len(frames) > 1 and "nbgraph/engine/" in frames[0].partition("\n")[0].replace("\\", "/"):
        frames.pop(0)
    return head + "".join(frames)
