"""The threads behind the views of one thing, mostly a run: one that reads and publishes, one that does what a person asked.

Owns when a view is brought up to date: about twelve times a second at most, whatever the run does, last value
wins. Views are only ever touched on the scene's thread; nothing here knows what they show.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol
from weakref import WeakKeyDictionary, WeakValueDictionary

from nbgraph.errors import NbgraphError

TICK = 1 / 12
"""Seconds between two updates: 10 to 15 a second look live, and stay far below the server's limit of messages."""
_SHARE, _SLOWEST = 20, 1.0
"""A round of updates is followed by a pause of so many times its length, at most so many seconds: a fast run, or one of
a large graph, is looked at less often rather than at its own expense. All views of a run take a twentieth of a core."""
_IDLE = 5.0
"""Seconds after which a thread that has nothing to do ends."""
_LOG = logging.getLogger("nbgraph")
_FAILED = "a view could not be brought up to date"
_SCENES: WeakValueDictionary[tuple[int, str], Scene] = WeakValueDictionary()
_MAKING = threading.Lock()


class Shown(Protocol):
    """What a scene brings up to date."""

    def tick(self) -> None:
        """Look whether there is something new, and publish it; called on the scene's thread only."""
        ...


class Hands:
    """Does jobs that may take long (a step, a resume), one after the other, away from the thread that publishes."""

    def __init__(self, name: str) -> None:
        self._name, self._jobs, self._lock = name, SimpleQueue[Callable[[], None]](), threading.Lock()
        self._alive = False

    def do(self, job: Callable[[], None]) -> None:
        """Do ``job`` soon; callable from any thread."""
        self._jobs.put(job)
        with self._lock:
            if not self._alive:
                self._alive = True
                threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=_IDLE)
            except Empty:
                with self._lock:
                    if self._jobs.empty():
                        self._alive = False
                        return
                continue
            _quietly(job)


class Scene:
    """Brings the views of one thing up to date: of a run, of a store's list of runs, of a graph."""

    def __init__(self, owner: object, name: str) -> None:
        self.owner, self.name = owner, name
        self.hands = Hands(f"nbgraph-hands-{name}")
        self._views: list[Shown] = []
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake, self._lock = threading.Event(), threading.Lock()
        self._turn = threading.RLock()  # a view may close itself, or another one, in its turn
        self._alive = False
        self._wrong: WeakKeyDictionary[Shown, str] = WeakKeyDictionary()
        """What was wrong with a view last. Kept when a tick goes well: most ticks do not look into the store."""

    @classmethod
    def of(cls, owner: object, name: str) -> Scene:
        """Return the scene of what ``name`` is in ``owner`` (a run in its store): the same one for all its views."""
        key = (id(owner), name)  # the scene keeps its owner alive, so the id stays its own
        with _MAKING:
            scene = _SCENES.get(key)
            if scene is None:
                scene = _SCENES[key] = cls(owner, name)
            return scene

    def attach(self, view: Shown) -> None:
        """Bring ``view`` up to date from now on; starts the thread if it does not run."""
        with self._lock:
            self._views.append(view)
            if not self._alive:
                self._alive = True
                threading.Thread(target=self._work, name=f"nbgraph-views-{self.name}", daemon=True).start()

    def detach(self, view: Shown) -> None:
        """Stop doing so; when this returns, the view is not being updated any more. The thread ends with the last one."""
        with self._turn, self._lock:
            self._views = [other for other in self._views if other is not view]
        self._wake.set()

    def post(self, job: Callable[[], None]) -> None:
        """Do ``job`` on the scene's thread, soon; callable from any thread."""
        self._jobs.put(job)
        self._wake.set()

    def between(self, job: Callable[[], None]) -> None:
        """Do ``job`` now, on this thread, while no view is being updated and no other job is done."""
        with self._turn:
            job()

    def _work(self) -> None:
        while self._goes_on():
            begun = time.monotonic()
            self._do_jobs()
            for view in list(self._views):
                self._update(view)
            self._pause(begun + max(TICK, min(_SLOWEST, _SHARE * (time.monotonic() - begun))))

    def _goes_on(self) -> bool:
        with self._lock:
            self._alive = bool(self._views)
            return self._alive

    def _update(self, view: Shown) -> None:
        with self._turn:
            if view not in self._views:
                return
            try:
                view.tick()
            except Exception as error:  # noqa: BLE001 - as in ``_quietly``
                self._complain(view, error)

    def _complain(self, view: Shown, error: Exception) -> None:
        """Log what is wrong, once for all views: a store that was closed stays so, and is looked at twice a second."""
        wrong = f"{type(error).__name__}: {error}"
        known = wrong in self._wrong.values()
        self._wrong[view] = wrong
        if not known:  # an error of ours says all there is to say
            _LOG.warning("%s: %s", _FAILED, wrong, exc_info=not isinstance(error, NbgraphError))

    def _pause(self, end: float) -> None:
        """Sleep until ``end``; a job that comes meanwhile is done at once, the views keep their rate."""
        while self._views and (left := end - time.monotonic()) > 0:
            if self._wake.wait(left):
                self._wake.clear()
                self._do_jobs()

    def _do_jobs(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            with self._turn:
                _quietly(job)


def _quietly(job: Callable[[], None]) -> None:
    """Do a job; what goes wrong is a line in the log: a view must not end the others."""
    try:
        job()
    except Exception:  # noqa: BLE001 - see above
        _LOG.warning(_FAILED, exc_info=True)
