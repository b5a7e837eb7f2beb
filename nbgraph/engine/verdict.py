"""Why a run stopped: of all failures the first in canonical order, and errors as stored facts.

Owns the choice and the words. Pure: no thread, no clock, no store.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from decimal import Decimal
from json import dumps, loads
from typing import Any, NamedTuple

from nbgraph import errors
from nbgraph.engine.calls.outcome import MASKED, QUIET, words
from nbgraph.engine.conflicts import Conflict
from nbgraph.engine.order import Path
from nbgraph.engine.task import Task
from nbgraph.errors import (
    CallError,
    ConflictError,
    MaxAttemptsError,
    NbgraphError,
    NodeError,
    NodeTimeoutError,
    RunCancelledError,
)


class Failed(NamedTuple):
    """One failure and its place in the canonical order; ``tie`` orders several at one place."""

    path: Path
    tie: tuple[Any, ...]
    error: NbgraphError


class Verdict:
    """Collects the failures of a run. ``bound``: nothing behind it can matter any more."""

    def __init__(self) -> None:
        self._failed: list[Failed] = []
        self.bound: Path | None = None

    def add(self, path: Path, error: NbgraphError, tie: tuple[Any, ...] = ()) -> None:
        """Note a failure at ``path``."""
        self._failed.append(Failed(path, tie, error))
        self.bound = path if self.bound is None else min(self.bound, path)

    def add_conflict(self, run_id: str, conflict: Conflict) -> None:
        """Note a conflict; it is the later writer's."""
        first = conflict.first
        self.add(conflict.second.path, conflict_error(run_id, conflict), (conflict.field, first.path))

    def error(self) -> NbgraphError | None:
        """Return the first failure in canonical order, the others listed in its facts; None if all is well."""
        if not self._failed:
            return None
        first, *rest = sorted(self._failed, key=lambda failed: (failed.path, failed.tie))
        if rest:
            first.error.facts["others"] = [f"{type(other.error).__name__}: {other.error.message}" for other in rest]
        return first.error


def conflict_error(run_id: str, conflict: Conflict) -> ConflictError:
    """Return the error of two concurrent writes."""
    field, first, second = conflict
    return ConflictError(
        f"concurrent nodes {first.node!r} and {second.node!r} both updated field {field!r}, which has no reducer: "
        f"{_short(first.value)} and {_short(second.value)}",
        still="the later of the two was not stored; what was committed before is kept",
        todo=f"give {field!r} a reducer (Annotated[..., ng.append]), let one node wait for the other, or pass "
        'conflicts="last"',
        run_id=run_id,
        field=field,
        nodes=(first.node, second.node),
        tasks=(first.task, second.task),
        values=(first.value, second.value),
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def node_failure(run_id: str, task: Task, error: Exception) -> NbgraphError:
    """Return what a run reports of a node's last failure; ``__cause__`` is the node's own exception."""
    facts = {"run_id": run_id, "node": task.node.name, "task": task.id, "attempt": task.attempt}
    if isinstance(error, NbgraphError) and not isinstance(error, NodeTimeoutError):
        error.facts = {**facts, **error.facts}
        if isinstance(error, CallError) and repr(task.node.name) not in error.message:
            error.message = f"node {task.node.name!r}: {error.message}"
        return error
    name = task.node.name
    todo = f"fix the node, then engine.resume({run_id!r})"
    still = "every committed step is kept; nothing of this task was stored"
    cause = f"{type(error).__name__}: {words(error)}"
    failure: NbgraphError
    if task.attempt > 1:
        facts["attempts"] = task.attempt
        failure = MaxAttemptsError(
            f"node {name!r} failed in {task.attempt} attempts, last with {cause}", still=still, todo=todo, **facts
        )
    elif isinstance(error, NodeTimeoutError):
        error.facts = {**facts, **error.facts}
        return error
    else:
        failure = NodeError(f"node {name!r} raised {cause}", still=still, todo=todo, **facts)
    failure.__cause__ = error
    return failure


def cancelled(run_id: str) -> RunCancelledError:
    """Return the error of a run that somebody cancelled."""
    return RunCancelledError(
        f"run {run_id!r} was cancelled",
        still="every committed step is kept",
        todo=f"engine.resume({run_id!r}) goes on from there",
        run_id=run_id,
    )


def timed_out(task: Task) -> NodeTimeoutError:
    """Return the error of a node that took too long."""
    limit = task.node.timeout
    return NodeTimeoutError(
        f"node {task.node.name!r} took longer than its timeout of {limit:g} s",
        still="a late result is discarded; every committed step is kept",
        todo="give it more time (@graph.node(timeout=...)), or a retry",
        node=task.node.name,
        task=task.id,
        limit=limit,
        attempt=task.attempt,
    )


def freed(error: BaseException) -> None:
    """Forget where an interrupt was heard, before anything else is done about it.

    It may have been heard between the lines of a ``with``: the frames, kept by the traceback, still hold the store's lock.
    """
    if isinstance(error, KeyboardInterrupt):
        traceback.clear_frames(error.__traceback__)  # those that have ended: they may hold each other, too
        error.with_traceback(None)


def interrupted(run_id: str) -> str:
    """Return what an interrupted person should read."""
    return f"run {run_id!r} is paused, nothing is lost: engine.resume({run_id!r}) goes on"


def error_text(error: NbgraphError) -> str:
    """Return an error's facts as canonical JSON, its cause's traceback as text."""
    cause = error.__cause__
    shown = _traceback(cause) if cause is not None else []
    facts = {name: _stored(value) for name, value in error.facts.items()}
    stored = {
        "type": type(error).__name__,
        "message": error.message,
        "still": error.still,
        "todo": error.todo,
        "facts": facts,
        "traceback": "".join(shown),
    }
    return dumps(stored, sort_keys=True, separators=(",", ":"))


def _traceback(error: BaseException) -> list[str]:
    told = QUIET in vars(error) or MASKED in vars(error)
    return traceback.format_tb(error.__traceback__) if told else traceback.format_exception(error)


def _stored(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value if _plain(value) else repr(value)


def _told(value: Any) -> Any:
    return Decimal(value["decimal"]) if isinstance(value, dict) else value


def _plain(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, (str, int, float))
        or (isinstance(value, (list, tuple)) and all(isinstance(item, (str, int, float)) for item in value))
    )


def stored_error(text: str) -> NbgraphError | None:
    """Return the error that a stored text tells of; its class comes from this package's tree, never from the text."""
    if not text:
        return None
    stored: Mapping[str, Any] = loads(text)
    named = getattr(errors, stored["type"], None)
    kind = named if isinstance(named, type) and issubclass(named, NbgraphError) else NbgraphError
    facts = {name: _told(value) for name, value in stored["facts"].items()}
    error = kind(stored["message"], still=stored["still"], todo=stored["todo"], **facts)
    if stored["traceback"]:
        error.add_note("The recorded traceback of the cause:\n" + stored["traceback"])
    return error
