"""An annotation as short, stable text: for messages, fingerprints and the stored description."""

from __future__ import annotations

import types
import typing
from typing import Any


def type_text(annotation: Any) -> str:
    """Return the annotation as a person would write it, without module names.

    >>> type_text(dict[str, list[int]]), type_text(int | None), type_text(typing.Literal["a"])
    ('dict[str, list[int]]', 'int | None', "Literal['a']")
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "..."
    if origin is None:
        return _plain(annotation)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(type_text(arg) for arg in args)
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(_literal, args))}]"
    if origin is typing.Annotated:
        return f"Annotated[{', '.join([type_text(args[0]), *map(_metadata, args[1:])])}]"
    inside = ", ".join(
        f"[{', '.join(map(type_text, arg))}]" if isinstance(arg, list) else type_text(arg) for arg in args
    )
    return f"{_plain(origin)}[{inside or '()'}]"


def _plain(annotation: Any) -> str:
    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, str):
        return annotation
    name = getattr(annotation, "__qualname__", None) or getattr(annotation, "__name__", None)
    return str(name or annotation).rpartition("<locals>.")[2]


def _literal(value: Any) -> str:
    return f"{type(value).__name__}.{value.name}" if hasattr(value, "name") else repr(value)


def _metadata(value: Any) -> str:
    """Return a repr without memory addresses: they would change the fingerprint from kernel to kernel."""
    if callable(value) and hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    return type(value).__qualname__ if " at 0x" in repr(value) else repr(value)
