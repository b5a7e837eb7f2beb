"""Two runs side by side: every task with both its times, the graph by outcome, and every difference in turn.

Owns what the page is told: all tasks and a line for each difference at once, a difference's values when it is looked
at. A comparison does not change, so nothing here is live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import traitlets

from nbgraph.analysis import ABSENT, Diff, Difference
from nbgraph.analysis.words import sentence, shown
from nbgraph.escape import cut, plain
from nbgraph.views.comparing import OUTCOMES, counted, counts_of, lines_of, nodes_of, pieces_of, topology_of
from nbgraph.views.drawing import colouring, rules, scene, svg
from nbgraph.views.layout import layout
from nbgraph.views.settings import default_engine, default_times
from nbgraph.views.static import diff_bundle, image
from nbgraph.views.widgets.base import View
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.scene import Scene

_MOST, _NAME = 5_000, 200
"""Differences that are listed, and characters of a name."""


class DiffView(View):
    """A comparison of two runs, as ``run.diff(other)`` returns it. ``engine``: who lays out the graph, as ``layout``."""

    _esm = module("diff_view")
    _css = rules("page") + stylesheet("rows", "diff_view")
    head = traitlets.Dict().tag(sync=True)
    """left, right (names), summary, same, counts by outcome, looks (outcome -> look, mark), more (not listed), times."""
    drawing = traitlets.Dict().tag(sync=True)
    """Empty where no side knows its graph."""
    patches = traitlets.Dict().tag(sync=True)

    def __init__(self, diff: Diff, *, engine: str = "") -> None:
        self.diff = diff
        self.lines = lines_of(diff, times=default_times())
        self._counts = counts_of(self.lines)
        self._topology = topology_of(diff)
        self._layout = layout(self._topology, engine or default_engine()) if self._topology is not None else None
        super().__init__(Scene.of(diff, "diff"), head=self._head(), **self._drawn())

    def _head(self) -> dict[str, Any]:
        diff = self.diff
        return {
            "left": cut(diff.left.name, _NAME),
            "right": cut(diff.right.name, _NAME),
            "summary": plain(diff.summary),
            "same": diff.same,
            "counts": dict(Counter(line.outcome for line in self.lines)),
            "looks": {outcome: list(look) for outcome, look in OUTCOMES.items()},
            "more": max(0, len(diff) - _MOST),
            "times": default_times(),
        }

    def _drawn(self) -> dict[str, Any]:
        if self._topology is None or self._layout is None:
            return {"drawing": {}, "patches": {}}
        return {"drawing": scene(self._topology, self._layout), "patches": self._patches()}

    def _patches(self) -> dict[str, dict[str, str]]:
        if self._topology is None or self._layout is None:
            return {}
        patches = colouring(self._topology, self._layout, nodes_of(self.lines), {}, times=False)
        for place, node in enumerate(self._topology.nodes):
            patches.update(self._compared(f"n{place}", node.name, patches))
        return patches

    def _compared(self, key: str, node: str, patches: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
        """Return what a node says of its outcomes in place of what it would say of a run."""
        counts, first = self._counts.get(node), self.diff.first
        if counts is None:
            return {}
        mark = " ng-diff-first" if first is not None and first.node == node else ""
        told = {
            key: {"class": f"{patches[key]['class']}{mark}"},
            f"{key}t": {"text": plain(f"{node}: {counted(counts)}")},
        }
        return {**told, f"{key}f": {"text": counted(counts)}} if f"{key}f" in patches else told

    # -- on the scene's thread

    def heard(self, message: Mapping[str, Any]) -> None:
        """Tell a page that has come everything, or one that looks at a difference its values."""
        place = message.get("place")
        if message.get("kind") == "hello":
            differences = [self._listed(each) for each in self.diff.differences[:_MOST]]
            self.send({"kind": "tasks", "lines": [self._sent(line) for line in self.lines], "differences": differences})
        elif message.get("kind") == "look" and type(place) is int and 0 <= place < min(len(self.diff), _MOST):
            self.send({"kind": "difference", "place": place, **self._whole(self.diff.differences[place])})

    def _sent(self, line: Any) -> list[Any]:
        return [cut(line.node, _NAME), *line[1:]]

    def _listed(self, difference: Difference) -> list[Any]:
        left, right = shown(difference.left, difference.right)
        steps = difference.step_left, difference.step_right
        return [
            cut(difference.node, _NAME),
            difference.what,
            cut(difference.field, _NAME),
            *steps,
            plain(left),
            plain(right),
        ]

    def _whole(self, difference: Difference) -> dict[str, Any]:
        pieces = [[how, plain(text)] for how, text in pieces_of(difference.left, difference.right)]
        told = sentence(difference, self.diff.left, self.diff.right)
        return {
            "said": plain(told),
            "pieces": pieces,
            "absent": [difference.left is ABSENT, difference.right is ABSENT],
        }

    # -- anywhere

    def picture(self) -> Mapping[str, str]:
        """Return the graph by outcome, and the differences as a table."""
        words = diff_bundle(self.diff)
        return {**words, "text/html": f"<div>{self._image()}{words['text/html']}</div>"}

    def _image(self) -> str:
        if self._topology is None or self._layout is None:
            return ""
        told = f"{self.diff.left.name} and {self.diff.right.name} compared"
        document = svg(self._topology, self._layout, title=told, patches=self._patches())
        return image(document, self._layout.width, self._layout.height, told)
