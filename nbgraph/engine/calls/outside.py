"""What an attempt's calls, questions and looks at the clock are put to: live, or from a record.

Owns the shape only. ``desk`` is the live one, ``replay.recorded`` the recorded one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from nbgraph.codec import Redaction, Types

if TYPE_CHECKING:
    from asyncio import Future

    from nbgraph.engine.calls.call import Call
    from nbgraph.engine.calls.entry import Used
    from nbgraph.engine.calls.opened import Fly
    from nbgraph.engine.calls.purse import OutOfBudget
    from nbgraph.engine.calls.question import Question
    from nbgraph.store.protocol import CallRecord


class Outside(Protocol):
    """Whatever answers an attempt's calls, questions and looks at the clock: live, or from a record."""

    used: list[int]
    waiting: list[Question]
    refused: OutOfBudget | None
    redact: Redaction
    types: Types

    def now(self) -> float:
        """Return the time in seconds since the Unix epoch."""
        ...

    def call(self, call: Call) -> Any:
        """Return what a call returns; an ``Opened`` where its answer comes in parts."""
        ...

    async def acall(self, call: Call, fly: Fly | None = None) -> Any:
        """Do the same without blocking the loop; ``fly`` keeps the attempt open while a part of an answer is awaited."""
        ...

    def turns(self) -> list[int]:
        """Return in which order the parts of answers came, where ``used`` does not tell."""
        ...

    def finish(self) -> None:
        """Close the answers that the node left open."""
        ...

    async def afinish(self) -> None:
        """Do the same without blocking the loop."""
        ...

    def enter(self, used: Used, *, waits: bool) -> Future[CallRecord] | None:
        """Take an entry of what the node used; what is not kept yet without ``waits`` says when it is."""
        ...

    def answer(self, question: Question) -> Any:
        """Return a person's answer, as plain data."""
        ...

    async def aanswer(self, question: Question) -> Any:
        """Do the same without blocking the loop."""
        ...
