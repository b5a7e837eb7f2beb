"""The graph, live: what every node is doing, coloured as it happens, with a card for the node that is clicked.

Owns the two widgets (of a run, and of a graph by itself) and what their page is told. What things look like is
``drawing``'s, what a card says ``card``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets

from nbgraph.errors import NbgraphError
from nbgraph.escape import cut, plain
from nbgraph.faces import bundle
from nbgraph.graph.definition import Graph
from nbgraph.views.drawing import rules
from nbgraph.views.stale import graph_of, stale_in
from nbgraph.views.subject import News, Subject
from nbgraph.views.tally import NodeFacts, Tally
from nbgraph.views.topology import Node, Topology, topology_of
from nbgraph.views.widgets.base import RunView, View
from nbgraph.views.widgets.card import Cards, about
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.painting import Painter
from nbgraph.views.widgets.past import Past
from nbgraph.views.widgets.scene import Scene

SHEET = rules("page") + stylesheet("graph_view")


class _Drawn(traitlets.HasTraits):
    """What the page of a graph is told, of a run or by itself."""

    drawing = traitlets.Dict().tag(sync=True)
    """Width, height and tree: where things stand; sent once as long as the graph is the same."""
    whole = traitlets.Dict().tag(sync=True)
    since = traitlets.Dict().tag(sync=True)
    """What looks otherwise than in ``drawing``: patches of ``whole``, then of ``since``."""
    head = traitlets.Dict().tag(sync=True)
    """title, status, steps, at (the step that is looked at, -1: the latest), stoppable, note."""
    card = traitlets.Dict().tag(sync=True)
    """What is known of the node that a person clicked; empty where none is."""


class GraphView(_Drawn, RunView):
    """The graph that a run follows, coloured by the run: live, past, or driven by another process."""

    _esm = module("graph_view")
    _css = SHEET

    def __init__(self, subject: Subject, *, engine: str = "", direction: str = "down", **how: Any) -> None:
        self._engine, self._direction, self._open, self._note = engine, direction, "", ""
        super().__init__(subject, **how)

    def begin(self) -> Mapping[str, Any]:
        """Draw the run's graph, still without colours."""
        subject = self.subject
        self._followed = self._latest_description()
        self._tally, self._cards, self._past = Tally.of(subject), Cards(subject), Past(subject)
        topology = self._tally.topology
        title = f"{topology.name}: run {subject.id}"
        self._painter = Painter(topology, engine=self._engine, direction=self._direction, title=title)
        self._nodes = {node.name: node for node in topology.nodes}
        self._compared: Any = None
        return {"drawing": self._painter.scene, "head": self._head()}

    def _latest_description(self) -> str:
        return self.subject.store.descriptions(str(self.subject.id))[-1][2]

    # -- what is shown

    def tick(self) -> None:
        """Look for news, for other breakpoints, and for code that was changed."""
        super().tick()
        if not self.closed:
            self._look_around()

    def take(self, news: News) -> None:
        """Show what is new."""
        if any(event.kind == "run.resumed" for event in news.events) and self._follows_another():
            return
        self._tally.take(news)
        concerned = self._cards.take(news)
        self._paint()
        if self._open in concerned and self.cursor.step is None:
            self._show_card()

    def moved(self, step: int | None) -> None:  # noqa: ARG002 - the cursor knows it
        """Show the run as it was after ``step``."""
        self._paint()
        self._show_card()

    def _follows_another(self) -> bool:
        """Begin again where the run follows another graph from here on."""
        if self._latest_description() == self._followed:
            return False
        self._follower.close()
        self._follower = self.subject.follow()
        with self.hold_sync():
            self.whole, self.since = {}, {}
            for name, value in self.begin().items():
                setattr(self, name, value)
        return True

    def _paint(self) -> None:
        tally = self._shown()
        tally.stale = self._tally.stale
        self._painter.paint(tally.nodes(), tally.edges())
        self._publish()

    def _shown(self) -> Tally:
        step = self.cursor.step
        return self._tally if step is None or step >= self._tally.steps else self._past.at(step)

    def _publish(self) -> None:
        # One message, and traits compare themselves: what is as it was is not sent.
        with self.hold_sync():
            self.whole, self.since = self._painter.whole, self._painter.since
            self.head = self._head()

    def _head(self) -> dict[str, Any]:
        step, tally = self.cursor.step, self._tally
        return {
            "title": cut(tally.topology.name, 80),
            "run": cut(self.subject.id, 80),
            "status": tally.status,
            "steps": tally.steps,
            "at": -1 if step is None else step,
            "stoppable": self._graph() is not None,
            "note": self._note,
        }

    # -- what is looked at now and then

    def _look_around(self) -> None:
        if self._painter.stop_at(self._stops()):
            self._publish()
            self._show_card()
        graph = self._graph()
        if graph is not None and graph.revision() != self._compared:
            self._compared = graph.revision()
            self._compare(graph)

    def _graph(self) -> Graph | None:
        """Return today's graph, of a run that can be steered."""
        return graph_of(self.subject)

    def _stops(self) -> Any:
        """Return the breakpoints; a run that was opened for reading has none."""
        return getattr(self.subject, "breakpoints", ()) if self._graph() is not None else ()

    def _compare(self, graph: Graph) -> None:
        """Mark the nodes whose code is another one today."""
        stale = stale_in(self._followed, graph)
        if stale is not None:
            self._tally.stale = stale
            self._paint()
            self._show_card()

    # -- what the page says

    def heard(self, message: Mapping[str, Any]) -> None:
        """Open or close a card, set a breakpoint, look at another step."""
        kind, node = message.get("kind"), message.get("node")
        if kind == "card":
            self._open = node if isinstance(node, str) and node in self._nodes else ""
            self._show_card()
        elif kind == "stop" and isinstance(node, str) and self._graph() is not None:
            self._toggle(node)
        elif kind == "cursor":
            self._go(message.get("step"))
        self.tick()

    def _go(self, step: Any) -> None:
        if step is None or (type(step) is int and 0 <= step <= self._tally.steps):
            self.cursor.move(step)

    def _toggle(self, node: str) -> None:
        self._note = ""
        try:
            stops: Any = self._stops()
            stops.discard(node) if node in stops else stops.add(node)
        except NbgraphError as error:
            self._note = cut(f"{error.message}; {error.todo}" if error.todo else error.message, 300)
            self._publish()

    def _show_card(self) -> None:
        if not self._open:
            self.card = {}
            return
        node = self._nodes.get(self._open)
        if node is None:
            return
        step = self.cursor.step
        at = None if step is None or step >= self._tally.steps else step
        facts = self._shown().nodes().get(node.name, NodeFacts())
        self.card = {**self._cards.card(node, facts, at), "stops": node.name in self._stops()}

    def picture(self) -> Mapping[str, str]:
        """Return the same drawing as a picture."""
        return _static("run.bundle", self.subject, self._engine, self._direction)


class PlainGraphView(_Drawn, View):
    """A graph by itself; it is drawn anew when a cell changes it."""

    _esm = module("graph_view")
    _css = SHEET

    def __init__(self, graph: Graph, *, engine: str = "", direction: str = "down", **how: Any) -> None:
        self.graph, self._engine, self._direction, self._open = graph, engine, direction, ""
        self._revision: Any = graph.revision()
        self._nodes: dict[str, Node] = {}
        super().__init__(Scene.of(graph, f"graph-{graph.name}"), **self._drawn(), **how)

    def _drawn(self) -> dict[str, Any]:
        topology: Topology = topology_of(self.graph)
        self._nodes = {node.name: node for node in topology.nodes}
        painter = Painter(topology, engine=self._engine, direction=self._direction)
        head = {"title": plain(topology.name), "nodes": len(topology.nodes), "at": -1, "stoppable": False, "note": ""}
        return {"drawing": painter.scene, "head": head}

    def tick(self) -> None:
        """Draw the graph anew if it is another one."""
        revision = self.graph.revision()
        if self.closed or revision == self._revision:
            return
        self._revision = revision
        with self.hold_sync():
            for name, value in self._drawn().items():
                setattr(self, name, value)
        self._show_card()

    def heard(self, message: Mapping[str, Any]) -> None:
        """Open or close a card."""
        if message.get("kind") == "card":
            node = message.get("node")
            self._open = node if isinstance(node, str) else ""
            self._show_card()

    def _show_card(self) -> None:
        node = self._nodes.get(self._open)
        self.card = about(node) if node is not None else {}

    def picture(self) -> Mapping[str, str]:
        """Return the same drawing as a picture."""
        return _static("graph.bundle", self.graph, self._engine, self._direction)


def _static(name: str, shown: Any, engine: str, direction: str) -> Mapping[str, str]:
    return bundle(name, shown, engine=engine or None, direction=direction)
