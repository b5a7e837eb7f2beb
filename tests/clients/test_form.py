"""What is kept of an answer, and read back: a property of any bytes, cut anywhere."""

from __future__ import annotations

import gzip
from json import dumps
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.clients.asking import Asked
from nbgraph.clients.form import Head, HttpForm
from nbgraph.clients.secrets import Secrets
from nbgraph.codec import NO_TYPES, decode, keep
from tests.clients.serving import Exchange, Service, says, streams
from tests.clients.talk import client, engine_of, facts, heard, phases

FORM = HttpForm(Asked("GET h/", {"url": "http://h/", "body": None}, Secrets(frozenset({"password"}))))
parts_of = st.lists(st.binary(min_size=1) | st.text(min_size=1).map(str.encode), max_size=6)
headers_of = st.lists(
    st.tuples(st.sampled_from(["a", "A", "b-c"]), st.text(st.characters(codec="ascii", categories=["L"])))
)


@given(parts_of, headers_of, st.integers(100, 599), st.booleans())
def test_any_answer_comes_back_as_it_was(parts: list[bytes], headers: Any, status: int, large: bool):
    """Status, headers in their order and number, and each part to the byte: text or not, small or large."""
    whole = [b"x" * 70_000, *parts] if large else parts
    head, blobs = Head(status, headers, "HTTP/2", "Fine"), dict[str, bytes]()
    text = keep(FORM.stored(head, whole), blobs=blobs, records=True)[0]
    assert len(text) < 70_000
    assert FORM.read(decode(text, types=NO_TYPES, blob=blobs.__getitem__)) == (head, whole)


def test_a_body_that_is_not_packed_as_it_says_fails_again_in_a_replay():
    """The error of a hostile answer is the library's, live and from the record."""
    import httpx2

    def work(ctx: ng.Context) -> str:
        try:
            return http.get(service.url).text
        except httpx2.DecodingError as error:
            return str(error)

    with client() as http:
        with Service(says(b"not packed", content_encoding="gzip")) as service:
            engine = engine_of(work)
            assert "header" in heard(engine.run({}, run_id="r"))
        assert phases(engine) == ["started", "raised"]
        assert engine.replay("r").ok


def test_a_header_that_is_no_ascii_reaches_the_node():
    """A header of a paid answer may hold anything; a replay gives the same."""
    with client() as http, Service(says(x_said="caf\u00e9")) as service:
        engine = engine_of(lambda ctx: http.get(service.url).headers["x-said"])
        assert "caf\u00e9" == heard(engine.run({}, run_id="r"))
        assert engine.replay("r").ok


def test_a_packed_stream_is_unpacked_part_by_part():
    """What the node reads as it comes in is what is kept: the parts as they were unpacked."""
    import zlib

    packer = zlib.compressobj(wbits=31)
    parts = [packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH) for text in (b"one ", b"two ", b"three")]
    with client() as http:

        def work(ctx: ng.Context) -> list[bytes]:
            with http.stream("GET", service.url) as answer:
                return list(answer.iter_bytes())

        with Service(streams(*parts, packer.flush(), content_encoding="gzip")) as service:
            engine = engine_of(work)
            assert heard(engine.run({}, run_id="r")) == [b"one ", b"two ", b"three"]
        assert facts(engine)["response"]["chunks"] == ["one ", "two ", "three"]
        assert engine.replay("r").ok


def test_a_request_that_is_nested_too_deep_is_still_recorded():
    """A body that is no plain value for the record is kept as its text."""
    body = b"[" * 250 + b"]" * 250
    with Service(says()) as service, client() as http:
        send = {"content": body, "headers": {"content-type": "application/json"}}
        engine = engine_of(lambda ctx: http.post(service.url, **send).text)
        assert heard(engine.run({}, run_id="r")) == "hello"
        assert engine.replay("r").ok


def test_a_fork_reuses_what_was_answered_and_pays_nothing():
    """With ``reuse_calls`` a fork is served by its origin's record, parts and all, and can be replayed itself."""
    with client() as http, Service(streams(b"one", b"two")) as service:

        def work(ctx: ng.Context) -> list[bytes]:
            with http.stream("GET", service.url) as answer:
                return list(answer.iter_raw())

        engine = engine_of(work)
        engine.run({}, run_id="r")
        fork = engine.fork("r", step=0, new_id="f", reuse_calls=True)
        fork = fork if fork.status == "completed" else engine.resume("f")
        assert b"".join(heard(fork)) == b"onetwo"
        assert len(service.requests) == 1
        assert engine.replay("f").ok


@pytest.mark.parametrize("value", [{"$ref": 1, "$": [2]}, [1e300, -0.0, 2**70], "\ud800", None, {"": {"a": None}}])
def test_any_json_can_be_asked(value: Any):
    """Bodies that look like the record's own marks, or are no objects, are asked and served like others."""

    def answer(exchange: Exchange) -> None:
        exchange.send(exchange.got.body, content_type="application/json")

    with client() as http, Service(answer) as service:
        send = {"content": dumps(value), "headers": {"content-type": "application/json"}}
        engine = engine_of(lambda ctx: http.post(service.url, **send).text)
        assert heard(engine.run({}, run_id="r")) == dumps(value)
        assert engine.replay("r").ok


def test_a_packed_answer_of_an_ordinary_client_stays_packed():
    """Outside of a run nothing is unpacked before its time."""
    packed = gzip.compress(b"hello")
    with (
        Service(says(packed, content_encoding="gzip")) as service,
        client() as http,
        http.stream("GET", service.url) as answer,
    ):
        assert b"".join(answer.iter_raw()) == packed
