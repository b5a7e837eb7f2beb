"""One run of a store as a new store: to export it, or to keep it beside a test.

Owns which rows a run is made of. Of a fork that is also the past that it shares, which stays under its origin's id: a
paused run that holds the shared steps and their calls, and nothing else of it. Speaks the store's protocol only; rows
are copied as they are, and chained anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain, islice
from json import loads
from typing import Any, NamedTuple, TypeVar

from nbgraph.store.calls import GONE
from nbgraph.store.protocol import CallRecord, EventRecord, Lease, Origin, RunStatus, StepRecord, Store
from nbgraph.store.sqlite import SqliteStore

_T = TypeVar("_T")
_BATCH = 500


class _StoppedClock:
    """The moment of the run's last change: a copy made later is the same file."""

    def __init__(self, moment: float) -> None:
        self._moment = moment

    def now(self) -> float:
        """Return the moment."""
        return self._moment

    def monotonic(self) -> float:
        """Return the same."""
        return self._moment


class Part(NamedTuple):
    """A run and how many of its steps are wanted; ``own`` is the number of its first own step."""

    run_id: str
    last: int
    origin: Origin | None

    @property
    def own(self) -> int:
        """The first step that is not its origin's."""
        return self.origin.step + 1 if self.origin else 1


def parts_of(store: Store, run_id: str) -> list[Part]:
    """Return the run and the runs that it shares steps with, oldest first."""
    last, parts = store.run(run_id).steps, list[Part]()
    at: Origin | None = Origin(run_id, last)
    while at is not None:
        origin = store.origin(at.run_id)
        # What a fork was bound to must be there, also where a later fork left the way before it.
        parts.insert(0, Part(at.run_id, at.step, origin))
        at = origin
    return parts


def calls_of(store: Store, part: Part, *, whole: bool) -> list[CallRecord]:
    """Return the lines of a part's log of calls: all of them, or those of the tasks that a fork shares."""
    lines = store.calls(part.run_id)
    shared = set() if whole else {row.task for row in store.steps(part.run_id, part.own, part.last)}
    return [line for line in lines if whole or line.task in shared]


def copy_run(source: Store, run_id: str, path: str) -> None:
    """Write the run into a new store at ``path``; raises ``StoreError``, also if the copy does not verify."""
    clock = _StoppedClock(source.run(run_id).updated)
    parts = parts_of(source, run_id)
    with SqliteStore(path, durability="normal", clock=clock) as target:
        for part in parts:
            _Copy(source, target, part, whole=part is parts[-1]).run()
        findings = target.verify()
        if findings:
            raise AssertionError(f"the copy is not sound: {findings[0]}")


class _Copy:
    """Copies one part."""

    def __init__(self, source: Store, target: Store, part: Part, *, whole: bool) -> None:
        self._source, self._target, self._part, self._whole = source, target, part, whole
        self._row = source.run(part.run_id)

    def run(self) -> None:
        """Create the run, fill it, let go of it; if its beginning was pruned, prune that of the copy."""
        part, record = self._part, self._row.record
        lease = self._target.fork(record, part.origin) if part.origin else self._target.create(record)
        self._blobs(lease, (record.input, record.description, record.options))
        first, snapshot = self._steps(lease)
        self._events(lease)
        self._calls(lease)
        status = self._row.status if self._whole else RunStatus("paused")
        self._target.commit(lease, (), status=status, blobs=self._found(status))
        self._target.release(lease)
        if first > part.own:
            self._target.rebase(part.run_id, first, snapshot)

    def _steps(self, lease: Lease) -> tuple[int, str]:
        """Copy the steps; return the number of the first one and its snapshot."""
        part, rows = self._part, self._source.steps(self._part.run_id, self._part.own, self._part.last)
        begin, graphs = next(rows, None), self._graphs()
        if begin is not None:
            for batch in _batches(chain(_gone(part, begin.step), [begin], rows)):
                self._commit(lease, batch, graphs)
        self._follow(lease, graphs, part.last + 1)
        return (begin.step, begin.snapshot) if begin is not None else (part.own, "")

    def _graphs(self) -> dict[int, tuple[str, str]]:
        """Return step -> the graph that the run followed from it on, for each change after its creation."""
        part, record = self._part, self._row.record
        found = {number: (mark, text) for number, mark, text in self._source.descriptions(part.run_id)}
        first = (record.fingerprint, record.description)
        return {
            at: graph
            for at, graph in found.items()
            if part.own <= at <= part.last + 1 and (at, graph) != (part.own, first)
        }

    def _commit(self, lease: Lease, batch: Sequence[StepRecord], graphs: dict[int, tuple[str, str]]) -> None:
        """Commit steps, changing the graph where the run did."""
        rest = list(batch)
        for number in sorted(number for number in graphs if number <= rest[-1].step):
            before = [row for row in rest if row.step < number]
            rest = rest[len(before) :]
            self._target.commit(lease, before, blobs=self._found(*before))
            self._follow(lease, graphs, number)
        self._target.commit(lease, rest, blobs=self._found(*rest))

    def _follow(self, lease: Lease, graphs: dict[int, tuple[str, str]], number: int) -> None:
        if number in graphs:
            self._target.redescribe(lease, *graphs.pop(number))

    def _events(self, lease: Lease) -> None:
        if not self._whole:
            return
        gone = _gone_task(self._part, 1)
        filled = _filled(
            self._source.events(self._part.run_id), lambda seq: EventRecord(seq, 0, 0.0, "", "", gone, "{}")
        )
        for batch in _batches(filled):
            self._target.commit(lease, (), batch, blobs=self._found(*batch))

    def _calls(self, lease: Lease) -> None:
        """Copy the log under its numbers, each answer as soon as its question is there."""
        lines = calls_of(self._source, self._part, whole=self._whole)
        numbers = {line.seq for line in lines}
        answers = {answer.seq: answer for answer in self._source.answers(self._part.run_id) if answer.seq in numbers}
        waiting: list[CallRecord] = []
        for line in _filled(lines, lambda seq: CallRecord(seq, 0.0, "", "", GONE, "", "", "", "{}")):
            waiting.append(line)
            if line.seq in answers or len(waiting) >= _BATCH:
                self._record(lease, waiting)
                waiting = []
            if line.seq in answers:
                self._target.answer(self._part.run_id, answers[line.seq])
        self._record(lease, waiting)

    def _record(self, lease: Lease, lines: Sequence[CallRecord]) -> None:
        if lines:
            self._target.record(lease, lines, self._found(*lines))

    def _blobs(self, lease: Lease, texts: tuple[str, ...]) -> None:
        found = self._found(texts)
        if found:
            self._target.commit(lease, (), blobs=found)

    def _found(self, *rows: tuple[Any, ...]) -> dict[str, bytes]:
        """Return the large values that rows refer to."""
        texts = (text for row in rows for text in row if isinstance(text, str) and '"$blob"' in text)
        return {digest: self._source.blob(digest) for text in texts for digest in blobs_in(loads(text))}


def blobs_in(tree: Any) -> Iterator[str]:
    """Yield the digests of the large values that a tree refers to.

    >>> list(blobs_in({"a": [{"$blob": "12"}]}))
    ['12']
    """
    if isinstance(tree, dict):
        if isinstance(tree.get("$blob"), str):
            yield tree["$blob"]
        tree = tree.values()
    elif not isinstance(tree, list):
        return
    for part in tree:
        yield from blobs_in(part)


def _batches(rows: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _filled(rows: Sequence[_T], gone: Any) -> Iterator[_T]:
    """Yield rows, and what stands for each number that is missing before or between them."""
    number = 0
    for row in rows:
        seq: int = row[0]  # type: ignore[index]  # records of the store begin with their number
        for missing in range(number + 1, seq):
            yield gone(missing)
        yield row
        number = seq


def _gone(part: Part, begin: int) -> Iterator[StepRecord]:
    """Yield what stands for steps that were pruned: a store counts from 1; the copy is pruned in its turn."""
    for step in range(part.own, begin):
        task = _gone_task(part, step)
        yield StepRecord(step, task, "", "done", 1, step - 1, "[]", "", "", "", "", "", "", "", task)


def _gone_task(part: Part, step: int) -> str:
    return sha256(f"gone {part.run_id} {step}".encode("utf-8", "surrogatepass")).hexdigest()
