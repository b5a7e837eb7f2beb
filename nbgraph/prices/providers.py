"""What addresses and names say of a model: who serves it, and which requests are free.

Owns both lists. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HOSTS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "googleapis.com": "google",
    "openai.azure.com": "azure",
    "amazonaws.com": "aws",
    "api.cerebras.ai": "cerebras",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.moonshot.ai": "moonshotai",
    "openrouter.ai": "openrouter",
    "api.together.xyz": "together",
    "api.x.ai": "x-ai",
}
"""Whose servers these are, by the end of their name; the provider's names are those of ``genai-prices``."""

_FAMILIES = (
    (re.compile(r"gpt-(?!oss)|chatgpt-|o\d|text-embedding-|codex-|dall-e-"), "openai"),
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"gemini"), "google"),
)
"""Whose models these are, by the beginning of their name: for servers that nobody knows."""

_FREE = re.compile(r"[:/](count_?tokens|input_tokens|moderations)$", re.IGNORECASE)


def provider_of(host: str, model: str) -> str:
    """Return who serves at ``host``; at one that nobody knows, whose model it is; "" where that is not known either.

    >>> provider_of("eu.api.openai.com", "m"), provider_of("localhost", "claude-sonnet-4-5"), provider_of("", "llama")
    ('openai', 'anthropic', '')
    """
    known = (who for end, who in HOSTS.items() if host == end or host.endswith(f".{end}"))
    return next(known, "") or next((who for name, who in _FAMILIES if name.match(model)), "")


def is_free(address: str) -> bool:
    """Say whether what is asked there costs nothing, though it names a model: counting tokens, moderating.

    >>> is_free("POST api.anthropic.com/v1/messages/count_tokens"), is_free("/v1/messages")
    (True, False)
    """
    return _FREE.search(address) is not None
