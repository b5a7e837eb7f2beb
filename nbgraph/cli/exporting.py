"""``export``: one run as JSON for people and programs, or as a store of its own.

Owns the keys of the JSON forms, and that nothing is overwritten unasked or left half written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from json import loads
from pathlib import Path
from typing import Any

import click

from nbgraph.cli.looking import run_of, state_at
from nbgraph.cli.opening import reading
from nbgraph.cli.plain import error_of, moment, plain, text_of
from nbgraph.cli.reply import Reply, with_json
from nbgraph.cli.screen import safe
from nbgraph.codec import decode
from nbgraph.engine.engine import open_run
from nbgraph.errors import StoreError, StoreReadOnly
from nbgraph.store import CallRecord, EventRecord, StepRecord, Store
from nbgraph.store.copying import calls_of, copy_run, parts_of

_FORMAT = 1


@click.command()
@click.argument("file")
@click.argument("run")
@click.option("-o", "--output", help="Where to write; else JSON goes to stdout.")
@click.option("--format", "form", type=click.Choice(["json", "jsonl", "sqlite"]), default="json", show_default=True)
@click.option("--force", is_flag=True, help="Overwrite OUTPUT.")
@with_json
def export(file: str, run: str, output: str | None, form: str, force: bool) -> Reply:
    """Write RUN out: json (one document), jsonl (a line a part), sqlite (a store that holds this run alone).

    Values in JSON are for reading: tuples are lists, dates are text. The sqlite form keeps all; of a fork it also
    holds the shared steps, under the id of the run that it was forked from.
    """
    if output is None:
        if form != "json":
            raise click.UsageError(f"--format {form} needs -o OUTPUT")
        with reading(file) as store:
            found = document(store, run)
        return Reply(found, [text_of(found)])
    with reading(file) as store:
        store.run(run)
        target = _free(output, store.name, force=force)
        _write(target, lambda draft: _fill(store, run, form, draft), force=force)
    told = {"file": store.name, "run_id": run, "output": str(target), "format": form, "bytes": target.stat().st_size}
    return Reply(told, [safe(f"run {run} is in {target} ({form}, {told['bytes']:,} bytes)")])


def document(store: Store, run_id: str) -> dict[str, Any]:
    """Return a run as one JSON document: run, input, state, steps, calls, answers, events."""
    head, *parts = pieces(store, run_id)
    found: dict[str, Any] = {**head, "steps": [], "calls": [], "answers": [], "events": []}
    for part in parts:
        found[f"{part.pop('part')}s"].append(part)
    found.pop("part")
    return found


def pieces(store: Store, run_id: str) -> Iterator[dict[str, Any]]:
    """Yield a run as JSON objects, each with its ``part``: the run, then every step, call, answer and event."""
    run, origin = open_run(store, run_id), store.origin(run_id)
    error = run.error
    yield {
        "part": "run", "nbgraph_export": _FORMAT, "run": run_of(store.run(run_id)),
        "origin": None if origin is None else {"run_id": origin.run_id, "step": origin.step},
        "input": state_at(run, 0), "state": state_at(run, None), "error": None if error is None else error_of(error),
    }  # fmt: skip
    for row in store.steps(run_id):
        yield {"part": "step", **_step(row, store)}
    parts = parts_of(store, run_id)
    for part in parts:
        for line in calls_of(store, part, whole=part is parts[-1]):
            yield {"part": "call", "run_id": part.run_id, **_call(line, store)}
    for one in store.answers(run_id):
        yield {
            "part": "answer", "question": f"{run_id}/{one.seq}", "time": moment(one.time), "value": loads(one.value),
            "by": one.by,
        }  # fmt: skip
    for event in store.events(run_id):
        yield {"part": "event", **_event(event)}


def _value(text: str, store: Store) -> Any:
    return plain(decode(text, blob=store.blob)) if text else {}


def _step(row: StepRecord, store: Store) -> dict[str, Any]:
    facts, merged = loads(row.facts or "{}"), loads(row.merged or "{}")
    return {
        "step": row.step, "node": row.node, "task": row.task, "status": row.status, "attempts": row.attempts,
        "started": moment(facts.get("started")), "seconds": facts.get("seconds"),
        "parents": [step for step, _ in loads(row.parents or "[]")],
        "update": _value(row.update, store), "results": _value(row.results, store), "folded": merged.get("fold", []),
        "gathered": _value(row.merged, store).get("set", {}),
        "ways": [{"edge": way[0], "node": way[1], "fields": (*way[2:], None)[0]} for way in _value(row.arrivals, store)],
        "calls": facts.get("calls", []), "key": row.key,
    }  # fmt: skip


def _call(line: CallRecord, store: Store) -> dict[str, Any]:
    return {
        "seq": line.seq, "node": line.node, "task": line.task, "attempt": line.attempt, "name": line.name,
        "phase": line.phase, "time": moment(line.time), "request": line.request, "data": _value(line.data, store),
    }  # fmt: skip


def _event(event: EventRecord) -> dict[str, Any]:
    return {
        "seq": event.seq, "step": event.step, "kind": event.kind, "node": event.node, "task": event.task,
        "time": moment(event.time), "data": plain(loads(event.data or "{}")),
    }  # fmt: skip


def _fill(store: Store, run_id: str, form: str, draft: str) -> None:
    if form == "sqlite":
        Path(draft).unlink()
        copy_run(store, run_id, draft)
        return
    with Path(draft).open("w", encoding="ascii", newline="\n") as out:
        parts = pieces(store, run_id) if form == "jsonl" else [document(store, run_id)]
        out.writelines(f"{text_of(part)}\n" for part in parts)


def _free(output: str, source: str, *, force: bool) -> Path:
    """Return where to write; raises ``StoreError`` where something is that must not be lost."""
    target, name = Path(output), repr(output)
    if target.exists() and target.samefile(source):
        raise _refused(f"{name} is the store itself", "choose another output", output)
    if Path(f"{output}-wal").exists():
        raise _refused(f"{name} is a database in use", "close what holds it, or choose another output", output)
    if target.is_dir() or (os.path.lexists(output) and not force):
        raise _refused(f"{name} exists", "choose another output, or give --force", output)
    return target


def _refused(message: str, todo: str, output: str) -> StoreError:
    return StoreError(message, still="nothing was written", todo=todo, file=output)


def _write(target: Path, fill: Callable[[str], None], *, force: bool) -> None:
    """Fill a draft beside ``target`` and give it its name when it is whole."""
    try:
        handle, draft = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
        os.close(handle)
        try:
            fill(draft)
            _publish(Path(draft), target, force=force)
        finally:
            with suppress(OSError):
                Path(draft).unlink()
    except OSError as error:
        message = f"{str(target)!r} cannot be written: {error.strerror or error}"
        todo = "check that the folder exists and can be written"
        raise StoreReadOnly(message, still="nothing was written", todo=todo, file=str(target)) from error


def _publish(draft: Path, target: Path, *, force: bool) -> None:
    if force:
        draft.replace(target)
        return
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise _refused(f"{str(target)!r} exists", "choose another output, or give --force", str(target)) from None
    except OSError:  # a file system without hard links
        draft.rename(target)
