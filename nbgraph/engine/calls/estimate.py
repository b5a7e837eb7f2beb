"""What a call is going to use, as far as its request says: the model, the tokens that go in, the most that come out.

Owns reading a request for that. Pure, and an estimate: nobody counts tokens as a provider does but the provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from json import loads
from re import compile as pattern
from typing import Any, NamedTuple

from nbgraph.prices.providers import is_free, provider_of
from nbgraph.prices.usage import Usage

_BYTES_A_TOKEN = 4
_PICTURE = 2000 * _BYTES_A_TOKEN
"""What a picture counts as: what a large one costs with most models, whatever its file's size."""
_LIMITS = (
    "max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "max_tokens_to_sample",
    "maxTokens", "num_predict",
)  # fmt: skip
_SETTINGS = ("generationConfig", "generation_config", "config", "options", "inferenceConfig")
_CHOICES = ("n", "candidateCount", "candidate_count")
_HOST = pattern(r"[a-z]+://([^/:?#]+)")
_IN_PATH = pattern(r"/(?:models|deployments|model)/([^/:?]+)")


class Expected(NamedTuple):
    """What a request says: ``model`` ("" where it names none), input tokens, the limit on output (None: none is known)."""

    model: str
    input: int
    output: int | None
    provider: str = ""
    """Who serves it, where that can be known; the same model has other prices elsewhere."""

    @property
    def usage(self) -> Usage:
        """What it is going to use, at least where no limit on output is known."""
        return Usage(self.model, self.input, self.output or 0, provider=self.provider)


def expected(text: str, large: int = 0) -> Expected:
    """Return what a request's canonical ``text`` says; ``large``: bytes of values that are kept beside it.

    Input tokens are the bytes of what is asked divided by 4, rounded up: English text has about so many, code
    and other scripts more; a picture in base64 counts 2,000. Of a recorded HTTP request only the body counts. The limit on output is
    what providers call it (``max_tokens``, ``max_completion_tokens``, ``max_output_tokens``,
    ``generationConfig.maxOutputTokens``) times the number of choices asked for. The model is an argument or a
    field named ``model``, or part of the address.

    >>> expected('{"asked":{"args":["Hello there"],"kwargs":{"model":"m","max_tokens":50}},"call":"ask"}')
    Expected(model='m', input=10, output=50, provider='')
    >>> expected('{"asked":{"args":[7],"kwargs":{}},"call":"roll"}').model
    ''
    """
    asked = loads(text)["asked"]
    if _is_http(asked) and not _generates(asked):
        return Expected("", 0, None)
    places = [place for place in _places(asked) if isinstance(place, Mapping)]
    model = next((place["model"] for place in places if _says(place.get("model"))), "") or _addressed(asked)
    if not model:
        return Expected("", 0, None)
    content = asked["body"] if _is_http(asked) else asked
    tokens, host = -(-(_bytes(content) + large) // _BYTES_A_TOKEN), _host(asked)
    return Expected(model, tokens, _most(places), provider_of(host, model))


def _host(asked: Any) -> str:
    found = _HOST.match(str(asked["url"])) if _is_http(asked) else None
    return found[1] if found else ""


def _says(model: Any) -> bool:
    return isinstance(model, str) and bool(model)


def _is_http(asked: Any) -> bool:
    return isinstance(asked, Mapping) and "url" in asked and "body" in asked


def _generates(asked: Mapping[str, Any]) -> bool:
    """Say whether a request may make a model work: one that only looks, or counts tokens, costs nothing."""
    posted = str(asked.get("method", "POST")).upper() == "POST"
    return posted and not is_free(str(asked["url"]).partition("?")[0])


def _addressed(asked: Any) -> str:
    """Return the model that an address names, as Google's and Azure's do."""
    found = _IN_PATH.search(asked["url"]) if _is_http(asked) and isinstance(asked["url"], str) else None
    return found[1] if found else ""


def _places(asked: Any) -> Iterator[Any]:
    """Yield where a model or a limit may be said, most telling first."""
    if not isinstance(asked, Mapping):
        return
    body = asked.get("body")
    around = [asked.get("kwargs"), asked, body, *(asked["args"] if isinstance(asked.get("args"), list) else ())]
    yield from around
    for place in around:
        if isinstance(place, Mapping):
            yield from (place.get(name) for name in (*_SETTINGS, "json", "body"))


def _most(places: Iterable[Mapping[str, Any]]) -> int | None:
    places = list(places)
    limit = _number(places, _LIMITS)
    return None if limit is None else limit * (_number(places, _CHOICES) or 1)


def _number(places: Iterable[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    found = (place.get(name) for place in places for name in names)
    return next((number for number in found if type(number) is int and number > 0), None)


_KINDS = ("media_type", "mimeType", "mime_type")


def _pictures(kind: Any) -> bool:
    return isinstance(kind, str) and kind.startswith("image/")


def _bytes(content: Any) -> int:
    """Return the bytes of the texts, names and numbers in plain data."""
    if isinstance(content, str):
        return _PICTURE if content.startswith("data:image/") else len(content.encode("utf-8", "surrogatepass"))
    if isinstance(content, Mapping):
        if isinstance(content.get("data"), str) and any(_pictures(content.get(name)) for name in _KINDS):
            return _PICTURE
        return sum(_bytes(name) + _bytes(value) for name, value in content.items())
    if isinstance(content, list):
        return sum(map(_bytes, content))
    return len(str(content))
