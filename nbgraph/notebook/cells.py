"""What running a cell did to the notebook's graphs: nodes it no longer defines go, what it refused is undone.

Owns which cell said what. Hooks of IPython's, before and after each cell; they never raise and cost next to nothing.
Without cell ids (nbclient sends none) nodes are known by their name only, and nothing is ever removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from nbgraph.errors import GraphError
from nbgraph.graph import definition
from nbgraph.graph.definition import Graph
from nbgraph.notebook.bench import Bench
from nbgraph.notebook.definitions import (
    NOTHING,
    Definition,
    Said,
    definition_of,
    put_back,
    said_between,
    without,
)

_LOG = logging.getLogger("nbgraph")
Tell = Callable[[str], None]
Noticed = Callable[[Graph, Definition, list[str]], list[str]]
"""What there is to say of nodes that a cell made: the graph, as it was before, the nodes' names -> lines."""


@dataclass(slots=True)
class _Cell:
    """A cell that is running."""

    info: Any
    raw: str
    before: list[tuple[Graph, Definition]] = field(default_factory=list)


class Cells:
    """Watches cells. ``tell`` shows a line below the cell, ``noticed`` finds more to tell of the nodes it made."""

    def __init__(self, bench: Bench, tell: Tell, noticed: Noticed) -> None:
        self._bench, self._tell, self._noticed = bench, tell, noticed
        self._running: list[_Cell] = []
        self._said: WeakKeyDictionary[Graph, dict[str, Said]] = WeakKeyDictionary()

    @property
    def raw(self) -> str:
        """The text of the cell that is running, as it was typed; "" between cells."""
        return self._running[-1].raw if self._running else ""

    def born(self, graph: Graph) -> None:
        """Note a graph that the running cell made empty: what the cell says of it later is the cell's."""
        if self._running:
            self._running[-1].before.append((graph, NOTHING))

    def begin(self, info: Any) -> None:
        """Take the graphs as they are before a cell runs (IPython's ``pre_run_cell``)."""
        try:
            before = [(graph, definition_of(graph)) for graph in {id(one): one for one in self._graphs()}.values()]
            self._running.append(_Cell(info, str(info.raw_cell), before))
        except Exception:  # noqa: BLE001 - a hook that fails must not be seen in every cell
            _LOG.info("could not look at the notebook's graphs", exc_info=True)

    def end(self, result: Any) -> None:
        """Compare, after the cell (IPython's ``post_run_cell``)."""
        cell = self._ended(getattr(result, "info", None))
        if cell is None:
            return
        try:
            if result.success:
                self._settle(cell, getattr(result.info, "cell_id", None))
            elif refused(result.error_in_exec):
                for graph, before in cell.before:
                    put_back(graph, before)
        except Exception:  # noqa: BLE001 - as above
            _LOG.info("could not see what the cell changed in its graphs", exc_info=True)

    def _graphs(self) -> list[Graph]:
        return [*self._bench.graphs.values(), *(engine.graph for engine in self._bench.engines)]

    def _ended(self, info: Any) -> _Cell | None:
        """Return the cell that ended; those that began inside it and never ended are forgotten."""
        while self._running:
            cell = self._running.pop()
            if cell.info is info:
                return cell
            if not any(other.info is info for other in self._running):
                self._running.append(cell)  # an empty cell ends without having begun
                return None
        return None

    def _settle(self, cell: _Cell, cell_id: str | None) -> None:
        for graph, before in cell.before:
            if self._made_again(graph):
                continue  # an old engine still has it; what the cell says, it says of the new one
            said = said_between(before, definition_of(graph))
            for line in [*self._remove_gone(graph, cell_id, said), *self._noticed(graph, before, sorted(said.nodes))]:
                self._tell(line)

    def _made_again(self, graph: Graph) -> bool:
        """Say whether the notebook has another graph of this title in the place of this one: it was run from the top."""
        held = list(self._bench.graphs.values())
        return all(one is not graph for one in held) and any(one.name == graph.name for one in held)

    def _remove_gone(self, graph: Graph, cell_id: str | None, said: Said) -> list[str]:
        """Take out what this cell said when it ran last and does not say any more; return the lines about it."""
        if cell_id is None:
            return []
        cells = self._said.setdefault(graph, {})
        now = definition_of(graph)
        known = Said(frozenset(now.nodes), frozenset(edge.key for edge in now.edges))
        gone = _cut(_both(cells.get(cell_id, Said()), known), said)
        for other in cells:
            cells[other] = _cut(cells[other], said)  # what is said here now is no other cell's any more
        cells[cell_id] = said
        if not gone.nodes and not gone.edges:
            return []
        put_back(graph, without(now, gone))
        return [f"{what} is no longer in this cell: removed from graph {graph.name!r}" for what in _names(gone)]


def refused(error: BaseException | None) -> bool:
    """Say whether a cell failed because a graph did not take a definition: nothing after that has run."""
    trace = error.__traceback__ if isinstance(error, GraphError) else None
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename == definition.__file__ and code.co_name in ("node", "<lambda>", "edge", "start"):
            return True
        trace = trace.tb_next
    return False


def _both(said: Said, other: Said) -> Said:
    return Said(said.nodes & other.nodes, said.edges & other.edges)


def _cut(said: Said, other: Said) -> Said:
    return Said(said.nodes - other.nodes, said.edges - other.edges)


def _names(gone: Said) -> list[str]:
    nodes = [f'node "{name}"' for name in sorted(gone.nodes)]
    edges = sorted(key for key in gone.edges if not {key[0], key[1]} & gone.nodes)
    return nodes + [f'edge "{src}" to "{dst}"' for src, dst, *_ in edges]
