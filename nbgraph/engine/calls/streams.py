"""The answers in parts that one attempt has open: beginning them, telling whose part came when, closing what is left.

Owns these answers for the live desk, which makes it with the first of them. How one of them is read is ``opened``'s.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from nbgraph.engine.calls.opened import Live, Recalled, read_on
from nbgraph.engine.calls.turns import Turns

if TYPE_CHECKING:
    from nbgraph.codec import Redaction
    from nbgraph.engine.calls.call import Call
    from nbgraph.engine.calls.desk import Desk
    from nbgraph.engine.calls.lines import Lines
    from nbgraph.engine.calls.opened import Fly
    from nbgraph.engine.calls.tally import Told
    from nbgraph.store.protocol import CallRecord


class Streams:
    """The answers in parts of one attempt."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turns = Turns(desk.used)
        self._open: list[Live | Recalled] = []
        self._served = False

    # -- beginning

    def live(self, name: str, call: Call, answer: Any, began: float, fly: Fly | None = None) -> Live:
        """Return the answer that begins to come in."""
        opened = Live(self, name, call, answer, began, fly)
        self._open.append(opened)
        self._turns.add(opened)
        return opened

    def recalled(self, record: CallRecord, call: Call) -> Recalled:
        """Return the answer that a line holds; raises what its call raised before an answer began."""
        self._served = True
        opened = Recalled(self, call, record)
        self._open.append(opened)
        return opened.begins()

    # -- what the answers ask

    @property
    def lines(self) -> Lines:
        """Where lines are written."""
        return self._desk.lines

    @property
    def redact(self) -> Redaction:
        """What is hidden."""
        return self._desk.redact

    @property
    def aside(self) -> bool:
        """True where the attempt waits for a person, or was refused a call: its next one will want to read on."""
        return bool(self._desk.waiting) or self._desk.refused is not None

    def since(self, began: float) -> float:
        """Return the seconds since then."""
        return self._desk.since(began)

    def counted(self, name: str, told: Told, *, failed: bool) -> str:
        """Count what an answer used; return the entries of its line."""
        return self._desk.tally.end(name, told, self._desk.redact, failed=failed)

    def inside(self, name: str) -> AbstractContextManager[None]:
        """Be inside a call: further ones are its own."""
        return self._desk.names.inside(name)

    def doing(self, name: str) -> AbstractContextManager[None]:
        """Be under way with a call."""
        return self._desk.beside.doing(name)

    def took(self, live: Live) -> None:
        """Note that the node got a part."""
        self._turns.add(live)

    def ended(self, live: Live, *, got: bool) -> None:
        """Note that an answer's line is written; ``got``: the node got its end, and did not just stop reading."""
        self._desk.used.append(live.seq)
        if got:
            self._turns.add(live)
        if live in self._open:
            self._open.remove(live)

    # -- what the recorded ones ask

    def blob(self, digest: str) -> bytes:
        """Return a large value."""
        return self._desk.blob(digest)

    def gave(self, seq: int) -> None:
        """Note that the node got the head or a part."""
        self._turns.add(seq)

    async def due(self, seq: int) -> None:
        """Return at once: what is on record is there."""

    def done(self, seq: int, *, got: bool) -> None:
        """Note that the node got the end, or reads no further."""
        self._desk.used.append(seq)
        if got:
            self._turns.add(seq)

    def beyond(self, seq: int, call: Call) -> Exception:  # noqa: ARG002 - the call says it all
        """Return the error for a node that reads on where it stopped reading then."""
        return read_on(call)

    async def abeyond(self, seq: int, call: Call) -> None:  # noqa: ARG002 - as above
        """Raise that error."""
        raise read_on(call)

    # -- the log of turns

    def used(self, seq: int) -> None:
        """Note that a whole answer was given."""
        self._turns.add(seq)

    def turns(self) -> list[int]:
        """Return who gave the node something, by lines; nothing where that follows from the lines alone."""
        used = self._desk.used
        return self._turns.told(used, whole=self._served and len(used) > 1)

    # -- the end of the attempt

    def finish(self) -> None:
        """Close what the node left open."""
        while self._open:
            self._open.pop().close()

    async def afinish(self) -> None:
        """Do the same without blocking the loop."""
        while self._open:
            await self._open.pop().aclose()
