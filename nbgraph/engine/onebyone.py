"""A crew without threads: tasks finish one at a time, in an order that somebody chooses.

Owns that crew, for trials and tests. What depends on the order then shows.
"""

from __future__ import annotations

from collections.abc import Callable

from nbgraph.engine.attempt import Assignment, Outcome, aperform, perform


class OneByOne:
    """A crew that runs one waiting task at a time, on this thread; ``choose`` gets how many wait and picks which."""

    inline = False

    def __init__(self, choose: Callable[[int], int]) -> None:
        self._choose = choose
        self.waiting: list[Assignment] = []
        """The tasks that have been started and not finished, oldest first."""

    def submit(self, assignment: Assignment) -> None:
        """Take a task."""
        self.waiting.append(assignment)

    def collect(self, timeout: float | None) -> list[Outcome]:
        """Run the chosen one."""
        del timeout
        if not self.waiting:
            return []
        assignment = self.waiting.pop(self._choose(len(self.waiting)))
        if not assignment.task.node.is_async:
            return [perform(assignment)]
        from asyncio import Runner  # noqa: PLC0415 - only for graphs with async nodes

        from nbgraph.engine.replay.quiet import QuietLoop  # noqa: PLC0415 - as above

        with Runner(loop_factory=QuietLoop) as runner:
            return [runner.run(aperform(assignment), context=assignment.variables)]

    def abandon(self, assignment: Assignment) -> None:
        """Drop a task."""
        self.waiting = [other for other in self.waiting if other is not assignment]

    def wake(self) -> None:
        """Do nothing: nobody sleeps."""

    def close(self) -> None:
        """Drop everything."""
        self.waiting.clear()
