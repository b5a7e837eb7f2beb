"""An answer in parts while a node reads it: coming in from the outside world, or out of the record.

Owns its life: each part is handed on as it comes, and the whole is kept when the end is reached, when the connection
fails or when the node reads no further. The sync and the async way are the same steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from json import dumps, loads
from typing import TYPE_CHECKING, Any, Protocol

from nbgraph.codec import NO_TYPES, decode, keep
from nbgraph.engine.calls.outcome import error_of, failed
from nbgraph.engine.calls.tally import Told
from nbgraph.errors import CallError

if TYPE_CHECKING:
    from asyncio import Future

    from nbgraph.engine.calls.call import Call
    from nbgraph.engine.calls.lines import Line
    from nbgraph.engine.calls.parts import Form
    from nbgraph.engine.calls.streams import Streams
    from nbgraph.store.protocol import CallRecord

Fly = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]


class Live:
    """An answer that is coming in. Its line is written when it ends."""

    def __init__(
        self, streams: Streams, name: str, call: Call, answer: Any, began: float, fly: Fly | None = None
    ) -> None:
        self._streams, self._name, self._call, self._began = streams, name, call, began
        self._answer, self.head, self._fly = answer, answer.head, fly
        self._source = answer.parts()
        self._sync = not hasattr(self._source, "__anext__")
        self._parts: list[bytes] = []
        self._over = False
        self._closing: Future[None] | None = None
        self.seq = 0
        """Its line, once that is written."""

    # -- reading

    def part(self) -> bytes | None:
        """Return the next part, None at the end."""
        if self._over:
            return None
        with self._streams.inside(self._name):
            try:
                part = next(self._source, None)
            except Exception as error:
                self._end(self._streams.lines.write(self._line(error)), got=True)
                raise
        if part is not None:
            return self._took(part)
        self._end(self._streams.lines.write(self._line()), got=True)
        return None

    async def apart(self) -> bytes | None:
        """Do the same without blocking the loop."""
        if self._over:
            return None
        part: bytes | None = await (self._awaited() if self._fly is None else self._fly(self._awaited()))
        return part

    async def _awaited(self) -> bytes | None:
        from asyncio import CancelledError  # noqa: PLC0415 - whoever awaits has it loaded

        with self._streams.doing(self._name):
            try:
                return await self._aread()
            except CancelledError:  # the node gave it up here; so will a replay, behind the same parts
                if not self._over:
                    self._end(self._streams.lines.write(self._line(closed='"waiting"')))
                raise

    async def _aread(self) -> bytes | None:
        with self._streams.inside(self._name):
            try:
                part = await anext(self._source, None)
            except Exception as error:
                self._end(await self._streams.lines.awrite(self._line(error)), got=True)
                raise
        if part is not None:
            return self._took(part)
        self._end(await self._streams.lines.awrite(self._line()), got=True)
        return None

    def _took(self, part: bytes) -> bytes:
        self._parts.append(part)
        self._streams.took(self)
        return part

    def _end(self, record: CallRecord, *, got: bool = False) -> None:
        """Take the line; ``got``: its end is something that the node gets, unlike where it reads no further."""
        self._over, self.seq = True, record.seq
        self._streams.ended(self, got=got)

    # -- reading no further

    def close(self) -> None:
        """Keep what was read. Where the attempt waits or was refused a call, the rest too: its next one reads on."""
        try:
            if self._streams.aside and self._sync:
                with suppress(Exception):  # a connection that fails now is on record, and nobody reads on
                    while self.part() is not None:
                        pass
            if not self._over:
                self._end(self._streams.lines.write(self._line(closed="true")))
        finally:
            if self._sync:
                with suppress(Exception):  # the record is whole; whoever reads no further has no use for it
                    self._answer.close()

    async def aclose(self) -> None:
        """Do the same without blocking the loop. Whoever comes second waits until it is done."""
        from asyncio import get_running_loop, shield  # noqa: PLC0415 - as above

        if self._closing is not None:
            await shield(self._closing)
            return
        self._closing = get_running_loop().create_future()
        try:
            await self._aclose()
        finally:
            if not self._closing.done():
                self._closing.set_result(None)

    async def _aclose(self) -> None:
        try:
            if self._streams.aside:
                with suppress(Exception):  # as above
                    while not self._over and await self._aread() is not None:
                        pass
            if not self._over:
                self._over = True  # whoever comes here meanwhile has nothing to do
                self._end(await self._streams.lines.awrite(self._line(closed="true")))
        finally:
            with suppress(Exception):  # as above
                await self._answer.close()

    # -- its line

    def _line(self, error: Exception | None = None, closed: str = "") -> Line:
        """Return the line of what came: "raised" where the connection failed, or the answer tells of a failure."""
        streams, form = self._streams, self._call.form
        assert form is not None  # noqa: S101 - only calls that have one are opened
        blobs: dict[str, bytes] = {}
        response = keep(form.stored(self.head, self._parts), redact=streams.redact, blobs=blobs, records=True)[0]
        problem = form.problem(self.head)
        said = "" if error is None and not problem else f'"error":{self._failure(form, error, problem, blobs)},'
        used = streams.counted(self._name, Told(_usage(form, self.head, self._parts)), failed=bool(problem))
        tail = f',"closed":{closed}}}' if closed else "}"
        data = f'{{{said}"response":{response},"seconds":{streams.since(self._began)!r}{used}{tail}'
        return streams.lines.line(self._name, "raised" if said else "returned", self._call.request.digest, data, blobs)

    def _failure(self, form: Form, error: Exception | None, problem: str, blobs: dict[str, bytes]) -> str:
        if error is None:
            return _said(problem)
        failure = failed(error, self._streams.redact)
        blobs.update(failure.blobs)
        return form.hidden(failure.text)


def _usage(form: Form, head: Any, parts: list[bytes]) -> Any:
    try:
        return form.usage(head, parts)
    except Exception:  # noqa: BLE001 - the answer is paid: a reader that fails must not lose it
        return None


class Keeper(Protocol):
    """Whose record an answer is read from."""

    def blob(self, digest: str) -> bytes:
        """Return a large value."""
        ...

    def gave(self, seq: int) -> None:
        """Note that the node got the head or a part."""
        ...

    async def due(self, seq: int) -> None:
        """Wait until it is the turn of the head, a part or the end."""
        ...

    def done(self, seq: int, *, got: bool) -> None:
        """Note that the node got the end, or reads no further."""
        ...

    def beyond(self, seq: int, call: Call) -> Exception:
        """Return the error for a node that reads on where it stopped reading then."""
        ...

    async def abeyond(self, seq: int, call: Call) -> None:
        """Wait as the node did then, until it gives up; or raise that error."""
        ...


class Recalled:
    """An answer out of the record. The same parts, and then the same end."""

    def __init__(self, keeper: Keeper, call: Call, record: CallRecord) -> None:
        facts, form = loads(record.data), call.form
        self._keeper, self._call, self.seq = keeper, call, record.seq
        self._closed = bool(facts.get("closed"))
        error = facts.get("error")
        self._error = dumps(error) if error and not error.get("answer") else ""
        self.head: Any = None
        self._rest: list[bytes] = []
        self._whole = "response" in facts
        if self._whole and form is not None:
            self.head, self._rest = form.read(decode(dumps(facts["response"]), types=NO_TYPES, blob=keeper.blob))
        self._rest.reverse()
        self._over = False

    def begins(self) -> Recalled:
        """Give the head; raises what the call raised before there was one."""
        if not self._whole:
            self._done(got=True)
            raise error_of(self._error, self._keeper.blob)
        self._keeper.gave(self.seq)
        return self

    async def abegins(self) -> Recalled:
        """Do the same in its turn."""
        await self._keeper.due(self.seq)
        return self.begins()

    def part(self) -> bytes | None:
        """Return the next part, None at the end."""
        if self._over:
            return None
        if not self._rest and self._closed:
            raise self._keeper.beyond(self.seq, self._call)
        return self._given()

    async def apart(self) -> bytes | None:
        """Do the same in its turn."""
        if self._over:
            return None
        if not self._rest and self._closed:
            await self._keeper.abeyond(self.seq, self._call)
        await self._keeper.due(self.seq)
        return self._given()

    def _given(self) -> bytes | None:
        if self._rest:
            self._keeper.gave(self.seq)
            return self._rest.pop()
        self._done(got=True)
        if self._error:
            raise error_of(self._error, self._keeper.blob)
        return None

    def _done(self, *, got: bool = False) -> None:
        self._over = True
        self._keeper.done(self.seq, got=got)

    def close(self) -> None:
        """Read no further."""
        if not self._over:
            self._done()

    async def aclose(self) -> None:
        """Read no further."""
        self.close()


def _said(problem: str) -> str:
    """Return the failure that an answer tells of, as it is kept beside the answer: nothing was raised."""
    kind, _, text = problem.partition(" ")
    return dumps({"answer": True, "text": text, "traceback": "", "type": kind}, separators=(",", ":"))


def read_on(call: Call) -> CallError:
    """Return the error for a node that reads on where its earlier attempt stopped reading."""
    return CallError(
        f"the node reads further in the answer to {call.request.label} than it did when that was recorded",
        still="nothing was called; what it read then is kept",
        todo="resume the run, or retry the node: after this failure the call is made again",
        call=call.request.label,
    )
