"""What a recorded HTTP answer says of the tokens it took: of three providers, and of all who speak as they do.

Owns which addresses are models', where a stream says what, and the model's name as answered. The shapes of usage
themselves are read by ``nbgraph.prices.usage``. Nothing is raised: the answer is paid for, whatever it holds.

``genai-prices`` has an ``extract_usage`` of its own. It reads the same counts (a test compares the two), but knows
no streams, no servers but those in its data, raises for a model that it does not know, and takes a tenth of a second
to load; so it is not used here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from json import loads
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from nbgraph.clients.events import data_of
from nbgraph.prices.providers import provider_of
from nbgraph.prices.usage import Usage, usage_of

_ANSWERS = re.compile(
    r"/(chat/completions|completions|responses|messages|embeddings|images/\w+|audio/\w+"
    r"|models/[^/]+:(generateContent|streamGenerateContent|embedContent|batchEmbedContents|(r|streamR)awPredict)"
    r"|model/[^/]+/(converse|invoke))/?$"
)
"""How the addresses end that a model answers at. What counts tokens, lists models or looks up old answers is free."""

_IN_PATH = re.compile(r"/(?:models|model|deployments)/([^/:]+)")

_LONG = 200
"""Characters of the longest name that is kept."""


def usage_of_answer(
    url: str, status: int, headers: Mapping[str, str], body: Any, request_body: Any = None
) -> Usage | None:
    """Return what a model's answer says of itself; None for anything but a model's answer, and for errors.

    ``body``: the answer without its encoding, as bytes, text, a JSON value, or the chunks of a stream; the same for
    ``request_body``, without chunks. Whether it was streamed shows by itself. An answer that names its model but
    no tokens gives a ``Usage`` with the model and no tokens, which nobody can price. A stream that was cut gives
    what it said until then.

    >>> usage_of_answer("http://localhost/v1/chat/completions", 200, {}, {"model": "m", "usage": {"prompt_tokens": 9,
    ...     "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 5}}})
    Usage(model='m', input=9, output=2, cache_read=5, ...)
    """
    try:
        return _read(urlsplit(url), status, headers, body, request_body)
    except Exception:  # noqa: BLE001 - bytes from a network can be anything, and the call they belong to is paid for
        return None


def _read(url: Any, status: int, headers: Mapping[str, str], body: Any, request_body: Any) -> Usage | None:
    if not 200 <= status < 300 or not _ANSWERS.search(url.path):
        return None
    said = _gathered(_documents(body) if _is_text(headers) else ())
    model = said.model or _named(request_body) or _in_path(url.path)
    told = (usage_of({"usage": said.usage}) if said.usage else None) or Usage()
    if not model and not told.tokens:
        return None  # a service of another kind at an address of that name
    model = _clean(model)
    return told._replace(model=model, provider=provider_of(url.hostname or "", model), tier=told.tier or said.tier)


class _Said(NamedTuple):
    """What the parts of an answer say together: later words replace earlier ones."""

    model: str
    tier: str
    usage: dict[str, Any]


def _gathered(documents: Iterable[Mapping[str, Any]]) -> _Said:
    said = _Said("", "", {})
    for document in documents:
        whole = _whole(document)
        model, tier = (_first(whole, *names) for names in (_MODEL, _TIER))
        usage = {name: value for name, value in _usage(whole).items() if value is not None}
        said = _Said(model or said.model, tier.lower() or said.tier, {**said.usage, **usage})
    return said


_MODEL = ("model", "modelVersion", "model_version")
_TIER = ("service_tier", "serviceTier")


def _whole(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the answer in an event: Anthropic's and OpenAI's first and last events have it inside."""
    for name in ("message", "response"):
        inside = document.get(name)
        if isinstance(inside, Mapping) and not _usage(document) and (_usage(inside) or _first(inside, *_MODEL)):
            return inside
    return document


def _usage(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    places = (whole.get("usage"), whole.get("usageMetadata"), whole.get("usage_metadata"), whole.get("x_groq"))
    found = next((place for place in places if isinstance(place, Mapping)), {})
    return found["usage"] if isinstance(found.get("usage"), Mapping) else found


def _documents(body: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of an answer; of a stream those that matter: up to the model's name, and with usage."""
    if isinstance(body, (bytes, bytearray, str)):
        body = [body]
    if isinstance(body, Mapping):
        yield body
    elif isinstance(body, (list, tuple)):
        chunks = [bytes(part) if isinstance(part, bytearray) else part for part in body if _is_chunk(part)]
        value = _whole_json(chunks) if chunks else body
        yield from _mappings(_streamed(chunks) if value is None else value)


def _is_chunk(part: Any) -> bool:
    return isinstance(part, (bytes, bytearray, str))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    parts = [value] if isinstance(value, Mapping) else value if isinstance(value, Iterable) else ()
    return (part for part in parts if isinstance(part, Mapping))


def _whole_json(chunks: list[bytes | str]) -> Any:
    """Return the value of an answer that is one JSON text, also where it came in chunks; None for any other."""
    first = next((chunk.lstrip()[:1] for chunk in chunks if chunk.strip()), "")
    if first not in (b"{", b"[", "{", "["):
        return None
    whole = [chunk.encode("utf-8", "replace") if isinstance(chunk, str) else chunk for chunk in chunks]
    return _json(b"".join(whole))


def _tells_usage(data: str) -> bool:
    """Say whether an event may hold usage: OpenAI's others say that they have none, and need not be read for it."""
    said = data.count("usage")
    return said > 1 or (said == 1 and _NO_USAGE.search(data) is None)


_NO_USAGE = re.compile(r'"usage": ?null')


def _streamed(chunks: Iterable[bytes | str]) -> Iterator[Any]:
    named = False
    for data in data_of(chunks):
        if named and not _tells_usage(data):
            continue
        value = _json(data)
        named = named or (isinstance(value, Mapping) and bool(_first(_whole(value), *_MODEL)))
        yield value


def _json(text: Any) -> Any:
    """Return the value of a JSON text, None for any other text."""
    try:
        return loads(text)
    except (ValueError, RecursionError):
        return None


def _is_text(headers: Mapping[str, str]) -> bool:
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return not kind or any(word in kind.lower() for word in ("json", "text", "event-stream"))


def _named(request_body: Any) -> str:
    body = _json(request_body) if isinstance(request_body, (bytes, bytearray, str)) else request_body
    return _first(body, "model") if isinstance(body, Mapping) else ""


def _in_path(path: str) -> str:
    found = _IN_PATH.search(path)
    return unquote(found[1]) if found else ""


def _first(facts: Mapping[str, Any], *names: str) -> str:
    return next((facts[name] for name in names if isinstance(facts.get(name), str) and facts[name]), "")


def _clean(model: str) -> str:
    """Return a name that can be a label: not too long, and nothing in it that is no character."""
    return model.removeprefix("models/")[:_LONG].encode("utf-8", "replace").decode()
