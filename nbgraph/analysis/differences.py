"""What differs in one task, or in one state, between two sides.

Owns the ``Difference`` and which texts of a row are compared. When a task ran, how long it took, in how
many attempts and at which step is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from json import loads
from typing import Any, NamedTuple

from nbgraph.analysis.sides import EDITS, Side
from nbgraph.analysis.values import ABSENT, Parting, partings
from nbgraph.codec import encode
from nbgraph.codec.text import from_text
from nbgraph.errors import CodecError
from nbgraph.store.protocol import StepRecord

STATES = {"input": "(input)", "final": "(final state)"}
"""What stands in place of a node's name where a whole state is compared."""


@dataclass(frozen=True, eq=False)
class Difference:
    """One place where two runs differ; ``ABSENT`` on the side that has nothing there.

    ``what`` says what kind of place: "update" (``field`` is a field of the task's update, with the path inside
    its value), "result" (what the field's own reducer made), "gather" (what a gather made), "route",
    "status", "task" (it ran on one side only), "edit" (somebody set the field there), "input", "final".
    """

    task: str
    """The task's id, "" for a state."""
    node: str
    step_left: int | None
    step_right: int | None
    what: str
    field: str
    left: Any
    right: Any


class Way(NamedTuple):
    """A way that a task took; ``fields`` are those of a ``Send``."""

    edge: str
    target: str
    fields: Any = None

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in (self.fields or {}).items())
        return f"{self.target}({given}) by {self.edge}" if given else f"{self.target} by {self.edge}"


class Pair:
    """The two sides, as one finds differences between them."""

    def __init__(self, left: Side, right: Side) -> None:
        self.left, self.right = left, right

    def task(self, task: str) -> list[Difference]:
        """Return what differs in one task."""
        left, right = self.left.rows.get(task), self.right.rows.get(task)
        if left is not None and right is not None:
            both_edits = left.status in EDITS and right.status in EDITS
            return self._edits(left, right) if both_edits else list(self._rows(left, right))
        if self.left.has(task) and self.right.has(task):
            return self._words(task, "status", self.left.status(task), self.right.status(task))
        row = left or right
        if row is not None and row.status in EDITS:
            return self._edits(left, right)
        return self._words(task, "task", *(_ran(side, task) for side in (self.left, self.right)))

    def states(self, kind: str) -> list[Difference]:
        """Return what differs between the inputs ("input"), or the final states ("final"), where both are known."""
        left, right = ((side.input if kind == "input" else side.final) for side in (self.left, self.right))
        if left is None or right is None:
            return []
        trees = ({name: _tree(value) for name, value in state.items()} for state in (left, right))
        return list(self._fields("", kind, _changed(*trees), STATES[kind]))

    def _rows(self, left: StepRecord, right: StepRecord) -> Iterator[Difference]:
        task = left.task
        if left.merged != right.merged:
            yield from self._fields(task, "gather", _changed(_set(left), _set(right)))
        if left.status != "done" or right.status != "done":
            yield from self._words(task, "status", self.left.status(task), self.right.status(task))
        changed: dict[str, list[Parting]] = {}
        if left.update != right.update:
            changed = _changed(_object(left.update), _object(right.update))
            yield from self._fields(task, "update", changed)
        if left.results != right.results:
            made = _changed(_object(left.results), _object(right.results))
            # What follows from another operand is no news.
            yield from self._fields(task, "result", {name: made[name] for name in made if name not in changed})
        if left.arrivals != right.arrivals:
            yield from self._routes(left, right)

    def _routes(self, left: StepRecord, right: StepRecord) -> Iterator[Difference]:
        mine, theirs = (from_text(row.arrivals) if row.arrivals else [] for row in (left, right))
        if [way[:2] for way in mine] == [way[:2] for way in theirs]:
            sent = ([way[2] if len(way) > 2 else None for way in ways] for ways in (mine, theirs))
            parts = partings("route", *sent)
            if [part.path for part in parts] != ["route"]:
                yield from self._fields(left.task, "route", {"route": parts})
                return
        ways = (_ways(side, taken) for side, taken in ((self.left, mine), (self.right, theirs)))
        yield self._made(left.task, left.node, "route", "route", *ways)

    def _fields(
        self, task: str, what: str, changed: Mapping[str, list[Parting]], node: str = ""
    ) -> Iterator[Difference]:
        node = node or self.left.node(task)
        for parts in changed.values():
            for part in parts:
                yield self._difference(task, node, what, part)

    def _edits(self, left: StepRecord | None, right: StepRecord | None) -> list[Difference]:
        """Return what somebody changed by hand: fields, and where the changed state made the run go on."""
        task, node = (left or right).task, (left or right).node  # type: ignore[union-attr]  # one of them is there
        parts = _changed(_edited(left), _edited(right))
        found = list(self._fields(task, "edit", parts, node))
        ways = self._taken(self.left, left, right), self._taken(self.right, right, left)
        if ways[0] != ways[1]:
            found.append(self._made(task, node, "route", "route", *ways))
        return found or self._words(task, "task", _ran(self.left, task), _ran(self.right, task))

    def _taken(self, side: Side, row: StepRecord | None, other: StepRecord | None) -> tuple[Way, ...]:
        """Return the ways on from an edit; of a side without it, those from the step that the other one edited."""
        if row is None and other is not None:
            side = self.right if side is self.left else self.left
            row = side.numbered.get(other.base, other)
        return _ways(side, from_text(row.arrivals)) if row is not None and row.arrivals else ()

    def _words(self, task: str, what: str, left: Any, right: Any) -> list[Difference]:
        node = self.left.node(task) or self.right.node(task)
        return [self._made(task, node, what, what, left, right)] if left != right else []

    def _difference(self, task: str, node: str, what: str, part: Parting) -> Difference:
        return self._made(task, node, what, part.path, self.left.value(part.left), self.right.value(part.right))

    def _made(self, task: str, node: str, what: str, field: str, left: Any, right: Any) -> Difference:
        return Difference(task, node, self.left.step(task), self.right.step(task), what, field, left, right)


def _edited(row: StepRecord | None) -> dict[str, Any]:
    return {} if row is None else {**_object(row.update), **_object(row.results)}


def _ran(side: Side, task: str) -> Any:
    if task in side.rows:
        return "ran"
    return side.status(task) if side.has(task) else ABSENT


def _object(text: str) -> dict[str, Any]:
    tree: dict[str, Any] = from_text(text) if text else {}
    return tree


def _set(row: StepRecord) -> dict[str, Any]:
    """Return what a gather made; the steps that it folded are known by their tasks, not by their numbers."""
    made: dict[str, Any] = loads(row.merged)["set"] if row.merged else {}
    return made


def _ways(side: Side, taken: Iterable[list[Any]]) -> tuple[Way, ...]:
    return tuple(Way(way[0], way[1], side.value(way[2]) if len(way) > 2 else None) for way in taken)


def _changed(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, list[Parting]]:
    """Return field -> where it differs, for the fields that do."""
    sides = {name: (left.get(name, ABSENT), right.get(name, ABSENT)) for name in sorted({*left, *right})}
    return {name: parts for name, pair in sides.items() if (parts := partings(name, *pair))}


def _tree(value: Any) -> Any:
    try:
        return from_text(encode(value))
    except CodecError:
        return repr(value)  # a value that was never kept is compared by what it shows
