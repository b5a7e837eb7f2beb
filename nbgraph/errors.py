"""Every error that nbgraph raises: one tree, split by who must act.

Owns the classes and how an error reads. Knows nothing of graphs, stores or kernels.

    NbgraphError
    |-- GraphError            the definition is wrong (the graph's author acts)
    |   |-- StateError        an input does not fit the state's schema
    |   `-- OptionsError      an option's name or value is wrong
    |-- RunError              a run stopped (the node's author acts)
    |   |-- NodeError         a node's code raised
    |   |   |-- NodeTimeoutError    ... took longer than its timeout
    |   |   |-- MaxAttemptsError    ... failed in every attempt
    |   |   |-- UpdateError         ... returned an update that does not fit the state
    |   |   |-- RouteError          ... returned a route that the graph does not have
    |   |   `-- IsolationError      ... changed the state it was given
    |   |-- ConflictError     two concurrent tasks wrote one field that has no reducer
    |   |-- NoProgressError   nothing leads on, or a cycle can never end
    |   |-- MaxStepsError     a bound was hit: the run is paused and resumable
    |   |-- BackpressureError   ... the workers' queue stayed full
    |   |-- BudgetError         ... a budget of time, money or tokens is spent
    |   |-- RunCancelledError   somebody cancelled the run
    |   |-- CallError         a call cannot be recorded, or its record cannot be used
    |   |   `-- MissingCallError      ... replay was asked for a call that was not recorded
    |   |-- QuestionError     a node's question cannot be put, or is not there
    |   |-- AnswerError       an answer does not fit its question
    |   |-- MigrationError    the recorded state does not fit today's schema
    |   `-- ReplayMismatchError   today's code does not do what was recorded
    |-- CodecError            a value cannot be kept, or bytes are not a value
    |-- RunBusyError          another driver holds the run
    |-- IdempotencyError      a step was about to be committed a second time
    `-- StoreError            the file, or the disk (the environment acts)
        |-- StoreBusy         locked by somebody else for too long
        |-- StoreFull         no room left
        |-- StoreReadOnly     the file or its folder cannot be written
        |-- StoreCorrupt      bytes were changed outside nbgraph
        |-- StoreForeign      not an nbgraph file, or of a newer version
        `-- RunNotFound       no run of that id

An error has four parts: what happened and where (``message``), what is still true (``still``), what to
do next (``todo``); its facts are attributes. A fact that an error does not have reads as ``None``.
"""

from __future__ import annotations

import pickle
from typing import Any

from nbgraph.escape import NO_FORMULA, safe

_FACTS = frozenset(
    [
        "run_id",
        "step",
        "node",
        "task",
        "field",
        "expected",
        "actual",
        "attempt",
        "attempts",
        "path",
        "file",
        "holder",
        "option",
        "nodes",
        "tasks",
        "values",
        "limit",
        "seconds",
        "problems",
        "others",
        "error",
        "call",
        "question",
        "spent",
        "estimate",
    ]
)


class NbgraphError(Exception):
    """The root of the tree: something nbgraph refuses, with its facts.

    >>> error = NbgraphError("it broke", todo="mend it", node="review", step=3)
    >>> error.node, error.step, error.field
    ('review', 3, None)
    >>> print(error)
    it broke
      Next: mend it
    """

    def __init__(self, message: str = "", *, still: str = "", todo: str = "", **facts: Any) -> None:
        unknown = facts.keys() - _FACTS
        if unknown:
            raise TypeError(f"not facts of an error: {', '.join(sorted(unknown))}")
        super().__init__(message)
        self.message, self.still, self.todo, self.facts = message, still, todo, facts

    def __getattr__(self, name: str) -> Any:
        """Read a fact; one that this error does not have is ``None``."""
        if name in _FACTS:
            return self.__dict__.get("facts", {}).get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __str__(self) -> str:
        lines = [self.message]
        if self.still:
            lines.append(f"  Still true: {self.still}")
        if self.todo:
            lines.append(f"  Next: {self.todo}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: _portable(value) for name, value in self.facts.items()}
        return _rebuild, (type(self), self.message, self.still, self.todo, facts)


def _portable(value: Any) -> Any:
    """Return ``value`` if it pickles, else its ``repr``: an error always reaches the other process."""
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - whatever a foreign __reduce__ raises, the error itself must travel
        return repr(value)
    return value


def _rebuild(cls: type[NbgraphError], message: str, still: str, todo: str, facts: dict[str, Any]) -> NbgraphError:
    return cls(message, still=still, todo=todo, **facts)


class GraphError(NbgraphError):
    """A graph's definition is wrong. ``problems`` lists everything found, not only the first."""


class StateError(GraphError):
    """An input does not fit the state's schema: ``field``, ``expected``, ``actual``."""


class OptionsError(GraphError):
    """An option's name or value is wrong: ``option``, ``expected``, ``actual``."""


class RunError(NbgraphError):
    """A run stopped before its end: ``run_id`` names it; what was committed is kept."""


class NodeError(RunError):
    """A node's code raised; its step was not committed. ``__cause__`` holds the node's own exception."""


class NodeTimeoutError(NodeError):
    """A node ran longer than its ``timeout``; ``limit`` is that timeout in seconds."""


class MaxAttemptsError(NodeError):
    """A node failed in every one of its ``attempts``; ``__cause__`` is the last failure."""


class UpdateError(NodeError):
    """A node returned an update that does not fit the state: ``field``, ``expected``, ``actual``."""


class RouteError(NodeError):
    """A node returned a route to somewhere that the graph does not know from it."""


class IsolationError(NodeError, TypeError):
    """A node changed the state it was given, in place: ``node`` and ``field`` say which."""

    container: Any = None
    """The very object that refused, within the process; it does not travel."""


class ConflictError(RunError):
    """Two concurrent tasks updated a field without reducer: ``field``, ``nodes``, ``values``, ``tasks``."""


class NoProgressError(RunError):
    """Nothing leads on from ``node``, or a cycle came back to it with the same state and would for ever."""


class MaxStepsError(RunError):
    """A run reached ``limit`` steps; it is paused and resumable with a larger ``max_steps``."""


class BackpressureError(RunError):
    """The workers' queue stayed full for ``seconds``; the run is paused and resumable."""


class BudgetError(RunError):
    """A run's budget is spent, or the next call would break it; it is paused and resumable with a larger one.

    ``option`` is "time_budget", "cost_budget" or "token_budget", ``limit`` its value, ``spent`` what was used of it: seconds
    (float), US dollars (exact Decimal), tokens (int). Where a call was refused: ``node`` and ``call`` (what it
    calls), and ``estimate``, what it would use; None where nobody knows.
    """


class RunCancelledError(RunError):
    """Somebody cancelled the run; what was committed is kept."""


class CallError(RunError):
    """A call cannot be recorded, or its record cannot be used: ``node``, ``task``, ``call`` (its name in the task)."""


class Compared:
    """What an error that compares a record with today has besides: it shows itself in a notebook as a small table."""

    step: Any
    node: Any
    field: Any
    expected: Any
    actual: Any

    def _repr_html_(self) -> str:
        """Return what was recorded and what came now as a small table; every text in it is escaped."""
        step = "" if self.step is None else f"step {self.step}, "
        recorded, now = parting(str(self.expected), str(self.actual))
        cells = "".join(
            f'<tr><th style="text-align:left">{name}</th><td style="text-align:left"><code style="color:{colour}">'
            f"{safe(text)}</code></td></tr>"
            for name, text, colour in (("recorded", recorded, "#b35900"), ("now", now, "#0b6e99"))
        )
        begin = f'<table class="{NO_FORMULA}"><caption>'
        return f"{begin}{safe(f'{step}node {self.node}, {self.field}')}</caption>{cells}</table>"


_WIDTH = 400


def parting(left: str, right: str) -> tuple[str, str]:
    """Return both texts, long ones cut to the part around the place where they part."""
    if max(len(left), len(right)) <= _WIDTH:
        return left, right
    same = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    begin = max(0, same - _WIDTH // 4)
    return _cut(left, begin), _cut(right, begin)


def _cut(text: str, begin: int) -> str:
    part = text[begin : begin + _WIDTH]
    return ("…" if begin else "") + part + ("…" if len(text) > begin + _WIDTH else "")


class MissingCallError(CallError, Compared):
    """Replay was asked for a call that was not recorded. Nothing was called."""


class QuestionError(RunError):
    """A question cannot be put as it is written, or there is none of that id: ``question``."""


class AnswerError(RunError):
    """An answer does not fit its question: ``path`` inside it, ``expected``, ``actual``."""


class MigrationError(RunError):
    """The recorded state does not fit today's schema, and no migration leads there: ``field``, ``todo``."""


class ReplayMismatchError(RunError, Compared):
    """Today's code does not do what was recorded: ``step``, ``node``, ``task``, ``field``, ``expected``, ``actual``."""


class CodecError(NbgraphError):
    """A value cannot be kept, or bytes are not a value: ``path`` inside it, ``actual`` type."""


class RunBusyError(NbgraphError):
    """Another driver holds the run; ``holder`` says who."""


class IdempotencyError(NbgraphError):
    """A task's result was about to be committed a second time; the first commit stands."""


class StoreError(NbgraphError):
    """A store cannot do what was asked; ``file`` names it."""


class StoreBusy(StoreError):  # noqa: N818 - DESIGN names it so; the family is read as "the store is ..."
    """Somebody else holds the file's lock for longer than the busy timeout."""


class StoreFull(StoreError):  # noqa: N818 - see StoreBusy
    """The disk, or a limit on the file's size, leaves no room. Nothing of the step was stored."""


class StoreReadOnly(StoreError):  # noqa: N818 - see StoreBusy
    """The file or its folder cannot be written; it can still be viewed."""


class StoreCorrupt(StoreError):  # noqa: N818 - see StoreBusy
    """Stored bytes are not what nbgraph wrote: ``step`` and ``run_id`` where known."""


class StoreForeign(StoreError):  # noqa: N818 - see StoreBusy
    """The file is not nbgraph's, or a newer version wrote it. It was left untouched."""


class RunNotFound(StoreError):  # noqa: N818 - see StoreBusy
    """The store has no run of that id."""
