"""The graph as it is being written: mutable, cell by cell; re-running any cell is harmless.

Owns what is defined and in which order. Checking is in ``validate``, inlining in ``subgraph``, making the
plan in ``compiling``, pictures in ``mermaid``, ``dot`` and ``text``; they are imported when first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from nbgraph.errors import GraphError
from nbgraph.faces import bundle, face
from nbgraph.graph.parts import EdgeDef, NodeDef, check_edge, check_name, checked_join, error_kinds, names_of, node_def
from nbgraph.graph.retry import Retry
from nbgraph.graph.schema import Schema
from nbgraph.graph.source import Source
from nbgraph.graph.targets import Targets

if TYPE_CHECKING:
    import graphviz

    from nbgraph.graph.plan import Plan

_F = TypeVar("_F", bound=Callable[..., Any])


class Graph:
    """A graph of nodes over a state. Not thread-safe while it is being defined.

    ``schema`` is a TypedDict, dataclass or pydantic class, ``{name: type}``, or None for a state of any
    fields. ``reducer(state, update) -> state``, if given, replaces the fields' reducers.

    >>> graph = Graph({"n": int}, name="count")
    >>> @graph.node
    ... def up(state): return {"n": state["n"] + 1}
    >>> graph.compile().start
    'up'
    """

    def __init__(self, schema: Any = None, *, name: str, reducer: Callable[[Any, Any], Any] | None = None) -> None:
        given: Any = name
        if not isinstance(given, str) or not given:
            raise GraphError(f"a graph's name should be a non-empty string, not {name!r}", todo='pass name="..."')
        if reducer is not None and not callable(reducer):
            raise GraphError("reducer= should be a function (state, update) -> state", actual=type(reducer).__name__)
        self.name, self.schema, self.reducer = name, Schema.of(schema), reducer
        self._nodes: dict[str, NodeDef] = {}
        self._edges: list[EdgeDef] = []
        self._start: str | None = None
        self._migrations: list[Callable[..., Any]] = []
        self._version = 0
        self._compiled: tuple[Any, Plan] | None = None

    @property
    def nodes(self) -> tuple[NodeDef, ...]:
        """The nodes in the order of their first definition."""
        return tuple(self._nodes.values())

    @property
    def edges(self) -> tuple[EdgeDef, ...]:
        """The edges; those of one source stand in merge order."""
        return tuple(self._edges)

    @property
    def chosen_start(self) -> str | None:
        """The name given to ``start``, or None."""
        return self._start

    @overload
    def node(self, fn: _F, /) -> _F: ...
    @overload
    def node(
        self, fn: Graph, /, *, name: str | None = ..., after: str | Iterable[str] | None = ..., join: str = ...,
        fields: Mapping[str, str] | None = ...,
    ) -> Graph: ...  # fmt: skip
    @overload
    def node(
        self, fn: None = ..., /, *, name: str | None = ..., after: str | Iterable[str] | None = ..., join: str = ...,
        routes: str | Iterable[str] | None = ..., sends: str | Iterable[str] | None = ..., retry: Retry | int | None = ...,
        timeout: float | None = ..., limit: int | None = ..., reuse_calls: bool = ...,
        aliases: str | Iterable[str] | None = ...,
    ) -> Callable[[_F], _F]: ...  # fmt: skip
    @overload
    def node(
        self, fn: _F, /, *, name: str | None = ..., after: str | Iterable[str] | None = ..., join: str = ...,
        routes: str | Iterable[str] | None = ..., sends: str | Iterable[str] | None = ..., retry: Retry | int | None = ...,
        timeout: float | None = ..., limit: int | None = ..., reuse_calls: bool = ...,
        aliases: str | Iterable[str] | None = ...,
    ) -> _F: ...  # fmt: skip

    def node(
        self,
        fn: Any = None,
        /,
        *,
        name: str | None = None,
        after: str | Iterable[str] | None = None,
        fields: Mapping[str, str] | None = None,
        **how: Any,
    ) -> Any:
        """Add a function or another graph as a node, or replace the node of that name in its place.

        ``after``: the nodes that lead to it. ``join``: "all" fires once for all arrivals, "each" for every
        one. ``routes``/``sends``: targets of ``Goto``/``Send`` that cannot be read from the code.
        ``retry``: a ``Retry`` or a number of attempts. ``timeout``: seconds per attempt. ``limit``: how many
        run at once. ``reuse_calls``: whether a further attempt, or a resume, is served the calls that an earlier
        one recorded (True). ``aliases``: names that the node had before. ``fields`` (subgraphs): inner field ->
        field of this graph. Raises ``GraphError``.
        """
        _known_options(how)
        if fn is None:
            return lambda fn: self.node(fn, name=name, after=after, fields=fields, **how)
        if isinstance(fn, Graph):
            made = _subgraph_def(check_name(fn.name if name is None else name), fn, fields, how)
        else:
            made = _function_def(name, fn, fields, how)
        sources = names_of(after, "after")
        self._nodes[made.name] = made
        self._follow(made.name, sources)
        self._version += 1
        return fn

    def edge(
        self,
        src: str,
        dst: str,
        when: Callable[[Any], Any] | None = None,
        *,
        otherwise: bool = False,
        on_error: Any = None,
        name: str = "",
    ) -> None:
        """Lead from ``src`` to ``dst``: always, when ``when(state)`` holds, ``otherwise``, or ``on_error``.

        ``on_error`` is True (any exception), an exception class or a tuple of them. The same pair again
        replaces the edge in its place; ``name`` tells several apart. Nodes may be defined later.
        """
        names_of([src, dst], "edge")
        check_edge(src, dst, when, otherwise, on_error)
        self._put(EdgeDef(src, dst, when, otherwise, error_kinds(on_error), str(name)))
        self._version += 1

    def start(self, name: str) -> None:
        """Say where runs begin; needed only if no node, or more than one, has nothing leading to it."""
        self._start = names_of([name], "start")[0]
        self._version += 1

    def remove(self, name: str) -> None:
        """Take a node out, with the edges that touch it; raises ``GraphError`` if there is none of that name."""
        if name not in self._nodes:
            raise GraphError(f"graph {self.name!r} has no node {name!r}", node=name, todo="see graph.nodes")
        del self._nodes[name]
        self._edges = [edge for edge in self._edges if name not in (edge.src, edge.dst)]
        self._start = None if self._start == name else self._start
        self._version += 1

    def migration(self, fn: _F) -> _F:
        """Register how a state that was recorded under an older schema becomes one of today's; a decorator.

        ``fn`` gets the old state as a dict and returns the new one. It runs when a run is resumed or forked
        whose recorded fields differ from today's; what it made is recorded as a step. Several run in the
        order in which they were registered; one of the same name replaces the earlier.
        """
        name = getattr(fn, "__name__", repr(fn))
        kept = [other for other in self._migrations if getattr(other, "__name__", repr(other)) != name]
        self._migrations = [*kept, fn]
        return fn

    @property
    def migrations(self) -> tuple[Callable[..., Any], ...]:
        """The registered migrations, oldest first."""
        return tuple(self._migrations)

    def remove_edge(self, src: str, dst: str, *, on_error: bool | None = None, name: str | None = None) -> None:
        """Take out the edges between two nodes: all, or those on errors (or not), or the one of a name."""
        gone = [
            edge
            for edge in self._edges
            if (edge.src, edge.dst) == (src, dst)
            and on_error in (None, bool(edge.on_error))
            and name in (None, edge.name)
        ]
        if not gone:
            raise GraphError(f"graph {self.name!r} has no such edge from {src!r} to {dst!r}", todo="see graph.edges")
        self._edges = [edge for edge in self._edges if edge not in gone]
        self._version += 1

    def validate(self) -> None:
        """Raise one ``GraphError`` that lists everything wrong (``problems``); return if nothing is."""
        from nbgraph.graph.validate import check  # noqa: PLC0415 - needs this module

        check(self)

    def compile(self) -> Plan:
        """Return the graph as a frozen plan; made once, and again only after a change. Raises like ``validate``."""
        from nbgraph.graph.compiling import compiled  # noqa: PLC0415 - needs this module

        revision = self.revision()
        if self._compiled is None or self._compiled[0] != revision:
            self.validate()
            self._compiled = (revision, compiled(self))
        return self._compiled[1]

    def revision(self) -> tuple[tuple[int, int], ...]:
        """Return what changes whenever this graph, or one inside it, is changed."""
        graphs, waiting = {id(self): self}, [self]
        while waiting:
            for node in waiting.pop().nodes:
                if node.graph is not None and id(node.graph) not in graphs:
                    graphs[id(node.graph)] = node.graph
                    waiting.append(node.graph)
        return tuple((key, graph._version) for key, graph in graphs.items())  # noqa: SLF001 - of its own class

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the graph means: the same whatever order its cells ran in. Raises like ``validate``."""
        return self.compile().fingerprint

    def to_mermaid(self) -> str:
        """Return the graph as a Mermaid flowchart. Works on unfinished graphs too."""
        from nbgraph.graph.mermaid import mermaid  # noqa: PLC0415 - pictures are made when asked for

        return mermaid(self)

    def to_dot(self) -> graphviz.Digraph:
        """Return the graph as a ``graphviz.Digraph``; rendering it needs Graphviz, its ``source`` does not."""
        from nbgraph.graph.dot import digraph  # noqa: PLC0415 - as above

        return digraph(self)

    def to_text(self) -> str:
        """Return the graph drawn in box characters. Works on unfinished graphs too."""
        from nbgraph.graph.text import drawn  # noqa: PLC0415 - as above

        return drawn(self)

    def to_svg(self, **how: Any) -> str:
        """Return the graph as a drawing, a whole SVG document. Works on unfinished graphs too.

        ``how``: ``engine``, who lays it out ("auto", "dot", "pygraphviz", "builtin"); ``theme`` ("light", "dark");
        ``direction`` ("down", "right"), where links lead; ``path``, a file that it is written to as well.
        """
        drawing: str = face("graph.svg")(self, **how)
        return drawing

    def view(self, **how: Any) -> Any:
        """Return a widget that shows the graph and follows it as its cells are run again; a picture where no kernel is."""
        return face("graph.view")(self, **how)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle("graph.bundle", self)

    def __repr__(self) -> str:
        return f"<Graph {self.name!r}: {len(self._nodes)} nodes, {len(self._edges)} edges>"

    def __str__(self) -> str:
        return self.to_text()

    def _put(self, edge: EdgeDef) -> None:
        """Add an edge, or replace the same one where it stands: its place is its place in the merge order."""
        for place, other in enumerate(self._edges):
            if other.key == edge.key:
                self._edges[place] = edge
                return
        self._edges.append(edge)

    def _follow(self, name: str, sources: Iterable[str]) -> None:
        """Make the ``after=`` edges of a node: those no longer listed vanish, those kept stay, new ones go last."""
        listed = dict.fromkeys(sources)
        self._edges = [edge for edge in self._edges if edge.owner != name or edge.src in listed]
        for src in listed:
            edge = EdgeDef(src, name, owner=name)
            # An explicit edge says more than after=, whichever cell ran first.
            if not any(other.key == edge.key for other in self._edges):
                self._edges.append(edge)


_OPTIONS = ("join", "routes", "sends", "retry", "timeout", "limit", "reuse_calls", "aliases")


def _known_options(how: Mapping[str, Any]) -> None:
    unknown = sorted(how.keys() - set(_OPTIONS))
    if unknown:
        raise GraphError(
            f"graph.node has no option {unknown[0]!r}",
            todo=f"it has: name, after, fields, {', '.join(_OPTIONS)}",
            option=unknown[0],
        )


def _function_def(name: str | None, fn: Any, fields: Any, how: Mapping[str, Any]) -> NodeDef:
    own = getattr(fn, "__name__", None)
    name = check_name((None if own == "<lambda>" else own) if name is None else name)
    if fields is not None:
        raise GraphError(f"node {name!r} is a function; fields= is for subgraphs", node=name, option="fields")
    return node_def(
        name,
        fn,
        join=how.get("join", "all"),
        routes=names_of(how.get("routes"), "routes"),
        sends=names_of(how.get("sends"), "sends"),
        retry=how.get("retry"),
        timeout=how.get("timeout"),
        limit=how.get("limit"),
        reuse_calls=how.get("reuse_calls", True),
        aliases=names_of(how.get("aliases"), "aliases"),
    )


def _subgraph_def(name: str, graph: Graph, fields: Mapping[str, str] | None, how: Mapping[str, Any]) -> NodeDef:
    given = [option for option in _OPTIONS[1:] if how.get(option) is not None]
    if given:
        raise GraphError(
            f"node {name!r} is a graph; {given[0]}= is for functions",
            todo=f"set {given[0]}= on the nodes inside it",
            node=name,
            option=given[0],
        )
    join = checked_join(name, how.get("join", "all"))
    return NodeDef(
        name, None, graph, False, False, join, Targets(), None, None, None, dict(fields or {}), Source("", "")
    )
