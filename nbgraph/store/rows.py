"""Rows become records here, each checked against its digest before anything of it is used.

Owns the reading statements and the checks. Works on any connection; knows nothing of leases' rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.errors import RunNotFound, StoreError
from nbgraph.store.digests import START, chain, event_root, fork_root, fork_start, root
from nbgraph.store.failures import damaged
from nbgraph.store.protocol import EventRecord, RunRecord, RunStatus, StepRecord
from nbgraph.store.schema import MASK, SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

_STEP = (
    "s.digest, s.committed, s.id & 4294967295, s.task, s.node, s.status, s.attempts, s.base, s.parents, s.updates, "
    "s.results, s.merged, s.arrivals, s.snapshot, s.mark, s.facts, s.key"
)
_STEPS = f"SELECT {_STEP} FROM steps s WHERE s.id BETWEEN ? AND ? ORDER BY s.id"  # noqa: S608 - constants only
_LINEAGE = f"""
WITH RECURSIVE line (id) AS (
  SELECT :id
  UNION ALL
  SELECT (s.id - (s.id & 4294967295)) + s.base FROM line CROSS JOIN steps s ON s.id = line.id
  WHERE s.base BETWEEN 1 AND (s.id & 4294967295) - 1 AND s.snapshot = ''
)
SELECT (SELECT p.digest FROM steps p WHERE p.id = line.id - 1), {_STEP}
FROM line CROSS JOIN steps s ON s.id = line.id ORDER BY s.id"""  # noqa: S608 - constants only
_EVENTS = """
SELECT e.digest, e.id & 4294967295, e.step, e.time, e.kind, e.node, e.task, e.data
FROM events e WHERE e.id BETWEEN coalesce((SELECT max(p.id) FROM events p WHERE p.id BETWEEN ? AND ?), ?) AND ?
ORDER BY e.id"""
_RUNS = """
SELECT r.ref, r.digest, r.run_id, r.graph, r.fingerprint, r.description, r.input, r.seed, r.created, r.options,
  s.digest, s.changed, s.steps, s.head, s.events, s.event_head, s.status, s.error, s.final,
  l.digest, l.fence, l.holder, l.expires,
  (SELECT max(id) & 4294967295 FROM steps WHERE id BETWEEN r.ref << 32 AND (r.ref << 32) + 4294967295),
  (SELECT committed FROM steps WHERE id BETWEEN r.ref << 32 AND (r.ref << 32) + 4294967295 ORDER BY id DESC LIMIT 1),
  (SELECT time FROM events WHERE id BETWEEN r.ref << 32 AND (r.ref << 32) + 4294967295 ORDER BY id DESC LIMIT 1),
  f.digest, f.parent, f.step, f.head,
  (SELECT time FROM calls WHERE id BETWEEN r.ref << 32 AND (r.ref << 32) + 4294967295 ORDER BY id DESC LIMIT 1)
FROM runs r LEFT JOIN statuses s ON s.run = r.ref LEFT JOIN leases l ON l.run = r.ref LEFT JOIN forks f ON f.run = r.ref
"""
_HEAD = "SELECT r.ref, r.digest, coalesce(f.step, -1) FROM runs r LEFT JOIN forks f ON f.run = r.ref WHERE r.run_id = ?"
_BATCH = 256


class RunHead(NamedTuple):
    """Where a run is in the file, and what its chains start from."""

    ref: int
    digest: bytes
    fork: int = -1
    """The step of its origin after which a fork goes on, -1 for a run of its own."""

    def root(self, first: int) -> bytes:
        """Return what comes before the run's own step ``first`` when none of its own is before it."""
        return root(self.digest, first) if self.fork < 0 else fork_root(self.digest, self.fork)


class FullRun(NamedTuple):
    """A run's rows, checked."""

    head: RunHead
    record: RunRecord
    status: RunStatus
    anchors: tuple[int, str, int, str]
    """Steps and events at the last change of status, each with its digest."""
    fence: int
    holder: str
    expires: float
    steps: int
    updated: float
    parent: int
    """Where the run is that this one is a fork of, 0 for a run of its own."""


def find(connection: sqlite3.Connection, file: str, run_id: str) -> RunHead:
    """Return where the run is; raises ``RunNotFound``, and ``StoreCorrupt`` if only the index lost it."""
    row = connection.execute(_HEAD, (run_id,)).fetchone()
    if row is None and connection.execute("SELECT 1 FROM runs NOT INDEXED WHERE run_id = ?", (run_id,)).fetchone():
        # Another process may have made the run between the two looks; the index is asked once more.
        row = connection.execute(_HEAD, (run_id,)).fetchone()
        if row is None:
            raise damaged(file, "the index of run ids does not know it", run_id)
    if row is None:
        raise not_found(file, run_id)
    return RunHead(*row)


def not_found(file: str, run_id: str) -> RunNotFound:
    """Return the error for an id that the store does not have."""
    message = f"the store {file!r} has no run {run_id!r}"
    return RunNotFound(message, todo="store.runs() lists those it has", file=file, run_id=run_id)


def no_step(file: str, run_id: str, step: int) -> StoreError:
    """Return the error for a step that was never committed, or was pruned."""
    message = f"run {run_id!r} in {file!r} has no step {step}"
    return StoreError(message, todo="store.run(run_id).steps is the last one", file=file, run_id=run_id, step=step)


def read_run(connection: sqlite3.Connection, file: str, run_id: str) -> FullRun:
    """Return one run, checked; a fork with the input of its origin."""
    run = known = read_run_at(connection, file, run_id, find(connection, file, run_id).ref)
    if run.record.run_id != run_id:
        raise damaged(file, "the index of run ids leads to another run", run_id)
    while known.parent:
        known = read_run_at(connection, file, run_id, known.parent)
    return _with_input(run, known.record.input)


def read_run_at(connection: sqlite3.Connection, file: str, run_id: str, ref: int) -> FullRun:
    """Return the run at ``ref``, which is ``run_id`` or what it is a fork of; a fork's input is ""."""
    row = connection.execute(_RUNS + "WHERE r.ref = ?", (ref,)).fetchone()
    if row is None:
        find(connection, file, run_id)  # deleted meanwhile: that is no damage
        raise damaged(file, "the run that it is a fork of is missing", run_id)
    return _full_run(file, row)


def read_runs(connection: sqlite3.Connection, file: str) -> list[FullRun]:
    """Return every run, oldest first, checked."""
    runs: dict[int, FullRun] = {}
    for row in connection.execute(_RUNS + "ORDER BY r.ref").fetchall():
        run = _full_run(file, row)
        if run.parent and run.parent not in runs:
            raise damaged(file, "the run that it is a fork of is missing", run.record.run_id)
        runs[run.head.ref] = _with_input(run, runs[run.parent].record.input) if run.parent else run
    return list(runs.values())


def _with_input(run: FullRun, text: str) -> FullRun:
    return run._replace(record=run.record._replace(input=text)) if run.parent else run


def _full_run(file: str, row: tuple[Any, ...]) -> FullRun:
    run_id, (fork_digest, parent, step, _) = row[2], row[26:30]
    # Origins are older than their forks: following them comes to an end.
    start = START if parent is None else fork_start(parent, step)
    if chain(start, row[2:10]) != row[1] or (parent is not None and not 0 < parent < row[0]):
        raise damaged(file, "its first row (graph, input, options) or its origin was changed", str(run_id))
    if parent is not None and chain(row[1], row[27:30]) != fork_digest:
        raise damaged(file, "its origin was changed", run_id)
    if row[10] is None or chain(row[1], row[11:19]) != row[10]:
        raise damaged(file, "its status was changed", run_id)
    if row[19] is None or chain(row[1], row[20:23]) != row[19]:
        raise damaged(file, "its lease was changed", run_id)
    last = row[23] or step or 0
    if last < row[12]:
        raise damaged(file, f"steps {last + 1} to {row[12]} are missing", run_id, last + 1)
    head = RunHead(row[0], row[1], -1 if step is None else step)
    record = RunRecord._make((*row[2:7], int(row[7]), *row[8:10]))
    updated = max(moment for moment in (row[8], row[11], row[24], row[25], row[30]) if moment is not None)
    status, (fence, holder, expires) = RunStatus._make(row[16:19]), row[20:23]
    return FullRun(head, record, status, row[12:16], fence, holder, expires, last, updated, parent or 0)


def step_fields(committed: float, record: Sequence[object]) -> tuple[object, ...]:
    """Return what a step's digest covers."""
    return (committed, *record)


def next_steps(
    connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, first: int, last: int
) -> list[StepRecord]:
    """Return the run's next own steps from ``first`` on, checked, a batch at most; none when there are no more.

    Steps are missing only before the oldest one kept, and the digest of that one says that it is.
    """
    span = ((head.ref << SHIFT) + first, (head.ref << SHIFT) + last)
    query = "SELECT min(id) & 4294967295 FROM steps WHERE id BETWEEN ? AND ?"
    oldest = connection.execute(query, span).fetchone()[0]
    return [] if oldest is None else _read_steps(connection, file, run_id, head, oldest, last)


def _read_steps(
    connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, first: int, last: int
) -> list[StepRecord]:
    """Nothing is left open between batches. The row before ``first`` comes with the same statement: one moment."""
    place, last = head.ref << SHIFT, min(last, first + _BATCH - 1)
    rows = connection.execute(_STEPS, (place + first - 1, place + last)).fetchall()
    before: bytes | None = None
    if rows and rows[0][2] < first:
        before = rows.pop(0)[0]
    records: list[StepRecord] = []
    for row in rows:
        if before is None:
            before, expected = head.root(row[2]), row[2]
        else:
            expected = first + len(records) if not records else records[-1].step + 1
        if row[2] != expected or chain(before, row[1:]) != row[0]:
            raise damaged(file, "it, or what was before it, was changed", run_id, expected)
        before = row[0]
        records.append(StepRecord._make(row[2:]))
    return records


def read_own_lineage(
    connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, step: int
) -> list[StepRecord]:
    """Return the run's own steps from the nearest snapshot, or the first, along ``base`` to ``step``, checked.

    None if ``step`` is not there. Without a snapshot the first one's ``base`` says where the line goes on.
    """
    rows = connection.execute(_LINEAGE, {"id": (head.ref << SHIFT) + step}).fetchall()
    records: list[StepRecord] = []
    for row in rows:
        record = StepRecord._make(row[3:])
        if chain(row[0] or head.root(record.step), row[2:]) != row[1]:
            raise damaged(file, "it, or what was before it, was changed", run_id, record.step)
        if records and record.base != records[-1].step:
            raise damaged(file, f"it is built on step {record.base}, which is missing", run_id, record.step)
        records.append(record)
    return records if records and records[-1].step == step else []


def read_events(
    connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, after: int = 0
) -> list[EventRecord]:
    """Return the run's events above number ``after`` in order, checked; the one before them comes along for that."""
    place = head.ref << SHIFT
    found = connection.execute(_EVENTS, (place, place + after, place, place + MASK)).fetchall()
    before: bytes | None = found.pop(0)[0] if found and found[0][1] <= after else None
    records = []
    for row in found:
        if chain(before or event_root(head.digest, row[1]), row[1:]) != row[0]:
            raise damaged(file, f"event {row[1]}, or what was before it, was changed", run_id)
        before = row[0]
        records.append(EventRecord._make(row[1:]))
    return records


def read_graphs(connection: sqlite3.Connection, file: str, run: FullRun) -> list[tuple[int, str, str]]:
    """Return (first step, fingerprint, description) of every graph that the run's own steps followed, oldest first."""
    place, first = run.head.ref << SHIFT, max(run.head.fork, 0) + 1
    graphs = {first: (first, run.record.fingerprint, run.record.description)}
    query = "SELECT digest, id & 4294967295, fingerprint, description FROM graphs WHERE id BETWEEN ? AND ? ORDER BY id"
    for row in connection.execute(query, (place, place + MASK)).fetchall():
        if chain(run.head.digest, row[1:]) != row[0]:
            raise damaged(file, f"the graph from step {row[1]} on was changed", run.record.run_id)
        graphs[row[1]] = row[1:]
    return list(graphs.values())
