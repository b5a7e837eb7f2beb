"""The three SDKs as their users call them: one prompt, whole or streamed, sync or async, over a recording client.

Everything that a process of its own imports stands at module level here; run as a program
(``python -m tests.clients.sdks FILE SDK OPENAI_URL``) it dies between two calls.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Annotated, Any, TypedDict

import anthropic
import openai
from google import genai
from google.genai import errors, types

import nbgraph as ng

KEY = "sk-never-to-be-kept-0123456789"
PROMPT = "say six words please"


class Log(TypedDict):
    """What the nodes got, in merge order."""

    log: Annotated[list[Any], ng.append]


class OpenAi:
    """Chat completions of ``openai``."""

    name, model, answered, provider = "openai", "gpt-4o", "gpt-4o-2024-08-06", "openai"
    price = (Decimal("2.50"), Decimal(10))
    busy, broken, told = openai.RateLimitError, openai.InternalServerError, openai.APIError

    def __init__(self, url: str) -> None:
        self.given = {"base_url": f"{url}/v1", "api_key": KEY}

    def client(self, **options: Any) -> openai.OpenAI:
        """Return a client that is recorded inside nodes."""
        return openai.OpenAI(**self.given, http_client=ng.recording_client(), **options)

    def aclient(self, **options: Any) -> openai.AsyncOpenAI:
        """Return its async twin."""
        return openai.AsyncOpenAI(**self.given, http_client=ng.arecording_client(), **options)

    def asking(self, **more: Any) -> dict[str, Any]:
        """Return the arguments of a question."""
        return {"model": self.model, "messages": [{"role": "user", "content": PROMPT}], **more}

    def ask(self, client: openai.OpenAI) -> str:
        """Ask for a whole answer."""
        return str(client.chat.completions.create(**self.asking()).choices[0].message.content)

    def stream(self, client: openai.OpenAI) -> Iterator[str]:
        """Ask for an answer in pieces."""
        told = client.chat.completions.create(**self.asking(stream=True, stream_options={"include_usage": True}))
        for chunk in told:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    async def aask(self, client: openai.AsyncOpenAI) -> str:
        """Ask for a whole answer."""
        return str((await client.chat.completions.create(**self.asking())).choices[0].message.content)

    async def astream(self, client: openai.AsyncOpenAI) -> list[str]:
        """Ask for an answer in pieces."""
        told = self.asking(stream=True, stream_options={"include_usage": True})
        chunks = [chunk async for chunk in await client.chat.completions.create(**told)]
        return [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]

    def call_tool(self, client: openai.OpenAI) -> tuple[str, str]:
        """Return the function that the model wants called, and its arguments."""
        tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
        (call,) = client.chat.completions.create(**self.asking(tools=[tool])).choices[0].message.tool_calls
        return call.function.name, call.function.arguments


class Anthropic:
    """Messages of ``anthropic``."""

    name, model, answered, provider = "anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic"
    price = (Decimal(3), Decimal(15))
    busy, broken, told = anthropic.RateLimitError, anthropic.InternalServerError, anthropic.APIStatusError

    def __init__(self, url: str) -> None:
        self.given = {"base_url": url, "api_key": KEY}

    def client(self, **options: Any) -> anthropic.Anthropic:
        """Return a client that is recorded inside nodes."""
        return anthropic.Anthropic(**self.given, http_client=ng.recording_client(), **options)

    def aclient(self, **options: Any) -> anthropic.AsyncAnthropic:
        """Return its async twin."""
        return anthropic.AsyncAnthropic(**self.given, http_client=ng.arecording_client(), **options)

    def asking(self, **more: Any) -> dict[str, Any]:
        """Return the arguments of a question."""
        return {"model": self.model, "max_tokens": 99, "messages": [{"role": "user", "content": PROMPT}], **more}

    def ask(self, client: anthropic.Anthropic) -> str:
        """Ask for a whole answer."""
        return client.messages.create(**self.asking()).content[0].text

    def stream(self, client: anthropic.Anthropic) -> Iterator[str]:
        """Ask for an answer in pieces."""
        with client.messages.stream(**self.asking()) as told:
            yield from told.text_stream

    async def aask(self, client: anthropic.AsyncAnthropic) -> str:
        """Ask for a whole answer."""
        return (await client.messages.create(**self.asking())).content[0].text

    async def astream(self, client: anthropic.AsyncAnthropic) -> list[str]:
        """Ask for an answer in pieces."""
        async with client.messages.stream(**self.asking()) as told:
            return [text async for text in told.text_stream]

    def call_tool(self, client: anthropic.Anthropic) -> tuple[str, str]:
        """Return the function that the model wants called, and its arguments."""
        tool = {"name": "weather", "input_schema": {"type": "object"}}
        (block,) = client.messages.create(**self.asking(tools=[tool])).content
        return block.name, block.input


class Google:
    """Content of ``google-genai``."""

    name, model, answered, provider = "google", "gemini-2.5-flash", "gemini-2.5-flash", "google"
    price = (Decimal("0.075"), Decimal("0.30"))
    busy, broken, told = errors.ClientError, errors.ServerError, errors.APIError

    def __init__(self, url: str) -> None:
        self.url = url

    def client(self, max_retries: int = 2) -> genai.Client:
        """Return a client that is recorded inside nodes."""
        return self._client(max_retries, httpx_client=ng.recording_client())

    def aclient(self, max_retries: int = 2) -> genai.client.AsyncClient:
        """Return its async twin."""
        return self._client(max_retries, httpx_async_client=ng.arecording_client()).aio

    def _client(self, max_retries: int, **client: Any) -> genai.Client:
        retry = types.HttpRetryOptions(attempts=max_retries + 1, initial_delay=0.001, max_delay=0.001, jitter=0.001)
        how = types.HttpOptions(base_url=self.url, retry_options=retry, **client)
        return genai.Client(api_key=KEY, http_options=how)

    def ask(self, client: genai.Client) -> str:
        """Ask for a whole answer."""
        return str(client.models.generate_content(model=self.model, contents=PROMPT).text)

    def stream(self, client: genai.Client) -> Iterator[str]:
        """Ask for an answer in pieces."""
        for chunk in client.models.generate_content_stream(model=self.model, contents=PROMPT):
            yield str(chunk.text)

    async def aask(self, client: genai.client.AsyncClient) -> str:
        """Ask for a whole answer."""
        return str((await client.models.generate_content(model=self.model, contents=PROMPT)).text)

    async def astream(self, client: genai.client.AsyncClient) -> list[str]:
        """Ask for an answer in pieces."""
        told = await client.models.generate_content_stream(model=self.model, contents=PROMPT)
        return [str(chunk.text) async for chunk in told]

    def call_tool(self, client: genai.Client) -> tuple[str, str]:
        """Return the function that the model wants called, and its arguments."""
        tool = types.Tool(function_declarations=[types.FunctionDeclaration(name="weather")])
        how = types.GenerateContentConfig(tools=[tool])
        told = client.models.generate_content(model=self.model, contents=PROMPT, config=how)
        (call,) = told.function_calls
        return call.name, call.args


SDKS = {sdk.name: sdk for sdk in (OpenAi, Anthropic, Google)}
WAYS = ("ask", "stream", "aask", "astream")


@contextmanager
def closing(client: Any) -> Iterator[Any]:
    """Give a client, and close what it speaks through: Google's leaves a client that it was given open."""
    try:
        yield client
    finally:
        client.close()
        inner = getattr(client, "_api_client", None)
        if inner is not None:
            inner._httpx_client.close()


async def aclosing(client: Any) -> None:
    """Close an async client, and what it speaks through."""
    inner = getattr(client, "_api_client", None)
    await (client.close() if inner is None else inner._async_httpx_client.aclose())


def node(sdk: Any, way: str, **options: Any) -> Any:
    """Return a node that asks in one of the four ways and logs what it got."""

    def ask(state: Any) -> Any:
        with closing(sdk.client(**options)) as client:
            return {"log": sdk.ask(client) if way == "ask" else list(sdk.stream(client))}

    async def aask(state: Any) -> Any:
        client = sdk.aclient(**options)
        try:
            return {"log": await getattr(sdk, way)(client)}
        finally:
            await aclosing(client)

    return aask if way.startswith("a") and way != "ask" else ask


def one(work: Any, **options: Any) -> ng.Graph:
    """Return a graph of one node called ``work``."""
    graph = ng.Graph(Log, name="one")
    graph.node(name="work", **options)(work)
    return graph


# -- dying between two calls


def twice(sdk: Any, way: str) -> ng.Graph:
    """Return a graph whose node asks twice, and dies between where the environment says so."""
    ask = node(sdk, way)

    def work(state: Any) -> Any:
        first = ask(state)["log"]
        if os.environ.get("DIE"):
            os.kill(os.getpid(), signal.SIGKILL)
        return {"log": [first, ask(state)["log"]]}

    return one(work)


if __name__ == "__main__":
    file, name, way, url = sys.argv[1:]
    os.environ["DIE"] = "yes"
    ng.Engine(twice(SDKS[name](url), way), store=file).run({}, run_id="r")
