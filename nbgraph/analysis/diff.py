"""``compare``: two runs side by side, task by task, and the ``Diff`` that it returns.

Owns the alignment by task identity and how a ``Diff`` shows itself. Nothing is executed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbgraph.analysis import frames
from nbgraph.analysis.differences import Difference, Pair
from nbgraph.analysis.order import tasks_of
from nbgraph.analysis.sides import EDITS, Side
from nbgraph.analysis.words import amount, places, sentence, shown, states
from nbgraph.escape import NO_FORMULA, safe
from nbgraph.faces import bundle, face
from nbgraph.prices.words import costs_compared

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Diff", "Difference", "Side", "compare"]

_MOST = 20
"""Differences that a page shows."""
_CELL = "padding:.2em .8em .2em 0;text-align:left;vertical-align:top;border-bottom:1px solid rgba(128,128,128,.35)"


@dataclass(frozen=True, eq=False, repr=False)
class Diff:
    """How two runs differ. ``len`` is the number of differences, so that a ``Diff`` is true where there are any.

    ``differences`` are in canonical order, parents before children: the input, the tasks, the final state.
    """

    left: Side
    right: Side
    differences: tuple[Difference, ...]
    order: tuple[str, ...] = field(default=())
    """Every task of either side, in canonical order."""

    @property
    def first(self) -> Difference | None:
        """Where the two part: the first difference, None if there is none."""
        return self.differences[0] if self.differences else None

    @property
    def same(self) -> bool:
        """True if both did the same: the same tasks, updates, routes, outcomes and states."""
        return not self.differences

    @property
    def table(self) -> DataFrame:
        """One row a difference: task, node, step_left, step_right, field, left, right, seconds_left, seconds_right, what.

        Large values are shortened; ``differences`` has them whole. "-" stands where a side has nothing.
        """
        return frames.table(self.differences, self.left, self.right)

    @property
    def tasks(self) -> DataFrame:
        """One row a task: outcome ("same", "changed", "only left", "only right"), seconds, costs and calls of both.

        Deltas are right minus left, and NaN where one of the two is not known; a task that did not run on a
        side counts as 0 there.
        """
        return frames.tasks(self._outcomes.items(), self.left, self.right)

    @cached_property
    def _outcomes(self) -> dict[str, str]:
        changed = {difference.task for difference in self.differences}
        return {task: self._outcome(task, changed=task in changed) for task in self.order}

    def _outcome(self, task: str, *, changed: bool) -> str:
        if not self.right.has(task):
            return "only left"
        if not self.left.has(task):
            return "only right"
        return "changed" if changed else "same"

    @property
    def summary(self) -> str:
        """The comparison in words, three or four lines."""
        return self._words(timed=True)

    def _words(self, *, timed: bool) -> str:
        names = self.left.name, self.right.name
        seconds = amount(sum(self.left.seconds.values()), sum(self.right.seconds.values()), names, " s")
        cost = costs_compared(self.left.total_cost, self.right.total_cost, names)
        first = [f"First: {sentence(self.first, self.left, self.right)}."] if self.first is not None else []
        took = f"Nodes took {seconds}. " if timed else ""
        return "\n".join([f"{'; '.join(self._counted())}.", *first, f"{took}Cost: {cost}."])

    def _counted(self) -> Iterator[str]:
        counts = Counter(self._outcomes.values())
        both = counts["same"] + counts["changed"]
        if self.same:
            yield f"{both} tasks on both sides, all the same"
            return
        changed = [each for each in self.differences if self._outcomes.get(each.task) == "changed"]
        told = f", {counts['changed']} changed ({places(changed)})" if changed else ""
        yield f"{both} tasks on both sides, {counts['same']} the same{told}"
        for side, outcome in ((self.left, "only left"), (self.right, "only right")):
            yield from self._alone(side, [task for task, each in self._outcomes.items() if each == outcome])
        yield from states(self.differences)

    def _alone(self, side: Side, tasks: list[str]) -> Iterator[str]:
        edits = sum(task in side.rows and side.rows[task].status in EDITS for task in tasks)
        if edits:
            yield f"edited {edits} times in {side.name}" if edits > 1 else f"edited once in {side.name}"
        if len(tasks) > edits:
            yield f"{len(tasks) - edits} only in {side.name}"

    def __len__(self) -> int:
        return len(self.differences)

    def __repr__(self) -> str:
        return self.told()

    def told(self, *, timed: bool = True) -> str:
        """Return how it shows itself as text; ``timed=False`` leaves out what differs from one run to the next."""
        count = f"{len(self)} difference{'' if len(self) == 1 else 's'}" if self else "the same"
        return f"<Diff of {self.left.name!r} and {self.right.name!r}: {count}>\n{self._words(timed=timed)}"

    def view(self, **how: Any) -> Any:
        """Return a widget with both runs side by side, the first difference marked, and a way through the others."""
        return face("diff.view")(self, **how)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle("diff.bundle", self)

    def _repr_html_(self) -> str:
        return self.page()

    def page(self, *, timed: bool = True) -> str:
        """Return how it shows itself as HTML, escaped; ``timed`` as in ``told``."""
        lines = "<br>".join(safe(line) for line in self._words(timed=timed).splitlines())
        title = f"<b>{safe(self.left.name)}</b> and <b>{safe(self.right.name)}</b>"
        begin = f'<div class="{NO_FORMULA}">'
        return f"{begin}{title}<br>{lines}{self._html_table() if self else ''}</div>"

    def _html_table(self) -> str:
        heads = "node", "step", "field", self.left.name, self.right.name
        rows = [_html_row(heads, "th"), *(_html_row(_cells(each)) for each in self.differences[:_MOST])]
        more = len(self) - _MOST
        told = f"<i>and {more} more: see .table</i>" if more > 0 else ""
        style = "border-collapse:collapse;margin-top:.5em;color:inherit;background:transparent"
        return f'<table style="{style}">{"".join(rows)}</table>{told}'


def _cells(difference: Difference) -> tuple[str, ...]:
    steps = difference.step_left, difference.step_right
    said = " / ".join("-" if step is None else str(step) for step in steps) if difference.task else ""
    return (difference.node, said, difference.field, *shown(difference.left, difference.right))


def _html_row(cells: tuple[str, ...], tag: str = "td") -> str:
    inside = "".join(f'<{tag} style="{_CELL}">{safe(cell)}</{tag}>' for cell in cells)
    return f"<tr>{inside}</tr>"


def compare(left: Side, right: Side) -> Diff:
    """Compare two runs, or a run and what is like one, from their rows.

    Tasks are aligned by identity, which is the same in every run of a graph. Costs the length of the runs
    plus the size of what differs.
    """
    pair, order = Pair(left, right), tasks_of(left, right)
    found = [difference for task in order for difference in pair.task(task)]
    return Diff(left, right, (*pair.states("input"), *found, *pair.states("final")), tuple(order))
