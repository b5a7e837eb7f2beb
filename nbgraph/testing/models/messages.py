"""Anthropic's messages.

Owns these words only. Anthropic counts cached input apart: its ``input_tokens`` is the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbgraph.testing.models.answer import FINGERPRINT, Answer, arguments_of
from nbgraph.testing.models.asked import Asked, asks_json, items, limit, mapping, said, text_of
from nbgraph.testing.models.tokens import pieces
from nbgraph.testing.models.wire import event

FINISH = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}


def takes(path: str) -> bool:
    """Say whether a request to ``path`` asks for a message."""
    return path.endswith("/messages")


def read(path: str, query: str, body: Mapping[str, Any]) -> Asked:  # noqa: ARG001 - all wires are asked alike
    """Return what is asked."""
    system = text_of(body.get("system"))
    return Asked(
        provider="anthropic",
        wire="messages",
        model=str(body.get("model", "")),
        system=system,
        messages=said(items(body.get("messages"))),
        stream=bool(body.get("stream")),
        max_tokens=limit(body.get("max_tokens")),
        tools=tuple(str(mapping(tool).get("name")) for tool in items(body.get("tools"))),
        wants_json=asks_json(mapping(mapping(body.get("output_config")).get("format")).get("type"), system),
        body=body,
    )


def whole(asked: Asked, answer: Answer) -> dict[str, Any]:
    """Return a message."""
    content = [block for block, _ in _blocks(asked, answer)]
    return {**_head(answer), "content": content, "stop_reason": FINISH[answer.finish], "usage": _usage(answer)}


def events(asked: Asked, answer: Answer) -> list[bytes]:
    """Return the events: what is known of the input at the start, of the output at the end."""
    start = {**_head(answer), "content": [], "stop_reason": None, "usage": {**_usage(answer), "output_tokens": 1}}
    start["usage"].pop("output_tokens_details")
    told: list[dict[str, Any]] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for place, (block, deltas) in enumerate(_blocks(asked, answer)):
        told.append({"type": "content_block_start", "index": place, "content_block": _hollow(block)})
        told += [{"type": "content_block_delta", "index": place, "delta": delta} for delta in deltas]
        told.append({"type": "content_block_stop", "index": place})
    delta = {"stop_reason": FINISH[answer.finish], "stop_sequence": None}
    told += [{"type": "message_delta", "delta": delta, "usage": _usage(answer)}, {"type": "message_stop"}]
    return [event(data, data["type"]) for data in told]


def broken(status: int, message: str) -> bytes:
    """Return an error as a stream's last event."""
    return event(error(status, message), "error")


def error(status: int, message: str) -> dict[str, Any]:
    """Return an error in Anthropic's words."""
    kind = ERRORS.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": f"req_{FINGERPRINT}"}


ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def _head(answer: Answer) -> dict[str, Any]:
    head = {"id": f"msg_local_{answer.id}", "type": "message", "role": "assistant", "model": answer.model}
    return {**head, "stop_sequence": None}


def _blocks(asked: Asked, answer: Answer) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return the content's blocks, each with the deltas that stream it. Thoughts are shown if they were asked for."""
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if answer.thoughts and mapping(asked.body.get("thinking")).get("type") in ("enabled", "adaptive"):
        thought = {"type": "thinking", "thinking": answer.thoughts, "signature": FINGERPRINT}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(answer.thoughts)]
        blocks.append((thought, [*deltas, {"type": "signature_delta", "signature": FINGERPRINT}]))
    if answer.text or not answer.tools:
        deltas = [{"type": "text_delta", "text": piece} for piece in answer.pieces]
        blocks.append(({"type": "text", "text": answer.text}, deltas))
    for place, tool in enumerate(answer.tools):
        block = {"type": "tool_use", "id": answer.tool_id(place, "toolu"), "name": tool.name}
        given = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(arguments_of(tool))]
        blocks.append(({**block, "input": dict(tool.arguments)}, given))
    return blocks


def _hollow(block: dict[str, Any]) -> dict[str, Any]:
    """Return a block as it begins: with nothing in it yet."""
    empty: dict[str, Any] = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: empty.get(key, value) if key != "type" else value for key, value in block.items()}


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "input_tokens": answer.input - answer.cached - answer.cache_write,
        "cache_creation_input_tokens": answer.cache_write,
        "cache_read_input_tokens": answer.cached,
        "output_tokens": answer.output,
        "output_tokens_details": {"thinking_tokens": answer.reasoning},
        "service_tier": answer.tier or "standard",
    }
