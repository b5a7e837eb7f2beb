"""What a call used of a model: tokens, in one form, whatever client told them.

Owns the form, its stored facts, and the reading of the usual clients' answers. Pure; knows no price and no call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Usage(NamedTuple):
    """Tokens of one call, or of several added up.

    >>> Usage("gpt-4o", input=12, output=3).facts()
    {'model': 'gpt-4o', 'input_tokens': 12, 'output_tokens': 3}
    """

    model: str = ""
    """As it was answered."""
    input: int = 0
    """All input tokens; ``cache_read``, ``cache_write`` and ``input_audio`` are parts of them."""
    output: int = 0
    """All output tokens; ``reasoning`` and ``output_audio`` are parts of them."""
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    provider: str = ""
    """"openai", "anthropic", "google", ...; "" where nobody says."""
    tier: str = ""
    """The service tier, where the answer says one."""
    cache_write_1h: int = 0
    """The part of ``cache_write`` that is kept for an hour, at a price of its own."""
    input_audio: int = 0
    output_audio: int = 0

    def facts(self) -> dict[str, Any]:
        """Return the stored form: what is zero or empty is left out."""
        return {_FACTS[name]: value for name, value in zip(self._fields, self, strict=True) if value}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Usage:
        """Return what stored facts say. The reverse of ``facts``; what is no number of tokens counts as 0."""
        return cls(**{_NAMES[key]: _fact(value, _NAMES[key]) for key, value in facts.items() if key in _NAMES})

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input + self.output


_MOST = 10**15
"""No call uses as many tokens; a file that says so says nothing."""
_TEXTS = ("model", "provider", "tier")
_FACTS = {name: name if name in _TEXTS else f"{name}_tokens" for name in Usage._fields}
_NAMES = {key: name for name, key in _FACTS.items()}


def _fact(value: Any, name: str) -> Any:
    if name in _TEXTS:
        return value if isinstance(value, str) else ""
    return _count(value) or 0


def _count(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():  # Cohere's client says 12.0
        value = int(value)
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST
    return value if counts else None


def usage_of(facts: Mapping[str, Any]) -> Usage | None:
    """Return what a call used, from the stored form or from what a client answered; None if it tells no tokens.

    Reads a whole response or its usage part: OpenAI (chat and responses) and who speaks like it, Anthropic,
    Google, Bedrock, LiteLLM, LangChain, Ollama, Cohere. Where a client counts cached input beside the input, it is added.

    >>> usage_of({"model": "m", "usage": {"input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 7}})
    Usage(model='m', input=95, output=7, cache_read=90, ...)
    """
    for whole, part in _parts(facts):
        told = _told(part)
        if told is not None:
            return told._replace(
                model=told.model or _text(whole, "model", "modelVersion", "model_version"),
                provider=told.provider or _text(whole, "provider"),
                tier=(told.tier or _text(whole, "tier", "service_tier", "serviceTier")).lower(),
            )
    return None


def _parts(facts: Mapping[str, Any]) -> Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield where usage may stand, with what names the model: itself, or a part of a whole response."""
    for name in ("usage", "usageMetadata", "usage_metadata"):
        part = facts.get(name)
        if isinstance(part, Mapping):
            yield facts, part
    yield facts, facts


def _told(part: Mapping[str, Any]) -> Usage | None:
    part = part["tokens"] if isinstance(part.get("tokens"), Mapping) else part
    given, out = _first(part, _INPUT), _first(part, _OUTPUT)
    if (given is None and out is None) or _says(part, _INPUT, given) or _says(part, _OUTPUT, out):
        return None
    read, write = _first(part, _CACHE_READ) or 0, _first(part, _CACHE_WRITE) or 0
    beside = any(name in part for name in _BESIDE) and not any(name in part for name in _WITHIN)
    beside = beside or read + write > (given or 0)
    thoughts = _first(part, _THOUGHTS) or 0
    return Usage(
        model=_text(part, "model"),
        input=(given or 0) + (_first(part, _TOOL_INPUT) or 0) + (read + write if beside else 0),
        output=(out or 0) + thoughts,
        cache_read=read,
        cache_write=write,
        reasoning=_first(part, _REASONING) or thoughts,
        provider=_text(part, "provider"),
        tier=_text(part, "tier", "service_tier", "serviceTier"),
        cache_write_1h=_first(part, _CACHE_WRITE_1H) or 0,
        input_audio=_first(part, _INPUT_AUDIO) or _audio(part, "promptTokensDetails", "prompt_tokens_details"),
        output_audio=_first(part, _OUTPUT_AUDIO)
        or _audio(part, "candidatesTokensDetails", "candidates_tokens_details"),
    )


_Places = tuple[tuple[str, ...], ...]

_INPUT: _Places = (
    ("input_tokens",), ("prompt_tokens",), ("promptTokenCount",), ("prompt_token_count",), ("inputTokens",),
    ("prompt_eval_count",), ("input",),
)  # fmt: skip
_OUTPUT: _Places = (
    ("output_tokens",), ("completion_tokens",), ("candidatesTokenCount",), ("candidates_token_count",),
    ("outputTokens",), ("eval_count",), ("output",),
)  # fmt: skip
_CACHE_READ: _Places = (
    ("cache_read_tokens",), ("cache_read_input_tokens",), ("prompt_tokens_details", "cached_tokens"),
    ("input_tokens_details", "cached_tokens"), ("input_token_details", "cache_read"), ("cachedContentTokenCount",),
    ("cached_content_token_count",), ("cacheReadInputTokens",), ("prompt_cache_hit_tokens",), ("cached_tokens",),
)  # fmt: skip
_CACHE_WRITE: _Places = (
    ("cache_write_tokens",), ("cache_creation_input_tokens",), ("input_token_details", "cache_creation"),
    ("cacheWriteInputTokens",), ("prompt_tokens_details", "cache_write_tokens"),
    ("input_tokens_details", "cache_write_tokens"),
)  # fmt: skip
_CACHE_WRITE_1H: _Places = (("cache_write_1h_tokens",), ("cache_creation", "ephemeral_1h_input_tokens"))
_REASONING: _Places = (
    ("reasoning_tokens",), ("completion_tokens_details", "reasoning_tokens"),
    ("output_tokens_details", "reasoning_tokens"), ("output_tokens_details", "thinking_tokens"),
    ("output_token_details", "reasoning"),
)  # fmt: skip
_THOUGHTS: _Places = (("thoughtsTokenCount",), ("thoughts_token_count",))
"""Google counts them beside the output."""
_TOOL_INPUT: _Places = (("toolUsePromptTokenCount",), ("tool_use_prompt_token_count",))
_INPUT_AUDIO: _Places = (
    ("input_audio_tokens",), ("prompt_tokens_details", "audio_tokens"), ("input_token_details", "audio"),
)  # fmt: skip
_OUTPUT_AUDIO: _Places = (
    ("output_audio_tokens",), ("completion_tokens_details", "audio_tokens"), ("output_token_details", "audio"),
)  # fmt: skip
_BESIDE = ("cache_read_input_tokens", "cache_creation_input_tokens", "cacheReadInputTokens", "cacheWriteInputTokens")
"""Who says these (Anthropic, Bedrock) counts cached input beside the input ..."""
_WITHIN = ("prompt_tokens",)
"""... but LiteLLM, which repeats them beside OpenAI's names, does not."""


def _first(part: Mapping[str, Any], places: _Places) -> int | None:
    for place in places:
        found: Any = part
        for name in place:
            found = found.get(name) if isinstance(found, Mapping) else None
        if (count := _count(found)) is not None:
            return count
    return None


def _says(part: Mapping[str, Any], places: _Places, count: int | None) -> bool:
    """Say whether something stands in the place of a count that is none: half of what was used would be too cheap."""
    return count is None and any(part.get(place[0]) is not None for place in places)


def _audio(part: Mapping[str, Any], *names: str) -> int:
    """Return the audio tokens of Google's list of modalities."""
    details: list[Any] = next((part[name] for name in names if isinstance(part.get(name), list)), [])
    told = (one for one in details if isinstance(one, Mapping) and one.get("modality") == "AUDIO")
    return sum(_first(one, (("tokenCount",), ("token_count",))) or 0 for one in told)


def _text(facts: Mapping[str, Any], *names: str) -> str:
    return next((facts[name] for name in names if isinstance(facts.get(name), str)), "")
