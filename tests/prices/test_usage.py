"""What a call used: one form, read from whatever client told it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgraph.prices import Usage, usage_of

CHAT = {
    "model": "gpt-4o-2024-08-06", "service_tier": "default",
    "usage": {
        "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 5},
    },
}  # fmt: skip
RESPONSES = {
    "model": "gpt-5", "usage": {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 5},
    },
}  # fmt: skip
ANTHROPIC = {
    "model": "claude-sonnet-4-5-20250929", "usage": {
        "input_tokens": 10, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 26, "output_tokens": 20,
        "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 20}, "service_tier": "standard",
    },
}  # fmt: skip
GOOGLE = {
    "modelVersion": "gemini-2.5-flash", "usageMetadata": {
        "promptTokenCount": 100, "cachedContentTokenCount": 64, "candidatesTokenCount": 15, "thoughtsTokenCount": 5,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 97}, {"modality": "AUDIO", "tokenCount": 3}],
    },
}  # fmt: skip
GENAI = {
    "model_version": "gemini-2.5-flash",
    "usage_metadata": {"prompt_token_count": 100, "candidates_token_count": 15, "thoughts_token_count": 5},
}
BEDROCK = {"usage": {"inputTokens": 10, "outputTokens": 20, "cacheReadInputTokens": 64, "cacheWriteInputTokens": 26}}
LITELLM = {
    "model": "claude-sonnet-4-5", "usage": {
        "prompt_tokens": 100, "completion_tokens": 20, "cache_read_input_tokens": 64, "cache_creation_input_tokens": 26,
    },
}  # fmt: skip
LANGCHAIN = {"input_tokens": 100, "output_tokens": 20, "input_token_details": {"cache_read": 64}}
STORED = {"model": "m", "input_tokens": 100, "output_tokens": 20, "cache_read_tokens": 64, "provider": "own"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (CHAT, Usage("gpt-4o-2024-08-06", 100, 20, 64, 0, 5, tier="default", input_audio=3)),
        (RESPONSES, Usage("gpt-5", 100, 20, 64, 0, 5)),
        (ANTHROPIC, Usage("claude-sonnet-4-5-20250929", 100, 20, 64, 26, tier="standard", cache_write_1h=20)),
        (GOOGLE, Usage("gemini-2.5-flash", 100, 20, 64, 0, 5, input_audio=3)),
        (GENAI, Usage("gemini-2.5-flash", 100, 20, 0, 0, 5)),
        (BEDROCK, Usage("", 100, 20, 64, 26)),
        (LITELLM, Usage("claude-sonnet-4-5", 100, 20, 64, 26)),
        (LANGCHAIN, Usage("", 100, 20, 64)),
        (STORED, Usage("m", 100, 20, 64, provider="own")),
        ({"prompt_eval_count": 100, "eval_count": 20, "model": "llama3"}, Usage("llama3", 100, 20)),
        ({"usage": {"tokens": {"input_tokens": 100, "output_tokens": 20}}}, Usage("", 100, 20)),
        ({"usage": {"tokens": {"input_tokens": 100.0, "output_tokens": 20.0}}}, Usage("", 100, 20)),
        ({"usage": {"prompt_tokens": 100, "completion_tokens": None}}, Usage("", 100, 0)),
        ({"prompt_tokens": 100, "completion_tokens": 0}, Usage("", 100, 0)),
    ],
)
def test_each_clients_answer_is_read(told: dict[str, Any], expected: Usage):
    """Cached input is a part of the input and reasoning of the output, wherever a client counts them."""
    assert expected == usage_of(told)


@pytest.mark.parametrize(
    "told",
    [
        {}, {"model": "gpt-4o"}, {"usage": None}, {"usage": {"input_tokens": "many"}}, {"usage": {"input_tokens": -1}},
        {"usage": {"output_tokens": True}}, {"usage": {"input_tokens": 1.5}}, {"input_tokens": 10**15},
        {"usageMetadata": {"promptTokensDetails": 7}}, {"usage": {"prompt_tokens": {"a": 1}}},
        {"input_tokens": -1, "output_tokens": 3}, {"prompt_tokens": 3, "completion_tokens": "4"},
        {"input_tokens": float("inf"), "output_tokens": 3}, {"input_tokens": 10**40, "output_tokens": 3},
    ],
)  # fmt: skip
def test_what_tells_no_tokens_is_no_usage(told: dict[str, Any]):
    """A count is a whole number of 0 or more; an answer without one, or with another thing beside it, tells nothing."""
    assert usage_of(told) is None


counts = st.integers(0, 10**9)
usages = st.builds(
    Usage, st.text(), counts, counts, counts, counts, counts, st.text(), st.text(), counts, counts, counts
)


@given(usages)
def test_the_stored_form_says_all(usage: Usage):
    """Facts lead back to the usage, and leave out what is nothing."""
    assert usage == Usage.of(usage.facts())
    assert all(usage.facts().values())


names = st.sampled_from(["usage", "input_tokens", "prompt_tokens_details", "cached_tokens", "tokens", "modality"])
plain = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(names, inner)))
def test_any_answer_is_borne(told: Any):
    """Whatever an answer holds, reading it raises nothing."""
    found = usage_of({"usage": told, "usageMetadata": told, "input_tokens": told})
    assert found is None or min(found.input, found.output, found.cache_read) >= 0
