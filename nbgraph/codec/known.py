"""Which classes the decoder may rebuild: those it was handed, never those that data names.

Owns the mapping from "module:Qualname" to a class, and how a schema is searched for classes. Imports
nothing on anybody's behalf.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from typing import Any

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def type_name(cls: type) -> str:
    """Return the name that stands for a class in text.

    >>> type_name(Types)
    'nbgraph.codec.known:Types'
    """
    return f"{cls.__module__}:{cls.__qualname__}"


def is_model(cls: type) -> bool:
    """Say whether a class is a pydantic model, without importing pydantic."""
    return any(base.__module__ == "pydantic.main" and base.__name__ == "BaseModel" for base in cls.__mro__)


def is_named_tuple(cls: type) -> bool:
    """Say whether a class was made by ``NamedTuple`` or ``namedtuple``, or derives from one."""
    return issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple)


def is_rebuildable(cls: type) -> bool:
    """Say whether the codec knows how to rebuild instances of a class once it is handed the class."""
    return issubclass(cls, enum.Enum) or is_named_tuple(cls) or dataclasses.is_dataclass(cls) or is_model(cls)


class Types:
    """The classes a decoder may rebuild, by name. Immutable; ``a | b`` joins, the right side winning.

    >>> class Colour(enum.Enum):
    ...     RED = 1
    >>> [cls.__name__ for cls in Types.of(dict[str, list[Colour]])]
    ['Colour']
    """

    __slots__ = ("_found", "_look")

    def __init__(self, classes: Mapping[str, type] | None = None) -> None:
        self._found: dict[str, type] = dict(classes or {})
        self._look: Callable[[], Types] | None = None

    @classmethod
    def later(cls, look: Callable[[], Types]) -> Types:
        """Return the classes that ``look`` will find, once somebody asks for one: plain data never does.

        >>> later = Types.later(lambda: Types({"m:int": int}))
        >>> later.get("m:int"), len(later)
        (<class 'int'>, 1)
        """
        types = cls()
        types._look = look
        return types

    @property
    def _classes(self) -> dict[str, type]:
        look = self._look
        if look is not None:
            self._found = look()._classes  # noqa: SLF001 - one more of this class
            self._look = None  # after the line above: another thread may ask meanwhile
        return self._found

    @classmethod
    def of(cls, *hints: Any) -> Types:
        """Collect the dataclasses, NamedTuples, Enums and models in classes and type hints, their fields' too."""
        found: dict[str, type] = {}
        seen: set[int] = set()
        waiting = list(hints)
        while waiting:
            hint = waiting.pop(0)
            if id(hint) in seen:
                continue
            seen.add(id(hint))
            if isinstance(hint, type) and typing.get_origin(hint) is None:
                if is_rebuildable(hint):
                    found[type_name(hint)] = hint
                waiting += _field_hints(hint)
            waiting += [arg for arg in _arguments(hint) if not isinstance(arg, (str, bytes, int))]
        return cls(found)

    def get(self, name: str) -> type | None:
        """Return the class of that name, or ``None``."""
        return self._classes.get(name)

    def __or__(self, other: Types) -> Types:
        return Types({**self._classes, **other._classes})

    def __iter__(self) -> Iterator[type]:
        return iter(self._classes.values())

    def __len__(self) -> int:
        return len(self._classes)

    def __contains__(self, cls: object) -> bool:
        # By name: a class whose cell was run again is the same type to the person who ran it.
        return isinstance(cls, type) and type_name(cls) in self._classes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Types) and self._classes == other._classes

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Types({', '.join(sorted(self._classes))})"


def _arguments(hint: Any) -> tuple[Any, ...]:
    """Return what a hint such as ``Annotated[list[Item], append] | None`` is made of."""
    origin = typing.get_origin(hint)
    if origin is None:
        return ()
    return tuple(arg for part in typing.get_args(hint) for arg in (part if isinstance(part, list) else [part])) + (
        (origin,) if isinstance(origin, type) else ()
    )


def _field_hints(cls: type) -> list[Any]:
    if cls.__module__ in ("builtins", "typing", "collections.abc") or not getattr(cls, "__annotations__", None):
        return []
    try:
        return list(typing.get_type_hints(cls, include_extras=True).values())
    except Exception:  # noqa: BLE001 - a forward reference nobody can resolve: only the hints that are classes already
        return list(cls.__annotations__.values())


NO_TYPES = Types()
"""Rebuild nothing: every dataclass, NamedTuple, Enum and model loads as a ``Record``."""
