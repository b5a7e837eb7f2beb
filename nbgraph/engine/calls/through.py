"""How an error of ours gets through code between the recorder and the node that catches every ``Exception``.

Owns the carrier. SDKs of model providers retry or wrap what their HTTP client raises; what the recorder has to
say is no failure of the network, so it travels as a ``BaseException`` and is unpacked where the node ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Through(BaseException):
    """Carries ``error`` to the end of the node."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.error = error


@contextmanager
def carrying(*kinds: type[Exception]) -> Iterator[None]:
    """Let errors of these kinds out as carried ones."""
    try:
        yield
    except kinds as error:
        raise Through(error) from error


def carried(raised: BaseException) -> BaseException:
    """Return the error that is carried by ``raised`` or, as a ``TaskGroup`` ends, by one inside it; else itself.

    >>> carried(BaseExceptionGroup("", [Through(KeyError("k")), ValueError()]))
    KeyError('k')
    """
    found = _within(raised)
    return raised if found is None else found.error


@contextmanager
def unpacked() -> Iterator[None]:
    """Let what is carried out as itself."""
    try:
        yield
    except BaseException as raised:
        error = carried(raised)
        if error is raised:
            raise
        raise error from raised.__cause__


def _within(raised: BaseException) -> Through | None:
    if isinstance(raised, Through):
        return raised
    inner = raised.exceptions if isinstance(raised, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := _within(one)) is not None), None)
