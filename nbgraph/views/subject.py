"""What a view needs of a run, in its own words: protocols that ``Run`` and its follower satisfy.

Owns the shapes only. A view sees a run through these and never imports what executes it.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableSet, Sequence
from typing import Any, Protocol

from nbgraph.events import Chunk
from nbgraph.store.protocol import CallRecord, EventRecord, StepRecord, Store


class Running(Protocol):
    """A task that is being executed now."""

    @property
    def node(self) -> str: ...  # noqa: D102 - a field
    @property
    def task(self) -> str: ...  # noqa: D102 - a field
    @property
    def attempt(self) -> int:
        """Counts from 1."""
        ...

    @property
    def started(self) -> float | None:
        """Seconds since the Unix epoch; None while it waits for a worker."""
        ...


class News(Protocol):
    """What is new since the last look, and how things stand."""

    @property
    def steps(self) -> Sequence[StepRecord]:
        """Committed since, in order, without a gap."""
        ...

    @property
    def events(self) -> Sequence[EventRecord]:
        """Noted since, in order."""
        ...

    @property
    def calls(self) -> Sequence[CallRecord]:
        """Lines of the log of calls since, in order."""
        ...

    @property
    def chunks(self) -> Sequence[Chunk]:
        """Streamed since; only of a run that this process drives."""
        ...

    @property
    def status(self) -> str:
        """As ``Run.status``: "running", "paused", "waiting", "completed", "failed", "cancelled", "interrupted"."""
        ...

    @property
    def holder(self) -> str:
        """Who drives the run now, for people; "" when nobody does."""
        ...

    @property
    def live(self) -> bool:
        """True while this process drives the run."""
        ...

    @property
    def running(self) -> Sequence[Running]:
        """What is executed now; empty where another process drives."""
        ...

    @property
    def ready(self) -> Mapping[str, int]:
        """Node -> tasks that could start and wait for a worker; empty where another process drives."""
        ...


class Follower(Protocol):
    """A place in a run: what is new since the last look. Used by one thread."""

    def take(self) -> News | None:
        """Return what is new, None if nothing is. Costs what is new, not the length of the run.

        Where another process writes, the file is looked at twice a second at most. Raises the ``StoreError`` family.
        """
        ...

    def wait(self, timeout: float) -> bool:
        """Sleep until there is something new, at most ``timeout`` seconds; say whether there is."""
        ...

    def rest(self) -> None:
        """Have the run keep nothing for this follower until the next ``take``, which gives what it missed."""
        ...

    def close(self) -> None:
        """Stop following; the run keeps nothing for this follower any more."""
        ...


class StateAt(Protocol):
    """The state right after a step."""

    @property
    def step(self) -> int: ...  # noqa: D102 - a field
    @property
    def node(self) -> str: ...  # noqa: D102 - a field
    @property
    def task(self) -> str: ...  # noqa: D102 - a field
    @property
    def status(self) -> str: ...  # noqa: D102 - a field
    @property
    def state(self) -> Any: ...  # noqa: D102 - a mapping, dataclass or model


class Subject(Protocol):
    """A run as a view sees it, live or past."""

    @property
    def id(self) -> str: ...  # noqa: D102 - its name
    @property
    def store(self) -> Store:
        """Where its rows are."""
        ...

    @property
    def status(self) -> str: ...  # noqa: D102 - as Run.status
    @property
    def live(self) -> bool: ...  # noqa: D102 - as Run.live

    def follow(self) -> Follower:
        """Return a place at the run's beginning: the first ``take`` gives everything so far."""
        ...

    def at(self, step: int) -> StateAt:
        """Return the state right after ``step``; 0 is the input."""
        ...

    def given(self, step: int) -> Any:
        """Return the state that the task of ``step`` was given: what it gathered, before its own update."""
        ...


class Steerable(Subject, Protocol):
    """A run that can be steered, through the same methods that a cell calls."""

    def pause(self, timeout: float | None = None) -> Any: ...  # noqa: D102 - as Run.pause
    def cancel(self) -> Any: ...  # noqa: D102 - as Run.cancel
    def resume(self) -> Any: ...  # noqa: D102 - as Run.resume
    def step(self) -> Any: ...  # noqa: D102 - as Run.step
    def until(self, node: str) -> Any: ...  # noqa: D102 - as Run.until
    def fork(self, step: int | None = None) -> Any: ...  # noqa: D102 - as Run.fork

    @property
    def breakpoints(self) -> MutableSet[str]:
        """Names of the nodes before which the run stops; changing it works on a live run."""
        ...
