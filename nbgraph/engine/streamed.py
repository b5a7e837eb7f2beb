"""What an attempt streamed: numbered chunks for whoever follows, and the texts of those that are kept.

Owns the numbers. Any thread may stream. Knows nothing of who follows.
"""

from __future__ import annotations

from collections.abc import Callable
from json import loads
from threading import Lock
from typing import Any

from nbgraph.codec import Redaction, keep
from nbgraph.errors import CodecError
from nbgraph.ids import TaskId


class Streamed:
    """The chunks of one attempt. ``publish`` is given each with its number; None where nobody can be."""

    def __init__(self, publish: Callable[[int, Any], None] | None) -> None:
        self._publish = publish
        self._texts: list[str | None] = []
        self._lock = Lock()
        self.blobs: dict[str, bytes] = {}
        """The large values in what is kept."""

    def add(self, delta: Any, text: str | None) -> None:
        """Give a chunk its number and publish it; ``text`` is what is kept of it."""
        with self._lock:
            self._texts.append(text)
            if self._publish is not None:
                self._publish(len(self._texts), delta)

    def text(self, delta: Any, redact: Redaction, node: str, task: TaskId) -> str:
        """Return a chunk as it is kept; raises ``CodecError`` for one that cannot be."""
        try:
            return keep(delta, redact=redact, blobs=self.blobs, records=True)[0]
        except CodecError as error:
            raise CodecError(
                f"node {node!r} streamed a value that cannot be kept: {error.message}",
                still="nothing of this task was stored",
                todo="stream it without keep=True, or as plain data",
                node=node,
                task=task,
                path=error.path,
                actual=error.actual,
            ) from error

    def kept(self) -> list[list[Any]]:
        """Return number and value of the chunks that are kept, as plain data."""
        return [[number, loads(text)] for number, text in enumerate(self._texts, 1) if text is not None]
