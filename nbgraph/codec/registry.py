"""What users taught the codec: ``register_codec``.

Owns the process-wide registry. Knows nothing of text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbgraph.codec.known import NO_TYPES, Types, is_rebuildable, type_name
from nbgraph.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Registered:
    """How one user's class becomes plain data and comes back."""

    cls: type
    name: str
    to_plain: Callable[[Any], Any]
    from_plain: Callable[[Any], Any]


class _Registry:
    """Mutable, one per process; every change replaces a whole mapping, so that readers need no lock."""

    def __init__(self) -> None:
        self.by_name: dict[str, Registered] = {}
        self.by_class: dict[type, Registered] = {}
        self.types: Types = NO_TYPES

    def add(self, entry: Registered) -> None:
        self.by_name = {**self.by_name, entry.name: entry}
        self.by_class = {one.cls: one for one in self.by_name.values()}


REGISTRY = _Registry()


def register_codec(
    cls: type,
    *,
    name: str = "",
    to_plain: Callable[[Any], Any] | None = None,
    from_plain: Callable[[Any], Any] | None = None,
) -> None:
    """Teach nbgraph to keep instances of exactly ``cls``; registering a name again replaces it.

    ``to_plain`` returns data that the codec keeps (a dict, a str, ...), ``from_plain`` turns a private,
    mutable copy of it back into an equal instance. ``name`` goes into the file: keep it stable; by
    default it is "module:Qualname". A dataclass, NamedTuple, Enum or pydantic model that is not in the
    state's schema needs no functions: ``register_codec(Answer)``. Raises ``CodecError`` if ``cls`` is of
    another kind and a function is missing.

    >>> class Celsius:
    ...     def __init__(self, degrees): self.degrees = degrees
    >>> register_codec(Celsius, name="celsius", to_plain=lambda c: c.degrees, from_plain=Celsius)
    >>> REGISTRY.by_name["celsius"].to_plain(Celsius(20))
    20
    """
    if to_plain is not None and from_plain is not None:
        REGISTRY.add(Registered(cls, name or type_name(cls), to_plain, from_plain))
    elif to_plain is None and from_plain is None and is_rebuildable(cls):
        REGISTRY.types |= Types({name or type_name(cls): cls}) if name else Types.of(cls)
    else:
        raise CodecError(
            f"{cls.__qualname__} cannot be registered without to_plain and from_plain",
            todo="pass both functions; only dataclasses, NamedTuples, Enums and pydantic models need neither",
            actual=cls.__qualname__,
        )
