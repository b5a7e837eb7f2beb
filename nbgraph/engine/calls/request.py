"""What a call asks for, as canonical text: which function, and with what.

Owns the text and its digest. Two requests are the same if their digests are: secrets are blanked before,
so a key that was rotated changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from json.encoder import encode_basestring
from types import MethodType
from typing import Any, NamedTuple

from nbgraph.codec import Redaction, keep
from nbgraph.errors import CallError, CodecError, OptionsError

POLICIES = ("retry", "ask", "skip")
"""What to do about a call of which nobody knows how it ended."""


class Request(NamedTuple):
    """A request: ``label`` for people, ``text`` as it is kept, its SHA-256, and the large values in it."""

    label: str
    text: str
    digest: str
    blobs: Mapping[str, bytes]


def unwrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function behind ``functools.partial`` and ``@ng.call``."""
    return peeled(fn, (), {})[0]


def peeled(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]:
    """Return the function behind ``functools.partial`` and ``@ng.call``, and all arguments of the call.

    >>> peeled(partial(partial(max, 1), default=0), (2,), {})
    (<built-in function max>, (1, 2), {'default': 0})
    """
    while True:
        inner: Callable[..., Any] | None = getattr(fn, "__recorded__", None)
        if isinstance(fn, partial):
            part: partial[Any] = fn
            fn, args, kwargs = part.func, (*part.args, *args), {**part.keywords, **kwargs}
        elif inner is not None:
            fn = MethodType(inner, fn.__self__) if isinstance(fn, MethodType) else inner
        else:
            return fn, args, kwargs


def label_of(fn: Callable[..., Any]) -> str:
    """Return a function's name for records: as its class knows it, without the module and function around it.

    A function that moves from a notebook to a module makes the same calls as before.

    >>> from functools import partial
    >>> label_of(partial(sorted, reverse=True)), label_of("a".join)
    ('sorted', 'str.join')
    """
    fn = unwrapped(fn)
    named = fn if hasattr(fn, "__qualname__") else type(fn)
    return str(named.__qualname__).rpartition("<locals>.")[2]


def request_of(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], redact: Redaction) -> Request:
    """Return the request of calling ``fn``; raises ``CallError`` for an argument that cannot be kept."""
    fn, args, kwargs = peeled(fn, args, kwargs)
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


def policy(unknown: Any) -> str:
    """Return ``unknown``; raises ``OptionsError`` where there is no such policy."""
    if unknown not in POLICIES:
        raise OptionsError(
            f"unknown is {unknown!r}", option="unknown", actual=unknown, todo=f"choose one of {', '.join(POLICIES)}"
        )
    return str(unknown)
