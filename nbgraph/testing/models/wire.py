"""What each provider's words must be able to do, and how a stream of events is framed.

Owns the protocol between the server and the four wires. Knows no provider.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from nbgraph.testing.models.answer import Answer
from nbgraph.testing.models.asked import Asked


class Wire(Protocol):
    """One provider's way to ask and answer over HTTP: a module with these functions."""

    def takes(self, path: str) -> bool:
        """Say whether a POST to ``path`` is for this wire."""
        ...

    def read(self, path: str, query: str, body: Mapping[str, Any]) -> Asked:
        """Return what is asked."""
        ...

    def whole(self, asked: Asked, answer: Answer) -> dict[str, Any]:
        """Return the answer in one piece."""
        ...

    def events(self, asked: Asked, answer: Answer) -> list[bytes]:
        """Return the answer as server-sent events, each ready to be sent."""
        ...

    def broken(self, status: int, message: str) -> bytes:
        """Return the event that tells of an error in the middle of a stream."""
        ...

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return the body of an answer that refuses."""
        ...


def event(data: Any, name: str = "", newline: str = "\n") -> bytes:
    r"""Return one server-sent event; ``data`` is sent as JSON unless it is text.

    >>> event({"a": 1}, name="ping")
    b'event: ping\ndata: {"a":1}\n\n'
    """
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    head = f"event: {name}{newline}" if name else ""
    return f"{head}data: {text}{newline}{newline}".encode()
