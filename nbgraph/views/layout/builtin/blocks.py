"""A graph or subgraph laid out as one block: what is inside, and where links pass its border.

Owns levels within levels. Coordinates are relative to the block's top left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nbgraph.views.layout.builtin.ordering import ordered
from nbgraph.views.layout.builtin.parts import Arc, Item, Level
from nbgraph.views.layout.builtin.placing import placed
from nbgraph.views.layout.builtin.rows import BESIDE, level_of
from nbgraph.views.layout.builtin.tracks import Touch, ends, heights, track
from nbgraph.views.layout.levels import Leaf, Plan
from nbgraph.views.layout.measure import CLUSTER_HEAD, head_width, label_size, node_size
from nbgraph.views.layout.shapes import Box, Point
from nbgraph.views.topology import Link

_PAD = 16.0
_PORT_ROOM = 26.0
_LOOP_ROOM = 34.0


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
    ports: dict[str, float] = field(default_factory=dict)
    """Link that leaves the block -> where it passes the border, across."""
    bent: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    """Link -> whether its course begins, or ends, at the side of a node."""
    loops: dict[str, int] = field(default_factory=dict)
    """Links from a node to itself -> their number at that node."""


def block(plan: Plan, level: str) -> Block:
    """Return a level laid out, with all levels below it."""
    return _Laying(plan, level).done()


class _Laying:
    """One level while it is laid out."""

    def __init__(self, plan: Plan, level: str) -> None:
        self.plan, self.level, self.result = plan, level, Block()
        self.names = plan.inside[level]
        self.number = {name: place for place, name in enumerate(self.names)}
        self.inner = {name: block(plan, name) for name in self.names if not isinstance(name, Leaf)}
        self.loops = self._count_loops()
        self.items = [self._item(name) for name in self.names]
        self.arcs: list[Arc] = []
        self.links: list[Link] = []
        self.first: list[int] = []
        self.last: list[int] = []

    def _count_loops(self) -> dict[str, float]:
        """Return how much room the links from a node to itself take at its right; number them."""
        room: dict[str, float] = {}
        count: dict[str, int] = {}
        for link in self.plan.topology.links:
            if link.src == link.dst and self.plan.chain[link.src][-1] in self.number:
                number = count[link.src] = count.get(link.src, -1) + 1
                self.result.loops[link.id] = number
                room[link.src] = max(room.get(link.src, 0.0), _LOOP_ROOM + 9 * number + label_size(link)[0])
        return room

    def _item(self, name: str) -> Item:
        if name in self.inner:
            inner = self.inner[name]
            return Item(inner.width / 2, inner.width / 2, inner.height)
        width, height = node_size(self.plan.nodes[str(name)])
        return Item(width / 2, width / 2 + self.loops.get(str(name), 0.0), height)

    def done(self) -> Block:
        for link, src, dst in self.plan.links(self.level):
            self._add(link, src, dst)
        level = level_of(self.items, self.arcs, self.first, self.last)
        ordered(level)
        self._place(level)
        return self.result

    def _add(self, link: Link, src: str, dst: str) -> None:
        back = link.id in self.plan.back
        upper, lower = (dst, src) if back else (src, dst)
        high, low = self._end(link, upper, self.first), self._end(link, lower, self.last)
        label = label_size(link) if src and dst else (0.0, 0.0)
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
        top = CLUSTER_HEAD + 12 if self.first else 0.0
        tops, tall, end = heights(level, axes, top=top, bottom=_PORT_ROOM if self.last else 0.0)
        width = max((x + item.right for x, item in zip(axes, level.items, strict=True)), default=0.0)
        dx, dy, self.result.width, self.result.height = self._frame(width, end)
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
                row = row_of[holder]
                aside = BESIDE + self.arcs[place].label[0] / 2
                self.result.labels[link.id] = (axes[holder] + aside + dx, tops[row] + tall[row] / 2 + dy)

    def _frame(self, width: float, end: float) -> tuple[float, float, float, float]:
        """Return where the content begins in the block, and the block's size."""
        if not self.level:
            return 0.0, 0.0, width, end
        cluster = next(one for one in self.plan.topology.clusters if one.name == self.level)
        whole = max(width + 2 * _PAD, head_width(cluster))
        dy = 0.0 if self.first else CLUSTER_HEAD + 4
        return (whole - width) / 2, dy, whole, dy + end + (0.0 if self.last else _PAD)

    def _put(self, name: str, x: float, y: float) -> None:
        inner = self.inner.get(name)
        if inner is None:
            self.result.boxes[str(name)] = Box(x, y, *node_size(self.plan.nodes[str(name)]))
            return
        self.result.clusters[name] = Box(x, y, inner.width, inner.height)
        self.result.loops.update(inner.loops)
        self.result.bent.update(inner.bent)
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
