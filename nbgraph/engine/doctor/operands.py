"""Reducers under permuted operands: whose result depends on the order in which branches are merged.

Owns that check. The order of merging is fixed in a run; what depends on it changes when edges are reordered.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from json import dumps, loads
from typing import Any, NamedTuple

from nbgraph.codec import decode, encode, thaw
from nbgraph.engine.doctor.trial import Trace
from nbgraph.engine.merge import Merger
from nbgraph.graph.schema import FieldSpec

_MOST = 6
"""Operands that are permuted at most: the first so many of a field."""


class Sensitive(NamedTuple):
    """A field whose reducer is sensitive: the nodes that write it, why, and two results."""

    field: str
    nodes: tuple[str, ...]
    why: str
    before: str
    after: str


def sensitive(trace: Trace, merger: Merger, tries: int) -> Iterator[Sensitive]:
    """Yield the fields of custom reducers that give something else for other orders, or change their operands."""
    for name, spec in merger.plan.schema.fields.items():
        if spec.reducer.name == "custom":
            nodes = tuple(dict.fromkeys(did.node for did in trace.values() if name in did.fields))
            operands = [did.fields[name] for did in trace.values() if name in did.fields][:_MOST]
            found = _field(spec, nodes, operands, merger, tries)
            if found is not None:
                yield found


def _field(
    spec: FieldSpec, nodes: tuple[str, ...], operands: Sequence[str], merger: Merger, tries: int
) -> Sensitive | None:
    if len(operands) < 2:
        return None
    before = _folded(spec, operands, merger)
    if before != _folded(spec, operands, merger):
        why = "its reducer gives something else when it runs again on the same operands: it reads or changes something"
        return Sensitive(spec.name, nodes, why, before, _folded(spec, operands, merger))
    shuffle = random.Random(0)  # noqa: S311 - for reproducing, not for secrets
    for _ in range(tries):
        order = list(operands)
        shuffle.shuffle(order)
        after = _folded(spec, order, merger)
        if after != before:
            why = "its reducer depends on the order of its operands: the order of edges decides, never timing"
            return Sensitive(spec.name, nodes, why, before, after)
    return None


def _folded(spec: FieldSpec, operands: Sequence[str], merger: Merger) -> str:
    values: list[Any] = [thaw(decode(text, types=merger.types)) for text in operands]
    first = spec.reducer.identity() if spec.reducer.identity else values.pop(0)
    try:
        return encode(spec.reducer.fold_all(first, values))
    except Exception as error:  # noqa: BLE001 - a user's reducer may raise anything
        return dumps(f"{type(error).__name__}: {error}")


def shown(text: str) -> str:
    """Return a value's text cut to what fits a table."""
    with suppress(ValueError):
        text = dumps(loads(text), ensure_ascii=False)
    return text if len(text) <= 120 else text[:119] + "…"
