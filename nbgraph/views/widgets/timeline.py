"""The timeline on the page: spans in lanes, a scrubber, and the cursor that other views follow.

Owns what is sent and when: all spans to a page that says hello, then what is new. What the spans are is decided in
``nbgraph.views.timeline``; how they are drawn, on the page.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeGuard

import traitlets

from nbgraph.errors import NbgraphError
from nbgraph.escape import cut, plain
from nbgraph.views.settings import default_times
from nbgraph.views.subject import News, Subject
from nbgraph.views.timeline.chart import chart, numbered
from nbgraph.views.timeline.columns import packed
from nbgraph.views.timeline.spans import Spans
from nbgraph.views.timeline.static import shared_steps, timeline
from nbgraph.views.widgets.base import RunView
from nbgraph.views.widgets.modules import module, stylesheet
from nbgraph.views.widgets.steering import closed

_REST = 60.0
"""Times the cost of work, or of a message, that pass before the next one: a timeline takes a sixtieth of a core at most."""
_PACE, _FEW = 12e-6, 50
"""Seconds that a step takes until that is measured, and steps that are too few to measure it by."""
_MOST_NOTES = 500


class TimelineView(RunView):
    """A run's timeline. ``by`` is "node" or "branch", ``axis`` "time" or "order"; both can be changed on the page."""

    _esm = module("timeline")
    _css = stylesheet("timeline")
    run_id = traitlets.Unicode().tag(sync=True)
    by = traitlets.Enum(("node", "branch"), default_value="node").tag(sync=True)
    axis = traitlets.Enum(("time", "order"), default_value="time").tag(sync=True)
    at = traitlets.Int(None, allow_none=True).tag(sync=True)
    """The step that is looked at, None: the latest, as it comes."""
    refused = traitlets.Unicode().tag(sync=True)
    """Why no fork can be made from here, "" where one can."""
    note = traitlets.Dict().tag(sync=True)
    """What came of the last fork: kind ("forked", "error"), text, code."""

    def __init__(self, subject: Subject, *, by: str = "node", axis: str = "time", **how: Any) -> None:
        self._spans, self._status = Spans(by, shared_steps(subject)), ""
        self._sent = 0, 0, 0
        self._stale, self._due, self._asked = False, 0.0, False
        self._worked, self._pace = 0.0, _PACE
        self._backlog: deque[News] = deque()
        super().__init__(subject, by=by, axis=axis, run_id=plain(subject.id), refused=closed(subject, "fork"), **how)

    def begin(self) -> Mapping[str, Any]:
        """Begin where the cursor is."""
        return {"at": self.cursor.step}

    # -- on the scene's thread

    def tick(self) -> None:
        """Take what is new, and send it when it is time."""
        super().tick()
        self._work()
        if (
            self._stale
            and self._asked
            and not self.closed
            and (self._status != "running" or time.monotonic() >= self._due)
        ):
            self._publish(whole=self.axis == "order")

    def take(self, news: News) -> None:
        """Put what is new in line: a run that is faster than we may be is shown a little later, and costs no more."""
        self._backlog.append(news)

    def _work(self, *, all_of_it: bool = False) -> None:
        """Sort in what waits: after a rest that pays for it, while the run goes on; everything once it stands still."""
        while self._backlog:
            began, news = time.monotonic(), self._backlog[0]
            rested = began - self._worked >= _REST * self._pace * len(news.steps)
            if not rested and self._backlog[-1].status == "running" and not all_of_it:
                return
            self._spans.take(self._backlog.popleft())
            self._status, self._stale, self._worked = news.status, True, time.monotonic()
            if len(news.steps) >= _FEW:
                self._pace = (self._worked - began) / len(news.steps)

    def moved(self, step: int | None) -> None:
        """Move the line."""
        self.at = step

    def heard(self, message: Mapping[str, Any]) -> None:
        """Do what the page asks; what makes no sense is left."""
        kind, value = message.get("kind"), message.get("value")
        if kind == "hello":
            self._asked = True  # before that, nobody listens
            self._publish(whole=True)
        elif kind == "cursor" and (value is None or self._has(value)):
            self.cursor.move(value)
        elif kind == "by" and value in ("node", "branch"):
            self._read_again(value)
        elif kind == "axis" and value in ("time", "order"):
            self.axis = value
            self._publish(whole=True)
        elif kind == "fork" and self._has(value) and not self.refused:
            self.note = {"kind": "doing", "text": f"forking from step {value} …"}
            self.scene.hands.do(partial(self._fork, value))
        elif kind == "dismiss":
            self.note = {}

    def _has(self, step: Any) -> TypeGuard[int]:
        return type(step) is int and 0 <= step <= self._latest

    @property
    def _latest(self) -> int:
        return next(reversed(self._spans.places), 0)

    def _read_again(self, by: str) -> None:
        """Sort the spans into other lanes, from the run's beginning."""
        self._follower.close()
        self._follower = self.subject.follow()
        self.by, self._spans = by, Spans(by, self._spans.shared)
        self._backlog.clear()
        news = self._follower.take()
        if news is not None:
            self.take(news)
        self._work(all_of_it=True)
        self._publish(whole=True)

    # -- what is sent

    def _publish(self, *, whole: bool) -> None:
        began = time.monotonic()
        facts, buffers = self._ordered() if self.axis == "order" else self._timed(whole=whole)
        self.send({**facts, **self._standing(), "axis": self.axis, "by": self.by}, buffers=buffers)
        self._stale, self._due = False, time.monotonic() + _REST * (time.monotonic() - began)

    def _standing(self) -> dict[str, Any]:
        return {"status": self._status, "latest": self._latest, "going": self._status == "running"}

    def _timed(self, *, whole: bool) -> tuple[dict[str, Any], list[bytes]]:
        """Return what is new on the clock's axis, with everything that has not finished."""
        spans, (first, named, lanes) = self._spans, (0, 0, 0) if whole else self._sent
        unfinished = [span for task in spans.unfinished() for span in task]
        facts = {
            "kind": "whole" if whole else "more",
            "first": first,
            "labels": numbered(spans.lanes.labels) if len(spans.lanes.labels) != lanes else None,
            "names": spans.names[named:],
            "named": named,
            "notes": [[place, note] for place, note in spans.notes.items() if place >= first][-_MOST_NOTES:],
            "folds": [list(fold) for fold in spans.folds.folds],
            "origin": spans.folds.origin,
            "end": spans.end,
        }
        self._sent = len(spans), len(spans.names), len(spans.lanes.labels)
        return facts, [*spans.columns.since(first), *packed(unfinished)]

    def _ordered(self) -> tuple[dict[str, Any], list[bytes]]:
        """Return the whole on the axis of causes: each new task may move others."""
        drawn = chart(self._spans, "order")
        facts = {"kind": "whole", "first": 0, "labels": list(drawn.labels), "names": list(drawn.names), "named": 0}
        return {**facts, "notes": [], "folds": [], "origin": None, "end": drawn.end}, [
            *packed(list(drawn.spans)),
            *packed([]),
        ]

    # -- a fork

    def _fork(self, step: int) -> None:
        """Make a fork, away from the thread that publishes, and say on the page what came of it."""
        subject: Any = self.subject
        try:
            name = str(subject.fork(step).id)
            note = {
                "kind": "forked",
                "text": f"forked from step {step}",
                "run": plain(name),
                "code": f"engine.open({name!r})",
            }
        except NbgraphError as error:
            note = {"kind": "error", "text": cut(f"{error.message}. {error.todo or ''}", 600)}
        except Exception as error:  # noqa: BLE001 - whatever a fork stumbles over is said where it was asked for
            note = {"kind": "error", "text": cut(f"{type(error).__name__}: {error}", 600)}
        self.scene.post(partial(self._say, note))

    def _say(self, note: dict[str, Any]) -> None:
        if not self.closed:
            self.note = note

    def picture(self) -> Mapping[str, str]:
        """Return the static timeline."""
        return timeline(self.subject, by=self.by, axis=self.axis if default_times() else "order").bundle()
