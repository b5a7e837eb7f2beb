"""``%%node``: a cell whose body is a node's body.

Owns the rewriting of such a cell into a plain function followed by ``%node NAME``, and that magic, which is one line
over ``graph.node``. Because the cell is plain Python when IPython compiles it, tracebacks, syntax errors and
``inspect`` are right by themselves.
"""

from __future__ import annotations

import inspect
import linecache
import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from keyword import iskeyword
from types import CodeType, ModuleType
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import no_var_expand

from nbgraph.engine.engine import Engine
from nbgraph.engine.run import Run
from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph
from nbgraph.graph.source import code_of, source_of
from nbgraph.notebook.arguments import Parser, listed, text, value
from nbgraph.notebook.bench import Bench
from nbgraph.notebook.celltext import body_of, function_text

_CALL = "get_ipython().run_line_magic('node'"
_FIRST = re.compile(r"%%node(?![\w?])")

ABOUT = """Make the cell's body a node of the graph: `graph.node(NAME, after=..., ...)`.

The body sees `state` and `ctx`. Its last expression, or what it returns, is the update.
With `await` in it, it is an async node. Names that it defines are its own; other names are
the notebook's. The function is NAME afterwards.

    %%node review --after split --retry 3
    answer = await ctx.call(ask_model, state["file"])
    {"findings": answer}

`%node NAME ...` (one %) does the same with a function, or a graph, that the notebook already has.
"""


def parser() -> Parser:
    """Return what reads the line of ``%%node``."""
    made = Parser("%%node", ABOUT)
    made.add_argument("name", type=text, metavar="NAME", help="the node's name, a Python name")
    made.add_argument("--after", nargs="+", metavar="A,B", help="the nodes that lead to it")
    made.add_argument("--retry", metavar="N", help="attempts, or an ng.Retry(...)")
    made.add_argument("--timeout", metavar="S", help="seconds that an attempt may take")
    made.add_argument("--join", choices=["all", "each"], help="fire once for all arrivals, or for each")
    made.add_argument("--sends", nargs="+", metavar="X", help="targets of Send that cannot be read from the code")
    made.add_argument("--routes", nargs="+", metavar="X", help="targets of Goto that cannot be read from the code")
    made.add_argument("--limit", metavar="N", help="how many of its tasks run at once")
    made.add_argument("--alias", nargs="+", metavar="OLD", help="names that the node had before")
    made.add_argument("--title", type=text, metavar="TEXT", help="the node's name where NAME cannot say it")
    made.add_argument("--no-reuse-calls", action="store_true", help="a further attempt makes its calls again")
    made.add_argument("--async", action="store_true", dest="is_async", help="an async node, also without await")
    made.add_argument("--graph", type=text, metavar="G", help="the graph, if not the one of %%graph")
    return made


READS = parser()


def function_name(name: str) -> str:
    """Return a name that a function can have; raises ``UsageError``."""
    if not name.isidentifier() or iskeyword(name):
        raise UsageError(f'%%node: {name!r} is no Python name; write %%node a_name --title "{name}"')
    return name


def _free(names: Mapping[str, Any], name: str) -> str:
    """Return a name that a node's function may take; raises ``UsageError`` where that would lose something."""
    held = names.get(function_name(name))
    if isinstance(held, (Graph, Engine, Run, ModuleType)):
        what = "module" if isinstance(held, ModuleType) else type(held).__name__.lower()
        raise UsageError(f"%%node: {name} is a {what} of the notebook; write %%node {name}_node --title {name}")
    return name


def transformer(shell: Any) -> Callable[[list[str]], list[str]]:
    """Return the input transformer; a cell that it cannot read goes on to the magic, which says why."""

    def node_cell(lines: list[str]) -> list[str]:
        if not lines or not _FIRST.match(lines[0]):
            return lines
        line, body = lines[0][len("%%node") :].strip(), "".join(lines[1:])
        try:
            asked = READS.read(line)
            _free(shell.user_ns, asked.name)
        except UsageError:
            return lines
        body = _python(shell, body)
        seen = body_of(body)
        if seen is not None and (seen.empty or seen.yields):
            return lines
        made = function_text(asked.name, body, forced_async=asked.is_async)
        if seen is not None:
            made += f"{_CALL}, {line!r})\n"
        return made.splitlines(keepends=True)

    return node_cell


def _python(shell: Any, body: str) -> str:
    """Return a body with IPython's own syntax (``!ls``) as Python, where it has any."""
    if body_of(body) is not None:
        return body
    changed = "".join(shell.input_transformer_manager.do_token_transforms(body.splitlines(keepends=True)))
    return changed if body_of(changed) is not None else body


def node_magic(bench: Bench, shell: Any, raw: Callable[[], str]) -> Callable[..., None]:
    """Return ``%node`` and ``%%node``; ``raw`` tells the text of the cell that runs."""

    @no_var_expand
    def node(line: str, cell: str | None = None) -> None:
        __tracebackhide__ = True  # IPython leaves frames with this name out of tracebacks
        asked = READS.read(line)
        name = function_name(asked.name) if cell is None else _free(bench.names, asked.name)
        if cell is not None:
            _define(shell, name, _checked(shell, name, cell), asked, 0)
        elif not source_of(bench.names.get(name)).text and (found := _cell_of(raw(), name)):
            _define(shell, name, _python(shell, found[0]), asked, found[1])
        _register(bench, name, asked)
        _hide_call(code_of(bench.names[name]))

    node.__doc__ = READS.format_help()
    return node


def _checked(shell: Any, name: str, cell: str) -> str:
    body = _python(shell, cell)
    seen = body_of(body)
    if seen is not None and seen.empty:
        raise UsageError(f"%%node {name}: the cell has no body; its last expression, or what it returns, is the update")
    if seen is not None and seen.yields:
        raise UsageError(
            f"%%node {name}: line {seen.yields} yields, and a node is no generator; "
            "return one update, or a list of ng.Send(...)"
        )
    return body


def _cell_of(raw: str, name: str) -> tuple[str, int] | None:
    """Return the body of ``%%node NAME`` in a cell in which another magic stands first, and the lines above it."""
    lines = raw.split("\n")
    for above, line in enumerate(lines):
        if _FIRST.match(line) and re.match(rf"\s+{re.escape(name)}(?!\w)", line[len("%%node") :]):
            return "\n".join(lines[above + 1 :]), above
    return None


def _define(shell: Any, name: str, body: str, asked: Namespace, above: int) -> None:
    """Make the function where IPython did not compile the cell as it stands, or keeps no text of it."""
    __tracebackhide__ = True
    made = "\n" * above + function_text(name, body, forced_async=asked.is_async)
    number = max(shell.execution_count - 1, 1)  # IPython counts on when a cell begins
    exec(compile(made, shell.compile.cache(made, number), "exec"), shell.user_ns)  # noqa: S102 - the person's own cell


def _register(bench: Bench, name: str, asked: Namespace) -> None:
    __tracebackhide__ = True
    graph = bench.graph(asked.graph)
    title = name if asked.title is None else asked.title
    fn = bench.names.get(name)
    if not callable(fn) and fn not in bench.graphs.values():
        raise UsageError(f"%node: the notebook has no function {name!r}; `%%node {name}` makes one of its cell")
    try:
        graph.node(fn, name=title, after=listed(asked.after), **_how(bench, asked))
    except GraphError as error:
        _restore(bench, name, next((node.fn for node in graph.nodes if node.name == title), None))
        raise UsageError(str(error)) from error


def _hide_call(code: CodeType | None) -> None:
    """Take our own line off the end of the cell's text: nobody wrote it, so no debugger should show it."""
    size, mtime, lines, name = linecache.cache.get(code.co_filename if code else "", (0, None, [], ""))  # type: ignore[misc]  # four parts, once read
    if lines and lines[-1].startswith(_CALL):
        linecache.cache[name] = (size, mtime, lines[:-1], name)


def _how(bench: Bench, asked: Namespace) -> dict[str, Any]:
    """Return the options that the line gives, as ``graph.node`` takes them."""
    evaluated = {
        option: value(given, bench.names, f"--{option}")
        for option in ("retry", "timeout", "limit")
        if (given := getattr(asked, option)) is not None
    }
    listing = {"routes": listed(asked.routes), "sends": listed(asked.sends), "aliases": listed(asked.alias)}
    given = {"join": asked.join, **listing, **evaluated, "reuse_calls": False if asked.no_reuse_calls else None}
    return {option: one for option, one in given.items() if one is not None}


def _restore(bench: Bench, name: str, fn: Any) -> None:
    """Give a name back the function of the node that stands: a cell that fails changes nothing."""
    refused = bench.names.get(name)
    if not inspect.isfunction(refused) or code_of(refused) is code_of(fn):
        return
    if fn is None:
        del bench.names[name]
    else:
        bench.names[name] = fn
