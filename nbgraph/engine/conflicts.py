"""Finding concurrent writes to one field the moment the second is made.

Owns DESIGN section 3, rule 5. In constant time as long as all is well: the run's last writer of a field
must be the last writer on the lineage of whoever writes next. Knows no store and no thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from nbgraph.engine.order import Path
from nbgraph.engine.task import Lineage, Task
from nbgraph.ids import TaskId


class Written(NamedTuple):
    """One write to a field without reducer, since one task alone was alive."""

    task: TaskId
    node: str
    path: Path
    value: Any


class Conflict(NamedTuple):
    """Two concurrent writes to one field, in canonical order."""

    field: str
    first: Written
    second: Written


class Writers:
    """Who wrote what since one task alone was alive: the one place that remembers it."""

    def __init__(self) -> None:
        self._writes: dict[str, list[Written]] = {}

    def clear(self) -> None:
        """Forget: all that was written is an ancestor of all that will be."""
        self._writes.clear()

    def conflicts(self, task: Task, before: Mapping[str, TaskId], update: Mapping[str, Any]) -> list[Conflict]:
        """Return the conflicts that ``task`` makes by writing ``update`` (fields without reducer only)."""
        found: list[Conflict] = []
        for name, value in update.items():
            writes = self._writes.get(name)
            if writes and writes[-1].task != before.get(name):
                found += self._concurrent(Written(task.id, task.node.name, task.path, value), name, task.lineage)
        return found

    def all_conflicts(self, task: Task, update: Mapping[str, Any]) -> list[Conflict]:
        """Return the same without the short cut, for a run that has failed already."""
        return [
            conflict
            for name, value in update.items()
            for conflict in self._concurrent(Written(task.id, task.node.name, task.path, value), name, task.lineage)
        ]

    def _concurrent(self, new: Written, name: str, lineage: Lineage) -> Iterable[Conflict]:
        ancestors = _ancestors(lineage)
        for old in self._writes.get(name, ()):
            if old.task not in ancestors and old.task != new.task:
                first, second = sorted((old, new), key=lambda written: written.path)
                yield Conflict(name, first, second)

    def add(self, task: Task, update: Mapping[str, Any]) -> None:
        """Remember what ``task`` wrote."""
        for name, value in update.items():
            self._writes.setdefault(name, []).append(Written(task.id, task.node.name, task.path, value))

    def replace(self, task: Task, update: Mapping[str, Any]) -> None:
        """Remember what a person made of what ``task`` wrote."""
        for name in update:
            self._writes[name] = [written for written in self._writes.get(name, ()) if written.task != task.id]
        self.add(task, update)


def _ancestors(lineage: Lineage) -> set[TaskId]:
    ids, entry = set(), lineage.chain
    while entry is not None:
        ids.add(entry.task)
        entry = entry.before
    return ids
