"""Something that happens once, and whoever waits for it.

Owns one promise that ``threading.Event`` does not give: an interrupt anywhere inside leaves nobody locked out.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock


class Latch:
    """Set once, for good.

    >>> latch = Latch()
    >>> latch.wait(0.0), latch.set(), latch.wait()
    (False, None, True)
    """

    def __init__(self) -> None:
        self._set, self._shut = False, Lock()
        self._shut.acquire()  # opened by ``set``

    def is_set(self) -> bool:
        """Say whether it has happened."""
        return self._set

    def set(self) -> None:
        """Let it have happened; again does nothing."""
        self._set = True
        with suppress(RuntimeError):  # it was open, or one who waits has it just now
            self._shut.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until it has happened, at most ``timeout`` seconds; say whether it has."""
        if not self._set and self._shut.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            with suppress(RuntimeError):
                self._shut.release()
        return self._set
