"""Lists, dicts and sets that say no: what a node is given, so that it cannot change the state in place.

Owns the containers and how to thaw them. Knows nothing of encoding. They are subclasses, so that
``isinstance``, equality, ``json`` and every read work as for the plain ones; whatever makes a new
container (slices, ``+``, ``|``, ``copy``) makes a plain one. Unbound calls such as
``list.append(frozen, 1)`` get past them, as does ``__init__``: this guards against accidents, not intent.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from nbgraph.errors import IsolationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_C = TypeVar("_C", bound=type)


def _refusing(kind: str, method: str) -> Callable[..., NoReturn]:
    def refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
        error = IsolationError(
            f"a node changed a {kind} it was given, in place ({method})",
            still="the state is unchanged",
            todo=f"work on a copy, such as {kind}(state[...]) or nbgraph.thaw(...) for all levels, and return that",
            actual=method,
        )
        error.container = self  # so that the engine can tell which field holds it
        raise error

    refuse.__name__ = method
    return refuse


def _without(kind: str, methods: str) -> Callable[[_C], _C]:
    """Replace every named mutator of a class with a refusal."""

    def seal(cls: _C) -> _C:
        for method in methods.split():
            setattr(cls, method, _refusing(kind, method))
        return cls

    return seal


@_without(
    "list",
    "append extend insert pop remove clear sort reverse __setitem__ __delitem__ __iadd__ __imul__",
)
class FrozenList(list[Any]):
    """A list that a node may read and not change.

    >>> FrozenList([1, 2]) + [3]
    [1, 2, 3]
    >>> FrozenList([1]).append(2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    nbgraph.errors.IsolationError: a node changed a list it was given, in place (append)
    ...
    """

    __slots__ = ()

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return thaw(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return list, (list(self),)


@_without(
    "dict",
    "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update",
)
class FrozenDict(dict[Any, Any]):
    """A dict that a node may read and not change; ``dict(...)``, ``copy`` and ``|`` give plain ones."""

    __slots__ = ()

    @classmethod
    def fromkeys(cls, keys: Iterable[Any], value: Any = None) -> dict[Any, Any]:
        """Return a plain dict, as every method does that makes a new one."""
        return dict.fromkeys(keys, value)

    def __copy__(self) -> dict[Any, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return thaw(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return dict, (dict(self),)


def _plainly(method: str) -> Callable[..., Any]:
    """Run a set's operation on plain copies: inherited, it would return a frozen set to build on."""

    def operate(self: set[Any], *others: Any) -> Any:
        return getattr(set(self), method)(*others)

    operate.__name__ = method
    return operate


def _making_plain_sets(cls: _C) -> _C:
    for method in [
        "copy",
        "union",
        "intersection",
        "difference",
        "symmetric_difference",
        "__or__",
        "__and__",
        "__sub__",
        "__xor__",
        "__ror__",
        "__rand__",
        "__rsub__",
        "__rxor__",
    ]:
        setattr(cls, method, _plainly(method))
    return cls


@_making_plain_sets
@_without(
    "set",
    "add discard remove pop clear update intersection_update difference_update symmetric_difference_update "
    "__ior__ __iand__ __isub__ __ixor__",
)
class FrozenSet(set[Any]):
    """A set that a node may read and not change; operations give plain sets."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(set(self))

    def __copy__(self) -> set[Any]:
        return set(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return thaw(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return set, (set(self),)


FROZEN_OF: dict[type, type] = {list: FrozenList, dict: FrozenDict, set: FrozenSet}


def thaw(value: Any) -> Any:
    """Return a deep, plain copy that may be changed freely; what cannot change is shared.

    >>> thaw(FrozenDict(a=FrozenList([1]))) == {"a": [1]}
    True
    """
    if type(value) in (FrozenList, list):
        return list(map(thaw, value))
    if type(value) in (FrozenDict, dict):
        entries = {}
        for key, item in value.items():
            entries[key] = thaw(item)
        return entries
    if type(value) in (FrozenSet, set):
        return set(value)
    if type(value) is tuple:
        return tuple(map(thaw, value))
    return copy.deepcopy(value)
