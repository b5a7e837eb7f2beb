"""Field values that are not there yet: folded when somebody looks, private to who looks.

Owns the two stand-ins that a state may hold in place of a value. A ``Folded`` list costs one small
object per append however long the list is; a ``Guarded`` value cannot be frozen, so each reader gets
a copy of its own, compared afterwards. Knows nothing of tasks, graphs or stores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbgraph.codec import Types, decode, encode
from nbgraph.codec.frozen import FROZEN_OF
from nbgraph.graph.reducers import Reducer


def shell(value: Any) -> Any:
    """Return a reducer's fresh result with its outermost container frozen; what it holds is frozen already."""
    freeze = FROZEN_OF.get(type(value))
    return value if freeze is None else freeze(value)


class Folded:
    """The value of a field whose updates are folded on first use; ``operands`` counts back to the last use."""

    __slots__ = ("_before", "_operand", "_reducer", "_value")
    _value: Any

    def __init__(self, reducer: Reducer, before: Any, operand: Any) -> None:
        self._reducer, self._before, self._operand = reducer, before, operand

    def value(self) -> Any:
        """Return the folded value. Two threads may both fold; they get equal values."""
        try:
            return self._value
        except AttributeError:
            return self._fold()

    def _fold(self) -> Any:
        operands: list[Any] = []
        at: Any = self
        while isinstance(at, Folded) and not hasattr(at, "_value") and at._reducer is self._reducer:  # noqa: SLF001 - one of our own
            operands.append(at._operand)  # noqa: SLF001 - one of our own
            at = at._before  # noqa: SLF001 - as above
        start = at.value() if isinstance(at, Folded) else at
        self._value = shell(self._reducer.fold_all(start, operands[::-1]))
        return self._value


class Guarded:
    """A value that cannot be frozen, as its canonical text; every reader gets a copy of its own."""

    __slots__ = ("_blob", "_types", "live", "text")

    def __init__(self, text: str, live: Any, types: Types, blob: Callable[[str], bytes]) -> None:
        self.text, self.live, self._types, self._blob = text, live, types, blob

    def copy(self) -> Any:
        """Return a new object with the value."""
        return decode(self.text, types=self._types, blob=self._blob, frozen=True)

    def unchanged(self, copy: Any) -> bool:
        """Say whether a copy still has the value that it was handed out with."""
        try:
            return encode(copy, blobs={}) == self.text
        except Exception:  # noqa: BLE001 - a copy that has become unkeepable has changed, whatever the codec says of it
            return False


def settled(value: Any) -> Any:
    """Return the value itself, whichever stand-in holds it; of a guarded one, a copy."""
    if isinstance(value, Folded):
        return value.value()
    if isinstance(value, Guarded):
        return value.copy()
    return value
