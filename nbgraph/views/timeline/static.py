"""``run.timeline()``: the picture of a run's timeline that stays when the kernel is gone.

Owns the object that shows itself: an ``<img>`` for notebooks, a table of bars for a terminal. Reads a run through
``follow`` once.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from nbgraph.errors import OptionsError
from nbgraph.escape import cut, picture_uri, safe
from nbgraph.views.settings import default_times
from nbgraph.views.subject import Subject
from nbgraph.views.timeline.chart import Chart, chart
from nbgraph.views.timeline.letters import table
from nbgraph.views.timeline.picture import picture
from nbgraph.views.timeline.spans import Spans
from nbgraph.views.timeline.ticks import words


@dataclass(frozen=True)
class Timeline:
    """When what ran. Shows itself as a picture in a notebook and as a table in a terminal; ``svg()`` is the picture."""

    title: str
    chart: Chart = field(repr=False)
    by: str = "node"
    width: float = 960
    theme: str = "light"
    times: bool = field(default=True, repr=False)

    def svg(self) -> str:
        """Return the picture as SVG text."""
        return picture(self.chart, self.title, width=self.width, theme=self.theme, named=self.by == "branch")

    def __repr__(self) -> str:
        return table(self.chart, self.title, times=self.times)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.bundle()

    def bundle(self) -> dict[str, str]:
        """Return what a notebook shows: an ``<img>``, and the table for where there are no pictures."""
        html = f'<img src="{picture_uri(self.svg())}" alt="{safe(cut(self.title, 200))}" style="max-width: 100%">'
        return {"text/html": html, "text/plain": repr(self)}


def timeline(
    run: Subject, *, by: str = "node", axis: str | None = None, width: float = 960, theme: str = "light"
) -> Timeline:
    """Return a run's timeline so far: what ran when, what it waited for, what was tried again.

    ``by``: a lane for each "node", or for each "branch", by the first split that a task descends from. ``axis``:
    "time", or "order", on which a run has the same picture each time it is run; as the settings say by default
    (``NBGRAPH_TIMES=0``: "order"). ``width`` in pixels, ``theme`` "light" or "dark".
    """
    times = default_times()
    axis = axis if axis is not None else "time" if times else "order"
    for option, value, allowed in (("by", by, _BY), ("axis", axis, _AXES), ("theme", theme, _THEMES)):
        if value not in allowed:
            raise OptionsError(f"{option} is {value!r}; it should be {' or '.join(map(repr, allowed))}", option=option)
    spans = read(run, by)
    drawn = chart(spans, axis)
    if axis == "time" and drawn.end <= 0:
        drawn = chart(spans, "order")  # a clock that stood still
    return Timeline(_title(run, spans, times=times), drawn, by, width, theme, times)


_BY, _AXES, _THEMES = ("node", "branch"), ("time", "order"), ("light", "dark")


def shared_steps(run: Subject) -> int:
    """Return how many steps a fork has from its origin, 0 for a run of its own."""
    origin = run.store.origin(str(run.id))
    return 0 if origin is None else origin.step


def read(run: Subject, by: str) -> Spans:
    """Return the spans of a run so far."""
    spans = Spans(by, shared_steps(run))
    with closing(run.follow()) as place:
        news = place.take()
    if news is not None:
        spans.take(news)
    return spans


def _title(run: Subject, spans: Spans, *, times: bool) -> str:
    graph, tasks = run.store.run(str(run.id)).record.graph, len(spans.places)
    took = f", {words(spans.active)}" if times and spans.active > 0 else ""
    return f"{graph} · {run.id} · {spans.status or run.status}, {tasks} {'task' if tasks == 1 else 'tasks'}{took}"
