"""Google's generateContent and streamGenerateContent.

Owns these words only. Google counts thoughts apart: its ``candidatesTokenCount`` is the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from nbgraph.testing.models.answer import Answer
from nbgraph.testing.models.asked import Asked, asks_json, items, limit, mapping, said, text_of
from nbgraph.testing.models.wire import event

FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tools": "STOP"}

_PATH = re.compile(r"/models/([^/]+):(generateContent|streamGenerateContent)$")


def takes(path: str) -> bool:
    """Say whether a request to ``path`` asks for content."""
    return _PATH.search(path) is not None


def read(path: str, query: str, body: Mapping[str, Any]) -> Asked:
    """Return what is asked; the model's name and the wish for a stream stand in the address."""
    found = _PATH.search(path)
    model, verb = found.groups() if found else ("", "")
    config = mapping(body.get("generationConfig"))
    system = text_of(mapping(body.get("systemInstruction")).get("parts"))
    declared = [one for tool in items(body.get("tools")) for one in items(mapping(tool).get("functionDeclarations"))]
    return Asked(
        provider="google",
        wire="generate",
        model=unquote(model),
        system=system,
        messages=said(items(body.get("contents")), "parts"),
        stream=verb == "streamGenerateContent",
        max_tokens=limit(config.get("maxOutputTokens")),
        tools=tuple(str(mapping(one).get("name")) for one in declared),
        wants_json=asks_json(config.get("responseMimeType"), system),
        body={**body, "alt": "sse" if "alt=sse" in query else "json"},
    )


def whole(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Return the content in one piece."""
    parts = [*_thoughts(asked, answer), *([{"text": answer.text}] if answer.text else []), *_calls(answer)]
    return _response(answer, parts, FINISH[answer.finish], _usage(answer))


def events(asked: Asked, answer: Answer) -> list[bytes]:
    """Return the pieces, each a whole response; what the output took stands in the last one."""
    parts = [*_thoughts(asked, answer), *({"text": piece} for piece in answer.pieces), *_calls(answer)] or [
        {"text": ""}
    ]
    before = {key: value for key, value in _usage(answer).items() if key.startswith(("prompt", "cached"))}
    before["totalTokenCount"] = answer.input
    told = [_response(answer, [part], None, before) for part in parts[:-1]]
    told.append(_response(answer, parts[-1:], FINISH[answer.finish], _usage(answer)))
    return [event(data, newline="\r\n") for data in told] if asked.body["alt"] == "sse" else _array(told)


def broken(status: int, message: str) -> bytes:
    """Return an error as a stream's last event."""
    return event(error(status, message), newline="\r\n")


def error(status: int, message: str) -> dict[str, Any]:
    """Return an error in Google's words."""
    return {"error": {"code": status, "message": message, "status": ERRORS.get(status, "UNAVAILABLE")}}


ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}


def _array(told: list[dict[str, Any]]) -> list[bytes]:
    """Return a stream without ``alt=sse``: one JSON array, piece by piece."""
    texts = [json.dumps(data, separators=(",", ":")) for data in told]
    return [f"{',' if place else '['}{text}\r\n".encode() for place, text in enumerate(texts)] + [b"]"]


def _response(answer: Answer, parts: list[dict[str, Any]], finish: str | None, usage: dict[str, Any]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    told = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": answer.model}
    return {**told, "responseId": f"local-stand-in-{answer.id}"}


def _thoughts(asked: Asked, answer: Answer) -> list[dict[str, Any]]:
    config = mapping(mapping(asked.body.get("generationConfig")).get("thinkingConfig"))
    return [{"text": answer.thoughts, "thought": True}] if answer.thoughts and config.get("includeThoughts") else []


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [{"functionCall": {"name": tool.name, "args": dict(tool.arguments)}} for tool in answer.tools]


def _usage(answer: Answer) -> dict[str, Any]:
    usage = {
        "promptTokenCount": answer.input,
        "cachedContentTokenCount": answer.cached,
        "candidatesTokenCount": answer.output - answer.reasoning,
        "thoughtsTokenCount": answer.reasoning,
        "totalTokenCount": answer.input + answer.output,
    }
    return {key: value for key, value in usage.items() if value}
