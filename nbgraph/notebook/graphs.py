"""``%graph``: makes a graph, or chooses the one that the other magics mean.

Owns that running its cell again keeps the nodes of other cells, also under a changed state.
"""

from __future__ import annotations

from collections.abc import Callable

from IPython.core.error import UsageError
from IPython.core.magic import no_var_expand

from nbgraph.engine.options import Options, combine
from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph
from nbgraph.graph.schema import Schema
from nbgraph.notebook.arguments import Parser, expression, pairs, text, value
from nbgraph.notebook.bench import Bench, Choice, beside
from nbgraph.notebook.nodes import function_name

ABOUT = """Make a graph and choose it: `NAME = ng.Graph(S, name="NAME")`.

One that NAME already holds is chosen as it is.

    %graph code_review --state Review --store runs.sqlite max_concurrent=4

`%%node`, `%edge` and `%ng` then mean this graph. Runs are kept in F, by default NAME.sqlite
beside the notebook; an engine that a cell made for the graph goes before that default.
`name=value` words are options of the engine.
Running the cell again keeps the nodes; with another state they work on that from then on.
"""


def parser() -> Parser:
    """Return what reads the line of ``%graph``."""
    made = Parser("%graph", ABOUT, options=True)
    made.add_argument("name", type=text, metavar="NAME", help="the notebook's name for it, and its own")
    made.add_argument("--state", nargs="+", metavar="S", help="the state: a TypedDict, dataclass, pydantic model, dict")
    made.add_argument("--start", type=text, metavar="NODE", help="where runs begin: `graph.start(NODE)`")
    made.add_argument("--store", type=text, default="", metavar="F", help='the file of its runs, or ":memory:"')
    return made


READS = parser()


def graph_magic(bench: Bench, tell: Callable[[str], None], born: Callable[[Graph], None]) -> Callable[[str], None]:
    """Return ``%graph``; ``born`` hears of a graph that it made."""

    @no_var_expand
    def graph(line: str) -> None:
        __tracebackhide__ = True
        asked = READS.read(line)
        name = function_name(asked.name)
        choice = Choice(asked.store, pairs(asked.options, bench.names, "%graph"))
        try:
            combine(Options(), (), choice.options)
            made = _graph(bench, name, expression(asked.state))
            if asked.start is not None:
                made.start(asked.start)
        except GraphError as error:
            raise UsageError(str(error)) from error
        if bench.names.get(name) is not made:
            bench.names[name] = made
            born(made)
            if not asked.store:
                tell(f"graph {name}: its runs are kept in {beside(made)}, beside the notebook (--store names another)")
        bench.choose(name, choice)

    graph.__doc__ = READS.format_help()
    return graph


def _graph(bench: Bench, name: str, state: str) -> Graph:
    """Return the graph that the notebook has under the name, with that state, or a new one."""
    schema = value(state, bench.names, "--state") if state else None
    held = bench.names.get(name)
    if held is not None and not isinstance(held, Graph):
        raise UsageError(f"%graph: {name} is a {type(held).__name__} of the notebook; choose another name")
    if held is None:
        return Graph(schema, name=name)
    if state and held.schema.cls is not schema:
        held.schema = Schema.of(schema)
        held._version += 1  # noqa: SLF001 - the nodes stay, the plan is made again
    return held
