"""Secrets in recorded calls: never in the file, real for the live node, and missed aloud by whoever needs them later."""

from __future__ import annotations

import threading

import pytest
from pydantic import SecretStr

import nbgraph as ng
from tests.engine.outside import begin, everything_in, one

SECRET = "hunter2hunter2"


def hook(path, value):
    """Hide every text that holds the secret."""
    return ng.codec.Redacted("hook") if isinstance(value, str) and SECRET in value else value


HOOK = {"redact": ng.Redaction(hook=hook)}

REQUESTS = {
    "a key": ({"api_key": SECRET}, {}),
    "a key deep inside": ([{"headers": {"Authorization": f"Bearer {SECRET}"}}], {}),
    "pydantic's secret": (SecretStr(SECRET), {}),
    "the hook": (f"Bearer {SECRET}", HOOK),
}


@pytest.fixture
def file(tmp_path):
    """Return the file of the test, alone in its folder."""
    return tmp_path / "runs.sqlite"


def plain(value):
    """Return the secret in a value, as the function that gets it would read it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return (
        value if isinstance(value, str) else plain(next(iter(value.values())) if isinstance(value, dict) else value[0])
    )


@pytest.mark.parametrize("name", REQUESTS)
def test_a_secret_of_a_request_is_not_written(name, file):
    """The function gets it; the file, with all that SQLite keeps beside it, does not; a replay needs it not."""
    asked, options = REQUESTS[name]
    seen = []

    def fetch(given):
        seen.append(plain(given))
        return len(seen)

    engine = ng.Engine(one(lambda state, ctx: {"log": ctx.call(fetch, asked)}), store=file, **options)
    run = engine.run({}, run_id="r")
    assert SECRET in seen[0]
    assert "$redacted" in str(run.calls.asked[0])
    assert SECRET.encode() not in everything_in(file.parent)
    assert engine.replay("r").ok
    assert 1 == len(seen)


@pytest.mark.parametrize("name", ["a keyword", "ctx.outside"])
def test_a_secret_under_an_argument_s_name_is_not_written(name, file):
    """An argument called ``api_key`` is hidden like an entry of that name."""
    calls = {
        "a keyword": lambda ctx: ctx.call(lambda *, api_key: len(api_key), api_key=SECRET),
        "ctx.outside": lambda ctx: ctx.outside("GET", {"api_key": SECRET}, lambda: 14),
    }
    run = ng.Engine(one(lambda state, ctx: {"log": calls[name](ctx)}), store=file).run({}, run_id="r")
    assert [14] == run.state["log"]
    assert SECRET.encode() not in everything_in(file.parent)


def test_a_rotated_secret_changes_nothing(file):
    """Requests that differ in a hidden part only are the same request."""
    made, keys = [], [SECRET, "another"]

    def work(state, ctx):
        ctx.call(made.append, {"api_key": keys[0]})
        if len(keys) == 2:
            raise ValueError(keys.pop(0))

    assert ng.Engine(one(work, retry=ng.Retry(2, wait=0.0)), store=":memory:").run({}, run_id="r").replay().ok
    assert 1 == len(made)


RESPONSES = {
    "a key": ({"access_token": SECRET, "user": "ann"}, {}),
    "pydantic's secret": ({"token": SecretStr(SECRET), "user": "ann"}, {}),
    "the hook": ({"text": f"Bearer {SECRET}", "user": "ann"}, HOOK),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_secret_of_a_response_is_for_the_live_node_only(name, file):
    """The node that made the call gets it; a node that is served says which secret it misses, and only if it uses it."""
    response, options = RESPONSES[name]
    seen = []

    def work(state, ctx):
        got = ctx.call(lambda: response)
        if state.get("asked") != "no":
            seen.append(plain(got))
        return {"log": got["user"]}

    engine = ng.Engine(one(work), store=file, **options)
    engine.run({}, run_id="r")
    engine.run({"asked": "no"}, run_id="unused")
    assert SECRET in seen[0]
    assert SECRET.encode() not in everything_in(file.parent)
    assert engine.replay("unused").ok


@pytest.mark.parametrize("name", RESPONSES)
def test_a_resume_that_misses_a_secret_says_so(name, file):
    """``CodecError`` says why it was hidden; nothing is called with a stand-in."""
    response, options = RESPONSES[name]
    fails, made = [True], []

    def work(state, ctx):
        token = plain(ctx.call(lambda: made.append(1) or response))
        got = ctx.call(lambda text: made.append(text) or len(text), f"use {token}")
        return {"log": 1 / 0 if fails and fails.pop() else got}

    options = {**options, "redact": ng.Redaction(hook=hook)}
    engine = ng.Engine(one(work), store=file, **options)
    assert isinstance(begin(engine), ng.NodeError)
    with pytest.raises(ng.CodecError, match="secret") as caught:
        engine.resume("r")
    assert ("r", "work") == (caught.value.run_id, caught.value.node)
    assert 2 == len(made)


class DeniedError(Exception):
    """Holds what it was given."""

    def __init__(self, given, password=None):
        super().__init__(given)
        self.password = password


FAILURES = {
    "an arg": (lambda: DeniedError({"api_key": SECRET}), {}),
    "an attribute": (lambda: DeniedError("x", password=SECRET), {}),
    "beside what cannot be kept": (lambda: DeniedError([{"api_key": SECRET, "socket": threading.Lock()}]), {}),
    "the text": (lambda: ValueError(f"wrong key {SECRET}"), HOOK),
    "a group": (lambda: ExceptionGroup("g", [DeniedError({"api_key": SECRET})]), {}),
}


@pytest.mark.parametrize("how", ["caught by the node", "not caught"])
@pytest.mark.parametrize("name", FAILURES)
def test_a_secret_of_an_exception_is_not_written(name, how, file):
    """Neither its args and attributes nor its text and traceback tell what redaction hides."""
    make, options = FAILURES[name]

    def fail():
        raise make()

    def work(state, ctx):
        try:
            ctx.call(fail)
        except Exception:
            if how == "not caught":
                raise

    engine = ng.Engine(one(work), store=file, **options)
    begin(engine)
    assert ["raised"] == list(engine.open("r").calls.status)
    assert SECRET.encode() not in everything_in(file.parent)


def test_the_usage_is_redacted_too(file):
    """What ``usage=`` reads from a response goes the same way as the response."""
    node = lambda state, ctx: {"log": ctx.call(lambda: 1, usage=lambda got: {"api_key": SECRET, "tokens": 3})}  # noqa: E731 - one call
    run = ng.Engine(one(node), store=file).run({}, run_id="r")
    assert 3 == run.calls.usage[0]["tokens"]
    assert SECRET.encode() not in everything_in(file.parent)
