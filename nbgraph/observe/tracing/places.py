"""Where the steps of a run stand in canonical order, from its rows as they come.

Owns the steps known so far: whose task each is, and its path. As text, paths sort in canonical order, and they are known
as soon as a step is: no later one changes them. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from json import loads
from typing import NamedTuple

from nbgraph.engine.order import ROOT, Path, arrival_path, gather_path
from nbgraph.observe.tracing.identity import Identity
from nbgraph.store.protocol import StepRecord

EDITS = ("edited", "migrated")
"""Statuses of steps that no task made: a person, or a migration, changed the state there."""


class Known(NamedTuple):
    """A step that others come from. ``ways``: each way taken -> its place among them."""

    owner: Identity
    task: str
    path: Path | None
    ways: Mapping[str, int]


class Places:
    """The steps of one run. ``nodes``: (first step, node -> its place in the graph) of the graphs it followed, in order."""

    def __init__(self, nodes: Sequence[tuple[int, Mapping[str, int]]]) -> None:
        self._nodes = nodes
        self._firsts = [first for first, _ in nodes]
        self._known: dict[int, Known] = {}

    def add(self, row: StepRecord, owner: Identity) -> Known:
        """Take in a step of ``owner``: a fork's shared ones are its origin's."""
        ways = {way[0]: place for place, way in enumerate(loads(row.arrivals) if row.arrivals else ())}
        before = self._known.get(row.base) if row.status in EDITS else None
        task = row.task if before is None else before.task
        known = Known(owner if before is None else before.owner, task, self._path(row, before), ways)
        self._known[row.step] = known
        return known

    def parents(self, row: StepRecord) -> list[Known]:
        """Return the known steps that a step's task comes from, in canonical order."""
        steps = dict.fromkeys(step for step, _ in loads(row.parents or "[]"))
        return [self._known[step] for step in steps if step in self._known]

    def _path(self, row: StepRecord, before: Known | None) -> Path | None:
        if row.mark:  # what resumes there starts from this one
            return _tuples(loads(row.mark)["path"])
        if row.status in EDITS:
            return ROOT if before is None else before.path
        paths = [self._arrival(step, way) for step, way in loads(row.parents or "[]")]
        found = [path for path in paths if path is not None]
        return gather_path(sorted(found), self._place(row)) if found and len(found) == len(paths) else None

    def _arrival(self, step: int, way: str) -> Path | None:
        known = self._known.get(step)
        if known is None:
            return ROOT if step == 0 else None
        if known.path is None or way not in known.ways:  # an edited input leads to the start as the input does
            return known.path
        return arrival_path(known.path, known.ways[way], len(known.ways))

    def _place(self, row: StepRecord) -> int:
        nodes = self._nodes[max(0, bisect_right(self._firsts, row.step) - 1)][1] if self._nodes else {}
        return nodes.get(row.node, 0)


def _tuples(path: Sequence[int | list[int]]) -> Path:
    return tuple(tuple(part) if isinstance(part, list) else part for part in path)


def order_text(path: Path | None) -> str:
    """Return a path as text: texts sort as the paths do. "" where it is not known.

    >>> order_text((3, (0, 1, 2), 0))
    '000003.000000-000001-000002.000000'
    >>> order_text((3,)) < order_text((3, (0, 1, 2), 0)) < order_text((4,))
    True
    """
    return ".".join("-".join(f"{n:06d}" for n in (part if isinstance(part, tuple) else (part,))) for part in path or ())


def nodes_of(descriptions: Sequence[tuple[int, str, str]]) -> list[tuple[int, dict[str, int]]]:
    """Return what ``Places`` wants of the stored descriptions, whose nodes stand in order."""
    return [
        (first, {node["name"]: place for place, node in enumerate(loads(text)["nodes"])})
        for first, _, text in descriptions
    ]
