"""Small plays for the engine's tests: graphs written as text, runs in a chosen order, what a run did.

Owns no rule of the engine; each test file says its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Annotated, Any, TypedDict

import nbgraph as ng
from nbgraph.testing import GatedCrew


class Log(TypedDict):
    """A list of who ran, in merge order, and a field that has no reducer."""

    log: Annotated[list, ng.append]
    x: int


def says(word: str) -> Callable[[Any], Any]:
    """Return a node that logs a word."""
    return lambda state: {"log": word}


def does(fn: Callable[..., Any], **options: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return a node with the options that ``graph.node`` takes."""
    return fn, options


def play(ways: str, schema: Any = Log, *, name: str = "play", reducer: Any = None, **nodes: Any) -> ng.Graph:
    """Return the graph of a text like ``"a > b c; b > d; c > d"``: nodes in order of mention, the first one starts.

    Ways out stand in merge order. A node logs its own name, or does what ``nodes`` says.
    """
    graph = ng.Graph(schema, name=name) if reducer is None else ng.Graph(schema, name=name, reducer=reducer)
    pairs = [(line.partition(">")[0].split(), line.partition(">")[2].split()) for line in ways.split(";")]
    names = list(dict.fromkeys([name for sources, targets in pairs for name in (*sources, *targets)] + list(nodes)))
    for node in names:
        given = nodes.get(node, says(node))
        fn, options = given if isinstance(given, tuple) else (given, {})
        graph.node(name=node, **options)(fn)
    for sources, targets in pairs:
        for source in sources:
            for target in targets:
                graph.edge(source, target)
    graph.start(names[0])
    return graph


def holding(
    ways: str, inner: ng.Graph, *, at: str = "sub", schema: Any = Log, fields: Any = None, **nodes: Any
) -> ng.Graph:
    """Return a play whose node ``at`` is a graph."""
    graph = play(ways, schema, **nodes)
    graph.node(inner, name=at, fields=fields) if fields else graph.node(inner, name=at)
    return graph


def finishing(order: Iterable[str]) -> GatedCrew:
    """Return a crew that finishes the waiting node that stands first in ``order``; the rest as they came."""
    wanted = list(order)
    place = lambda name: wanted.index(name) if name in wanted else len(wanted)  # noqa: E731 - a key, used once
    return GatedCrew(lambda waiting: min(range(len(waiting)), key=lambda at: (place(waiting[at]), at)))


def run(graph: ng.Graph, given: Any = None, *, finish: Iterable[str] = (), **options: Any) -> ng.Run:
    """Run a graph in memory, finishing waiting nodes in the order of ``finish``."""
    return ng.Engine(graph, executor=finishing(finish), max_concurrent=64, **options).run(given or {}, run_id="r")


def every_order(graph: ng.Graph, names: Iterable[str], given: Any = None, **options: Any) -> Iterable[ng.Run]:
    """Yield a run of the graph for every order in which the named nodes can finish."""
    for order in permutations(names):
        yield run(graph, given, finish=order, **options)


def refused(graph: ng.Graph, kind: type[ng.NbgraphError], given: Any = None, **options: Any) -> tuple[Any, ng.Run]:
    """Run a graph that fails; return the error, and the run as it was kept."""
    engine = ng.Engine(graph, executor=finishing(options.pop("finish", ())), max_concurrent=64, **options)
    try:
        engine.run(given or {}, run_id="r")
    except kind as error:
        return error, engine.open("r")
    raise AssertionError(f"the run did not raise {kind.__name__}")


def ran(run: ng.Run) -> list[str]:
    """Return the nodes that were committed, in commit order."""
    return [step.node for step in run.history()]


def ids(run: ng.Run) -> list[tuple[str, str]]:
    """Return (node, task id) of everything that was committed, sorted."""
    return sorted((step.node, step.task) for step in run.history())


def after(run: ng.Run, node: str) -> list[Any]:
    """Return the states as the tasks of a node left them."""
    return [step.state for step in run.history() if step.node == node]
