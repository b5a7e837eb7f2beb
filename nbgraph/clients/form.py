"""An HTTP answer on record: status, headers, and the body in the parts in which it was read.

Owns both directions. Texts are kept as texts, so that the file can be read; the bytes that a node reads from the
record are those that it read then. Knows no HTTP library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.clients.asking import Asked, lowered
from nbgraph.clients.secrets import cut
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
        return {
            "status": head.status, "version": head.version, "reason": head.reason, "headers": headers,
            **_body(secrets.parts(parts)),
        }  # fmt: skip

    def read(self, stored: Mapping[str, Any]) -> tuple[Head, list[bytes]]:
        """Return head and parts of a stored answer."""
        headers = [(str(name), str(value)) for name, value in stored["headers"]]
        head = Head(stored["status"], headers, stored["version"], stored["reason"])
        if "chunks" in stored:
            return head, [_bytes(chunk) for chunk in stored["chunks"]]
        body = _bytes(stored["body"])
        return head, list(cut(body, stored["cuts"])) if "cuts" in stored else [body] if body else []

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


def _body(parts: Sequence[bytes]) -> dict[str, Any]:
    """Return a body as it is kept: what is large is one value, kept beside the record, and where it is to be cut."""
    if sum(map(len, parts)) >= BLOB_BYTES:
        cuts = {"cuts": [len(part) for part in parts]} if len(parts) > 1 else {}
        return {"body": b"".join(parts), **cuts}
    kept = [_readable(part) for part in parts]
    return {"chunks": kept} if len(kept) > 1 else {"body": kept[0] if kept else ""}


def _readable(part: bytes) -> str | bytes:
    """Return a part as a text where it is one."""
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
