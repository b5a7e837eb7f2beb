"""What an inspector keeps of a run while it follows it: a few words of every step, all events, who is in trouble.

Owns that memory; it grows with the number of steps, not with what they hold. Rows are read again when they are
looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from json import loads
from typing import NamedTuple

from nbgraph.store.protocol import EventRecord, StepRecord
from nbgraph.views.inspector.writers import Writers
from nbgraph.views.subject import News

AROUND = 60
"""Events that are shown around a step at most."""

_LEFT_OUT = frozenset({"upto", "calls", "printed", "now", "error", "questions", "seconds"})
"""Of an event's data: what stands elsewhere, or says nothing to a reader."""


Known = tuple[str, str]
"""A step in two words: its node and its task."""


class Trouble(NamedTuple):
    """A task without a step that somebody should look at: it failed for good, or it waits for a person."""

    task: str
    node: str
    status: str
    event: EventRecord


class Index:
    """Takes a run's news; answers what a page asks of steps, tasks and events."""

    def __init__(self) -> None:
        self.steps: dict[int, Known] = {}
        self.writers = Writers()
        self.events: list[EventRecord] = []
        self.calls: Counter[str] = Counter()
        """Calls and questions of each task."""
        self.status = ""
        self._trouble: dict[str, Trouble] = {}

    @property
    def latest(self) -> int:
        """The last step, 0 where there is none."""
        return next(reversed(self.steps), 0)

    def take(self, news: News) -> None:
        """Take what is new."""
        self.events += news.events
        for event in news.events:
            self._heard(event)
        self._add(news.steps)
        self.calls.update(line.task for line in news.calls if line.phase in ("started", "asked"))
        self.status = news.status

    def _add(self, rows: Iterable[StepRecord]) -> None:
        steps, writers, trouble = self.steps, self.writers, self._trouble
        for row in rows:
            steps[row.step] = row.node, row.task
            writers.add(row)
            if trouble:
                trouble.pop(row.task, None)

    def _heard(self, event: EventRecord) -> None:
        if event.kind == "run.resumed":  # what failed is tried again; what waits still waits
            self._trouble = {task: one for task, one in self._trouble.items() if one.status == "waiting"}
        status = {"task.failed": "failed", "task.waiting": "waiting"}.get(event.kind)
        if status is not None:
            self._trouble[event.task] = Trouble(event.task, event.node, status, event)

    def troubles(self) -> list[Trouble]:
        """Return the tasks that failed or wait and have no step, failures first."""
        return sorted(self._trouble.values(), key=lambda one: (one.status != "failed", one.event.seq))

    def around(self, step: int, task: str) -> list[EventRecord]:
        """Return the events of a task, and those that came right before or after its step."""
        near = [event for event in self.events if step - 1 <= event.step <= step or (task and event.task == task)]
        return near[-AROUND:]

    def attempts(self, task: str) -> list[EventRecord]:
        """Return the failures of a task, in order."""
        return [event for event in self.events if event.task == task and event.kind in ("task.retried", "task.failed")]

    def named(self, step: int) -> list[object]:
        """Return [step, its node] for a link to a step."""
        known = self.steps.get(step)
        return [step, "" if known is None else known[0]]


def told(event: EventRecord) -> str:
    """Return what an event tells, in one line."""
    data = loads(event.data or "{}")
    error = data.pop("raised", None) or data.pop("error", None)
    data = {name: value for name, value in data.items() if name not in _LEFT_OUT}
    parts = [f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in data.items()]
    return " · ".join([*([str(error)] if error else []), *parts])
