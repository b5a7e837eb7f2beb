"""The inbox: open questions over all runs of a store, and their answers.

Owns what a person does with questions. Needs no graph, no lease and no running process: questions and
answers are rows. Knows nothing of how a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps, loads
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.clock import Clock
from nbgraph.codec import decode
from nbgraph.engine.calls.question import open_questions
from nbgraph.engine.forms import check, plain
from nbgraph.errors import AnswerError, QuestionError
from nbgraph.store.protocol import AnswerRecord, CallRecord, Store

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
        if row.status.status in _ENDED:
            continue
        run_id = row.record.run_id
        answered = {answer.seq for answer in store.answers(run_id)}
        for line in open_questions(list(store.calls(run_id, unsettled=True))):
            if line.seq not in answered:
                yield Open(f"{run_id}/{line.seq}", run_id, row.record.graph, line)


def inbox(store: Store) -> DataFrame:
    """Return the open questions as a table, oldest first."""
    import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

    frame = pd.DataFrame([_row(question) for question in open_in(store)], columns=list(COLUMNS))
    for column in ("asked", "deadline"):
        frame[column] = pd.to_datetime(frame[column].astype("float64"), unit="s", utc=True)
    return frame.sort_values("asked", kind="stable", ignore_index=True)


def _row(question: Open) -> tuple[Any, ...]:
    line, facts = question.line, loads(question.line.data)
    prompt = decode(dumps(facts["request"]["asked"].get("prompt")))
    return (
        question.id, question.run_id, question.graph, line.node, prompt, facts.get("hint", ""), line.time,
        facts.get("deadline"), facts.get("default"), facts["schema"], line.task,
    )  # fmt: skip


def answer(store: Store, question_id: str, value: Any, by: str, clock: Clock) -> None:
    """Keep the answer to a question; raises ``QuestionError`` where it is not open, ``AnswerError`` where it is wrong."""
    run_id, _, number = question_id.rpartition("/")
    found = next((question for question in open_in(store) if question.id == question_id), None)
    if found is None or not number.isdigit():
        raise QuestionError(
            f"there is no open question {question_id!r} in {store.name!r}",
            still="nothing was changed",
            todo="engine.inbox() lists the open ones; an answer that was given cannot be changed",
            question=question_id,
            run_id=run_id,
        )
    given = plain(value)
    try:
        check(loads(found.line.data)["schema"], given)
    except AnswerError as error:
        error.facts |= {"question": question_id, "run_id": run_id, "node": found.line.node}
        raise
    text = dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    store.answer(run_id, AnswerRecord(found.line.seq, clock.now(), text, by))
