"""What a call asks for, as canonical text: which function, and with what.

Owns the text and its digest. Two requests are the same if their digests are: secrets are blanked before,
so a key that was rotated changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from nbgraph.codec import Redaction, keep
from nbgraph.errors import CallError, CodecError


class Request(NamedTuple):
    """A request: ``label`` for people, ``text`` as it is kept, its SHA-256, and the large values in it."""

    label: str
    text: str
    digest: str
    blobs: Mapping[str, bytes]


def unwrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function behind ``functools.partial`` and ``@ng.call``."""
    while True:
        inner = fn.func if isinstance(fn, partial) else getattr(fn, "__recorded__", None)
        if inner is None:
            return fn
        fn = inner


def label_of(fn: Callable[..., Any]) -> str:
    """Return a function's name for records: the module and the qualified name.

    >>> from functools import partial
    >>> label_of(partial(sorted, reverse=True))
    'builtins.sorted'
    """
    fn = unwrapped(fn)
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return f"{getattr(named, '__module__', None) or 'builtins'}.{named.__qualname__}"


def request_of(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], redact: Redaction) -> Request:
    """Return the request of calling ``fn``; raises ``CallError`` for an argument that cannot be kept."""
    if isinstance(fn, partial):
        return request_of(fn.func, (*fn.args, *args), {**fn.keywords, **kwargs}, redact)
    return described(label_of(fn), {"args": list(args), "kwargs": dict(kwargs)}, redact)


def described(label: str, asked: Any, redact: Redaction) -> Request:
    """Return the request named ``label`` for ``asked``: any value that can be kept."""
    blobs: dict[str, bytes] = {}
    try:
        text, _ = keep(asked, redact=redact, blobs=blobs, records=True)
    except CodecError as error:
        raise CallError(
            f"the request of {label} cannot be recorded: {error.message}",
            still="nothing was called",
            todo="pass plain data; bind clients and connections beforehand (a closure, a method, an object's own name)",
            call=label,
            path=error.path,
            actual=error.actual,
        ) from error
    whole = f'{{"asked":{text},"call":{encode_basestring(label)}}}'
    return Request(label, whole, sha256(whole.encode("utf-8", "surrogatepass")).hexdigest(), blobs)
