"""What a node prints is kept with its task, and never lands in somebody else's cell.

Owns the stream that stands in for ``sys.stdout`` while runs are driven, and the bounded text of one attempt. The
stream tells nodes from others by a context variable: whatever is written elsewhere passes through, untouched.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from json import loads
from typing import Any

from nbgraph.codec import Redaction, keep
from nbgraph.engine.calls.current import HERE
from nbgraph.engine.calls.outcome import REDACTED
from nbgraph.engine.kernel import kernel

KEPT = 32 * 1024
"""Characters that are kept from the beginning of what an attempt prints, and as many from its end."""
_LOCK = threading.Lock()
_ROUTERS: deque[Router] = deque(maxlen=4)
"""The routers to the last streams. Python's ``print`` may hold no reference to the stream that it writes to (CPython's
issue 130163): one that was in ``sys.stdout`` only would be freed under a cell that prints just when a run ends, and the
kernel would crash. A print would have to outlast four other streams for that now."""
_holds = 0


def shows(prints: str) -> bool:
    """Say whether prints go on to where they would have gone: ``prints`` as in ``Options``."""
    return prints == "show" or (prints == "auto" and kernel() is None)


class Printed:
    """What one attempt printed. Threads of its node may write at the same time."""

    def __init__(self) -> None:
        self._head, self._tail = "", ""
        self._size = 0
        self._parts: list[str] = []
        self._waiting = 0
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Take in what comes next."""
        with self._lock:
            self._size += len(text)
            self._parts.append(text)
            self._waiting += len(text)
            if self._waiting > KEPT:
                self._settle()

    def _settle(self) -> None:
        """Bring the parts to where they are kept; what is between the beginning and the end is forgotten."""
        new = "".join(self._parts)
        self._parts, self._waiting = [], 0
        room = KEPT - len(self._head)
        self._head += new[:room]
        self._tail = (self._tail + new[room:])[-KEPT:]

    def text(self) -> str:
        """Return what was printed; a line in its middle says how much is missing, where something is."""
        with self._lock:
            self._settle()
            missing = self._size - len(self._head) - len(self._tail)
            between = f"\n[... {missing:,} characters are missing here ...]\n" if missing else ""
            return f"{self._head}{between}{self._tail}"


def told(printed: Printed | None, redact: Redaction) -> dict[str, str]:
    """Return the fact that is kept of what was printed, as redaction leaves it; none where nothing was."""
    text = "" if printed is None else printed.text()
    if not text:
        return {}
    text = text.encode("utf-8", "backslashreplace").decode()  # a lone surrogate is no text for a file
    kept = loads(keep(text, redact=redact, blobs={}, name="printed")[0])
    return {"printed": kept if isinstance(kept, str) else REDACTED}


class Router:
    """Stands in for ``sys.stdout``: what a node writes goes to its attempt, the rest on to the ``original``."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def write(self, text: Any) -> int:
        """Write as the original does, or keep it for the node that runs here."""
        here = HERE.get()
        if here is None or not isinstance(text, str) or not here.hear(text):
            written: int = self.original.write(text)
            return written
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each of ``lines``."""
        for line in lines:
            self.write(line)

    def __iter__(self) -> Iterator[str]:
        return iter(self.original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)  # "original" itself is always there

    def __repr__(self) -> str:
        return f"<nbgraph's way to {self.original!r}>"


def hold() -> None:
    """Put the router in the place of ``sys.stdout``, until it was let go of as often as it was held."""
    global _holds  # noqa: PLW0603 - a process has one sys.stdout
    with _LOCK:
        _holds += 1
        if type(sys.stdout) is not Router and sys.stdout is not None:
            sys.stdout = _router(sys.stdout)


def _router(original: Any) -> Router:
    """Return the router to a stream, the same one again where there is one."""
    for known in _ROUTERS:
        if known.original is original:
            return known
    _ROUTERS.append(Router(original))
    return _ROUTERS[-1]


def release() -> None:
    """Let go. Whoever put another stream in its place meanwhile keeps that."""
    global _holds  # noqa: PLW0603 - as above
    with _LOCK:
        _holds -= 1
        if not _holds and type(sys.stdout) is Router:
            sys.stdout = sys.stdout.original


@contextmanager
def routed() -> Iterator[None]:
    """Do both around a block."""
    hold()
    try:
        yield
    finally:
        release()
