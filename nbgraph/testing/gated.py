"""A crew that finishes tasks in the order that a test chooses, on the caller's thread.

Owns nothing but the choice: given to an engine as ``executor=``, it takes every task that the engine
starts and hands back one outcome at a time. A result that depends on the order then shows.
"""

from __future__ import annotations

from collections.abc import Callable

from nbgraph.engine.onebyone import OneByOne


class GatedCrew(OneByOne):
    """Runs one started task at a time; ``choose`` gets the waiting nodes' names and returns the place of the next.

    >>> import nbgraph as ng
    >>> graph = ng.Graph({"log": list}, name="fan")
    >>> @graph.node
    ... def a(state):
    ...     return {"log": ["a"]}
    >>> crew = GatedCrew(choose=lambda waiting: len(waiting) - 1)
    >>> ng.Engine(graph, executor=crew).run().state["log"]
    ['a']
    """

    def __init__(self, choose: Callable[[list[str]], int]) -> None:
        super().__init__(lambda _: choose([assignment.task.node.name for assignment in self.waiting]))
