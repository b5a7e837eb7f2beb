"""Secrets of a request are in no byte of the store, whatever the server makes of them."""

from __future__ import annotations

from itertools import pairwise
from json import dumps, loads
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.clients.secrets import Secrets, tells
from tests.clients.serving import Exchange, Service, says
from tests.clients.talk import client, engine_of, facts, heard, kept_bytes

SECRET = 'sk-live/4f9a"81\u00e4 c27'
PLAIN = "sk-live-4f9a81c27"


def echo(exchange: Exchange) -> None:
    """Answer with all that was sent: in the head, in a part, and cut in two."""
    told = "|".join([exchange.got.path, *exchange.got.headers.values(), exchange.got.body.decode("latin-1")])
    body = told.encode("latin-1")
    place = body.find(PLAIN.encode()) + 3
    exchange.begin(x_told=told.splitlines()[0][:500], set_cookie=f"session={PLAIN}")
    exchange.part(body)
    exchange.part(body[:place])
    exchange.part(body[place:])
    exchange.end()


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"Authorization": f"Bearer {PLAIN}"}},
        {"headers": {"x-api-key": PLAIN}},
        {"headers": {"api-key": PLAIN}},
        {"headers": {"x-goog-api-key": PLAIN}},
        {"headers": {"X-Shop-Access-Token": PLAIN}},
        {"headers": {"Proxy-Authorization": f"Basic {PLAIN}"}},
        {"headers": {"cookie": f"theme=dark; sid={PLAIN}"}},
        {"auth": ("me", PLAIN)},
        {"params": {"key": PLAIN, "alt": "sse"}},
        {"params": {"api_key": PLAIN}},
        {"params": {"X-Amz-Signature": PLAIN}},
        {"json": {"client_secret": PLAIN, "deep": [{"password": PLAIN}]}},
        {"json": {"secret": {"one": [PLAIN], "two": PLAIN}}},
        {"data": {"client_secret": PLAIN, "grant_type": "refresh_token"}},
        {"data": {"api_key": PLAIN}, "files": {"file": b"content"}},
        {"content": dumps({"password": PLAIN}).encode()},
    ],
    ids=lambda how: next(iter(how)),
)
def test_a_secret_that_is_sent_is_in_no_byte_of_the_store(tmp_path: Path, how: Any):
    """Header, query, body or what the server echoes of them: nothing of it is kept, and the run gets it all."""
    path = tmp_path / "s.sqlite"
    with client() as http:

        def work(ctx: ng.Context) -> int:
            answer = http.post(service.url, **how)
            assert PLAIN.encode() in answer.content or "auth" in how
            return answer.status_code

        with Service(echo) as service:
            engine = engine_of(work, path)
            engine.run({}, run_id="r")
            assert PLAIN[4:].encode() not in kept_bytes(path)
            assert facts(engine)["response"]["chunks"]


def fails_with_address(http: Any, url: str) -> int:
    return int(http.get(url, params={"key": PLAIN}).raise_for_status().status_code)


def fails_with_echo(http: Any, url: str) -> int:
    raise ValueError(http.get(url, headers={"x-api-key": PLAIN}).text)


def fails_behind(http: Any, url: str) -> int:
    try:
        return fails_with_address(http, url)
    except Exception as error:
        raise RuntimeError("no answer") from error


@pytest.mark.parametrize("around", [False, True])
@pytest.mark.parametrize("fails", [fails_with_address, fails_with_echo, fails_behind])
def test_an_exception_that_repeats_a_secret_is_kept_without_it(tmp_path: Path, fails: Any, around: bool):
    """Whatever the text of a node's exception, or of one behind it, says: file, events and message are without."""
    path = tmp_path / "s.sqlite"
    refuses = says(f"no such key: {PLAIN}".encode(), status=401)
    with Service(refuses) as service, client() as http:

        def work(ctx: ng.Context) -> Any:
            def asks() -> Any:
                return fails(http, service.url)

            return ctx.call(asks) if around else asks()

        engine = engine_of(work, path, retry=ng.Retry(attempts=2, wait=0.0))
        with pytest.raises(ng.MaxAttemptsError) as caught:
            engine.run({}, run_id="r")
    engine.open("r").export_events(tmp_path / "events.jsonl")
    assert PLAIN not in f"{caught.value}{caught.value!r}"
    assert PLAIN.encode() not in kept_bytes(path) + (tmp_path / "events.jsonl").read_bytes()
    assert "*****" in caught.value.message or fails is fails_behind


def test_a_replay_reads_masks_of_the_same_length():
    """What was hidden is as long as it was, so that lengths, parts and JSON hold."""
    seen: list[Any] = []
    body = dumps({"you": f"sent {PLAIN}", "api_key": SECRET, "pin": 1}, ensure_ascii=False).encode()

    def work(ctx: ng.Context) -> str:
        seen.append(http.get(service.url, headers={"x-api-key": PLAIN}).json())
        return "read"

    with client() as http, Service(says(body, content_type="application/json")) as service:
        engine = engine_of(work)
        engine.run({}, run_id="r")
        assert engine.replay("r").ok
    assert seen[0] == {"you": f"sent {PLAIN}", "api_key": SECRET, "pin": 1}
    assert seen[1]["you"] == "sent " + "*" * len(PLAIN)
    assert (set(seen[1]["api_key"]), seen[1]["pin"]) == ({"*"}, 1)


def test_cookies_that_a_server_sets_are_not_kept():
    """The run's client has them; the record has not."""
    with client() as http, Service(says(set_cookie="sid=0123456789abcdef0123")) as service:

        def work(ctx: ng.Context) -> list[Any]:
            http.get(service.url)
            return [http.cookies["sid"], http.get(service.url).text]

        engine = engine_of(work)
        assert heard(engine.run({}, run_id="r"))[0] == "0123456789abcdef0123"
        assert service.requests[1].headers["cookie"] == "sid=0123456789abcdef0123"
        names = [name.lower() for name, _ in facts(engine)["response"]["headers"]]
        assert "set-cookie" not in names
        assert "content-length" in names


def test_the_runs_own_redaction_holds_for_requests_and_answers(tmp_path: Path):
    """Names that a run hides are hidden in bodies, queries and headers of recorded clients too."""
    path, words = tmp_path / "s.sqlite", ["salmon-0001", "salmon-0002", "salmon-0003", "salmon-0004"]
    answer = says(dumps({"fish": words[3]}).encode(), content_type="application/json")
    with Service(answer) as service, client() as http:

        def work(ctx: ng.Context) -> int:
            sent = {"json": {"Fish": words[0]}, "params": {"fish": words[1]}, "headers": {"fish": words[2]}}
            return http.post(service.url, **sent).status_code

        engine = engine_of(work, path)
        ng.Engine(engine.graph, store=path, redact=ng.Redaction(keys=frozenset({"fish"}))).run({}, run_id="r")
        assert [word for word in words if word.encode() in kept_bytes(path)] == []


def test_a_secret_in_an_exception_is_masked(tmp_path: Path):
    """What the library says of a request that it could not send tells no secret."""
    import httpx2

    def refuse(request: Any) -> Any:
        raise httpx2.ConnectError(f"cannot use {request.headers['x-api-key']}")

    path = tmp_path / "s.sqlite"
    with client(transport=httpx2.MockTransport(refuse)) as http:

        def work(ctx: ng.Context) -> str:
            try:
                http.get("http://h/", headers={"x-api-key": PLAIN})
            except httpx2.ConnectError:
                return "refused"
            return ""

        engine = engine_of(work, path)
        engine.run({}, run_id="r")
        assert PLAIN.encode() not in kept_bytes(path)


def test_a_secret_in_the_address_of_a_redirect_is_hidden():
    """A redirect that carries a token leads on in a replay, without the token in the record."""

    def answer(exchange: Exchange) -> None:
        if exchange.got.path == "/":
            exchange.send(status=307, location=f"/there?token={PLAIN}&n=1")
        else:
            exchange.send(exchange.got.path.replace(PLAIN, "TOKEN").encode())

    with client(follow_redirects=True) as http:
        with Service(answer) as service:
            engine = engine_of(lambda ctx: http.get(service.url).text)
            assert heard(engine.run({}, run_id="r")) == "/there?token=TOKEN&n=1"
        assert not any(PLAIN in line.data for line in engine.store.calls("r"))
        assert engine.replay("r").ok


def test_a_hook_that_hides_an_address_hides_it_in_the_label():
    """A token in a path is known to the run's hook alone."""
    redact = ng.Redaction(
        hook=lambda path, value: "hidden" if isinstance(value, str) and "bot12345" in value else value
    )
    with Service(says()) as service, client() as http:
        engine = engine_of(lambda ctx: http.get(f"{service.url}/bot12345/send").text)
        own = ng.Engine(engine.graph, store=engine.store, redact=redact)
        own.run({}, run_id="r")
        assert not any("bot12345" in line.data for line in own.store.calls("r"))
        assert own.replay("r").ok


texts = st.text(st.characters(codec="utf-8"), min_size=8, max_size=40)


@given(texts, st.lists(st.integers(0, 400)), st.text(max_size=20), st.text(max_size=20))
def test_a_masked_answer_has_its_parts_and_nothing_of_the_secret(secret: str, cuts: Any, before: str, after: str):
    """Wherever an answer is cut, each part keeps its length, and the whole says nothing of what was sent."""
    secrets = Secrets()
    secrets.header("x-api-key", secret)
    whole = f"{before}{secret}{after}".encode()
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    parts = [whole[start:end] for start, end in pairwise(places)]
    masked = secrets.parts(parts)
    assert [len(part) for part in masked] == [len(part) for part in parts]
    assert secret.encode() not in b"".join(masked) or set(secret) == {"*"}


json = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("password"), inner))  # fmt: skip


@given(json)
def test_masking_by_name_leaves_json_that_says_the_same_elsewhere(value: Any):
    """A masked body is still JSON: only what stands under a secret name has changed, and no text in it is left."""
    secrets = Secrets(frozenset({"password"}))
    masked = loads(secrets.masked(dumps(value).encode()))
    assert without(masked) == without(value)
    assert set("".join(hidden_texts(masked))) <= {"*"}


def without(value: Any) -> Any:
    """Return a value without what stands under a secret name."""
    if isinstance(value, dict):
        return {name: without(item) for name, item in value.items() if name.lower() != "password"}
    return [without(item) for item in value] if isinstance(value, list) else value


def hidden_texts(value: Any, *, inside: bool = False) -> list[str]:
    """Return the texts under a secret name."""
    if isinstance(value, dict):
        items = [(item, inside or name.lower() == "password") for name, item in value.items()]
    elif isinstance(value, list):
        items = [(item, inside) for item in value]
    else:
        return [value] if inside and isinstance(value, str) else []
    return [text for item, within in items for text in hidden_texts(item, inside=within)]


@pytest.mark.parametrize(
    "name", ["max_tokens", "keyboard", "Date", "x-ratelimit-remaining-tokens", "Idempotency-Key", "monkey"]
)
def test_names_that_only_sound_like_secrets_are_kept(name: str):
    """A count of tokens is no token."""
    assert not tells(name)
