"""Values as text, bounded before it is made: a megabyte costs no more than what is shown of it.

Owns the layout of nested values, and what may never happen: a display raises nothing, whatever a ``__repr__`` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

_LINE, _DEPTH, _TEXT = 88, 12, 20_000
"""Characters of a value that stays on one line; levels that are gone down; characters of any one text inside a value."""


_BRACKETS: tuple[tuple[type[Collection[Any]], str, str], ...] = (
    (list, "[", "]"),
    (tuple, "(", ")"),
    (set, "{", "}"),
    (frozenset, "{", "}"),
)


class _FullError(Exception):
    """What was asked for is there; the rest is not looked at."""


class _Room:
    """Text up to a bound."""

    def __init__(self, most: int) -> None:
        self.parts: list[str] = []
        self.left = most

    def put(self, text: str) -> None:
        self.parts.append(text[: self.left])
        self.left -= len(text)
        if self.left < 0:
            raise _FullError


def value_text(value: Any, most: int) -> str:
    """Return a value as a person reads it, at most about ``most`` characters; a text as it is, others as Python writes them.

    >>> value_text({"a": [1, 2]}, 100), value_text("x" * 50, 10)
    ("{'a': [1, 2]}", 'xxxxxxxxxx…')
    """
    room = _Room(most)
    try:
        if isinstance(value, str):
            room.put(value)
        else:
            _write(room, value, 0)
    except _FullError:
        return "".join(room.parts) + "…"
    return "".join(room.parts)


def _write(room: _Room, value: Any, depth: int) -> None:
    found = _parts(value) if depth < _DEPTH else None
    if found is None:
        room.put(_repr(value))
        return
    opening, parts, closing = found
    short = _short(value)
    if short is not None:
        room.put(short)
        return
    room.put(opening)
    for label, part in parts:
        room.put("\n" + "  " * (depth + 1) + label)
        _write(room, part, depth + 1)
        room.put(",")
    room.put("\n" + "  " * depth + closing)


def _parts(value: Any) -> tuple[str, Iterator[tuple[str, Any]], str] | None:
    """Return how a container is written: what opens it, its labelled parts, what closes it; None for anything else."""
    if isinstance(value, Mapping):
        return "{", ((f"{_repr(key)}: ", part) for key, part in value.items()), "}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{type(value).__name__}(", zip([f"{name}=" for name in value._fields], value, strict=False), ")"
    for kind, opening, closing in _BRACKETS:
        if isinstance(value, kind):
            return opening, (("", part) for part in value), closing
    if is_dataclass(value) and not isinstance(value, type):
        parts = ((f"{field.name}=", getattr(value, field.name, None)) for field in fields(value))
        return f"{type(value).__name__}(", parts, ")"
    return None


def _short(value: Any) -> str | None:
    """Return a value on one line, None where it does not fit. Counts parts first: no megabyte is made for this."""
    if _weight(value, 0) > _LINE:
        return None
    text = _repr(value)
    return text if len(text) <= _LINE and "\n" not in text else None


def _weight(value: Any, depth: int) -> int:
    """Return about how long a value's text is, at least; stops where it is too long for a line."""
    if isinstance(value, (str, bytes)):
        return len(value)
    found = _parts(value) if depth < _DEPTH else None
    if found is None:
        return 1
    weight = 2
    for label, part in found[1]:
        weight += len(label) + 2 + _weight(part, depth + 1)
        if weight > _LINE:
            break
    return weight


def _repr(value: Any) -> str:
    if isinstance(value, (str, bytes)) and len(value) > _TEXT:
        return f"{value[:_TEXT]!r}… ({len(value):,} in all)"
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a foreign __repr__ may raise anything, a display must not
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"


def fields_of(state: Any) -> dict[str, Any]:
    """Return a state's fields, whichever kind of record it is."""
    if isinstance(state, Mapping):
        return dict(state)
    if is_dataclass(state) and not isinstance(state, type):
        return {field.name: getattr(state, field.name, None) for field in fields(state)}
    kept = getattr(state, "__dict__", None)
    return dict(kept) if kept else {"value": state}
