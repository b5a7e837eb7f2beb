"""OpenAI's Responses interface.

Owns these words only; its errors are those of chat completions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbgraph.testing.models.answer import CREATED, Answer, arguments_of
from nbgraph.testing.models.asked import Asked, asks_json, items, limit, mapping, said
from nbgraph.testing.models.chat import ERRORS, error
from nbgraph.testing.models.wire import event

__all__ = ["broken", "error", "events", "read", "takes", "whole"]


def takes(path: str) -> bool:
    """Say whether a request to ``path`` asks for a response."""
    return path.endswith("/responses")


def read(path: str, query: str, body: Mapping[str, Any]) -> Asked:  # noqa: ARG001 - all wires are asked alike
    """Return what is asked."""
    given = body.get("input")
    messages = (("user", given),) if isinstance(given, str) else said(items(given))
    system = str(body.get("instructions") or "")
    kind = mapping(mapping(body.get("text")).get("format")).get("type")
    return Asked(
        provider="openai",
        wire="responses",
        model=str(body.get("model", "")),
        system=system,
        messages=messages,
        stream=bool(body.get("stream")),
        max_tokens=limit(body.get("max_output_tokens")),
        tools=tuple(str(mapping(tool).get("name")) for tool in items(body.get("tools"))),
        wants_json=asks_json(kind, system),
        body=body,
    )


def whole(asked: Asked, answer: Answer) -> dict[str, Any]:  # noqa: ARG001 - all wires are asked alike
    """Return a finished response."""
    return _response(answer, "incomplete" if answer.finish == "length" else "completed")


def events(asked: Asked, answer: Answer) -> list[bytes]:
    """Return the events of a streamed response; the last one holds all of it."""
    done = whole(asked, answer)
    begun = {**_response(answer, "in_progress"), "output": [], "usage": None}
    told = [("response.created", {"response": begun})]
    for place, item in enumerate(done["output"]):
        told += _item(place, item, answer)
    told.append((f"response.{done['status']}", {"response": done}))
    return [event({"type": name, "sequence_number": n, **data}, name) for n, (name, data) in enumerate(told)]


def broken(status: int, message: str) -> bytes:
    """Return an error as a stream's last event."""
    told = {"type": "error", "code": ERRORS.get(status, ("server_error", None))[0], "message": message, "param": None}
    return event({**told, "sequence_number": 0}, "error")


def _item(place: int, item: dict[str, Any], answer: Answer) -> list[tuple[str, dict[str, Any]]]:
    at = {"item_id": item["id"], "output_index": place}
    inside = _text_item(at, item, answer) if item["type"] == "message" else _tool_item(at, item)
    empty: dict[str, Any] = {"content": []} if item["type"] == "message" else {"arguments": ""}
    hollow = {**item, "status": "in_progress", **empty}
    first = ("response.output_item.added", {"output_index": place, "item": hollow})
    return [first, *inside, ("response.output_item.done", {"output_index": place, "item": item})]


def _text_item(at: dict[str, Any], item: dict[str, Any], answer: Answer) -> list[tuple[str, dict[str, Any]]]:
    at, part = {**at, "content_index": 0}, item["content"][0]
    deltas = [("response.output_text.delta", {**at, "delta": piece, "logprobs": []}) for piece in answer.pieces]
    return [
        ("response.content_part.added", {**at, "part": {**part, "text": ""}}),
        *deltas,
        ("response.output_text.done", {**at, "text": answer.text, "logprobs": []}),
        ("response.content_part.done", {**at, "part": part}),
    ]


def _tool_item(at: dict[str, Any], item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    given = item["arguments"]
    return [
        ("response.function_call_arguments.delta", {**at, "delta": given}),
        ("response.function_call_arguments.done", {**at, "arguments": given, "name": item["name"]}),
    ]


def _response(answer: Answer, status: str) -> dict[str, Any]:
    return {
        "id": f"resp_local_{answer.id}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {"server": "nbgraph local stand-in, no model"},
        "model": answer.model,
        "output": _output(answer),
        "parallel_tool_calls": True,
        "service_tier": answer.tier or "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": _usage(answer),
    }


def _output(answer: Answer) -> list[dict[str, Any]]:
    part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    message = {"type": "message", "id": f"msg_local_{answer.id}", "status": "completed", "role": "assistant"}
    calls = [
        {
            "type": "function_call",
            "id": answer.tool_id(place, "fc"),
            "call_id": answer.tool_id(place, "call"),
            "status": "completed",
            "name": tool.name,
            "arguments": arguments_of(tool),
        }
        for place, tool in enumerate(answer.tools)
    ]
    return [{**message, "content": [part]}, *calls] if answer.text or not calls else calls


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "input_tokens": answer.input,
        "input_tokens_details": {"cached_tokens": answer.cached, "cache_write_tokens": answer.cache_write},
        "output_tokens": answer.output,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning},
        "total_tokens": answer.input + answer.output,
    }
