"""What a run tells whoever follows it: events, and the chunks that nodes stream.

Owns the two records, and the list of what may happen. Knows nothing of who sends or who follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "step": "a task's step was committed",
        "task.retried": "an attempt failed, another one follows",
        "task.failed": "a task failed for good",
        "task.waiting": "a task asks a person, and waits",
        "conflict": "two concurrent tasks wrote one field, and nothing says which counts",
        "queue.waited": "a task that could start waited for room in the workers' queue",
        "run.resumed": "the run goes on from where it stood",
        "run.forked": "the run begins where another one stood",
        "run.paused": "the run stands still: it was asked to, or met a bound; the data say why",
        "run.waiting": "nothing is left to do before a person has answered",
        "run.failed": "a task failed, and what had begun is done",
        "run.cancelled": "somebody cancelled the run",
        "run.completed": "the run is over",
    }
)
"""Every kind of event, and what it says."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, after it was committed.

    ``kind`` is one of ``nbgraph.events.KINDS``: "step", "run.completed", "task.retried", ... ``time`` is in
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
