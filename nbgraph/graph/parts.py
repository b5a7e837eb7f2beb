"""The parts of a definition, as frozen values: what a cell said of one node, or of one edge.

Owns their shapes and the checks that need nothing else: a function's parameters, a timeout's sign.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from nbgraph.errors import GraphError
from nbgraph.graph.retry import Retry
from nbgraph.graph.source import Source, source_of
from nbgraph.graph.targets import Targets, targets_of

if TYPE_CHECKING:
    from nbgraph.graph.definition import Graph


@dataclass(frozen=True, slots=True)
class NodeDef:
    """One node as its cell defined it. Exactly one of ``fn`` and ``graph`` is set."""

    name: str
    fn: Callable[..., Any] | None
    graph: Graph | None
    is_async: bool
    wants_ctx: bool
    join: str
    targets: Targets
    retry: Retry | None
    timeout: float | None
    limit: int | None
    fields: Mapping[str, str]
    source: Source
    reuse_calls: bool = True
    aliases: tuple[str, ...] = ()
    """Names that the node had before: runs of then are still its own."""


@dataclass(frozen=True, slots=True)
class EdgeDef:
    """One edge. ``owner`` is the node whose ``after=`` made it, "" for one of ``graph.edge``."""

    src: str
    dst: str
    when: Callable[[Any], Any] | None = None
    otherwise: bool = False
    on_error: tuple[Any, ...] = ()
    name: str = ""
    owner: str = ""

    @property
    def key(self) -> tuple[str, str, bool, str]:
        """What makes two edges the same one, so that the later replaces the earlier in its place."""
        return self.src, self.dst, bool(self.on_error), self.name

    @property
    def label(self) -> str:
        """What a drawing writes on the edge: its name, else when it is taken."""
        if self.name:
            return self.name
        if self.on_error:
            return "on " + " | ".join(getattr(kind, "__name__", repr(kind)) for kind in self.on_error)
        if self.when is not None:
            return predicate_text(self.when)
        return "otherwise" if self.otherwise else ""


def predicate_text(when: Callable[[Any], Any]) -> str:
    """Return a predicate as a label: a lambda's body, a function's name; at most 40 characters."""
    name = getattr(when, "__name__", "") or type(when).__name__
    text = source_of(when).text.partition(":")[2].strip() if name == "<lambda>" else name
    text = text or "when"
    return text if len(text) <= 40 else text[:39] + "…"


def node_def(  # noqa: PLR0913 - as many as a node has options
    name: str,
    fn: Callable[..., Any],
    *,
    join: str,
    routes: Iterable[str],
    sends: Iterable[str],
    retry: Retry | int | None,
    timeout: float | None,
    limit: int | None,
    reuse_calls: bool = True,
    aliases: Iterable[str] = (),
) -> NodeDef:
    """Return a function as a node; raises ``GraphError`` for what cannot be one."""
    read = targets_of(fn)
    declared = {"Goto": tuple(routes), "Send": tuple(sends)}
    targets = Targets(
        tuple(dict.fromkeys((*declared["Goto"], *read.routes))),
        tuple(dict.fromkeys((*declared["Send"], *read.sends))),
        frozenset(kind for kind in read.unreadable if not declared[kind]),
    )
    return NodeDef(
        name, fn, None, _is_async(fn), _wants_ctx(name, fn), checked_join(name, join), targets,
        _retry(name, retry), _timeout(name, timeout), _limit(name, limit), {}, source_of(fn),
        checked_switch(name, "reuse_calls", reuse_calls), tuple(aliases),
    )  # fmt: skip


def checked_switch(name: str, option: str, value: bool) -> bool:
    """Return ``value`` if it is True or False."""
    if not isinstance(value, bool):
        raise _wrong(name, option, "True or False", value)
    return value


def checked_join(name: str, join: str) -> str:
    """Return ``join`` if it is one of the two ways to meet arrivals."""
    if join not in ("all", "each"):
        raise _wrong(name, "join", '"all" or "each"', join)
    return join


def names_of(given: Any, argument: str) -> tuple[str, ...]:
    """Return names given as one string, a list of them, or None; those of a set come sorted."""
    given = () if given is None else given
    names = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    names = tuple(sorted(names, key=str)) if isinstance(given, (set, frozenset)) else names
    for name in names:
        if not isinstance(name, str):
            raise GraphError(
                f"{argument}= should hold names of nodes, not {type(name).__name__}",
                todo=f"write the node's name as a string: {getattr(name, '__name__', 'name')!r}",
                expected="str",
                actual=type(name).__name__,
            )
    return names


def check_name(name: Any) -> str:
    """Return a node's name if it can be one: a non-empty string without "/", which stands between graph and subgraph."""
    if not isinstance(name, str) or not name or "/" in name:
        raise GraphError(
            f"a node's name should be a non-empty string without '/', not {name!r}",
            todo="pass another name=...",
            expected="a name",
            actual=repr(name),
        )
    return name


def _is_async(fn: Any) -> bool:
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(fn, "__call__", None))  # noqa: B004 - asks what kind it is


def _wants_ctx(name: str, fn: Any) -> bool:
    """Say whether a node takes (state, ctx); raises ``GraphError`` unless it takes that or (state)."""
    generator = inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn)
    if not callable(fn) or isinstance(fn, type) or generator:
        kind = "generator" if generator else type(fn).__name__
        raise _unfit(name, f"is a {kind}, not a function or another Graph")
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        raise _unfit(name, "does not say which parameters it takes") from None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    wrong = [one for one in parameters if one.kind not in positional]
    surplus = [one for one in parameters[1:] if one.default is not one.empty and one.name not in ("ctx", "context")]
    if wrong or surplus or len(parameters) not in (1, 2):
        raise _unfit(name, f"takes ({', '.join(map(str, parameters))})")
    return len(parameters) == 2


def _unfit(name: str, what: str) -> GraphError:
    return GraphError(
        f"node {name!r} {what}; a node takes (state) or (state, ctx)",
        todo="give it these parameters; bind anything else with a closure or functools.partial",
        node=name,
        expected="(state) or (state, ctx)",
        actual=what,
    )


def _retry(name: str, retry: Any) -> Retry | None:
    if retry is None or isinstance(retry, Retry):
        return retry
    if type(retry) is int:
        return Retry(attempts=retry)
    raise _wrong(name, "retry", "a Retry or a number of attempts", retry)


def _timeout(name: str, timeout: Any) -> float | None:
    if timeout is None:
        return None
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or not isfinite(timeout) or timeout <= 0:
        raise _wrong(name, "timeout", "a number of seconds above 0", timeout)
    return float(timeout)


def _limit(name: str, limit: Any) -> int | None:
    if limit is not None and (type(limit) is not int or limit < 1):
        raise _wrong(name, "limit", "a whole number from 1 on", limit)
    return limit


def _wrong(name: str, option: str, expected: str, value: Any) -> GraphError:
    return GraphError(
        f"node {name!r}: {option} should be {expected}, not {value!r}",
        todo=f"correct {option}=",
        node=name,
        option=option,
        expected=expected,
        actual=repr(value),
    )


def check_edge(src: str, dst: str, when: Any, otherwise: bool, on_error: Any) -> None:
    """Raise ``GraphError`` for an edge that says what no edge can mean."""
    where = f"the edge from {src!r} to {dst!r}"
    failing = on_error is not None and on_error is not False
    if when is not None and not callable(when):
        raise GraphError(f"{where}: when should be a function of the state", actual=type(when).__name__)
    if inspect.iscoroutinefunction(when):
        raise GraphError(f"{where}: when should be a plain function, not async", todo="decide from the state alone")
    if (when is not None) + bool(otherwise) + failing > 1:
        raise GraphError(
            f"{where} has more than one of when, otherwise and on_error",
            todo="write an edge for each; name= tells them apart",
        )


def error_kinds(on_error: Any) -> tuple[Any, ...]:
    """Return what ``on_error=`` names, as a tuple; whether these are exceptions is checked with the whole graph."""
    if on_error is None or on_error is False:
        return ()
    if on_error is True:
        return (Exception,)
    return on_error if isinstance(on_error, tuple) else (on_error,)
