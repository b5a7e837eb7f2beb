"""Taking a stored run up again: its books, its recorder and its state, brought to today's graph.

Owns what a resume and a fork have in common. Decides nothing about how the run is then driven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from json import loads
from typing import Any

from nbgraph.engine.calls.book import Book, books_of
from nbgraph.engine.calls.recorder import Recorder, recorded_books
from nbgraph.engine.editing import Edit, Editor, fields_changed, migrated, misfit
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.merge import Merger
from nbgraph.engine.options import Options
from nbgraph.engine.restoring import Held, Restorer, names_of
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
    store: Store, lease: Lease, plan: Plan, merger: Merger, options: Options, migrations: Migrations,
    edit: Edit | None = None, borrowed: Mapping[str, Book] | None = None,
) -> TakenUp:  # fmt: skip
    """Bring the books to where the run stands; raises ``MigrationError`` where its state does not fit today's schema."""
    ledger, restorer = standing(store, lease, plan, merger, options)
    held = restorer.restore()
    editor = Editor(plan, merger, ledger)
    held = _on_todays_schema(store, lease, plan, merger, held, editor, migrations)
    if edit:
        held = editor.edit(held, edit)
    restorer.complete(held)
    recorder = Recorder(store, lease, options.clock, options.redact, merger.types, restored=True)
    if borrowed:
        recorder.borrow(borrowed)
    return TakenUp(ledger, recorder)


def _on_todays_schema(
    store: Store, lease: Lease, plan: Plan, merger: Merger, held: Held, editor: Editor, migrations: Migrations
) -> Held:
    """Follow today's graph from here on; bring the state to its schema where that changed."""
    followed = [entry for entry in store.descriptions(lease.run_id) if entry[0] <= max(held.step, 1)]
    before = followed[-1] if followed else None
    changed = before is not None and fields_changed(plan, before[2])
    state = merger.state(held.after) if changed else {}
    problem = misfit(state, plan.schema)
    if changed and migrations:
        editor.check_alone(held)
        state = migrated(state, migrations, plan.schema)
    elif problem is not None:
        raise problem
    if store.descriptions(lease.run_id)[-1][1] != plan.fingerprint:
        store.redescribe(lease, plan.fingerprint, plan.description)
    return editor.migrate(held, state) if changed and migrations else held


def borrowed_from(store: Store, origin: Origin) -> dict[str, Book]:
    """Return the calls of a fork's origin that may answer the fork's: of every task, those that its result came from.

    Questions are not among them: a fork asks again what lies after its point.
    """
    books: dict[str, Book] = {}
    step: int | None = None
    at: Origin | None = origin
    while at is not None:
        found = _all_books(store, at.run_id, step)
        books = {**found, **books}
        step, at = at.step, store.origin(at.run_id)
    return books


def _all_books(store: Store, run_id: str, upto: int | None) -> dict[str, Book]:
    lines = [line for line in store.calls(run_id) if line.phase in _SERVE]
    used = {row.task: set(loads(row.facts).get("calls", ())) for row in store.steps(run_id, 1, upto) if row.facts}
    books = {**recorded_books(store, run_id), **books_of(_used(lines, used), run_id)}
    return {task: _served_only(book, run_id) for task, book in books.items()}


def _used(lines: Iterable[CallRecord], used: Mapping[str, set[int]]) -> Iterable[CallRecord]:
    return (line for line in lines if line.seq in used.get(line.task, ()))


def _served_only(book: Book, run_id: str) -> Book:
    calls = {name: past._replace(run_id=run_id) for name, past in book.calls.items() if past.phase in _SERVE}
    return Book(calls, book.nows)
