"""Removing things: a whole run, what is before a step, and blobs that nobody refers to any more.

Owns the rule that everything is verified before anything is deleted. Works inside the caller's transaction.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from nbgraph.store.digests import chain, event_root, root
from nbgraph.store.failures import damaged
from nbgraph.store.refusals import bad_rebase
from nbgraph.store.rows import FullRun, read_events, read_steps, step_fields
from nbgraph.store.schema import MASK, SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from nbgraph.store.protocol import EventRecord, RunStatus, StepRecord

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TEXTS = (
    "SELECT input, description, options FROM runs",
    "SELECT error, final, '' FROM statuses",
    "SELECT data, '', '' FROM events",
    "SELECT updates || results, merged || arrivals || parents, facts || mark || snapshot FROM steps",
)


def drop_run(connection: sqlite3.Connection, ref: int) -> None:
    """Delete every row of a run."""
    span = (ref << SHIFT, (ref << SHIFT) + MASK)
    connection.execute("DELETE FROM steps WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM graphs WHERE id BETWEEN ? AND ?", span)
    connection.execute("DELETE FROM statuses WHERE run = ?", (ref,))
    connection.execute("DELETE FROM leases WHERE run = ?", (ref,))
    connection.execute("DELETE FROM runs WHERE ref = ?", (ref,))


def every_step(connection: sqlite3.Connection, file: str, run: FullRun, first: int = 1) -> Iterator[StepRecord]:
    """Yield the run's steps from ``first`` on, or the oldest one kept, checked."""
    span = ((run.head.ref << SHIFT) + first, (run.head.ref << SHIFT) + MASK)
    oldest = connection.execute("SELECT min(id) & 4294967295 FROM steps WHERE id BETWEEN ? AND ?", span).fetchone()[0]
    while oldest is not None:
        batch = read_steps(connection, file, run.record.run_id, run.head, oldest, run.steps)
        yield from batch
        oldest = batch[-1].step + 1 if batch and batch[-1].step < run.steps else None


def refusal(steps: Sequence[StepRecord], status: RunStatus, step: int) -> str:
    """Return why a run of these steps cannot begin at ``step``, "" if it can. ``steps`` are all there are.

    What comes later must not be built on what would be gone.
    """
    chosen = next((record for record in steps if record.step == step), None)
    if chosen is None:
        return "there is no such step"
    if not chosen.mark:
        return "it has no mark: a run cannot be picked up there"
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


def rebase(connection: sqlite3.Connection, file: str, run: FullRun, step: int, snapshot: str) -> None:
    """Make ``step`` the run's beginning, with its digests chained anew from there."""
    steps = list(every_step(connection, file, run))
    events = read_events(connection, file, run.record.run_id, run.head)
    finding = refusal(steps, run.status, step)
    if finding:
        raise bad_rebase(file, run.record.run_id, step, finding)
    kept = kept_events(events, [record for record in steps if record.step < step])
    place = run.head.ref << SHIFT
    connection.execute("DELETE FROM steps WHERE id BETWEEN ? AND ?", (place, place + step - 1))
    connection.execute("UPDATE steps SET snapshot = ? WHERE id = ?", (snapshot, place + step))
    step_digest = _rechain_steps(connection, run, step)
    connection.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", (place, place + MASK))
    event_digest = _write_events(connection, run, kept)
    _anchor(connection, run, step_digest, kept[-1].seq if kept else 0, event_digest)
    _compare(connection, file, run, [record for record in steps if record.step > step], kept, step)


def _rechain_steps(connection: sqlite3.Connection, run: FullRun, step: int) -> bytes:
    place = run.head.ref << SHIFT
    digest = root(run.head.digest, step)
    query = (
        "SELECT committed, id & 4294967295, task, node, status, attempts, base, parents, updates, results, merged, "
        "arrivals, snapshot, mark, facts, key FROM steps WHERE id = ?"
    )
    for number in range(step, run.steps + 1):
        row = connection.execute(query, (place + number,)).fetchone()
        digest = chain(digest, step_fields(row[0], row[1:]))
        connection.execute("UPDATE steps SET digest = ? WHERE id = ?", (digest, place + number))
    return digest


def _write_events(connection: sqlite3.Connection, run: FullRun, events: Sequence[EventRecord]) -> bytes:
    place = run.head.ref << SHIFT
    digest = event_root(run.head.digest, events[0].seq if events else 1)
    for event in events:
        digest = chain(digest, event)
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (place + event.seq, digest, *event[1:])
        )
    return digest


def _anchor(connection: sqlite3.Connection, run: FullRun, digest: bytes, seq: int, event_digest: bytes) -> None:
    fields = (run.updated, run.steps, digest.hex(), seq, event_digest.hex(), *run.status)
    row = (run.head.ref, chain(run.head.digest, fields), *fields)
    connection.execute("INSERT OR REPLACE INTO statuses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _compare(
    connection: sqlite3.Connection,
    file: str,
    run: FullRun,
    later: Sequence[StepRecord],
    events: Sequence[EventRecord],
    step: int,
) -> None:
    """Read back what was written, before the transaction that deletes the rest may end."""
    found = list(every_step(connection, file, run))
    if found[1:] != list(later) or read_events(connection, file, run.record.run_id, run.head) != list(events):
        raise damaged(file, "what was read back after rebasing differs", run.record.run_id, step)


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
