"""What a report is made of: one reading of a run.

Owns the order of reading, and what is computed once for several parts of the page. Reads the store through the run's
own words; runs no code of the graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from json import loads
from typing import Any

from nbgraph.analysis.costs import CallCost, as_recorded, costs_of
from nbgraph.store.protocol import CallRecord, EventRecord, Origin, RunRow, StepRecord
from nbgraph.views.costing.reading import pricing_of
from nbgraph.views.costing.spending import by_task
from nbgraph.views.drawing import colouring, svg
from nbgraph.views.layout import layout
from nbgraph.views.report.limits import STEPS, kept_steps, most_states
from nbgraph.views.settings import default_engine, default_times
from nbgraph.views.subject import Subject
from nbgraph.views.tally import NodeFacts, Tally
from nbgraph.views.topology import Topology

Patches = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Frame:
    """The drawing as it was after a step: what changes in it, against the frame before."""

    step: int
    node: str
    patches: Patches


@dataclass(frozen=True)
class Facts:
    """Everything that the page tells of."""

    subject: Subject
    row: RunRow
    status: str
    steps: Sequence[StepRecord]
    events: Sequence[EventRecord]
    calls: Sequence[CallRecord]
    costs: Sequence[CallCost]
    origin: Origin | None
    error: Mapping[str, Any]
    """As it is stored; empty where nothing went wrong."""
    topology: Topology
    nodes: Mapping[str, NodeFacts]
    drawing: str
    """An ``<svg>`` whose colours are the page's."""
    frames: Sequence[Frame]
    kept: Sequence[int]
    """Steps whose states are shown."""


def gathered(subject: Subject) -> Facts:
    """Read a run as it stands now."""
    store, run_id = subject.store, str(subject.id)
    row, origin = store.run(run_id), store.origin(run_id)
    with closing(subject.follow()) as place:
        news = place.take()
    steps, events, calls = (news.steps, news.events, news.calls) if news is not None else ((), (), ())
    tally = Tally.of(subject)
    drawer = _Drawer(tally)
    costs = costs_of(calls, steps, events, as_recorded(pricing_of(subject)))
    frames = drawer.frames(steps, events, calls, _steps(steps), row.standing)
    size = max((len(each.snapshot) for each in steps), default=0)
    kept = _steps(steps, most_states(max(size, len(row.record.input))))
    return Facts(
        subject, row, row.standing, steps, events, calls, costs, origin, _error(row.status.error), tally.topology,
        tally.nodes(), drawer.drawing(), frames, kept,
    )  # fmt: skip


def _steps(rows: Sequence[StepRecord], most: int = STEPS) -> list[int]:
    """Return which steps are shown; behind a pruned beginning, only those that are there."""
    behind = rows[0].step - 1 if rows else 0
    kept = [behind + step for step in kept_steps(len(rows), most)]
    return kept[1:] if behind else kept


def _error(text: str) -> Mapping[str, Any]:
    try:
        found = loads(text) if text else {}
    except ValueError:
        return {"message": text}
    return found if isinstance(found, dict) else {"message": text}


class _Drawer:
    """Draws one run's graph, and what a step changes in the drawing."""

    def __init__(self, tally: Tally) -> None:
        self._tally, self._times = tally, default_times()
        self._layout = layout(tally.topology, default_engine())

    def drawing(self) -> str:
        """Return the drawing as things stand now."""
        tally = self._tally
        return svg(tally.topology, self._layout, tally.nodes(), tally.edges(), theme="page", times=self._times)

    def frames(
        self,
        steps: Sequence[StepRecord],
        events: Sequence[EventRecord],
        calls: Sequence[CallRecord],
        kept: Sequence[int],
        status: str,
    ) -> list[Frame]:
        """Take the run in, step by step; return a frame for each of ``kept``. Costs come with the step of their task."""
        paid = by_task(calls)
        by_step = {row.step: place for place, row in enumerate(steps)}
        frames: list[Frame] = []
        before: Patches = {}
        row_at = event_at = 0
        for step in kept:
            last = step == kept[-1]
            upto = by_step[step] + 1 if step in by_step else 0
            until = len(events) if last else _place(events, step)
            self._tally.add(steps[row_at:upto], events[event_at:until])
            for row in steps[row_at:upto] if paid else ():
                self._tally.spending.add(paid.pop(row.task, ()))
            for left in paid.values() if last else ():
                self._tally.spending.add(left)
            row_at, event_at = max(row_at, upto), max(event_at, until)
            self._tally.status = status if last else "running"
            now = self._colours()
            patches = {key: patch for key, patch in now.items() if before.get(key) != patch}
            frames.append(Frame(step, steps[upto - 1].node if upto else "", patches))
            before = now
        return frames

    def _colours(self) -> dict[str, dict[str, str]]:
        tally = self._tally
        return colouring(tally.topology, self._layout, tally.nodes(), tally.edges(), times=self._times)


def _place(events: Sequence[EventRecord], step: int) -> int:
    """Return how many events were noted before the commit of ``step``."""
    return sum(event.step < step for event in events)
