"""A crew that follows a list: tasks finish in the order in which their nodes are named.

Owns the list and what is still due of it. Runs nothing itself: ``GatedCrew`` does, one task at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Self

from nbgraph.engine.attempt import Outcome
from nbgraph.errors import NbgraphError
from nbgraph.testing.clock import FakeClock
from nbgraph.testing.gated import GatedCrew

PATIENCE = 1.5
"""Seconds that started tasks are held back for a name that does not come: it may sit in a retry's pause."""
FAKE_PATIENCE = 3600.0
"""The same with a fake clock, where waiting costs no time."""


class ImpossibleOrderError(NbgraphError, AssertionError):
    """A name of ``finishing`` never waited to be finished: ``expected`` is the name, ``actual`` who waits."""


class FinishingCrew(GatedCrew):
    """Follows a list of names; made by ``finishing``, which says how."""

    def __init__(self, order: Sequence[str], clock: FakeClock | None = None) -> None:
        super().__init__(self._take)
        self._left, self._clock = list(order), clock
        self._patience = PATIENCE if clock is None else FAKE_PATIENCE
        self._rested = 0.0
        self._ended: list[str] = []
        self._woken = threading.Event()

    @property
    def left(self) -> tuple[str, ...]:
        """The names of the list that have not come yet, in order."""
        return tuple(self._left)

    def check(self) -> None:
        """Raise ``ImpossibleOrderError`` if a name of the list has not come."""
        if self._left:
            raise self._missing("never waited", [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, cls: type[BaseException] | None, *_: object) -> None:
        """Check the list, unless something else went wrong."""
        if cls is None:
            self.check()

    def collect(self, timeout: float | None) -> list[Outcome]:
        """Finish the next task, or let time pass where there is none; raises ``ImpossibleOrderError`` when stuck."""
        waiting = [assignment.task.node.name for assignment in self.waiting]
        if self._place(waiting) is None:
            self._rest(timeout, waiting)
            return []
        self._rested = 0.0
        outcomes = super().collect(timeout)
        self._ended += map(_told, outcomes)
        return outcomes

    def _place(self, waiting: Sequence[str]) -> int | None:
        """Return the place of the next one to finish: the first of the list, else the oldest that is not listed."""
        if self._left and self._left[0] in waiting:
            return waiting.index(self._left[0])
        return next((place for place, name in enumerate(waiting) if name not in self._left), None)

    def _take(self, waiting: list[str]) -> int:
        place = self._place(waiting)
        if place is None:
            raise self._missing("does not wait", waiting)
        if self._left and waiting[place] == self._left[0]:
            del self._left[0]
        return place

    def _rest(self, timeout: float | None, waiting: list[str]) -> None:
        """Let the run's time pass: nothing may finish now, but a pause may end."""
        if waiting and self._rested >= self._patience:
            raise self._missing("does not wait", waiting)
        if self._clock is None or timeout is None:
            self._woken.wait(timeout)
            self._woken.clear()
        else:
            self._clock.advance(timeout)
        self._rested += timeout or 0.0

    def _missing(self, what: str, waiting: list[str]) -> ImpossibleOrderError:
        ended = ", ".join(self._ended) or "nothing"
        held = f"; held back for it: {', '.join(waiting)}" if waiting else ""
        return ImpossibleOrderError(
            f"finishing: {self._left[0]!r} {what} to be finished; finished so far: {ended}{held}",
            still="what is finished is committed; a run that was under way can be resumed",
            todo="list nodes in an order that their edges allow, or raise max_concurrent so that all of them start",
            expected=self._left[0],
            actual=waiting,
            nodes=list(self._left),
        )

    def wake(self) -> None:
        """End a rest, from any thread."""
        self._woken.set()


def _told(outcome: Outcome) -> str:
    name = outcome.assignment.task.node.name
    return name if outcome.error is None else f"{name} ({type(outcome.error).__name__})"


def finishing(order: Sequence[str], *, clock: FakeClock | None = None) -> FinishingCrew:
    """Return a crew that finishes tasks in the order in which ``order`` names their nodes.

    A name stands for one finished attempt: list it as often as it should finish. While the next name waits,
    nothing else finishes; until it does, tasks whose names are not (or no longer) listed finish in the order
    started. So names not listed come after, except for those that the next name comes behind.

    Where only later names wait, the order is impossible: ``ImpossibleOrderError`` (an ``AssertionError`` too)
    says who waits, after 1.5 s, an hour of ``clock``. Names that are left when the runs have ended are in
    ``crew.left``; ``crew.check()``, or the end of ``with finishing(...) as crew:``, raises for them.

    ``clock``: the engine's ``FakeClock``, moved on by what the run waits for whenever nothing may finish, so
    that a retry's pause takes no time. An empty ``order`` finishes tasks one by one in the order started.

    >>> import nbgraph as ng
    >>> ended = []
    >>> graph = ng.Graph({}, name="fan")
    >>> def work(name):
    ...     return lambda state: ended.append(name)
    >>> for name in "sabc":
    ...     _ = graph.node(name=name, after=None if name == "s" else "s")(work(name))
    >>> with finishing(["c", "a", "b"]) as crew:
    ...     run = ng.Engine(graph, executor=crew).run()
    >>> ended
    ['s', 'c', 'a', 'b']
    """
    return FinishingCrew(order, clock)
