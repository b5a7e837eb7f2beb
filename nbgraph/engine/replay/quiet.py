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
from weakref import WeakKeyDictionary

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
    """An event loop that opens no socket.

    ``idle`` is called when nothing can happen by itself any more; with True where a timer still can. If it
    returns True, that timer's time has come.
    """

    idle: Callable[[bool], bool] | None = None
    _ahead = 0.0
    _away = 0
    """Work on other threads whose end is awaited."""

    def _make_self_pipe(self) -> None:
        reader, writer = os.pipe()
        self._ssock, self._csock = _Pipe(reader), _Pipe(writer)
        self._internal_fds += 1  # type: ignore[attr-defined]  # of the base class
        self._add_reader(reader, self._read_from_self)  # type: ignore[attr-defined]  # as above

    def _run_once(self) -> None:
        if self.idle is not None and not (self._ready or self._away):  # type: ignore[attr-defined]  # as above
            timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # as above
            if self.idle(bool(timers)) and timers:
                self._ahead += max(0.0, timers[0].when() - self.time())
        super()._run_once()  # type: ignore[misc]  # as above

    def time(self) -> float:
        """Return the loop's time, which a replay moves on to a timer where nothing else is waited for."""
        return super().time() + self._ahead

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # wider
        """Count what is away, so that it is not taken for nothing to do."""
        future = super().run_in_executor(executor, _beneath, threading.get_ident(), func, *args)
        self._away += 1
        future.add_done_callback(self._back)
        return future

    def settle(self) -> None:
        """Cancel what a node left behind, and close the streams that it left open."""
        for _ in range(2):  # closing a stream may start a task
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self.run_until_complete(_nothing())

    def _back(self, _: Any) -> None:
        self._away -= 1


async def _nothing() -> None:
    """Let the loop go round once: what the collector has asked for begins."""


class Guard:
    """One stretch without network, of a thread and of all that are started from it meanwhile."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        """What was refused, in words."""


_guards: dict[int, Guard] = {}
"""Thread -> its guard."""
_started: WeakKeyDictionary[threading.Thread, Guard] = WeakKeyDictionary()
"""Threads that guarded ones have started; a guard that has ended refuses nothing."""
_installed = False
_CALLS = frozenset([
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
])  # fmt: skip
_STARTS = frozenset(["_thread.start_new_thread", "_thread.start_joinable_thread"])


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _guards:
        return
    if event in _STARTS:
        thread, guard = getattr(args[0], "__self__", None), _guard()
        if guard is not None and isinstance(thread, threading.Thread):
            _started[thread] = guard
    elif event in _CALLS and (guard := _guard()) is not None:
        reached = f"{event} {_words(args)}"
        guard.refused.append(reached)
        raise MissingCallError(
            f"a node reached for the network in a replay ({reached})",
            still="nothing was sent; the run was not touched",
            todo="make the call through ctx.call, @ng.call or a recorded client, so that it is recorded",
            actual=event,
        )


def _guard() -> Guard | None:
    """Return the guard that holds on this thread."""
    here = threading.get_ident()
    if here in _guards:
        return _guards[here]
    inherited = (guard for thread, guard in list(_started.items()) if thread.ident == here and thread.is_alive())
    return next((guard for guard in inherited if guard in _guards.values()), None)


def _beneath(thread: int, func: Callable[..., Any], *args: Any) -> Any:
    """Do what a guarded thread left to this one; at module level, so that it travels to a process too."""
    guard = _guards.get(thread)
    if guard is None:
        return func(*args)
    with _under(guard):
        return func(*args)


def _words(args: tuple[Any, ...]) -> str:
    return ", ".join(str(arg) for arg in args if isinstance(arg, (str, bytes, int, tuple)))[:80]


@contextmanager
def guarded() -> Iterator[Guard]:
    """Refuse the network to this thread meanwhile, and to those that its loop uses or (Python 3.12) that it starts.

    The audit hook stays installed, and idle, afterwards.
    """
    global _installed  # noqa: PLW0603 - an audit hook cannot be removed, so it is added once
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    guard = Guard()
    with _under(guard):
        yield guard


@contextmanager
def _under(guard: Guard) -> Iterator[None]:
    here = threading.get_ident()
    before, _guards[here] = _guards.get(here), guard
    try:
        yield
    finally:
        if before is None:
            del _guards[here]
        else:
            _guards[here] = before
