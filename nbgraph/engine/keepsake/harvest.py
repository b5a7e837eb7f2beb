"""A graph's code as the text of a module: for graphs that live in a notebook, where nothing can be imported from.

Owns what is written down: the functions and classes that nodes use, their imports and plain constants, and the
definition itself. What cannot be written down is said by name.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from nbgraph.errors import GraphError
from nbgraph.graph.definition import Graph
from nbgraph.graph.parts import EdgeDef, NodeDef
from nbgraph.graph.retry import Retry
from nbgraph.graph.source import globals_of, source_of
from nbgraph.graph.syntax import parsed

HOME = "__main__"


class Harvest:
    """Collects definitions, each after what it needs."""

    def __init__(self) -> None:
        self._imports: dict[str, None] = {"import nbgraph as ng": None}
        self._parts: list[str] = []
        self._done: dict[str, Any] = {}

    def module(self, graph: Graph) -> str:
        """Return the text of a module that defines ``graph`` under that name."""
        lines = [self._graph(graph)]
        lines += [self._node(node) for node in graph.nodes]
        lines += [self._edge(edge) for edge in graph.edges]
        if graph.chosen_start is not None:
            lines.append(f"graph.start({graph.chosen_start!r})")
        return "\n".join([*self._imports, "", "", "\n\n\n".join(self._parts), "", "", *lines, ""])

    def _graph(self, graph: Graph) -> str:
        schema = graph.schema
        if schema.cls is not None:
            state = self.named(schema.cls.__name__, schema.cls)
        elif schema.open:
            state = "dict"
        else:
            raise _unwritten(f"the state's schema {dict(schema.fields)}", "give it a name: a TypedDict or a dataclass")
        reducer = "" if graph.reducer is None else f", reducer={self.expression(graph.reducer)}"
        return f"graph = ng.Graph({state}, name={graph.name!r}{reducer})"

    def _node(self, node: NodeDef) -> str:
        if node.fn is None:
            raise _unwritten(f"the subgraph {node.name!r}", "put the graphs in a module and import them")
        parts = {
            "name": repr(node.name),
            "join": repr(node.join) if node.join != "all" else "",
            "routes": repr(list(node.targets.routes)) if node.targets.routes else "",
            "sends": repr(list(node.targets.sends)) if node.targets.sends else "",
            "retry": self._retry(node.retry) if node.retry else "",
            "timeout": repr(node.timeout) if node.timeout is not None else "",
            "reuse_calls": "False" if not node.reuse_calls else "",
            "aliases": repr(list(node.aliases)) if node.aliases else "",
        }
        options = ", ".join(f"{name}={text}" for name, text in parts.items() if text)
        return f"graph.node({self.expression(node.fn)}, {options})"

    def _retry(self, retry: Retry) -> str:
        kinds = retry.on if isinstance(retry.on, tuple) else (retry.on,)
        on = ", ".join(self.expression(kind) for kind in kinds)
        return (
            f"ng.Retry({retry.attempts}, wait={retry.wait!r}, factor={retry.factor!r}, cap={retry.cap!r}, "
            f"jitter={retry.jitter!r}, on={f'({on},)' if isinstance(retry.on, tuple) else on})"
        )

    def _edge(self, edge: EdgeDef) -> str:
        when = f", {self.expression(edge.when)}" if edge.when is not None else ""
        otherwise = ", otherwise=True" if edge.otherwise else ""
        kinds = "".join(f"{self.expression(kind)}, " for kind in edge.on_error)
        on_error = f", on_error=({kinds})" if kinds else ""
        name = f", name={edge.name!r}" if edge.name else ""
        return f"graph.edge({edge.src!r}, {edge.dst!r}{when}{otherwise}{on_error}{name})"

    # -- names

    def expression(self, value: Any) -> str:
        """Return an expression that gives a function, a class or a plain constant."""
        if getattr(value, "__name__", "") == "<lambda>":
            text = source_of(value).text
            if not text:
                raise _unwritten("a lambda whose source nobody has", "define it in a cell or a file")
            self._needs(value, text)
            return f"({text})"
        return self.named(getattr(value, "__name__", type(value).__name__), value)

    def named(self, name: str, value: Any) -> str:
        """Make sure that ``name`` means ``value`` in the module; return it."""
        if name in self._done:
            if self._done[name] is not value:
                raise _unwritten(f"two different things called {name!r}", "rename one of them")
            return name
        if getattr(builtins, name, None) is value:
            return name
        self._done[name] = value
        self._define(name, value)
        return name

    def _define(self, name: str, value: Any) -> None:
        home = getattr(value, "__module__", None)
        if isinstance(value, ModuleType):
            self._imports[f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")] = None
        elif _importable(value, home):
            alias = f" as {name}" if value.__name__ != name else ""
            self._imports[f"from {home} import {value.__name__}{alias}"] = None
        elif inspect.isclass(value):
            self._parts.append(self._class(value))
        elif callable(value) and source_of(value).text:
            text = self._function(value)
            self._parts.append(text)
        else:
            self._parts.append(f"{name} = {_constant(name, value)}")

    def _class(self, cls: type) -> str:
        try:
            text = textwrap.dedent(inspect.getsource(cls)).rstrip()
        except (OSError, TypeError):
            raise _unwritten(f"the class {cls.__name__!r}", "put it in a module and import it") from None
        self._names(text, vars(inspect.getmodule(cls) or builtins) | _main())
        return text

    def _function(self, fn: Callable[..., Any]) -> str:
        text = textwrap.dedent(source_of(fn).text)
        recorded = getattr(fn, "__recorded__", None)
        self._needs(recorded or fn, text)
        return f"@ng.call\n{text}" if recorded is not None else text

    def _needs(self, fn: Any, text: str) -> None:
        self._names(text, globals_of(fn))

    def _names(self, text: str, known: dict[str, Any]) -> None:
        """Define whatever a text names and its author's namespace has."""
        own = parsed(text)
        bound = {
            node.name for node in own.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        for node in ast.walk(own):
            if (
                isinstance(node, ast.Name)
                and isinstance(node.ctx, ast.Load)
                and node.id in known
                and node.id not in bound
            ):
                self._used(node.id, known[node.id])

    def _used(self, name: str, value: Any) -> None:
        if not isinstance(value, Graph):
            self.named(name, value)


def _main() -> dict[str, Any]:
    import sys  # noqa: PLC0415 - here only

    return vars(sys.modules[HOME])


def _importable(value: Any, home: str | None) -> bool:
    """Say whether a name of a real module leads to the value."""
    import sys  # noqa: PLC0415 - here only

    module = sys.modules.get(home or "")
    if module is None or home == HOME or not getattr(module, "__spec__", None):
        return False
    return getattr(module, getattr(value, "__name__", ""), None) is value


def _constant(name: str, value: Any) -> str:
    text = repr(value)
    try:
        if ast.literal_eval(text) == value:
            return text
    except (ValueError, SyntaxError):
        pass
    raise _unwritten(f"{name!r}, a {type(value).__name__}", "make it inside the function, or put it in a module")


def _unwritten(what: str, todo: str) -> GraphError:
    return GraphError(
        f"the graph cannot be written down as a test: it uses {what}",
        still="nothing was written",
        todo=f"{todo}; or define the graph in a module: then the test imports it",
    )


def importable_as(graph: Graph, modules: Iterable[ModuleType | None]) -> str | None:
    """Return "module:name" of a graph that an importable module holds, None if none does."""
    for module in modules:
        name = getattr(module, "__name__", HOME)
        if module is None or name == HOME or getattr(module, "__spec__", None) is None:
            continue
        for attribute, value in list(vars(module).items()):
            if value is graph:
                return f"{name}:{attribute}"
    return None
