"""An HTTP answer on record: status, headers, and the body in the parts in which it was read.

Owns both directions. Texts are kept as texts, so that the file can be read; the bytes that a node reads from the
record are those that it read then. Knows no HTTP library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.clients.asking import Asked, lowered
from nbgraph.codec import BLOB_BYTES

if TYPE_CHECKING:
    from nbgraph.prices.usage import Usage

BAD = 400
"""The first status that tells of a failure."""
_NEVER = frozenset(["set-cookie", "set-cookie2"])


class Head(NamedTuple):
    """What comes before a body. ``headers`` in their order, as often as they came; the body is decoded already."""

    status: int
    headers: list[tuple[str, str]]
    version: str = "HTTP/1.1"
    reason: str = ""


class HttpForm:
    """How the answer to one request is kept."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._secrets = asked.asked, asked.secrets

    def stored(self, head: Head, parts: Sequence[bytes]) -> dict[str, Any]:
        """Return an answer as plain data; cookies are left out, secrets that were sent are masked."""
        secrets = self._secrets
        headers = [[name, secrets.received(name, value)] for name, value in head.headers if name.lower() not in _NEVER]
        kept = [_readable(part) for part in secrets.parts(parts)]
        body = {"chunks": kept} if len(kept) > 1 else {"body": kept[0] if kept else ""}
        return {"status": head.status, "version": head.version, "reason": head.reason, "headers": headers, **body}

    def read(self, stored: Mapping[str, Any]) -> tuple[Head, list[bytes]]:
        """Return head and parts of a stored answer."""
        headers = [(str(name), str(value)) for name, value in stored["headers"]]
        head = Head(stored["status"], headers, stored["version"], stored["reason"])
        chunks = stored["chunks"] if "chunks" in stored else [stored["body"]] if stored["body"] else []
        return head, [_bytes(chunk) for chunk in chunks]

    def problem(self, head: Head) -> str:
        """Return the status line of a failure: asked again after a failed attempt, whatever the node made of it."""
        return f"HTTP {head.status} {head.reason or _phrase(head.status)}".rstrip() if head.status >= BAD else ""

    def usage(self, head: Head, parts: Sequence[bytes]) -> Usage | None:
        """Return what a model's answer says that it used, None for any other answer."""
        if head.status >= BAD or not parts:
            return None
        from nbgraph.clients.usage import usage_of_answer  # noqa: PLC0415 - only where something was answered

        asked = self._asked
        return usage_of_answer(asked["url"], head.status, lowered(head.headers), parts, asked["body"])

    def hidden(self, text: str) -> str:
        """Return an exception's text without what the request has of secrets."""
        return self._secrets.text(text)


def _readable(part: bytes) -> str | bytes:
    """Return a part as a text where it is one; what is large is kept beside the record, as bytes."""
    if len(part) >= BLOB_BYTES:
        return part
    try:
        return part.decode()
    except UnicodeDecodeError:
        return part


def _bytes(chunk: Any) -> bytes:
    """Return a part's bytes; where the run's own redaction took it, what stands for it."""
    return chunk if isinstance(chunk, bytes) else str(chunk).encode("utf-8", "surrogatepass")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
