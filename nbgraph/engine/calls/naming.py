"""Which call of its task a call is: a name that does not depend on how fast anything answers.

Owns the names. Calls of a node are numbered in the order in which they are issued: "1", "2", ... An asyncio
task started by the node (``asyncio.gather``) numbers its own calls, as branch "a1" with "a1.1", "a1.2", ...:
which branch issues its second call first depends on the answers, which call is a branch's second does not.
A call inside a recorded call is "2/1". A ``key`` replaces the number where nothing fixes the order (threads).
"""

from __future__ import annotations

import sys
import threading
from contextvars import ContextVar
from typing import Any


class Scope:
    """A line of calls in one order: the node's own, a branch's, or those inside one call."""

    __slots__ = ("branches", "calls", "inner", "owner", "prefix")

    def __init__(self, prefix: str, owner: Any, *, inner: bool = False) -> None:
        self.prefix, self.owner, self.inner = prefix, owner, inner
        self.calls = self.branches = 0


class Names:
    """Gives the names of one attempt's calls."""

    def __init__(self) -> None:
        self._root: Scope | None = None
        self._here: ContextVar[Scope | None] = ContextVar("nbgraph_calls", default=None)
        self._keys: dict[str, int] = {}
        self._lock = threading.Lock()

    def next(self, key: str | None) -> str:
        """Return the name of a call that is issued now, from here."""
        with self._lock:
            return self._numbered() if key is None else self._keyed(key)

    def _keyed(self, key: str) -> str:
        count = self._keys[key] = self._keys.get(key, 0) + 1
        return f"key:{key}" if count == 1 else f"key:{key}#{count}"

    def _numbered(self) -> str:
        scope = self._scope()
        scope.calls += 1
        return f"{scope.prefix}{scope.calls}"

    def _scope(self) -> Scope:
        task, scope = _asyncio_task(), self._here.get() or self._root
        if scope is None:
            scope = self._root = Scope("", task)
        if task is not None and scope.owner is not task:
            scope.branches += 1
            scope = Scope(f"{scope.prefix}a{scope.branches}.", task)
            self._here.set(scope)
        return scope

    def here(self) -> str:
        """Return what the names of calls issued from here begin with."""
        scope = self._here.get()
        return "" if scope is None else scope.prefix

    def inside(self, name: str) -> Inside:
        """Be inside a call, as ``with``: those that are issued there are its own."""
        return Inside(self._here, name)


class Inside:
    """Being inside a call. A class, since every call pays for it."""

    __slots__ = ("_here", "_name", "_token")

    def __init__(self, here: ContextVar[Scope | None], name: str) -> None:
        self._here, self._name = here, name

    def __enter__(self) -> None:
        self._token = self._here.set(Scope(f"{self._name}/", _asyncio_task(), inner=True))

    def __exit__(self, *_: object) -> None:
        self._here.reset(self._token)


def keyed(name: str) -> bool:
    """Say whether a call's name is a key that the node gave it."""
    return name.startswith("key:")


def _asyncio_task() -> Any:
    """Return the asyncio task that runs here, None outside of one; does not import asyncio."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
