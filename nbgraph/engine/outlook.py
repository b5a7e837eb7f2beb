"""What a resume would do, and what changed in the graph since: asked before anything is done.

Owns the two tables. Reads the store and today's plan; writes nothing, runs no node's code.
"""

from __future__ import annotations

from ast import dump, parse
from collections.abc import Container, Iterable, Iterator, Mapping
from json import loads
from typing import TYPE_CHECKING, Any, NamedTuple

from nbgraph.engine.calls.book import ENDED, Book
from nbgraph.engine.calls.recorder import recorded_books
from nbgraph.engine.continuing import standing
from nbgraph.engine.merge import Merger
from nbgraph.engine.options import Options
from nbgraph.engine.replay.replayer import last_failures
from nbgraph.engine.restoring import EDITED, today_of
from nbgraph.engine.task import Task
from nbgraph.graph.plan import Plan
from nbgraph.store.protocol import EventRecord, Lease, StepRecord, Store

if TYPE_CHECKING:
    from pandas import DataFrame

PLAN = ("task", "node", "action", "why", "calls", "step")
CHANGES = ("what", "name", "change", "before", "now")


_OTHER = "a default, a predicate, a reducer or a retry has other code or numbers"


class Planned(NamedTuple):
    """One task of a plan, or a node that will get tasks later (``task`` is "")."""

    task: str
    node: str
    action: str
    why: str
    calls: int
    step: int | None


def plan_of(store: Store, run_id: str, plan: Plan, merger: Merger, options: Options) -> DataFrame:
    """Return the table of ``Run.plan``."""
    import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

    rows = list(_planned(store, run_id, plan, merger, options))
    return pd.DataFrame(rows, columns=list(PLAN)).astype({"step": "Int64"})


def _planned(store: Store, run_id: str, plan: Plan, merger: Merger, options: Options) -> Iterator[Planned]:
    sources, today = _sources(store, run_id), today_of(plan)
    for row in store.steps(run_id):
        yield _reused(row, plan, sources, today)
    if store.run(run_id).status.status == "completed":
        return
    ledger, restorer = standing(store, Lease(run_id, 0, ""), plan, merger, options)
    restorer.complete(restorer.restore())
    books, events = recorded_books(store, run_id), store.events(run_id)
    failed, asked = last_failures(events), _asked(events, {answer.seq for answer in store.answers(run_id)})
    ready = sorted(ledger.frontier.ready)
    for task in ready:
        book = books.get(task.id)
        why = _why(task, failed, asked.get(task.id), book)
        yield Planned(task.id, task.node.name, "execute", why, _kept(task, book), None)
    for name in _later(plan, ready, ledger.frontier.waiting()):
        yield Planned("", name, "execute", "may follow, as the tasks before it decide", 0, None)


def _kept(task: Task, book: Book | None) -> int:
    """Return how many calls and answers the record will serve."""
    phases = ENDED if task.node.reuse_calls else ("answered",)
    return sum(past.phase in phases for past in book.calls.values()) if book is not None else 0


def _reused(
    row: StepRecord, plan: Plan, sources: list[tuple[int, Mapping[str, Any]]], today: Mapping[str, str]
) -> Planned:
    why = f"committed at step {row.step}"
    node = plan.nodes.get(today.get(row.node, row.node))
    nodes: Mapping[str, Any] = next((nodes for first, nodes in reversed(sources) if first <= row.step), {})
    then = nodes.get(row.node)
    if row.status in EDITED:
        why = f"{row.status} by hand at step {row.step}"
    elif node is None:
        why += "; the graph has no such node any more"
    elif then is not None and not same_code(then, node.source_digest, node.source):
        why += " by another version of the code"
    calls = len(loads(row.facts).get("calls", ())) if row.facts else 0
    return Planned(row.task, row.node, "reuse", why, calls, row.step)


def _sources(store: Store, run_id: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return from which step on which nodes there were, as described."""
    return [
        (first, {node["name"]: node for node in loads(text)["nodes"]}) for first, _, text in store.descriptions(run_id)
    ]


def same_code(before: Mapping[str, Any], digest: str, source: str) -> bool:
    """Say whether two sources differ in comments and layout at most."""
    if before["digest"] == digest or before["source"] == source:
        return bool(before["digest"] == digest)
    try:
        return dump(parse(before["source"])) == dump(parse(source))
    except SyntaxError:  # code without source
        return False


def _asked(events: Iterable[EventRecord], answered: Container[int]) -> dict[str, bool]:
    """Return the tasks that asked a person, and whether all that they asked last is answered."""
    asked: dict[str, bool] = {}
    for event in events:
        if event.kind == "task.waiting":
            asked[event.task] = all(question in answered for question in loads(event.data)["questions"])
    return asked


def _why(task: Task, failed: Mapping[str, EventRecord], answered: bool | None, book: Book | None) -> str:
    if task.id in failed:
        return f"failed: {loads(failed[task.id].data).get('raised', '')}"
    if answered is not None:
        return "has its answer" if answered else "waits for an answer"
    return "had not begun" if book is None else "was interrupted"


def _later(plan: Plan, ready: list[Task], waiting: list[str]) -> list[str]:
    """Return the nodes that the unfinished tasks can lead to, in the order of the graph."""
    alive = {task.node.name for task in ready}
    names = [name for name, before in plan.reached_by.items() if name in waiting or alive & before]
    return sorted(names, key=lambda name: plan.nodes[name].place)


def changes_of(store: Store, run_id: str, plan: Plan) -> DataFrame:
    """Return the table of ``Run.changes``."""
    import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

    _, fingerprint, text = store.descriptions(run_id)[-1]
    recorded = loads(text)
    rows = list(_changes(recorded, plan))
    same = {node["digest"] for node in recorded["nodes"]} == {node.source_digest for node in plan.nodes.values()}
    if not rows and same and fingerprint != plan.fingerprint:
        rows = [("graph", plan.name, "other", "", _OTHER)]
    return pd.DataFrame(rows, columns=list(CHANGES))


def _changes(recorded: Mapping[str, Any], plan: Plan) -> Iterator[tuple[str, str, str, str, str]]:
    today = loads(plan.description)
    before, now = ({node["name"]: node for node in one["nodes"]} for one in (recorded, today))
    renamed = {
        alias: node.name for node in plan.nodes.values() for alias in node.aliases
        if alias in before and node.name not in before
    }  # fmt: skip
    for old, new in renamed.items():
        yield "node", new, "renamed", old, new
    before = {renamed.get(name, name): node for name, node in before.items()}
    yield from _nodes(before, now)
    yield from _compared("field", _fields(recorded), _fields(today))
    yield from _compared("edge", _edges(recorded, renamed), _edges(today, {}))
    started = renamed.get(recorded["start"], recorded["start"])
    if started != today["start"]:
        yield "graph", "start", "changed", started, today["start"]
    if recorded.get("reducer") != today.get("reducer"):
        own = ("of its own", "")
        yield "graph", "reducer", "changed", *(own if recorded.get("reducer") else own[::-1])


def _nodes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in now:
            yield "node", name, "removed", before[name]["source"], ""
        elif name not in before:
            yield "node", name, "added", "", now[name]["source"]
        elif not same_code(before[name], now[name]["digest"], now[name]["source"]):
            yield "node", name, "source", before[name]["source"], now[name]["source"]
        else:
            for option in ("kind", "join", "attempts", "timeout", "limit"):
                if before[name].get(option) != now[name].get(option):
                    yield "node", name, option, str(before[name].get(option)), str(now[name].get(option))


def _fields(description: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"{facts['type']}, {facts['reducer']}" for name, facts in description.get("fields", {}).items()}


def _edges(description: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, str]:
    edges: dict[str, str] = {}
    for edge in description["edges"]:
        source, target = (renamed.get(edge[end], edge[end]) for end in ("from", "to"))
        name = f"{source} -> {target}"
        text = " ".join(filter(None, (edge["kind"], edge["label"])))
        edges[name] = f"{edges[name]}; {text}" if name in edges else text
    return edges


def _compared(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    for name in [*before, *(name for name in now if name not in before)]:
        if before.get(name) != now.get(name):
            change = "added" if name not in before else "removed" if name not in now else "changed"
            yield what, name, change, before.get(name, ""), now.get(name, "")
