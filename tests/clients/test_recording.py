"""Requests of a node are recorded: made once, served from the record, and outside of a run nothing of it happens."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

import nbgraph as ng
from nbgraph.clients.asking import Sent, asked_of
from nbgraph.codec import Redaction
from tests.clients.serving import Exchange, Service, says
from tests.clients.talk import LIBRARIES, client, engine_of, facts, heard, lines, phases

both = pytest.mark.parametrize("library", LIBRARIES)


def whole(response: Any) -> list[Any]:
    """Return all that a node can see of an answer."""
    headers = [[name, value] for name, value in response.headers.multi_items()]
    return [response.status_code, headers, response.content, response.reason_phrase, response.http_version]


@both
def test_a_request_is_made_once_and_replayed_without_its_server(library: str):
    """A recorded answer is the same to the byte when nobody is there to give it."""
    with client(library) as http:
        with Service(says(b'{"n": [1,  2]}', content_type="application/json")) as service:
            engine = engine_of(lambda ctx: whole(http.post(f"{service.url}/a?b=c", json={"x": 1})))
            run = engine.run({}, run_id="r")
        assert heard(run)[0] == 200
        assert heard(run)[2] == b'{"n": [1,  2]}'
        assert engine.replay("r").ok
        assert len(service.requests) == 1


@pytest.mark.parametrize("free", ["messages/count_tokens", "responses/input_tokens", "moderations"])
def test_a_free_request_that_names_a_model_costs_nothing(free: str):
    """It is made whatever the budget, and its cost is none, not unknown; an embedding beside it has its price."""
    tells = b'{"model": "text-embedding-3-small", "usage": {"prompt_tokens": 8, "total_tokens": 8}}'
    with Service(says(tells, content_type="application/json")) as service, client() as http:

        def work(ctx: ng.Context) -> int:
            http.post(f"{service.url}/v1/{free}", json={"model": "nobodys-model", "input": "hello"})
            return http.post(f"{service.url}/v1/embeddings", json={"model": "text-embedding-3-small"}).status_code

        engine = engine_of(work)
        run = engine.run({}, run_id="r", cost_budget=1)
    assert [("none", 0), ("genai-prices", 8)] == [
        (source.split()[0], tokens) for source, tokens in zip(run.costs.source, run.costs.input, strict=True)
    ]


@both
def test_an_async_request_is_made_once_and_replayed_without_its_server(library: str):
    """Async clients keep the same promise."""
    http = ng.arecording_client(library=library)
    with Service(says(b"hello", x_more="1")) as service:

        async def work(ctx: ng.Context) -> Any:
            return whole(await http.get(service.url))

        engine = engine_of(work)
        run = engine.run({}, run_id="r")
    assert heard(run)[2] == b"hello"
    assert engine.replay("r").ok
    assert len(service.requests) == 1


def test_one_async_client_serves_many_runs():
    """A client that the notebook made once works on the loop of every run."""
    http = ng.arecording_client()
    with Service(says()) as service:

        async def work(ctx: ng.Context) -> str:
            return (await http.get(service.url)).text

        engine = engine_of(work)
        assert [heard(engine.run({})) for _ in range(3)] == ["hello"] * 3


@both
def test_outside_of_a_run_it_is_an_ordinary_client(library: str):
    """Nothing is recorded, and nothing of an answer is changed, where no node runs."""
    packed = gzip.compress(b"hello")
    with Service(says(packed, content_encoding="gzip", set_cookie="a=b")) as service, client(library) as http:
        answer = http.get(service.url)
        assert (answer.text, answer.headers["content-encoding"], http.cookies["a"]) == ("hello", "gzip", "b")
        assert answer.num_bytes_downloaded == len(packed)
        assert http.get(service.url).status_code == 200


def test_a_request_has_a_label_and_says_what_was_asked():
    """The record names method, place, the headers that matter, and the body as a value."""
    with Service(says()) as service, client() as http:
        engine = engine_of(lambda ctx: http.put(f"{service.url}/v1/x?q=1", json={"b": 1, "a": None}).text)
        engine.run({}, run_id="r")
        request = facts(engine, 0)["request"]
        assert request["call"] == "PUT 127.0.0.1/v1/x"
        assert request["asked"] == {
            "method": "PUT",
            "url": "http://127.0.0.1/v1/x?q=1",
            "headers": {"accept": "*/*", "content-type": "application/json"},
            "body": {"a": None, "b": 1},
        }


@pytest.mark.parametrize(
    ("first", "second", "calls"),
    [
        ({"headers": {"user-agent": "a", "x-stainless-retry-count": "0"}}, {"headers": {"user-agent": "b"}}, 1),
        ({"json": {"a": 1, "b": 2}}, {"content": b'{ "b": 2, "a": 1 }', "headers": {"content-type": "application/json"}}, 1),
        ({"files": {"f": b"same"}}, {"files": {"f": b"same"}}, 1),
        ({"files": {"f": b"one"}}, {"files": {"f": b"two"}}, 2),
        ({"params": {"key": "secret-one"}}, {"params": {"key": "secret-two"}}, 1),
        ({"json": {"a": 1}}, {"json": {"a": 2}}, 2),
        ({"headers": {"accept": "text/plain"}}, {"headers": {"accept": "text/html"}}, 2),
        ({"params": {"page": "1"}}, {"params": {"page": "2"}}, 2),
        ({"params": {"pageToken": "one"}}, {"params": {"pageToken": "two"}}, 2),
    ],
)  # fmt: skip
def test_two_requests_are_the_same_where_the_answer_must_be(first: Any, second: Any, calls: int):
    """Method, address, body and the headers that change an answer tell requests apart; nothing else does."""
    with Service(says()) as service, client() as http:
        sends = [first, second]

        def work(ctx: ng.Context) -> str:
            text = http.post(service.url, **sends.pop(0)).text
            if sends:
                raise RuntimeError("once more")
            return text

        engine_of(work, retry=ng.Retry(attempts=2, wait=0.001, cap=0.001)).run({})
        assert len(service.requests) == calls


@pytest.mark.parametrize(
    ("place", "recorded"),
    [
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("localhost:11434", "localhost:11434"),
        ("127.0.0.1:32767", "127.0.0.1:32767"),
        ("127.0.0.1:32768", "127.0.0.1"),
        ("[::1]:65535", "[::1]"),
        ("models.example:40000", "models.example:40000"),
        ("localhost.example:40000", "localhost.example:40000"),
    ],
)
def test_a_port_is_asked_for_unless_the_system_gave_it_out(place: str, recorded: str):
    """Host and port belong to what is asked; a server of a test or tutorial is the same one on its next port."""
    label, asked, _ = asked_of(Sent("GET", f"http://{place}/v1", [], b""), Redaction())
    assert (f"GET {recorded}/v1", f"http://{recorded}/v1") == (label, asked["url"])


def test_a_local_server_that_was_started_again_is_the_same_to_a_fork():
    """What yesterday's server answered is reused, although today's has another port."""
    with Service(says(b"one")) as one, Service(says(b"two")) as two, client() as http:
        today = [one]
        engine = engine_of(lambda ctx: http.get(today[0].url).text)
        engine.run({}, run_id="r")
        today[0] = two
        assert heard(engine.fork("r", step=0, reuse_calls=True)) == "one"
        assert not two.requests


def test_two_servers_in_one_node_are_heard_each():
    """Each of two servers gives its own answer, live and in a replay."""
    with Service(says(b"one")) as one, Service(says(b"two")) as two, client() as http:
        engine = engine_of(lambda ctx: [http.get(service.url).text for service in (one, two)])
        assert heard(engine.run({}, run_id="r")) == ["one", "two"]
        assert engine.replay("r").ok


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (b"", {"status": 204}),
        (b"\x00\xff\x80 not text", {}),
        ("z\u00e4h \u2028".encode(), {"content_type": "text/plain"}),
        (gzip.compress(b"packed " * 1000, mtime=0), {"content_encoding": "gzip"}),
        (b"0123456789abcdef" * 20_000, {"content_type": "application/octet-stream"}),
        (b"tea", {"status": 218, "x_same": "1"}),
    ],
)  # fmt: skip
def test_any_body_comes_back_as_it_was_read(tmp_path: Path, body: bytes, how: Any):
    """Empty, binary, packed or large: a replay reads the bytes, the status and the headers that the run read."""
    with client() as http:
        with Service(says(body, **how)) as service:
            engine = engine_of(lambda ctx: whole(http.get(service.url)), tmp_path / "s.sqlite")
            read = heard(engine.run({}, run_id="r"))
        again: list[Any] = []
        engine_of(lambda ctx: again.append(whole(http.get(service.url))), tmp_path / "s.sqlite").replay(
            "r", strict=False
        )
        assert again == [read]
        assert read[2] == (gzip.decompress(body) if "content_encoding" in how else body)


def test_a_large_body_is_kept_beside_the_line(tmp_path: Path):
    """The log of calls stays small: what is large is kept once, by its digest."""
    body = b"0123456789abcdef" * 20_000
    with Service(says(body)) as service, client() as http:
        engine = engine_of(lambda ctx: [len(http.get(f"{service.url}/{n}").content) for n in range(3)])
        assert heard(engine.run({}, run_id="r")) == [len(body)] * 3
        assert all(len(line.data) < 10_000 for line in lines(engine))
        assert engine.replay("r").ok


def test_a_head_request_is_recorded():
    """An answer without a body is an answer."""
    with Service(says(b"body")) as service, client() as http:
        engine = engine_of(
            lambda ctx: [http.head(service.url).headers["content-length"], http.head(service.url).content]
        )
        assert heard(engine.run({}, run_id="r")) == ["4", b""]
        assert engine.replay("r").ok


def test_each_hop_of_a_redirect_is_a_call():
    """A redirect is followed live and from the record."""

    def answer(exchange: Exchange) -> None:
        if exchange.got.path == "/":
            exchange.send(status=302, location="/there")
        else:
            exchange.send(b"there")

    with client(follow_redirects=True) as http:
        with Service(answer) as service:
            engine = engine_of(lambda ctx: http.get(service.url).text)
            assert heard(engine.run({}, run_id="r")) == "there"
        assert phases(engine) == ["started", "returned"] * 2
        assert engine.replay("r").ok


@both
def test_any_transport_can_be_wrapped(library: str):
    """What was a transport of its library's is one that records."""
    http = __import__(library)
    inner = http.MockTransport(lambda request: http.Response(200, text=request.url.path))
    with http.Client(transport=ng.recording_transport(inner)) as wrapped, client(transport=inner) as made:
        engine = engine_of(lambda ctx: [each.get("https://h/x").text for each in (wrapped, made)])
        assert heard(engine.run({}, run_id="r")) == ["/x", "/x"]
        assert phases(engine) == ["started", "returned"] * 2


def test_arguments_of_a_client_are_those_of_its_library():
    """Base address, headers, hooks and mounts work as they do in an ordinary client."""
    import httpx2

    seen: list[str] = []
    mounts = {"http://mounted": httpx2.MockTransport(lambda request: httpx2.Response(200, text="mounted"))}
    with Service(says()) as service:
        hooks = {"response": [lambda response: seen.append(str(response.status_code))]}
        with client(base_url=service.url, headers={"accept": "a/b"}, event_hooks=hooks, mounts=mounts) as http:
            engine = engine_of(lambda ctx: [http.get("/x").text, http.get("http://mounted/").text])
            assert heard(engine.run({}, run_id="r")) == ["hello", "mounted"]
        assert (service.requests[0].path, service.requests[0].headers["accept"], seen) == ("/x", "a/b", ["200", "200"])


def test_no_inner_client_is_made_in_a_replay():
    """A replay touches nothing that could send."""
    made: list[Any] = []

    class Counted(__import__("httpx2").MockTransport):
        def handle_request(self, request: Any) -> Any:
            made.append(request)
            return super().handle_request(request)

    import httpx2

    with client(transport=Counted(lambda request: httpx2.Response(200, text="x"))) as http:
        engine = engine_of(lambda ctx: http.get("https://h/").text)
        engine.run({}, run_id="r")
        assert engine.replay("r").ok
        assert len(made) == 1


def test_a_request_within_a_recorded_call_is_counted_once():
    """A function that is recorded as a whole, and sends through a recorded client, is paid once."""
    body = b'{"model": "gpt-4o", "usage": {"prompt_tokens": 10, "completion_tokens": 5}}'
    with Service(says(body, content_type="application/json")) as service, client() as http:

        def ask() -> Any:
            return http.post(f"{service.url}/v1/chat/completions", json={"model": "gpt-4o"}).json()

        engine = engine_of(lambda ctx: ctx.call(ask)["model"])
        engine.run({}, run_id="r")
        told = [line.name for line in lines(engine) if '"input_tokens"' in line.data]
        assert told == ["1/1"]
        assert engine.replay("r").ok


def test_an_unknown_library_is_refused():
    """The error names the libraries there are."""
    with pytest.raises(ng.OptionsError, match="library is 'requests'") as caught:
        ng.recording_client(library="requests")
    assert "httpx2, httpx" in caught.value.todo
