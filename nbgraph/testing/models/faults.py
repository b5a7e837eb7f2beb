"""What goes wrong, or waits, because a test asked for it.

Owns the rules that are still to be used up, and the gates that hold an answer. Thread-safe. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

from nbgraph.errors import OptionsError
from nbgraph.testing.models.asked import Asked

When = Callable[[Asked], bool] | None


class Failure(NamedTuple):
    """An answer that refuses: its status, its words, the pause in seconds that it asks for.

    ``after``: the stream begins well, and tells of the error after so many events; 0: the answer itself refuses.
    """

    status: int
    message: str
    retry_after: float = 0.0
    after: int = 0


class Cut(NamedTuple):
    """A connection that ends after so many events of the stream; a whole answer ends before it begins."""

    after: int


@dataclass(frozen=True)
class Hold:
    """A gate in an answer: it waits before the event ``after`` (0: before anything) until the gate is opened.

    ``reached()`` waits until an answer stands at the gate; ``open()`` lets it and all later ones through. As a
    context manager it opens at the end of the block, whatever happens in it.
    """

    after: int = 0
    _here: threading.Event = field(default_factory=threading.Event, repr=False)
    _open: threading.Event = field(default_factory=threading.Event, repr=False)

    def reached(self, timeout: float = 10.0) -> bool:
        """Wait until an answer stands at the gate, for ``timeout`` seconds at most; say whether one does."""
        return self._here.wait(timeout)

    def open(self) -> None:
        """Let answers through. May be called again."""
        self._open.set()

    def stand(self) -> None:
        """Stand at the gate until it is open: the server's side."""
        self._here.set()
        self._open.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()


@dataclass
class _Rule:
    what: Failure | Cut | Hold
    left: int
    when: When


class Faults:
    """The rules in the order they were given; a request takes the first of each kind that fits it."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def add(self, what: Failure | Cut | Hold, times: Any, when: When) -> None:
        """Add a rule for the next ``times`` requests of which ``when`` says True."""
        if isinstance(times, bool) or not isinstance(times, int) or times < 1:
            raise OptionsError(
                f"times is {times!r}; it should be a whole number, 1 or more",
                todo="say how many requests shall be hit",
                option="times",
                expected="a whole number, 1 or more",
                actual=times,
            )
        with self._lock:
            self._rules.append(_Rule(what, times, when))

    def failure(self, asked: Asked) -> Failure | None:
        """Use up and return the refusal that meets this request, None for none."""
        found = self._take(Failure, asked)
        return found if isinstance(found, Failure) else None

    def cut(self, asked: Asked) -> Cut | None:
        """Use up and return the cut that meets this request, None for none."""
        found = self._take(Cut, asked)
        return found if isinstance(found, Cut) else None

    def hold(self, asked: Asked) -> Hold | None:
        """Use up and return the gate that meets this request, None for none."""
        found = self._take(Hold, asked)
        return found if isinstance(found, Hold) else None

    def release(self) -> None:
        """Open every gate, also those that no request has met."""
        with self._lock:
            gates = [rule.what for rule in self._rules if isinstance(rule.what, Hold)]
        for gate in gates:
            gate.open()

    def _take(self, kind: type, asked: Asked) -> Failure | Cut | Hold | None:
        with self._lock:
            fits = (rule for rule in self._rules if isinstance(rule.what, kind) and rule.left and _meets(rule, asked))
            rule = next(fits, None)
            if rule is None:
                return None
            rule.left -= 1
            return rule.what


def _meets(rule: _Rule, asked: Asked) -> bool:
    return rule.when is None or bool(rule.when(asked))
