"""``%edge``: one line over ``graph.edge`` and ``graph.remove_edge``.

Owns the predicate that is written as an expression: its text is the edge's label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import no_var_expand

from nbgraph.errors import GraphError
from nbgraph.notebook.arguments import Parser, expression, text, value
from nbgraph.notebook.bench import Bench

ABOUT = """Draw an edge: `graph.edge(A, B, when=lambda state: EXPR)`, or take one out: `graph.remove_edge(A, B)`.

    %edge check report --when state["score"] > 0.8
    %edge check draft --otherwise
    %edge fetch apologise --on-error TimeoutError

EXPR sees `state` (after the node's own update) and the notebook's names; its text is drawn on the edge. The same
pair again replaces the edge in its place.
"""


def parser() -> Parser:
    """Return what reads the line of ``%edge``."""
    made = Parser("%edge", ABOUT)
    made.add_argument("src", type=text, metavar="A", help="the node that the edge leads from")
    made.add_argument("dst", type=text, metavar="B", help="the node that it leads to")
    made.add_argument("--when", nargs="+", metavar="EXPR", help="taken when this holds")
    made.add_argument("--otherwise", action="store_true", help="taken when no other edge is")
    made.add_argument("--on-error", nargs="?", const="True", metavar="E", help="taken when A fails (with E)")
    made.add_argument("--name", type=text, default="", help="its label; tells edges of one pair apart")
    made.add_argument("--remove", action="store_true", help="take the edge out")
    made.add_argument("--graph", type=text, metavar="G", help="the graph, if not the one of %%graph")
    return made


READS = parser()


def edge_magic(bench: Bench, shell: Any) -> Callable[[str], None]:
    """Return ``%edge``."""

    @no_var_expand
    def edge(line: str) -> None:
        __tracebackhide__ = True
        asked = READS.read(line)
        graph = bench.graph(asked.graph)
        on_error = None if asked.on_error is None else value(asked.on_error, bench.names, "--on-error")
        try:
            if asked.remove:
                graph.remove_edge(asked.src, asked.dst, name=asked.name or None)
            else:
                when = _predicate(shell, expression(asked.when)) if asked.when else None
                graph.edge(
                    asked.src, asked.dst, when, otherwise=asked.otherwise, on_error=on_error, name=asked.name
                )  # fmt: skip
        except GraphError as error:
            raise UsageError(str(error)) from error

    edge.__doc__ = READS.format_help()
    return edge


def _predicate(shell: Any, source: str) -> Callable[[Any], Any]:
    """Return an expression over ``state`` as a function whose source can be found: drawings show it as a label."""
    made = f"lambda state: {source}"
    try:
        code = compile(made, shell.compile.cache(made, max(shell.execution_count - 1, 1)), "eval")
    except (SyntaxError, ValueError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"--when: {source!r} is not a Python expression: {reason}") from None
    predicate: Callable[[Any], Any] = eval(code, shell.user_ns)  # noqa: S307 - the person's own line
    return predicate
