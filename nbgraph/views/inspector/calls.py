"""The recorded calls of a task, and its questions: what was asked, what came back, how long it took.

Owns how lines of the log become entries. Pure, but for the store that large values are read from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from json import dumps, loads
from typing import Any

from nbgraph.codec import decode
from nbgraph.errors import CodecError
from nbgraph.escape import cut, plain
from nbgraph.store.protocol import CallRecord, Store
from nbgraph.views.costing.sources import paid_words
from nbgraph.views.inspector.values import Budget, Tree, shown

MOST = 50
"""Entries that are shown of one task."""
Blob = Callable[[str], bytes]


def owner(store: Store, run_id: str, step: int) -> str:
    """Return the run whose log holds the calls of a step: of a shared step, an origin's."""
    origin = store.origin(run_id)
    while origin is not None and 0 < step <= origin.step:
        run_id, origin = origin.run_id, store.origin(origin.run_id)
    return run_id


def entries(lines: Iterable[CallRecord], task: str, blob: Blob) -> tuple[list[Tree], dict[str, Any]]:
    """Return the calls of ``task`` as trees, and the values that can be opened further, by "number/side"."""
    begun: dict[str, CallRecord] = {}
    pairs: dict[int, tuple[CallRecord, CallRecord | None]] = {}
    for line in lines:
        if line.task != task:
            continue
        if line.phase in ("started", "asked"):
            begun[line.name] = line
            pairs[line.seq] = (line, None)
        else:
            start = begun.pop(line.name, line)
            pairs[start.seq] = (start, line)
    budget, values = Budget(), dict[str, Any]()
    found = [_entry(start, end, blob, budget, values) for start, end in list(pairs.values())[:MOST]]
    return found, values


def _entry(start: CallRecord, end: CallRecord | None, blob: Blob, budget: Budget, values: dict[str, Any]) -> Tree:
    asked, facts = loads(start.data or "{}"), loads(end.data or "{}") if end is not None else {}
    request, error = asked.get("request") or {}, facts.get("error") or {}
    question = start.phase == "asked" or (end is not None and end.phase == "answered")
    entry: Tree = {
        "seq": start.seq,
        "call": "question" if question else cut(request.get("call") or start.name, 120),
        "phase": end.phase if end is not None else "waits for an answer" if question else "under way",
        "attempt": start.attempt,
        "time": start.time,
        "seconds": facts.get("seconds") if not question else None if end is None else end.time - start.time,
        "reused": "reused" in facts,
        **paid_words(facts),
        "error": plain(f"{error.get('type')}: {error.get('text')}")[:2000] if error else "",
        "hint": cut(asked.get("hint") or "", 200),
        "by": cut(facts.get("by") or "", 80),
    }
    said = request.get("asked")
    sides = {"request": said.get("prompt") if question and isinstance(said, dict) else said}
    answer = next((name for name in ("response", "value") if name in facts), None)
    if answer is not None:
        sides["response"] = facts[answer]
    for side, tree in sides.items():
        value = values[f"{start.seq}/{side}"] = _value(tree, blob)
        entry[side] = shown(value, budget, 2)
    return entry


def _value(tree: Any, blob: Blob) -> Any:
    try:
        return decode(dumps(tree), blob=blob, frozen=True)
    except CodecError:
        return tree
