"""A crew that finishes tasks in the order that a test chooses, on the caller's thread.

Owns nothing but the choice: given to an engine as ``executor=``, it takes every task that the engine
starts and hands back one outcome at a time. A result that depends on the order then shows.
"""

from __future__ import annotations

from collections.abc import Callable

from nbgraph.engine.attempt import Assignment, Outcome, aperform, perform


class GatedCrew:
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

    inline = False

    def __init__(self, choose: Callable[[list[str]], int]) -> None:
        self._choose = choose
        self._waiting: list[Assignment] = []

    def submit(self, assignment: Assignment) -> None:
        """Take a task; it runs when it is chosen."""
        self._waiting.append(assignment)

    def collect(self, timeout: float | None) -> list[Outcome]:
        """Run the chosen task and return its outcome; nothing waits, so a ``timeout`` has no meaning."""
        del timeout
        if not self._waiting:
            return []
        place = self._choose([assignment.task.node.name for assignment in self._waiting])
        assignment = self._waiting.pop(place)
        if assignment.task.node.is_async:
            import asyncio  # noqa: PLC0415 - only graphs with async nodes need it

            return [asyncio.run(aperform(assignment))]
        return [perform(assignment)]

    def abandon(self, assignment: Assignment) -> None:
        """Drop a task that nobody waits for."""
        self._waiting = [other for other in self._waiting if other is not assignment]

    def wake(self) -> None:
        """Do nothing: ``collect`` never sleeps."""

    def close(self) -> None:
        """Drop everything."""
        self._waiting.clear()
