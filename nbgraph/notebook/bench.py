"""What the notebook is working on: its graphs and engines by name, the graph and the run that verbs mean.

Owns these choices. Everything is looked up in the notebook's names when it is needed, so that cells may be run
again in any order; nothing here outlives ``%unload_ext``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NamedTuple, Protocol, cast

from IPython.core.error import UsageError

from nbgraph.engine.engine import Engine
from nbgraph.engine.run import Run
from nbgraph.errors import RunNotFound
from nbgraph.graph.definition import Graph
from nbgraph.notebook.arguments import filled


class Shell(Protocol):
    """The part of IPython's shell that is used here."""

    user_ns: dict[str, Any]


class Choice(NamedTuple):
    """What ``%graph`` was told: where runs are kept ("" where it was not said), and the engine's options."""

    store: str = ""
    options: Mapping[str, Any] = {}


class Bench:
    """The notebook's graphs, engines and runs, as its cells left them."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.graph_name: str | None = None
        self.run: Run | None = None
        """The run that a verb means when it names none."""
        self._choices: dict[str, Choice] = {}
        self._engines: dict[str, tuple[Graph, Choice, Engine]] = {}

    @property
    def names(self) -> dict[str, Any]:
        """The notebook's names."""
        return self.shell.user_ns

    def _named(self, kind: type[Any]) -> dict[str, Any]:
        own = {name: value for name, value in list(self.names.items()) if isinstance(value, kind)}
        return {name: value for name, value in own.items() if not name.startswith("_")}

    @property
    def graphs(self) -> dict[str, Graph]:
        """The notebook's graphs by the name that holds them."""
        return self._named(Graph)

    @property
    def engines(self) -> list[Engine]:
        """Every engine that is known: the notebook's own, then those that ``%graph`` stands for."""
        own = list(self._named(Engine).values())
        made = [engine for name, (graph, _, engine) in self._engines.items() if self.names.get(name) is graph]
        return list(dict.fromkeys([*own, *made]))

    def choose(self, name: str, choice: Choice) -> None:
        """Make the graph of this name the one that is worked on."""
        self.graph_name, self._choices[name] = name, choice

    def chosen(self, name: str) -> Choice | None:
        """Return what ``%graph`` was told about a graph, None if it was never called for it."""
        return self._choices.get(name)

    def graph(self, name: str | None = None) -> Graph:
        """Return the graph of that name, the chosen one, or the only one; raises ``UsageError`` if there is none."""
        return self.graphs[self.name(name)]

    def name(self, name: str | None = None) -> str:
        """Return the name that holds the graph that is meant; raises ``UsageError``."""
        graphs = self.graphs
        wanted = self.graph_name if name is None else name
        if wanted in graphs:
            return str(wanted)
        by_title = [held for held, graph in graphs.items() if graph.name == wanted]
        if by_title:
            return by_title[-1]
        distinct = {id(graph): held for held, graph in graphs.items()}
        if name is None and len(distinct) == 1:
            return next(iter(distinct.values()))
        known = f"; there is {', '.join(sorted(graphs))}" if graphs else ""
        what = f"no graph {name!r} in this notebook" if name is not None else "which graph?"
        raise UsageError(f"{what}{known}. `%graph NAME` makes one, or chooses it.")

    def engine(self, name: str | None = None) -> Engine:
        """Return the engine of a graph: what ``%graph`` was told, else the notebook's own, else one beside it."""
        held = self.name(name)
        graph, choice = self.graphs[held], self._choices.get(held, Choice())
        own = [engine for engine in self._named(Engine).values() if engine.graph is graph]
        if own and choice == Choice():
            return cast(Engine, own[-1])
        known = self._engines.get(held)
        if known is None or known[0] is not graph or known[1] != choice:
            target = choice.store or beside(graph)
            self._engines[held] = known = (graph, choice, Engine(graph, store=target, **choice.options))
        return known[2]

    def past(self, given: str | None, graph: str | None = None) -> Run:
        """Return the run that a word names: an id, a notebook's name that holds a run, ``{expression}``; None: the latest.

        Raises ``UsageError`` for a run that is not there.
        """
        if given is None:
            return self._latest(graph)
        word = filled(given, self.names, "run")
        held = self.names.get(word)
        if isinstance(held, Run):
            return held
        try:
            return self.engine(graph).open(word)
        except RunNotFound:
            store = self.engine(graph).store
            ids = [row.record.run_id for row in store.runs()][-5:]
            known = f"; the latest there: {', '.join(ids)}" if ids else "; it has none yet"
            raise UsageError(f"no run {word!r} in {PurePath(store.name).name}{known}") from None

    def _latest(self, graph: str | None) -> Run:
        if self.run is not None and graph is None:
            return self.run
        engine = self.engine(graph)
        mine = [row.record.run_id for row in engine.store.runs() if row.record.graph == engine.graph.name]
        if not mine:
            file = PurePath(engine.store.name).name
            raise UsageError(f"graph {engine.graph.name!r} has no run in {file} yet; `%ng run` makes one")
        return engine.open(mine[-1])


def beside(graph: Graph) -> str:
    """Return the file that keeps a graph's runs where nothing was said: beside the notebook, named after the graph."""
    return re.sub(r"[^\w.-]+", "_", graph.name) + ".sqlite"
