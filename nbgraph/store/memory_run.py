"""One run in memory: its lists, and what they say together with its origin's.

Owns the shape and the questions. Who may change it, and when, is decided in ``memory``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbgraph.store import prune
from nbgraph.store.pieces import Piece, extended, piece_of
from nbgraph.store.protocol import AnswerRecord, CallRecord, EventRecord, RunRow, RunStatus, StepRecord
from nbgraph.store.refusals import doubled, out_of_order
from nbgraph.store.rows import no_step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from nbgraph.store.protocol import Lease, RunRecord


class MemoryRun:
    """A run's lists. ``steps[0]`` is step ``first``; ``lease`` is None while nobody drives.

    A fork has ``parent`` and goes on after its step ``shared``; without one, ``shared`` is 0.
    """

    __slots__ = (
        "answers",
        "calls",
        "events",
        "fence",
        "first",
        "graphs",
        "lease",
        "next",
        "next_call",
        "next_event",
        "parent",
        "record",
        "shared",
        "status",
        "steps",
        "updated",
    )

    def __init__(
        self, record: RunRecord, lease: Lease, now: float, parent: MemoryRun | None = None, shared: int = 0
    ) -> None:
        self.record, self.fence = record, lease.fence
        self.lease: Lease | None = lease
        self.parent, self.shared = parent, shared
        self.status, self.updated = RunStatus("running"), now
        self.steps: list[StepRecord] = []
        self.events: list[EventRecord] = []
        self.calls: list[CallRecord] = []
        self.answers: dict[int, AnswerRecord] = {}
        self.first = self.next = shared + 1
        self.next_event = self.next_call = 1
        self.graphs = {self.first: (self.first, record.fingerprint, record.description)}

    @property
    def row(self) -> RunRow:
        """The run as it stands."""
        return RunRow(self.record, self.status, self.next - 1, self.updated, self.lease.holder if self.lease else "")

    def way(self) -> list[MemoryRun]:
        """Return this run, what it is a fork of, what that is a fork of, ..."""
        way = [self]
        while way[-1].parent is not None:
            way.append(way[-1].parent)
        return way

    def line(self) -> list[Piece[MemoryRun]]:
        """Return whose steps the run's are, oldest first."""
        line: list[Piece[MemoryRun]] = []
        for run in reversed(self.way()):
            line = extended(line, run, run.shared)
        return line

    def own_steps(self, first: int, last: int) -> list[StepRecord]:
        """Return those of the run's own steps."""
        return self.steps[max(0, first - self.first) : max(0, last - self.first + 1)]

    def all_steps(self, first: int, last: int) -> list[StepRecord]:
        """Return the steps, own and shared, in order."""
        spans = ((run, max(first, start), min(last, end)) for run, start, end in self.line())
        return [record for run, start, end in spans for record in run.own_steps(start, end)]

    def lineage(self, file: str, step: int) -> list[StepRecord]:
        """Return the steps from the nearest snapshot, or the first, along ``base`` to ``step``, oldest first."""
        pieces, line = self.line(), list[StepRecord]()
        while step > 0:
            piece = piece_of(pieces, step)
            found = piece.owner.own_steps(step, step) if piece and step >= piece.owner.first else []
            if not found:
                raise no_step(file, self.record.run_id, step)
            line += found
            step = 0 if found[0].snapshot else found[0].base
        return line[::-1]

    def last_mark(self) -> int:
        """Return the last step that has a mark, 0 if none has."""
        pieces = reversed(self.line())
        records = (record for run, first, last in pieces for record in reversed(run.own_steps(first, last)))
        return next((record.step for record in records if record.mark), 0)

    def descriptions(self) -> list[tuple[int, str, str]]:
        """Return (first step, fingerprint, description) of every graph that the run followed, oldest first."""
        return [graph for run, _, last in self.line() for graph in run.graphs.values() if graph[0] <= last]

    def unsettled(self) -> list[CallRecord]:
        """Return the lines of tasks that have no committed step, own or shared."""
        if not self.calls:
            return []
        settled = {record.task for record in self.all_steps(1, self.next)}
        return [call for call in self.calls if call.task not in settled]

    def question(self, seq: int) -> CallRecord | None:
        """Return that line if it is a question."""
        return next((call for call in self.calls if call.seq == seq and call.phase == "asked"), None)

    def answered(self, question: CallRecord) -> bool:
        """Tell whether an answer came in, or was taken in without one."""
        later = (call for call in self.calls if call.seq > question.seq and call.phase == "answered")
        same = (question.task, question.name, question.request)
        return question.seq in self.answers or any((call.task, call.name, call.request) == same for call in later)

    def check_steps(self, file: str, steps: Sequence[StepRecord], keys: AbstractSet[str]) -> None:
        """Refuse steps that do not go on from the last one, and keys that are known."""
        number = self.next
        for record in steps:
            if record[0] != number:
                raise out_of_order(file, self.record.run_id, "step", number, record[0])
            if record[14] in keys:
                raise doubled(self.record.run_id, record)
            number += 1
        if len(steps) > 1 and len({record[14] for record in steps}) < len(steps):
            raise doubled(self.record.run_id, steps[-1])

    def check_events(self, file: str, events: Sequence[EventRecord]) -> None:
        """Refuse events that do not go on from the last one."""
        for number, record in enumerate(events, self.next_event):
            if record[0] != number:
                raise out_of_order(file, self.record.run_id, "event", number, record[0])

    def rebase_refusal(self, step: int, below: Sequence[MemoryRun]) -> str:
        """Return why the run cannot begin at ``step``, "" if it can; ``below`` are its forks, and theirs."""
        if self.parent:
            return prune.is_fork(self.parent.record.run_id)
        findings = [prune.refusal(self.steps, self.status, step)]
        for fork in below:
            shared = max((piece.last for piece in fork.line() if piece.owner is self), default=0)
            findings.append(prune.fork_refusal(fork.record.run_id, shared, fork.steps, fork.status, step))
        return "; ".join(filter(None, findings))

    def begin(self, step: int, snapshot: str) -> None:
        """Drop what is before ``step``, the run's new beginning."""
        dropped, kept = self.steps[: step - self.first], self.steps[step - self.first :]
        kept[0] = kept[0]._replace(snapshot=snapshot)
        gone = {record.task for record in dropped}
        self.events = prune.kept_events(self.events, dropped)
        self.calls = [call for call in self.calls if call.task not in gone]
        lines = {call.seq for call in self.calls}
        self.answers = {seq: answer for seq, answer in self.answers.items() if seq in lines}
        self.steps, self.first = kept, step

    def texts(self) -> Iterator[str]:
        """Yield every text that may refer to a large value."""
        rows = (self.record, self.status, *self.steps, *self.events, *self.calls, *self.answers.values())
        return (field for row in rows for field in row if isinstance(field, str))
