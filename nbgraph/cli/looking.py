"""``runs``, ``show``, ``tasks``, ``calls``: what is in a file. No code of nodes runs, nothing is written.

Owns the words and the keys of these verbs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from nbgraph.cli.opening import reading
from nbgraph.cli.plain import error_of, moment, plain
from nbgraph.cli.reply import Reply, with_json
from nbgraph.cli.screen import cell, columns_of, error_lines, fields_of, safe
from nbgraph.cli.tables import rows_of
from nbgraph.engine.engine import open_run
from nbgraph.engine.inbox import inbox
from nbgraph.engine.run import Run
from nbgraph.errors import CodecError, NbgraphError
from nbgraph.store import RunRow, SqliteStore

STATUSES = ("running", "paused", "waiting", "completed", "failed", "cancelled", "interrupted")
_ENDED = ("completed", "cancelled")
_RUNS = ("run_id", "graph", "status", "steps", "created", "seed", "holder")
_TASKS = ("step", "node", "status", "attempts", "started", "seconds", "parents", "task")
_CALLS = ("seq", "node", "call", "status", "seconds", "reused", "asked", "response", "error")
QUESTIONS = ("question", "node", "prompt", "answer", "asked", "deadline")


@click.command()
@click.argument("file")
@click.option("--status", type=click.Choice(STATUSES), help="Only runs of this status.")
@click.option("--graph", help="Only runs of the graph of this name.")
@with_json
def runs(file: str, status: str | None, graph: str | None) -> Reply:
    """List the runs in FILE, oldest first."""
    with reading(file) as store:
        found = [run_of(row) for row in store.runs()]
    kept = [run for run in found if status in (None, run["status"]) and graph in (None, run["graph"])]
    return Reply({"file": store.name, "runs": kept}, columns_of(kept, _RUNS) or ["no runs"])


def run_of(row: RunRow) -> dict[str, Any]:
    """Return a run as data."""
    record = row.record
    return {
        "run_id": record.run_id, "graph": record.graph, "status": row.standing, "steps": row.steps,
        "created": moment(record.created), "updated": moment(row.updated), "seed": record.seed,
        "holder": row.holder or None,
    }  # fmt: skip


@click.command()
@click.argument("file")
@click.argument("run")
@click.option("--step", type=click.IntRange(min=0), help="The state after this step, 0 for the input.")
@with_json
def show(file: str, run: str, step: int | None) -> Reply:
    """Show RUN: its status, input, state, error and open questions."""
    with reading(file) as store:
        opened, row, origin = open_run(store, run), run_of(store.run(run)), store.origin(run)
        error = opened.error
        found = {
            "run": {**row, "origin": None if origin is None else {"run_id": origin.run_id, "step": origin.step}},
            "input": state_at(opened, 0),
            "step": row["steps"] if step is None else step,
            "state": state_at(opened, step),
            "error": None if error is None else error_of(error),
            "questions": _questions(store, run) if row["status"] not in _ENDED else [],
        }
    return Reply(found, list(_shown(found, final=step is None)))


def state_at(run: Run, step: int | None) -> Any:
    """Return the state after ``step``, None for the last one, as data; raises ``CodecError`` where only code could tell."""
    try:
        return plain(dict(run.state if step is None else run.at(step).state))
    except NbgraphError:
        raise
    except Exception as error:  # reducers that work on classes of the graph raise what they like on records
        raise CodecError(
            f"the state of run {run.id!r} cannot be put together without the classes in it: {error}",
            still="its tasks and calls can be listed, its steps exported",
            todo=f"in Python: ng.Engine(graph, store=...).open({run.id!r}).state",
            run_id=run.id,
        ) from error


def _questions(store: SqliteStore, run: str) -> list[dict[str, Any]]:
    frame = inbox(store)
    return rows_of(frame[frame["run_id"] == run])


def _shown(found: Mapping[str, Any], *, final: bool) -> Sequence[str]:
    run, error = found["run"], found["error"]
    came = run["origin"]
    lines = [f"run {safe(run['run_id'])} of graph {safe(run['graph'])}: {run['status']}, {run['steps']} steps"]
    lines += [f"created {cell(run['created'])} UTC, seed {run['seed']}"]
    lines += [f"driven by {safe(run['holder'])}"] if run["holder"] else []
    lines += [f"a fork of {safe(came['run_id'])} at step {came['step']}"] if came else []
    lines += ["input:", *fields_of(found["input"])]
    where = "state" if final else f"state after step {found['step']}"
    lines += [f"{where}:", *fields_of(found["state"])]
    lines += ["error:", *(f"  {line}" for line in error_lines(error))] if error else []
    asked = columns_of(found["questions"], QUESTIONS)
    return lines + (["open questions:", *(f"  {line}" for line in asked)] if asked else [])


@click.command()
@click.argument("file")
@click.argument("run")
@with_json
def tasks(file: str, run: str) -> Reply:
    """List the tasks of RUN in commit order, then those that failed."""
    with reading(file) as store:
        found = rows_of(open_run(store, run).tasks)
    shown = [{**row, "task": row["task"][:12]} for row in found]
    return Reply({"run_id": run, "tasks": found}, columns_of(shown, _TASKS) or ["no tasks"])


@click.command()
@click.argument("file")
@click.argument("run")
@with_json
def calls(file: str, run: str) -> Reply:
    """List the recorded calls and questions of RUN. Of a fork, its own; those before it are its origin's."""
    with reading(file) as store:
        found = rows_of(open_run(store, run).calls)
    return Reply({"run_id": run, "calls": found}, columns_of(found, _CALLS) or ["no calls"])
