"""The state as a node sees it: a read-only record that fills in on touch and tells who changed it.

Owns isolation at the node's side. Knows fields and values; nothing of tasks, order or stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn

from nbgraph.codec.known import is_model
from nbgraph.engine.folding import Folded, Guarded
from nbgraph.errors import IsolationError

_DEPTH = 50
"""Levels of a value that are searched for what was changed."""
_WAY_OUT = "return the new value instead: return {'field': ...}"


def in_place(field: str | None) -> IsolationError:
    """Return the error of a node that changed its input, for the engine to add the node's name."""
    what = "the state it was given" if field is None else f"field {field!r} of the state it was given"
    return IsolationError(
        f"a node changed {what}, in place", still="no other task saw the change", todo=_WAY_OUT, field=field
    )


class StateDict(dict[str, Any]):
    """A state as a dict that cannot be changed. ``later`` holds the fields that come on first touch.

    It is a real ``dict``: ``state["x"]``, ``**state`` and ``json.dumps(state)`` work.
    """

    __slots__ = ("_copies", "_later")

    def __init__(self, values: Mapping[str, Any], later: Mapping[str, Any] | None = None) -> None:
        dict.__init__(self, values)
        self._later: dict[str, Any] = dict(later) if later else {}
        self._copies: dict[str, tuple[Any, Guarded]] = {}

    def __missing__(self, field: str) -> Any:
        later = self._later.pop(field, None)
        if later is None:
            raise KeyError(f"field {field!r} has no value yet (the state has: {', '.join(sorted(self)) or 'nothing'})")
        value = later.value() if isinstance(later, Folded) else self._copy(field, later)
        dict.__setitem__(self, field, value)
        return value

    def _copy(self, field: str, guarded: Guarded) -> Any:
        copy = guarded.copy() if guarded.live is None else guarded.live
        self._copies[field] = (copy, guarded)
        return copy

    def _all(self) -> StateDict:
        for field in list(self._later):
            self.__missing__(field)
        return self

    def changed(self) -> str | None:
        """Return a field whose private copy was changed, or None."""
        return next((name for name, (copy, kept) in self._copies.items() if not kept.unchanged(copy)), None)

    def find(self, container: Any) -> str | None:
        """Return the field that holds ``container`` somewhere inside, or None."""
        return next((name for name, value in dict.items(self) if _holds(value, container, 0)), None)

    def get(self, field: str, default: Any = None) -> Any:
        """Return a field's value, or ``default`` where it has none."""
        return self[field] if field in self else default  # noqa: SIM401 - this is get

    def __contains__(self, field: object) -> bool:
        return dict.__contains__(self, field) or field in self._later

    def __iter__(self) -> Iterator[str]:
        return dict.__iter__(self._all())

    def __len__(self) -> int:
        return dict.__len__(self) + len(self._later)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __eq__(self, other: object) -> bool:
        return dict.__eq__(self._all(), other._all() if isinstance(other, StateDict) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        return dict.__repr__(self._all())

    def __or__(self, other: Any) -> dict[str, Any]:  # type: ignore[override]  # gives a plain, changeable dict
        return {**self, **other}

    def __ror__(self, other: Any) -> dict[str, Any]:  # type: ignore[override]  # see __or__
        return {**other, **self}

    def __reversed__(self) -> Iterator[str]:
        return dict.__reversed__(self._all())

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def keys(self) -> Any:
        """Return the fields' names."""
        return dict.keys(self._all())

    def values(self) -> Any:
        """Return the fields' values."""
        return dict.values(self._all())

    def items(self) -> Any:
        """Return (field, value) pairs."""
        return dict.items(self._all())

    def copy(self) -> dict[str, Any]:
        """Return a plain dict of the fields; its values are still those of the state."""
        return dict(self)

    __copy__ = copy

    def __setitem__(self, field: str, value: Any) -> NoReturn:
        raise in_place(field)

    def __delitem__(self, field: str) -> NoReturn:
        raise in_place(field)

    def pop(self, field: str, *_: Any) -> NoReturn:
        """Refuse: a node's input cannot be changed."""
        raise in_place(field)

    def setdefault(self, field: str, default: Any = None) -> Any:  # noqa: ARG002 - dict's signature
        """Return the field's value; refuse to set one."""
        if field in self:
            return self[field]
        raise in_place(field)

    def update(self, *args: Any, **fields: Any) -> NoReturn:
        """Refuse: a node's input cannot be changed."""
        given = {**dict(*args), **fields}
        raise in_place(next(iter(given), None))

    def __ior__(self, other: Any) -> NoReturn:
        raise in_place(next(iter(dict(other)), None))

    def clear(self) -> NoReturn:
        """Refuse: a node's input cannot be changed."""
        raise in_place(None)

    def popitem(self) -> NoReturn:
        """Refuse: a node's input cannot be changed."""
        raise in_place(None)


def parts(value: Any) -> Iterable[Any]:
    """Return what a value holds: items of a container, fields of a record."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    if is_dataclass(value):
        return [getattr(value, field.name, None) for field in fields(value)]
    return list(vars(value).values()) if is_model(type(value)) else ()


def _holds(value: Any, container: Any, depth: int) -> bool:
    return value is container or (depth < _DEPTH and any(_holds(part, container, depth + 1) for part in parts(value)))
