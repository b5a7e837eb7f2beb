"""What a call is expected to use: read from what is asked, in the shapes in which models are asked for something."""

from __future__ import annotations

from json import dumps

import pytest

import nbgraph as ng
from nbgraph.engine.calls.estimate import expected
from tests.engine.spending import row

HELLO = [{"role": "user", "content": "hello"}]
URL = "https://api.example.com/v1/chat/completions"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent?alt=sse"


def http(body, url=URL, method="POST"):
    """Return a request as the recording clients describe it."""
    return {"method": method, "url": url, "headers": {}, "body": body}


def estimate(asked):
    """Return what a call of ``asked`` is expected to use, in tokens; None where it is not taken to use a model."""

    def node(state, ctx):
        ctx.outside("asked", asked, lambda: None)

    try:
        ng.Engine(row(1, node), token_budget=1).run()
    except ng.BudgetError as error:
        return error.estimate
    return None


@pytest.mark.parametrize(
    ("asked", "output"),
    [
        (http({"model": "m", "messages": HELLO, "max_tokens": 50}), 50),
        (http({"model": "m", "messages": HELLO, "max_completion_tokens": 50}), 50),
        (http({"model": "m", "messages": HELLO, "max_tokens": 50, "n": 3}), 150),
        (http({"model": "m", "input": "hello", "max_output_tokens": 50}), 50),
        (http({"contents": HELLO, "generationConfig": {"maxOutputTokens": 50, "candidateCount": 2}}, GOOGLE), 100),
        (http({"messages": HELLO, "max_tokens": 50}, "https://x.openai.azure.com/openai/deployments/m/chat/completions"), 50),
        (http({"model": "m", "messages": HELLO}), 0),
        (http({"model": "m", "messages": HELLO, "max_tokens": True}), 0),
        ({"model": "m", "prompt": "hello", "max_tokens": 50}, 50),
        ({"args": [{"model": "m", "max_tokens": 50}], "kwargs": {}}, 50),
        ({"args": [], "kwargs": {"model": "m", "config": {"max_output_tokens": 50}}}, 50),
        ({"args": [], "kwargs": {"model": "m", "options": {"num_predict": 50}}}, 50),
    ],
)  # fmt: skip
def test_input_is_its_bytes_by_four_and_output_its_limit(asked, output):
    """The body, or all arguments, count with a token for each four bytes; the limit on output in its many names."""
    content = asked.get("body", asked)

    def size(part):
        if isinstance(part, dict):
            return sum(size(name) + size(value) for name, value in part.items())
        return sum(map(size, part)) if isinstance(part, list) else len(str(part))

    assert -(-size(content) // 4) + output == estimate(asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"args": ["hello", 5], "kwargs": {"max_tokens": 5}},
        ["model", "m"],
        "model",
        {"model": 5},
        {"model": ""},
        http(None, "https://api.example.com/v1/models/m", "GET"),
        http({"model": "m", "messages": HELLO}, "https://api.anthropic.com/v1/messages/count_tokens"),
        http({"contents": HELLO}, GOOGLE.replace("generateContent", "countTokens")),
        http({"model": "m", "input": "hello"}, "https://api.openai.com/v1/responses/input_tokens"),
        http({"model": "m", "input": "hello"}, "https://api.openai.com/v1/moderations"),
    ],
)
def test_what_uses_no_model(asked):
    """What names no model, only looks, or counts tokens is made whatever the budget."""
    assert estimate(asked) is None


def test_who_serves_a_model_is_read_from_the_address():
    """The price before a call is of the same provider as the one behind it."""
    asked = http({"model": "m"}, "https://api.groq.com/openai/v1/chat/completions")
    assert ("groq", "") == tuple(expected(dumps({"asked": one})).provider for one in (asked, {"model": "m"}))


@pytest.mark.parametrize(("text", "tokens"), [("a" * 400, 100), ("é" * 400, 200), ("語" * 400, 300), ("😀" * 400, 400)])
def test_other_scripts_count_by_their_bytes(text, tokens):
    """Texts count as UTF-8, as the documentation says."""
    assert tokens == estimate({"model": "m", "text": text}) - estimate({"model": "m", "text": ""})


def test_large_values_count():
    """Bytes that are kept beside the request are part of it."""
    few, many = (estimate({"model": "m", "data": bytes(size)}) for size in (0, 100_000))
    assert many - few >= 25_000 - 100


@pytest.mark.parametrize(
    "picture",
    [
        {"image_url": {"url": "data:image/png;base64," + "iVBORw0K" * 50_000}},
        {"source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K" * 50_000}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K" * 50_000}},
    ],
)
def test_a_picture_counts_as_one(picture):
    """What a picture costs does not follow from the size of its file."""
    assert 2000 <= estimate(http({"model": "m", "messages": [{"content": [picture]}]})) < 2100
