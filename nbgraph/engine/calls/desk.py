"""What one attempt asks of the outside world, and how each answer comes about: from the record, or now.

Owns the life of a call: look for its record, mark it as started, make it, keep what it gave, hand that to the
node. The sync and the async way are the same steps. Knows no order of tasks and no retries.
"""

from __future__ import annotations

from json import dumps, loads
from typing import TYPE_CHECKING, Any

from nbgraph.engine.calls.beside import Beside
from nbgraph.engine.calls.book import Past, Reading
from nbgraph.engine.calls.call import Call
from nbgraph.engine.calls.estimate import expected
from nbgraph.engine.calls.lines import NOTHING, Line, Lines
from nbgraph.engine.calls.naming import Names
from nbgraph.engine.calls.outcome import error_of, kept, response_of
from nbgraph.engine.calls.purse import OutOfBudget
from nbgraph.engine.calls.question import Question, Waiting, answer_text, doubt
from nbgraph.engine.calls.tally import Tally, Told, around, told
from nbgraph.store.protocol import CallRecord

if TYPE_CHECKING:
    from asyncio import Future

    from nbgraph.engine.calls.entry import Used
    from nbgraph.engine.calls.opened import Fly
    from nbgraph.engine.calls.recorder import Recorder
    from nbgraph.engine.calls.streams import Streams
    from nbgraph.engine.task import Task


def _nothing() -> None:
    """Make no call: an entry is about one that was made."""


class Desk:
    """The calls and questions of one attempt."""

    def __init__(self, recorder: Recorder, task: Task) -> None:
        self._recorder, self._task = recorder, task
        self.names, self.beside, self.tally = Names(), Beside(), Tally(recorder.meter)
        self._book = recorder.book(task.id)
        self.lines = Lines(recorder, task, self._book)
        self._reading = Reading(self._book if task.node.reuse_calls else recorder.doubts(task.id))
        self.redact, self.types, self.blob = recorder.redact, recorder.types, recorder.blob
        self._streams: Streams | None = None
        self._mixed = False
        """True once a record answered beside calls that were made: the numbers of their lines do not tell which came first."""
        self.used: list[int] = []
        """The lines that gave this attempt its answers."""
        self.nows: list[float] = []
        """The clock readings of this attempt: seconds since the Unix epoch."""
        self.waiting: list[Question] = []
        """Questions of this attempt that nobody has answered yet."""
        self._cut: set[str] = set()
        """Calls with a refused one inside."""
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
        name = self.names.next(call.key)
        past = self._reading.find(name, call.request.digest, call.request.home)
        if past is not None and (line := self._served(past, call, name)) is not None:
            return self._give(self.lines.put(line), call)
        self._begin(name, call)
        self.lines.write(self.lines.started(name, call, self.nows))
        began = self._recorder.clock.monotonic()
        try:
            with self.names.inside(name):
                value = call.perform()
            self._go_on(name, call)
        except Exception as error:
            self._go_on(name, call)
            self._use(self.lines.write(self._raised(name, call, error, began)))
            raise
        except BaseException:
            self._go_on(name, call)
            self.tally.lost(name)
            raise
        if call.form is not None:
            return self._opened().live(name, call, value, began)
        line, value = self._returned(name, call, value, began)
        self._use(self.lines.write(line))
        return value

    async def acall(self, call: Call, fly: Fly | None = None) -> Any:
        """Serve or make a call without blocking the loop. ``fly``: see ``Live``."""
        name = self.names.next(call.key)
        try:
            with self.beside.doing(name):
                return await self._acall(call, name, fly)
        except Waiting as open_question:
            await self._settled(open_question.seq)
            raise
        except OutOfBudget:  # what is under way beside it is paid for, and comes to its end
            await self.beside.settled(self.names.here())
            raise

    async def _acall(self, call: Call, name: str, fly: Fly | None) -> Any:
        past = self._reading.find(name, call.request.digest, call.request.home)
        if past is not None and (line := self._served(past, call, name)) is not None:
            self._mixed = self._mixed or self.beside.busy
            return self._give(await self.lines.aput(line), call)
        from asyncio import CancelledError  # noqa: PLC0415 - whoever awaits has it loaded

        self._begin(name, call)
        started: CallRecord | None = None
        try:
            started = await self.lines.awrite(self.lines.started(name, call, self.nows))
            return await self._amade(call, name, fly)
        except CancelledError:  # the node gave the call up (a timeout, a race): a replay must not wait for it either
            self.tally.lost(name)
            if started is not None:
                self._use(started)
            raise

    async def _amade(self, call: Call, name: str, fly: Fly | None) -> Any:
        began = self._recorder.clock.monotonic()
        try:
            with self.names.inside(name):
                value = await call.perform()
            self._go_on(name, call)
        except Exception as error:
            self._go_on(name, call)
            self._use(await self.lines.awrite(self._raised(name, call, error, began)))
            raise
        except BaseException:
            self._go_on(name, call)
            self.tally.lost(name)
            raise
        if call.form is not None:
            return self._opened().live(name, call, value, began, fly)
        line, value = self._returned(name, call, value, began)
        self._use(await self.lines.awrite(line))
        return value

    def _begin(self, name: str, call: Call) -> None:
        """Have a call counted before it is made; keep a refusal, in case the node swallows it."""
        try:
            self.tally.begin(name, call.request)
        except OutOfBudget as refusal:
            self.refused = refusal
            self._cut.update(around(name))
            raise

    def _go_on(self, name: str, call: Call) -> None:
        """Go on with what a call gave, unless one inside it was refused: whatever it made of that does not count."""
        if self.refused is not None and name in self._cut:
            self._cut.discard(name)
            self.tally.drop(name)
            if call.unknown != "retry" or expected(call.request.text).model:
                self.lines.write(self.lines.stopped(name, call))
            raise self.refused

    def _served(self, past: Past, call: Call, name: str) -> Line | None:
        """Return the line that answers a call without making it, None if it has to be made."""
        if not past.ended:
            return self._doubted(past, call, name)
        if past.run_id or past.name != name:  # the record must be whole without another run's, and by today's names
            reused = f"{past.run_id or self._recorder.run_id}/{past.seq}"
            return self.lines.line(name, past.phase, past.request, past.retold(reused, self._reading.inside(past)))
        return Line(CallRecord(
            past.seq, past.time, self._task.id, self._task.node.name, past.attempt, past.name, past.phase,
            past.request, past.data,
        ))  # fmt: skip

    def _doubted(self, past: Past, call: Call, name: str) -> Line | None:
        """Decide about a call that was started and whose end nobody knows."""
        again = self._reading.asks_inside(past) or '"stopped":true' in past.data
        policy = "retry" if again else call.unknown
        if policy == "ask":
            policy = self.answer(doubt(name, call.request.label, past.seq))
        if policy == "retry":
            return None
        return self.lines.line(name, "returned", past.request, '{"response":null,"skipped":true}')

    def _give(self, record: CallRecord, call: Call) -> Any:
        """Return what a recorded call returned, or raise what it raised."""
        if call.form is not None:
            return self._opened().recalled(record, call)
        self._use(record)
        facts = loads(record.data)
        if record.phase == "raised":
            raise error_of(dumps(facts["error"]), self.blob)
        return response_of(dumps(facts["response"]), call.types, self.blob)

    def _use(self, record: CallRecord) -> None:
        self.used.append(record.seq)
        if self._streams is not None:
            self._streams.used(record.seq)

    def since(self, began: float) -> float:
        """Return the seconds since a reading of the monotonic clock."""
        return self._recorder.clock.monotonic() - began

    # -- answers in parts

    def _opened(self) -> Streams:
        if self._streams is None:
            from nbgraph.engine.calls.streams import Streams  # noqa: PLC0415 - only nodes that read some pay for it

            self._streams = Streams(self)
        return self._streams

    def turns(self) -> list[int]:
        """Return in which order the parts of answers came, where the lines used do not tell."""
        log = [] if self._streams is None else self._streams.turns()
        return log or (list(self.used) if self._mixed else [])

    def finish(self) -> None:
        """Close the answers that the node left open."""
        if self._streams is not None:
            self._streams.finish()

    async def afinish(self) -> None:
        """Do the same without blocking the loop."""
        if self._streams is not None:
            await self._streams.afinish()

    # -- entries

    def enter(self, used: Used, *, waits: bool) -> Future[CallRecord] | None:
        """Keep what a node says that it used, once. Unless it ``waits``, on a loop, return what says when it is kept."""
        name, request = self.names.next(used.key), used.request
        past = self._reading.find(name, request.digest)
        line = None if past is None else self._served(past, Call(request, _nothing, self.types, used.key), name)
        if line is not None and line.record.seq:
            self._use(line.record)
            return None
        if line is None:
            entries = self.tally.end(name, Told(used.usage, used.given), self.redact)
            data = f'{{"request":{request.text},"response":null,"seconds":0.0{entries}}}'
            line = self.lines.line(name, "returned", request.digest, data, request.blobs)
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
        return self._known(past) if past is not None else self._answered(self.lines.write(line))

    async def aanswer(self, question: Question) -> Any:
        """Do the same without blocking the loop; what runs beside the question comes to its end, or asks, before."""
        try:
            with self.beside.doing(""):
                past, line = self._put(question)
                return self._known(past) if past is not None else self._answered(await self.lines.awrite(line))
        except Waiting as open_question:
            await self._settled(open_question.seq)
            raise

    async def _settled(self, seq: int) -> None:
        """Wait for what runs beside an open question; a node that cancels the asking meanwhile takes it back."""
        try:
            await self.beside.settled(self.names.here())
        except BaseException:
            if not self.beside.left:
                self.waiting = [question for question in self.waiting if question.seq != seq]
                self.used.append(seq)  # a replay must not wait for it either
            raise

    def _put(self, question: Question) -> tuple[Past | None, Line]:
        """Return the record of the answer, or the line to be written next: it was asked, or answered."""
        name, clock = question.name or self.names.next(question.key), self._recorder.clock
        past = self._reading.find(name, question.digest)
        if past is None:
            data = self.lines.readings(self.nows) + question.data(clock)[1:]
            return None, self.lines.line(name, "asked", question.digest, data, question.blobs)
        if past.phase == "answered":
            return past, NOTHING
        given = self._recorder.answer_to(past)
        if given is None:
            raise self._wait(past.seq, past.data)
        return None, self.lines.line(name, "answered", question.digest, answer_text(given))

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

    def _returned(self, name: str, call: Call, value: Any, began: float) -> tuple[Line, Any]:
        seconds = self.since(began)
        try:
            response = kept(value, call.types, self.redact, call.request.label)
        except Exception as error:
            self._use(self.lines.write(self._raised(name, call, error, began)))
            raise
        used = self.tally.end(name, told(call.usage, value), self.redact)
        return self.lines.returned(name, call, response, seconds, used), response.value

    def _raised(self, name: str, call: Call, error: Exception, began: float) -> Line:
        self.tally.drop(name)
        return self.lines.raised(name, call, error, self.since(began))
