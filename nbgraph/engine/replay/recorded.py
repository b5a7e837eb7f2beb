"""What answers a node's calls in a replay: the record of exactly that task's attempt, and nothing else.

Owns the matching of calls to their record, and what is told when there is none. Makes no call, writes no line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from json import dumps, loads
from threading import Lock
from typing import TYPE_CHECKING, Any

from nbgraph.codec import Redaction, Types
from nbgraph.engine.calls.book import home_in
from nbgraph.engine.calls.call import Call
from nbgraph.engine.calls.naming import Names
from nbgraph.engine.calls.opened import Recalled
from nbgraph.engine.calls.outcome import error_of, response_of
from nbgraph.engine.calls.question import Question
from nbgraph.engine.calls.request import at_home
from nbgraph.engine.replay.report import diff_text
from nbgraph.engine.replay.turns import Taken, Turns
from nbgraph.errors import MissingCallError, NbgraphError, ReplayMismatchError
from nbgraph.store.protocol import CallRecord

if TYPE_CHECKING:
    from nbgraph.engine.calls.entry import Used
    from nbgraph.engine.calls.opened import Fly
    from nbgraph.engine.calls.purse import OutOfBudget


def taken(lines: Iterable[CallRecord], used: Sequence[int]) -> list[Taken]:
    """Return the calls that gave an attempt its answers, in the order of ``used``: in which it got them."""
    wanted, begun, found = set(used), dict[str, CallRecord](), dict[int, Taken]()
    for line in lines:
        if line.phase in ("started", "asked"):
            begun[line.name] = line
        if line.seq in wanted:
            begin = begun.get(line.name, line)
            if begin.request != line.request:  # of an attempt before; this line tells all by itself
                begin = line
            found[line.seq] = Taken(line, begin.seq, begin.data)
    return [found[seq] for seq in dict.fromkeys(used) if seq in found]


class RecordedDesk:
    """Answers the calls of one attempt from its record."""

    def __init__(
        self,
        calls: Sequence[Taken],
        nows: Sequence[float],
        blob: Callable[[str], bytes],
        redact: Redaction,
        types: Types,
        where: dict[str, Any],
        turns: Sequence[int] = (),
    ) -> None:
        self._calls, self._nows, self.blob, self._where = list(calls), list(nows), blob, where
        self.redact, self.types = redact, types
        self._names, self._lock = Names(), Lock()  # a node's threads issue calls at the same time
        self._served: set[int] = set()
        self._readings = 0
        self._named: dict[str, list[Taken]] = {}
        self._asked: dict[str, list[Taken]] = {}
        for call in self._calls:
            self._named.setdefault(call.end.name, []).append(call)
            self._asked.setdefault(call.end.request, []).append(call)
        self._turns = Turns(self._calls, turns, self._awaited)
        self.used: list[int] = []
        self.waiting: list[Question] = []
        self.refused: OutOfBudget | None = None
        self.problem: NbgraphError | None = None
        """The first call that the record does not answer."""

    # -- the clock

    def now(self) -> float:
        """Return the recorded reading."""
        if self._readings >= len(self._nows):
            raise self._missing("reads the clock", "now", f"reading {self._readings + 1}")
        self._readings += 1
        return self._nows[self._readings - 1]

    # -- calls and questions

    def call(self, call: Call) -> Any:
        """Return what the recorded call returned, or raise what it raised."""
        end = self._find(call.key, call.request.digest, call.request.label, call.request.text, call.request.home)
        if end.phase == "started":
            self._turns.over(end.seq)
            raise self._awaited(end)
        if call.form is not None:
            return Recalled(self, call, end).begins()
        self._turns.over(end.seq)
        return self._given(end, call.types)

    async def acall(self, call: Call, fly: Fly | None = None) -> Any:  # noqa: ARG002 - nothing is under way
        """Do the same; calls that ran beside each other end in the order in which the node got them then."""
        end = self._find(call.key, call.request.digest, call.request.label, call.request.text, call.request.home)
        if end.phase == "started":
            await self._turns.given_up(end.seq)
        self._turns.failed = call.form is not None and end.phase == "raised"
        if call.form is not None:
            return await Recalled(self, call, end).abegins()
        await self._turns.turn(end.seq)
        return self._given(end, call.types)

    def enter(self, used: Used, *, waits: bool) -> None:  # noqa: ARG002 - there is nothing to keep
        """Take an entry that the record has too."""
        end = self._find(used.key, used.request.digest, used.request.label, used.request.text)
        self._turns.over(end.seq)
        self._turns.release()

    def answer(self, question: Question) -> Any:
        """Return the recorded answer."""
        end = self._find(question.key, question.digest, "ask", question.text)
        self._turns.over(end.seq)
        if end.phase == "asked":
            raise self._awaited(end)
        return loads(end.data)["value"]

    async def aanswer(self, question: Question) -> Any:
        """Do the same; a question that the node took back then is not answered now either."""
        end = self._find(question.key, question.digest, "ask", question.text)
        if end.phase == "asked":
            await self._turns.given_up(end.seq)
        self._turns.over(end.seq)
        return loads(end.data)["value"]

    def _given(self, end: CallRecord, types: Types) -> Any:
        facts = loads(end.data)
        if end.phase == "raised":
            raise error_of(dumps(facts["error"]), self.blob)
        return response_of(dumps(facts["response"]), types, self.blob)

    def _find(self, key: str | None, digest: str, label: str, text: str, home: str = "") -> CallRecord:
        name = self._names.next(key)
        with self._lock:
            found = self._recorded(name, digest, home)
            if found is None:
                raise self._unanswered(name, label, text)
            self._served.add(found.end.seq)
            self.used.append(found.end.seq)
        return found.end

    def _recorded(self, name: str, digest: str, home: str) -> Taken | None:
        """Return the call of that name; else, where calls ran beside each other and so in any order, an equal one."""
        named = (call for call in self._named.get(name, ()) if call.end.request == digest)
        same = self._asked.get(digest, ()) if self._turns.overlap else ()
        free = (call for call in (*named, *same) if call.end.seq not in self._served)
        return next((call for call in free if at_home(home_in(call.request), home)), None)

    # -- answers in parts

    def gave(self, seq: int) -> None:
        """Note that the node got the head or a part."""

    async def due(self, seq: int) -> None:
        """Wait until it is the turn of the head, a part or the end."""
        await self._turns.turn(seq, part=True)

    def done(self, seq: int, *, got: bool) -> None:  # noqa: ARG002 - then it is over
        """Note that the node got the end, or reads no further."""
        self._turns.over(seq)
        self._turns.release()

    def beyond(self, seq: int, call: Call) -> NbgraphError:  # noqa: ARG002 - the record says it
        """Return the error for a node that reads on where it stopped reading then."""
        end = next(one.end for one in self._calls if one.end.seq == seq)
        said = f"reads further in the answer to call {end.name} than it did then"
        return self._mismatch(said, end.name, "read no further", "read on")

    async def abeyond(self, seq: int, call: Call) -> None:  # noqa: ARG002 - as above
        """Wait as the node did then, until it gives up."""
        await self._turns.given_up(seq)

    def turns(self) -> list[int]:
        """Return nothing: a replay keeps none."""
        return []

    def finish(self) -> None:
        """Leave it: nothing is open."""

    async def afinish(self) -> None:
        """Leave it: nothing is open."""

    def idle(self, timed: bool) -> bool:
        """Go on where nothing can happen any more; see ``Turns.idle``."""
        return self._turns.idle(timed)

    def _awaited(self, end: CallRecord) -> NbgraphError:
        return self._mismatch(f"waits for call {end.name}, which it gave up then", end.name, "given up", "waited for")

    # -- what is wrong

    def left(self) -> NbgraphError | None:
        """Return what is wrong with a node that ended without asking all that it had asked, None if nothing is."""
        if self.problem is not None:
            return self.problem
        for call in self._calls:
            name = call.end.name
            own = name.endswith("?")  # the engine's own question about a call of unknown outcome
            if call.end.seq not in self._served and not own and not self._inside_served(name):
                said = f"does not make call {call.end.name} ({_label(call)}) any more"
                return self._mismatch(said, call.end.name, _shown(call.request), "no call")
        if self._readings < len(self._nows):
            said = f"read the clock {len(self._nows)} times, and now {self._readings} times"
            return self._mismatch(said, "now", f"{len(self._nows)} readings", f"{self._readings} readings")
        return None

    def _inside_served(self, name: str) -> bool:
        outer = [name[:place] for place, char in enumerate(name) if char == "/"]
        return any(call.end.seq in self._served for one in outer for call in self._named.get(one, ()))

    def _unanswered(self, name: str, label: str, text: str) -> NbgraphError:
        other = next((call for call in self._named.get(name, ()) if call.end.seq not in self._served), None)
        if other is None:
            return self._missing(f"calls {label}", name, text)
        said = f"asks for something else in call {name} than was recorded"
        return self._mismatch(said, name, _shown(other.request), _shown(text))

    def _missing(self, said: str, name: str, asked: str) -> NbgraphError:
        self.problem = self.problem or MissingCallError(
            f"{self._at()} {said}, and the record has no such call:\n{diff_text('no call', _shown(asked))}",
            still="nothing was called; the run was not touched",
            todo="replay with the code that was recorded; or fork the run, which may call",
            **{**self._where, "field": _field(name), "call": name, "expected": "no call", "actual": _shown(asked)},
        )
        return self.problem

    def _mismatch(self, said: str, name: str, expected: str, actual: str) -> NbgraphError:
        self.problem = self.problem or ReplayMismatchError(
            f"{self._at()} {said}:\n{diff_text(expected, actual)}",
            still="nothing was called; the run was not touched",
            todo="engine.replay(..., strict=False) lists every difference; engine.fork(...) goes on with today's code",
            **{**self._where, "field": _field(name), "call": name, "expected": expected, "actual": actual},
        )
        return self.problem

    def refuse(self, reached: str) -> None:
        """Note that the node reached for the network past its calls."""
        self._missing(f"reaches for the network past ctx.call ({reached})", "network", reached)

    def _at(self) -> str:
        where = self._where
        return f"node {where['node']!r} (step {where['step']}, task {where['task'][:12]})"


def _field(name: str) -> str:
    return name if name in ("now", "network") else f"call {name}"


def _label(call: Taken) -> str:
    try:
        return str(loads(call.request)["request"]["call"])
    except (ValueError, KeyError, TypeError):
        return "?"


def _shown(text: str) -> str:
    """Return a request for people: what was asked, without the record's frame."""
    try:
        found = loads(text)
    except ValueError:
        return text
    request = found.get("request", found) if isinstance(found, dict) else found
    if isinstance(request, dict) and "call" in request:
        return f"{request['call']}: {dumps(request.get('asked'), ensure_ascii=False)}"
    return text
