"""A node's question to a person: what is kept of it, and what counts as its answer.

Owns the question's record. Knows nothing of who shows it or of how the node goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from json import dumps, loads
from math import isfinite
from typing import Any

from nbgraph.clock import Clock
from nbgraph.codec import Redaction
from nbgraph.engine.calls.book import Past
from nbgraph.engine.calls.request import described
from nbgraph.engine.forms import check, describe, hint, plain
from nbgraph.errors import AnswerError, QuestionError
from nbgraph.store.protocol import AnswerRecord, CallRecord


class Waiting(BaseException):
    """A node's question has no answer yet; the engine sets the task aside."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"question {seq} has no answer yet")
        self.seq = seq


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is kept. ``seq`` is 0 before it was put."""

    prompt: Any
    schema: Mapping[str, Any]
    key: str | None = None
    timeout: float | None = None
    default: Any = None
    name: str = ""
    """Its name where the engine asks for itself, "" for a node's own."""
    seq: int = 0
    deadline: float | None = None
    text: str = ""
    digest: str = ""
    blobs: Mapping[str, bytes] = field(default_factory=dict)

    def data(self, clock: Clock) -> str:
        """Return the data of the line that puts it."""
        facts = {
            "schema": self.schema,
            "hint": hint(dict(self.schema)),
            "timeout": self.timeout,
            "deadline": None if self.timeout is None else clock.now() + self.timeout,
            "default": self.default,
        }
        return f'{{"request":{self.text},' + dumps(facts)[1:]

    @classmethod
    def open(cls, seq: int, data: str) -> Question:
        """Return a question that was put, from its line; without its prompt, which may be large."""
        facts = loads(data)
        return cls(None, facts["schema"], None, facts["timeout"], facts["default"], "", seq, facts["deadline"])


def question_of(
    prompt: Any, schema: Any, key: str | None, timeout: float | None, default: Any, redact: Redaction
) -> Question:
    """Return a node's question; raises ``QuestionError`` for a schema that no answer can be checked against."""
    shape, fallback = describe(schema), plain(default)
    if timeout is not None:
        _check_timeout(timeout)
        _check_default(shape, fallback)
    request = described("ask", {"prompt": prompt, "schema": shape}, redact)
    return Question(
        prompt, shape, key, timeout, fallback, text=request.text, digest=request.digest, blobs=request.blobs
    )


def _check_timeout(timeout: Any) -> None:
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if not number or not isfinite(timeout) or timeout <= 0:
        raise QuestionError(
            f"a question's timeout is {timeout!r}", todo="give it a number of seconds above 0", expected="seconds > 0"
        )


def _check_default(shape: Mapping[str, Any], default: Any) -> None:
    """Refuse a default that would not do as an answer now, not when the time is up."""
    try:
        check(dict(shape), default)
    except AnswerError as error:
        raise QuestionError(
            f"a question's default does not fit its schema: {error.message}",
            todo="pass default=, an answer that fits; a question without timeout needs none",
            path=error.path,
            expected=error.expected,
            actual=error.actual,
        ) from error


def doubt(name: str, label: str, line: int) -> Question:
    """Return the engine's own question about the call of unknown outcome that began with ``line``."""
    prompt = f"{label} was interrupted, and nobody knows whether it took effect. Make it again, or skip it?"
    shape = {"enum": ["retry", "skip"]}
    text = dumps({"asked": {"prompt": prompt, "schema": shape}, "call": "unknown", "line": line}, separators=(",", ":"))
    return Question(prompt, shape, name=f"{name}?", text=text, digest=sha256(text.encode()).hexdigest())


def answer_text(answer: AnswerRecord) -> str:
    """Return the data of the line that answers a question."""
    return f'{{"by":{dumps(answer.by)},"question":{answer.seq},"value":{answer.value}}}'


def default_answer(past: Past, clock: Clock) -> AnswerRecord | None:
    """Return the default as an answer to a question that is out of time, None to any other."""
    facts, now = past.facts(), clock.now()
    if facts["deadline"] is None or now < facts["deadline"]:
        return None
    return AnswerRecord(past.seq, now, dumps(facts["default"], sort_keys=True, separators=(",", ":")), "timeout")


def open_questions(lines: Iterable[CallRecord]) -> list[CallRecord]:
    """Return the questions among a run's unsettled ``lines`` that still stand: the latest of each name, unanswered."""
    last = {(line.task, line.name): line for line in lines}
    return [line for line in last.values() if line.phase == "asked"]
