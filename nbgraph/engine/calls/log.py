"""The durable lines of a run's calls: written by whoever comes, committed together by whoever is first.

Owns the group commit. A line is on the disk when ``write`` returns. Lines that arrive while a commit is under
way share the next one. Any thread and any loop may write.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nbgraph.store.protocol import CallRecord, Lease, Store

if TYPE_CHECKING:
    from asyncio import Future
    from concurrent.futures import ThreadPoolExecutor


class _Entry:
    """A line on its way, and what became of it."""

    __slots__ = ("blobs", "done", "error", "line", "then")

    def __init__(
        self, line: CallRecord, blobs: Mapping[str, bytes] | None, then: Callable[[CallRecord], None] | None
    ) -> None:
        self.line, self.blobs, self.then = line, blobs, then
        self.done = False
        self.error: BaseException | None = None


class CallLog:
    """Writes lines for one drive of a run."""

    def __init__(self, store: Store, lease: Lease) -> None:
        self._store, self._lease = store, lease
        self._queue: deque[_Entry] = deque()
        self._turn = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self.after_commit: Callable[[Sequence[CallRecord]], None] | None = None

    def write(
        self,
        line: CallRecord,
        blobs: Mapping[str, bytes] | None = None,
        then: Callable[[CallRecord], None] | None = None,
    ) -> CallRecord:
        """Keep a line; return it with its number. ``then`` is called with it, in the order of the log."""
        entry = _Entry(line, blobs, then)
        self._queue.append(entry)
        return self._settle(entry)

    async def awrite(
        self,
        line: CallRecord,
        blobs: Mapping[str, bytes] | None = None,
        then: Callable[[CallRecord], None] | None = None,
    ) -> CallRecord:
        """Do the same without blocking the loop: what its other tasks write meanwhile shares the next commit."""
        return await self.post(line, blobs, then)

    def post(
        self,
        line: CallRecord,
        blobs: Mapping[str, bytes] | None = None,
        then: Callable[[CallRecord], None] | None = None,
    ) -> Future[CallRecord]:
        """Do the same for whoever is on a loop and does not wait now; the future says when it is kept."""
        from asyncio import get_running_loop  # noqa: PLC0415 - whoever is on a loop has it loaded

        entry = _Entry(line, blobs, then)
        self._queue.append(entry)
        return get_running_loop().run_in_executor(self._writer(), self._settle, entry)

    def _writer(self) -> ThreadPoolExecutor:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as above

            self._pool = ThreadPoolExecutor(1, thread_name_prefix="nbgraph-calls")
        return self._pool

    def _settle(self, entry: _Entry) -> CallRecord:
        with self._turn:
            if not entry.done:
                self._flush()
        if entry.error is not None:
            raise entry.error
        return entry.line

    def _flush(self) -> None:
        """Commit all lines that wait. The caller has the turn."""
        batch = [self._queue.popleft() for _ in range(len(self._queue))]
        blobs = {digest: data for entry in batch for digest, data in (entry.blobs or {}).items()}
        try:
            first = self._store.record(self._lease, [entry.line for entry in batch], blobs or None)
        except BaseException as error:  # noqa: BLE001 - each writer raises it
            for entry in batch:
                entry.done, entry.error = True, error
            return
        for number, entry in enumerate(batch, first):
            entry.line, entry.done = entry.line._replace(seq=number), True
            if entry.then is not None:
                entry.then(entry.line)
        if self.after_commit is not None:
            self.after_commit([entry.line for entry in batch])

    def close(self) -> None:
        """Keep what is still on its way."""
        if self._pool is not None:
            self._pool.shutdown(wait=False)
