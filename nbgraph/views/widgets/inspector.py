"""The inspector on the page: everything about the step at the cursor, opened as far as a person asks.

Owns when it is sent: the head and the open tab when the cursor moves, further pieces on request. What they hold is
decided in ``nbgraph.views.inspector``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from nbgraph.errors import NbgraphError
from nbgraph.escape import cut, plain, safe
from nbgraph.views.inspector.index import Index, Trouble
from nbgraph.views.inspector.page import TABS, Page
from nbgraph.views.inspector.parts import found_at
from nbgraph.views.inspector.search import hits
from nbgraph.views.inspector.values import opened
from nbgraph.views.subject import News, Subject
from nbgraph.views.widgets.base import RunView
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.pace import Pace

_EVERY = 0.25
"""Seconds between two pages at least, while a run goes on."""


class InspectorView(RunView):
    """What there is to know of one step: state, changes, calls, output, events, source."""

    _esm = module("inspector")
    _css = stylesheet("value", "inspector")
    run_id = traitlets.Unicode().tag(sync=True)
    tab = traitlets.Enum(TABS, default_value="state").tag(sync=True)

    def __init__(self, subject: Subject, **how: Any) -> None:
        self._index = Index()
        self._page: Page | None = None
        self._task: str | None = None
        self._stale, self._pace, self._asked = True, Pace(_EVERY), False
        super().__init__(subject, run_id=plain(subject.id), **how)

    # -- on the scene's thread

    def take(self, news: News) -> None:
        """Take what is new; the latest step follows it."""
        self._index.take(news)
        self._stale = self._stale or self.cursor.step is None

    def tick(self) -> None:
        """Show the step at the cursor, when it is time."""
        super().tick()
        if self._stale and self._asked and not self.closed and self._pace.due():
            self._publish()

    def moved(self, step: int | None) -> None:  # noqa: ARG002 - the cursor is looked at when it is time
        """Show another step, at once."""
        self._task, self._stale = None, True
        self._pace.hurry()

    def heard(self, message: Mapping[str, Any]) -> None:
        """Do what the page asks; what makes no sense is left."""
        kind, value = message.get("kind"), message.get("value")
        if kind == "hello":
            self._asked = True
            self._publish()
        elif kind == "tab" and value in TABS:
            self.tab = value
            self._publish()
        elif kind == "go" and (value is None or self._has(value)):
            self.cursor.move(value)
            super().tick()
            self._publish()
        elif kind == "task" and isinstance(value, str):
            self._task = value
            self._publish()
        elif kind == "open":
            self._open(message)
        elif kind == "search" and isinstance(message.get("text"), str):
            self._search(message)

    def _has(self, step: Any) -> bool:
        return type(step) is int and 0 <= step <= self._index.latest

    # -- what is sent

    def _publish(self) -> None:
        with self._pace.work():
            try:
                page = self._page = self._current()
                self.send({"kind": "step", **page.head(), **page.tab(self.tab), "following": self.cursor.step is None})
            except NbgraphError as error:
                self.send({"kind": "broken", "text": cut(error.message, 600), "todo": cut(error.todo or "", 300)})
            self._stale = False

    def _current(self) -> Page:
        """Return the page of the cursor's step; at the latest, that of the first task in trouble."""
        step = self.cursor.step
        trouble = self._chosen() if step is None else None
        return Page(self.subject, self._index, self._index.latest if step is None else step, trouble)

    def _chosen(self) -> Trouble | None:
        if self._index.status not in ("failed", "waiting", "interrupted", "paused", "cancelled"):
            return None
        troubles = self._index.troubles()
        return next((one for one in troubles if one.task == self._task), troubles[0] if troubles else None)

    def _open(self, message: Mapping[str, Any]) -> None:
        """Answer with more of one value: ``root``, ``path`` in it, and from which part on."""
        root, path, first = message.get("root"), message.get("path"), message.get("first", 0)
        known = (
            isinstance(root, str)
            and isinstance(path, list)
            and all(type(place) is int and place >= 0 for place in path)
        )
        if self._page is None or not known or type(first) is not int or first < 0:
            return
        try:
            found = opened(found_at(self._page.root(str(root)), list(path or ())), first)
        except (LookupError, NbgraphError):
            found = {"k": "other", "s": "this is gone: the page shows another step by now", "m": 0}
        self.send({**found, "kind": "part", "id": message.get("id"), "of": found["k"]})

    def _search(self, message: Mapping[str, Any]) -> None:
        page = self._page
        found = hits(page.after, str(message["text"])[:200]) if page is not None else {"hits": [], "more": False}
        self.send({"kind": "found", "id": message.get("id"), **found})

    def picture(self) -> Mapping[str, str]:
        """Return a line that says what is here while a kernel runs."""
        text = f"Inspector of run {self.run_id}: alive while the kernel is"
        return {"text/html": f"<i>{safe(text)}</i>", "text/plain": text}
