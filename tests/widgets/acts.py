"""Small plays for tests of widgets: graphs, runs held in a node, and waiting for a view to have caught up.

Owns no rule of a widget; each test file says its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import Annotated, Any

import nbgraph as ng

PATIENCE = 30
"""Seconds after which something that should have happened has not."""


def caught_up(view: Any) -> None:
    """Return when a view has done what it was asked and looked for news once more."""
    for _ in range(2):  # the round that is under way may have begun before
        probe = _Probe()
        view.scene.attach(probe)
        assert probe.ticked.wait(PATIENCE)
        view.scene.detach(probe)


class _Probe:
    def __init__(self) -> None:
        self.ticked = threading.Event()

    def tick(self) -> None:
        self.ticked.set()


def say(view: Any, kind: str, **facts: Any) -> None:
    """Have a page say something to a view, and return when it is done."""
    view.channel._handle_custom_msg({"to": view.view_id, "kind": kind, **facts}, [])
    caught_up(view)


def until(condition: Callable[[], Any], view: Any) -> None:
    """Let rounds of updates pass until a condition holds; fails when it never does."""
    for _ in range(60):
        if condition():
            return
        caught_up(view)
    raise AssertionError("it never came to that")


def ended(prefix: str, but: Collection[threading.Thread] = ()) -> None:
    """Return when no thread, ``but`` those of others, has a name that begins so; fails when one stays."""
    for thread in threading.enumerate():
        if thread.name.startswith(prefix) and thread not in but:
            thread.join(PATIENCE)
            assert not thread.is_alive(), thread.name


class Gate:
    """A node that waits: ``reached`` is set when a task is in it, ``open()`` lets all go on."""

    def __init__(self) -> None:
        self.reached, self._open = threading.Event(), threading.Event()

    def node(self, state: Any) -> Any:
        """Wait, then log."""
        self.reached.set()
        assert self._open.wait(PATIENCE)
        return {"log": "gate"}

    def open(self) -> None:
        self._open.set()


def logs(name: str) -> Callable[[Any], Any]:
    """Return a node that logs a name."""
    return lambda state: {"log": name}


def line(*names: str, name: str = "line", **nodes: Callable[..., Any]) -> ng.Graph:
    """Return a chain of nodes that log their names, or do what ``nodes`` says."""
    graph = ng.Graph({"log": Annotated[list, ng.append]}, name=name)
    for before, node in zip((None, *names[:-1]), names, strict=True):
        graph.node(name=node, after=before)(nodes.get(node, logs(node)))
    return graph


def done(graph: ng.Graph, run_id: str = "r", **options: Any) -> ng.Run:
    """Return a run that has ended, however it did."""
    engine = ng.Engine(graph, **options)
    try:
        return engine.run({}, run_id=run_id)
    except ng.NbgraphError:
        return engine.open(run_id)
