"""Values as JSON data that people can read: what tuples, dates, arrays, records and the like become.

Owns that one-way street; what reads back to the same value is the codec's text. Knows what the codec gives back
without a graph's classes, and nothing of runs. Imports neither numpy nor pandas.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from json import JSONEncoder
from math import isfinite, isnan
from typing import Any

from nbgraph.codec import Record, Redacted, encode
from nbgraph.errors import NbgraphError

_DIGITS = 10_000
"""Bits of an integer up to which it is written in digits; Python refuses to write very long ones."""
_ASCII = JSONEncoder(allow_nan=False)
_WIDE = JSONEncoder(allow_nan=False, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return a value as JSON data.

    Tuples, sets and arrays become lists, bytes base64, dates and what else has no JSON form its text. A float that
    JSON lacks becomes "NaN", "Infinity" or "-Infinity"; an object of a class ``{"$class": name, fields ...}``; a
    dict with keys that are no text, and not told apart by theirs, a list of pairs.

    >>> plain({"at": (1, 2.5), 3: {2, 1}, "raw": b"hi"})
    {'at': [1, 2.5], '3': [1, 2], 'raw': 'aGk='}
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= _DIGITS else hex(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else _odd(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [plain(item) for item in sorted(value, key=_place)]
    return _other(value)


def _odd(value: float) -> str:
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _place(value: Any) -> tuple[bool, float, str]:
    number = isinstance(value, (int, float)) and not isnan(value) and abs(value) < 1e300
    return not number, float(value) if number else 0.0, "" if number else encode(value, blobs={})


def _mapping(value: Mapping[Any, Any]) -> Any:
    pairs = [(key if isinstance(key, str) else _text_of_key(key), plain(item)) for key, item in value.items()]
    found = dict(pairs)
    return found if len(found) == len(pairs) else [[plain(key), plain(item)] for key, item in value.items()]


def _text_of_key(key: Any) -> str:
    found = plain(key)
    return found if isinstance(found, str) else _WIDE.encode(found)


def _other(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, Record):
        return {"$class": Record.__identity__(value)[1], **{name: plain(item) for name, item in value}}
    if isinstance(value, Redacted):
        return repr(value)
    for name, *how in (("isoformat",), ("tolist",), ("to_dict", "tight")):  # dates; numpy's and Series; DataFrames
        method = getattr(value, name, None)
        found = method(*how) if callable(method) else value
        if type(found) is not type(value):  # a long double stays one
            return plain(found)
    return str(value)


def text_of(value: Any) -> str:
    """Return JSON data as JSON text in ASCII: no terminal, pipe or page can be hurt by it."""
    return _ASCII.encode(value)


def shown(value: Any) -> str:
    """Return any value as JSON text for people to read; what a terminal must not see is not escaped here yet."""
    return _WIDE.encode(plain(value))


def moment(seconds: float | None) -> str | None:
    """Return seconds since 1970 as ISO text in UTC, None for none and for what is no time.

    >>> moment(0.5), moment(1e300)
    ('1970-01-01T00:00:00.500000+00:00', None)
    """
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    except (OverflowError, ValueError, OSError):
        return None


def error_of(error: NbgraphError) -> dict[str, Any]:
    """Return an error as data: type, message, still, todo."""
    return {"type": type(error).__name__, "message": error.message, "still": error.still, "todo": error.todo}
