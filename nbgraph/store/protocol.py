"""What a store is: records in, the same records out, one driver per run.

Owns the shapes and the promises. Knows bytes (JSON texts) and numbers; knows nothing of graphs, nodes'
code or state values. ``nbgraph.testing.stores`` checks an implementation of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable


class RunRecord(NamedTuple):
    """What is fixed when a run is created. Texts are canonical JSON."""

    run_id: str
    graph: str
    fingerprint: str
    description: str
    input: str
    """The initial state, field by field, defaults applied."""
    seed: int
    created: float
    options: str = "{}"


class StepRecord(NamedTuple):
    """One task's commit: one row. Texts are canonical JSON, "" where there is nothing."""

    step: int
    task: str
    node: str
    status: str
    """"done", or "caught": it failed and an ``on_error`` edge took over."""
    attempts: int
    base: int
    """The step of the first parent (0: the input): the state before this step is the state after it, plus ``merged``."""
    parents: str
    """JSON list of [step, index] pairs in canonical order; the input is step 0."""
    update: str
    """JSON object: field -> operand, as the node returned it."""
    results: str
    """JSON object: field -> value, for fields whose reducer is not built in."""
    merged: str
    """JSON object of a gather: {"fold": [steps ...], "set": {field: value}}."""
    arrivals: str
    """JSON list: the ways taken."""
    snapshot: str
    """JSON object: the whole state after the step; "" at most steps."""
    mark: str
    """JSON object: what a resume needs beside the state, where a run can be picked up; "" at most steps."""
    facts: str
    """JSON object: started, seconds, recorded clock readings, printed output, ..."""
    key: str
    """The idempotency key, 64 hexadecimal digits; unique in the store."""


class EventRecord(NamedTuple):
    """Something that happened between steps. ``step`` is the number of steps committed by then."""

    seq: int
    """Counts from 1 within the run."""
    step: int
    time: float
    kind: str
    node: str
    task: str
    data: str
    """JSON object."""


class CallRecord(NamedTuple):
    """One line of a run's log of calls: something began, ended, was asked or was answered."""

    seq: int
    """Counts from 1 within the run. The store gives it; 0 in what it is given."""
    time: float
    task: str
    node: str
    attempt: int
    name: str
    """Which call of its task: its ordinal, or the key that the node gave it."""
    phase: str
    """"started", "returned", "raised", "asked" or "answered"."""
    request: str
    """SHA-256 of the canonical request, 64 hexadecimal digits."""
    data: str
    """JSON object: the request, the response, the failure, the question, the answer, ..."""


class AnswerRecord(NamedTuple):
    """A person's answer to a question, as it came in: the driver takes it into the log of calls."""

    seq: int
    """The question's line in the log of calls."""
    time: float
    value: str
    """Canonical JSON."""
    by: str
    """Who answered, for people."""


class Origin(NamedTuple):
    """Where a fork comes from: it shares the steps 1 to ``step`` of run ``run_id``."""

    run_id: str
    step: int


class RunStatus(NamedTuple):
    """What changes in a run as a whole; written in the same transaction as the steps that cause it."""

    status: str
    """"running", "paused", "waiting", "completed", "failed" or "cancelled"."""
    error: str = ""
    """JSON object with the facts of the error, or ""."""
    final: str = ""
    """JSON object {"base": step, "fold": [...], "set": {...}} once completed, or ""."""


class RunRow(NamedTuple):
    """A run as it stands."""

    record: RunRecord
    status: RunStatus
    steps: int
    """Steps committed."""
    updated: float
    holder: str
    """Who drives it now, for people; "" when nobody does."""

    @property
    def standing(self) -> str:
        """The status as it is said: "interrupted" where it reads "running" and nobody drives the run."""
        status = self.status.status
        return "interrupted" if status == "running" and not self.holder else status


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to drive one run. ``fence`` grows with every owner; a commit with an old one is refused."""

    run_id: str
    fence: int
    holder: str


@runtime_checkable
class Store(Protocol):
    """Where runs live. Every method raises only errors of the ``StoreError`` family and those named.

    Reading checks digests; a reader sees whole commits only. Methods may be called from any thread.
    """

    @property
    def name(self) -> str:
        """The file's path, or ":memory:"."""
        ...

    def create(self, record: RunRecord) -> Lease:
        """Keep a new run and hold it; ``RunBusyError`` or ``StoreError`` if the id exists."""
        ...

    def acquire(self, run_id: str) -> Lease:
        """Take the right to drive; raises ``RunBusyError`` naming the holder while that one lives, ``RunNotFound``."""
        ...

    def release(self, lease: Lease) -> None:
        """Give the right back; nothing happens if it has been taken over already."""
        ...

    def keep_alive(self, lease: Lease) -> None:
        """Keep the lease from expiring while its driver sits in a long node; ends with its release."""
        ...

    def commit(
        self,
        lease: Lease,
        steps: Sequence[StepRecord],
        events: Sequence[EventRecord] = (),
        status: RunStatus | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> None:
        """Keep all of it in one transaction, or nothing.

        Steps continue the run's numbering without a gap. Raises ``RunBusyError`` when the lease was taken
        over, ``IdempotencyError`` when a key exists, and the ``StoreError`` family; then nothing was kept.
        """
        ...

    def record(self, lease: Lease, calls: Sequence[CallRecord], blobs: Mapping[str, bytes] | None = None) -> int:
        """Keep lines of the log of calls in one transaction, or nothing; return the number of the first.

        Raises like ``commit``. May be called beside ``commit``, from any thread.
        """
        ...

    def fork(self, record: RunRecord, origin: Origin) -> Lease:
        """Keep a new run that shares the steps up to ``origin.step`` (0: the input alone), and hold it.

        The shared steps are not copied. ``record.input`` is not kept: the input is the origin's. Raises like
        ``create``, and ``StoreError`` if the origin has no such step.
        """
        ...

    def answer(self, run_id: str, answer: AnswerRecord) -> None:
        """Keep an answer; nobody needs to hold the run, and anybody may.

        Raises ``StoreError`` if the log has no question there or it is answered already.
        """
        ...

    def redescribe(self, lease: Lease, fingerprint: str, description: str) -> None:
        """Note that from the next step on the run follows another graph."""
        ...

    def run(self, run_id: str) -> RunRow:
        """Return one run; raises ``RunNotFound``."""
        ...

    def descriptions(self, run_id: str) -> Sequence[tuple[int, str, str]]:
        """Return (first step, fingerprint, description) of every graph that the run followed, oldest first."""
        ...

    def runs(self) -> Sequence[RunRow]:
        """Return every run, oldest first."""
        ...

    def steps(self, run_id: str, first: int = 1, last: int | None = None) -> Iterator[StepRecord]:
        """Yield the steps ``first`` to ``last`` (both included) in order, each checked against its digest."""
        ...

    def lineage(self, run_id: str, step: int) -> Sequence[StepRecord]:
        """Return the steps from the nearest snapshot (or the input) along ``base`` to ``step``, oldest first."""
        ...

    def last_mark(self, run_id: str) -> int:
        """Return the last step that has a ``mark``, 0 if none has."""
        ...

    def events(self, run_id: str, *, after: int = 0) -> Sequence[EventRecord]:
        """Return the run's events in order: those with a number above ``after``, at a cost that is theirs alone."""
        ...

    def calls(self, run_id: str, *, unsettled: bool = False, after: int = 0) -> Sequence[CallRecord]:
        """Return the run's own log of calls in order, each line checked against its digest.

        ``unsettled``: only lines of tasks that have no committed step. ``after``: of the whole log, only lines with a
        number above that. A fork's log does not hold its origin's.
        """
        ...

    def answers(self, run_id: str) -> Sequence[AnswerRecord]:
        """Return the answers that came in, by the question's number."""
        ...

    def origin(self, run_id: str) -> Origin | None:
        """Return where a fork comes from, None for a run of its own."""
        ...

    def blob(self, digest: str) -> bytes:
        """Return a large binary value by its SHA-256."""
        ...

    def delete(self, run_id: str) -> None:
        """Remove a run that nobody drives, whole; ``StoreError`` naming its forks if it has any."""
        ...

    def rebase(self, run_id: str, step: int, snapshot: str) -> None:
        """Make ``step`` (which has a mark) the run's new beginning: keep ``snapshot`` there, verify, drop what is before.

        Events, calls and answers of the dropped steps' tasks go too; the others keep their numbers. Raises
        ``StoreError``, with nothing changed, if a later step or a fork needs what would be gone, and for a fork
        itself; ``RunBusyError`` while the run or a fork of it is driven.
        """
        ...

    def verify(self) -> Sequence[str]:
        """Check everything; return what is wrong, in words, empty when all is well."""
        ...

    def close(self) -> None:
        """Let go of the file. Leases held by this store are released."""
        ...
