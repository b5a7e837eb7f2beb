"""What pressing stop leaves behind: a run that is paused, or none, and words that say how to go on.

Owns the words, and acts that an interrupt must not cut in two. Python hears an interrupt at almost any line, so
whatever a front door (``Engine.run``, ``Run.wait``, ...) does is inside one ``try``, which ends here.
"""

from __future__ import annotations

import threading
from _thread import start_new_thread
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from nbgraph.engine.latch import Latch
from nbgraph.engine.verdict import freed, interrupted
from nbgraph.errors import NbgraphError, RunNotFound

if TYPE_CHECKING:
    from nbgraph.engine.session import Session
    from nbgraph.store.protocol import Store

T = TypeVar("T")

_SLICE, _PATIENCE = 0.2, 0.1
"""Seconds to sleep at most (a signal that comes just before a sleep is heard after it), and to wait for an undoing."""


def stopped(pressed: KeyboardInterrupt, store: Store, session: Session | None, run_id: str = "") -> KeyboardInterrupt:
    """Pause what ``session`` drives, let go of it, and return what the person reads.

    Where there is no session yet: what ``pressed`` says already, or how the run ``run_id`` stands, if one is named.
    """
    freed(pressed)
    if session is not None:
        session.stop()
        run_id = session.run_id
    return KeyboardInterrupt(told) if (told := _told(store, run_id)) else pressed


def _told(store: Store, run_id: str) -> str:
    try:
        completed = bool(run_id) and store.run(run_id).status.status == "completed"
    except RunNotFound:
        return ""
    except NbgraphError:
        completed = False  # nobody can say, and a resume would
    if completed:
        return f"run {run_id!r} has completed all the same: engine.open({run_id!r}).state"
    return interrupted(run_id) if run_id else ""


def unbegun(run_id: str) -> KeyboardInterrupt:
    """Return what a person reads who pressed stop while a run was being made."""
    return KeyboardInterrupt(f"run {run_id!r} had not begun, and nothing of it is kept: start it again")


def whole(act: Callable[[], T], undo: Callable[[T], None]) -> T:
    """Return what ``act`` gives. An interrupt meanwhile does not cut it in two: it is undone as soon as it is done.

    Signals are heard on the main thread only, so there ``act`` is done on another one.
    """
    if threading.current_thread() is not threading.main_thread():
        return act()
    job = _Job(act, undo)
    try:
        start_new_thread(job.do, ())  # ``threading.Thread`` waits for it to begin, and cannot bear an interrupt there
        while not job.done.wait(_SLICE):
            pass
        return job.result()
    except KeyboardInterrupt:
        job.drop()
        raise


class _Job(Generic[T]):
    """Something that is done on a thread beside, and undone if nobody wants it any more; who does so is decided once."""

    def __init__(self, act: Callable[[], T], undo: Callable[[T], None]) -> None:
        self._act, self._undo, self.done = act, undo, Latch()
        self._given: list[T] = []
        self._error: BaseException | None = None
        self._fate: dict[str, bool] = {}

    def do(self) -> None:
        try:
            self._given.append(self._act())
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            self._error = error
        if self._fate.setdefault("dropped", False):
            self._undone()
        self.done.set()

    def drop(self) -> None:
        """Undo it: now, or as soon as it is done."""
        if not self._fate.setdefault("dropped", True):
            self._undone()
        self.done.wait(_PATIENCE)  # so that the run is free again when the person reads that it is

    def _undone(self) -> None:
        for given in self._given:
            self._undo(given)

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._given[0]
