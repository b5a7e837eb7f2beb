"""Changing the state of a run by hand: a fork's edit, or a migration to today's schema, as a row of its own.

Owns what an edit may be and what its row says. The row stands behind the step whose state it changes; what
comes next sees the changed state, and edges decide by it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from json import loads
from typing import Any

from nbgraph.engine.attempt import asked
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Kept, Merger
from nbgraph.engine.record import facts_text, kept_text, mark_text, ways_text
from nbgraph.engine.restoring import Held
from nbgraph.engine.routing import Way, ways_on
from nbgraph.engine.task import Lineage, Task
from nbgraph.errors import ConflictError, MigrationError, NbgraphError, StateError
from nbgraph.graph.plan import Plan
from nbgraph.graph.schema import Schema, TypeProblem
from nbgraph.ids import StepNo, root_id, task_id
from nbgraph.store.protocol import StepRecord


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person changes: ``update`` goes through the reducers, ``state`` replaces fields."""

    update: Mapping[str, Any] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.update or self.state)

    def check(self, schema: Schema) -> None:
        """Raise ``StateError`` for a field that the state does not have, or a value of the wrong type."""
        for what, given in (("update", self.update), ("state", self.state)):
            if not isinstance(given, Mapping):
                raise StateError(
                    f"{what}= is a {type(given).__name__}, not a mapping of fields",
                    still="nothing was changed",
                    todo=f"pass {what}={{field: value}}",
                    expected="dict",
                    actual=type(given).__name__,
                )
        for name, value in self.update.items():
            _checked(schema, name, value, whole=False)
        for name, value in self.state.items():
            _checked(schema, name, value, whole=True)
        both = sorted(self.update.keys() & self.state.keys())
        if both:
            raise StateError(
                f"field {both[0]!r} is both in update= and in state=",
                still="nothing was changed",
                todo="choose one",
                field=both[0],
            )


def _checked(schema: Schema, name: str, value: Any, *, whole: bool) -> None:
    spec = schema.find(name)
    if spec is None:
        nearest = schema.nearest(str(name))
        raise StateError(
            f"the edit has a field {name!r} that the state does not have"
            + (f"; did you mean {nearest!r}?" if nearest else ""),
            still="nothing was changed",
            todo="edit a field of the state",
            field=str(name),
            expected=nearest,
        )
    try:
        (spec.check_value if whole else spec.check)(value)
    except TypeProblem as problem:
        raise StateError(
            f"the edit's {name}{problem.path} should be {problem.expected}, not {problem.actual}",
            still="nothing was changed",
            todo="update= takes what a node returns, state= the field's whole value",
            field=name,
            path=f"{name}{problem.path}",
            expected=problem.expected,
            actual=problem.actual,
        ) from None


class Editor:
    """Writes edits into a run whose last row has been taken in and not completed."""

    def __init__(self, plan: Plan, merger: Merger, ledger: Ledger, recorded: str | None) -> None:
        """Take ``recorded``: the description of the graph that the run followed at its last row."""
        self._plan, self._merger, self._ledger, self._recorded = plan, merger, ledger, recorded

    def turn(self, held: Held) -> Held:
        """Let today's edges decide where the last task of a shared past leads, if edges did; a row says so if it differs."""
        try:
            ways = self._ways(held)
        except NbgraphError:
            raise
        except Exception as error:
            raise _refused_by(error, held) from error
        if _targets(ways) == _targets(held.ways):
            return held
        return self.edit(held, Edit())

    def edit(self, held: Held, edit: Edit) -> Held:
        """Change the state after the last step; the ways on are decided again where edges decided them."""
        self._refuse_beside_others(held, edit)
        update = {name: self._merger.keep(name, value) for name, value in edit.update.items()}
        values = {name: self._merger.keep(name, value) for name, value in edit.state.items()}
        self._refuse_conflicts(held, {**update, **values})
        step = StepNo(held.step + 1)
        try:
            results = {**self._merger.write(held.after, update), **values}
            self._merger.put(held.after, values)
            ways = self._ways(held)
        except NbgraphError:
            raise
        except Exception as error:
            raise _refused_by(error, held) from error
        self._ledger.edited(held.task, held.after, step, {**update, **values})
        self._ledger.append(self._row("edited", held, step, update, results, ways, replaced=sorted(values)))
        return held._replace(step=step, ways=ways)

    def _refuse_conflicts(self, held: Held, written: Mapping[str, Kept]) -> None:
        """Refuse to write a field without reducer that a branch beside this one has written."""
        if held.task is None:
            return
        for name, first, second in self._ledger.edit_conflicts(held.task, held.after, written):
            other = first if second.task == held.task.id else second
            raise ConflictError(
                f"the edit at step {held.step} writes field {name!r}, which has no reducer and which node "
                f"{other.node!r}, beside {held.task.node.name!r}, has written too",
                still="nothing was changed",
                todo='fork before the two part or behind where they meet, or pass conflicts="last"',
                field=name,
                step=held.step,
                nodes=(first.node, second.node),
                values=(first.value, second.value),
            )

    def _refuse_beside_others(self, held: Held, edit: Edit) -> None:
        """Refuse to replace a field that other branches are about to merge their updates into."""
        if held.task is None or not (self._ledger.frontier.alive > 1 or self._ledger.frontier.pending):
            return
        whole = self._plan.reducer is not None
        merged = next((name for name in edit.state if whole or self._merger.spec(name).reducer.name != "set"), None)
        if merged is not None:
            raise StateError(
                f"field {merged!r} cannot be replaced at step {held.step}: other branches are under way there, and what "
                "they return is merged into it",
                still="nothing was changed",
                todo="pass it in update=, which goes through its reducer, or fork where one task alone is alive",
                field=merged,
                step=held.step,
            )

    def _ways(self, held: Held) -> list[Way]:
        if held.task is None or not (_by_edges(held) or self._had_no_way_on(held.task)):
            return held.ways
        return ways_on(self._plan, held.task.node, None, partial(asked, held.after, self._plan.schema))

    def _had_no_way_on(self, task: Task) -> bool:
        """Say whether the branch ended there only because the graph, as it was, had nothing behind the node."""
        name = self._ledger.frontier.names.get(task.node.name, task.node.name)
        return self._recorded is not None and all(edge["from"] != name for edge in loads(self._recorded)["edges"])

    def check_alone(self, held: Held) -> None:
        """Raise ``MigrationError`` where the state lies in more than one task, or none has run yet."""
        if held.task is not None and self._ledger.frontier.alone():
            return
        raise MigrationError(
            f"run {self._ledger.run_id!r} cannot be migrated at step {held.step}: "
            + ("it has no step yet" if held.task is None else "it has several tasks under way")
            + ", and the state's fields are others today",
            still="the run was not touched",
            todo="fork it at a step where one task alone is alive, or start a new run",
            run_id=self._ledger.run_id,
            step=held.step,
        )

    def migrate(self, held: Held, state: Mapping[str, Any]) -> Held:
        """Replace the whole state by one that fits today's schema; ``check_alone`` has been asked."""
        assert held.task is not None  # noqa: S101 - see check_alone
        values = {name: self._merger.keep(name, value) for name, value in state.items()}
        lineage = Lineage({}, private=held.after.private, errors=held.after.errors)
        self._merger.put(lineage, values)
        lineage.cost = 0
        step = StepNo(held.step + 1)
        row = self._row("migrated", held, step, {}, values, held.ways)
        self._ledger.append(row._replace(
            snapshot=kept_text(values) or "{}",
            mark=mark_text(held.task.path, lineage, self._merger, self._ledger.events),
        ))  # fmt: skip
        return held._replace(after=lineage, step=step)

    def _row(
        self,
        status: str,
        held: Held,
        step: StepNo,
        update: Mapping[str, Kept],
        results: Mapping[str, Kept],
        ways: list[Way],
        **facts: Any,
    ) -> StepRecord:
        of = root_id(self._plan.name) if held.task is None else held.task.id
        node = "" if held.task is None else held.task.node.name
        identity = task_id([(of, f"{status}/{step}")], node)
        written, arrivals = kept_text(update), ways_text(ways, self._merger)
        facts = {"of": of, "fields": sorted({*update, *results}), "started": self._ledger.now(), **facts}
        key = sha256(f"{self._ledger.run_id}\n{identity}\n{written}\n{arrivals}".encode("utf-8", "surrogatepass"))
        return StepRecord(
            step, identity, node, status, 1, held.step, f'[[{held.step},"{status}"]]', written, kept_text(results), "",
            arrivals, "", "", facts_text(facts), key.hexdigest(),
        )  # fmt: skip


def _refused_by(error: Exception, held: Held) -> StateError:
    """Return the error of a fork whose state a reducer, or a predicate on the ways on, does not take."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, TypeProblem):
        said = f"a reducer made {error.actual} of it, where the field{error.path} should be {error.expected}"
    return StateError(
        f"a fork at step {held.step} cannot go on from there: {said}",
        still="nothing was changed",
        todo="let the state be one that the graph's reducers and predicates can work with, or mend these",
        step=held.step,
    )


def _by_edges(held: Held) -> bool:
    """Say whether edges, not a route of the node's own or a failure, decided where the task went."""
    assert held.task is not None  # noqa: S101 - the caller asked
    return bool(held.ways) and all(way.edge[:1] == "e" for way in held.ways)


def _targets(ways: list[Way]) -> list[tuple[str, str]]:
    return [(way.edge, way.target) for way in ways]


def migrated(
    state: dict[str, Any], migrations: list[Callable[[dict[str, Any]], Any]], schema: Schema
) -> dict[str, Any]:
    """Return a state brought to today's schema; raises ``MigrationError`` where it still does not fit."""
    for migration in migrations:
        try:
            given = migration(dict(state))
        except Exception as error:
            name = getattr(migration, "__name__", "a migration")
            raise MigrationError(
                f"the migration {name} raised {type(error).__name__}: {error}",
                still="the run was not touched",
                todo="mend the migration and resume",
            ) from error
        if not isinstance(given, Mapping):
            name = getattr(migration, "__name__", "a migration")
            raise MigrationError(
                f"the migration {name} returned a {type(given).__name__}, not a dict of fields",
                still="the run was not touched",
                todo="let it return the whole new state as a dict",
                expected="dict",
                actual=type(given).__name__,
            )
        state = dict(given)
    problem = misfit(state, schema)
    if problem is not None:
        raise problem
    return state


def misfit(state: Mapping[str, Any], schema: Schema) -> MigrationError | None:
    """Return how a state does not fit a schema, None if it does."""
    for name, value in state.items():
        spec = schema.find(name)
        if spec is None:
            return _misfit(name, f"field {name!r} is in the recorded state and not in today's schema", "")
        try:
            spec.check_value(value)
        except TypeProblem as found:
            said = f"the recorded {name}{found.path} is {found.actual}; today's schema wants {found.expected}"
            return _misfit(name, said, found.expected)
    return None


def _misfit(name: str, said: str, expected: str) -> MigrationError:
    return MigrationError(
        said,
        still="the run was not touched",
        todo="register a migration: @graph.migration, a function that gets the old state as a dict and returns the new",
        field=name,
        expected=expected,
    )


def fields_changed(plan: Plan, description: str) -> bool:
    """Say whether the state's fields are others than those of a stored description."""
    recorded, today = loads(description), loads(plan.description)
    return any(recorded.get(part) != today.get(part) for part in ("fields", "reducer"))
