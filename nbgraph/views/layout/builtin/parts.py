"""What one level of the built-in layout works on: items and the arcs between them, by number.

Owns the shapes only. An item is a node, a whole subgraph (a level below, laid out already), a port in a subgraph's
border, or a place where a long arc passes a row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Item(NamedTuple):
    """Something that takes room in a row; ``left`` and ``right`` are measured from its axis."""

    left: float
    right: float
    height: float


class Arc(NamedTuple):
    """A link between two items, drawn from the upper one down to the lower one whatever its own direction.

    ``upper_at`` and ``lower_at``: where it touches them, from their axis. ``back``: the link itself leads upwards.
    """

    upper: int
    lower: int
    upper_at: float = 0.0
    lower_at: float = 0.0
    label: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Room before its line, behind it, and along it; that is 0 where there is no label."""
    back: bool = False
    fixed: tuple[bool, bool] = (False, False)
    """Whether the two places are given (ports), or may be spread along the border."""


class Hop(NamedTuple):
    """A stretch of an arc between neighbouring rows; ``firm``: worth being drawn straight."""

    upper: int
    lower: int
    upper_at: float
    lower_at: float
    firm: bool


_HUGE = 40_000


@dataclass(slots=True)
class Level:
    """Items in rows, from left to right; those past ``real`` are places where arcs pass."""

    items: list[Item]
    real: int
    rows: list[list[int]]
    hops: list[list[Hop]]
    """Between row r and row r + 1."""
    chains: list[list[int]] = field(default_factory=list)
    """For every arc, the items that it runs through, both ends included."""
    labels: dict[int, int] = field(default_factory=dict)
    """Arc -> the item on its way that holds its label."""

    @property
    def huge(self) -> bool:
        """Whether it is a tangle that nobody can read: then a layout soon is worth more than a better one."""
        return sum(map(len, self.hops)) > _HUGE
