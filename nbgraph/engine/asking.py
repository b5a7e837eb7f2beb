"""Tasks that wait for a person: set aside with their questions, back when every one can go on.

Owns who waits for what. Pure: it is told which questions have an answer, and the time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nbgraph.engine.order import Path
from nbgraph.engine.task import Task

if TYPE_CHECKING:
    from nbgraph.engine.calls.question import Question


class _Asked(NamedTuple):
    task: Task
    questions: Sequence[Question]


class Asking:
    """The tasks of a run that asked and have no answer yet."""

    def __init__(self) -> None:
        self._asked: list[_Asked] = []

    def __len__(self) -> int:
        return len(self._asked)

    def add(self, task: Task, questions: Sequence[Question]) -> None:
        """Set a task aside."""
        self._asked.append(_Asked(task, tuple(questions)))

    def back(self, answered: Collection[int], now: float) -> list[Task]:
        """Remove and return the tasks with a question that is answered, or out of time at ``now`` (epoch seconds)."""
        found = [asked for asked in self._asked if any(_settled(q, answered, now) for q in asked.questions)]
        self._asked = [asked for asked in self._asked if asked not in found]
        return [asked.task for asked in found]

    def deadline(self) -> float | None:
        """Return when the next question runs out of time, in epoch seconds; None if none ever does."""
        dues = [q.deadline for asked in self._asked for q in asked.questions if q.deadline is not None]
        return min(dues, default=None)

    def before(self, bound: Path) -> bool:
        """Say whether a task that comes before ``bound`` in canonical order waits."""
        return any(asked.task.path < bound for asked in self._asked)


def _settled(question: Question, answered: Collection[int], now: float) -> bool:
    return question.seq in answered or (question.deadline is not None and now >= question.deadline)
