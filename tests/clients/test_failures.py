"""Failures on the wire are recorded and come again; what recording itself refuses gets through any SDK."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import closing, nullcontext
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai.types import HttpOptions, HttpRetryOptions

import nbgraph as ng
from tests.clients.serving import SOON, Exchange, Service, says
from tests.clients.talk import LIBRARIES, client, engine_of, facts, heard, phases

both = pytest.mark.parametrize("library", LIBRARIES)
AGAIN = ng.Retry(attempts=3, wait=0.001, cap=0.001)


def busy(times: int) -> Any:
    """Return an answer: 429 so often, then 200."""

    def answer(exchange: Exchange) -> None:
        status = 429 if exchange.count <= times else 200
        exchange.send(f"answer {exchange.count}".encode(), status, content_type="text/plain")

    return answer


def test_an_attempt_after_a_failed_one_gets_past_a_recorded_failure():
    """A node that raised because of a 429 asks again, and is not served that 429."""
    with Service(busy(2)) as service, client() as http:
        engine = engine_of(lambda ctx: http.get(service.url).raise_for_status().text, retry=AGAIN)
        assert heard(engine.run({}, run_id="r")) == "answer 3"
        assert phases(engine) == ["started", "raised"] * 2 + ["started", "returned"]
        assert engine.replay("r").ok


def test_a_client_that_tries_again_by_itself_is_replayed_try_by_try():
    """Each request is a call of its own: the failures that a node got past come again, in order, with their bodies."""

    def work(ctx: ng.Context) -> list[Any]:
        answers = [http.get(service.url) for _ in range(3)]
        return [(answer.status_code, answer.text, answer.headers["content-type"]) for answer in answers]

    with client() as http:
        with Service(busy(2)) as service:
            engine = engine_of(work)
            assert [status for status, *_ in heard(engine.run({}, run_id="r"))] == [429, 429, 200]
        assert facts(engine, 1)["error"]["text"] == "429 Too Many Requests"
        assert facts(engine, 1)["response"]["body"] == "answer 1"
        assert engine.replay("r").ok


def test_what_was_answered_well_in_a_failed_attempt_is_served():
    """Only the request that told of a failure is made again by a resume."""

    def answer(exchange: Exchange) -> None:
        exchange.send(b"x", 500 if exchange.count == 2 else 200)

    with Service(answer) as service, client() as http:
        engine = engine_of(lambda ctx: [http.get(f"{service.url}/{n}").raise_for_status().text for n in range(2)])
        with pytest.raises(ng.NodeError, match="500"):
            engine.run({}, run_id="r")
        assert engine.resume("r").status == "completed"
        assert [got.path for got in service.requests] == ["/0", "/1", "/1"]
        assert engine.replay("r").ok


@both
def test_a_connection_that_fails_does_so_in_a_replay(library: str):
    """An exception of the library comes out of the record as itself, with its request."""
    with Service(says()) as service:
        gone = service.url

    with client(library) as http:

        def work(ctx: ng.Context) -> list[Any]:
            try:
                http.get(gone)
            except Exception as error:
                return [f"{type(error).__module__}.{type(error).__name__}", str(error), str(error.request.url)]
            return []

        engine = engine_of(work)
        assert heard(engine.run({}, run_id="r"))[0] == f"{library}.ConnectError"
        assert phases(engine) == ["started", "raised"]
        assert engine.replay("r").ok


def test_a_timeout_comes_again_at_once():
    """A replay does not wait for what took too long then."""
    import httpx2

    heard_of = threading.Event()
    with client(timeout=0.05) as http:

        def work(ctx: ng.Context) -> str:
            try:
                return http.get(service.url).text
            except httpx2.ReadTimeout as error:
                heard_of.set()
                return type(error).__name__

        with Service(lambda exchange: heard_of.wait(SOON)) as service:
            engine = engine_of(work)
            assert heard(engine.run({}, run_id="r")) == "ReadTimeout"
        assert engine.replay("r").ok


def test_a_replay_does_not_sit_through_the_pauses_of_an_async_client():
    """What a client waits for behind a failure, to try again, is no time in a replay."""
    http, pauses, done = ng.arecording_client(), [0.0], threading.Event()

    async def work(ctx: ng.Context) -> str:
        while (answer := await http.get(url)).is_error:  # noqa: ASYNC110 - it asks a server, as an SDK does
            await asyncio.sleep(pauses[-1])
        return answer.text

    with Service(busy(2)) as service:
        url = service.url
        engine = engine_of(work)
        assert heard(engine.run({}, run_id="r")) == "answer 3"
    pauses.append(3600.0)
    threading.Thread(target=lambda: engine.replay("r").ok and done.set(), daemon=True).start()
    assert done.wait(SOON)


# -- what recording itself refuses


def ask_openai(http: Any, url: str, retries: int = 2) -> Any:
    """Ask through the SDK of OpenAI."""
    sdk = openai.OpenAI(api_key="sk-1", base_url=f"{url}/v1", http_client=http, max_retries=retries)
    return sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}]).model


def ask_anthropic(http: Any, url: str, retries: int = 2) -> Any:
    """Ask through the SDK of Anthropic."""
    sdk = anthropic.Anthropic(api_key="sk-1", base_url=url, http_client=http, max_retries=retries)
    return sdk.messages.create(model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}]).model


def ask_google(http: Any, url: str, retries: int = 2) -> Any:
    """Ask through the SDK of Google."""
    options = HttpOptions(base_url=url, httpx_client=http, retry_options=HttpRetryOptions(attempts=retries + 1))
    sdk = genai.Client(api_key="sk-1", http_options=options)
    return sdk.models.generate_content(model="m", contents="hi").model_version


SDKS = [ask_openai, ask_anthropic, ask_google]
sdks = pytest.mark.parametrize("ask", SDKS, ids=lambda ask: ask.__name__)
BODY = b'{"id": "x", "model": "m", "modelVersion": "m", "choices": [], "content": [], "candidates": []}'


@sdks
def test_a_call_that_was_not_recorded_gets_through_an_sdk(ask: Any):
    """A replay that asks for more says so at once: no SDK retries it, no node swallows it."""
    wants: list[int] = []

    def work(ctx: ng.Context) -> Any:
        try:
            return ask(http, service.url) if not wants else [ask(http, service.url), ask(http, service.url)]
        except Exception:
            return "swallowed"

    with client() as http, Service(says(BODY, content_type="application/json")) as service:
        engine = engine_of(work)
        assert heard(engine.run({}, run_id="r")) == "m"
        wants.append(1)
        with pytest.raises(ng.MissingCallError, match="calls POST"):
            engine.replay("r")
        assert len(service.requests) == 1


async def aask_openai(http: Any, url: str) -> Any:
    """Ask through the async SDK of OpenAI."""
    sdk = openai.AsyncOpenAI(api_key="sk-1", base_url=f"{url}/v1", http_client=http)
    return (await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])).model


async def aask_anthropic(http: Any, url: str) -> Any:
    """Ask through the async SDK of Anthropic."""
    sdk = anthropic.AsyncAnthropic(api_key="sk-1", base_url=url, http_client=http)
    return (await sdk.messages.create(model="m", max_tokens=5, messages=[{"role": "user", "content": "hi"}])).model


async def aask_google(http: Any, url: str) -> Any:
    """Ask through the async SDK of Google."""
    options = HttpOptions(base_url=url, httpx_async_client=http, retry_options=HttpRetryOptions(attempts=3))
    sdk = genai.Client(api_key="sk-1", http_options=options)
    return (await sdk.aio.models.generate_content(model="m", contents="hi")).model_version


@pytest.mark.parametrize("ask", [aask_openai, aask_anthropic, aask_google], ids=lambda ask: ask.__name__)
def test_a_call_that_was_not_recorded_gets_through_an_async_sdk(ask: Any):
    """The same holds for async SDKs, and for requests side by side."""
    wants, http = [1], ng.arecording_client()

    async def work(ctx: ng.Context) -> Any:
        try:
            return await asyncio.gather(*(ask(http, service.url) for _ in range(wants[-1])))
        except Exception:
            return "swallowed"

    with Service(says(BODY, content_type="application/json")) as service:
        engine = engine_of(work)
        assert heard(engine.run({}, run_id="r")) == ["m"]
        wants.append(2)
        with pytest.raises(ng.MissingCallError, match="calls POST"):
            engine.replay("r")
        assert len(service.requests) == 1


@pytest.mark.parametrize("raw", ["with_raw_response", "with_streaming_response"])
def test_raw_answers_of_an_sdk_are_recorded(raw: str):
    """A node that asks an SDK for the answer itself, headers and bytes, gets those out of the record."""
    with client() as http:
        sdk = openai.OpenAI(api_key="sk-1", base_url="http://placeholder", http_client=http)

        def work(ctx: ng.Context) -> list[Any]:
            made = getattr(sdk.chat.completions, raw).create(model="m", messages=[])
            with made if raw == "with_streaming_response" else nullcontext(made) as answer:
                return [answer.headers["x-request-id"], answer.http_response.read()]

        with Service(says(BODY, content_type="application/json", x_request_id="q1")) as service:
            sdk.base_url = f"{service.url}/v1"
            engine = engine_of(work)
            assert heard(engine.run({}, run_id="r")) == ["q1", BODY]
        assert engine.replay("r").ok


@sdks
def test_what_the_store_refuses_gets_through_an_sdk(ask: Any):
    """A full disk ends the node as itself, not as a failure of the network."""
    with client() as http, Service(says(BODY, content_type="application/json")) as service:

        def work(ctx: ng.Context) -> Any:
            try:
                return ask(http, service.url)
            except Exception as error:
                return f"swallowed {error!r}"

        engine = engine_of(work)
        record = engine.store.record

        def full(*args: Any, **kwargs: Any) -> Any:
            raise ng.StoreFull("no room left")

        engine.store.record = full
        with pytest.raises(ng.StoreFull, match="no room left"):
            engine.run({}, run_id="r")
        engine.store.record = record
        assert service.requests == []


def test_a_late_request_is_refused_past_any_except():
    """A thread that goes on after its node ended cannot send, and no ``except Exception`` hides that."""
    caught, ended = list[BaseException](), threading.Event()
    with Service(says()) as service, client() as http:

        def late() -> None:
            assert ended.wait(SOON)
            try:
                http.get(service.url)
            except BaseException as error:
                caught.append(error)

        def work(ctx: ng.Context) -> str:
            ctx.call(len, "opens the record")
            threads.append(threading.Thread(target=contextvars.copy_context().run, args=(late,)))
            threads[0].start()
            return "done"

        threads: list[threading.Thread] = []
        engine_of(work, timeout=SOON).run({})
        ended.set()
        threads[0].join(SOON)
        assert service.requests == []
    assert [isinstance(error, Exception) for error in caught] == [False]


def test_an_error_of_ours_is_found_in_a_task_group():
    """What a ``TaskGroup`` wraps is reported as itself."""
    extra: list[int] = []
    http = ng.arecording_client()
    with Service(says()) as service:

        async def work(ctx: ng.Context) -> str:
            async with asyncio.TaskGroup() as group:
                for n in range(1 + len(extra)):
                    group.create_task(http.get(f"{service.url}/{n}"))
            return "done"

        engine = engine_of(work)
        engine.run({}, run_id="r")
    extra.append(1)
    with pytest.raises(ng.MissingCallError):
        engine.replay("r")


def test_a_web_socket_is_refused():
    """What cannot be recorded is not sent."""
    with Service(says()) as service, client() as http:
        engine = engine_of(lambda ctx: http.get(service.url, headers={"upgrade": "websocket"}).text)
        with pytest.raises(ng.CallError, match="web socket"):
            engine.run({})
        assert service.requests == []


def test_a_budget_gets_through_an_sdk():
    """A call that would break a budget pauses the run, with nothing sent; a resume with more goes on."""
    body = b'{"id": "x", "model": "gpt-4o", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}'
    with client() as http, Service(says(body, content_type="application/json")) as service:
        sdk = openai.OpenAI(api_key="sk-1", base_url=f"{service.url}/v1", http_client=http)

        def work(ctx: ng.Context) -> Any:
            asks = [sdk.chat.completions.create(model="gpt-4o", max_tokens=50, messages=[]) for _ in range(2)]
            return [answer.model for answer in asks]

        engine = engine_of(work)
        with pytest.raises(ng.BudgetError), closing(sdk):
            ng.Engine(engine.graph, store=engine.store, token_budget=70).run({}, run_id="r")
        assert len(service.requests) == 1
