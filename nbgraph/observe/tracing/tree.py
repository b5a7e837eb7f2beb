"""A run's rows as a tree of spans, as they come: run, task, attempt, call.

Owns what a row ends. The tree is a function of the rows alone: live, piece by piece, and after the fact, all at once, it
is the same. A run has one span for each drive: what was paused and resumed, or failed and went on, has several, in
one trace. Knows no SDK, no clock and no thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from json import loads
from typing import Any, NamedTuple

from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.identity import Identity, run_span, task_span
from nbgraph.observe.tracing.paid import Sum
from nbgraph.observe.tracing.places import EDITS, Known, Places, order_text
from nbgraph.observe.tracing.spans import Link, Mark, Span, nanoseconds
from nbgraph.observe.tracing.tasks import Ended, Task, Try
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord

_GOES_ON = ("run.resumed", "run.forked")


class Head(NamedTuple):
    """What is known of a run before its first row."""

    run: Identity
    graph: str
    fingerprint: str
    seed: int
    nodes: Sequence[tuple[int, dict[str, int]]] = ()
    """See ``Places``."""
    origins: Sequence[tuple[Identity, int]] = ()
    """Of a fork: who owns its shared steps, and up to which; the nearest last."""

    @property
    def shared(self) -> int:
        """Steps that a fork has from its origin."""
        return self.origins[-1][1] if self.origins else 0

    def owner(self, step: int) -> Identity:
        """Return whose step that is."""
        return next((origin for origin, upto in self.origins if step <= upto), self.run)


@dataclass
class _Open:
    """A task that a drive is not done with."""

    node: str
    attempt: int = 1
    tries: list[Try] = field(default_factory=list)
    lines: list[CallRecord] = field(default_factory=list)

    def cut(self, upto: int) -> list[CallRecord]:
        """Remove and return the lines up to number ``upto``: what came later belongs to another attempt."""
        taken = [line for line in self.lines if line.seq <= upto]
        self.lines = [line for line in self.lines if line.seq > upto]
        return taken


@dataclass
class Drive:
    """One drive of a run, as far as it is known. Times are nanoseconds since the Unix epoch."""

    number: int
    start: int
    end: int
    status: str = ""
    """"": nothing says how it ended."""
    error: str = ""
    steps: int = 0
    sum: Sum = field(default_factory=Sum)
    marks: list[Mark] = field(default_factory=list)


class Tree:
    """The spans of one run. ``take`` costs what is new; ``drive`` is the number of the last one that is not told of."""

    def __init__(self, head: Head, *, drive: int = 0, content: bool = False) -> None:
        self.head, self._content, self._before = head, content, drive
        self._places = Places(head.nodes)
        self._open: dict[str, _Open] = {}
        self.drive: Drive | None = None
        """The drive that is under way, None before the first row that tells of one."""
        self._migrated: list[Mark] = []
        """Of steps of the drive whose first event is still to come: a migration is committed just before it."""
        self._known = {who.run_id: who for who in (*(origin for origin, _ in head.origins), head.run)}

    # -- taking

    def remember(self, rows: Iterable[StepRecord]) -> None:
        """Take in steps that others tell of: shared ones, or those of an earlier drive."""
        for row in rows:
            self._places.add(row, self.head.owner(row.step))

    def take(
        self, steps: Sequence[StepRecord], events: Sequence[EventRecord], calls: Sequence[CallRecord]
    ) -> list[Span]:
        """Take what is new, and return the spans that it ended: those of tasks, and of drives that another one followed."""
        for line in calls:
            self._task(line.task, line.node).lines.append(line)
        found: list[Span] = []
        between = 0
        for row in steps:
            while between < len(events) and events[between].step < row.step:
                found += self._event(events[between])
                between += 1
            found += self._step(row)
        for event in events[between:]:
            found += self._event(event)
        return found

    def begin(self, time: float) -> Drive:
        """Begin a drive at ``time``, in seconds since the Unix epoch; return it."""
        start = nanoseconds(time)
        number = self._before + 1 if self.drive is None else self.drive.number + 1
        self.drive = Drive(number, start, start)
        return self.drive

    def end(self) -> list[Span]:
        """Return the spans of what the drive left unfinished, and its own, which is the last."""
        return [] if self.drive is None else self._close(self.drive)

    def _now(self, time: float) -> Drive:
        """Return the drive that something at ``time`` belongs to, which moves its end."""
        drive = self.drive or self.begin(time)
        drive.end = max(drive.end, nanoseconds(time))
        return drive

    def _task(self, task: str, node: str) -> _Open:
        found = self._open.get(task)
        if found is None:
            found = self._open[task] = _Open(node)
        return found

    # -- steps

    def _step(self, row: StepRecord) -> list[Span]:
        parents = self._places.parents(row)
        known = self._places.add(row, self.head.owner(row.step))
        if row.step <= self.head.shared:
            return []
        facts = loads(row.facts or "{}")
        started, seconds = facts.get("started") or 0.0, facts.get("seconds") or 0.0
        if row.status in EDITS:
            self._edited(row, Mark(nanoseconds(started), row.status, _edit(row, facts)))
            return []
        drive = self._now(started + seconds)
        drive.steps += 1
        task = self._open.pop(row.task, None) or _Open(row.node)
        caught = facts.get("caught")
        raised = f"{caught[1]}: {caught[2]}" if caught else ""
        task.tries.append(Try(row.attempts, started + seconds, row.status, task.lines, seconds, started, raised))
        order, links = order_text(known.path), tuple(map(_from, parents))
        until = started + seconds
        return self._ended(drive, Ended(row.task, row.node, task.tries, row.status, until, row.step, order, links))

    def _edited(self, row: StepRecord, mark: Mark) -> None:
        if row.status == "migrated":
            self._migrated.append(mark)
        else:
            drive = self._now(mark.time / 1e9)
            drive.steps += 1
            drive.marks.append(mark)

    def _ended(self, drive: Drive, ended: Ended) -> list[Span]:
        task = Task(ended, self.head.run, drive.number, self._known, content=self._content)
        spans = task.spans()
        drive.sum = drive.sum.with_(task.sum)
        drive.end = max(drive.end, *(span.end for span in spans))
        return spans

    # -- events

    def _event(self, event: EventRecord) -> list[Span]:
        if event.kind in _GOES_ON:
            return self._goes_on(event)
        drive, data = self._now(event.time), loads(event.data or "{}")
        if event.kind == "task.retried":
            self._retried(event, data)
        elif event.kind == "task.waiting":
            task = self._task(event.task, event.node)
            task.tries.append(Try(task.attempt, event.time, "waiting", task.cut(data.get("upto", 0))))
        elif event.kind == "task.failed":
            drive.error = drive.error or str(data.get("error", ""))
            return self._failed(drive, event, data)
        elif event.kind.startswith("run."):
            drive.status = event.kind.removeprefix("run.")
        else:
            told = {f"{names.EVENT}.{name}": fact for name, fact in data.items() if isinstance(fact, (str, int, float))}
            where = {names.NODE: event.node, names.TASK: event.task} if event.task else {}
            drive.marks.append(Mark(nanoseconds(event.time), event.kind, {**where, **told}))
        return []

    def _goes_on(self, event: EventRecord) -> list[Span]:
        """Close the drive before, if it is told of, and begin the next. A fork's own first event begins its first."""
        spans = self._close(self.drive, event.time) if self.drive is not None else []
        drive = self.begin(event.time)
        drive.steps = len(self._migrated)
        drive.marks = [mark._replace(time=max(mark.time, drive.start)) for mark in self._migrated]
        self._migrated = []
        return spans

    def _retried(self, event: EventRecord, data: dict[str, Any]) -> None:
        task = self._task(event.task, event.node)
        number = data.get("attempt") or task.attempt
        lines, raised = task.cut(data.get("upto", 0)), str(data.get("error", ""))
        task.tries.append(
            Try(number, event.time, "retried", lines, data.get("seconds"), None, raised, data.get("pause"))
        )
        task.attempt = number + 1

    def _failed(self, drive: Drive, event: EventRecord, data: dict[str, Any]) -> list[Span]:
        task = self._task(event.task, event.node)
        lines, raised = task.cut(data.get("upto", 0)), str(data.get("raised") or data.get("error") or "")
        task.tries.append(
            Try(data.get("attempt") or task.attempt, event.time, "failed", lines, data.get("seconds"), None, raised)
        )
        self._open[event.task] = _Open(event.node, lines=task.lines)  # of the next drive
        return self._ended(drive, Ended(event.task, event.node, task.tries, "failed", event.time))

    # -- drives

    def _close(self, drive: Drive, next_at: float | None = None) -> list[Span]:
        """Return what a drive left unfinished, and its span. Lines from ``next_at`` on are of the drive behind it."""
        found: list[Span] = []
        last = drive.end / 1e9
        for name, task in list(self._open.items()):
            later = [line for line in task.lines if next_at is not None and line.time >= next_at]
            mine = task.lines[: len(task.lines) - len(later)]
            if mine or task.tries:
                found += self._ended(drive, self._left(name, task, mine, last))
            del self._open[name]
            if later:
                self._open[name] = _Open(task.node, lines=later)
        return [*found, self._run_span(drive)]

    def _left(self, name: str, task: _Open, lines: list[CallRecord], until: float) -> Ended:
        """Return a task that waits for a person, or that nobody saw the end of."""
        if lines:
            end = max([until, *(line.time for line in lines)])
            task.tries.append(Try(task.attempt, end, "interrupted", lines))
        waits = task.tries[-1].outcome == "waiting"
        ends = until if waits else task.tries[-1].end
        return Ended(name, task.node, task.tries, "waiting" if waits else "interrupted", ends)

    def _run_span(self, drive: Drive) -> Span:
        """Return the span of a drive that is over, or as it stands."""
        failed = drive.status == "failed"
        told = {names.STATUS: drive.status or "interrupted", names.STEPS: drive.steps, **drive.sum.facts()}
        facts = {**self._about(drive), **told, **({names.ERROR: "failed"} if failed else {})}
        marks = tuple(sorted(drive.marks, key=lambda mark: mark.time))
        error = (drive.error or "the run failed") if failed else ""
        return self._drive_span(drive)._replace(end=drive.end, facts=facts, error=error, marks=marks)

    def opening(self) -> Span | None:
        """Return the span of the drive that is under way as it is known when it begins; None where there is none yet."""
        return None if self.drive is None else self._drive_span(self.drive)

    def _drive_span(self, drive: Drive) -> Span:
        name, start, links = f"invoke_workflow {self.head.graph}", drive.start, self._links(drive)
        own = run_span(self.head.run, drive.number)
        return Span("run", own, 0, name, start, start, self._about(drive), links=links, drive=drive.number)

    def _about(self, drive: Drive) -> dict[str, Any]:
        """Return the attributes of a drive's span that are known when it begins."""
        head = self.head
        return {
            names.RUN: head.run.run_id,
            names.GRAPH: head.graph,
            names.FINGERPRINT: head.fingerprint,
            names.SEED: head.seed,
            names.DRIVE: drive.number,
            names.OPERATION: "invoke_workflow",
            names.WORKFLOW: head.graph,
        }

    def _links(self, drive: Drive) -> tuple[Link, ...]:
        """Return where a drive comes from: the one before it, or a fork's origin."""
        run = self.head.run
        if drive.number > 1:
            return (Link(run.trace, run_span(run, drive.number - 1), "resumed"),)
        return tuple(Link(origin.trace, run_span(origin, 1), "origin") for origin, _ in self.head.origins[-1:])


def _edit(row: StepRecord, facts: dict[str, Any]) -> dict[str, Any]:
    return {names.STEP: row.step, f"{names.EVENT}.fields": tuple(facts.get("fields", ()))}


def _from(parent: Known) -> Link:
    return Link(parent.owner.trace, task_span(parent.owner, parent.task), "parent")
