"""Giving a run a new beginning: its rows from there on are chained anew, read back, and only then is the rest gone.

Owns the rewriting. What stands in the way of it is decided in ``prune``. Works inside the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbgraph.store import forks, prune
from nbgraph.store.calls import GONE, kept_log, read_answers, read_log, rewrite
from nbgraph.store.digests import chain, event_root
from nbgraph.store.failures import damaged
from nbgraph.store.holders import lives
from nbgraph.store.leases import busy
from nbgraph.store.refusals import bad_rebase
from nbgraph.store.rows import FullRun, next_steps, read_events, read_run, step_fields
from nbgraph.store.schema import MASK, SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from nbgraph.store.protocol import AnswerRecord, CallRecord, EventRecord, StepRecord


class _Kept(NamedTuple):
    """What a run has after its new beginning."""

    later: Sequence[StepRecord]
    events: Sequence[EventRecord]
    log: Sequence[CallRecord]
    answers: Sequence[AnswerRecord]


class _Fork(NamedTuple):
    """A run that has steps of the one that is rebased, and where it is bound to one of its rows."""

    run: FullRun
    line: forks.Line


def every_step(connection: sqlite3.Connection, file: str, run: FullRun, first: int = 1) -> Iterator[StepRecord]:
    """Yield the run's own steps from ``first`` on, or the oldest one kept, checked."""
    while batch := next_steps(connection, file, run.record.run_id, run.head, first, run.steps):
        yield from batch
        first = batch[-1].step + 1


def rebase(connection: sqlite3.Connection, file: str, run: FullRun, step: int, snapshot: str, now: float) -> None:
    """Make ``step`` the run's beginning, with its digests chained anew from there."""
    run_id, head = run.record.run_id, run.head
    origin = forks.origin_of(connection, file, run_id)
    if origin:
        raise bad_rebase(file, run_id, step, prune.is_fork(origin.run_id))
    steps = list(every_step(connection, file, run))
    below = [_fork(connection, file, fork, now) for fork in forks.below(connection, head.ref)]
    findings = [_finding(connection, file, run, fork, step) for fork in below]
    finding = "; ".join(filter(None, [prune.refusal(steps, run.status, step), *findings]))
    if finding:
        raise bad_rebase(file, run_id, step, finding)
    dropped = [record for record in steps if record.step < step]
    log = kept_log(read_log(connection, file, run_id, head), {record.task for record in dropped})
    lines = {record.seq for record in log if record.attempt != GONE}
    kept = _Kept(
        [record for record in steps if record.step > step],
        prune.kept_events(read_events(connection, file, run_id, head), dropped),
        log,
        [answer for answer in read_answers(connection, file, run_id, head) if answer.seq in lines],
    )
    _write(connection, run, step, snapshot, kept)
    for fork in below:
        _bind_again(connection, run, fork)
    _compare(connection, file, run, kept, step)


def _fork(connection: sqlite3.Connection, file: str, run_id: str, now: float) -> _Fork:
    run = read_run(connection, file, run_id)
    if lives(run.holder, run.expires, now):  # what it commits next may be built on what would be gone
        raise busy(run_id, run.holder)
    return _Fork(run, forks.trail(connection, file, run_id))


def _finding(connection: sqlite3.Connection, file: str, run: FullRun, fork: _Fork, step: int) -> str:
    shared = max((piece.last for piece in fork.line if piece.owner.head.ref == run.head.ref), default=0)
    own = list(every_step(connection, file, fork.run))
    return prune.fork_refusal(fork.run.record.run_id, shared, own, fork.run.status, step)


def _write(connection: sqlite3.Connection, run: FullRun, step: int, snapshot: str, kept: _Kept) -> None:
    place = run.head.ref << SHIFT
    connection.execute("DELETE FROM steps WHERE id BETWEEN ? AND ?", (place, place + step - 1))
    connection.execute("UPDATE steps SET snapshot = ? WHERE id = ?", (snapshot, place + step))
    step_digest = _rechain_steps(connection, run, step)
    connection.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", (place, place + MASK))
    event_digest = _write_events(connection, run, kept.events)
    rewrite(connection, run.head, kept.log, kept.answers)
    _anchor(connection, run, step_digest, kept.events[-1].seq if kept.events else 0, event_digest)


def _bind_again(connection: sqlite3.Connection, run: FullRun, fork: _Fork) -> None:
    """Note the new digest of the step that a fork goes on from, if it is one of the rebased run."""
    head, piece = fork.run.head, fork.line[-2]
    if piece.owner.head.ref == run.head.ref:
        digest = forks.shared_digest(connection, fork.line, run.head)
        forks.bind(connection, head, fork.run.parent, digest)


def _rechain_steps(connection: sqlite3.Connection, run: FullRun, step: int) -> bytes:
    place = run.head.ref << SHIFT
    digest = run.head.root(step)
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


def _compare(connection: sqlite3.Connection, file: str, run: FullRun, kept: _Kept, step: int) -> None:
    """Read back what was written, before the transaction that deletes the rest may end."""
    run_id, head = run.record.run_id, run.head
    found = _Kept(
        list(every_step(connection, file, run))[1:],
        read_events(connection, file, run_id, head),
        read_log(connection, file, run_id, head),
        read_answers(connection, file, run_id, head),
    )
    if found != kept:
        raise damaged(file, "what was read back after rebasing differs", run_id, step)
    for fork in forks.below(connection, head.ref):
        forks.trail(connection, file, fork)
