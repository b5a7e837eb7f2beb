"""One line about a run that keeps somebody waiting: steps, how fast, what runs now, what failed.

Owns when the line is there: after a second, until the run stands still; then no trace of it is left. One thread of
the process looks at all runs; it ends when none is watched. Silent where nobody looks. Never breaks a run.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from time import monotonic
from typing import Any, Protocol

from nbgraph.engine.kernel import kernel, somebody_looks
from nbgraph.escape import NO_FORMULA, cut, plain, safe
from nbgraph.views.subject import News, Running, Subject

_LOG = logging.getLogger("nbgraph")
SOON = 1.0
"""Seconds that a run may take before it is worth a line."""
_EVERY = 0.25
"""Seconds between two looks."""


class Bar(Protocol):
    """Where a line is shown: tqdm's bar, or the tests' own."""

    def show(self, steps: int, note: str) -> None:
        """Show this in place of what is shown."""
        ...

    def close(self) -> None:
        """Leave no trace."""
        ...


class Line:
    """The line of one run: follows it and says how it stands."""

    def __init__(self, run: Subject, bar: Callable[[str, float], Bar], since: float) -> None:
        self._run, self._make, self._since = run, bar, since
        self._bar: Bar | None = None
        self._follower: Any = None
        self._steps, self._note = 0, ""
        self._failed: Counter[str] = Counter()
        self._context: Context = copy_context()  # in a kernel it says which cell is waiting
        self._lock = threading.Lock()
        self._over = False

    def look(self, now: float) -> None:
        """Look at the run and write the line, if it is time; whatever goes wrong, only the line is lost."""
        with self._lock:
            if self._over or now - self._since < SOON:
                return
            try:
                self._context.run(self._write)
            except Exception:  # noqa: BLE001 - the run matters, the line does not
                _LOG.debug("the progress of run %s cannot be shown", self._run.id, exc_info=True)
                self._end()

    def close(self) -> None:
        """Take the line away."""
        with self._lock:
            self._context.run(self._end)

    def _write(self) -> None:
        if self._follower is None:
            self._follower = self._run.follow()
        news: News | None = self._follower.take()
        if news is not None:
            self._steps += len(news.steps)
            self._failed.update(event.kind for event in news.events if event.kind in ("task.retried", "task.failed"))
            self._note = note_of(news.running, self._failed)
        if self._bar is None:
            self._bar = self._make(self._run.id, monotonic() - self._since)
        self._bar.show(self._steps, self._note)

    def _end(self) -> None:
        self._over = True
        for one in (self._bar, self._follower):
            if one is not None:
                with suppress(Exception):
                    one.close()


def note_of(running: Iterable[Running], failed: Counter[str]) -> str:
    """Return what runs now and what failed, in a few words.

    >>> note_of([], Counter({"task.retried": 2}))
    '2 retried'
    """
    nodes = Counter(task.node for task in running if task.started is not None)
    names = [name if count == 1 else f"{name} ×{count}" for name, count in nodes.most_common(3)]
    more = [f"{len(nodes) - 3} more"] if len(nodes) > 3 else []
    said = [f"running {', '.join([*names, *more])}"] if names else []
    said += [f"{failed[kind]} {kind.removeprefix('task.')}" for kind in ("task.retried", "task.failed") if failed[kind]]
    return cut("; ".join(said), 60)


class Watcher:
    """Looks at every line a few times a second, on a thread that is there while there are lines."""

    def __init__(self, every: float = _EVERY) -> None:
        self._every, self._lines = every, dict[int, Line]()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def add(self, line: Line) -> None:
        """Begin to look at a line."""
        with self._changed:
            self._lines[id(line)] = line
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="nbgraph-progress", daemon=True)
                self._thread.start()

    def remove(self, line: Line) -> None:
        """Look at it no more, and take it away."""
        with self._changed:
            self._lines.pop(id(line), None)
        line.close()

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(self._every)
                lines = list(self._lines.values())
                if not lines:
                    self._thread = None
                    return
            now = monotonic()
            for line in lines:
                line.look(now)


_WATCHER = Watcher()


@contextmanager
def progress(run: Subject, *, quiet: bool = False) -> Iterator[None]:
    """Show a line about ``run`` while the block lasts, from its first second on; gone when the block ends.

    Nothing is shown where nobody looks (nbclient, nbmake, no terminal), with ``quiet``, or where the environment
    variable NBGRAPH_PROGRESS is 0.
    """
    if quiet or os.environ.get("NBGRAPH_PROGRESS") == "0" or not somebody_looks():
        yield
        return
    line = Line(run, _InCell if kernel() is not None else _InTerminal, monotonic())
    _WATCHER.add(line)
    try:
        yield
    finally:
        _WATCHER.remove(line)


class _InTerminal:
    """tqdm's bar on the terminal's stderr."""

    def __init__(self, run_id: str, elapsed: float, file: Any = None) -> None:
        from tqdm import tqdm  # noqa: PLC0415 - when the first line is shown

        class Steps(tqdm):  # type: ignore[misc]  # tqdm has no types
            monitor_interval = 0  # no thread beside ours

        self._bar = Steps(
            desc=cut(run_id, 20), unit=" steps", leave=False, file=file, delay=0.001, smoothing=0,
            bar_format="run {desc}: step {n_fmt} after {elapsed}, {rate_noinv_fmt}{postfix}", dynamic_ncols=True,
        )  # fmt: skip
        self._bar.start_t -= elapsed

    def show(self, steps: int, note: str) -> None:
        self._bar.n = steps
        self._bar.set_postfix_str(plain(note), refresh=True)

    def close(self) -> None:
        self._bar.close()


class _InCell:
    """The same line as a cell's output that is replaced, and emptied in the end: stderr would be red there."""

    def __init__(self, run_id: str, elapsed: float) -> None:
        from IPython.display import display  # noqa: PLC0415 - there, where this is a kernel

        self._handle = display(self._shown(""), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._bar = _InTerminal(run_id, elapsed, file=self)

    def show(self, steps: int, note: str) -> None:
        self._bar.show(steps, note)

    def close(self) -> None:
        self._bar.close()
        self._handle.update(self._shown(""), raw=True)

    def write(self, text: str) -> None:
        """Take what tqdm writes: the line, with blanks over what was longer before."""
        if text.strip():
            self._handle.update(self._shown(text.strip()), raw=True)

    def flush(self) -> None:
        """Nothing is held back."""

    @staticmethod
    def _shown(text: str) -> dict[str, str]:
        html = (
            f'<div class="{NO_FORMULA}" style="opacity:.75;font-size:90%">{safe(text)}</div>'
            if text
            else "<span></span>"
        )
        return {"text/plain": plain(text), "text/html": html}
