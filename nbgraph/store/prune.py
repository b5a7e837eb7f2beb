"""What may be removed, and removing it: a whole run, what is before a step, blobs that nobody refers to any more.

Owns the rules; the rewriting of a run that begins later is in ``rebase``. Works inside the caller's transaction.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from nbgraph.store.schema import MASK, SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from nbgraph.store.protocol import EventRecord, RunStatus, StepRecord

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TEXTS = (
    "SELECT input, description, options FROM runs",
    "SELECT error, final, '' FROM statuses",
    "SELECT data, '', '' FROM events",
    "SELECT data, '', '' FROM calls",
    "SELECT value, '', '' FROM answers",
    "SELECT updates || results, merged || arrivals || parents, facts || mark || snapshot FROM steps",
)


def drop_run(connection: sqlite3.Connection, ref: int) -> None:
    """Delete every row of a run."""
    span = (ref << SHIFT, (ref << SHIFT) + MASK)
    connection.execute("DELETE FROM steps WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM calls WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM answers WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM graphs WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM forks WHERE run = ?", (ref,))
    connection.execute("DELETE FROM statuses WHERE run = ?", (ref,))
    connection.execute("DELETE FROM leases WHERE run = ?", (ref,))
    connection.execute("DELETE FROM runs WHERE ref = ?", (ref,))


def refusal(steps: Sequence[StepRecord], status: RunStatus, step: int) -> str:
    """Return why a run of these steps cannot begin at ``step``, "" if it can. ``steps`` are all there are.

    What comes later must not be built on what would be gone.
    """
    chosen = next((record for record in steps if record.step == step), None)
    if chosen is None:
        return "there is no such step"
    if not chosen.mark:
        return "it has no mark: a run cannot be picked up there"
    return _built_before(steps, status, step)


def is_fork(origin: str) -> str:
    """Return why a fork of run ``origin`` cannot have another beginning."""
    return f"it is a fork of run {origin!r}, whose steps it shares"


def fork_refusal(run_id: str, shared: int, steps: Sequence[StepRecord], status: RunStatus, step: int) -> str:
    """Return why the origin of fork ``run_id`` cannot begin at ``step``, "" if it can.

    ``shared`` is the last of the origin's steps that the fork has, ``steps`` are the fork's own.
    """
    if shared < step:
        return f"its fork {run_id!r} goes on from step {shared}"
    finding = _built_before(steps, status, step)
    return f"in its fork {run_id!r} {finding}" if finding else ""


def _built_before(steps: Sequence[StepRecord], status: RunStatus, step: int) -> str:
    for record in steps:
        if record.step > step and not record.snapshot and _oldest(record.base, record.merged) < step:
            return f"step {record.step} is built on an earlier one"
    if status.final and _oldest(step, status.final) < step:
        return "the final state is built on an earlier one"
    return ""


def _oldest(base: int, merged: str) -> int:
    """Return the oldest step that a record is built on."""
    found = json.loads(merged) if merged else {}
    return min(base, int(found.get("base", base)), *map(int, found.get("fold", ())))


def kept_events(events: Sequence[EventRecord], dropped: Iterable[StepRecord]) -> list[EventRecord]:
    """Return the events that stay: those of other tasks than the dropped ones, and the last, which numbers go on from.

    An event is older than a step and still needed if its task had not finished by then.
    """
    tasks = {record.task for record in dropped}
    return [event for event in events if event.task not in tasks or event is events[-1]]


def mentioned(texts: Iterable[str]) -> set[str]:
    """Return what may be the digest of a blob in texts; too many rather than too few."""
    return {digest for text in texts if "$blob" in text for digest in _DIGEST.findall(text)}


def references(connection: sqlite3.Connection) -> set[str]:
    """Return every digest that any text in the file may refer to."""
    return mentioned(text for query in _TEXTS for row in connection.execute(query) for text in row)


def sweep(connection: sqlite3.Connection) -> None:
    """Delete the blobs that nothing refers to."""
    known = {digest for (digest,) in connection.execute("SELECT digest FROM blobs")}
    if known:
        unused = known - references(connection)
        connection.executemany("DELETE FROM blobs WHERE digest = ?", [(digest,) for digest in sorted(unused)])
