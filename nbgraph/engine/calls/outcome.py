"""What a call gave, as canonical text and back: a response, or an exception.

Owns both directions. A recorded exception is rebuilt only as a class that is loaded already, and without
running that class's ``__init__``: reading a record imports nothing and runs nothing.
"""

from __future__ import annotations

import builtins
import sys
import traceback
from collections.abc import Callable, Mapping
from json import dumps, loads
from json.encoder import encode_basestring
from typing import Any, NamedTuple, get_type_hints

from nbgraph.codec import NO_TYPES, Redaction, Types, decode, keep, thaw
from nbgraph.errors import CallError, CodecError


class Kept(NamedTuple):
    """A response: its text, what the node gets, and the large values in it."""

    text: str
    value: Any
    blobs: Mapping[str, bytes]


class Failed(NamedTuple):
    """An exception as it is kept."""

    text: str
    blobs: Mapping[str, bytes]


def types_of(fn: Callable[..., Any], known: Types) -> Types:
    """Return the classes that a response may be rebuilt as: those known, and those of the function's return hint."""
    try:
        hint = get_type_hints(fn).get("return")
    except Exception:  # noqa: BLE001 - hints of foreign code may name what is not there
        hint = None
    return known if hint is None or hint is type(None) else known | Types.of(hint)


def kept(value: Any, types: Types, redact: Redaction, label: str) -> Kept:
    """Return a response as it is kept, and as the node gets it: a copy, as a replay will give it.

    What the record cannot rebuild is a read-only ``Record`` for the live node too, so that live and replay
    behave the same. Raises ``CallError`` for what cannot be kept at all.
    """
    blobs: dict[str, bytes] = {}
    try:
        text, copy = keep(value, types=types, redact=redact, blobs=blobs, records=True)
    except CodecError as error:
        raise CallError(
            f"what {label} returned cannot be recorded: {error.message}",
            still="the call was made",
            todo="let the called function return plain data (a dict, a text, a dataclass), or register a codec",
            call=label,
            path=error.path,
            actual=error.actual,
        ) from error
    return Kept(text, thaw(copy), blobs)


def response_of(text: str, types: Types, blob: Callable[[str], bytes]) -> Any:
    """Return a recorded response."""
    return decode(text, types=types, blob=blob)


def failed(error: BaseException, redact: Redaction) -> Failed:
    """Return an exception's record: class by name, args and own attributes as data, traceback as text."""
    blobs: dict[str, bytes] = {}
    cls = type(error)
    args = [_plain(item, redact, blobs) for item in error.args]
    fields = {name: _plain(value, redact, blobs) for name, value in vars(error).items() if not name.startswith("__")}
    shown = "".join(traceback.format_exception(error, limit=-12))
    parts = {
        "args": "[" + ",".join(args) + "]",
        "fields": "{" + ",".join(f"{encode_basestring(name)}:{fields[name]}" for name in sorted(fields)) + "}",
        "text": dumps(words(error)),
        "traceback": dumps(shown),
        "type": dumps(f"{cls.__module__}.{cls.__qualname__}"),
    }
    return Failed("{" + ",".join(f'"{name}":{text}' for name, text in parts.items()) + "}", blobs)


def _plain(value: Any, redact: Redaction, blobs: dict[str, bytes]) -> str:
    try:
        return keep(value, redact=redact, blobs=blobs, records=True)[0]
    except CodecError:
        return dumps(repr(value)[:500])


def words(error: BaseException) -> str:
    """Return an exception's text, whatever it takes."""
    try:
        return str(error)
    except Exception as wrong:  # noqa: BLE001 - a foreign __str__ may raise anything
        return f"<its text raises {type(wrong).__name__}>"


def error_of(text: str, blob: Callable[[str], bytes]) -> Exception:
    """Return a recorded exception, to be raised again; ``CallError`` where its class is not loaded."""
    record = loads(text)
    whole = decode(text, types=NO_TYPES, blob=blob)
    cls = _loaded(record["type"])
    if cls is None:
        return CallError(
            f"the recorded call raised {record['type']}: {record['text']}",
            still="nothing was called",
            todo="import the module of that exception, so that it can be raised as itself",
            actual=record["type"],
        )
    error = _bare(cls, whole["args"])
    vars(error).update(whole["fields"])
    error.add_note("The recorded traceback:\n" + record["traceback"])
    return error


def _loaded(name: str) -> type[Exception] | None:
    """Return the exception class of that name if some module that is loaded has it."""
    module, _, qualname = name.rpartition(".")
    while module:
        found: Any = builtins if module == "builtins" else sys.modules.get(module)
        if found is not None:
            for part in qualname.split("."):
                found = vars(found).get(part) if isinstance(found, type) or hasattr(found, "__dict__") else None
            return found if isinstance(found, type) and issubclass(found, Exception) else None
        module, _, head = module.rpartition(".")
        qualname = f"{head}.{qualname}"
    return None


def _bare(cls: type[Exception], args: list[Any]) -> Exception:
    """Return an instance without running any Python ``__init__`` or ``__new__`` of the class."""
    base = next(base for base in cls.__mro__ if base.__module__ == "builtins")
    try:
        error: Exception = base.__new__(cls, *args)
    except TypeError:  # UnicodeDecodeError and others want arguments of certain types
        error = Exception.__new__(cls)
    error.args = tuple(args)
    return error
