"""What pressing stop leaves behind: a run that is paused, or none, and words that say how to go on.

Owns the words, and acts that an interrupt must not cut in two. Python hears an interrupt at almost any line, so
whatever a front door (``Engine.run``, ``Run.wait``, ...) does is inside one ``try``, which ends here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from nbgraph.engine.verdict import interrupted
from nbgraph.errors import NbgraphError, RunNotFound

if TYPE_CHECKING:
    from nbgraph.engine.session import Session
    from nbgraph.store.protocol import Store

T = TypeVar("T")


def stopped(pressed: KeyboardInterrupt, store: Store, session: Session | None, run_id: str = "") -> KeyboardInterrupt:
    """Pause what ``session`` drives, let go of it, and return what the person reads.

    Where there is no session yet: what ``pressed`` says already, or how the run ``run_id`` stands, if one is named.
    """
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
    given: Future[T] = Future()
    try:
        threading.Thread(target=_give, args=(act, given), name="nbgraph-whole", daemon=True).start()
        return given.result()
    except KeyboardInterrupt:
        given.add_done_callback(lambda done: None if done.exception() else undo(done.result()))
        raise


def _give(act: Callable[[], T], given: Future[T]) -> None:
    try:
        given.set_result(act())
    except BaseException as error:  # noqa: BLE001 - whoever waits raises it
        given.set_exception(error)
