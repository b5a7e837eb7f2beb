"""What a call asks for, as canonical text: which function, and with what.

Owns the text and its digest. Two requests are the same if their digests are: secrets are blanked before,
so a key that was rotated changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from json.encoder import encode_basestring
from types import CellType, CodeType, MethodType
from typing import Any, NamedTuple

from nbgraph.codec import Redaction, keep
from nbgraph.errors import CallError, CodecError, OptionsError
from nbgraph.graph.source import source_of

POLICIES = ("retry", "ask", "skip")
"""What to do about a call of which nobody knows how it ended."""


class Request(NamedTuple):
    """A request: ``label`` for people, ``text`` as it is kept, its SHA-256, and the large values in it."""

    label: str
    text: str
    digest: str
    blobs: Mapping[str, bytes]
    home: str = ""
    """The module of the function; "" for a notebook's or a script's own, from where it may move to any other."""


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
    """Return a function's name for records: its qualified name, without the module.

    >>> from functools import partial
    >>> label_of(partial(sorted, reverse=True)), label_of("a".join)
    ('sorted', 'str.join')
    """
    return str(_named(fn).__qualname__)


def home_of(fn: Callable[..., Any]) -> str:
    """Return the module of a function, "" for the main one.

    >>> home_of(print), home_of(label_of)
    ('builtins', 'nbgraph.engine.calls.request')
    """
    module = getattr(_named(fn), "__module__", None) or "builtins"
    return "" if module == "__main__" else str(module)


def at_home(recorded: str, now: str) -> bool:
    """Say whether two homes can be one function's: what is said by name alone must not be another module's.

    >>> at_home("", "shop.prices"), at_home("shop.prices", "shop.costs")
    (True, False)
    """
    return not recorded or not now or recorded == now


def _named(fn: Callable[..., Any]) -> Any:
    fn = unwrapped(fn)
    return fn if hasattr(fn, "__qualname__") else type(fn)


def _code_of(fn: Callable[..., Any]) -> str:
    """Return the digest of a lambda's code and of the plain values it closes over, since its name says nothing.

    "" for a function with a name.
    """
    if getattr(fn, "__name__", "") != "<lambda>":
        return ""
    held = [cell.cell_contents for cell in fn.__closure__ or () if _bound(cell)]
    plain = [repr(value) for value in (*held, *(fn.__defaults__ or ())) if isinstance(value, _ATOMS)]
    return sha256("\n".join([_source(fn.__code__, fn), *plain]).encode("utf-8", "surrogatepass")).hexdigest()


_ATOMS = (str, int, float, bool, bytes, type(None))


def _bound(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - an empty cell raises
    except ValueError:
        return False
    return True


_sources: dict[CodeType, str] = {}


def _source(code: CodeType, fn: Callable[..., Any]) -> str:
    """Return the digest of a lambda's source; looked up once, since that takes milliseconds."""
    if code not in _sources:
        if len(_sources) > _MANY:
            _sources.clear()
        _sources[code] = source_of(fn).digest
    return _sources[code]


_MANY = 1000


def request_of(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], redact: Redaction) -> Request:
    """Return the request of calling ``fn``; raises ``CallError`` for an argument that cannot be kept."""
    fn, args, kwargs = peeled(fn, args, kwargs)
    request = described(label_of(fn), {"args": list(args), "kwargs": dict(kwargs)}, redact, _code_of(fn))
    return request._replace(home=home_of(fn))


def described(label: str, asked: Any, redact: Redaction, code: str = "") -> Request:
    """Return the request named ``label`` for ``asked``: any value that can be kept. ``code`` tells equal names apart."""
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
    code = f',"code":"{code}"' if code else ""
    whole = f'{{"asked":{text},"call":{encode_basestring(label)}{code}}}'
    return Request(label, whole, sha256(whole.encode("utf-8", "surrogatepass")).hexdigest(), blobs)


def policy(unknown: Any) -> str:
    """Return ``unknown``; raises ``OptionsError`` where there is no such policy."""
    if unknown not in POLICIES:
        raise OptionsError(
            f"unknown is {unknown!r}", option="unknown", actual=unknown, todo=f"choose one of {', '.join(POLICIES)}"
        )
    return str(unknown)
