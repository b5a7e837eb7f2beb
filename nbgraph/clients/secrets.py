"""What of a request must never be kept: which names tell a secret, and texts in which secrets are masked.

Owns the rules. A mask is as long as what it hides, so that lengths, chunks and JSON stay what they were. Pure.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from functools import lru_cache
from json import dumps, loads
from urllib.parse import quote, quote_plus, unquote, unquote_plus

REDACTED = "<redacted>"
"""What stands in the place of a secret in an address or a header."""

_WORDS = frozenset([
    "apikey", "auth", "authentication", "authorization", "cookie", "credential", "credentials", "jwt", "key",
    "passphrase", "passwd", "password", "pwd", "secret", "session", "sessionid", "sig", "signature", "token",
])  # fmt: skip
_HARMLESS = frozenset([
    "idempotency-key", "x-idempotency-key", "page_token", "pagetoken", "nextpagetoken", "next_page_token",
    "next_token", "nexttoken", "continuation_token", "continuationtoken", "sync_token", "synctoken", "surrogate-key",
])  # fmt: skip
_BETWEEN = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_SHORTEST = 8
"""Characters below which a value is not looked for in answers: it would be found where it is no secret."""
_LONG = 16
"""The same for values that are seldom secrets, such as a cookie."""


@lru_cache(maxsize=1000)
def tells(name: str) -> bool:
    """Say whether a header or a parameter of that name looks like a secret.

    >>> [tells(name) for name in ("X-Api-Key", "accessToken", "key", "max_tokens", "pageToken")]
    [True, True, True, False, False]
    """
    if name.lower() in _HARMLESS:
        return False
    return any(word.lower() in _WORDS for word in _BETWEEN.split(name))


class Secrets:
    """The secrets of one request: values that were sent, and the names that hide a value in a body."""

    def __init__(self, keys: frozenset[str] = frozenset()) -> None:
        self._keys = keys
        self._values: dict[bytes, None] = {}

    def covers(self, name: str) -> bool:
        """Say whether a header or a parameter of that name is hidden."""
        return tells(name) or name.lower() in self._keys

    def add(self, value: str, shortest: int = _SHORTEST) -> None:
        """Take in a secret value that is sent, in the forms in which an answer may repeat it."""
        if len(value) >= shortest:
            for form in (value, dumps(value)[1:-1], quote(value, safe=""), quote_plus(value)):
                self._values[form.encode("utf-8", "surrogatepass")] = None

    @property
    def values(self) -> Collection[bytes]:
        """What was taken in so far."""
        return self._values

    # -- parts of a request

    def header(self, name: str, value: str) -> None:
        """Take in a header that is sent."""
        if not self.covers(name):
            return
        if name.lower() == "cookie":
            for pair in value.split(";"):
                self.add(pair.partition("=")[2].strip(), _LONG)
            return
        self.add(value)
        scheme, _, token = value.partition(" ")
        self.add(token)
        if scheme.lower() == "basic":
            self.add(_password(token))

    def query(self, text: str) -> str:
        """Take in the secrets of a query or a form; return it without them.

        >>> Secrets().query("alt=sse&key=AIzaSyD-0123")
        'alt=sse&key=<redacted>'
        """
        return "&".join(map(self._parameter, text.split("&")))

    def _parameter(self, text: str) -> str:
        name, equals, value = text.partition("=")
        if not equals or not self.covers(unquote_plus(name)):
            return text
        self.add(unquote_plus(value))
        return f"{name}={REDACTED}"

    def userinfo(self, text: str) -> None:
        """Take in what stands before the @ of an address."""
        self.add(unquote(text.partition(":")[2]))

    def body(self, content: bytes) -> bytes:
        """Take in the secrets of a body that is sent; return it with them masked."""
        spans = list(_named(self._keys, content))
        for start, end in spans:
            self.add(_plain(content[start:end]))
        return _blanked(content, spans)

    # -- texts

    def masked(self, content: bytes) -> bytes:
        """Return a text of an answer, with what was sent and what stands under secret names masked."""
        return self._without(_blanked(content, _named(self._keys, content)))

    def _without(self, content: bytes) -> bytes:
        for value in self._values:
            if value in content:
                content = content.replace(value, b"*" * len(value))
        return content

    def parts(self, parts: Sequence[bytes]) -> list[bytes]:
        """Return the parts of an answer masked, each as long as it was: a secret may lie across two of them."""
        whole = b"".join(parts)
        masked = self.masked(whole)
        return list(parts) if masked == whole else list(cut(masked, map(len, parts)))

    def text(self, text: str) -> str:
        """Return a text without what was sent."""
        if not self._values:
            return text
        return self._without(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def received(self, name: str, value: str) -> str:
        """Return a header of an answer as it is kept."""
        if self.covers(name):
            return REDACTED
        return self.text(_PARAMETER.sub(self._hidden, value))

    def _hidden(self, found: re.Match[str]) -> str:
        return f"{found[1]}{found[2]}={REDACTED}" if self.covers(unquote_plus(found[2])) else found[0]


_PARAMETER = re.compile(r"([?&#])([^=&#\s]+)=([^&#\s>;,\"]+)")
"""A parameter of an address in a header, such as ``location``."""


def _password(token: str) -> str:
    try:
        return b64decode(token, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _plain(found: bytes) -> str:
    """Return the text in the inside of a JSON string."""
    try:
        return str(loads(b'"' + found + b'"'))
    except ValueError:
        return found.decode("utf-8", "replace")


def cut(whole: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    """Yield parts of these lengths."""
    start = 0
    for length in lengths:
        yield whole[start : start + length]
        start += length


def _blanked(content: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """Return a text with these spans masked; a number stays one."""
    out, last = [], 0
    for start, end in spans:
        hidden = content[start:end]
        number = hidden[:1] in b"-0123456789" and content[start - 1 : start] != b'"'
        out += [content[last:start], re.sub(rb"\d", b"1", hidden) if number and hidden else b"*" * len(hidden)]
        last = end
    return b"".join([*out, content[last:]]) if out else content


@lru_cache(maxsize=16)
def _pattern(keys: frozenset[str]) -> re.Pattern[bytes]:
    """Return what finds a secret name and the beginning of its value, in JSON and in multipart forms."""
    names = b"|".join(re.escape(key.encode()) for key in sorted(keys))
    entry = rb'"(?:' + names + rb')"\s*:\s*(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<number>-?\d[\d.eE+-]*)|(?P<more>[\[{]))'
    field = rb'\bname="(?:' + names + rb')"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n(?P<field>.*?)\r\n--'
    return re.compile(entry + rb"|" + field, re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=16)
def _quoted(keys: frozenset[str]) -> tuple[bytes, ...]:
    return tuple(f'"{key}"'.encode() for key in sorted(keys))


def _may_name(keys: frozenset[str], content: bytes) -> bool:
    """Say whether any secret name is there at all: many times faster than to look where."""
    lowered = content.lower()
    return any(quoted in lowered for quoted in _quoted(keys))


def _named(keys: frozenset[str], content: bytes) -> Iterator[tuple[int, int]]:
    """Yield where values stand under secret names, in order."""
    if not _may_name(keys, content):
        return
    upto = 0
    for found in _pattern(keys).finditer(content):
        if found.start() < upto:
            continue
        if found["more"] is None:
            yield next(found.span(group) for group in ("text", "number", "field") if found[group] is not None)
        else:
            upto = yield from _inside(content, found.start("more"))


_TOKEN = re.compile(rb'"(?P<text>(?:[^"\\]|\\.)*)"(?P<name>\s*:)?|(?P<open>[\[{])|(?P<close>[\]}])', re.DOTALL)


def _inside(content: bytes, start: int) -> Generator[tuple[int, int], None, int]:
    """Yield where texts stand in an array or an object that is a secret as a whole; returns where it ends."""
    depth = 0
    for found in _TOKEN.finditer(content, start):
        depth += (found["open"] is not None) - (found["close"] is not None)
        if found["text"] and found["name"] is None:
            yield found.span("text")
        if not depth:
            return found.end()
    return len(content)
