"""``%ng debug``: the debugger in the node that failed, with its recorded input.

Owns entering it, and where it stands at first: at the node's own line. The outside world is the record's: nothing is
called, nothing is written.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from bdb import BdbQuit
from collections.abc import Callable
from contextlib import suppress
from dis import findlinestarts
from types import CodeType, TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

from nbgraph.engine.kernel import kernel
from nbgraph.engine.replay.rehearsal import Rehearsal
from nbgraph.graph.source import code_of
from nbgraph.notebook.bench import Bench
from nbgraph.notebook.telling import tell


def debug(bench: Bench, asked: Namespace) -> None:
    """Enter the debugger in a node of a run: where it raises, or with ``--step`` at its first line."""
    __tracebackhide__ = True
    run = bench.past(asked.run, asked.graph)
    which = int(asked.task) if asked.task and asked.task.isdecimal() and len(asked.task) < 6 else asked.task
    rehearsal = run.rehearse(which)
    here = kernel()
    if here is not None and not getattr(here, "_allow_stdin", True):
        tell(f"{_about(rehearsal)}; nobody can answer the debugger here")
        return
    tell(f"{_about(rehearsal)}; state and calls are as recorded, q leaves")
    with suppress(BdbQuit):
        walk(rehearsal) if asked.step else look(rehearsal)


def _about(rehearsal: Rehearsal) -> str:
    where = f"step {rehearsal.step}" if rehearsal.step else "the task that did not finish"
    told = f", which raised {rehearsal.error}" if rehearsal.error else ""
    return f'node "{rehearsal.node}", {where}{told}'


def look(rehearsal: Rehearsal) -> None:
    """Call the node; where it raises, stand at its own line, with all frames below it in reach."""
    try:
        value = rehearsal.call()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        code = code_of(rehearsal.fn)
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        tell(f"{type(error).__name__}: {error}")
        debugger = _standing_at(code)
        debugger.reset()
        debugger.interaction(None, _from_node(error.__traceback__, code))
    else:
        tell(f'node "{rehearsal.node}" does not fail now: it returns {value!r}')


def walk(rehearsal: Rehearsal) -> None:
    """Call the node and stop at its first line."""
    code = code_of(rehearsal.fn)
    if code is None:
        tell(f'node "{rehearsal.node}" has no lines to walk through')
        return
    rehearsal.call(_walking(_debugger()(), code))


def _walking(debugger: Any, code: CodeType) -> Callable[..., Any]:
    """Return what makes a call and stops at the first line of ``code``, on whichever thread and loop that runs."""

    def call(fn: Callable[..., Any], *args: Any) -> Any:
        debugger.reset()
        debugger.set_break(code.co_filename, _first_line(code), temporary=True)
        debugger.botframe = sys._getframe()  # noqa: SLF001 - a debugger's own way to say where it began
        debugger.set_continue()
        before = sys.gettrace()  # what measures coverage, or another debugger
        sys.settrace(debugger.trace_dispatch)
        try:
            return fn(*args)
        finally:
            sys.settrace(before)

    return call


def _first_line(code: CodeType) -> int:
    lines = [line or 0 for _, line in findlinestarts(code)]
    return min((line for line in lines if line > code.co_firstlineno), default=code.co_firstlineno)


def _from_node(trace: TracebackType | None, code: CodeType | None) -> TracebackType | None:
    """Return a traceback from the node's frame on: how it was called is no business of who looks at it."""
    found = trace
    while found is not None and found.tb_frame.f_code is not code:
        found = found.tb_next
    return found or trace


def _debugger() -> type[Any]:
    """Return the shell's own debugger, which knows its prompt and its colours."""
    shell: Any = get_ipython()
    found: type[Any] = shell.debugger_cls
    return found


def _standing_at(code: CodeType | None) -> Any:
    """Return a debugger that stands at the innermost frame of ``code`` at first."""

    class AtNode(_debugger()):  # type: ignore[misc]  # which class it is depends on the shell
        def setup(self, frame: Any, trace: Any) -> None:
            super().setup(frame, trace)
            mine = [place for place, (one, _) in enumerate(self.stack) if one.f_code is code]
            if mine:
                self.curindex = mine[-1]
                self.curframe = self.stack[self.curindex][0]
                with suppress(AttributeError):  # newer Pythons look it up themselves
                    self.curframe_locals = self.curframe.f_locals

    return AtNode()
