"""No network in a replay: an event loop without sockets, and a guard that refuses to open any.

Owns both. A node that reaches out past ``ctx.call`` would make a replay lie; the guard makes that an error.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nbgraph.errors import MissingCallError


class _Pipe:
    """Stands in for the socket pair by which a loop is woken."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        os.set_blocking(fd, False)

    def fileno(self) -> int:
        return self._fd

    def recv(self, size: int) -> bytes:
        return os.read(self._fd, size)

    def send(self, data: bytes) -> int:
        return os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)


class QuietLoop(asyncio.SelectorEventLoop):
    """An event loop that opens no socket. ``idle`` is called when nothing can happen by itself any more."""

    idle: Callable[[], None] | None = None

    def _make_self_pipe(self) -> None:
        reader, writer = os.pipe()
        self._ssock, self._csock = _Pipe(reader), _Pipe(writer)
        self._internal_fds += 1  # type: ignore[attr-defined]  # of the base class
        self._add_reader(reader, self._read_from_self)  # type: ignore[attr-defined]  # as above

    def _run_once(self) -> None:
        if self.idle is not None and not self._ready and not self._scheduled:  # type: ignore[attr-defined]  # as above
            self.idle()
        super()._run_once()  # type: ignore[misc]  # as above


_guarded: set[int] = set()
_installed = False
_CALLS = frozenset([
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
])  # fmt: skip


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _guarded and event in _CALLS and threading.get_ident() in _guarded:
        raise MissingCallError(
            f"a node reached for the network in a replay ({event} {_words(args)})",
            still="nothing was sent; the run was not touched",
            todo="make the call through ctx.call, @ng.call or a recorded client, so that it is recorded",
            actual=event,
        )


def _words(args: tuple[Any, ...]) -> str:
    return ", ".join(str(arg) for arg in args if isinstance(arg, (str, bytes, int, tuple)))[:80]


@contextmanager
def guarded() -> Iterator[None]:
    """Refuse the network to this thread meanwhile. The audit hook stays installed, and idle, afterwards."""
    global _installed  # noqa: PLW0603 - an audit hook cannot be removed, so it is added once
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    ident = threading.get_ident()
    _guarded.add(ident)
    try:
        yield
    finally:
        _guarded.discard(ident)
