"""``keep``: a value's text and the private, frozen copy that nodes will see; ``is_frozen``.

Owns the fast ways for what most state is made of: atoms, and containers of plain JSON data. They must
give exactly what the general way gives; a test compares them.
"""

from __future__ import annotations

import dataclasses
import enum
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

from nbgraph.codec.canonical import TAGS, handler_of, lift, lower
from nbgraph.codec.frozen import FrozenDict, FrozenList, FrozenSet
from nbgraph.codec.known import NO_TYPES, Types, is_named_tuple
from nbgraph.codec.limits import INT_BOUND, MAX_DEPTH
from nbgraph.codec.reader import Reader
from nbgraph.codec.record import Record, Redacted
from nbgraph.codec.redaction import Redaction, is_secret
from nbgraph.codec.scalars import SURROGATE
from nbgraph.codec.scalars import WRITERS as _SCALARS
from nbgraph.codec.text import to_text
from nbgraph.codec.times import WRITERS as _TIMES
from nbgraph.codec.writer import Writer

_ATOMS = frozenset({str, bool, type(None)})
_IMMUTABLE = frozenset({*_SCALARS, *_TIMES, Record, Redacted})


def keep(
    value: Any,
    *,
    types: Types = NO_TYPES,
    redact: Redaction | None = None,
    blobs: dict[str, bytes] | None = None,
    name: str = "",
    records: bool = False,
) -> tuple[str, Any]:
    """Return a value's text, as ``encode`` writes it, and a private copy, as ``decode(frozen=True)`` gives it.

    ``name`` is the field that the value belongs to, for redaction by name. What ``redact`` hides, and
    pydantic's secrets, are hidden in the text only: the copy holds the real value. A class that is neither
    in ``types`` nor registered raises ``CodecError``; with ``records`` the copy has a ``Record`` in its
    place, as it will have when it is read again.

    >>> keep({"b": [1], "a": "x"})
    ('{"a":"x","b":[1]}', {'a': 'x', 'b': [1]})
    """
    if redact is not None and (redact.hook is not None or (name and redact.covers(name))):
        return _keep_any(value, types, redact, blobs, name, records)
    cls = type(value)
    if cls is str:
        if value.isascii() or not SURROGATE.search(value):
            return encode_basestring(value), value
    elif cls is int:
        if -INT_BOUND < value < INT_BOUND:
            return int.__repr__(value), value
    elif cls is float:
        if isfinite(value):
            return float.__repr__(value), value
    elif cls is bool:
        return ("true" if value else "false"), value
    elif value is None:
        return "null", None
    elif cls in _PLAIN_CONTAINERS:
        kept = _keep_plain(value, redact)
        if kept is not None:
            return kept
    return _keep_any(value, types, redact, blobs, name, records)


def _keep_any(
    value: Any,
    types: Types,
    redact: Redaction | None,
    blobs: dict[str, bytes] | None,
    name: str,
    records: bool,
) -> tuple[str, Any]:
    """Keep by way of a tree; where something was hidden, by a second tree that never becomes text."""
    writer = Writer(handler_of, blobs=blobs, redact=redact, known=None if records else types)
    if name and redact is not None and value is not None and redact.covers(name):
        tree, writer.hidden = {"$redacted": f"key {name.lower()}"}, True
    else:
        tree = lower(writer, value)
    text, store = to_text(tree), blobs
    if writer.hidden:
        store = {}  # the secret must not reach the caller's blobs either
        tree = lower(Writer(handler_of, blobs=store, known=None if records else types, reveal=True), value)
    blob = store.__getitem__ if store is not None else None
    return text, lift(Reader(TAGS, types=types, blob=blob, frozen=True), tree)


class _NotPlainError(Exception):
    """Something in a container needs a tag: the general way serves it."""


_PLAIN_CONTAINERS = frozenset({list, dict, FrozenList, FrozenDict})
_NOT_PLAIN = _NotPlainError()


def _keep_plain(value: Any, redact: Redaction | None) -> tuple[str, Any] | None:
    """Return the text and copy of plain JSON data, or ``None`` if it holds anything else."""
    try:
        copy = _copy_plain(value, redact.keys if redact is not None else frozenset(), MAX_DEPTH)
    except (_NotPlainError, TypeError):
        return None
    text = to_text(copy)
    return (text, copy) if text.isascii() or not SURROGATE.search(text) else None


def _copy_plain(value: Any, hidden: frozenset[str], levels: int) -> Any:
    cls = type(value)
    if cls in _ATOMS:
        return value
    if cls is int:
        if -INT_BOUND < value < INT_BOUND:
            return value
    elif cls is float:
        if isfinite(value):
            return value
    elif levels < 0:
        pass
    elif cls is list or cls is FrozenList:
        return FrozenList([item if type(item) in _ATOMS else _copy_plain(item, hidden, levels - 1) for item in value])
    elif cls is dict or cls is FrozenDict:
        return _copy_plain_dict(value, hidden, levels - 1)
    raise _NOT_PLAIN


def _copy_plain_dict(value: dict[Any, Any], hidden: frozenset[str], levels: int) -> FrozenDict:
    entries = {}
    # In the text's order, which is what anybody who reads the value again will see.
    for key in sorted(value):
        if type(key) is not str or key[:1] == "$" or (hidden and key.lower() in hidden):
            raise _NOT_PLAIN
        item = value[key]
        entries[key] = item if type(item) in _ATOMS else _copy_plain(item, hidden, levels)
    return FrozenDict(entries)


def is_frozen(value: Any) -> bool:
    """Say whether a kept value cannot be changed in place; if not, compare it after use.

    >>> is_frozen(keep([1, {"a": 2}])[1]), is_frozen([1])
    (True, False)
    """
    cls = type(value)
    if cls in _IMMUTABLE:
        return True
    if cls is FrozenList or cls is tuple or cls is frozenset or cls is FrozenSet:
        return all(map(is_frozen, value))
    if cls is FrozenDict:
        return all(map(is_frozen, value.values())) and all(map(is_frozen, value))
    if issubclass(cls, enum.Enum) or is_secret(cls):
        return True
    if is_named_tuple(cls):
        return all(map(is_frozen, value))
    return _is_frozen_other(cls, value)


def _is_frozen_other(cls: type, value: Any) -> bool:
    package = cls.__module__.partition(".")[0]
    if package == "numpy":
        if cls.__name__ == "ndarray":
            return not bool(value.flags.writeable)
        return cls.__name__ != "void"
    if package == "pandas":
        return cls.__name__ in ("Timestamp", "Timedelta", "NaTType", "NAType")
    if dataclasses.is_dataclass(cls) and value.__dataclass_params__.frozen:
        return all(is_frozen(getattr(value, field.name)) for field in dataclasses.fields(cls))
    return False
