"""A wire in place of a kernel's comms: it keeps what widgets send.

Owns the messages and who is connected. Knows nothing of what they mean.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import comm
from comm.base_comm import BaseComm


class Told(NamedTuple):
    """One message of a widget: which comm, what kind ("comm_open", "comm_msg", "comm_close"), what, and buffers."""

    comm: str
    kind: str
    data: dict[str, Any]
    buffers: list[bytes]


class Wire:
    """All that was sent since it was laid, oldest first. ``open`` are the comms that are not closed."""

    def __init__(self) -> None:
        self.messages: list[Told] = []
        self.open: set[str] = set()
        self._lock = threading.Lock()

    def comm(self, **given: Any) -> BaseComm:
        """Make a comm that sends along this wire; in place of ``comm.create_comm``."""
        return _Comm(self, **given)

    def take(self, told: Told) -> None:
        """Keep a message."""
        with self._lock:
            self.messages.append(told)
            if told.kind == "comm_open":
                self.open.add(told.comm)
            elif told.kind == "comm_close":
                self.open.discard(told.comm)

    def sent(self, widget: Any) -> list[Told]:
        """Return what one widget sent after it was opened."""
        return [told for told in self.messages if told.comm == widget.model_id and told.kind == "comm_msg"]


class _Comm(BaseComm):
    def __init__(self, wire: Wire, **given: Any) -> None:
        self._wire = wire
        super().__init__(**given)

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **_: Any) -> None:
        held = [bytes(buffer) for buffer in buffers or ()]
        self._wire.take(Told(self.comm_id, msg_type, dict(data or {}), held))


def laid(monkeypatch: Any) -> Wire:
    """Lay a wire for the time of a test."""
    wire = Wire()
    monkeypatch.setattr(comm, "create_comm", wire.comm)
    return wire
