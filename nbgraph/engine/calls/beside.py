"""What an async node does side by side (``asyncio.gather``, a ``TaskGroup``): a question waits for the calls beside it.

Owns when a node with an open question may end: once every branch has asked too, or has nothing under way. So a
call is never cut short by a question beside it, and which questions are open together does not depend on timing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import Future

TURNS = 20
"""Turns of the loop after which a branch that issued nothing is taken to have nothing to issue."""


class Beside:
    """The calls and questions of one attempt that are under way on its loop."""

    def __init__(self) -> None:
        self._under_way: list[str] = []
        self._watchers: list[Future[None]] = []
        self.left = False
        """True once the attempt ends with a question: its branches begin nothing more."""

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        """Be under way with the call ``name``, or with putting a question ("")."""
        if self.left:
            from asyncio import CancelledError  # noqa: PLC0415 - whoever awaits has it loaded

            raise CancelledError("another branch of the node waits for a person")
        self._under_way.append(name)
        try:
            yield
        finally:
            self._under_way.remove(name)
            watchers, self._watchers = self._watchers, []
            for watcher in watchers:
                if not watcher.done():
                    watcher.set_result(None)

    @property
    def busy(self) -> bool:
        """True where more than one call is under way."""
        return len(self._under_way) > 1

    async def settled(self, inside: str) -> None:
        """Wait until nothing is under way but the calls that the question is put ``inside`` of; then leave."""
        from asyncio import get_running_loop, sleep  # noqa: PLC0415 - as above

        turns = 0
        while turns < TURNS and not self.left:
            await sleep(0)
            turns += 1
            if any(not (name and inside.startswith(f"{name}/")) for name in self._under_way):
                turns = 0
                self._watchers.append(ended := get_running_loop().create_future())
                await ended
        self.left = True
