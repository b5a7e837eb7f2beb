"""Turning a finished task into its one row, and deciding when a row carries a snapshot or a mark.

Owns what a step's texts look like. Pure: no store, no clock, no thread. Cost follows the change:
a row holds the update, not the state; a snapshot is written when reading back would cost more than
the state itself is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from json import JSONEncoder, dumps
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from nbgraph.engine.merge import Kept, Merger
from nbgraph.engine.order import Path
from nbgraph.engine.routing import Way
from nbgraph.engine.task import Failure, Lineage, Task, Visits
from nbgraph.ids import RunId, StepNo
from nbgraph.store.protocol import StepRecord

if TYPE_CHECKING:
    from nbgraph.engine.context import Context

SNAPSHOT_SLACK = 8192
"""Characters to read back that are always fine."""
MARK_EVERY = 100
"""Steps between two places where a resume can pick up, where the run has such places."""


def object_text(texts: Mapping[str, str]) -> str:
    """Return a canonical JSON object of texts that are JSON already.

    >>> object_text({"b": "1", "a": "[]"})
    '{"a":[],"b":1}'
    """
    if len(texts) == 1:
        ((name, text),) = texts.items()
        return f"{{{encode_basestring(name)}:{text}}}"
    return "{" + ",".join([f"{encode_basestring(name)}:{texts[name]}" for name in sorted(texts)]) + "}"


def kept_text(fields: Mapping[str, Kept]) -> str:
    """Return the canonical JSON object of kept values, "" for none."""
    return object_text({name: kept.text for name, kept in fields.items()}) if fields else ""


def parents_text(parents: Sequence[tuple[StepNo, str]]) -> str:
    """Return the canonical JSON of the arrivals that a task gathered."""
    if len(parents) == 1:
        ((step, index),) = parents
        return f'[[{step},"{index}"]]'
    return "[" + ",".join([f'[{step},"{index}"]' for step, index in parents]) + "]"


def ways_text(ways: Sequence[Way], merger: Merger) -> str:
    """Return the canonical JSON of the ways a task took."""
    if len(ways) == 1 and not ways[0].alone:
        return f'[["{ways[0].edge}",{encode_basestring(ways[0].target)}]]'
    return "[" + ",".join([_way_text(way, merger) for way in ways]) + "]" if ways else ""


def _way_text(way: Way, merger: Merger) -> str:
    head = f'["{way.edge}",{encode_basestring(way.target)}'
    if not way.alone:
        return head + "]"
    private = {name: merger.text(name, value) for name, value in (way.private or {}).items()}
    return f"{head},{object_text(private) if private else '{}'}]"


def merged_text(task: Task, merger: Merger) -> str:
    """Return the canonical JSON of what a gather folded in, "" where it folded nothing."""
    if not task.fold:
        return ""
    values = {name: merger.text(name, value) for name, value in task.merged.items()}
    return object_text(
        {"fold": dumps(task.fold, separators=(",", ":")), "set": object_text(values) if values else "{}"}
    )


def step_key(run_id: RunId, task: Task, update: str, arrivals: str) -> str:
    """Return the idempotency key: SHA-256 over run, task id, and the digests of what it wrote."""
    return sha256(f"{run_id}\n{task.id}\n{update}\n{arrivals}".encode("utf-8", "surrogatepass")).hexdigest()


def snapshot_due(lineage: Lineage) -> bool:
    """Say whether reading the state back costs more than twice the state."""
    cost = lineage.cost
    return cost > SNAPSHOT_SLACK and cost > SNAPSHOT_SLACK + 2 * sum(lineage.sizes.values())


def mark_text(path: Path, lineage: Lineage, merger: Merger, events: int) -> str:
    """Return what a resume needs beside the state, where one task alone is alive."""
    private = {name: merger.text(name, value) for name, value in lineage.private.items()}
    plain = {
        "path": path,
        "digests": lineage.digests,
        "sizes": lineage.sizes,
        "cost": lineage.cost,
        "errors": lineage.errors,
        "visits": {node: [seen.recent, seen.anchor, seen.count] for node, seen in lineage.visits.items()},
        "events": events,
    }
    texts = {name: dumps(value, sort_keys=True, separators=(",", ":")) for name, value in plain.items()}
    return object_text(texts | {"private": object_text(private) if private else "{}"})


def marked(mark: Mapping[str, Any], lineage: Lineage) -> Path:
    """Put a mark's facts back into ``lineage``; return the path."""
    lineage.digests, lineage.sizes, lineage.cost = dict(mark["digests"]), dict(mark["sizes"]), mark["cost"]
    lineage.errors = tuple(Failure(*error) for error in mark["errors"])
    lineage.visits = {
        node: Visits(tuple(_signature(s) for s in recent), None if anchor is None else _signature(anchor), count)
        for node, (recent, anchor, count) in mark["visits"].items()
    }
    return _path(mark["path"])


def _signature(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, digest) for name, digest in pairs)


def _path(path: Sequence[Any]) -> Path:
    return tuple(tuple(part) if isinstance(part, list) else part for part in path)


_encode = JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode


def facts_text(facts: Mapping[str, Any]) -> str:
    """Return the canonical JSON of a step's facts."""
    if len(facts) == 2 and "seconds" in facts:
        return f'{{"seconds":{facts["seconds"]!r},"started":{facts["started"]!r}}}'
    return _encode(facts)


def asked_facts(ctx: Context) -> dict[str, Any]:
    """Return what a step keeps of what its node asked: readings, the lines of its calls, chunks to be kept."""
    if not (ctx.drew or ctx.streamed):
        return {}
    facts = {
        "drew": ctx.drew,
        "now": ctx.nows,
        "calls": list(ctx.desk.used) if ctx.desk is not None else [],
        "turns": ctx.desk.turns() if ctx.desk is not None else [],
        "stream": ctx.streamed.kept() if ctx.streamed is not None else [],
    }
    return {name: fact for name, fact in facts.items() if fact}


def step_record(  # noqa: PLR0913 - as wide as the row
    run_id: RunId,
    step: StepNo,
    task: Task,
    *,
    status: str,
    update: Mapping[str, Kept],
    results: Mapping[str, Kept],
    ways: Sequence[Way],
    facts: str,
    merger: Merger,
) -> StepRecord:
    """Return a task's row, without snapshot and mark."""
    written, arrivals = kept_text(update), ways_text(ways, merger)
    return StepRecord(
        step,
        task.id,
        task.node.name,
        status,
        task.attempt,
        task.parents[0][0],
        parents_text(task.parents),
        written,
        kept_text(results),
        merged_text(task, merger),
        arrivals,
        "",
        "",
        facts,
        step_key(run_id, task, written, arrivals),
    )
