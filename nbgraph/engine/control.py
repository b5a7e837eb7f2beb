"""What a person asked of a live run, and where the run should stop by itself.

Owns the requests that may come from any thread, and breakpoints. Knows tasks and states; no store.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
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
                raise OptionsError(
                    f"breakpoint {side}={unknown!r}: the graph has no such node",
                    todo=f"nodes are: {', '.join(nodes)}",
                    option=side,
                    actual=unknown,
                )


def _hit(given: Break, node: str, state: Callable[[], Any]) -> bool:
    if given is None:
        return False
    if callable(given):
        return bool(given(state()))
    return node == given if isinstance(given, str) else node in given
