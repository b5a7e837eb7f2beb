"""Ways of breaking the engine on purpose: each takes one promise away, and a check must notice.

Each is called in a process of its own before the engine is made.
"""

from __future__ import annotations

from typing import Any

from nbgraph.engine.merge import Merger
from nbgraph.engine.restoring import Restorer
from nbgraph.store import holders, sqlite


def nobody() -> None:
    """Break nothing."""


def late() -> None:
    """Acknowledge a commit before it is made: each is made when the next one comes."""
    commit, waiting = sqlite.SqliteStore.commit, list[Any]()

    def later(self: Any, *args: Any) -> None:
        while waiting:
            commit(self, *waiting.pop())
        if len(args) > 3 and args[3] is not None:
            commit(self, *args)
        else:
            waiting.append(args)

    sqlite.SqliteStore.commit = later  # type: ignore[method-assign]


def twice() -> None:
    """Apply what is read back at a resume twice."""
    restore, write = Restorer._row, Merger.write

    def doubled(self: Any, lineage: Any, update: Any, known: Any = None) -> Any:
        write(self, lineage, {name: kept for name, kept in update.items() if name == "total"}, known)
        return write(self, lineage, update, known)

    def restored(self: Any, row: Any, look: Any) -> Any:
        Merger.write = doubled  # type: ignore[method-assign]
        try:
            return restore(self, row, look)
        finally:
            Merger.write = write  # type: ignore[method-assign]

    Restorer._row = restored  # type: ignore[method-assign]


def leaseless() -> None:
    """Take every driver for dead."""
    holders.lives = lambda holder, expires, now: False
