"""Calls of an attempt that are under way on its loop: none is left behind when the node ends.

Owns who is under way, and what kept one of them from being kept. Knows nothing of what they are.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Future


class Flights:
    """What one attempt has under way. Used on the attempt's loop only."""

    def __init__(self) -> None:
        self._flying: set[Future[Any]] = set()
        self._lost: BaseException | None = None

    async def through(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Await a call; it is under way until then."""
        from asyncio import get_running_loop  # noqa: PLC0415 - whoever awaits has it loaded

        flight = get_running_loop().create_future()
        self._flying.add(flight)
        try:
            return await call
        finally:
            self._flying.discard(flight)
            flight.cancel()

    def add(self, flight: Future[Any]) -> None:
        """Have something under way that nobody awaits."""
        self._flying.add(flight)
        flight.add_done_callback(self._landed)

    def _landed(self, flight: Future[Any]) -> None:
        self._flying.discard(flight)
        if not flight.cancelled() and (error := flight.exception()) is not None:
            self._lost = self._lost or error

    async def land(self) -> None:
        """Wait until nothing is under way any more, or the attempt is cancelled."""
        if self._flying:
            from asyncio import CancelledError, wait  # noqa: PLC0415 - as above

            with suppress(CancelledError):
                while self._flying:
                    await wait(set(self._flying))

    def check(self) -> None:
        """Raise what went wrong with something that nobody awaited."""
        if self._lost is not None:
            raise self._lost


def on_loop() -> bool:
    """Say whether this thread runs a loop that must not be kept waiting."""
    from asyncio import get_running_loop  # noqa: PLC0415 - whoever is async has it loaded

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
