"""What a node may say about what comes next: ``Goto``, ``Send``, ``Stop``, and ``Result`` to say more.

Owns the values only. Knows nothing of graphs: whether a target exists is checked where a route is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import GenericAlias, MappingProxyType
from typing import Any

from nbgraph.errors import GraphError


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on at ``target``, whatever the edges say. ``Goto[Literal["a", "b"]]`` annotates what a node may return.

    >>> Goto("review")
    Goto(target='review')
    """

    target: str

    def __post_init__(self) -> None:
        _check_target("Goto", self.target)

    def __class_getitem__(cls, targets: Any) -> GenericAlias:
        return GenericAlias(cls, targets)


@dataclass(frozen=True, slots=True, init=False)
class Send:
    """Start a task of ``target`` of its own, with private ``fields`` that its branch sees until it is gathered.

    >>> Send("review", file="a.py").fields["file"]
    'a.py'
    """

    target: str
    fields: Mapping[str, Any]

    def __init__(self, target: str, /, **fields: Any) -> None:
        _check_target("Send", target)
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "fields", MappingProxyType(fields))

    def __class_getitem__(cls, targets: Any) -> GenericAlias:
        return GenericAlias(cls, targets)

    def __hash__(self) -> int:
        # The fields' values need not be hashable; equal Sends have equal targets and names.
        return hash((self.target, frozenset(self.fields)))

    def __repr__(self) -> str:
        return f"Send({', '.join([repr(self.target), *(f'{name}={value!r}' for name, value in self.fields.items())])})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _sent, (self.target, dict(self.fields))


def _sent(target: str, fields: dict[str, Any]) -> Send:
    return Send(target, **fields)


@dataclass(frozen=True, slots=True)
class Stop:
    """End this branch here; inside a subgraph, go to the subgraph's end."""


@dataclass(frozen=True, slots=True)
class Result:
    """An update and a route at once. ``route`` is one route or a list of them."""

    update: Any = None
    route: Any = None


def _check_target(kind: str, target: object) -> None:
    if not isinstance(target, str):
        name = getattr(target, "__name__", "name")
        raise GraphError(
            f"{kind} takes the name of a node, not {type(target).__name__}",
            todo=f"write {kind}({name!r}), the node's name as a string",
            expected="str",
            actual=type(target).__name__,
        )
