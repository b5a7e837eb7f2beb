"""Taking a stored run up again: its books, its recorder and its state, brought to today's graph.

Owns what a resume and a fork have in common. Decides nothing about how the run is then driven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from json import loads
from typing import Any

from nbgraph.engine.budgets import meter_of
from nbgraph.engine.calls.book import Book, books_of
from nbgraph.engine.calls.recorder import Recorder, recorded_books
from nbgraph.engine.editing import Edit, Editor, fields_changed, migrated, misfit
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Merger
from nbgraph.engine.options import Options
from nbgraph.engine.restoring import Held, Restorer, names_of, other_reducers
from nbgraph.errors import RunNotFound
from nbgraph.graph.plan import Plan
from nbgraph.ids import RunId
from nbgraph.store.protocol import CallRecord, Lease, Origin, Store

Migrations = list[Callable[[dict[str, Any]], Any]]
_SERVE = ("returned", "raised")


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A run that can be driven."""

    ledger: Ledger
    recorder: Recorder


def standing(store: Store, lease: Lease, plan: Plan, merger: Merger, options: Options) -> tuple[Ledger, Restorer]:
    """Return empty books for a run that exists, and what fills them."""
    descriptions = [text for _, _, text in store.descriptions(lease.run_id)]
    ledger = Ledger(store, lease, plan, merger, options.clock, names_of(plan, descriptions))
    return ledger, Restorer(store, RunId(lease.run_id), plan, merger, ledger)


def take_up(
    store: Store, lease: Lease, plan: Plan, merger: Merger, options: Options, *, migrations: Migrations,
    note: Callable[[Ledger], None], edit: Edit | None = None,
) -> TakenUp:  # fmt: skip
    """Bring the books to where the run stands; raises ``MigrationError`` where its state does not fit today's schema.

    ``note`` notes in the books why: with a fork's edit if there is one, so that both are kept or neither.
    """
    ledger, restorer = standing(store, lease, plan, merger, options)
    held = restorer.restore()
    before = _followed(store, lease.run_id, held.step)
    editor = Editor(plan, merger, ledger, before)
    held = _on_todays_schema(store, lease, plan, merger, held, editor, migrations, before)
    note(ledger)
    if edit is not None:  # a fork
        held = editor.edit(held, edit) if edit else editor.turn(held)
    restorer.complete(held)
    meter = meter_of(options, store, lease.run_id)
    return TakenUp(ledger, Recorder(store, lease, options.clock, options.redact, merger.types, meter, restored=True))


def _followed(store: Store, run_id: str, step: int) -> str:
    """Return the description of the graph that the run followed at its last ``step``."""
    origin = store.origin(run_id) if step == 0 else None
    while origin is not None:  # nothing is shared but the input, which is the first one's
        run_id, origin = origin.run_id, store.origin(origin.run_id)
    descriptions = store.descriptions(run_id)
    return next((text for first, _, text in reversed(descriptions) if first <= step), descriptions[0][2])


def _on_todays_schema(
    store: Store, lease: Lease, plan: Plan, merger: Merger, held: Held, editor: Editor, migrations: Migrations,
    before: str,
) -> Held:  # fmt: skip
    """Follow today's graph from here on; bring the state to its schema where that changed since ``before``."""
    changed = fields_changed(plan, before)
    state = merger.state(held.after) if changed else {}
    problem = misfit(state, plan.schema)
    if changed and held.task is not None and other_reducers(plan, loads(before)) & loads(before)["fields"].keys():
        editor.check_alone(held)  # what branches wrote under another reducer could not be merged
    if changed and migrations:
        editor.check_alone(held)
        state = migrated(state, migrations, plan.schema)
    elif problem is not None:
        problem.facts["run_id"] = lease.run_id
        raise problem
    if store.descriptions(lease.run_id)[-1][1] != plan.fingerprint:
        store.redescribe(lease, plan.fingerprint, plan.description)
    return editor.migrate(held, state) if changed and migrations else held


def borrowed_from(store: Store, origin: Origin) -> dict[str, Book]:
    """Return the calls of a fork's origin that may answer the fork's: of every task, those that its result came from.

    Questions are not among them: a fork asks again what lies after its point.
    """
    books = _all_books(store, origin.run_id, None)
    at = store.origin(origin.run_id)
    while at is not None:  # of those that the origin comes from, what it shares with them
        books = {**_all_books(store, at.run_id, at.step), **books}
        at = store.origin(at.run_id)
    return books


def still_borrowed(store: Store, run_id: str) -> dict[str, Book] | None:
    """Return what a fork that is resumed may borrow: what it might when it was made. None for other runs."""
    origin = store.origin(run_id)
    made = next((event for event in store.events(run_id) if event.kind == "run.forked"), None) if origin else None
    reuse = made is not None and loads(made.data).get("reuse_calls")
    return borrowed_from(store, origin) if origin is not None and reuse else None


def began(store: Store, run_id: str) -> bool:
    """Say whether a run began: a fork does with its first commit, which keeps what was asked of it."""
    return store.origin(run_id) is None or any(event.kind == "run.forked" for event in store.events(run_id))


def never_began(run_id: str, file: str) -> RunNotFound:
    """Return the error for a fork whose process died before what was asked of it was kept."""
    return RunNotFound(
        f"run {run_id!r} is a fork that never began: its process died before the edit was kept",
        still="nothing of it was executed, and its origin was not written",
        todo=f"fork again; new_id={run_id!r} may be used for that",
        file=file,
        run_id=run_id,
    )


def _all_books(store: Store, run_id: str, upto: int | None) -> dict[str, Book]:
    lines = store.calls(run_id)
    used = {row.task: set(loads(row.facts).get("calls", ())) for row in store.steps(run_id, 1, upto) if row.facts}
    books = {**recorded_books(store, run_id), **books_of(_used(lines, used), run_id)}
    return {task: _served_only(book, run_id) for task, book in books.items()}


def _used(lines: Iterable[CallRecord], used: Mapping[str, set[int]]) -> Iterator[CallRecord]:
    """Yield the lines that ended a call which its task's result came from, each behind the line that began it."""
    begun: dict[tuple[str, str], CallRecord] = {}
    for line in lines:
        if line.phase == "started":
            begun[line.task, line.name] = line
        elif line.phase in _SERVE and line.seq in used.get(line.task, ()):
            beginning = begun.pop((line.task, line.name), None)
            yield from (line,) if beginning is None else (beginning, line)


def _served_only(book: Book, run_id: str) -> Book:
    calls = {name: past._replace(run_id=run_id) for name, past in book.calls.items() if past.phase in _SERVE}
    return Book(calls, book.nows)
