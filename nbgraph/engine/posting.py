"""Bringing listeners what was committed: a thread for each listener of an engine, which no run waits for.

Owns these threads, the waiting for them (``flush``), and what becomes of a listener that is slow or raises. What a
listener is and what it is promised: see ``observing``.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from nbgraph.engine.feed import NOWHERE, Place
from nbgraph.engine.observing import EVERY, Followed, Sink, Told
from nbgraph.errors import StoreError

if TYPE_CHECKING:
    from nbgraph.clock import Clock
    from nbgraph.engine.session import Session
    from nbgraph.store.protocol import Store

_LOG = logging.getLogger("nbgraph")
_RUN, _TASK = logging.getLogger("nbgraph.run"), logging.getLogger("nbgraph.task")

GRACE = 0.1
"""Seconds that a blocking verb waits for listeners when its run stands still: quick ones have seen everything then."""
_AT_EXIT = 2.0
"""Seconds that the interpreter waits for listeners at its end."""
_KEPT = 64
"""Listeners that an engine remembers while they have nothing to do."""


class Post:
    """What one listener of one engine gets, and the thread that brings it. The thread lives while a drive does."""

    def __init__(self, listener: Any) -> None:
        self.listener = listener
        self._every = EVERY if callable(listener) else float(getattr(listener, "every", EVERY))
        self._open: dict[Followed, Sink | None] = {}
        self._new: list[Followed] = []
        self._failures: set[str] = set()
        self._turn = threading.Lock()
        """Held by whoever calls the listener."""
        self._state = threading.Condition()
        """Guards ``_new``, ``_thread`` and the two numbers."""
        self._thread: threading.Thread | None = None
        self._asked = self._answered = 0
        self._wake, self._hurry = threading.Event(), threading.Event()
        self._closed = False

    @property
    def idle(self) -> bool:
        """True while no drive is followed."""
        return self._thread is None

    def attach(self, run: Followed) -> None:
        """Follow a drive that is about to begin."""
        with self._state:
            self._new.append(run)
            if self._thread is None:
                name = getattr(self.listener, "__name__", type(self.listener).__name__)
                self._thread = threading.Thread(target=self._bring, name=f"nbgraph-listener-{name}", daemon=True)
                self._thread.start()
        run.watch(self._wake.set, end=self._every > EVERY)

    def flush(self, timeout: float) -> bool:
        """Wait until the listener was told all that is committed now; say whether it was, within ``timeout`` seconds."""
        with self._state:
            if self._thread is threading.current_thread():
                return False  # the listener itself asks: it cannot wait for its own return
            self._asked += 1
            mine = self._asked
            self._hurry.set()
            self._wake.set()
            return self._state.wait_for(lambda: self._answered >= mine or self._thread is None, timeout)

    def catch_up(self, timeout: float) -> None:
        """Tell the listener on this thread what is committed now; give up where it is busy for so long."""
        if self._turn.acquire(timeout=timeout):
            try:
                self._round()
            finally:
                self._turn.release()

    def close(self) -> None:
        """Follow nothing any more."""
        self._closed = True
        self._hurry.set()
        self._wake.set()

    # -- the thread

    def _bring(self) -> None:
        prompt = self._every <= EVERY
        while True:
            self._wake.wait(None if prompt else self._every)
            self._wake.clear()
            asked = self._asked
            with self._turn:
                self._round()
            with self._state:
                self._answered = asked
                if not (self._open or self._new):
                    self._thread = None
                self._state.notify_all()
                if self._thread is None:
                    return
            if prompt and self._hurry.wait(self._every):
                self._hurry.clear()

    def _round(self) -> None:
        """Give the listener what is new of every drive. The caller has the turn."""
        with self._state:
            new, self._new = self._new, []
        for run in new:
            self._open[run] = self._guarded(lambda run=run: self._begun(run))
        for run, sink in list(self._open.items()):
            self._advance(run, sink)

    def _begun(self, run: Followed) -> Sink | None:
        if callable(self.listener):
            return Told(self.listener, run, self._failed)
        sink: Sink | None = self.listener.begin(run)
        return sink

    def _advance(self, run: Followed, sink: Sink | None) -> None:
        over = self._closed or run.over  # before the look: what is handed over by then is seen
        try:
            news = run.news.take() if sink is not None else None
        except StoreError:  # the store was closed, or the run is gone: there is nothing more to tell
            _LOG.debug("run %r cannot be followed any more", run.run_id, exc_info=True)
            news, over = None, True
        except Exception as error:  # noqa: BLE001 - the thread goes on for the other runs, whatever this one's file is like
            self._failed(error)
            news, over = None, True
        if sink is not None and news is not None:
            self._guarded(lambda: sink.take(news))
        if over or sink is None:
            run.news.close()
            del self._open[run]
            if sink is not None:
                self._guarded(sink.end)

    def _guarded(self, told: Any) -> Any:
        """Call the listener; what it raises is a line in the log."""
        try:
            return told()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                raise  # somebody pressed stop while a table of metrics caught up
            self._failed(error)
            return None

    def _failed(self, error: BaseException) -> None:
        kind = type(error).__name__
        if kind not in self._failures:
            self._failures.add(kind)
            _LOG.warning("listener %r raised %s; the runs go on, and it gets what comes next; further ones like it are "
                         "not logged", self.listener, kind, exc_info=error)  # fmt: skip


_POSTS: WeakSet[Post] = WeakSet()
_GUARD = threading.Lock()
_registered = False


def logged() -> bool:
    """Say whether somebody reads what the runs would log: the level is INFO or lower, and there is a handler."""
    if not (_RUN.isEnabledFor(logging.INFO) or _TASK.isEnabledFor(logging.INFO)):
        return False  # the usual case, and the quick one
    return any(logger.isEnabledFor(logging.INFO) and _handled(logger) for logger in (_RUN, _TASK))


def _handled(logger: logging.Logger | None) -> bool:
    while logger is not None:
        if any(type(handler) is not logging.NullHandler for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


class Posts:
    """The posts of one engine's listeners."""

    def __init__(self) -> None:
        self._posts: dict[int, Post] = {}

    def __bool__(self) -> bool:
        return len(self._posts) > 0

    def attach(
        self, listeners: Sequence[Any], store: Store, session: Session, graph: str, clock: Clock,
        start: Place | None = None,
    ) -> None:  # fmt: skip
        """Have ``listeners`` follow a drive before it begins, from ``start``; None: of a new run."""
        for listener in listeners:
            run = Followed(store, session, graph, clock, start or NOWHERE, new=start is None)
            if hasattr(listener, "surround"):
                _surround(listener, run, session)
            self._post(listener).attach(run)

    def _post(self, listener: Any) -> Post:
        with _GUARD:
            if len(self._posts) > _KEPT:
                self._posts = {key: post for key, post in self._posts.items() if not post.idle}
            post = self._posts.get(id(listener))
            if post is None:
                post = self._posts[id(listener)] = Post(listener)
                _POSTS.add(post)
                _flush_at_exit()
            return post

    def flush(self, timeout: float) -> bool:
        """Wait until all listeners were told what is committed now; say whether they were."""
        return flush(list(self._posts.values()), timeout)

    def close(self) -> None:
        """Tell the listeners that nothing more comes."""
        for post in self._posts.values():
            post.close()
        self.flush(GRACE)


def flush(posts: Sequence[Post], timeout: float) -> bool:
    """Wait until the listeners of ``posts`` were told what is committed now, ``timeout`` seconds for all together."""
    end = monotonic() + timeout
    told = [post.flush(max(0.0, end - monotonic())) for post in posts if not post.idle]
    return all(told)


def catch_up(listener: Any, timeout: float = 5.0) -> None:
    """Tell a listener, on this thread, what is committed now by all engines that have it."""
    with _GUARD:
        posts = [post for post in _POSTS if post.listener is listener]
    for post in posts:
        post.catch_up(timeout)


def _flush_at_exit() -> None:
    global _registered  # noqa: PLW0603 - once in a process
    if not _registered:
        _registered = True
        atexit.register(lambda: flush(list(_POSTS), _AT_EXIT))


def _surround(listener: Any, run: Followed, session: Session) -> None:
    """Let a listener set the context variables of a drive's attempts; without that they run as they would."""
    try:
        enter = listener.surround(run)
        if enter is not None:
            session.surround(enter)
    except Exception:  # noqa: BLE001 - a listener is the user's, and may raise anything
        _LOG.warning("listener %r cannot surround run %s; it runs without", listener, run.run_id, exc_info=True)


def place_of(store: Store, run_id: str) -> Place:
    """Return the place behind all that a run has so far."""
    events, calls = store.events(run_id), store.calls(run_id)
    return Place(store.run(run_id).steps, events[-1].seq if events else 0, calls[-1].seq if calls else 0)
