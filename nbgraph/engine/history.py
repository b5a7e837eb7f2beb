"""Any past state of a run, read from its rows alone: no user code runs.

Owns the code-free reading of DESIGN section 4. Built-in reducers are folded by name; whatever needed
user code was stored as a result. Costs the size of the state, not the length of the run.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from json import loads
from typing import Any, NamedTuple

from nbgraph.codec import NO_TYPES, Types, decode
from nbgraph.engine.folding import Folded, settled, shell
from nbgraph.graph.reducers import BUILTINS
from nbgraph.store.protocol import StepRecord, Store

Fields = dict[str, Any]


class Final(NamedTuple):
    """Where the final state is: after step ``base``, with the updates of ``fold`` and the values of ``set``."""

    base: int
    fold: tuple[int, ...]
    values: Mapping[str, Any]


class History:
    """Reads the states of one run from its store."""

    def __init__(self, store: Store, run_id: str, types: Types = NO_TYPES) -> None:
        self._store, self._run_id, self._types = store, run_id, types
        self._ops: list[tuple[int, dict[str, str], bool]] = []

    def _decode(self, text: str) -> Any:
        return decode(text, types=self._types, blob=self._store.blob, frozen=True) if text else {}

    def initial(self) -> Fields:
        """Return the state before the first step."""
        return dict(self._decode(self._store.run(self._run_id).record.input))

    def at(self, step: int) -> Fields:
        """Return the state after ``step``, as its task left it; 0 is the input."""
        return resolved(self.fields_at(step))

    def fields_at(self, step: int) -> Fields:
        """Return the same with lists still to be folded."""
        if step == 0:
            return self.initial()
        rows = self._store.lineage(self._run_id, step)
        start = rows[0]
        fields = dict(self._decode(start.snapshot)) if start.snapshot else self.initial()
        for row in rows[1:] if start.snapshot else rows:
            self._apply(fields, row)
        return fields

    def gathered(self, row: StepRecord) -> Fields:
        """Return the state that a step's task was given, lists still to be folded."""
        fields = self.fields_at(row.base)
        self._gather(fields, row)
        return fields

    def states(self) -> Iterator[tuple[StepRecord, Fields]]:
        """Yield every step with the state after it, in commit order, in one pass over the rows."""
        seen: dict[int, Fields] = {0: self.initial()}
        waiting: dict[int, int] = {}
        for row in self._rows(waiting):
            fields = dict(self._decode(row.snapshot)) if row.snapshot else self._stepped(seen[row.base], row)
            seen[row.step] = fields
            waiting[row.base] -= 1
            if not waiting[row.base]:
                seen.pop(row.base, None)  # absent behind a pruned beginning
            if not waiting.get(row.step):
                del seen[row.step]
            yield row, fields

    def _rows(self, waiting: dict[int, int]) -> list[StepRecord]:
        rows = list(self._store.steps(self._run_id))
        for row in rows:
            waiting[row.base] = waiting.get(row.base, 0) + 1
        return rows

    def _stepped(self, before: Fields, row: StepRecord) -> Fields:
        fields = dict(before)
        self._apply(fields, row)
        return fields

    def _apply(self, fields: Fields, row: StepRecord) -> None:
        self._gather(fields, row)
        self._update(fields, row)

    def _gather(self, fields: Fields, row: StepRecord) -> None:
        if row.merged:
            known = self._decode(row.merged)["set"]
            self._fold(fields, loads(row.merged)["fold"], known)
            fields.update(known)

    def _fold(self, fields: Fields, steps: list[int], known: Container[str]) -> None:
        """Fold the updates of ``steps``; what the fold made of the fields in ``known`` stands beside it."""
        for step in steps:
            # Of a graph with a reducer of its own, what the fold made stands beside it, whole.
            if not self._reducers(step)[1]:
                self._update(fields, next(iter(self._store.steps(self._run_id, step, step))), known)

    def _update(self, fields: Fields, row: StepRecord, known: Container[str] = ()) -> None:
        if not (row.update or row.results):
            return
        reducers, whole = self._reducers(row.step)
        results = self._decode(row.results) if row.results else {}
        for name, operand in () if whole or not row.update else self._decode(row.update).items():
            if name not in results and name not in known:
                fold(fields, name, reducers.get(name, "set"), operand)
        fields.update(results)

    def _reducers(self, step: int) -> tuple[dict[str, str], bool]:
        """Return the fields' reducers by name as they were at ``step``, and whether the graph has its own."""
        if not self._ops:
            for first, _, text in self._store.descriptions(self._run_id):
                description = loads(text)
                named = {name: facts["reducer"] for name, facts in description.get("fields", {}).items()}
                self._ops.append((first, named, bool(description.get("reducer"))))
        return next(((named, whole) for first, named, whole in reversed(self._ops) if first <= step), ({}, False))

    def final(self, text: str) -> Fields:
        """Return the final state that a run's ``final`` text points to."""
        fields = self.fields_at(loads(text)["base"])
        known = self._decode(text)["set"]
        self._fold(fields, loads(text)["fold"], known)
        fields.update(known)
        return resolved(fields)


def fold(fields: Fields, name: str, reducer: str, operand: Any) -> None:
    """Fold one operand into ``fields`` by the reducer's name; a custom one leaves the field as it is."""
    known = BUILTINS.get(reducer)
    if reducer == "set":
        fields[name] = operand
    elif known is not None and known.lazy:
        before = fields.get(name)
        fields[name] = Folded(known, before if before is not None else [], operand)
    elif known is not None:
        fields[name] = shell(_folded(fields, name, known, operand))


def _folded(fields: Fields, name: str, reducer: Any, operand: Any) -> Any:
    if name in fields:
        return reducer.fold(settled(fields[name]), operand)
    return reducer.fold(reducer.identity(), operand) if reducer.identity else operand


def resolved(fields: Fields) -> Fields:
    """Return the fields with everything folded."""
    return {name: settled(value) for name, value in fields.items()}
