"""What one attempt asks of the outside world, and how each answer comes about: from the record, or now.

Owns the life of a call: look for its record, mark it as started, make it, keep what it gave, hand that to the
node. The sync and the async way are the same steps. Knows no order of tasks and no retries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import dumps, loads
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.codec import Types, keep
from nbgraph.engine.calls.beside import Beside
from nbgraph.engine.calls.book import Past, Reading
from nbgraph.engine.calls.naming import Names
from nbgraph.engine.calls.outcome import error_of, failed, kept, response_of, words
from nbgraph.engine.calls.question import Question, Waiting, answer_text, doubt
from nbgraph.engine.calls.request import Request
from nbgraph.store.protocol import CallRecord

if TYPE_CHECKING:
    from asyncio import Future

    from nbgraph.engine.calls.entry import Used
    from nbgraph.engine.calls.meter import OutOfBudget
    from nbgraph.engine.calls.recorder import Recorder
    from nbgraph.engine.task import Task

Usage = Callable[[Any], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Call:
    """A call to be made: its request, how to make it (a coroutine where it is async), and what may come back."""

    request: Request
    perform: Callable[[], Any]
    types: Types
    key: str | None = None
    unknown: str = "retry"
    usage: Usage | None = None


class Line(NamedTuple):
    """A line to be written, and its large values."""

    record: CallRecord
    blobs: Mapping[str, bytes] | None = None


def _nothing() -> None:
    """Make no call: an entry is about one that was made."""


NOTHING = Line(CallRecord(0, 0.0, "", "", 0, "", "", "", ""))


class Desk:
    """The calls and questions of one attempt."""

    def __init__(self, recorder: Recorder, task: Task) -> None:
        self._recorder, self._task = recorder, task
        self._names, self._beside = Names(), Beside()
        self._book = recorder.book(task.id)
        self._reading = Reading(self._book if task.node.reuse_calls else recorder.doubts(task.id))
        self._told = 0
        self.redact, self.types = recorder.redact, recorder.types
        self.used: list[int] = []
        """The lines that gave this attempt its answers."""
        self.nows: list[float] = []
        """The clock readings of this attempt: seconds since the Unix epoch."""
        self.waiting: list[Question] = []
        """Questions of this attempt that nobody has answered yet."""
        self.refused: OutOfBudget | None = None
        """Why a call of this attempt was not made: whatever the node makes of that, it does not count."""

    # -- the clock

    def now(self) -> float:
        """Return the time, the recorded one where an earlier attempt's calls came after it."""
        known, place = self._book.nows, len(self.nows)
        self.nows.append(known[place] if place < len(known) else self._recorder.clock.now())
        return self.nows[-1]

    # -- calls

    def call(self, call: Call) -> Any:
        """Serve or make a call, blocking."""
        name = self._names.next(call.key)
        past = self._reading.find(name, call.request.digest, call.request.home)
        if past is not None and (line := self._served(past, call, name)) is not None:
            if line.record.seq == 0:
                line = Line(self._write(line))
            return self._give(line.record, call)
        self._write(self._started(name, call))
        began, token = self._recorder.clock.monotonic(), self._names.enter(name)
        try:
            value = call.perform()
        except Exception as error:
            self._use(self._write(self._raised(name, call, error, began)))
            raise
        finally:
            self._names.leave(token)
        line, value = self._returned(name, call, value, began)
        self._use(self._write(line))
        return value

    async def acall(self, call: Call) -> Any:
        """Serve or make a call without blocking the loop."""
        name = self._names.next(call.key)
        try:
            with self._beside.doing(name):
                return await self._acall(call, name)
        except Waiting as open_question:
            await self._settled(open_question.seq)
            raise

    async def _acall(self, call: Call, name: str) -> Any:
        past = self._reading.find(name, call.request.digest, call.request.home)
        if past is not None and (line := self._served(past, call, name)) is not None:
            if line.record.seq == 0:
                line = Line(await self._awrite(line))
            return self._give(line.record, call)
        from asyncio import CancelledError  # noqa: PLC0415 - whoever awaits has it loaded

        started = await self._awrite(self._started(name, call))
        try:
            return await self._amade(call, name)
        except CancelledError:  # the node gave the call up (a timeout, a race): a replay must not wait for it either
            self._use(started)
            raise

    async def _amade(self, call: Call, name: str) -> Any:
        began, token = self._recorder.clock.monotonic(), self._names.enter(name)
        try:
            value = await call.perform()
        except Exception as error:
            self._use(await self._awrite(self._raised(name, call, error, began)))
            raise
        finally:
            self._names.leave(token)
        line, value = self._returned(name, call, value, began)
        self._use(await self._awrite(line))
        return value

    def _served(self, past: Past, call: Call, name: str) -> Line | None:
        """Return the line that answers a call without making it, None if it has to be made."""
        if not past.ended:
            return self._doubted(past, call, name)
        if past.run_id or past.name != name:  # the record must be whole without another run's, and by today's names
            asked = loads(past.asked).get("request")
            data = {
                "home": past.home,
                "request": asked,
                **past.facts(),
                "reused": f"{past.run_id or self._recorder.run_id}/{past.seq}",
            }
            return Line(self._record(name, past.phase, past.request, dumps(data)))
        return Line(CallRecord(
            past.seq, past.time, self._task.id, self._task.node.name, past.attempt, past.name, past.phase,
            past.request, past.data,
        ))  # fmt: skip

    def _doubted(self, past: Past, call: Call, name: str) -> Line | None:
        """Decide about a call that was started and whose end nobody knows."""
        policy = "retry" if self._reading.asks_inside(past) else call.unknown
        if policy == "ask":
            policy = self.answer(doubt(name, call.request.label, past.seq))
        if policy == "retry":
            return None
        return Line(self._record(name, "returned", past.request, '{"response":null,"skipped":true}'))

    def _give(self, record: CallRecord, call: Call) -> Any:
        """Return what a recorded call returned, or raise what it raised."""
        self._use(record)
        facts = loads(record.data)
        if record.phase == "raised":
            raise error_of(dumps(facts["error"]), self._recorder.blob)
        return response_of(dumps(facts["response"]), call.types, self._recorder.blob)

    def _use(self, record: CallRecord) -> None:
        self.used.append(record.seq)

    # -- entries

    def enter(self, used: Used, *, waits: bool) -> Future[CallRecord] | None:
        """Keep what a node says that it used, once. Unless it ``waits``, on a loop, return what says when it is kept."""
        name, request = self._names.next(used.key), used.request
        past = self._reading.find(name, request.digest)
        line = None if past is None else self._served(past, Call(request, _nothing, self.types, used.key), name)
        if line is not None and line.record.seq:
            self._use(line.record)
            return None
        if line is None:
            told = self._recorder.meter.end(None, used.usage, used.given)
            data = f'{{"request":{request.text},"response":null,"seconds":0.0{told}}}'
            line = Line(self._record(name, "returned", request.digest, data), request.blobs or None)
        if waits:
            self._recorder.log.write(line.record, line.blobs, self._entered)
            return None
        return self._recorder.log.post(line.record, line.blobs, self._entered)

    def _entered(self, record: CallRecord) -> None:
        self._book.add(record)
        self._use(record)

    # -- questions

    def answer(self, question: Question) -> Any:
        """Return the plain answer to a question; raises ``Waiting`` where there is none yet."""
        past, line = self._put(question)
        return self._known(past) if past is not None else self._answered(self._write(line))

    async def aanswer(self, question: Question) -> Any:
        """Do the same without blocking the loop; what runs beside the question comes to its end, or asks, before."""
        try:
            with self._beside.doing(""):
                past, line = self._put(question)
                return self._known(past) if past is not None else self._answered(await self._awrite(line))
        except Waiting as open_question:
            await self._settled(open_question.seq)
            raise

    async def _settled(self, seq: int) -> None:
        """Wait for what runs beside an open question; a node that cancels the asking meanwhile takes it back."""
        try:
            await self._beside.settled(self._names.here())
        except BaseException:
            if not self._beside.left:
                self.waiting = [question for question in self.waiting if question.seq != seq]
                self.used.append(seq)  # a replay must not wait for it either
            raise

    def _put(self, question: Question) -> tuple[Past | None, Line]:
        """Return the record of the answer, or the line to be written next: it was asked, or answered."""
        name, clock = question.name or self._names.next(question.key), self._recorder.clock
        past = self._reading.find(name, question.digest)
        if past is None:
            data = self._now_text() + question.data(clock)[1:]
            return None, Line(self._record(name, "asked", question.digest, data), question.blobs)
        if past.phase == "answered":
            return past, NOTHING
        given = self._recorder.answer_to(past)
        if given is None:
            raise self._wait(past.seq, past.data)
        return None, Line(self._record(name, "answered", question.digest, answer_text(given)))

    def _known(self, past: Past) -> Any:
        self.used.append(past.seq)
        return past.facts()["value"]

    def _answered(self, record: CallRecord) -> Any:
        if record.phase == "asked":
            raise self._wait(record.seq, record.data)
        self._use(record)
        return loads(record.data)["value"]

    def _wait(self, seq: int, data: str) -> Waiting:
        self.waiting.append(Question.open(seq, data))
        return Waiting(seq)

    # -- lines

    def _started(self, name: str, call: Call) -> Line:
        request = call.request
        home = f'"home":{encode_basestring(request.home)},' if request.home else ""
        data = f'{self._now_text()}{home}"request":{request.text},"unknown":{encode_basestring(call.unknown)}}}'
        return Line(self._record(name, "started", request.digest, data), request.blobs or None)

    def _now_text(self) -> str:
        """Return the readings so far where there are new ones: they are as durable as what follows them."""
        if len(self.nows) == self._told:
            return "{"
        self._told = len(self.nows)
        return f'{{"now":{dumps(self.nows, separators=(",", ":"))},'

    def _returned(self, name: str, call: Call, value: Any, began: float) -> tuple[Line, Any]:
        seconds = self._recorder.clock.monotonic() - began
        try:
            response = kept(value, call.types, self._recorder.redact, call.request.label)
        except Exception as error:
            self._use(self._write(self._raised(name, call, error, began)))
            raise
        used = _usage(call.usage, value)
        told = keep(loads(dumps(used, default=str)), redact=self._recorder.redact, blobs={})[0] if used else ""
        tail = f',"usage":{told}}}' if told else "}"
        data = f'{{"response":{response.text},"seconds":{seconds!r}{tail}'
        return Line(self._record(name, "returned", call.request.digest, data), response.blobs or None), response.value

    def _raised(self, name: str, call: Call, error: Exception, began: float) -> Line:
        failure = failed(error, self._recorder.redact)
        data = f'{{"error":{failure.text},"seconds":{self._recorder.clock.monotonic() - began!r}}}'
        return Line(self._record(name, "raised", call.request.digest, data), failure.blobs or None)

    def _record(self, name: str, phase: str, request: str, data: str) -> CallRecord:
        task = self._task
        now = self._recorder.clock.now()
        return CallRecord(0, now, task.id, task.node.name, task.attempt, name, phase, request, data)

    def _write(self, line: Line) -> CallRecord:
        return self._recorder.log.write(line.record, line.blobs, self._book.add)

    async def _awrite(self, line: Line) -> CallRecord:
        return await self._recorder.log.awrite(line.record, line.blobs, self._book.add)


def _usage(usage: Usage | None, value: Any) -> Mapping[str, Any] | None:
    """Return what a response says that it used: by the caller's reader, else its own plain ``usage`` entry."""
    if usage is not None:
        try:
            return usage(value)
        except Exception as error:  # noqa: BLE001 - the response is paid: a reader that fails must not lose it
            return {"error": f"{type(error).__name__}: {words(error)}"}
    found = value.get("usage") if isinstance(value, Mapping) else None
    plain = isinstance(found, Mapping) and all(isinstance(count, (int, float, str)) for count in found.values())
    return dict(found) if plain and found else None
