"""What all widgets share: only Python writes them, the page answers through the channel, and they close cleanly.

Owns the life of a widget beside its run's scene, and the static picture that it carries for places without a
kernel. Knows nothing of what a widget shows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import anywidget
import traitlets
from ipywidgets import widget_serialization

from nbgraph.views.subject import Follower, News, Subject
from nbgraph.views.widgets.channel import Channel
from nbgraph.views.widgets.scene import Scene

_LOG = logging.getLogger("nbgraph")


class Cursor:
    """The step that a person looks at, shared by the views that move together. None: the latest, as it comes."""

    def __init__(self) -> None:
        self.step: int | None = None
        self.version = 0

    def move(self, step: int | None) -> None:
        """Look at another step; the views notice at their next tick."""
        if step != self.step:
            self.step = step
            self.version += 1


def with_picture(shown: Any, picture: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a notebook displays of a widget: the live view, and a picture for where no kernel is."""
    data, metadata = shown if isinstance(shown, tuple) else (shown or {}, {})  # data alone where there is no view
    return {**data, **picture}, metadata


class View(anywidget.AnyWidget):
    """A widget that its scene keeps up to date. Its traits and messages are written on the scene's thread only.

    A subclass overrides ``tick`` (look for news), ``heard`` (a message of the page) and ``picture`` (the static
    fallback). It rests while it is known that no page shows it: a cell that is run again leaves its widgets behind.
    """

    closed = True
    """True before it is open and after it was closed."""
    view_id = traitlets.Unicode().tag(sync=True)
    channel = traitlets.Instance(Channel).tag(sync=True, **widget_serialization)

    def __init__(self, scene: Scene, *, channel: Channel | None = None, **traits: Any) -> None:
        self.scene, self._owns_channel = scene, channel is None
        self._pages, self._turn = 0, threading.Lock()
        super().__init__(view_id=uuid4().hex, channel=channel or Channel(), **traits)
        self.channel.listen(self.view_id, self)
        self.closed = False
        scene.attach(self)

    # -- on the scene's thread

    def tick(self) -> None:
        """Look whether there is something new, and show it."""

    def heard(self, message: Mapping[str, Any]) -> None:
        """Do what the page asked; what takes long goes to ``self.scene.hands.do``."""

    # -- on any thread

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take a message from the channel: it is only put in line."""
        kind = message.get("kind")
        if kind in ("shown", "hidden"):
            self._counted(1 if kind == "shown" else -1)
        else:
            self.scene.post(lambda: None if self.closed else self.heard(message))

    def _counted(self, more: int) -> None:
        """Rest when the last page that showed this view is gone, and begin again with the next one."""
        with self._turn:
            before, self._pages = self._pages, max(0, self._pages + more)
            if self.closed or (before > 0) == (self._pages > 0):
                return
            # Twice attached would be ticked twice: the first page finds the view attached already.
            self.scene.detach(self)
            if self._pages:
                self._begun_again()
            else:
                self.scene.between(self.rested)

    def _begun_again(self) -> None:
        self.scene.attach(self)
        if self.closed:  # meanwhile, on another thread
            self.scene.detach(self)

    def rested(self) -> None:
        """Hold nothing while no page shows this view; nothing else of the scene's happens meanwhile."""

    def picture(self) -> Mapping[str, str]:
        """Return what is shown where no kernel is: ``text/html`` with an ``<img>``, and ``text/plain``."""
        return {}

    def close(self) -> None:
        """Free the comms and the thread's interest; nothing is written any more when this returns."""
        if self.closed:
            return
        self.closed = True
        self.scene.detach(self)
        layout, channel = self.layout, self.channel
        super().close()
        layout.close()
        if self._owns_channel:
            channel.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**kwargs), self._pictured())

    def _pictured(self) -> Mapping[str, str]:
        try:
            return self.picture()
        except Exception:  # noqa: BLE001 - a display never raises, whatever a picture stumbles over
            _LOG.warning("no picture of a view could be made", exc_info=True)
            return {}


class RunView(View):
    """A widget that follows one run, live or past, and a cursor.

    A subclass overrides ``take`` and ``moved``, and ``begin`` for what the page is told from the first moment on.
    """

    def __init__(
        self, subject: Subject, *, cursor: Cursor | None = None, channel: Channel | None = None, **traits: Any
    ) -> None:
        self.subject, self.cursor = subject, cursor or Cursor()
        self._seen = self.cursor.version
        self._follower: Follower = subject.follow()
        super().__init__(Scene.of(subject.store, str(subject.id)), channel=channel, **self.begin(), **traits)

    def begin(self) -> Mapping[str, Any]:
        """Return the traits to begin with; ``subject`` and ``cursor`` are there, nothing has been taken yet."""
        return {}

    def tick(self) -> None:
        """Take what is new and follow the cursor."""
        if self.closed:
            return
        news = self._follower.take()
        if news is not None:
            self.take(news)
        if self._seen != self.cursor.version:
            self._seen = self.cursor.version
            self.moved(self.cursor.step)

    def take(self, news: News) -> None:
        """Show what is new."""

    def moved(self, step: int | None) -> None:
        """Show the run as it was after ``step``; None: as it is."""

    def rested(self) -> None:
        """Have the run keep nothing; what was missed is read when a page shows this view again."""
        self._follower.rest()

    def close(self) -> None:
        """Stop following too."""
        if not self.closed:
            super().close()
            self._follower.close()
