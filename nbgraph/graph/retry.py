"""When a failed node is tried again, and after how long.

Owns the policy. Knows no clock and no randomness: the caller supplies both, so that a pause is a
function of the run's seed and the task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from nbgraph.errors import GraphError

On = type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], Any]


@dataclass(frozen=True, slots=True)
class Retry:
    """Try a node up to ``attempts`` times in all; pauses grow from ``wait`` by ``factor`` up to ``cap`` seconds.

    Each pause is shortened by a seeded fraction of up to ``jitter`` (0 to 1). ``on`` says which failures
    are tried again: an exception class, a tuple of them, or a predicate of the exception. Raises
    ``GraphError`` for values that make no sense.

    >>> Retry(attempts=4, wait=1, jitter=0).pause(3, unit=0.0)
    4.0
    """

    attempts: int = 3
    wait: float = 0.5
    factor: float = 2.0
    cap: float = 30.0
    jitter: float = 0.1
    on: On = Exception

    def __post_init__(self) -> None:
        if type(self.attempts) is not int or self.attempts < 1:
            raise _wrong("attempts", "a whole number from 1 on", self.attempts)
        for name, least, most in (("wait", 0, None), ("factor", 1, None), ("cap", 0, None), ("jitter", 0, 1)):
            _check_number(name, getattr(self, name), least, most)
        kinds = self.on if isinstance(self.on, tuple) else (self.on,)
        classes = all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds)
        if not classes and (isinstance(self.on, (tuple, type)) or not callable(self.on)):
            raise _wrong("on", "an exception class, a tuple of them, or a predicate", self.on)

    def retryable(self, exc: BaseException) -> bool:
        """Say whether this failure may be tried again, however many attempts are left."""
        if isinstance(self.on, (type, tuple)):
            return isinstance(exc, self.on)
        return bool(self.on(exc))

    def pause(self, attempt: int, unit: float) -> float:
        """Return the seconds to wait after the failed ``attempt``, which counts from 1.

        ``unit``, in [0, 1), is the caller's seeded random number. Never more than ``cap``.
        """
        try:
            base = min(self.cap, self.wait * float(self.factor) ** (attempt - 1))
        except OverflowError:
            base = self.cap if self.wait else 0.0
        return base * (1.0 - self.jitter * unit)


def _check_number(name: str, value: Any, least: float, most: float | None) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    if not number or value < least or (most is not None and value > most):
        raise _wrong(name, f"a number from {least} {f'to {most}' if most is not None else 'on'}", value)


def _wrong(name: str, expected: str, value: Any) -> GraphError:
    return GraphError(
        f"Retry({name}={value!r}): {name} should be {expected}",
        todo="correct the value; Retry() has sensible defaults",
        expected=expected,
        actual=repr(value),
    )
