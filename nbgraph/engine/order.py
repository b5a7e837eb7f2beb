"""The canonical order of tasks: a path for each, computed from the DAG alone.

Pure functions over tuples: no clock, no thread, no store. A path alternates counts and turns:
``(3, (0, 1, 2), 0)`` is "after three tasks in a row, branch 1 of a fork into 2, its first task". A turn
``(0, branch, fan-out)`` leaves a fork; ``(1, number, place)`` is a gather that united only some of its
branches. Python compares such tuples as DESIGN section 3, rule 3 demands: a task before its
descendants, branch A before branch B, what gathers them behind both.

Along an unforked chain the last count grows, and a gather of every branch of a fork goes on
counting at the fork, so that a long loop has short paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

Path = tuple[Any, ...]

ROOT: Path = (0,)


def arrival_path(parent: Path, branch: int, fan_out: int) -> Path:
    """Return where way ``branch`` (from 0) of the ``fan_out`` ways that a task took leads.

    >>> arrival_path((3,), 0, 1), arrival_path((3,), 1, 2)
    ((4,), (3, (0, 1, 2), 0))
    """
    if fan_out == 1:
        return (*parent[:-1], parent[-1] + 1)
    return (*parent, (0, branch, fan_out), 0)


def gather_path(paths: Sequence[Path], place: int) -> Path:
    """Return the path of a task that gathers arrivals at the sorted ``paths``; ``place`` is its node's.

    >>> gather_path([(3, (0, 0, 2), 0), (3, (0, 1, 2), 5)], place=7)
    (4,)
    >>> gather_path([(3, (0, 0, 3), 0), (3, (0, 1, 3), 0)], place=7)
    (3, (1, 1, 7), 0)
    """
    if len(paths) == 1:
        return paths[0]
    depth = _common(paths[0], paths[-1])
    shared = paths[0][:depth]
    if _unites(paths, depth):
        return (*shared[:-1], shared[-1] + 1)
    number = max((path[depth][1] if path[depth][0] == 1 else 0) for path in paths)
    return (*shared, (1, number + 1, place), 0)


def _common(first: Path, last: Path) -> int:
    """Return the length of the shared beginning; of sorted paths, the first and last share what all share."""
    depth = 0
    for a, b in zip(first, last, strict=False):
        if a != b:
            break
        depth += 1
    return depth


def _unites(paths: Sequence[Path], depth: int) -> bool:
    """Say whether ``paths`` hold every branch of the fork at ``depth``, each whole.

    Known from the fork's fan-out, never from who has finished by now: that would be timing.
    """
    kind, _, fan_out = paths[0][depth]
    branches = [(turn, list(group)) for turn, group in groupby(paths, key=lambda path: path[depth])]
    return (
        kind == 0
        and [turn for turn, _ in branches] == [(0, branch, fan_out) for branch in range(fan_out)]
        and all(_whole(group, depth + 2) for _, group in branches)
    )


def _whole(group: Sequence[Path], depth: int) -> bool:
    """Say whether one branch's arrivals hold all of it: one at its own level, or every branch of its own fork."""
    if len(group) == 1:
        return len(group[0]) == depth
    return _common(group[0], group[-1]) == depth and _unites(group, depth)
