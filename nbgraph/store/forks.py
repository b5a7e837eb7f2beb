"""Runs that share their past: what a fork's rows, its origin's rows, and that one's origin's rows say together.

Owns the way from a run to the rows of its steps, and the ``forks`` table. How shares add up is in ``pieces``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbgraph.store.digests import chain
from nbgraph.store.failures import damaged
from nbgraph.store.pieces import Piece, extended, piece_of
from nbgraph.store.protocol import Origin
from nbgraph.store.rows import RunHead, find, no_step, read_graphs, read_own_lineage, read_run_at
from nbgraph.store.schema import SHIFT

if TYPE_CHECKING:
    import sqlite3

    from nbgraph.store.protocol import StepRecord


class Owner(NamedTuple):
    """A run whose rows they are."""

    run_id: str
    head: RunHead


Line = list[Piece[Owner]]
"""Whose steps a run's steps are, oldest first; the last piece is its own."""

_PARENT = """
SELECT f.digest, f.parent, f.step, f.head, p.run_id, p.digest, coalesce(o.step, -1)
FROM forks f LEFT JOIN runs p ON p.ref = f.parent LEFT JOIN forks o ON o.run = f.parent WHERE f.run = ?"""
_BELOW = """
WITH RECURSIVE down (run) AS (
  SELECT run FROM forks WHERE parent = ? UNION SELECT f.run FROM forks f JOIN down ON f.parent = down.run)
SELECT r.run_id FROM down JOIN runs r ON r.ref = down.run ORDER BY r.ref"""


def trail(connection: sqlite3.Connection, file: str, run_id: str) -> Line:
    """Return whose steps the run's are. What was shared when a fork was made must still be there, unchanged."""
    way = [(Owner(run_id, find(connection, file, run_id)), "")]
    while way[-1][0].head.fork >= 0:
        way.append(_parent(connection, file, way[-1][0]))
    line: Line = []
    for place in range(len(way) - 1, -1, -1):
        owner = way[place][0]
        line = extended(line, owner, max(owner.head.fork, 0))
        if owner.head.fork >= 0:
            # Each owner's row tells where the one before it in the way (its fork) was bound to.
            _check_origin(connection, file, line, way[place + 1][0], way[place + 1][1])
    return line


def _parent(connection: sqlite3.Connection, file: str, fork: Owner) -> tuple[Owner, str]:
    """Return what the run is a fork of, and the digest at the last shared step."""
    row = connection.execute(_PARENT, (fork.head.ref,)).fetchone()
    if row is None or chain(fork.head.digest, row[1:4]) != row[0]:
        raise damaged(file, "its origin was changed", fork.run_id)
    if row[4] is None or row[1] >= fork.head.ref:
        raise damaged(file, "the run that it is a fork of is missing", fork.run_id)
    return Owner(row[4], RunHead(row[1], row[5], row[6])), row[3]


def _check_origin(connection: sqlite3.Connection, file: str, line: Line, parent: Owner, head: str) -> None:
    fork = line[-1].owner
    if shared_digest(connection, line, parent.head) != head:
        raise damaged(file, f"run {parent.run_id!r}, of which it is a fork, was changed", fork.run_id, fork.head.fork)


def shared_digest(connection: sqlite3.Connection, line: Line, parent: RunHead) -> str:
    """Return the digest of the last step that a fork shares, "" if it is not there; of ``parent`` if it shares none."""
    step = line[-1].first - 1
    if step == 0:
        return parent.digest.hex()
    piece = piece_of(line, step)
    place = (piece.owner.head.ref << SHIFT) + step if piece else 0
    row = connection.execute("SELECT digest FROM steps WHERE id = ?", (place,)).fetchone()
    return row[0].hex() if row else ""


def origin_of(connection: sqlite3.Connection, file: str, run_id: str) -> Origin | None:
    """Return where a fork comes from."""
    head = find(connection, file, run_id)
    if head.fork < 0:
        return None
    return Origin(_parent(connection, file, Owner(run_id, head))[0].run_id, head.fork)


def read_lineage(connection: sqlite3.Connection, file: str, line: Line, step: int) -> list[StepRecord]:
    """Return the steps from the nearest snapshot, or the first, along ``base`` to ``step``, checked."""
    records: list[StepRecord] = []
    while step > 0:
        piece = piece_of(line, step)
        part = read_own_lineage(connection, file, *piece.owner, step) if piece else []
        if not part and not records:
            raise no_step(file, line[-1].owner.run_id, step)
        if not part:
            finding = f"it is built on step {step}, which is missing"
            raise damaged(file, finding, line[-1].owner.run_id, records[0].step)
        records[:0] = part
        step = 0 if part[0].snapshot else part[0].base
    return records


def last_mark(connection: sqlite3.Connection, line: Line) -> int:
    """Return the last step that has a mark, 0 if none has."""
    query = "SELECT id & 4294967295 FROM steps WHERE id BETWEEN ? AND ? AND mark != '' ORDER BY id DESC LIMIT 1"
    for piece in reversed(line):
        row = connection.execute(query, span(piece)).fetchone()
        if row:
            return int(row[0])
    return 0


def descriptions(connection: sqlite3.Connection, file: str, line: Line) -> list[tuple[int, str, str]]:
    """Return (first step, fingerprint, description) of every graph that a run followed, oldest first."""
    found = []
    for owner, _, last in line:
        run = read_run_at(connection, file, owner.run_id, owner.head.ref)
        found += [graph for graph in read_graphs(connection, file, run) if graph[0] <= last]
    return found


def span(piece: Piece[Owner]) -> tuple[int, int]:
    """Return the first and the last id of a piece's rows."""
    place = piece.owner.head.ref << SHIFT
    return place + piece.first, place + piece.last


def bind(connection: sqlite3.Connection, head: RunHead, parent: int, digest: str) -> None:
    """Write where a fork comes from, and what is there now."""
    fields = (parent, head.fork, digest)
    row = (head.ref, chain(head.digest, fields), *fields)
    connection.execute("INSERT OR REPLACE INTO forks VALUES (?, ?, ?, ?, ?)", row)


def parent_of(connection: sqlite3.Connection, file: str, fork: Owner) -> RunHead:
    """Return what the run is a fork of."""
    return _parent(connection, file, fork)[0].head


def forks_of(connection: sqlite3.Connection, ref: int) -> list[str]:
    """Return the runs that were forked from this one, oldest first."""
    query = "SELECT r.run_id FROM forks f JOIN runs r ON r.ref = f.run WHERE f.parent = ? ORDER BY r.ref"
    return [row[0] for row in connection.execute(query, (ref,))]


def below(connection: sqlite3.Connection, ref: int) -> list[str]:
    """Return the runs that were forked from this one, or from one of those, oldest first."""
    return [row[0] for row in connection.execute(_BELOW, (ref,))]
