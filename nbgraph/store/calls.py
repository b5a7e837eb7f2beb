"""The log of calls and the answers that came in, as rows: reading them, each checked, and writing answers.

Owns the two tables' statements, but for the line that a driver adds (``held``). Knows nothing of what is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbgraph.store.digests import call_root, chain
from nbgraph.store.failures import damaged
from nbgraph.store.forks import span
from nbgraph.store.protocol import AnswerRecord, CallRecord
from nbgraph.store.refusals import answered_already, no_question
from nbgraph.store.schema import MASK, SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from nbgraph.store.forks import Line
    from nbgraph.store.rows import RunHead

GONE = -1
"""The ``attempt`` of a line that stands for dropped ones: the log goes on after its number."""

_CALL = "c.digest, c.id & 4294967295, c.time, c.task, c.node, c.attempt, c.name, c.phase, c.request, c.data"
_CALLS = f"""
SELECT {_CALL} FROM calls c
WHERE c.id BETWEEN coalesce((SELECT max(p.id) FROM calls p WHERE p.id BETWEEN ? AND ?), ?) AND ?
ORDER BY c.id"""  # noqa: S608 - constants only
_SETTLED = "SELECT task FROM steps WHERE id BETWEEN ? AND ?"
_UNSETTLED = """
SELECT (SELECT p.digest FROM calls p WHERE p.id BETWEEN ? AND c.id - 1 ORDER BY p.id DESC LIMIT 1), {}
FROM calls c WHERE c.id BETWEEN ? AND ? AND c.task NOT IN ({}) ORDER BY c.id"""
_ANSWERS = """
SELECT a.digest, a.id & 4294967295, a.time, a.value, a.person, c.digest
FROM answers a LEFT JOIN calls c ON c.id = a.id WHERE a.id BETWEEN ? AND ? ORDER BY a.id"""
_QUESTION = "SELECT digest, task, name, request FROM calls WHERE id = ? AND phase = 'asked' AND attempt >= 0"
_ANSWERED = """
SELECT 1 FROM answers WHERE id = ?1 UNION ALL
SELECT 1 FROM calls WHERE id BETWEEN ?1 + 1 AND ?2 AND task = ?3 AND name = ?4 AND request = ?5 AND phase = 'answered'
LIMIT 1"""
_ADD_CALL = "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_PUT_ANSWER = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)"


def read_log(connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, after: int = 0) -> list[CallRecord]:
    """Return the lines of the run's log above number ``after`` in order, checked, with those for dropped ones."""
    place = head.ref << SHIFT
    found = connection.execute(_CALLS, (place, place + after, place, place + MASK)).fetchall()
    before: bytes | None = found.pop(0)[0] if found and found[0][1] <= after else None
    records = []
    for row in found:
        records.append(_checked(file, run_id, before or call_root(head.digest, row[1]), row))
        before = row[0]
    return records


def read_calls(
    connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, after: int = 0
) -> list[CallRecord]:
    """Return the run's log of calls above number ``after`` in order, checked."""
    return [record for record in read_log(connection, file, run_id, head, after) if record.attempt != GONE]


def read_unsettled(connection: sqlite3.Connection, file: str, line: Line) -> list[CallRecord]:
    """Return the lines of tasks that have no committed step, own or shared; each checked, with what is before it."""
    run_id, head = line[-1].owner
    place = head.ref << SHIFT
    query = _UNSETTLED.format(_CALL, " UNION ALL ".join([_SETTLED] * len(line)))
    spans = [number for piece in line for number in span(piece)]
    rows = connection.execute(query, (place, place, place + MASK, *spans)).fetchall()
    records = [_checked(file, run_id, row[0] or call_root(head.digest, row[2]), row[1:]) for row in rows]
    return [record for record in records if record.attempt != GONE]


def _checked(file: str, run_id: str, before: bytes, row: tuple[Any, ...]) -> CallRecord:
    if chain(before, row[1:]) != row[0]:
        raise damaged(file, f"call {row[1]}, or what was before it, was changed", run_id)
    return CallRecord._make(row[1:])


def read_answers(connection: sqlite3.Connection, file: str, run_id: str, head: RunHead) -> list[AnswerRecord]:
    """Return the answers that came in, by the question's number, checked."""
    place = head.ref << SHIFT
    rows = connection.execute(_ANSWERS, (place, place + MASK)).fetchall()
    seal = rows.pop(0)[0] if rows and rows[0][1] == 0 else None
    for row in rows:
        if row[5] is None or chain(row[5], row[1:5]) != row[0]:
            raise damaged(file, f"the answer to question {row[1]}, or the question, was changed", run_id)
    if (rows or seal is not None) and _seal(head, [row[0] for row in rows]) != seal:
        raise damaged(file, "an answer is missing", run_id)
    return [AnswerRecord._make(row[1:5]) for row in rows]


def _seal(head: RunHead, digests: Sequence[bytes]) -> bytes:
    return chain(head.digest, ("answers", *(digest.hex() for digest in digests)))


def put_answer(connection: sqlite3.Connection, file: str, run_id: str, head: RunHead, answer: AnswerRecord) -> None:
    """Keep an answer to an open question."""
    place = head.ref << SHIFT
    question = connection.execute(_QUESTION, (place + answer.seq,)).fetchone() if 0 < answer.seq <= MASK else None
    if question is None:
        raise no_question(file, run_id, answer.seq)
    if connection.execute(_ANSWERED, (place + answer.seq, place + MASK, *question[1:])).fetchone():
        raise answered_already(file, run_id, answer.seq)
    known = read_answers(connection, file, run_id, head)  # a new seal must not cover what was changed
    write_answers(connection, head, sorted([*known, answer]))


def write_answers(connection: sqlite3.Connection, head: RunHead, answers: Sequence[AnswerRecord]) -> None:
    """Write all answers of a run, each bound to its question, and the row that covers them."""
    place, digests = head.ref << SHIFT, []
    for answer in answers:
        fields = (answer.seq, float(answer.time), answer.value, answer.by)
        (question,) = connection.execute("SELECT digest FROM calls WHERE id = ?", (place + answer.seq,)).fetchone()
        digests.append(chain(question, fields))
        connection.execute(_PUT_ANSWER, (place + answer.seq, digests[-1], *fields[1:]))
    if digests:
        connection.execute(_PUT_ANSWER, (place, _seal(head, digests), 0.0, "", ""))


def rewrite(
    connection: sqlite3.Connection, head: RunHead, log: Sequence[CallRecord], answers: Sequence[AnswerRecord]
) -> None:
    """Replace a run's log and answers, chained anew."""
    place = head.ref << SHIFT
    for table in ("calls", "answers"):
        connection.execute(f"DELETE FROM {table} WHERE id BETWEEN ? AND ?", (place, place + MASK))  # noqa: S608 - ours
    digest = call_root(head.digest, log[0].seq if log else 1)
    for record in log:
        digest = chain(digest, record)
        connection.execute(_ADD_CALL, (place + record.seq, digest, *record[1:]))
    write_answers(connection, head, answers)


def kept_log(log: Sequence[CallRecord], dropped: Collection[str]) -> list[CallRecord]:
    """Return the lines that stay when steps of the tasks ``dropped`` go; the last number is kept in any case."""
    kept = [record for record in log if record.task not in dropped and record.attempt != GONE]
    if log and (not kept or kept[-1].seq != log[-1].seq):
        kept.append(CallRecord(log[-1].seq, log[-1].time, "", "", GONE, "", "", "", "{}"))
    return kept
