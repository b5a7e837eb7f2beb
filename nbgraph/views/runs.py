"""The runs of a store as lines of a list, and how a run's status looks.

Owns what a line holds, and what changed between two looks. Pure but for the store it reads. Knows no widget.
"""

from __future__ import annotations

from collections.abc import Mapping
from json import loads
from typing import NamedTuple

from nbgraph.escape import cut, plain
from nbgraph.store.protocol import Origin, RunRow, Store

_NAME, _WORDS = 200, 160
"""Characters of a name and of an error in a line."""

RUN_LOOKS: Mapping[str, tuple[str, str]] = {
    "running": ("running", "▶"),
    "waiting": ("waiting", "?"),
    "paused": ("ready", "‖"),
    "completed": ("done", "✓"),
    "failed": ("failed", "✗"),
    "cancelled": ("skipped", "–"),
    "interrupted": ("retried", "!"),
}
"""Status of a run -> the palette's status whose colours it has, and its mark."""


class RunLine(NamedTuple):
    """One run. Times are seconds since the Unix epoch."""

    id: str
    graph: str
    status: str
    """As ``Run.status``."""
    steps: int
    created: float
    updated: float
    origin: str
    """The run that it is a fork of, "" if it is none."""
    at: int
    """The last step that it shares with its origin."""
    holder: str
    error: str
    """What it failed with, short; "" if it did not."""


def line_of(row: RunRow, origin: Origin | None) -> RunLine:
    """Return a run's line."""
    return RunLine(
        plain(row.record.run_id),
        cut(row.record.graph, _NAME),
        row.standing,
        row.steps,
        row.record.created,
        row.updated,
        plain(origin.run_id) if origin else "",
        origin.step if origin else 0,
        cut(row.holder, _NAME),
        _error(row.status.error),
    )


def _error(text: str) -> str:
    try:
        return cut(loads(text).get("message", ""), _WORDS) if text else ""
    except (ValueError, AttributeError):  # a file may hold anything
        return cut(text, _WORDS)


class RunList:
    """A store's runs as they were at the last look. Used by one thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._origins: dict[str, Origin | None] = {}
        self._rows: dict[str, RunRow] = {}
        self.lines: dict[str, RunLine] = {}
        """Id -> line, oldest run first."""

    def look(self) -> tuple[list[RunLine], list[str]]:
        """Return the lines that are new or changed since the last look, and the ids of the runs that are gone."""
        rows = {row.record.run_id: row for row in self._store.runs()}
        gone = [run_id for run_id in self._rows if run_id not in rows]
        changed = {run_id: row for run_id, row in rows.items() if row != self._rows.get(run_id)}
        news = {run_id: line_of(row, self._origin(run_id)) for run_id, row in changed.items()}
        for run_id in gone:
            del self.lines[run_id]
            self._origins.pop(run_id, None)  # an id may be taken again, by another run
        self._rows = rows
        self.lines.update(news)
        return list(news.values()), gone

    def _origin(self, run_id: str) -> Origin | None:
        """Return where a run comes from, which never changes: asked once."""
        if run_id not in self._origins:
            self._origins[run_id] = self._store.origin(run_id)
        return self._origins[run_id]
