"""What models are called: one model answers under several names.

Owns the reading of names: what stands before a model's name, and a date or version after it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_DATED = re.compile(r"(-\d{4}-\d{2}-\d{2}|[-@]\d{8}|-\d{3}|-latest|@default)$")
BEFORE = frozenset(
    ["models", "openai", "azure", "azure_ai", "anthropic", "google", "vertex_ai", "gemini", "openrouter"]
)
"""What a known provider, or who stands between, writes before the name of a model of theirs."""


def names_of(model: str) -> Iterator[str]:
    """Yield the names under which a model's price may stand, the most exact first.

    >>> list(names_of("openai/GPT-4o-2024-08-06"))
    ['openai/GPT-4o-2024-08-06', 'openai/gpt-4o-2024-08-06', 'gpt-4o-2024-08-06', 'gpt-4o']
    """
    low = model.lower()
    tail = low.rpartition("/")[2]
    yield from dict.fromkeys((model, low, tail, undated(tail)))


def undated(name: str) -> str:
    """Return a name without its date or version.

    >>> undated("claude-sonnet-4-5-20250929"), undated("gemini-2.5-flash-001"), undated("gpt-4o-mini")
    ('claude-sonnet-4-5', 'gemini-2.5-flash', 'gpt-4o-mini')
    """
    return _DATED.sub("", name)
