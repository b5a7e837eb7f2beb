"""What was said to a model and what it said, in the conventions' form: only where it was asked for.

Owns the form of messages: ``[{"role": ..., "parts": [{"type": "text", "content": ...}]}]``. Reads JSON as stored, after
redaction. A part that has no text keeps its own shape, under its own type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import dumps
from typing import Any

from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.wire import body_of


def content_facts(asked: Any, response: Any) -> dict[str, str]:
    """Return the attributes of a model call's messages, those that can be read."""
    request, answer = body_of(asked), body_of(response)
    found = {
        names.SYSTEM: _parts(next((request[key] for key in _SYSTEM if key in request), None)),
        names.INPUT_MESSAGES: list(_messages(next((request[key] for key in _INPUT if key in request), None))),
        names.OUTPUT_MESSAGES: list(_answers(answer)),
    }
    return {name: text_of(value) for name, value in found.items() if value}


_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")
_INPUT = ("messages", "input", "contents")


def text_of(value: Any) -> str:
    """Return stored JSON as text, the same for equal values."""
    return dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _messages(given: Any) -> Iterator[dict[str, Any]]:
    if isinstance(given, str):
        yield {"role": "user", "parts": _parts(given)}
    for message in given if isinstance(given, list) else ():
        if isinstance(message, Mapping):
            yield {"role": str(message.get("role", "user")), "parts": _spoken(message)}


def _spoken(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    parts = _parts(message.get("content", message.get("parts")))
    return [*parts, *(_part(call) for call in (calls if isinstance(calls, list) else ()))]


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, Mapping):
        content = content.get("parts", [content])
    whole = content if isinstance(content, list) else [content]
    return [_part(part) for part in whole if part is not None]


def _part(part: Any) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "content": part}
    if not isinstance(part, Mapping):
        return {"type": "data", "content": part}
    if isinstance(part.get("text"), str):
        return {"type": "text", "content": part["text"]}
    return {"type": "data", **part}


def _answers(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the messages of a response: OpenAI's choices, Google's candidates, Anthropic's content, the responses' output."""
    for key, inside, reason in (("choices", "message", "finish_reason"), ("candidates", "content", "finishReason")):
        choices = body.get(key)
        for choice in choices if isinstance(choices, list) else ():
            message = choice.get(inside) if isinstance(choice, Mapping) else None
            if isinstance(message, Mapping):
                yield _answer(message, choice.get(reason))
    if isinstance(body.get("content"), list):
        yield _answer(body, body.get("stop_reason"))
    for message in body["output"] if isinstance(body.get("output"), list) else ():
        if isinstance(message, Mapping) and "content" in message:
            yield _answer(message, message.get("status"))


def _answer(message: Mapping[str, Any], reason: Any) -> dict[str, Any]:
    return {"role": "assistant", "parts": _spoken(message), "finish_reason": str(reason or "")}
