"""The graph of ``--graph module:attr``: the one place where the command line runs somebody's code.

Owns the import, from the folder that one stands in, and what may come of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from traceback import extract_tb
from typing import Any

import click

from nbgraph.engine.engine import Engine
from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph
from nbgraph.store import Store

GRAPH = "module:attr of a Graph or an Engine. Imports the module, from the current folder too: its code runs."


@contextmanager
def engine_of(target: str, store: Store) -> Iterator[Engine]:
    """Import ``module:attr``; give an engine of that graph, and of its options, on ``store``.

    While it is in use the current folder is importable and what code prints goes to stderr. Raises ``GraphError`` for
    a target that cannot be imported or is neither a ``Graph`` nor an ``Engine``.
    """
    module, _, attribute = target.partition(":")
    if not module or not attribute:
        raise _refused(f"{target!r} is not of the form module:attr", "name a module and a graph in it: review:graph")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        with redirect_stdout(sys.stderr):
            click.echo(f"importing {module}: its code runs", err=True)
            found = _found(module, attribute)
            if isinstance(found, Engine):
                yield Engine(found.graph, store=store, options=found.options)
            elif isinstance(found, Graph):
                yield Engine(found, store=store)
            else:
                raise _refused(f"{target} is a {type(found).__name__}", "name a Graph or an Engine")
    finally:
        sys.path.remove(here)


def _found(module: str, attribute: str) -> Any:
    try:
        loaded = import_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise anything, SystemExit too
        place = extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__}: {error} ({place.filename}, line {place.lineno})"
        todo = "give a module that can be imported from the current folder, without .py"
        raise _refused(f"{module} cannot be imported: {where}", todo) from error
    try:
        return attrgetter(attribute)(loaded)
    except AttributeError as error:
        graphs = [name for name, value in vars(loaded).items() if isinstance(value, (Graph, Engine))]
        todo = f"it has: {', '.join(graphs)}" if graphs else "it has no Graph and no Engine"
        raise _refused(f"module {module} has no {attribute!r}", todo) from error


def _refused(message: str, todo: str) -> GraphError:
    return GraphError(message, still="nothing was written", todo=todo)
