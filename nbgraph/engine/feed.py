"""Following a run: events and streamed chunks, from the beginning, whenever somebody starts to follow.

Owns the chunks of a live run, what it hands to those who listen, and the waking of followers. A stream reads events
from the store, after their commit; a slow follower slows only itself.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Container, Iterator, Sequence
from contextlib import suppress
from itertools import takewhile
from json import dumps, loads
from typing import Any, NamedTuple

from nbgraph.codec import NO_TYPES, Types, decode
from nbgraph.engine.hearing import Tape
from nbgraph.engine.task import Task
from nbgraph.events import Chunk, Event
from nbgraph.store.protocol import CallRecord, EventRecord, RunStatus, StepRecord, Store

_SLICE = 0.5
"""Seconds to sleep at most: a signal that comes just before a sleep begins is only heard after it."""


class Place(NamedTuple):
    """How far somebody is in a run: the numbers of the last step, event and line of the log of calls."""

    step: int
    seq: int
    line: int


NOWHERE = Place(0, 0, 0)
"""Before all."""


class Feed:
    """What a live run publishes. The chunks of a session stay in memory as long as it does."""

    def __init__(self) -> None:
        self.tape = Tape()
        self.chunks: list[Chunk] = []
        self.inherited = 0
        """How many of the chunks an earlier drive published."""
        self.status = "running"
        """As committed last."""
        self.told: dict[tuple[str, int], int] = {}
        """(task, attempt) -> number of its last chunk."""
        self.closed = False
        self.version = 0
        self._changed, self._sleepers = threading.Condition(), 0
        self._watchers: list[Callable[[], None]] = []
        self.end: Place | None = None
        """How far the run was when the drive let go of it; None while it drives."""
        self.line = 0
        """The last line of the log of calls that was handed on."""

    def committed(self, steps: Sequence[StepRecord], events: Sequence[EventRecord], status: RunStatus | None) -> None:
        """Hand on what was committed together."""
        self.tape.committed(steps, events)
        if status is not None:
            self.status = status.status
        self.touch()

    def called(self, lines: Sequence[CallRecord]) -> None:
        """Hand on lines of the log of calls."""
        self.line = lines[-1].seq
        self.tape.called(lines)

    def lose(self) -> None:
        """Know that something may have been committed that was not handed on: whoever listens looks into the store."""
        self.tape.lose()

    def publish(self, task: Task, attempt: int, number: int, delta: Any) -> None:
        """Take a chunk from a node; callable from any thread, one at a time.

        One that was published before is left out: the node asked, and runs again with the answer.
        """
        if number > self.told.get((task.id, attempt), 0):
            self._add(Chunk(task.node.name, task.id, attempt, number, delta))
            self.touch()

    def _add(self, chunk: Chunk) -> None:
        self.told[chunk.task, chunk.attempt] = chunk.number
        self.chunks.append(chunk)

    def take_over(self, earlier: Feed, tasks: Container[str]) -> None:
        """Begin with what an earlier drive of the run published of ``tasks``, which are done."""
        for chunk in earlier.chunks:
            if chunk.task in tasks:
                self._add(chunk)
        self.inherited = len(self.chunks)

    def touch(self) -> None:
        """Tell the followers that there is something new."""
        self.version += 1
        if self._sleepers:
            with self._changed:
                self._changed.notify_all()
        if self._watchers:
            for watcher in list(self._watchers):
                watcher()

    def close(self) -> None:
        """Tell the followers that nothing more will come."""
        self.closed = True
        self.touch()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have ``watcher`` called at every change, on whatever thread makes it."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        """End that."""
        self._watchers.remove(watcher)

    def wait(self, version: int) -> None:
        """Sleep until the version is another than ``version``, or a while has passed."""
        with self._changed:
            self._sleepers += 1  # before the look at the version: who changes it looks at this afterwards
            try:
                self._changed.wait_for(lambda: self.version != version, _SLICE)
            finally:
                self._sleepers -= 1


class Stream:
    """Events and chunks of a run, of one node or all: ``for item in stream`` or ``async for item in stream``.

    It begins at the run's beginning and ends when the run stands still. Chunks of one task come in the
    order of their numbers and before the step of the task; between tasks that run beside each other the
    order is that of arrival, another each time. Each iteration starts anew.

    Chunks that were not kept live as long as the process has the run open; those of tasks that an earlier
    drive did not finish are not repeated after a resume. In another process: the events, and the chunks
    that were kept, of all steps that are committed by then.
    """

    def __init__(
        self, store: Store, run_id: str, feed: Feed | None, node: str | None = None, types: Types = NO_TYPES
    ) -> None:
        self._store, self._run_id, self._feed, self._node, self._types = store, run_id, feed, node, types

    def __iter__(self) -> Iterator[Event | Chunk]:
        news, feed = self._news(), self._feed
        if feed is None:
            yield from filter(self._wanted, news.take())
            return
        while True:
            version, closed = feed.version, feed.closed
            yield from filter(self._wanted, news.take())
            if closed:
                return
            feed.wait(version)

    async def __aiter__(self) -> AsyncIterator[Event | Chunk]:
        import asyncio  # noqa: PLC0415 - whoever awaits has it loaded

        news, feed, loop, changed = self._news(), self._feed, asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody follows on it any more
                loop.call_soon_threadsafe(changed.set)

        if feed is not None:
            feed.watch(tell)
        try:
            while True:
                closed = feed is None or feed.closed
                changed.clear()
                for item in filter(self._wanted, news.take()):
                    yield item
                if closed:
                    return
                await changed.wait()
        finally:
            if feed is not None:
                feed.unwatch(tell)

    def _news(self) -> _News:
        return _News(self._store, self._run_id, self._feed, self._types)

    def _wanted(self, item: Event | Chunk) -> bool:
        return self._node is None or item.node == self._node


class _News:
    """A follower's place in the run."""

    def __init__(self, store: Store, run_id: str, feed: Feed | None, types: Types) -> None:
        self._store, self._run_id, self._feed, self._types = store, run_id, feed, types
        self._step = self._seq = self._chunk = 0

    def take(self) -> list[Event | Chunk]:
        """Return what is new since the last time."""
        steps = list(self._store.steps(self._run_id, self._step + 1))
        self._step = steps[-1].step if steps else self._step
        # After the steps, and none that comes after a step which was committed meanwhile.
        new = self._store.events(self._run_id, after=self._seq)
        events = list(takewhile(lambda event: event.step <= self._step, new))
        # After the rows: a task's chunks were published before its row was committed.
        chunks = self._feed.chunks[self._chunk :] if self._feed is not None else []
        self._chunk += len(chunks)
        self._seq = events[-1].seq if events else self._seq
        return [*chunks, *self._happened(steps, events)]

    def _happened(self, steps: list[StepRecord], events: list[EventRecord]) -> Iterator[Event | Chunk]:
        kept = {step.step: list(self._kept(step)) for step in steps if '"stream":' in step.facts}
        for event in happened(steps, events, self._run_id):
            if event.kind == "step":
                yield from kept.get(event.step, ())
            yield event

    def _kept(self, step: StepRecord) -> Iterator[Chunk]:
        """Yield the chunks that were kept with a step, and that did not come live."""
        live = self._feed.told.get((step.task, step.attempts), 0) if self._feed is not None else 0
        for number, kept in loads(step.facts).get("stream", ()):
            if number > live:
                delta = decode(dumps(kept), types=self._types, blob=self._store.blob)
                yield Chunk(step.node, step.task, step.attempts, number, delta)


def happened(steps: Sequence[StepRecord], events: Sequence[EventRecord], run_id: str) -> list[Event]:
    """Return what happened, in order: the steps, and what came between them."""
    keyed = [(step.step, 0, _of_step(step, run_id)) for step in steps]
    keyed += [(event.step, event.seq, _of_event(event, run_id)) for event in events]
    keyed.sort(key=lambda entry: entry[:2])
    return [event for _, _, event in keyed]


def _of_event(row: EventRecord, run_id: str) -> Event:
    return Event(row.kind, row.step, row.node, row.task, row.time, loads(row.data or "{}"), run_id)


def _of_step(row: StepRecord, run_id: str) -> Event:
    facts = loads(row.facts or "{}")
    ended = (facts.get("started") or 0.0) + (facts.get("seconds") or 0.0)
    told = {"status": row.status, "attempts": row.attempts}
    return Event("step", row.step, row.node, row.task, ended, told, run_id)
