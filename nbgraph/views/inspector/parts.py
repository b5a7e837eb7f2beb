"""What a value holds, in pieces that can be asked for one by one: items, entries, fields, rows.

Owns the taking apart, without running anything of the value's own class where that can be helped. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any

from nbgraph.codec import Record
from nbgraph.codec.known import is_model, is_named_tuple

Part = tuple[str, Any]


def words(value: Any, most: int) -> str:
    """Return a value's repr, at most ``most`` characters; never raises."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a class of the user's may raise anything
        text = f"<{type(value).__name__}, which cannot be shown: {type(error).__name__}>"
    return text if len(text) <= most else text[: most - 1] + "…"


def key_words(key: Any) -> str:
    """Return a dict's key as a label: text as it is, everything else as it is written."""
    return key if isinstance(key, str) else words(key, 80)


def size(value: Any) -> int | None:
    """Return how many parts a value holds, None for one that has none to show."""
    if is_table(value):
        return None
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return len(value)
    named = _fields(value)
    return None if named is None else len(named)


def is_table(value: Any) -> bool:
    """Say whether a value is a DataFrame, a Series, an Index or an array, without importing what makes them."""
    package = type(value).__module__.partition(".")[0]
    return (package == "pandas" and hasattr(value, "iloc")) or (
        package == "numpy" and type(value).__name__ == "ndarray"
    )


def parts(value: Any, first: int = 0, most: int | None = None) -> list[Part]:
    """Return the parts of a value from ``first`` on, with their labels; none for a value without parts."""
    return list(islice(_all(value), first, None if most is None else first + most))


def _all(value: Any) -> Iterator[Part]:
    if is_table(value):
        return iter(())
    if isinstance(value, Mapping):
        return ((key_words(key), item) for key, item in value.items())
    if isinstance(value, tuple) and is_named_tuple(type(value)):
        return iter(_fields(value) or ())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ((str(place), item) for place, item in enumerate(value))
    return iter(_fields(value) or ())


def _fields(value: Any) -> Sequence[Part] | None:
    """Return the named fields of a record, None for what is none."""
    cls = type(value)
    if isinstance(value, Record):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name, None)) for field in fields(value)]
    if is_named_tuple(cls):
        return list(zip(cls._fields, value, strict=False))
    return list(vars(value).items()) if is_model(cls) else None


def found_at(value: Any, path: Sequence[int]) -> Any:
    """Return the part that a path of places leads to; raises ``LookupError`` where it leads nowhere."""
    for place in path:
        step = parts(value, place, 1)
        if not step:
            raise LookupError(place)
        value = step[0][1]
    return value
