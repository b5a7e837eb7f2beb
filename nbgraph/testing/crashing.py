"""A store that ends its process at a chosen moment, for tests of what a crash leaves behind.

Owns the moments. Everything else is the store's that it stands before. Only for processes that a test starts.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

from nbgraph.errors import OptionsError
from nbgraph.store.protocol import (
    AnswerRecord,
    CallRecord,
    EventRecord,
    Lease,
    Origin,
    RunRecord,
    RunRow,
    RunStatus,
    StepRecord,
    Store,
)

_T = TypeVar("_T")

WRITES = ("create", "fork", "acquire", "redescribe", "record", "commit", "answer", "release")
"""The methods that have moments, in the order in which a run comes by them."""

POINTS: tuple[str, ...] = tuple(f"{when} {what}" for what in WRITES for when in ("before", "after"))
"""The moments that ``CrashingStore`` knows: "before create", "after create", ..., "after release"."""

EXIT_CODE = 7
"""What a process ends with for ``how="exit"``."""


class CrashingStore:
    """A store that ends this process before or after the ``occurrence``-th call of one of its methods.

    ``point`` is one of ``POINTS``: "before commit" is when a task's body has run and nothing of it is kept,
    "after commit" when it is kept and the engine does not know yet; likewise for "record" and calls.
    ``occurrence`` counts calls of that method from 1, over all runs; with several tasks at once, which of
    them share a commit depends on timing. ``how``: "kill" is SIGKILL, nothing gets a chance to tidy up;
    "exit" ends with code 7, for systems without signals. What the store has beside the protocol passes through.

    Raises ``OptionsError`` for an unknown point or way, and for an occurrence below 1.

    >>> from nbgraph.store import MemoryStore
    >>> CrashingStore(MemoryStore(), "after commit", occurrence=3)
    CrashingStore(':memory:', 'after commit', occurrence=3)
    """

    def __init__(self, store: Store, point: str, occurrence: int = 1, *, how: Literal["kill", "exit"] = "kill") -> None:
        _check("point", point, point in POINTS, f"one of {', '.join(POINTS)}")
        _check("occurrence", occurrence, type(occurrence) is int and occurrence >= 1, "a whole number of 1 or more")
        _check("how", how, how in ("kill", "exit"), '"kill" or "exit"')
        self._store, self._point, self._occurrence, self._how = store, point, occurrence, how
        self._seen, self._lock = 0, threading.Lock()

    def __repr__(self) -> str:
        return f"CrashingStore({self.name!r}, {self._point!r}, occurrence={self._occurrence})"

    def __getattr__(self, name: str) -> Any:
        if name == "_store":  # a copy that is being made has none yet
            raise AttributeError(name)
        return getattr(self._store, name)

    def _around(self, what: str, act: Callable[[], _T]) -> _T:
        self._come_by(f"before {what}")
        result = act()
        self._come_by(f"after {what}")
        return result

    def _come_by(self, point: str) -> None:
        if point != self._point:
            return
        with self._lock:
            self._seen += 1
            if self._seen == self._occurrence:
                self._die()

    def _die(self) -> None:
        if self._how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(EXIT_CODE)

    # -- what has moments

    def create(self, record: RunRecord) -> Lease:
        """See ``Store.create``."""
        return self._around("create", lambda: self._store.create(record))

    def fork(self, record: RunRecord, origin: Origin) -> Lease:
        """See ``Store.fork``."""
        return self._around("fork", lambda: self._store.fork(record, origin))

    def acquire(self, run_id: str) -> Lease:
        """See ``Store.acquire``."""
        return self._around("acquire", lambda: self._store.acquire(run_id))

    def redescribe(self, lease: Lease, fingerprint: str, description: str) -> None:
        """See ``Store.redescribe``."""
        self._around("redescribe", lambda: self._store.redescribe(lease, fingerprint, description))

    def record(self, lease: Lease, calls: Sequence[CallRecord], blobs: Mapping[str, bytes] | None = None) -> int:
        """See ``Store.record``."""
        return self._around("record", lambda: self._store.record(lease, calls, blobs))

    def commit(
        self,
        lease: Lease,
        steps: Sequence[StepRecord],
        events: Sequence[EventRecord] = (),
        status: RunStatus | None = None,
        blobs: Mapping[str, bytes] | None = None,
    ) -> None:
        """See ``Store.commit``."""
        self._around("commit", lambda: self._store.commit(lease, steps, events, status, blobs))

    def answer(self, run_id: str, answer: AnswerRecord) -> None:
        """See ``Store.answer``."""
        self._around("answer", lambda: self._store.answer(run_id, answer))

    def release(self, lease: Lease) -> None:
        """See ``Store.release``."""
        self._around("release", lambda: self._store.release(lease))

    # -- what has none

    @property
    def name(self) -> str:
        """See ``Store.name``."""
        return self._store.name

    def keep_alive(self, lease: Lease) -> None:
        """See ``Store.keep_alive``."""
        self._store.keep_alive(lease)

    def run(self, run_id: str) -> RunRow:
        """See ``Store.run``."""
        return self._store.run(run_id)

    def descriptions(self, run_id: str) -> Sequence[tuple[int, str, str]]:
        """See ``Store.descriptions``."""
        return self._store.descriptions(run_id)

    def runs(self) -> Sequence[RunRow]:
        """See ``Store.runs``."""
        return self._store.runs()

    def steps(self, run_id: str, first: int = 1, last: int | None = None) -> Iterator[StepRecord]:
        """See ``Store.steps``."""
        return self._store.steps(run_id, first, last)

    def lineage(self, run_id: str, step: int) -> Sequence[StepRecord]:
        """See ``Store.lineage``."""
        return self._store.lineage(run_id, step)

    def last_mark(self, run_id: str) -> int:
        """See ``Store.last_mark``."""
        return self._store.last_mark(run_id)

    def events(self, run_id: str, *, after: int = 0) -> Sequence[EventRecord]:
        """See ``Store.events``."""
        return self._store.events(run_id, after=after)

    def calls(self, run_id: str, *, unsettled: bool = False, after: int = 0) -> Sequence[CallRecord]:
        """See ``Store.calls``."""
        return self._store.calls(run_id, unsettled=unsettled, after=after)

    def answers(self, run_id: str) -> Sequence[AnswerRecord]:
        """See ``Store.answers``."""
        return self._store.answers(run_id)

    def origin(self, run_id: str) -> Origin | None:
        """See ``Store.origin``."""
        return self._store.origin(run_id)

    def blob(self, digest: str) -> bytes:
        """See ``Store.blob``."""
        return self._store.blob(digest)

    def delete(self, run_id: str) -> None:
        """See ``Store.delete``."""
        self._store.delete(run_id)

    def rebase(self, run_id: str, step: int, snapshot: str) -> None:
        """See ``Store.rebase``."""
        self._store.rebase(run_id, step, snapshot)

    def verify(self) -> Sequence[str]:
        """See ``Store.verify``."""
        return self._store.verify()

    def close(self) -> None:
        """See ``Store.close``."""
        self._store.close()


def _check(option: str, value: Any, fits: bool, expected: str) -> None:
    if not fits:
        raise OptionsError(
            f"{option} is {value!r}; it should be {expected}", option=option, expected=expected, actual=value
        )
