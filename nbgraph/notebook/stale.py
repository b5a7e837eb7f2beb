"""A node's code changed: which run used an older version, and how much of it would execute again.

Owns the question and its bounds: it reads the latest run's rows, for a moment at most, runs nothing and says
nothing where code differs in comments or layout only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from json import loads
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

from nbgraph.engine.engine import Engine
from nbgraph.engine.outlook import same_code
from nbgraph.errors import NbgraphError
from nbgraph.graph.definition import Graph
from nbgraph.notebook.bench import Bench, beside
from nbgraph.notebook.definitions import Definition, graphs_with
from nbgraph.store.protocol import StepRecord

MOMENT = 0.05
"""Seconds that a cell may be held up by this."""


class Stale(NamedTuple):
    """A node whose code is not the code that a run used; ``tasks`` is None where counting them took too long."""

    node: str
    run_id: str
    tasks: int | None

    def __str__(self) -> str:
        if self.tasks is None:
            again = "its tasks and those downstream"
        elif not self.tasks:
            again = "none of the tasks that it kept"
        else:
            again = f"{self.tasks} task{'s' * (self.tasks != 1)} downstream"
        return f'node "{self.node}" changed: run {self.run_id} used an older version; {again} would execute again'


def affected(steps: Iterable[StepRecord], node: str, deadline: float = float("inf")) -> int | None:
    """Return how many tasks are a node's or come after one of its; None if the deadline comes first."""
    found: set[int] = set()
    for step in steps:
        if step.node == node or (found and any(parent in found for parent, _ in loads(step.parents))):
            found.add(step.step)
        if step.step % 256 == 0 and monotonic() > deadline:
            return None
    return len(found)


class Watch:
    """Finds stale nodes once: the same code of the same node is not told of again for the same run."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._told: set[tuple[str, ...]] = set()
        self._slow: set[str] = set()

    def noticed(self, graph: Graph, _before: Definition, names: list[str]) -> list[str]:
        """Return the lines about nodes that a cell just defined."""
        if not names:
            return []
        deadline = monotonic() + MOMENT
        lines: list[str] = []
        for engine in self._engines():
            with suppress(NbgraphError):  # a file that is closed or damaged says so to whoever uses it
                lines += [str(one) for one in self._stale(engine, graph, names, deadline)]
        return lines

    def _engines(self) -> list[Engine]:
        """Return the engines that are known, and the one that verbs would use if its file is there."""
        bench = self._bench
        for name, graph in bench.graphs.items():
            choice = bench.chosen(name)
            if choice is not None and Path(choice.store or beside(graph)).exists():
                with suppress(NbgraphError):
                    bench.engine(name)
        return bench.engines

    def _stale(self, engine: Engine, graph: Graph, names: list[str], deadline: float) -> Iterator[Stale]:
        store = engine.store
        places = graphs_with(graph, [engine.graph])
        if not places or store.name in self._slow:
            return
        began = monotonic()
        mine = [row.record.run_id for row in store.runs() if row.record.graph == engine.graph.name]
        if monotonic() - began > MOMENT:
            self._slow.add(store.name)  # a file of very many runs is asked once
        if not mine:
            return
        recorded = {node["name"]: node for node in loads(store.descriptions(mine[-1])[-1][2])["nodes"]}
        for _, prefix in places:
            for name in names:
                node = prefix + name
                if self._differs(recorded.get(node), graph, name, (store.name, mine[-1], node)):
                    yield Stale(node, mine[-1], affected(store.steps(mine[-1]), node, deadline))

    def _differs(self, before: dict[str, Any] | None, graph: Graph, name: str, about: tuple[str, ...]) -> bool:
        today = next((node.source for node in graph.nodes if node.name == name), None)
        if before is None or today is None or not today.digest or same_code(before, today.digest, today.text):
            return False
        key = (*about, today.digest)
        new = key not in self._told
        self._told.add(key)
        return new
