"""What a run tells whoever follows it: events, and the chunks that nodes stream.

Owns the two records. Knows nothing of who sends or who follows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, after it was committed.

    ``kind`` is "step", or one of those in ``run.events``: "run.completed", "task.retried", ... ``time`` is in
    seconds since the Unix epoch; ``step`` is the number of steps committed by then.
    """

    kind: str
    step: int
    node: str
    task: str
    time: float
    data: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    """The run's id."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a node streamed. ``number`` counts from 1 within the attempt of the task."""

    node: str
    task: str
    attempt: int
    number: int
    delta: Any
