"""What a listener is, and what it gets of a run: the shapes between an engine and those who watch it.

Owns the promises and the two shapes; ``posting`` keeps them. Knows nothing of what listeners do. A listener is either

- a function ``f(event: Event)``, called with each event of each run, steps among them, in the order of ``run.events``;
- or an object that is no function but has ``begin(run: Followed)``, which returns what takes the news of that drive: a
  ``Sink``, or None.

A listener is called on one thread of its own, never by two at a time from one engine, after the commit of what it is
told, and with each row once, in order. It is told of the drives that it was given to: of a run that is resumed or
forked, what comes from then on. One that is far behind costs no memory: what it missed is read from the store. One
that raises is a line in the log, once for each kind of error, and gets what comes next. No run waits for any of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from nbgraph.engine.feed import Place, happened
from nbgraph.engine.following import Follower, News

if TYPE_CHECKING:
    from nbgraph.clock import Clock
    from nbgraph.engine.glance import Glance
    from nbgraph.engine.session import Session
    from nbgraph.events import Event
    from nbgraph.store.protocol import Store

EVERY = 0.01
"""Seconds between two looks of a listener that says nothing else: many small steps come together."""


class Sink(Protocol):
    """What an observer makes for one drive of a run. Both are called on the observer's thread."""

    def take(self, news: News) -> None:
        """Take what is new. ``news.calls`` may be ahead of ``news.steps``, never behind."""

    def end(self) -> None:
        """Know that the drive is over and that everything of it was taken; or that the engine was closed."""


@runtime_checkable
class Observer(Protocol):
    """A listener that wants whole rows. ``every``, where it has one: seconds between two looks; else 0.01."""

    def begin(self, run: Followed) -> Sink | None:
        """Return what takes the news of a drive that begins, None where nothing shall. On the observer's thread.

        An observer may also have ``surround(run)``: called before, on the thread that makes the drive; it returns a
        function (task id, context variables) that is called before each attempt starts, quick and without errors, or None.
        """


class Followed:
    """One drive of a run, as an observer gets it.

    ``start`` is where it begins: (0, 0, 0) for a ``new`` run; what a resumed or forked one has before is not told.
    ``began`` is when, in seconds since the Unix epoch; ``graph`` the graph's name.
    """

    def __init__(self, store: Store, session: Session, graph: str, clock: Clock, start: Place, *, new: bool) -> None:
        self.store, self.run_id, self.graph, self.clock, self.start = store, session.run_id, graph, clock, start
        self.new, self.began = new, clock.now()
        self._session = session
        self.news = self.follower()
        """Where the observer's thread is; nobody else takes from it."""

    @property
    def over(self) -> bool:
        """True once nothing of the drive runs any more, and all that it committed was handed over."""
        return not self._session.alive

    def glance(self) -> Glance:
        """Return what runs and what waits for a worker now; callable from any thread."""
        return self._session.glance()

    def follower(self) -> Follower:
        """Return a place of one's own at the beginning of the drive, for one thread; ``close`` it."""
        return Follower.at(self.store, self._session, self.start)

    def watch(self, changed: Callable[[], None], *, end: bool = False) -> None:
        """Have ``changed`` called when the drive is over, and, unless ``end``, after every commit."""
        if not end:
            self._session.feed.watch(changed)
        self._session.watch(changed)


class Told:
    """The sink of a function: calls it with each event."""

    def __init__(
        self, listener: Callable[[Event], Any], run: Followed, failed: Callable[[BaseException], None]
    ) -> None:
        self._listener, self._run_id, self._failed = listener, run.run_id, failed

    def take(self, news: News) -> None:
        """Tell what happened, whatever comes of it."""
        for event in happened(news.steps, news.events, self._run_id):
            try:
                self._listener(event)
            except BaseException as error:  # noqa: BLE001 - a listener is the user's, and may raise anything, sys.exit too
                self._failed(error)

    def end(self) -> None:
        """Hold nothing."""
