"""A graph or subgraph laid out as one block: what is inside, and where links pass its border.

Owns levels within levels. Coordinates are relative to the block's top left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nbgraph.views.layout.builtin.frames import Frame
from nbgraph.views.layout.builtin.ordering import ordered
from nbgraph.views.layout.builtin.parts import Arc, Item, Level
from nbgraph.views.layout.builtin.placing import placed
from nbgraph.views.layout.builtin.rows import level_of, turn_labels
from nbgraph.views.layout.builtin.tracks import Touch, ends, heights, track
from nbgraph.views.layout.levels import Leaf, Plan
from nbgraph.views.layout.shapes import Box, Point
from nbgraph.views.topology import Link


@dataclass(slots=True)
class Block:
    """A laid out level with everything in it."""

    width: float = 0.0
    height: float = 0.0
    boxes: dict[str, Box] = field(default_factory=dict)
    clusters: dict[str, Box] = field(default_factory=dict)
    tracks: dict[str, list[Point]] = field(default_factory=dict)
    """Link -> its course within the block, downwards."""
    labels: dict[str, Point] = field(default_factory=dict)
    before: dict[str, bool] = field(default_factory=dict)
    """Link -> whether its label stands at the left of its line."""
    ports: dict[str, float] = field(default_factory=dict)
    """Link that leaves the block -> where it passes the border, across."""
    bent: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    """Link -> whether its course begins, or ends, at the side of a node."""
    loops: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Links from a node to itself -> their number at that node, and how many there are."""


def block(plan: Plan, level: str, frame: Frame) -> Block:
    """Return a level laid out, with all levels below it."""
    return _Laying(plan, level, frame).done()


class _Laying:
    """One level while it is laid out."""

    def __init__(self, plan: Plan, level: str, frame: Frame) -> None:
        self.plan, self.level, self.frame, self.result = plan, level, frame, Block()
        self.names = plan.inside[level]
        self.number = {name: place for place, name in enumerate(self.names)}
        self.inner = {name: block(plan, name, frame) for name in self.names if not isinstance(name, Leaf)}
        self.loops = self._count_loops()
        self.items = [self._item(name) for name in self.names]
        self.arcs: list[Arc] = []
        self.links: list[Link] = []
        self.first: list[int] = []
        self.last: list[int] = []

    def _count_loops(self) -> dict[str, float]:
        """Return how much room the links from a node to itself take at its right; number them."""
        found: dict[str, list[Link]] = {}
        for link in self.plan.topology.links:
            if link.src == link.dst and self.plan.chain[link.src][-1] in self.number:
                found.setdefault(link.src, []).append(link)
        for links in found.values():
            self.result.loops.update({link.id: (number, len(links)) for number, link in enumerate(links)})
        return {name: self.frame.loop_room(links) for name, links in found.items()}

    def _item(self, name: str) -> Item:
        if name in self.inner:
            inner = self.inner[name]
            return Item(inner.width / 2, inner.width / 2, inner.height)
        width, height = self.frame.node(self.plan.nodes[str(name)])
        return Item(width / 2, width / 2 + self.loops.get(str(name), 0.0), height)

    def done(self) -> Block:
        for link, src, dst in self.plan.links(self.level):
            self._add(link, src, dst)
        level = level_of(self.items, self.arcs, self.first, self.last)
        ordered(level)
        if not self.frame.turned:
            turn_labels(level, self.arcs)
        self._place(level)
        return self.result

    def _add(self, link: Link, src: str, dst: str) -> None:
        back = link.id in self.plan.back
        upper, lower = (dst, src) if back else (src, dst)
        high, low = self._end(link, upper, self.first), self._end(link, lower, self.last)
        label = self.frame.label(link) if src and dst else (0.0, 0.0, 0.0)
        fixed = upper in self.inner or not upper, lower in self.inner or not lower
        self.arcs.append(Arc(high[0], low[0], high[1], low[1], label, back, fixed))
        self.links.append(link)

    def _end(self, link: Link, name: str, ports: list[int]) -> tuple[int, float]:
        """Return the item at an end of an arc and where it is touched; an end outside is a new port."""
        if not name:
            ports.append(len(self.items))
            self.items.append(Item(4.0, 4.0, 0.0))
            return ports[-1], 0.0
        inner = self.inner.get(name)
        return self.number[name], inner.ports[link.id] - inner.width / 2 if inner is not None else 0.0

    def _place(self, level: Level) -> None:
        axes = placed(level)
        width = max((x + item.right for x, item in zip(axes, level.items, strict=True)), default=0.0)
        tops, tall, dx, dy = self._rows(level, axes, width)
        row_of = [0] * len(level.items)
        for row, items in enumerate(level.rows):
            for item in items:
                row_of[item] = row
        for place, name in enumerate(self.names):
            row = row_of[place]
            y = tops[row] + (tall[row] - level.items[place].height) / 2
            self._put(name, axes[place] - level.items[place].left + dx, y + dy)
        touching = ends(level, self.arcs, axes, row_of)
        for place, link in enumerate(self.links):
            points = track(level, place, touching[place], axes, tops, tall, row_of)
            self._join(link, [(x + dx, y + dy) for x, y in points])
            self._keep_port(link, place, touching[place], dx)
            self.result.bent[link.id] = _either(self.result.bent.get(link.id), touching[place])
            if place in level.labels:
                holder = level.labels[place]
                one = level.items[holder]
                before = one.left > one.right
                x = axes[holder] + self.frame.aside(link, before=before)
                self.result.labels[link.id] = (x + dx, tops[row_of[holder]] + tall[row_of[holder]] / 2 + dy)
                self.result.before[link.id] = before and not self.frame.turned

    def _rows(self, level: Level, axes: Sequence[float], width: float) -> tuple[list[float], list[float], float, float]:
        """Return top and height of the rows, and where the content begins in the block; keep the block's size."""
        top, bottom = self.frame.ports()
        top, bottom = (top if self.first else 0.0), (bottom if self.last else 0.0)
        tops, tall, end = heights(level, axes, top=top, bottom=bottom)
        if not self.level:
            self.result.width, self.result.height = width, end
            return tops, tall, 0.0, 0.0
        cluster = next(one for one in self.plan.topology.clusters if one.name == self.level)
        around = self.frame.around(entered=bool(self.first), left=bool(self.last))
        wide, high = self.frame.head(cluster)
        lacks = max(0.0, high - around.top - end - around.bottom)
        if lacks and self.first:
            # Lines that enter come from the border, so the room goes between it and the first row.
            tops, tall, end = heights(level, axes, top=top + lacks, bottom=bottom)
            lacks = 0.0
        whole = max(width + around.left + around.right, wide)
        self.result.width, self.result.height = whole, around.top + lacks + end + around.bottom
        return tops, tall, around.left + (whole - width - around.left - around.right) / 2, around.top + lacks

    def _put(self, name: str, x: float, y: float) -> None:
        inner = self.inner.get(name)
        if inner is None:
            self.result.boxes[str(name)] = Box(x, y, *self.frame.node(self.plan.nodes[str(name)]))
            return
        self.result.clusters[name] = Box(x, y, inner.width, inner.height)
        self.result.loops.update(inner.loops)
        self.result.bent.update(inner.bent)
        self.result.before.update(inner.before)
        for found, whole in ((inner.boxes, self.result.boxes), (inner.clusters, self.result.clusters)):
            whole.update({key: box._replace(x=box.x + x, y=box.y + y) for key, box in found.items()})
        for link, points in inner.tracks.items():
            self._join(link, [(px + x, py + y) for px, py in points])
        self.result.labels.update({link: (px + x, py + y) for link, (px, py) in inner.labels.items()})

    def _join(self, link: Link | str, points: list[Point]) -> None:
        """Add a stretch of a link's course; stretches of several levels follow each other downwards."""
        key = link if isinstance(link, str) else link.id
        self.result.tracks[key] = sorted([*self.result.tracks.get(key, []), *points], key=lambda point: point[1])

    def _keep_port(self, link: Link, place: int, touching: Sequence[Touch], dx: float) -> None:
        arc = self.arcs[place]
        if arc.upper in self.first:
            self.result.ports[link.id] = touching[0].x + dx
        if arc.lower in self.last:
            self.result.ports[link.id] = touching[1].x + dx


def _either(known: tuple[bool, bool] | None, touching: Sequence[Touch]) -> tuple[bool, bool]:
    """Return at which ends a link begins at a node's side: each end is decided in the level of its node."""
    upper, lower = known or (False, False)
    return upper or touching[0].sideways, lower or touching[1].sideways
