"""Usage from answers on the wire: three providers and who speaks like them, streamed and whole, and any other bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise

import pytest
from genai_prices import extract_usage
from genai_prices.data_snapshot import get_snapshot
from hypothesis import example, given
from hypothesis import strategies as st

from nbgraph.clients.events import data_of
from nbgraph.clients.usage import usage_of_answer
from nbgraph.prices.providers import HOSTS
from nbgraph.prices.usage import Usage
from nbgraph.testing.models import Asked, Reply, chat, generate, messages, responses
from nbgraph.testing.models.answer import answer_of

JSON = {"Content-Type": "application/json; charset=utf-8"}
SSE = {"content-type": "text/event-stream"}
CHAT = "http://127.0.0.1:8000/v1/chat/completions"

WIRES = {
    "chat": (chat, "https://api.openai.com/v1/chat/completions", "gpt-4o"),
    "responses": (responses, "https://api.openai.com/v1/responses", "gpt-4o"),
    "messages": (messages, "https://api.anthropic.com/v1/messages?beta=true", "claude-haiku-4-5"),
    "generate": (
        generate,
        "https://generativelanguage.googleapis.com/v1beta/models/g:generateContent",
        "gemini-2.5-pro",
    ),
}
EXPECTED = {
    "chat": Usage("gpt-4o-2024-08-06", 9, 10, 4, 2, 3, "openai", "default"),
    "responses": Usage("gpt-4o-2024-08-06", 9, 10, 4, 2, 3, "openai", "default"),
    "messages": Usage("claude-haiku-4-5-20251001", 9, 10, 4, 2, 3, "anthropic", "standard"),
    "generate": Usage("gemini-2.5-pro", 9, 10, 4, 0, 3, "google"),
}
REPLY = Reply("one two three four, five six", reasoning="hm hm hm", cached=4, cache_write=2)


def asked(wire, **more):
    """Return a request of nine tokens."""
    text = "a b c d e f g h i"
    return Asked(model=WIRES[wire][2], messages=(("user", text),), body={"alt": "sse"}, **more)


def url(wire):
    """Return where a provider answers."""
    return WIRES[wire][1]


@pytest.mark.parametrize("wire", WIRES)
def test_a_whole_answer_tells_what_it_took(wire):
    """Input holds what the cache gave and took, output holds the thoughts, however the provider counts them."""
    body = WIRES[wire][0].whole(asked(wire), answer_of(asked(wire), REPLY))
    assert EXPECTED[wire] == usage_of_answer(url(wire), 200, JSON, body)
    assert EXPECTED[wire] == usage_of_answer(url(wire), 200, JSON, json.dumps(body, indent=1).encode())


@pytest.mark.parametrize("wire", WIRES)
@given(cuts=st.lists(st.integers(0, 2000), max_size=6))
def test_a_stream_tells_the_same_wherever_its_chunks_end(wire, cuts):
    """However the bytes of the events are cut into chunks, they say what the whole answer says."""
    raw = b"".join(WIRES[wire][0].events(asked(wire, stream=True), answer_of(asked(wire), REPLY)))
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    chunks = [raw[start:end] for start, end in pairwise(places)]
    assert EXPECTED[wire] == usage_of_answer(url(wire), 200, SSE, chunks)
    assert EXPECTED[wire] == usage_of_answer(url(wire), 200, SSE, raw.decode())


def test_a_stream_that_is_one_json_array_is_read_too():
    """Google without ``alt=sse`` sends an array in pieces: as bytes, and as the value that it is."""
    request = asked("generate", stream=True)._replace(body={"alt": "json"})
    pieces = generate.events(request, answer_of(request, REPLY))
    path = url("generate").replace(":generateContent", ":streamGenerateContent")
    assert EXPECTED["generate"] == usage_of_answer(path, 200, JSON, pieces)
    assert EXPECTED["generate"] == usage_of_answer(url("generate"), 200, JSON, json.loads(b"".join(pieces)))


def test_a_stream_that_was_cut_tells_what_it_said():
    """Anthropic's first event has the input; what was cut off is not guessed."""
    events = messages.events(asked("messages"), answer_of(asked("messages"), REPLY))
    assert Usage("claude-haiku-4-5-20251001", 9, 1, 4, 2, 0, "anthropic", "standard") == usage_of_answer(
        url("messages"), 200, SSE, events[:4]
    )


@pytest.mark.parametrize(
    ("path", "body", "request_body", "expected"),
    [
        ("/v1/chat/completions", {"choices": []}, {"model": "mine"}, Usage("mine")),
        ("/v1/chat/completions", {"model": "mine", "usage": None}, None, Usage("mine")),
        ("/v1/chat/completions", b"not json", b'{"model":"mine"}', Usage("mine")),
        ("/v1/chat/completions", b"[" * 100_000, b'{"model":"mine"}', Usage("mine")),
        ("/v1/audio/speech", b"\x00\xff", '{"model":"tts"}', Usage("tts")),
        ("/v1/embeddings", {"model": "e", "usage": {"prompt_tokens": 8, "total_tokens": 8}}, None, Usage("e", 8)),
        ("/v1/completions", {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}, {"model": "m"}, Usage("m", 3, 1)),
        ("/v1beta/models/g%40x:embedContent", {"embedding": {}}, None, Usage("g@x")),
        ("/openai/deployments/mine/chat/completions", {"usage": {"prompt_tokens": 3}}, {}, Usage("mine", 3)),
        (
            "/model/amazon.nova/converse",
            {"usage": {"inputTokens": 5, "outputTokens": 2}},
            {},
            Usage("amazon.nova", 5, 2),
        ),
    ],
)
def test_a_model_is_named_by_the_answer_else_the_request_else_the_address(path, body, request_body, expected):
    """An answer without counts still says which model, so that its cost is unknown and not nothing."""
    assert expected == usage_of_answer(f"http://localhost{path}", 200, {}, body, request_body)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/v1/chat/completions", 429, {"error": {}, "model": "m"}),
        ("/v1/models", 200, {"data": []}),
        ("/v1/messages/count_tokens", 200, {"input_tokens": 9, "model": "m"}),
        ("/v1beta/models/m:countTokens", 200, {"totalTokens": 9}),
        ("/v1/responses/resp_1", 200, {"model": "m", "usage": {"input_tokens": 9}}),
        ("/inbox/messages", 200, [{"message": {"text": "hello"}}]),
        ("/inbox/messages", 200, {"usage": "daily", "response": "ok"}),
    ],
)
def test_what_is_no_paid_answer_of_a_model_says_nothing(path, status, body):
    """Errors, lists, counts, old answers looked up again, and services of another kind are no use of a model."""
    assert usage_of_answer(f"http://localhost{path}", status, JSON, body) is None


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        # Groq's last chunk; a server that counts in every chunk; Azure's first chunk, which names no model.
        (
            [{"model": "l", "x_groq": {"id": 1}}, {"x_groq": {"usage": {"prompt_tokens": 4, "completion_tokens": 1}}}],
            (4, 1),
        ),
        ([{"model": "l"}, {"usage": None, "x_groq": {"usage": {"prompt_tokens": 4, "completion_tokens": 1}}}], (4, 1)),
        ([{"model": "l", "usage": {"prompt_tokens": 4, "completion_tokens": n}} for n in (1, 2, 3)], (4, 3)),
        ([{"model": ""}, {"model": "l"}, {"usage": {"prompt_tokens": 4, "completion_tokens": 2}}], (4, 2)),
        ([{"model": "l", "usage": None}, {"usage": {"prompt_tokens": 4, "completion_tokens": 0}}], (4, 0)),
    ],
)
def test_servers_that_speak_like_openai_are_read(chunks, expected):
    """What compatible servers do otherwise is read too: the last word on each count holds."""
    body = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks] + ["data: [DONE]\n\n"]
    assert Usage("l", *expected) == usage_of_answer(CHAT, 200, SSE, body)


@pytest.mark.parametrize("input_tokens", [{}, {"input_tokens": None}, {"input_tokens": 5}])
def test_what_an_event_leaves_out_stands_as_it_was_said_before(input_tokens):
    """Anthropic's last count may tell of the output only: the input is what the first event said."""
    start = {"model": "claude-x", "usage": {"input_tokens": 5, "cache_read_input_tokens": 2, "output_tokens": 1}}
    told = [{"type": "message_start", "message": start}, {"usage": {**input_tokens, "output_tokens": 7}}]
    body = [f"event: x\ndata: {json.dumps(one)}\n\n".encode() for one in told]
    assert Usage("claude-x", 7, 7, 2, provider="anthropic") == usage_of_answer(url("messages"), 200, SSE, body)


def test_events_end_as_the_standard_says():
    """CR, LF and CRLF, comments, names, a mark of byte order, several data lines, JSON lines, and a rest without end."""
    raw = (
        b'\xef\xbb\xbfevent: a\r\ndata: {"one":1}\r\n\r\n: ping\n\ndata:two\rdata: three\r\r{"x":1}\nid: 7\ndata: rest'
    )
    whole = ['{"one":1}', "two\nthree", '{"x":1}', "rest"]
    assert whole == list(data_of([raw]))
    assert whole == list(data_of(raw[n : n + 1] for n in range(len(raw))))


def test_events_come_as_soon_as_they_are_there():
    """An event is told with its own blank line, not with what comes later."""
    seen = data_of(iter([b"data: 1\n\n", b"data: 2\n\n"]))
    assert "1" == next(seen)


@pytest.mark.parametrize(("host", "provider"), HOSTS.items())
def test_hosts_are_called_what_the_price_data_calls_them(host, provider):
    """Every provider that is known by its host is one whose prices can be looked up."""
    name = f"eu.{host}" if host.count(".") == 1 and host != "openrouter.ai" else host
    name = {"eu.amazonaws.com": "bedrock-runtime.eu-west-1.amazonaws.com"}.get(name, name)
    name = {"openai.azure.com": "me.openai.azure.com"}.get(name, name)
    assert provider == get_snapshot().find_provider(None, None, f"https://{name}/v1").id
    assert provider == usage_of_answer(f"https://{name}/v1/chat/completions", 200, {}, {"model": "m"}).provider


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-5", "openai"),
        ("o3", "openai"),
        ("claude-x", "anthropic"),
        ("gemini-3", "google"),
        ("gpt-oss", ""),
        ("l", ""),
    ],
)
def test_a_server_that_nobody_knows_is_named_by_its_model(model, provider):
    """At an unknown host the model's name says whose it is; an open model is nobody's."""
    assert provider == usage_of_answer(CHAT, 200, {}, {"model": model}).provider


counts = st.integers(0, 10**6)


@st.composite
def wholes(draw):
    """Draw (wire, whole answer) with any counts that fit each other."""
    wire = draw(st.sampled_from(sorted(WIRES)))
    answer = answer_of(asked(wire), REPLY)
    read, write, rest, thoughts, text = (draw(counts) for _ in range(5))
    answer = answer._replace(input=read + write + rest, cached=read, cache_write=write)
    answer = answer._replace(output=thoughts + text, reasoning=thoughts)
    return wire, WIRES[wire][0].whole(asked(wire), answer)


@given(wholes())
def test_another_reader_finds_the_same(drawn):
    """``genai-prices`` reads the same counts from the answers that it knows."""
    wire, body = drawn
    flavor = {"chat": "chat", "responses": "responses"}.get(wire, "default")
    ours = usage_of_answer(url(wire), 200, JSON, body)
    if ours.tokens == 0 and wire == "generate":
        return  # Google leaves out counts of zero, and no counts at all are an error there
    theirs = extract_usage(body, provider_id=ours.provider, api_flavor=flavor).usage
    assert (theirs.input_tokens or 0, theirs.output_tokens or 0) == (ours.input, ours.output)
    assert (theirs.cache_read_tokens or 0, theirs.cache_write_tokens or 0) == (ours.cache_read, ours.cache_write)
    assert (theirs.output_reasoning_tokens or 0) == ours.reasoning


words = st.sampled_from(
    ["model", "usage", "usageMetadata", "message", "response", "prompt_tokens", "input_tokens", "output_tokens", "x_groq",
     "promptTokenCount", "prompt_tokens_details", "service_tier", "type", "cached_tokens", "cache_read_input_tokens"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=3), inner, max_size=5),
    max_leaves=20,
)
paths = st.sampled_from(["/v1/chat/completions", "/v1/messages", "/v1/responses", "/models/m:generateContent", "/x"])
bodies = (
    values
    | st.binary()
    | st.lists(st.binary() | st.text())
    | values.map(lambda value: f"data: {json.dumps(value)}\n\n")
)


@given(paths | st.text(), st.integers(), st.dictionaries(st.text(), st.text()), bodies, values | st.binary())
@example("http://[", 200, {}, {}, {})
@example("/v1/messages", 200, {}, b"[" * 100_000, {})
@example("/v1/messages", 200, {}, {"model": "m", "usage": {"input_tokens": 10**30}}, {})
@example("/v1/messages", 200, {}, {"model": "\ud800" + "m" * 10_000}, {})
def test_any_bytes_and_any_json_are_read_without_an_error(url, status, headers, body, request_body):
    """Whatever comes, the answer is a sane usage or None: counts of a size that happens, a name that can be written."""
    found = usage_of_answer(url, status, headers, body, request_body)
    if found is not None:
        json.dumps(found.facts()).encode()
        found.model.encode()
        assert len(found.model) <= 200
        assert all(0 <= value <= 10**16 for value in found if isinstance(value, int))
        assert isinstance(found.facts(), Mapping)
