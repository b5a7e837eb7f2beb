"""What a person asked of a live run, and where the run should stop by itself.

Owns the requests that may come from any thread, and breakpoints. Knows tasks and states; no store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, MutableSet
from dataclasses import dataclass
from typing import Any, NamedTuple

from nbgraph.errors import NbgraphError, OptionsError

Break = str | Collection[str] | Callable[[Any], Any] | None
"""Node names, or a predicate on the state."""


class Halt(NamedTuple):
    """Why a run goes no further for now: its status, and the error of a bound that was hit."""

    status: str
    why: str
    error: NbgraphError | None = None


@dataclass(slots=True)
class Requests:
    """Set from any thread, read by the run's own."""

    pause: bool = False
    cancel: bool = False
    stops: frozenset[str] = frozenset()
    """Nodes before which to stop."""


class Stops(MutableSet[str]):
    """The names of the nodes before which a run stops: a set that may be changed from any thread, while the run goes on.

    A name that is no node of the graph raises ``OptionsError``.
    """

    def __init__(self, nodes: Callable[[], Collection[str]]) -> None:
        self._nodes, self._names = nodes, frozenset[str]()
        self._requests: Requests | None = None
        self._lock = threading.Lock()

    def heed(self, requests: Requests) -> None:
        """Let what drives the run now know, and whenever something changes."""
        with self._lock:
            self._requests = requests
            requests.stops = self._names

    def add(self, value: str) -> None:
        """Stop before that node from now on."""
        self._check([value])
        self._change(lambda names: names | {value})

    def put(self, names: Collection[str]) -> None:
        """Stop before these nodes and no others."""
        only = frozenset(names)
        self._check(only - self._names)
        self._change(lambda _: only)

    def _check(self, names: Collection[str]) -> None:
        nodes = self._nodes() if names else ()
        for name in names:
            if name not in nodes:
                raise _unknown("breakpoints", name, nodes)

    def discard(self, value: str) -> None:
        """Do not stop there any more; nothing happens where the run would not have."""
        self._change(lambda names: names - {value})

    def clear(self) -> None:
        """Stop nowhere any more."""
        self._change(lambda _: frozenset())

    def _change(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        with self._lock:
            self._names = change(self._names)
            if self._requests is not None:
                self._requests.stops = self._names

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}"

    @classmethod
    def _from_iterable(cls, names: Any) -> Any:
        return set(names)  # what set operations give is an ordinary set


@dataclass(frozen=True, slots=True)
class Breakpoints:
    """Where to stop: before or after some nodes, when a predicate holds, or after ``quota`` steps."""

    before: Break = None
    after: Break = None
    quota: int | None = None

    def stops_before(self, node: str, state: Callable[[], Any]) -> bool:
        """Say whether to stop before ``node`` runs with that state."""
        return _hit(self.before, node, state)

    def stops_after(self, node: str, state: Callable[[], Any]) -> bool:
        """Say whether to stop after ``node`` left that state."""
        return _hit(self.after, node, state)

    def check(self, nodes: Collection[str]) -> None:
        """Raise ``OptionsError`` for a name that is no node."""
        for side, given in (("before", self.before), ("after", self.after)):
            names = [given] if isinstance(given, str) else [] if given is None or callable(given) else list(given)
            unknown = next((name for name in names if name not in nodes), None)
            if unknown is not None:
                raise _unknown(side, unknown, nodes)


def _unknown(option: str, name: str, nodes: Collection[str]) -> OptionsError:
    return OptionsError(
        f"breakpoint {option}={name!r}: the graph has no such node",
        todo=f"nodes are: {', '.join(nodes)}",
        option=option,
        actual=name,
    )


def _hit(given: Break, node: str, state: Callable[[], Any]) -> bool:
    if given is None:
        return False
    if callable(given):
        return bool(given(state()))
    return node == given if isinstance(given, str) else node in given
