"""OpenAI's chat completions, as OpenAI-compatible servers speak them too.

Owns these words only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbgraph.testing.models.answer import CREATED, FINGERPRINT, Answer, arguments_of
from nbgraph.testing.models.asked import Asked, asks_json, items, limit, mapping, said
from nbgraph.testing.models.wire import event

FINISH = {"stop": "stop", "length": "length", "tools": "tool_calls"}


def takes(path: str) -> bool:
    """Say whether a request to ``path`` is a chat completion."""
    return path.endswith("/chat/completions")


def read(path: str, query: str, body: Mapping[str, Any]) -> Asked:  # noqa: ARG001 - all wires are asked alike
    """Return what is asked. System and developer messages are the system prompt."""
    messages = said(items(body.get("messages")))
    system = "\n".join(text for role, text in messages if role in ("system", "developer"))
    stream = bool(body.get("stream"))
    return Asked(
        provider="openai",
        wire="chat",
        model=str(body.get("model", "")),
        system=system,
        messages=tuple(one for one in messages if one[0] not in ("system", "developer")),
        stream=stream,
        max_tokens=limit(body.get("max_completion_tokens")) or limit(body.get("max_tokens")),
        tools=tuple(str(mapping(mapping(tool).get("function")).get("name")) for tool in items(body.get("tools"))),
        wants_json=asks_json(mapping(body.get("response_format")).get("type"), system),
        counts_usage=not stream or bool(mapping(body.get("stream_options")).get("include_usage")),
        body=body,
    )


def whole(asked: Asked, answer: Answer) -> dict[str, Any]:  # noqa: ARG001 - all wires are asked alike
    """Return a chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.tools:
        message["tool_calls"] = _tools(answer)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[answer.finish]}
    return {**_head(answer, "chat.completion"), "choices": [choice], "usage": _usage(answer)}


def events(asked: Asked, answer: Answer) -> list[bytes]:
    """Return the chunks; the last but the end mark has the usage, if the request wants it, and no choice."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in answer.pieces]
    deltas += [{"tool_calls": [{"index": place, **tool}]} for place, tool in enumerate(_tools(answer))]
    chunks = [_chunk(answer, delta) for delta in deltas] + [_chunk(answer, {}, FINISH[answer.finish])]
    if asked.counts_usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**_head(answer, "chat.completion.chunk"), "choices": [], "usage": _usage(answer)})
    return [*map(event, chunks), event("[DONE]")]


def broken(status: int, message: str) -> bytes:
    """Return an error as a stream's last event."""
    return event(error(status, message))


def error(status: int, message: str) -> dict[str, Any]:
    """Return an error in OpenAI's words."""
    kind, code = ERRORS.get(status, ("server_error", None))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


ERRORS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    head = {"id": f"chatcmpl-local-{answer.id}", "object": kind, "created": CREATED, "model": answer.model}
    return {**head, "service_tier": answer.tier or "default", "system_fingerprint": FINGERPRINT}


def _chunk(answer: Answer, delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**_head(answer, "chat.completion.chunk"), "choices": [choice]}


def _tools(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "id": answer.tool_id(place, "call"),
            "type": "function",
            "function": {"name": tool.name, "arguments": arguments_of(tool)},
        }
        for place, tool in enumerate(answer.tools)
    ]


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input,
        "completion_tokens": answer.output,
        "total_tokens": answer.input + answer.output,
        "prompt_tokens_details": {"cached_tokens": answer.cached, "cache_write_tokens": answer.cache_write},
        "completion_tokens_details": {"reasoning_tokens": answer.reasoning},
    }
