"""The inbox: open questions over all runs of a store, and their answers.

Owns what a person does with questions. Needs no graph, no lease and no running process: questions and
answers are rows. Knows nothing of how a run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from json import dumps, loads
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.clock import Clock
from nbgraph.codec import decode
from nbgraph.engine.calls.question import open_questions
from nbgraph.engine.forms import check, plain
from nbgraph.errors import AnswerError, QuestionError, RunNotFound, StoreError
from nbgraph.store.protocol import AnswerRecord, CallRecord, RunRow, Store

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = (
    "question", "run_id", "graph", "node", "prompt", "answer", "asked", "deadline", "default", "schema", "task",
)  # fmt: skip
_ENDED = ("completed", "cancelled")


class Open(NamedTuple):
    """An open question: its id, its run and graph, and its line in the log of calls."""

    id: str
    run_id: str
    graph: str
    line: CallRecord


def open_in(store: Store) -> Iterator[Open]:
    """Yield the open questions of every run that can still go on, oldest run first."""
    for row in store.runs():
        yield from _open_of(store, row)


def _open_of(store: Store, row: RunRow) -> Iterator[Open]:
    """Yield the open questions of one run."""
    if row.status.status in _ENDED:
        return
    run_id = row.record.run_id
    answered = {answer.seq for answer in store.answers(run_id)}
    lines = [line for line in open_questions(store.calls(run_id, unsettled=True)) if line.seq not in answered]
    waits = _waits(store, run_id) if lines else {}
    for line in lines:
        if not _given_up(line, waits.get(line.task)):
            yield Open(f"{run_id}/{line.seq}", run_id, row.record.graph, line)


def _waits(store: Store, run_id: str) -> dict[str, Mapping[str, Any]]:
    """Return what each task waited for when it was set aside last."""
    events = (event for event in store.events(run_id) if event.kind == "task.waiting")
    return {event.task: loads(event.data) for event in events}


def _given_up(line: CallRecord, waits: Mapping[str, Any] | None) -> bool:
    """Say whether the node, run again with other code, did not ask this question any more."""
    return waits is not None and line.seq not in waits["questions"] and line.seq <= waits["upto"]


def inbox(store: Store) -> DataFrame:
    """Return the open questions as a table, oldest first."""
    import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

    rows = [_row(question, store.blob) for question in open_in(store)]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("asked", "deadline"):
        frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="s", utc=True, errors="coerce")
    return frame.sort_values("asked", kind="stable", ignore_index=True)


def _row(question: Open, blob: Callable[[str], bytes]) -> tuple[Any, ...]:
    line, facts = question.line, loads(question.line.data)
    prompt = decode(dumps(facts["request"]["asked"].get("prompt")), blob=blob)
    return (
        question.id, question.run_id, question.graph, line.node, prompt, facts.get("hint", ""), line.time,
        facts.get("deadline"), facts.get("default"), facts["schema"], line.task,
    )  # fmt: skip


def answer(store: Store, question_id: str, value: Any, by: str, clock: Clock) -> None:
    """Keep the answer to a question; raises ``QuestionError`` where it is not open, ``AnswerError`` where it is wrong."""
    run_id, _, _ = question_id.rpartition("/")
    found = next((question for question in _open_of_id(store, run_id) if question.id == question_id), None)
    if found is None:
        raise _not_open(store, question_id, run_id)
    try:
        given = plain(value)
        check(loads(found.line.data)["schema"], given)
    except AnswerError as error:
        error.facts |= {"question": question_id, "run_id": run_id, "node": found.line.node}
        error.still = "nothing was changed; the question is still open"
        raise
    text = dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        store.answer(run_id, AnswerRecord(found.line.seq, clock.now(), text, by))
    except StoreError as error:
        if error.question is None:
            raise
        raise _not_open(store, question_id, run_id) from error  # somebody else was faster


def _open_of_id(store: Store, run_id: str) -> Iterator[Open]:
    try:
        row = store.run(run_id)
    except RunNotFound:
        return
    yield from _open_of(store, row)


def _not_open(store: Store, question_id: str, run_id: str) -> QuestionError:
    return QuestionError(
        f"there is no open question {question_id!r} in {store.name!r}",
        still="nothing was changed",
        todo="engine.inbox() lists the open ones; an answer that was given cannot be changed",
        question=question_id,
        run_id=run_id,
    )
