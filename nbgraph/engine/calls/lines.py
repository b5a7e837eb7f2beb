"""The lines that one attempt adds to the log of calls: their texts, and the way into the log.

Owns both, and that clock readings are as durable as what follows them. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.engine.calls.book import Book
from nbgraph.engine.calls.current import secrets
from nbgraph.engine.calls.outcome import failed, masked
from nbgraph.store.protocol import CallRecord

if TYPE_CHECKING:
    from nbgraph.engine.calls.call import Call
    from nbgraph.engine.calls.outcome import Kept
    from nbgraph.engine.calls.recorder import Recorder
    from nbgraph.engine.task import Task


class Line(NamedTuple):
    """A line to be written, and its large values."""

    record: CallRecord
    blobs: Mapping[str, bytes] | None = None


NOTHING = Line(CallRecord(0, 0.0, "", "", 0, "", "", "", ""))


class Lines:
    """What one attempt writes."""

    def __init__(self, recorder: Recorder, task: Task, book: Book) -> None:
        self._recorder, self._task, self._book = recorder, task, book
        self._told = 0

    def line(self, name: str, phase: str, request: str, data: str, blobs: Mapping[str, bytes] | None = None) -> Line:
        """Return a line of this attempt, with the time."""
        task, now = self._task, self._recorder.clock.now()
        record = CallRecord(0, now, task.id, task.node.name, task.attempt, name, phase, request, data)
        return Line(record, blobs or None)

    def started(self, name: str, call: Call, nows: Sequence[float]) -> Line:
        """Return the line that begins a call, with the readings of the clock before it."""
        request = call.request
        home = f'"home":{encode_basestring(request.home)},' if request.home else ""
        data = f'{self.readings(nows)}{home}"request":{request.text},"unknown":{encode_basestring(call.unknown)}}}'
        return self.line(name, "started", request.digest, data, request.blobs)

    def stopped(self, name: str, call: Call) -> Line:
        """Return the line of a call that got nowhere, since one inside it was refused: it may be made again."""
        data = f'{{"request":{call.request.text},"stopped":true,"unknown":{encode_basestring(call.unknown)}}}'
        return self.line(name, "started", call.request.digest, data, call.request.blobs)

    def readings(self, nows: Sequence[float]) -> str:
        """Return the beginning of a line's data: all readings, where there are new ones."""
        if len(nows) == self._told:
            return "{"
        self._told = len(nows)
        return f'{{"now":{dumps(nows, separators=(",", ":"))},'

    def returned(self, name: str, call: Call, response: Kept, seconds: float, used: str) -> Line:
        """Return the line of a call that returned; ``used``: further entries, each behind a comma."""
        data = f'{{"response":{response.text},"seconds":{seconds!r}{used}}}'
        return self.line(name, "returned", call.request.digest, data, response.blobs)

    def raised(self, name: str, call: Call, error: Exception, seconds: float) -> Line:
        """Return the line of a call that raised."""
        failure = failed(error, self._recorder.redact)
        text = failure.text if call.form is None else call.form.hidden(failure.text)
        if known := secrets():  # of requests inside this call
            text = masked(text, known)
        data = f'{{"error":{text},"seconds":{seconds!r}}}'
        return self.line(name, "raised", call.request.digest, data, failure.blobs)

    def write(self, line: Line) -> CallRecord:
        """Keep a line; return its record, with its number."""
        return self._recorder.log.write(line.record, line.blobs, self._book.add)

    async def awrite(self, line: Line) -> CallRecord:
        """Do the same without blocking the loop."""
        return await self._recorder.log.awrite(line.record, line.blobs, self._book.add)

    def put(self, line: Line) -> Any:
        """Return the line's record as it is, or written where that was not done yet."""
        return line.record if line.record.seq else self.write(line)

    async def aput(self, line: Line) -> Any:
        """Do the same without blocking the loop."""
        return line.record if line.record.seq else await self.awrite(line)
