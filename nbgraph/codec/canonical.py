"""``encode`` and ``decode``: the one door between values and text.

Owns which handler serves which class. Reading never imports, evaluates or looks up what text names.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING, Any

from nbgraph.codec import arrays, containers, frames, models, objects, scalars, times
from nbgraph.codec.known import NO_TYPES, Types, is_model, is_named_tuple
from nbgraph.codec.limits import MAX_DEPTH
from nbgraph.codec.reader import Reader, TagReader
from nbgraph.codec.record import Record
from nbgraph.codec.redaction import is_secret
from nbgraph.codec.refusals import way_out
from nbgraph.codec.registry import REGISTRY
from nbgraph.codec.text import from_text, to_text
from nbgraph.codec.writer import Handler, Writer
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable

_EXACT: dict[type, Handler] = {
    **scalars.WRITERS,
    **times.WRITERS,
    **containers.WRITERS,
    Record: objects.write_record,
}
TAGS: dict[str, TagReader] = {
    **scalars.READERS,
    **times.READERS,
    **containers.READERS,
    **objects.READERS,
    **models.READERS,
    **arrays.READERS,
    **frames.READERS,
}


def handler_of(cls: type) -> Handler | None:
    """Return what writes instances of exactly this class; never what would demote a subclass."""
    return _EXACT.get(cls) or _handler_of_other(cls)


def _handler_of_other(cls: type) -> Handler | None:
    if cls in REGISTRY.by_class:
        return objects.write_registered
    if is_secret(cls):
        return models.write_secret
    if issubclass(cls, enum.Enum):
        return objects.write_enum
    if is_named_tuple(cls):
        return objects.write_named_tuple
    package = cls.__module__.partition(".")[0]
    found = None
    if package == "numpy":
        found = arrays.handler_for(cls)
    elif package == "pandas":
        found = frames.handler_for(cls)
    return found or _handler_of_class(cls)


def _handler_of_class(cls: type) -> Handler | None:
    if issubclass(cls, (type, BaseException, str, bytes, int, float, complex, list, tuple, dict, set, frozenset)):
        return _refuse
    if is_model(cls):
        return models.write_model
    if dataclasses.is_dataclass(cls):
        return objects.write_dataclass
    return _refuse


def _refuse(writer: Writer, value: Any) -> Any:
    writer.refuse(value, way_out(value))


def lower(writer: Writer, value: Any) -> Any:
    """Return a value's tree; every failure is a ``CodecError``."""
    try:
        return writer.lower(value)
    except CodecError:
        raise
    except RecursionError:
        raise CodecError(f"a value nests too deep for the stack left here (at most {MAX_DEPTH} levels)") from None
    except Exception as error:  # noqa: BLE001 - a user's to_plain, hook, property or __eq__ may raise anything
        writer.fail(f"could not be read: {type(error).__name__}: {error}", "see the cause", type(error).__name__)


def lift(reader: Reader, tree: Any) -> Any:
    """Return a tree's value; every failure is a ``CodecError``."""
    try:
        return reader.lift(tree)
    except CodecError:
        raise
    except Exception as error:
        raise CodecError(
            f"the text is not a value: {type(error).__name__}: {str(error)[:200]}",
            todo="the store's verify() finds what was changed",
            path="$",
            actual=type(error).__name__,
        ) from error


def encode(value: Any, *, blobs: dict[str, bytes] | None = None) -> str:
    """Return a value's canonical JSON text: equal values of equal types give equal text, everywhere.

    Bytes of 64 KiB and more go to ``blobs`` under their SHA-256, if one is given. pydantic's secrets are
    redacted always. Raises ``CodecError`` with ``path``, ``actual`` and the way out.

    >>> encode({"b": (1, 2.0), "a": {3, 1}})
    '{"a":{"$set":[1,3]},"b":{"$tuple":[1,2.0]}}'
    """
    return to_text(lower(Writer(handler_of, blobs=blobs), value))


def decode(
    text: str,
    *,
    types: Types = NO_TYPES,
    blob: Callable[[str], bytes] | None = None,
    frozen: bool = False,
) -> Any:
    """Return the value of a text. Whatever the text, the only error is ``CodecError``.

    Classes are rebuilt from ``types`` and ``register_codec`` alone, others load as a ``Record``. ``blob``
    returns the bytes of a digest. With ``frozen`` lists, dicts and sets refuse to be changed and arrays
    are read-only, at every level.

    >>> decode('{"$tuple":[1,2.0]}')
    (1, 2.0)
    """
    try:
        tree = from_text(text)
    except (ValueError, RecursionError, TypeError) as error:
        raise CodecError(f"the text is not JSON: {str(error)[:200]}", path="$", actual="text") from None
    return lift(Reader(TAGS, types=types, blob=blob, frozen=frozen), tree)
