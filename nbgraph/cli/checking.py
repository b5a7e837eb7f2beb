"""``diff``, ``replay``, ``verify``: is it the same, does it still do that, is it whole. Exit code 1 says no.

Owns the words and the keys of these verbs. Nothing is written; ``replay`` runs the nodes' code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import click

from nbgraph.analysis import ABSENT, Diff, Difference
from nbgraph.cli.loading import GRAPH, engine_of
from nbgraph.cli.opening import reading
from nbgraph.cli.plain import error_of, plain
from nbgraph.cli.reply import FAILED, FINE, NO, Reply, with_json
from nbgraph.cli.screen import columns_of, error_lines, safe
from nbgraph.engine.engine import Engine, open_run
from nbgraph.errors import MissingCallError, NbgraphError, ReplayMismatchError, StoreCorrupt

_DIFFERENCES = ("node", "step_left", "step_right", "what", "field", "left", "right")
_FACTS = ("step", "node", "task", "field", "expected", "actual")


@click.command()
@click.argument("file")
@click.argument("run")
@click.argument("other")
@click.option("--other-file", help="Where OTHER is, if not in FILE.")
@with_json
def diff(file: str, run: str, other: str, other_file: str | None) -> Reply:
    """Compare RUN with OTHER. Exit code 0: they did the same, 1: they differ."""
    with reading(file) as store, reading(other_file) if other_file else nullcontext(store) as second:
        found = open_run(store, run).diff(open_run(second, other))
    if run == other and other_file:
        found = replace(found, left=_named(found, file), right=replace(found.right, name=f"{other} in {other_file}"))
    rows = [_difference(each) for each in found.differences]
    summary = [safe(line) for line in found.summary.splitlines()]
    document = {"left": run, "right": other, "same": found.same, "summary": found.summary, "differences": rows}
    return Reply(document, [*summary, *columns_of(rows, _DIFFERENCES)], FINE if found.same else NO)


def _named(found: Diff, file: str) -> Any:
    return replace(found.left, name=f"{found.left.name} in {file}")


def _difference(each: Difference) -> dict[str, Any]:
    sides = {"left": each.left, "right": each.right}
    missing = [name for name, value in sides.items() if value is ABSENT]
    return {
        "task": each.task, "node": each.node, "step_left": each.step_left, "step_right": each.step_right,
        "what": each.what, "field": each.field,
        **{name: None if value is ABSENT else plain(value) for name, value in sides.items()},
        "missing": missing[0] if missing else None,
    }  # fmt: skip


@click.command()
@click.argument("file")
@click.argument("run", required=False)
@click.option("--graph", required=True, help=GRAPH)
@click.option("--all", "everything", is_flag=True, help="Every difference of a run, not only the first.")
@with_json
def replay(file: str, run: str | None, graph: str, everything: bool) -> Reply:
    """Run the nodes of RUN again, on what was recorded, and compare. Without RUN: all runs of the graph.

    Imports and runs the code of --graph; calls, clock and answers come from FILE, nothing is called or written.
    What code prints goes to stderr. Exit code 0: the code still does what was recorded, 1: it does not.
    """
    with reading(file) as store, engine_of(graph, store) as engine:
        name = engine.plan.name
        chosen = [run] if run else [row.record.run_id for row in store.runs() if row.record.graph == name]
        found = [_replayed(engine, run_id, strict=not everything) for run_id in chosen]
    if run and found[0]["error"] is not None:
        return Reply({"error": found[0]["error"]}, (), FAILED)
    code = max((_code(each) for each in found), default=FINE)
    lines = [line for each in found for line in _told(each)]
    return Reply({"graph": name, "ok": code == FINE, "runs": found}, lines or [f"no runs of graph {safe(name)}"], code)


def _replayed(engine: Engine, run_id: str, *, strict: bool) -> dict[str, Any]:
    problems: Sequence[NbgraphError] = ()
    found = {
        "run_id": run_id,
        "ok": False,
        "tasks": None,
        "skipped": None,
        "calls": None,
        "saved": None,
        "mismatches": [],
        "error": None,
    }
    try:
        report = engine.replay(run_id, strict=strict)
        found |= {"tasks": report.tasks, "skipped": len(report.skipped), "calls": report.calls}
        found["saved"] = None if report.saved.is_nan() else f"{report.saved:f}"
        problems = report.problems
    except (ReplayMismatchError, MissingCallError) as error:
        problems = [error]
    except NbgraphError as error:
        return {**found, "error": error_of(error)}
    return {**found, "ok": not problems, "mismatches": [_mismatch(problem) for problem in problems]}


def _mismatch(error: NbgraphError) -> dict[str, Any]:
    return {**error_of(error), **{name: plain(getattr(error, name)) for name in _FACTS}}


def _code(each: Mapping[str, Any]) -> int:
    return FAILED if each["error"] else FINE if each["ok"] else NO


def _told(each: Mapping[str, Any]) -> Iterator[str]:
    name = safe(each["run_id"])
    if each["ok"]:
        left = f", {each['skipped']} not run again" if each["skipped"] else ""
        saved = f", ${each['saved']} saved" if each["saved"] not in (None, "0") else ""
        yield f"{name}: no difference ({each['tasks']} tasks, {each['calls']} calls from the record{saved}{left})"
        return
    yield f"{name}: {'could not be replayed' if each['error'] else 'differs'}"
    for error in [each["error"]] if each["error"] else each["mismatches"]:
        yield from (f"  {line}" for line in error_lines(error))


@click.command()
@click.argument("file")
@with_json
def verify(file: str) -> Reply:
    """Check every byte of FILE that matters. Exit code 0: all is well, 1: it is damaged."""
    runs = steps = 0
    name, findings = file, []
    try:
        with reading(file) as store:
            name, findings = store.name, list(store.verify())
            if not findings:
                rows = store.runs()
                runs, steps = len(rows), sum(row.steps for row in rows)
    except StoreCorrupt as error:
        findings.append(error.message)
    document = {"file": name, "ok": not findings, "runs": runs, "steps": steps, "findings": findings}
    if findings:
        told = f"{safe(name)}: damaged, {len(findings)} finding(s); restore it from a copy"
        return Reply(document, [*map(safe, findings), told], NO)
    return Reply(document, [f"{safe(name)}: all is well ({runs} runs, {steps} steps)"])
