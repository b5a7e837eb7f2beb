"""A run's news as spans in lanes, span by span as it happens.

Owns what becomes a span: attempts, calls inside them, waiting to start, pauses before a retry, questions to a person.
Takes ``News`` and costs what is new. Knows nothing of pixels and of how spans are sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from json import loads
from math import inf, nan
from typing import NamedTuple

from nbgraph.escape import cut
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord
from nbgraph.views.rows import read
from nbgraph.views.subject import News
from nbgraph.views.timeline.columns import Columns, Span
from nbgraph.views.timeline.folds import Folds
from nbgraph.views.timeline.lanes import TRUNK, Branch, Branches, Lanes
from nbgraph.views.timeline.past import Live, Past, asks, called, covering, ended, status_of, told

OPEN = 2000
"""Unfinished tasks that are shown at most."""
_NOTES = 2000
_SHORT = 0.001
"""Seconds of waiting for a worker that are not worth a span."""
_GOES_ON = frozenset({"run.resumed", "run.forked"})
_MEMO_TEXT, _MEMO_SIZE = 200, 4096
"""Longest text of arrivals that is remembered, and how many are."""

Taken = tuple[Mapping[str, int], Sequence[tuple[str, str]]]
"""Way -> its place among those that a row took; and each way with its target, in order."""


class Place(NamedTuple):
    """What later tasks ask of a step: when it ended, and where it stands among splits and in the order."""

    end: float
    branch: Branch
    depth: int
    ways: Mapping[str, int]
    """Way -> its place among those taken."""
    first: tuple[int, str]
    """The first parent's step, and the way taken from it."""


class Spans:
    """The spans of one run. ``by``: "node" or "branch"; ``shared``: the steps that a fork has from its origin."""

    def __init__(self, by: str = "node", shared: int = 0) -> None:
        self.by, self.shared = by, shared
        self.columns, self.lanes, self.folds = Columns(), Lanes(), Folds()
        self.names: list[str] = []
        self.notes: dict[int, str] = {}
        """Span -> what went wrong there, or was asked."""
        self.places: dict[int, Place] = {}
        self.owners: list[str] = []
        """Task of each span."""
        self.status, self.last = "", -inf
        self._numbers: dict[str, int] = {}
        self._branches, self._live = Branches(), dict[str, Live]()
        self._running: set[str] = set()
        self._lines: dict[str, list[CallRecord]] = {}
        self._due: dict[str, dict[tuple[int, str], None]] = {}
        self._taken_before: dict[str, Taken] = {}

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def end(self) -> float:
        """Where the axis ends by now, in seconds."""
        return 0.0 if self.folds.origin is None else max(0.0, self.folds.place(self.last))

    @property
    def active(self) -> float:
        """Seconds for which somebody drove the run."""
        return self.end - sum(fold.width for fold in self.folds.folds)

    # -- taking

    def take(self, news: News) -> None:
        """Take what is new. Lines of calls may come before or with the step of their task."""
        for line in news.calls:
            self._lines.setdefault(line.task, []).append(line)
        events = deque(news.events)
        for row in news.steps:
            while events and events[0].step < row.step:
                self._event(events.popleft())
            self._step(row)
        for event in events:
            self._event(event)
        for task in list(self._lines):
            self._read_lines(task, self._live_of(task, self._lines[task][0].node))
        self.status = news.status
        self._look_at_running(news)

    def _step(self, row: StepRecord) -> None:
        facts = read(row.facts or "{}")
        started = facts.get("started") or self.last
        end = started + (facts.get("seconds") or 0.0)
        self._at(started, end)
        parents = [(step, way) for step, way in read(row.parents or "[]")]
        lane = self._lane(row.node, self._note_place(row, parents, end).branch.number)
        live = self._live.pop(row.task, None) or Live(row.node, lane)
        if live.lane != lane:
            self._move(live, lane)
        self._read_lines(row.task, live)
        status = status_of(row, shared=row.step <= self.shared)
        kind = "edit" if row.status in ("edited", "migrated") else "attempt"
        live.spans.append(Past(started, end, kind, status, row.attempts, row.node, told(facts)))
        self._flush(row.task, live, row.step, self._ready(parents))

    def _event(self, event: EventRecord) -> None:
        if event.kind in _GOES_ON:
            if self.last > -inf:
                self.folds.idle(self.last, event.time)
            self.last = max(self.last, event.time)
        elif event.kind in ("task.retried", "task.failed"):
            self._attempt_failed(event)
        if event.kind not in _GOES_ON:
            self._at(event.time, event.time)

    def _attempt_failed(self, event: EventRecord) -> None:
        data = loads(event.data or "{}")
        live = self._live_of(event.task, event.node)
        self._read_lines(event.task, live)
        start = event.time - (data.get("seconds") or 0.0)
        self._at(start, event.time)
        told = str(data.get("raised") or data.get("error") or "")
        attempt = data.get("attempt") or live.attempt
        final = event.kind == "task.failed"
        look = "failed" if final else "retried"
        live.spans.append(Past(start, event.time, "attempt", look, attempt, event.node, told))
        if final:
            due = self._due.get(event.node, {})
            self._flush(
                event.task, self._live.pop(event.task), 0, max((self._end_of(step) for step, _ in due), default=inf)
            )
        else:
            live.attempt, pause = attempt + 1, data.get("pause") or 0.0
            live.spans.append(Past(event.time, event.time + pause, "pause", "retried", attempt, event.node, told))
            self._hold(live, start)

    def _read_lines(self, task: str, live: Live) -> None:
        """Take the lines of a task's calls: what ended becomes a span, what did not is under way."""
        for line in self._lines.pop(task, ()):
            if line.phase in ("started", "asked"):
                live.begun[line.name] = line
                if line.phase == "asked":
                    self._hold(live, line.time)
            else:
                live.spans.append(ended(live.begun.pop(line.name, line), line))

    def _look_at_running(self, news: News) -> None:
        now = {task.task: task for task in news.running if task.started is not None}
        for name, task in now.items():
            live = self._live_of(name, task.node)
            live.started, live.attempt = task.started, task.attempt
            self._hold(live, task.started or 0.0)
        for name in self._running - now.keys():
            if name in self._live:
                self._live[name].started = None
        self._running = set(now)
        if news.status not in ("running", "waiting") and not now:
            self._let_go()

    def _let_go(self) -> None:
        """Nobody drives the run: what had begun and did not finish keeps no row."""
        for live in self._live.values():
            if live.row >= 0 and not asks(live):
                self.lanes.rows(live.lane).put(live.row, self.end)
                live.row = -1

    # -- places

    def _note_place(self, row: StepRecord, parents: Sequence[tuple[int, str]], end: float) -> Place:
        known = [(step, self.places[step], way) for step, way in parents if step in self.places]
        ways, targets = self._taken(row.arrivals)
        depth = 1 + max([place.depth for _, place, _ in known], default=-1)
        branch = self._branches.number((step, place.branch, way) for step, place, way in known)
        first = parents[0] if parents else (0, "")
        place = self.places[row.step] = Place(end, Branch(branch, len(ways)), depth, ways, first)
        due = self._due.get(row.node)
        if due is not None:
            for parent in parents:
                due.pop(parent, None)
        for way, target in targets:
            self._due.setdefault(target, {})[row.step, way] = None
        return place

    def _taken(self, arrivals: str) -> Taken:
        """Return the ways that a row took, and where they lead: loops repeat theirs, maps do not."""
        found = self._taken_before.get(arrivals)
        if found is None:
            told = [(way[0], way[1]) for way in read(arrivals)] if arrivals else []
            found = {way: place for place, (way, _) in enumerate(told)}, told
            if len(arrivals) <= _MEMO_TEXT and len(self._taken_before) < _MEMO_SIZE:
                self._taken_before[arrivals] = found
        return found

    def _end_of(self, step: int) -> float:
        place = self.places.get(step)
        return inf if place is None else place.end

    def _ready(self, parents: Sequence[tuple[int, str]]) -> float:
        """Return when the last parent ended, infinite where that is not known."""
        return max([self._end_of(step) for step, _ in parents], default=inf)

    def due(self, node: str) -> list[tuple[int, str]]:
        """Return the (step, way) pairs that lead to a task of ``node`` which has no step yet."""
        return list(self._due.get(node, {}))

    def _live_of(self, task: str, node: str) -> Live:
        live = self._live.get(task)
        if live is None:
            live = self._live[task] = Live(node, self._lane(node, self._branch_due(node)))
        return live

    def _branch_due(self, node: str) -> int:
        step, way = next(iter(self._due.get(node, {})), (0, ""))
        place = self.places.get(step)
        if place is None or self.by == "node":
            return TRUNK
        return self._branches.number([(step, place.branch, way)])

    def _lane(self, node: str, branch: int) -> int:
        if self.by == "node":
            return self.lanes.lane(node, node)
        return self.lanes.lane(branch, "trunk" if branch == TRUNK else node)

    def _name(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self.names)
            self.names.append(cut(text, 120))
        return number

    # -- spans

    def _at(self, start: float, end: float) -> None:
        self.folds.place(start)
        self.last = max(self.last, end)

    def _hold(self, live: Live, start: float) -> None:
        if live.row < 0:
            live.row = self.lanes.hold(live.lane, self.folds.place(start))

    def _move(self, live: Live, lane: int) -> None:
        """Put a task in the lane where it belongs: before its step is known, its branch is a guess."""
        if live.row >= 0:
            self.lanes.rows(live.lane).put(live.row, self.end)
        live.lane, live.row = lane, -1

    def _flush(self, task: str, live: Live, step: int, ready: float) -> None:
        """Append a task's spans, those that hold others first."""
        spans = covering(live.spans)
        first, last = spans[0].start, max([span.end for span in spans])
        place, rows = self.folds.place, self.lanes.rows(live.lane)
        begin, end = place(first), place(last)
        if live.row < 0:
            live.row = rows.take(begin, end)
        else:
            rows.put(live.row, end)
        waited = place(ready) if ready < first else begin
        if begin - waited > _SHORT:
            wait = Span(waited, begin, live.lane, live.row, "wait", "ready", 0, self._name(live.node), step)
            self._append(task, wait, "")
        for span in spans:
            self._append(task, self._span(live, span, place, step), span.note)

    def _append(self, task: str, span: Span, note: str) -> None:
        if note and len(self.notes) < _NOTES:
            self.notes[len(self.columns)] = cut(note, 200)
        self.columns.add(span)
        self.owners.append(task)

    def _span(self, live: Live, span: Past, place: Callable[[float], float], step: int) -> Span:
        start, end, kind, status, attempt, name, _ = span
        return Span(place(start), place(end), live.lane, live.row, kind, status, attempt, self._name(name), step)

    def unfinished(self) -> list[list[Span]]:
        """Return the spans of each task that has not finished: what runs, waits for a person, or will be tried again."""
        return [self._unfinished(live) for live in islice(self._live.values(), OPEN) if live.row >= 0]

    def _unfinished(self, live: Live) -> list[Span]:
        place, row = self.folds.place, live.row
        spans = [self._span(live, span, place, 0) for span in live.spans]
        if live.started is not None:
            name = self._name(live.node)
            spans.append(Span(place(live.started), nan, live.lane, row, "attempt", "running", live.attempt, name))
        for line in live.begun.values():
            kind, look = ("ask", "waiting") if line.phase == "asked" else ("call", "running")
            if kind == "ask" or live.started is not None:
                spans.append(
                    Span(place(line.time), nan, live.lane, row, kind, look, line.attempt, self._name(called(line)))
                )
        return spans
