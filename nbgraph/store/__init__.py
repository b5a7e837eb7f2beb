"""Where runs live: the protocol, a SQLite file, and memory.

Owns the choice between them (``open_store``).
"""

from __future__ import annotations

import os
from typing import Any

from nbgraph.store.memory import MemoryStore
from nbgraph.store.protocol import (
    AnswerRecord,
    CallRecord,
    EventRecord,
    Lease,
    Origin,
    RunRecord,
    RunRow,
    RunStatus,
    StepRecord,
    Store,
)
from nbgraph.store.reading import Table
from nbgraph.store.sqlite import SqliteStore

__all__ = [
    "AnswerRecord",
    "CallRecord",
    "EventRecord",
    "Lease",
    "MemoryStore",
    "Origin",
    "RunRecord",
    "RunRow",
    "RunStatus",
    "SqliteStore",
    "StepRecord",
    "Store",
    "Table",
    "open_store",
]


def open_store(target: str | os.PathLike[str] | Store, **options: Any) -> Store:
    """Return the store that ``target`` means: ":memory:", a path, or a store, which passes through as it is.

    ``options`` are those of ``SqliteStore``; of them, memory only has a ``clock``.

    >>> open_store(":memory:").name
    ':memory:'
    """
    if isinstance(target, str) and target == ":memory:":
        return MemoryStore(clock=options.get("clock"))
    if isinstance(target, str | os.PathLike):
        return SqliteStore(target, **options)
    return target
