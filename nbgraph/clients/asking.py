"""An HTTP request as a recorded call: what is asked, under which label, without its secrets.

Owns what makes two requests the same: method, address, body and the few headers that change an answer. Pure; knows
no HTTP library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from json import loads
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nbgraph.clients.secrets import Secrets
from nbgraph.codec import MAX_DEPTH, Redaction

HEADERS = frozenset([
    "accept", "accept-language", "anthropic-beta", "anthropic-version", "api-version", "content-type", "openai-beta",
    "openai-organization", "openai-project", "range", "x-amz-target", "x-goog-user-project", "x-http-method-override",
])  # fmt: skip
"""The headers that belong to what is asked: an answer may depend on them. No secrets, no counts, no dates."""


class Sent(NamedTuple):
    """A request as it goes out."""

    method: str
    url: str
    headers: Iterable[tuple[str, str]]
    content: bytes


class Asked(NamedTuple):
    """A request as it is recorded; ``secrets`` are those that it carries."""

    label: str
    asked: dict[str, Any]
    secrets: Secrets


def asked_of(sent: Sent, redact: Redaction) -> Asked:
    """Return what a request asks.

    >>> sent = Sent("POST", "http://h:1/v1/chat?key=sesame", [("X-Api-Key", "k"), ("Accept", "a/b")], b"")
    >>> asked_of(sent, Redaction())[:2]
    ('POST h:1/v1/chat', {'method': 'POST', 'url': 'http://h:1/v1/chat?key=<redacted>', 'headers': {'accept': 'a/b'}, 'body': None})
    """
    secrets = Secrets(redact.keys)
    kept: dict[str, str] = {}
    for name, value in sent.headers:
        secrets.header(name, value)
        if name.lower() in HEADERS:
            kept[name.lower()] = value
    url, label = _address(sent, secrets, redact)
    kind = kept.get("content-type", "")
    body = _body(sent.content, kind, secrets)
    if "boundary=" in kind:
        kept["content-type"] = _BOUNDARY.sub("boundary=parts", kind)
    asked = {"method": sent.method, "url": url, "headers": dict(sorted(kept.items())), "body": body}
    return Asked(label, asked, secrets)


_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?')


def _address(sent: Sent, secrets: Secrets, redact: Redaction) -> tuple[str, str]:
    """Return a request's address without secrets, and its label: what the run's own hook hides is in neither."""
    parts = urlsplit(sent.url)
    userinfo, at, place = parts.netloc.rpartition("@")
    if at:
        secrets.userinfo(userinfo)
    place = _place(place)
    query = secrets.query(parts.query) if parts.query else ""
    url = parts._replace(netloc=place, query=query, fragment="").geturl()
    hidden = redact.hook is not None and redact.hook("$.url", url) != url
    return url, f"{sent.method} {place}" if hidden else f"{sent.method} {place}{parts.path}"


def _place(netloc: str) -> str:
    """Return host and port, without a port of this machine that the system gave out."""
    host, _, port = netloc.rpartition(":")
    passing = _HERE.fullmatch(host) is not None and port.isdecimal() and int(port) >= GIVEN_OUT
    return host if passing else netloc


_HERE = re.compile(r"localhost|127(\.\d+){3}|\[::1\]")
GIVEN_OUT = 32768
"""The first port that systems give out by themselves. A test's or a tutorial's server on this machine has another one each
time it is started, and is the same server; ports below are somebody's choice, and tell servers apart."""


def _body(content: bytes, kind: str, secrets: Secrets) -> Any:
    """Return a body as it is kept: a JSON value, a text, or bytes; its secrets are hidden by name, or masked."""
    if not content:
        return None
    masked = secrets.body(content)
    if "json" in kind:
        try:
            value = loads(content)  # where the record is written, what stands under secret names is hidden
            if content.count(b"[") + content.count(b"{") < _DEEPEST or _levels(value) < _DEEPEST:
                return value
        except (ValueError, RecursionError):
            pass
    found = _BOUNDARY.search(kind)
    if found is not None:  # drawn at random for each request
        masked = masked.replace(found[1].encode(), b"parts")
    try:
        text = masked.decode()
    except UnicodeDecodeError:
        return masked
    return secrets.query(text) if "x-www-form-urlencoded" in kind else text


_DEEPEST = MAX_DEPTH - 10
"""Levels that a body may have as a value; the record around it has some too. A deeper one is kept as its text."""


def _levels(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_levels, inner), default=0)


def lowered(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return headers by name in small letters, the last of each."""
    return {name.lower(): value for name, value in headers}
