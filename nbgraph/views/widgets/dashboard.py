"""Everything about a run in one output: buttons, graph, timeline, state, costs and open questions, moving together.

Owns which views there are and that they share one cursor and one channel. Where they stand on the page is its page
side's; what they show is their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any
from uuid import uuid4

import anywidget
import traitlets
from ipywidgets import Widget, widget_serialization

from nbgraph.escape import plain
from nbgraph.faces import bundle
from nbgraph.views.widgets.base import Cursor, with_picture
from nbgraph.views.widgets.channel import Channel
from nbgraph.views.widgets.controls import ControlsView
from nbgraph.views.widgets.modules import module, stylesheet

AREAS: Mapping[str, str] = {
    "graph": "graph_view:GraphView",
    "timeline": "timeline:TimelineView",
    "inspector": "inspector:InspectorView",
    "costs": "costs:CostsView",
}
"""Where which view is, beside the controls."""


class Dashboard(anywidget.AnyWidget):
    """The views of one run, in one output. It can go to a fork of the run, and back."""

    _esm = module("dashboard")
    _css = stylesheet("dashboard")
    view_id = traitlets.Unicode().tag(sync=True)
    channel = traitlets.Instance(Channel).tag(sync=True, **widget_serialization)
    areas: Any = traitlets.Dict().tag(sync=True, **widget_serialization)
    """Name of a place -> the view that is there."""
    trail: Any = traitlets.List().tag(sync=True)
    """The runs that were looked at before this one, the latest last."""

    closed = True

    def __init__(self, run: Any) -> None:
        self.cursor = Cursor()
        self.run: Any = run
        self._before: list[Any] = []
        channel = Channel()
        super().__init__(view_id=uuid4().hex, channel=channel, areas=self._views(run, channel))
        channel.listen(self.view_id, self)
        self.closed = False

    @property
    def children(self) -> list[Any]:
        """The views, as they stand now."""
        return list(self.areas.values())

    def _views(self, run: Any, channel: Channel) -> dict[str, Widget]:
        """Make the views of a run, all or none."""
        shared, views = {"cursor": self.cursor, "channel": channel}, dict[str, Widget]()
        try:
            views["controls"] = ControlsView(run, opener=self.go, **shared)
            for name, place in AREAS.items():
                file, _, kind = place.partition(":")
                views[name] = getattr(import_module(f"nbgraph.views.widgets.{file}"), kind)(run, **shared)
            if getattr(run, "engine", None) is not None:
                views["inbox"] = _inbox(run)
        except BaseException:
            for view in views.values():
                view.close()
            raise
        return views

    def go(self, run: Any) -> None:
        """Show another run here, mostly a fork; the page can come back from it."""
        self._before.append(self.run)
        self._show(run)

    def back(self) -> None:
        """Show the run that was here before."""
        if self._before:
            self._show(self._before.pop())

    def _show(self, run: Any) -> None:
        old = self.children
        self.run = run
        self.cursor.move(None)
        areas = self._views(run, self.channel)
        with self.hold_sync():
            self.areas = areas
            self.trail = [plain(before.id) for before in self._before]
        for view in (*old, *(areas.values() if self.closed else ())):  # it may have been closed meanwhile
            view.close()

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take a message from the page; it may come on any thread, so that it is only put in line."""
        if message.get("kind") == "back" and not self.closed:
            self.areas["controls"].scene.hands.do(self.back)

    def picture(self) -> Mapping[str, str]:
        """Return the graph and the timeline as pictures."""
        graph, line = bundle("run.bundle", self.run), _quietly(self.areas["timeline"].picture)
        pictures = [shown["text/html"] for shown in (graph, line) if "text/html" in shown]
        return {**graph, **({"text/html": "\n".join(pictures)} if pictures else {})}

    def close(self) -> None:
        """Free all views, their threads and their comms."""
        if self.closed:
            return
        self.closed = True
        views, layout, channel = self.children, self.layout, self.channel
        super().close()
        for view in views:
            view.close()
        layout.close()
        channel.close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return with_picture(super()._repr_mimebundle_(**kwargs), self.picture())


def _inbox(run: Any) -> Widget:
    from nbgraph.views.widgets.inbox_form import InboxForm  # noqa: PLC0415 - only of a run that can be answered

    return InboxForm(run.engine, run=run)


def _quietly(picture: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """Return a picture, none where none can be made: a display never raises."""
    try:
        return picture()
    except Exception:  # noqa: BLE001 - see above
        return {}
