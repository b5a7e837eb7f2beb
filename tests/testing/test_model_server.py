"""The local model server: what each provider's words look like on the wire, counted, refused, cut and held."""

from __future__ import annotations

import gc
import http.client
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.testing import Asked, ModelServer, Reply, ToolCall
from nbgraph.testing.models import count_tokens, stand_in
from nbgraph.testing.models.review import RULES, findings
from nbgraph.testing.models.tokens import cut_to, pieces

TEXT = "one two three four five six"


@pytest.fixture
def server():
    """Return a server that says six words after two thoughts, some of the prompt cached."""
    with ModelServer(lambda asked: Reply(TEXT, reasoning="hm hm", cached=3, cache_write=1)) as made:
        yield made


def post(server, path, body, headers=()):
    """Send a request; return (status, headers, body)."""
    line = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    raw = body if isinstance(body, bytes) else json.dumps(body)
    line.request("POST", path, raw, {"x-api-key": "secret", **dict(headers)})
    answer = line.getresponse()
    try:
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        line.close()


def asking(wire, model="m", text="say six words please", **more):
    """Return (path, body) of one prompt of four tokens with a system prompt of one, in a wire's words."""
    user = [{"role": "user", "content": text}]
    if wire == "chat":
        return "/v1/chat/completions", {
            "model": model,
            "messages": [{"role": "system", "content": "brief"}, *user],
            **more,
        }
    if wire == "responses":
        return "/v1/responses", {"model": model, "instructions": "brief", "input": text, **more}
    if wire == "messages":
        return "/v1/messages", {"model": model, "system": "brief", "max_tokens": 99, "messages": user, **more}
    verb = "streamGenerateContent?alt=sse" if more.pop("stream", False) else "generateContent"
    contents, system = [{"role": "user", "parts": [{"text": text}]}], {"parts": [{"text": "brief"}]}
    return f"/v1beta/models/{model}:{verb}", {"contents": contents, "systemInstruction": system, **more}


WIRES = ("chat", "responses", "messages", "generate")


def told(raw):
    """Return the data of a stream's events."""
    lines = raw.decode().replace("\r\n", "\n").split("\n\n")
    data = [line.partition("data: ")[2] for line in lines if "data: " in line]
    return [json.loads(one) for one in data if one != "[DONE]"]


USAGE = {
    "chat": {
        "prompt_tokens": 5,
        "completion_tokens": 8,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2},
    },
    "responses": {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 13,
    },
    "messages": {
        "input_tokens": 1,
        "cache_creation_input_tokens": 1,
        "cache_read_input_tokens": 3,
        "output_tokens": 8,
        "output_tokens_details": {"thinking_tokens": 2},
        "service_tier": "standard",
    },
    "generate": {
        "promptTokenCount": 5,
        "cachedContentTokenCount": 3,
        "candidatesTokenCount": 6,
        "thoughtsTokenCount": 2,
        "totalTokenCount": 13,
    },
}


@pytest.mark.parametrize("wire", WIRES)
def test_an_answer_counts_as_its_provider_counts(server, wire):
    """The same reply: OpenAI counts cached and reasoning tokens in, Anthropic the cached apart, Google the thoughts."""
    status, headers, raw = post(server, *asking(wire))
    answer = json.loads(raw)
    assert (200, USAGE[wire]) == (status, answer.get("usage", answer.get("usageMetadata")))
    assert TEXT in raw.decode()
    assert "no model" in headers["server"]


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_says_the_same_in_pieces(server, wire):
    """Joined, the pieces are the text of the whole answer, and the last word on usage is the same."""
    more = {"stream": True, "stream_options": {"include_usage": True}} if wire == "chat" else {"stream": True}
    status, headers, raw = post(server, *asking(wire, **more))
    events = told(raw)
    assert (200, "text/event-stream") == (status, headers["content-type"])
    text, usage = {
        "chat": lambda: ([e["choices"][0]["delta"].get("content") for e in events[:-1]], events[-1]["usage"]),
        "responses": lambda: ([e.get("delta") for e in events], events[-1]["response"]["usage"]),
        "messages": lambda: ([e.get("delta", {}).get("text") for e in events], events[-2]["usage"]),
        "generate": lambda: (
            [part["text"] for e in events for part in e["candidates"][0]["content"]["parts"]],
            events[-1]["usageMetadata"],
        ),
    }[wire]()
    assert (TEXT, USAGE[wire]) == ("".join(filter(None, text)), usage)


def test_each_stream_is_framed_as_its_provider_frames_it(server):
    """OpenAI ends with [DONE] and counts only when asked, Anthropic names every event, Google ends lines with CRLF."""
    raw = {wire: post(server, *asking(wire, stream=True))[2] for wire in WIRES}
    assert raw["chat"].endswith(b"data: [DONE]\n\n")
    assert b"usage" not in raw["chat"]
    names = [line[7:] for line in raw["messages"].decode().splitlines() if line.startswith("event: ")]
    assert ["message_start", "ping", "content_block_start"] == names[:3]
    assert ["content_block_stop", "message_delta", "message_stop"] == names[-3:]
    assert b'"output_tokens":1' in raw["messages"]
    assert all(event.startswith(b"data: ") for event in raw["generate"].strip().split(b"\r\n\r\n"))


@pytest.mark.parametrize("wire", WIRES)
def test_the_same_request_gets_the_same_bytes(wire):
    """Two servers answer one request with equal bodies, streamed or not: nothing of time or chance is in them."""
    with ModelServer() as one, ModelServer() as other:
        for stream in (True, False):
            assert post(one, *asking(wire, stream=stream))[2] == post(other, *asking(wire, stream=stream))[2]


def test_a_dated_name_answers(server):
    """A model known to be answered for with a date gets it, any other keeps its name; a reply may say another."""
    names = {asked: json.loads(post(server, *asking("chat", asked))[2])["model"] for asked in ("gpt-4o", "mine")}
    assert {"gpt-4o": "gpt-4o-2024-08-06", "mine": "mine"} == names
    with ModelServer(lambda asked: Reply("x", model="else")) as other:
        assert "else" == json.loads(post(other, *asking("generate"))[2])["modelVersion"]


def test_a_limit_cuts_the_answer_and_says_so(server):
    """Thoughts are paid first, then the text up to the limit; the reason for the end is the provider's word for it."""
    chat = json.loads(post(server, *asking("chat", max_tokens=4))[2])
    assert ("one two", "length", 4) == (
        chat["choices"][0]["message"]["content"],
        chat["choices"][0]["finish_reason"],
        chat["usage"]["completion_tokens"],
    )
    assert "max_tokens" == json.loads(post(server, *asking("messages", max_tokens=4))[2])["stop_reason"]
    google = json.loads(post(server, *asking("generate", generationConfig={"maxOutputTokens": 4}))[2])
    assert "MAX_TOKENS" == google["candidates"][0]["finishReason"]


@pytest.mark.parametrize("wire", WIRES)
def test_tools_are_called_in_each_providers_words(wire):
    """A reply with a tool call carries the function's name and its arguments, in one piece and in a stream."""
    with ModelServer(lambda asked: Reply(tools=(ToolCall("weather", {"city": "Oslo"}),))) as server:
        for stream in (False, True):
            raw = post(server, *asking(wire, stream=stream))[2].decode()
            assert "weather" in raw
            assert "Oslo" in raw


ERRORS = {
    "chat": lambda body: (body["error"]["type"], body["error"]["code"]),
    "responses": lambda body: (body["error"]["type"], body["error"]["code"]),
    "messages": lambda body: (body["type"], body["error"]["type"]),
    "generate": lambda body: (body["error"]["status"], body["error"]["code"]),
}


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("chat", ("requests", "rate_limit_exceeded")),
        ("responses", ("requests", "rate_limit_exceeded")),
        ("messages", ("error", "rate_limit_error")),
        ("generate", ("RESOURCE_EXHAUSTED", 429)),
    ],
)
def test_a_refusal_is_in_the_providers_words(server, wire, expected):
    """``fail`` refuses as many requests as it was told, in the provider's form and with the pause that was asked for."""
    server.fail(429, times=2, retry_after=2.0, message="slow down")
    for _ in range(2):
        status, headers, raw = post(server, *asking(wire))
        assert (429, expected) == (status, ERRORS[wire](json.loads(raw)))
        assert ("2000", "2") == (headers["retry-after-ms"], headers["retry-after"])
        assert "slow down" in raw.decode()
    assert 200 == post(server, *asking(wire))[0]


def test_a_refusal_meets_the_requests_it_is_meant_for(server):
    """``when`` picks by what is asked; what is refused counts as asked, not as answered."""
    server.fail(529, times=9, when=lambda asked: asked.model == "busy")
    assert [529, 200, 529] == [post(server, *asking("messages", name))[0] for name in ("busy", "idle", "busy")]
    assert ({"busy": 2, "idle": 1}, {"idle": 1}) == (dict(server.counts), dict(server.answers))


@pytest.mark.parametrize("wire", WIRES)
def test_a_cut_ends_the_connection_in_mid_stream(server, wire):
    """After the events that were allowed the line is dead: the client sees a body that does not end."""
    server.cut(after=2)
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(server, *asking(wire, stream=True))
    assert 2 == caught.value.partial.count(b"data: ")
    assert 200 == post(server, *asking(wire, stream=True))[0]


def test_a_cut_of_a_whole_answer_sends_nothing(server):
    """An answer in one piece is not begun: the connection just ends."""
    server.cut()
    with pytest.raises(http.client.RemoteDisconnected):
        post(server, *asking("chat"))


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_may_tell_of_an_error_after_it_began_well(server, wire):
    """``fail(after=)`` answers with 200, and ends the stream with an error in the provider's words."""
    server.fail(529, after=2, message="too busy")
    status, _, raw = post(server, *asking(wire, stream=True))
    events = told(raw)
    assert (200, 3, True) == (status, len(events), "too busy" in json.dumps(events[-1]))
    assert 0 == server.answers.total()


def test_a_gate_holds_a_stream_between_two_events(server):
    """Up to the gate the events are sent; after it nothing comes until the gate is opened."""
    line = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    with server.hold(after=3) as gate:
        path, body = asking("messages", stream=True)
        line.request("POST", path, json.dumps(body))
        answer = line.getresponse()
        seen = b"".join(answer.readline() for _ in range(9))
        assert gate.reached()
        assert 3 == seen.count(b"event: ")
    assert b"message_stop" in answer.read()
    line.close()


def test_a_gate_before_everything_counts_who_waits(server):
    """Requests that stand at gates are all under way at once: nothing is answered until they are let through."""
    gates = [server.hold() for _ in range(3)]
    with ThreadPoolExecutor(3) as crew:
        asked = [crew.submit(post, server, *asking("chat")) for _ in gates]
        assert all(gate.reached() for gate in gates)
        assert (3, 0) == (len(server.requests), server.answers.total())
        for gate in gates:
            gate.open()
        assert [200] * 3 == [one.result()[0] for one in asked]


def test_closing_ends_whoever_is_still_connected(server):
    """An idle connection and an answer at a gate both end with the server; a new connection is refused."""
    idle = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    path, body = asking("chat")
    idle.request("POST", path, json.dumps(body))
    idle.getresponse().read()
    with ThreadPoolExecutor(1) as crew:
        gate = server.hold()
        held = crew.submit(post, server, path, body)
        assert gate.reached()
        server.close()
        assert isinstance(held.exception(), http.client.RemoteDisconnected)
    assert b"" == idle.sock.recv(1)
    with pytest.raises(ConnectionRefusedError):
        post(server, path, body)
    idle.close()


def test_an_answer_takes_as_long_as_it_was_told_and_no_longer_than_the_server():
    """``latency`` may depend on what is asked; closing the server ends an answer that would take an hour."""
    asked, waiting = [], threading.Semaphore(0)

    def latency(one):
        asked.append(one.model)
        if one.model == "slow":
            waiting.release()
        return 3600.0 if one.model == "slow" else 0.0

    with ThreadPoolExecutor(2) as crew, ModelServer(latency=latency) as server:
        assert [200, 200] == [post(server, *asking("chat", "quick", stream=stream))[0] for stream in (False, True)]
        slow = [crew.submit(post, server, *asking("chat", "slow", stream=stream)) for stream in (False, True)]
        assert all(waiting.acquire(timeout=10) for _ in slow)
        server.close()
        assert all(isinstance(one.exception(), http.client.HTTPException) for one in slow)
    assert (2, {"quick": 2}) == (asked.count("quick"), dict(server.answers))


def test_what_was_asked_is_there_without_the_secrets(server):
    """A request reads the same in all words, numbered as it came; of its headers the harmless ones are kept."""
    for wire in WIRES:
        post(server, *asking(wire), headers={"authorization": "Bearer secret", "user-agent": "me"})
    assert [1, 2, 3, 4] == [asked.number for asked in server.requests]
    assert {("m", "brief", "say six words please")} == {(a.model, a.system, a.text) for a in server.requests}
    assert ["openai", "openai", "anthropic", "google"] == [asked.provider for asked in server.requests]
    assert "me" == server.requests[0].headers["user-agent"]
    assert "secret" not in repr(server.requests)


def test_a_server_with_a_key_refuses_every_other():
    """With ``key`` the right one is taken in each provider's header, and any other is a 401."""
    right = [{"authorization": "Bearer k"}, {"x-api-key": "k"}, {"x-goog-api-key": "k"}]
    with ModelServer(key="k") as server:
        assert [200] * 3 == [post(server, *asking("chat"), headers=one)[0] for one in right]
        assert 200 == post(server, "/v1beta/models/m:generateContent?key=k", asking("generate")[1])[0]
        assert [401] * 4 == [post(server, *asking(wire))[0] for wire in WIRES]
        assert 4 == len(server.requests)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/v1/chat/completions", b"{", 400), ("/v1/messages", b"[]", 400), ("/v1/images", b"{}", 404)],
)
def test_what_it_does_not_understand_it_refuses(server, path, body, status):
    """A body that is no JSON object, or an unknown path, is refused with a reason and no trace of a traceback."""
    got, _, raw = post(server, path, body)
    assert status == got
    assert "error" in json.loads(raw)


def test_a_reply_function_that_raises_is_told_to_the_client():
    """The failure comes back as a 500 that names it, which SDKs are told not to try again."""
    with ModelServer(lambda asked: 1 / 0) as server:
        status, headers, raw = post(server, *asking("chat"))
    assert (500, "false") == (status, headers["x-should-retry"])
    assert "ZeroDivisionError" in raw.decode()


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda server: ModelServer(latency=-1), "latency"),
        (lambda server: server.fail(200), "status"),
        (lambda server: server.cut(times=0), "times"),
    ],
)
def test_a_wrong_option_is_refused(server, make, option):
    """An option that makes no sense raises ``OptionsError`` and names itself."""
    with pytest.raises(ng.OptionsError) as caught:
        make(server)
    assert option == caught.value.option


CODE = """
def area(a, b=[]):
    try:
        return a * b  # TODO units
    except:
        return None
        print("never")
"""


def test_the_default_answer_reviews_code_by_rules():
    """Code in the prompt gets a review in which names differ in what they look at, and which says what it is."""
    said = {
        name: stand_in(Asked(model=name, messages=(("user", CODE),))).text for name in ("gpt-4o", "claude-x", "other")
    }
    assert 3 == len(set(said.values()))
    assert all("no model" in text for text in said.values())
    assert {"bare-except", "mutable-default"} <= {line.rpartition("(")[2][:-1] for line in said["gpt-4o"].splitlines()}
    quick = json.loads(stand_in(Asked(model="haiku", wants_json=True, messages=(("user", CODE),))).text)
    assert ["high"] * 3 == [one["severity"] for one in quick["findings"]]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("try: x()\nexcept: pass", "bare-except"),
        ("try: x()\nexcept Exception: pass", "swallowed"),
        ("def _f(a={}): pass", "mutable-default"),
        ("eval('1')", "eval"),
        ("def _f():\n    return 1\n    print()", "unreachable"),
        ("x == None", "none"),
        ("def _f():\n    global a\n    a = 1", "global"),
        ("def _f():\n" + "    x = 1\n" * 41, "long"),
        ("def _f():\n for a in b:\n  if a:\n   while a:\n    with a: pass", "deep"),
        ("def _f(a, b, c, d, e, f): pass", "parameters"),
        ("def f(): pass", "docstring"),
        ("x = 1  # FIXME soon", "todo"),
    ],
)
def test_each_rule_finds_what_it_is_named_after(code, rule):
    """Every rule has code that only it minds."""
    assert [rule] == [one.rule for one in findings(code)]
    assert rule in (*RULES, "todo")


@given(st.text(), st.integers(0, 9), st.integers(1, 9))
def test_pieces_are_the_text_and_a_cut_is_its_beginning(text, tokens, size):
    """A stream's pieces joined are the text; a cut text has at most as many tokens as allowed, and all if allowed."""
    assert text == "".join(pieces(text, size))
    cut = cut_to(text, tokens)
    assert text.startswith(cut)
    assert min(tokens, count_tokens(text)) == count_tokens(cut)


def test_reviews_that_are_written_at_once_all_come():
    """Python 3.11 cannot always build two syntax trees at once, mostly where garbage is collected meanwhile."""
    code = "def f(a, b=[]):\n    return {a: [b, (a, b)]}\n" * 300
    callbacks, threshold, interval = gc.callbacks[:], gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(lambda *_: sum(range(50)))
    gc.set_threshold(50)
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = {len(one) for one in pool.map(findings, [code] * 6)}
    finally:
        gc.callbacks[:] = callbacks
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert {600} == found
