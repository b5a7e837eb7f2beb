"""pydantic's view of a type, the same on every Python.

Owns the way to pydantic, which is imported here, late. Knows nothing of forms.
"""

from __future__ import annotations

import functools
import operator
import sys
import types
import typing
from typing import Any


def adapter(schema: Any) -> Any:
    """Return pydantic's adapter of a type; raises whatever pydantic raises for what it does not know."""
    import pydantic  # noqa: PLC0415 - 100 ms; most runs ask nothing

    return pydantic.TypeAdapter(schema if sys.version_info >= (3, 12) else _modern(schema))


def _modern(annotation: Any) -> Any:
    """Return the annotation with pydantic's kind of TypedDict: before Python 3.12 it refuses the one of ``typing``."""
    if type(annotation).__module__ == "typing" and hasattr(annotation, "__required_keys__"):
        return _modern_dict(annotation)
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None or origin is typing.Literal:
        return annotation
    if origin is typing.Annotated:
        return typing.Annotated[(_modern(args[0]), *args[1:])]
    found = tuple(map(_modern, args))
    if all(map(operator.is_, found, args)):
        return annotation
    return functools.reduce(operator.or_, found) if origin in (typing.Union, types.UnionType) else origin[found]


def _modern_dict(cls: Any) -> Any:
    import typing_extensions  # noqa: PLC0415 - comes with pydantic

    hints = typing.get_type_hints(cls, include_extras=True)
    fields = {name: _field(_modern(hint), name in cls.__required_keys__) for name, hint in hints.items()}
    return typing_extensions.TypedDict(cls.__name__, fields)  # type: ignore[operator] # a type made here


def _field(hint: Any, required: bool) -> Any:
    if typing.get_origin(hint) in (typing.Required, typing.NotRequired):
        return hint
    return typing.Required[hint] if required else typing.NotRequired[hint]
