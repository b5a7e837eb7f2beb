"""Where things stand: the result of a layout, in CSS pixels, y downwards.

Owns the shapes only; every engine returns them, and the drawing reads nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle by its top left corner."""

    x: float
    y: float
    w: float
    h: float

    @property
    def cx(self) -> float:
        """The middle, across."""
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        """The middle, down."""
        return self.y + self.h / 2


class Route(NamedTuple):
    """The line of a link: a cubic Bezier of 1 + 3n points from border to border, and the middle of its label's room."""

    points: tuple[Point, ...]
    label: Point | None
    before: bool = False
    """Whether the label ends at its line, rather than begins there."""


class Layout(NamedTuple):
    """Places of all nodes, links and clusters of a topology, by name and id. ``engine`` says who found them."""

    engine: str
    width: float
    height: float
    boxes: Mapping[str, Box]
    routes: Mapping[str, Route]
    clusters: Mapping[str, Box]
    direction: str = "down"
    """Where links lead, mostly: "down" or "right"."""
