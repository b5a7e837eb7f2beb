"""A call whose answer comes in parts: what the desk is told of it, and what it hands to the node.

Owns the shapes. Knows nothing of any protocol: a client's ``Form`` says how its answers are put on record.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from nbgraph.prices.usage import Usage


class Answer(Protocol):
    """An answer that is coming in: its ``head`` is there, its parts follow."""

    head: Any

    def parts(self) -> Iterator[bytes]:
        """Yield the parts as they come. Asked for once."""
        ...

    def close(self) -> None:
        """Let go of the connection; may be called more than once."""
        ...


class AsyncAnswer(Protocol):
    """The same, awaited."""

    head: Any

    def parts(self) -> AsyncIterator[bytes]:
        """Yield the parts as they come. Asked for once."""
        ...

    async def close(self) -> None:
        """Let go of the connection; may be called more than once."""
        ...


class Form(Protocol):
    """How the answer to one request is put on record, and read back."""

    def stored(self, head: Any, parts: Sequence[bytes]) -> Any:
        """Return an answer as plain data, without secrets."""
        ...

    def read(self, stored: Any) -> tuple[Any, list[bytes]]:
        """Return head and parts of a stored answer."""
        ...

    def problem(self, head: Any) -> str:
        """Return what kind of failure an answer tells of, "" where it is a good one."""
        ...

    def usage(self, head: Any, parts: Sequence[bytes]) -> Usage | None:
        """Return what an answer says that it used of a model."""
        ...

    def hidden(self, text: str) -> str:
        """Return a text without what the request has of secrets."""
        ...


class Opened(Protocol):
    """An answer that a node reads: live, or from the record."""

    head: Any

    def part(self) -> bytes | None:
        """Return the next part, waiting for it; None at the end. Raises what the connection raises."""
        ...

    async def apart(self) -> bytes | None:
        """Do the same without blocking the loop."""
        ...

    def close(self) -> None:
        """Read no further. Nothing happens where the end was reached."""
        ...

    async def aclose(self) -> None:
        """Do the same without blocking the loop."""
        ...
