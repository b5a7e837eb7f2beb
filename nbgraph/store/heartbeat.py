"""The one thread of a store: it says that its drivers live while they are too busy to commit.

Owns the thread. It is started late (by the first commit of a lease that is no longer young, or by
``keep_alive``) and ends by itself when nothing is held any more.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from nbgraph.errors import StoreError
from nbgraph.store.holders import BEAT

if TYPE_CHECKING:
    from collections.abc import Callable


class Heartbeat:
    """Calls ``beat`` every few seconds until it returns False or ``stop`` is called."""

    def __init__(self, beat: Callable[[], bool]) -> None:
        self._beat = beat
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread unless it runs."""
        with self._lock:
            if self.thread is None and not self._stopped.is_set():
                self.thread = threading.Thread(target=self._go_on, name="nbgraph-heartbeat", daemon=True)
                self.thread.start()

    def stop(self) -> None:
        """Let the thread end, for good."""
        self._stopped.set()

    def _go_on(self) -> None:
        while not self._stopped.wait(BEAT):
            with self._lock:
                if not self._alive():
                    self.thread = None
                    return

    def _alive(self) -> bool:
        try:
            return self._beat()
        except StoreError:  # busy or full: the driver's own commit will say so; the next beat may get through
            return True
