"""What a client asked for, whichever provider's words it used.

Owns the record and the readers that all wires share. Knows nothing of HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request to the local server, without its secrets."""

    provider: str = ""
    """Whose words it uses: "openai", "anthropic" or "google"."""
    wire: str = ""
    """Which of the provider's interfaces: "chat", "responses", "messages" or "generate"."""
    model: str = ""
    """The model's name as asked for."""
    system: str = ""
    """The system prompt."""
    messages: tuple[tuple[str, str], ...] = ()
    """(role, text) of every message, in order."""
    stream: bool = False
    """True where the answer shall come in pieces."""
    max_tokens: int | None = None
    """The limit of the answer; None: no limit."""
    tools: tuple[str, ...] = ()
    """Names of the functions that the model may call."""
    wants_json: bool = False
    """True where the request asks for a JSON answer, by its options or in the system prompt."""
    counts_usage: bool = True
    """False where a stream shall not tell of tokens (OpenAI's chat, unless asked to)."""
    body: Mapping[str, Any] = MappingProxyType({})
    """The request as it came."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Its harmless headers, names in lower case; keys and cookies are not among them."""
    number: int = 0
    """1, 2, 3 ... in order of arrival."""

    @property
    def text(self) -> str:
        """The text of the last message that is not the model's own."""
        own = ("assistant", "model")
        return next((text for role, text in reversed(self.messages) if role not in own), "")

    @property
    def prompt(self) -> str:
        """All that is paid as input: the system prompt and every message."""
        return "\n".join([self.system, *(text for _, text in self.messages)]).strip()


def text_of(content: Any) -> str:
    """Return the text in a message's content: a string, or a list of parts of which those with text count.

    >>> text_of([{"type": "text", "text": "one"}, {"type": "image"}, {"text": "two"}, "three"])
    'one two three'
    """
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return text_of(content.get("text") or content.get("content") or content.get("output") or "")
    return " ".join(filter(None, map(text_of, content))) if isinstance(content, (list, tuple)) else ""


def said(messages: Iterable[Any], key: str = "content") -> tuple[tuple[str, str], ...]:
    """Return (role, text) of the messages of a request."""
    return tuple((str(one.get("role", "user")), text_of(one.get(key))) for one in messages if isinstance(one, Mapping))


def mapping(value: Any) -> Mapping[str, Any]:
    """Return ``value`` if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return ``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def limit(value: Any) -> int | None:
    """Return a limit of tokens, None where ``value`` is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def asks_json(kind: Any, system: str) -> bool:
    """Say whether the option ``kind`` or the system prompt asks for JSON."""
    return "json" in str(kind).lower() or "json" in system.lower()
