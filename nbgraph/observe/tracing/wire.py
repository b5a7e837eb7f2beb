"""What the body of a recorded request or response says: JSON as it was kept, or as it came, whole or in parts.

Owns the reading of bodies. A stream of server-sent events is put together to what the same answer would be in one piece,
as far as spans tell of it: its id, its text, why it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from json import loads
from typing import Any


def body_of(message: Any) -> Mapping[str, Any]:
    """Return the JSON object that a request or response carries, an empty one where it carries none."""
    if not isinstance(message, Mapping):
        return {}
    if isinstance(message.get("chunks"), list):
        return _together("".join(chunk for chunk in message["chunks"] if isinstance(chunk, str)))
    body = message.get("body")
    return _object(body) if isinstance(body, str) else body if isinstance(body, Mapping) else {}


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _together(text: str) -> Mapping[str, Any]:
    """Return the answer that came in events: OpenAI's (chat and responses), Anthropic's, Google's."""
    said, name, reason = "", "", ""
    for event in filter(None, (_object(line[5:]) for line in text.split("\n") if line.startswith("data:"))):
        whole = event.get("response")
        if isinstance(whole, Mapping) and whole.get("output"):  # OpenAI's responses end with the answer in one piece
            return whole
        message = event.get("message")
        first = message.get("id") if isinstance(message, Mapping) else None
        name = name or str(event.get("id") or event.get("responseId") or first or "")
        for part in _parts(event):
            said += part if isinstance(part, str) else ""
        reason = next((str(one) for one in _reasons(event) if one), reason)
    choice = {"message": {"role": "assistant", "content": said}, "finish_reason": reason}
    return {"id": name, "choices": [choice]} if name or said else {}


def _parts(event: Mapping[str, Any]) -> Iterator[Any]:
    for choice in _listed(event, "choices"):
        yield _under(choice, "delta").get("content")
    yield _under(event, "delta").get("text")
    for candidate in _listed(event, "candidates"):
        yield from (part.get("text") for part in _listed(_under(candidate, "content"), "parts"))


def _reasons(event: Mapping[str, Any]) -> Iterator[Any]:
    yield from (choice.get("finish_reason") for choice in _listed(event, "choices"))
    yield _under(event, "delta").get("stop_reason")
    yield from (candidate.get("finishReason") for candidate in _listed(event, "candidates"))


def _under(part: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = part.get(name)
    return found if isinstance(found, Mapping) else {}


def _listed(part: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = part.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
