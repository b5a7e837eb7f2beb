"""What the local server answers, before it is put into a provider's words.

Owns what a reply may say, and what it costs. Deterministic: the same request and reply give the same answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

from nbgraph.testing.models.asked import Asked
from nbgraph.testing.models.tokens import count_tokens, cut_to, pieces

FINGERPRINT = "local-stand-in-no-model"
"""What answers call the thing that made them."""

CREATED = 1_760_000_000
"""When every answer was made, in seconds since 1970: always the same, so that answers are."""

DATED: Mapping[str, str] = MappingProxyType(
    {
        "gpt-4o": "gpt-4o-2024-08-06",
        "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
        "gpt-4.1": "gpt-4.1-2025-04-14",
        "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
        "o3": "o3-2025-04-16",
        "o4-mini": "o4-mini-2025-04-16",
        "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5": "claude-haiku-4-5-20251001",
        "claude-opus-4-1": "claude-opus-4-1-20250805",
    }
)
"""Names as answered of models that providers answer for with a dated name; others keep the name that was asked for."""


class ToolCall(NamedTuple):
    """A function that the reply wants called: its name, and its arguments by name."""

    name: str
    arguments: Mapping[str, Any] = MappingProxyType({})


class Reply(NamedTuple):
    """What to answer. Only ``text`` is usual; the rest is for tests of tools, caches and reasoning."""

    text: str = ""
    reasoning: str = ""
    """Thoughts: counted as output by all, shown by the providers that show them."""
    tools: tuple[ToolCall, ...] = ()
    cached: int = 0
    """How many of the input's tokens came from the provider's cache."""
    cache_write: int = 0
    """How many of them were written to it."""
    model: str = ""
    """The model's name as answered; "": the dated form of the name that was asked for."""
    tier: str = ""
    """The service tier as answered; "": the provider's ordinary word for it, or none."""


class Answer(NamedTuple):
    """A reply with everything counted. ``input`` includes ``cached`` and ``cache_write``, ``output`` ``reasoning``."""

    id: str
    model: str
    text: str
    thoughts: str
    tools: tuple[ToolCall, ...]
    finish: str
    """"stop", "length" or "tools"."""
    input: int
    cached: int
    cache_write: int
    output: int
    reasoning: int
    tier: str

    @property
    def pieces(self) -> list[str]:
        """The text as a stream sends it."""
        return pieces(self.text)

    def tool_id(self, place: int, prefix: str) -> str:
        """Return the id of a tool call."""
        return f"{prefix}_local_{self.id}_{place}"


def answer_of(asked: Asked, reply: Reply | str) -> Answer:
    """Return the answer to a request, cut to its limit. Caches hold no more than the prompt."""
    reply = Reply(reply) if isinstance(reply, str) else reply
    thoughts, text = _within(asked.max_tokens, reply)
    whole = (thoughts, text) == (reply.reasoning, reply.text)
    called = sum(count_tokens(f"{tool.name} {arguments_of(tool)}") for tool in reply.tools)
    prompt, reasoning = count_tokens(asked.prompt), count_tokens(thoughts)
    cached = min(reply.cached, prompt)
    return Answer(
        id=_id(asked),
        model=reply.model or DATED.get(asked.model, asked.model),
        text=text,
        thoughts=thoughts,
        tools=reply.tools,
        finish="length" if not whole else "tools" if reply.tools else "stop",
        input=prompt,
        cached=cached,
        cache_write=min(reply.cache_write, prompt - cached),
        output=reasoning + count_tokens(text) + called,
        reasoning=reasoning,
        tier=reply.tier,
    )


def _within(tokens: int | None, reply: Reply) -> tuple[str, str]:
    """Return the thoughts and the text that fit into ``tokens``: thoughts come first, as they do with models."""
    if tokens is None:
        return reply.reasoning, reply.text
    thoughts = cut_to(reply.reasoning, tokens)
    return thoughts, cut_to(reply.text, tokens - count_tokens(thoughts))


def _id(asked: Asked) -> str:
    text = json.dumps([asked.wire, asked.model, dict(asked.body)], sort_keys=True, default=str)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def arguments_of(tool: ToolCall) -> str:
    """Return a tool call's arguments as JSON text."""
    return json.dumps(dict(tool.arguments), sort_keys=True)
