"""Finding the record that serves a graph's calls in trials: a run of the same input.

Owns that choice. Reads the store, writes nothing.
"""

from __future__ import annotations

from json import loads
from typing import Any

from nbgraph.codec import thaw
from nbgraph.engine.doctor.trial import Conditions, Recording
from nbgraph.engine.history import History
from nbgraph.engine.merge import Merger
from nbgraph.engine.options import Options
from nbgraph.engine.record import object_text
from nbgraph.engine.replay.owners import Owners
from nbgraph.engine.replay.recorded import taken
from nbgraph.errors import GraphError
from nbgraph.graph.plan import Plan
from nbgraph.store.copying import blobs_in
from nbgraph.store.protocol import RunRow, Store


def conditions_of(store: Store, plan: Plan, merger: Merger, options: Options, given: Any) -> Conditions:
    """Return the conditions of trials from ``given``: an input, or the id of a run."""
    if isinstance(given, str):
        row = store.run(given)
        if row.record.graph != plan.name:
            raise GraphError(
                f"run {given!r} is of graph {row.record.graph!r}, not of {plan.name!r}",
                still="nothing was run",
                todo="ask the doctor of its own graph's engine",
                run_id=given,
            )
        fields: Any = History(store, given, merger.types).initial()
        seed = row.record.seed
        return Conditions(thaw(fields), seed, options.conflicts, recording_of(store, given), options.max_steps)
    fields = plan.schema.initial({} if given is None else given)
    _, texts = merger.initial(fields)
    merger.blobs = {}
    found = _run_of(store, plan.name, object_text(texts) if texts else "{}", options.seed)
    recording = Recording() if found is None else recording_of(store, found.record.run_id)
    return Conditions(fields, options.seed, options.conflicts, recording, options.max_steps)


def _run_of(store: Store, graph: str, text: str, seed: int) -> RunRow | None:
    """Return the latest run of this graph, input and seed that got furthest, None if there is none."""
    runs = [row for row in store.runs() if (row.record.graph, row.record.input, row.record.seed) == (graph, text, seed)]
    complete = [row for row in runs if row.status.status == "completed"]
    return max(complete or runs, key=lambda row: row.steps, default=None)


def recording_of(store: Store, run_id: str) -> Recording:
    """Return the calls that a run's results came from, by task."""
    owners = Owners(store, run_id)
    calls: dict[str, list[tuple[tuple[Any, ...], int, str]]] = {}
    nows: dict[str, list[float]] = {}
    blobs: dict[str, bytes] = {}
    for row in store.steps(run_id):
        facts = loads(row.facts) if row.facts else {}
        if facts.get("now"):
            nows[row.task] = facts["now"]
        used = facts.get("calls")
        if used:
            found = taken(owners.calls(owners.of(row.step)[0], row.task), used)
            calls[row.task] = [(tuple(call.end), call.begin, call.request) for call in found]
            for call in found:
                blobs.update(_blobs(store, call.end.data))
    return Recording(calls, nows, blobs)


def _blobs(store: Store, text: str) -> dict[str, bytes]:
    """Return the large values that a recorded response refers to."""
    return {digest: store.blob(digest) for digest in blobs_in(loads(text))} if '"$blob"' in text else {}
