"""What a person may ask of a run as it stands, and why not; and for how long it has run.

Owns the decisions behind the buttons. Pure: no thread, no widget; a run is seen through the words of ``subject``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json import loads
from typing import Any, NamedTuple

from nbgraph.store.protocol import EventRecord
from nbgraph.views.stale import graph_of

VERBS = ("resume", "pause", "step", "until", "cancel", "fork")
"""What the buttons do, in their order; each is the name of a method of ``Run``."""

DOING = {
    "resume": "resuming…",
    "pause": "pausing…",
    "step": "stepping…",
    "until": "running on…",
    "cancel": "stopping…",
    "fork": "forking…",
}
"""What is said between the click and the run's own word."""

ENDED = ("completed", "paused", "failed", "cancelled")
"""How a run that stands still may stand; one that waits for an answer may be driven meanwhile."""
_HALTS = ("run.completed", "run.paused", "run.waiting", "run.failed", "run.cancelled")
_ENDED = "the run has completed: fork it to go on from one of its steps"
_STILL = "the run stands still"


class Standing(NamedTuple):
    """How a run stands, as far as its buttons care."""

    status: str
    """As ``Run.status``."""
    live: bool = False
    """This process drives it."""
    holder: str = ""
    """Who drives it, "" when nobody does."""
    steps: int = 0
    asked: str = ""
    """A verb that is being done, "" when none is."""
    closed: str = ""
    """Why this handle can steer nothing, "" when it can."""
    questions: int = 0
    """Open questions that nobody has answered."""
    unguarded: str = ""
    """Why no button goes on: a budget that only its drive had has stopped the run; "" where none has."""


def closed(subject: Any, act: str = "steer") -> str:
    """Return why a handle cannot ``act`` ("steer", "fork") on its run, "" if it can."""
    if graph_of(subject) is not None:
        return ""
    return f"the run was opened for reading; ng.Engine(graph, store=...).open({str(subject.id)!r}) can {act} it"


def refused(run: Standing) -> Mapping[str, str]:
    """Return verb -> why it would do nothing now; "" where it can act.

    >>> refused(Standing("paused"))["pause"]
    'the run stands still'
    >>> refused(Standing("paused"))["resume"]
    ''
    """
    return {verb: _why_not(verb, run) for verb in VERBS}


def heeded(run: Standing, events: Iterable[EventRecord]) -> bool:
    """Say whether the run's own word (its new ``events``, and how it stands with them) ends what was asked of it.

    >>> heeded(Standing("completed", asked="resume"), [])
    True
    >>> heeded(Standing("running", live=True, asked="pause"), [])
    False
    """
    if run.asked == "resume":
        return run.status == "completed" or any(event.kind == "run.resumed" for event in events)
    return (run.asked == "pause" and not run.live) or (
        run.asked in ("step", "until") and run.status == "completed" and not run.live
    )


def _why_not(verb: str, run: Standing) -> str:
    if run.closed:
        return run.closed
    if verb == "fork":
        return _no_fork(run)
    if run.live or run.asked in ("step", "until"):
        return _busy(verb, run)
    if run.holder:
        return f"{run.holder} drives this run; here it can only be watched"
    return _still(verb, run)


def _no_fork(run: Standing) -> str:
    if run.asked:
        return f"wait: {DOING[run.asked]}"
    return "" if run.steps else "there is no step yet to fork from"


def _busy(verb: str, run: Standing) -> str:
    if run.asked in (verb, "cancel"):
        return DOING[run.asked]
    if verb in ("pause", "cancel"):
        return _STILL if run.status in ENDED and not run.asked else ""  # a run that has ended lives a moment longer
    return "the run is going on; pause it first"


def _still(verb: str, run: Standing) -> str:
    if run.asked:
        return f"wait: {DOING[run.asked]}"
    if verb in ("pause", "cancel"):
        return _STILL
    if run.status == "completed":
        return _ENDED
    if run.status == "waiting" and run.questions:
        return "an open question waits for its answer; answer it first"
    return run.unguarded


class Stopped(NamedTuple):
    """What stopped a run that is paused: a budget, as the run's row tells it. Nothing where a person did."""

    text: str = ""
    todo: str = ""
    option: str = ""


def stopped(status: str, error: str) -> Stopped:
    """Return what stopped a run; ``error`` is the JSON of its row.

    >>> stopped("paused", '{"type": "BudgetError", "message": "spent", "facts": {"option": "cost_budget"}}')
    Stopped(text='spent', todo='', option='cost_budget')
    """
    told = loads(error) if status == "paused" and error else {}
    option = (told.get("facts") or {}).get("option")
    return Stopped(str(told.get("message") or ""), str(told.get("todo") or ""), str(option or ""))


def unguarded(found: Stopped, options: Any) -> str:
    """Return why a button does not go on: the engine has no such budget, and without one nothing would stop the run.

    >>> unguarded(Stopped("spent $1", "engine.resume('r1', cost_budget=...)", "cost_budget"), None)
    "its cost_budget is spent, and a button gives no new one; in a cell: engine.resume('r1', cost_budget=...)"
    """
    if found.option not in ("cost_budget", "token_budget") or getattr(options, found.option, None) is not None:
        return ""
    return f"its {found.option} is spent, and a button gives no new one; in a cell: {found.todo}"


class Elapsed:
    """Seconds that a run has been driven, from what was noted of it: pauses do not count."""

    def __init__(self, created: float) -> None:
        self._since: float | None = created
        self._total = 0.0
        self._latest = created

    def take(self, events: Iterable[EventRecord], *, step_ended: float = 0.0) -> None:
        """Take what is new, in order; ``step_ended`` is when the last new step ended (seconds since the epoch)."""
        self._latest = max(self._latest, step_ended)
        for event in events:
            self._latest = max(self._latest, event.time)
            if event.kind == "run.resumed":
                self._since = event.time
            elif event.kind in _HALTS and self._since is not None:
                self._total += max(0.0, event.time - self._since)
                self._since = None

    def seconds(self, now: float, *, going: bool) -> float:
        """Return the seconds so far; of a drive that nobody noted the end of, up to its last sign of life."""
        if self._since is None:
            return self._total
        return self._total + max(0.0, (now if going else self._latest) - self._since)
