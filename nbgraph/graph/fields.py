"""One field of a state: its type, its reducer, where it starts.

Owns how an annotation such as ``Annotated[list[str], append]`` is read. Knows nothing of records.
"""

from __future__ import annotations

import decimal
import fractions
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbgraph.errors import GraphError
from nbgraph.graph.checking import Check, anything, check_for
from nbgraph.graph.reducers import SET, Reducer, custom
from nbgraph.graph.typetext import type_text

_ADDABLE = (int, float, complex, str, bytes, tuple, list, decimal.Decimal, fractions.Fraction)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What the schema says of one field. ``annotation`` is without the reducer."""

    name: str
    annotation: Any
    reducer: Reducer
    required: bool
    default: Callable[[], Any] | None
    """Makes the value that the record class gives the field, or None."""
    check: Check
    """Accepts an update of the field, raises ``TypeProblem`` otherwise."""
    check_value: Check
    """The same for a whole value."""

    @property
    def type_text(self) -> str:
        """The annotation as text."""
        return type_text(self.annotation)

    @property
    def start(self) -> Callable[[], Any] | None:
        """Makes the value that the field has before any update; None: it is absent."""
        if self.default is not None or self.reducer.identity is None:
            return self.default or self._zero()
        # The reducer's list or dict, unless the field is of another class that the reducer works on too.
        cls = typing.get_origin(self.annotation) or self.annotation
        return cls if cls in self.reducer.works_on else self.reducer.identity

    def _zero(self) -> Callable[[], Any] | None:
        cls = typing.get_origin(self.annotation) or self.annotation
        return cls if self.reducer.name == "add" and cls in _ADDABLE else None


def field_spec(name: str, hint: Any, default: Callable[[], Any] | None = None, *, required: bool = True) -> FieldSpec:
    """Read one annotation; raises ``GraphError`` for a reducer that cannot work on the field's type."""
    annotation, reducer, required = _read(hint, required)
    cls = typing.get_origin(annotation) or annotation
    if reducer.works_on and isinstance(cls, type) and cls is not object and cls not in reducer.works_on:
        allowed = " or ".join(one.__name__ for one in reducer.works_on)
        raise GraphError(
            f"field {name!r} is {type_text(annotation)}, but its reducer {reducer.name} works on {allowed}",
            todo=f"make the field a {allowed}, or choose another reducer",
            field=name,
            expected=allowed,
            actual=type_text(annotation),
        )
    check_value = check_for(annotation)
    operand = annotation if annotation is Any else reducer.operand_type(annotation)
    check = check_value if operand is annotation else anything if operand is None else check_for(operand)
    # A lazy fold must not be able to fail later: an update of any type is fine for append, for extend a list is a must.
    if reducer.name == "extend" and operand is Any:
        check = check_for(list)
    return FieldSpec(name, annotation, reducer, required, default, check, check_value)


def _read(hint: Any, required: bool) -> tuple[Any, Reducer, bool]:
    reducer, metadata = SET, []
    while True:
        origin = typing.get_origin(hint)
        if origin in (typing.Required, typing.NotRequired):
            required = origin is typing.Required
            hint = typing.get_args(hint)[0]
        elif origin is typing.Annotated:
            metadata += hint.__metadata__
            hint = hint.__origin__
        else:
            break
    for one in metadata:
        if isinstance(one, Reducer):
            reducer = one
            break
        if callable(one) and not isinstance(one, type):
            reducer = custom(one)
            break
    rest = tuple(one for one in metadata if one is not reducer and one is not reducer.fold)
    return (typing.Annotated[hint, *rest] if rest else hint), reducer, required
