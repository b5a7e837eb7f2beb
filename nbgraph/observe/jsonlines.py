"""Events as JSON lines: one object a line, while runs go on or after the fact; the same lines either way.

Owns the form of a line and how it reaches a file. UTF-8, sorted keys, each line ended by one newline: data, graph, kind,
node, run, step, task, time (seconds since the Unix epoch).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from nbgraph.engine.feed import happened
from nbgraph.files import place_for, put

if TYPE_CHECKING:
    from nbgraph.engine.following import News
    from nbgraph.engine.observing import Followed
    from nbgraph.engine.past import Past
    from nbgraph.events import Event


class JsonLines:
    """A listener that appends each event of each run to a file, a line an event, as soon as it is committed.

    ``target`` is a path, whose file is made if it is not there and appended to if it is, or an open text file, which
    stays yours to close. Nothing is held open between two writes. Raises ``OSError`` for a path that cannot be written.

    >>> import io, nbgraph as ng
    >>> graph = ng.Graph({"n": int}, name="count")
    >>> @graph.node
    ... def one(state):
    ...     return {"n": 1}
    >>> lines = io.StringIO()
    >>> with ng.Engine(graph, listeners=ng.JsonLines(lines)) as engine:
    ...     run = engine.run({"n": 0}, run_id="r")
    >>> lines.getvalue().count('"run":"r"')
    2
    """

    def __init__(self, target: str | os.PathLike[str] | TextIO) -> None:
        self._file: Any = target if hasattr(target, "write") else None
        self._path = None if self._file is not None else Path(target)  # type: ignore[arg-type]  # no file: a path
        self._lock = threading.Lock()
        if self._path is not None:
            self._append(b"")  # a path that cannot be written is found out now, not in the middle of a run

    def begin(self, run: Followed) -> Lines:
        """Write the events of a drive of a run."""
        return Lines(self, run)

    def write(self, lines: str) -> None:
        """Append whole lines, and have them leave this process."""
        with self._lock:
            if self._file is None:
                self._append(lines.encode("utf-8"))
            else:
                self._file.write(lines)
                self._file.flush()

    def _append(self, lines: bytes) -> None:
        assert self._path is not None  # noqa: S101 - the caller asked
        with self._path.open("ab+") as file:
            if lines and not _ends_whole(file):
                lines = b"\n" + lines  # whoever wrote before us was cut off: that line stays one of its own
            file.write(lines)

    def __repr__(self) -> str:
        return f"ng.JsonLines({str(self._path) if self._path is not None else self._file!r})"


class Lines:
    """Writes the events of one drive of a run."""

    def __init__(self, target: JsonLines, run: Followed) -> None:
        self._target, self._run_id, self._graph = target, run.run_id, run.graph

    def take(self, news: News) -> None:
        """Write what happened since the last look, at once."""
        events = happened(news.steps, news.events, self._run_id)
        if events:
            self._target.write("".join(_lines(events, self._graph)))

    def end(self) -> None:
        """Hold nothing."""


def export_events(run: Past, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the events of a run as JSON lines; see ``Run.export_events``."""
    target = place_for(path, "file of events", overwrite=overwrite)
    graph = run.store.run(run.id).record.graph
    events = happened(list(run.store.steps(run.id)), run.store.events(run.id), run.id)
    return put(target, "".join(_lines(events, graph)).encode("utf-8"))


def _ends_whole(file: Any) -> bool:
    """Say whether the file is empty, or its last line is ended. Its place is at the end afterwards."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def _lines(events: Iterable[Event], graph: str) -> Iterable[str]:
    for event in events:
        facts = {
            "run": event.run, "graph": graph, "kind": event.kind, "step": event.step, "node": event.node,
            "task": event.task, "time": event.time, "data": event.data,
        }  # fmt: skip
        yield _text(facts) + "\n"


def _text(facts: dict[str, Any]) -> str:
    text = dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half a character, which UTF-8 does not have: escaped, as JSON can
        return dumps(facts, sort_keys=True, separators=(",", ":"))
    return text
