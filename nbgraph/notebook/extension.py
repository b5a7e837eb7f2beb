"""Loading and unloading: what is hung into IPython's shell, and taken out again whole.

Owns the list of it, one for each shell. Loading twice hangs in nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from nbgraph.notebook.bench import Bench
from nbgraph.notebook.cells import Cells
from nbgraph.notebook.completion import matcher
from nbgraph.notebook.edges import edge_magic
from nbgraph.notebook.graphs import graph_magic
from nbgraph.notebook.nodes import node_magic, transformer
from nbgraph.notebook.stale import Watch
from nbgraph.notebook.telling import tell
from nbgraph.notebook.verbs import ng_magic, verb_magic

_LOADED: WeakKeyDictionary[Any, Extension] = WeakKeyDictionary()


class Extension:
    """What nbgraph has hung into one shell."""

    def __init__(self, shell: Any) -> None:
        self.shell, self.bench = shell, Bench(shell)
        self.cells = Cells(self.bench, tell, Watch(self.bench).noticed)
        self._undo: list[Callable[[], Any]] = []

    def load(self) -> None:
        """Register magics, the transformer, the hooks of cells and the completion."""
        raw = lambda: self.cells.raw  # noqa: E731 - asked later, not now
        self._magic("line_cell", "node", node_magic(self.bench, self.shell, raw))
        self._magic("line", "graph", graph_magic(self.bench, tell, self.cells.born))
        self._magic("line", "edge", edge_magic(self.bench, self.shell))
        self._magic("line", "ng", ng := ng_magic(self.bench, raw))
        self._magic("line", "metrics", verb_magic(ng, "metrics"))
        self._listed(self.shell.input_transformers_cleanup, transformer(self.shell))
        self._listed(self.shell.Completer.custom_matchers, matcher(self.bench))
        self._hook("pre_run_cell", self.cells.begin)
        self._hook("post_run_cell", self.cells.end)

    def unload(self) -> None:
        """Take out all that ``load`` hung in; what is gone already is no matter."""
        while self._undo:
            with suppress(KeyError, ValueError):
                self._undo.pop()()

    def _magic(self, kind: str, name: str, function: Callable[..., Any]) -> None:
        self.shell.register_magic_function(function, magic_kind=kind, magic_name=name)
        for one in kind.split("_"):
            self._undo.append(partial(self.shell.magics_manager.magics[one].pop, name))

    def _listed(self, listing: list[Any], entry: Any) -> None:
        listing.append(entry)
        self._undo.append(lambda: listing.remove(entry))

    def _hook(self, event: str, function: Callable[[Any], None]) -> None:
        self.shell.events.register(event, function)
        self._undo.append(lambda: self.shell.events.unregister(event, function))


def load(shell: Any) -> None:
    """Load the extension into a shell, in place of an earlier loading of it."""
    unload(shell)
    _LOADED[shell] = made = Extension(shell)
    made.load()


def unload(shell: Any) -> None:
    """Take the extension out of a shell, if it is in."""
    loaded = _LOADED.pop(shell, None)
    if loaded is not None:
        loaded.unload()
