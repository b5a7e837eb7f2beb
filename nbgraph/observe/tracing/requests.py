"""What the request and the response of a recorded call say, by OpenTelemetry's names.

Owns the reading of what goes over the wire: OpenAI (chat and responses), Anthropic, Google, and who speaks like them;
HTTP of any kind; plain functions that are given ``model=``. Reads JSON as stored; decodes nothing, knows no run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.wire import body_of

_OPERATIONS = (
    ("/chat/completions", "chat"), ("/responses", "chat"), ("/messages", "chat"), ("/converse", "chat"),
    ("/completions", "text_completion"), ("/embeddings", "embeddings"), (":embedContent", "embeddings"),
    (":batchEmbedContents", "embeddings"), (":generateContent", "generate_content"),
    (":streamGenerateContent", "generate_content"),
)  # fmt: skip
"""How an address ends -> what is done there, by the conventions."""
_SETTINGS = (
    (names.MAX_TOKENS, ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"), int),
    (names.TEMPERATURE, ("temperature",), (int, float)),
    (names.TOP_P, ("top_p", "topP"), (int, float)),
    (names.STREAM, ("stream",), bool),
)
_IN_PATH = re.compile(r"/models/([^/:]+):")
"""Google names the model in the address."""


def wire_of(asked: Any) -> bool:
    """Say whether a call's request is one over HTTP."""
    return isinstance(asked, Mapping) and isinstance(asked.get("method"), str) and isinstance(asked.get("url"), str)


def http_facts(asked: Any, response: Any) -> dict[str, Any]:
    """Return the attributes of a request over HTTP and its response."""
    address = urlsplit(asked["url"])
    facts = {names.METHOD: asked["method"], names.URL: asked["url"]}
    if address.hostname:
        facts[names.ADDRESS] = address.hostname
    if (port := _port(address)) is not None:
        facts[names.PORT] = port
    status = response.get("status") if isinstance(response, Mapping) else None
    return facts if not isinstance(status, int) else {**facts, names.STATUS_CODE: status}


def _port(address: Any) -> int | None:
    try:
        port: int | None = address.port
    except ValueError:  # an address may be anything
        return None
    return port


def operation_of(asked: Any) -> str:
    """Return what is done, by the conventions: "chat" where nothing says."""
    path = urlsplit(asked["url"]).path if wire_of(asked) else ""
    return next((operation for end, operation in _OPERATIONS if path.endswith(end)), "chat")


def asked_facts(asked: Any) -> dict[str, Any]:
    """Return the attributes of a model's request: which model, and the settings that it names."""
    body = body_of(asked) if wire_of(asked) else _keywords(asked)
    facts = {name: value for name, value in _settings(body) if value is not None}
    model = body.get("model") if isinstance(body.get("model"), str) else _in_path(asked)
    return {names.REQUEST_MODEL: model, **facts} if model else facts


def _keywords(asked: Any) -> Mapping[str, Any]:
    kwargs = asked.get("kwargs", asked) if isinstance(asked, Mapping) else None
    return kwargs if isinstance(kwargs, Mapping) else {}


def _in_path(asked: Any) -> str:
    found = _IN_PATH.search(urlsplit(asked["url"]).path) if wire_of(asked) else None
    return found.group(1) if found else ""


def _settings(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    places = [body, *(part for part in [body.get("generationConfig")] if isinstance(part, Mapping))]
    for name, keys, kinds in _SETTINGS:
        found = (place[key] for place in places for key in keys if key in place)
        value = next(found, None)
        fits = isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool))
        yield name, value if fits else None


def given_facts(response: Any) -> dict[str, Any]:
    """Return the attributes of a model's answer: its id, and why it ended."""
    body = body_of(response) if isinstance(response, Mapping) and "status" in response else response
    if not isinstance(body, Mapping):
        return {}
    said = next((body[key] for key in ("id", "responseId") if isinstance(body.get(key), str)), "")
    reasons = tuple(reason for reason in _reasons(body) if isinstance(reason, str))
    facts = {names.RESPONSE_ID: said} if said else {}
    return {**facts, names.FINISH: reasons} if reasons else facts


def _reasons(body: Mapping[str, Any]) -> Iterator[Any]:
    yield body.get("stop_reason")
    for key, reason in (("choices", "finish_reason"), ("candidates", "finishReason")):
        choices = body.get(key)
        for choice in choices if isinstance(choices, list) else ():
            yield choice.get(reason) if isinstance(choice, Mapping) else None
