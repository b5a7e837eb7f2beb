"""One try of one task: call the node with its state, bring back what it returned or raised.

Owns the call, its isolation check and its captured failure. Runs on any thread or loop; touches nothing
but its own assignment. Knows nothing of order, stores or retries.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextvars import Context as ContextVars
from dataclasses import dataclass
from functools import partial
from threading import Lock, current_thread, main_thread
from typing import Any, NamedTuple

from nbgraph.clock import Clock
from nbgraph.engine.calls.current import HERE
from nbgraph.engine.calls.outcome import mask
from nbgraph.engine.calls.outside import Outside
from nbgraph.engine.calls.purse import OutOfBudget
from nbgraph.engine.calls.question import Question
from nbgraph.engine.calls.through import carried
from nbgraph.engine.context import Context
from nbgraph.engine.printing import Printed
from nbgraph.engine.task import Lineage, Task
from nbgraph.engine.view import StateDict, in_place
from nbgraph.errors import IsolationError
from nbgraph.graph.plan import NodePlan
from nbgraph.graph.schema import Schema
from nbgraph.ids import RunId


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What all attempts of one drive share."""

    run_id: RunId
    seed: int
    clock: Clock
    desk: Callable[[Task], Outside] | None = None
    """Opens what answers an attempt's calls; None where there can be none."""
    publish: Callable[[Task, int, int, Any], None] | None = None
    """Takes what nodes stream: task, attempt, number, chunk."""
    show: bool = True
    """Whether what nodes print goes on to where it would have gone, beside being kept."""


_MAKING = Lock()
"""Threads of a node without ``ctx`` may want its context at the same time."""


@dataclass(slots=True, eq=False)
class Assignment:
    """A task handed to a worker. ``gone`` is set when nobody waits for its outcome any more."""

    task: Task
    state: StateDict
    given: Any
    """What the node is called with: ``state`` itself, or a record made from it."""
    ctx: Context | None
    variables: ContextVars
    around: Surroundings
    gone: bool = False
    cancelled: bool = False
    started: float | None = None
    """Monotonic seconds; None while it waits for a worker."""
    printed: Printed | None = None
    """What the node printed; None where it printed nothing."""
    secrets: Collection[bytes] = ()
    """What the node's requests carried of secrets."""

    @property
    def clock(self) -> Clock:
        """The run's clock."""
        return self.around.clock

    def context(self) -> Context:
        """Return the attempt's context, made when it is first wanted."""
        with _MAKING:
            if self.ctx is None:
                self.ctx = _context(self)
            return self.ctx

    def hear(self, text: str) -> bool:
        """Take what the node prints; say whether that is all that shall become of it."""
        printed = self.printed
        if printed is None:
            with _MAKING:
                printed = self.printed = self.printed or Printed()
        printed.write(text)
        return not self.around.show

    def hide(self, values: Iterable[bytes]) -> None:
        """Take secrets that a request of the node carries."""
        with _MAKING:
            new = [value for value in values if value not in self.secrets]
            self.secrets = (*self.secrets, *new) if new else self.secrets

    def told(self, error: BaseException) -> BaseException:
        """Return what the node raised, marked where its text repeats such a secret."""
        if self.secrets:
            mask(error, self.secrets)
        return error

    @property
    def questions(self) -> Sequence[Question]:
        """What the node asked and has no answer to yet; then whatever it returned or raised does not count."""
        return () if self.ctx is None or self.ctx.desk is None else self.ctx.desk.waiting

    @property
    def refused(self) -> OutOfBudget | None:
        """Why a call was not made, None where none was refused; as with questions, nothing else counts then."""
        return None if self.ctx is None or self.ctx.desk is None else self.ctx.desk.refused

    @property
    def used(self) -> Sequence[int]:
        """The lines of the log of calls that gave this attempt its answers."""
        return () if self.ctx is None or self.ctx.desk is None else self.ctx.desk.used

    @property
    def turns(self) -> Sequence[int]:
        """In which order parts of answers came, where ``used`` does not tell."""
        return () if self.ctx is None or self.ctx.desk is None else self.ctx.desk.turns()

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The node's positional arguments."""
        return (self.given, self.ctx) if self.task.node.wants_ctx else (self.given,)


class Outcome(NamedTuple):
    """What became of an assignment: ``value`` or ``error``, and when (monotonic and wall seconds)."""

    assignment: Assignment
    value: Any
    error: BaseException | None
    seconds: float
    ended: float


def look(lineage: Lineage, node: NodePlan) -> StateDict:
    """Return a lineage's state as ``node`` sees it: under its own field names, private fields on top."""
    values, later = lineage.values, lineage.later
    if lineage.private:
        values = {**values, **lineage.private}
        later = {name: value for name, value in later.items() if name not in lineage.private}
    if node.fields is not None:
        values, later = _renamed(values, node.fields, lineage.private), _renamed(later, node.fields, ())
    return StateDict(values, later)


def _renamed(values: Mapping[str, Any], fields: Mapping[str, str], private: Any) -> dict[str, Any]:
    renamed = {inner: values[outer] for inner, outer in fields.items() if outer in values}
    return renamed | {name: values[name] for name in private}


def given_to(state: StateDict, schema: Schema, node: NodePlan) -> Any:
    """Return what the node is called with: the dict itself, or the schema's own record."""
    if schema.kind in ("dataclass", "pydantic") and node.fields is None:
        return schema.record(state)
    return state


def shown(lineage: Lineage, schema: Schema, node: NodePlan) -> Any:
    """Return a lineage's state in the form in which ``node`` would be given it."""
    return given_to(look(lineage, node), schema, node)


def asked(lineage: Lineage, schema: Schema, node: NodePlan, predicate: Callable[[Any], Any]) -> bool:
    """Return what a predicate on a way out of ``node`` says of a state; raises if it changed the state in place."""
    state = look(lineage, node)
    given = given_to(state, schema, node)
    try:
        holds = bool(predicate(given))
    except IsolationError as error:
        raise named(error, node.name, state.find(error.container)) from error
    field = _changed(state, given, schema)
    if field is not None:
        raise named(in_place(field), node.name)
    return holds


def prepare(task: Task, schema: Schema, around: Surroundings, variables: ContextVars) -> Assignment:
    """Return ``task`` ready to be called."""
    state = look(task.lineage, task.node)
    assignment = Assignment(task, state, given_to(state, schema, task.node), None, variables, around)
    if task.node.wants_ctx:
        assignment.context()
    variables.run(HERE.set, assignment)
    return assignment


def _context(assignment: Assignment) -> Context:
    task, around = assignment.task, assignment.around
    return Context(
        around.run_id,
        task.id,
        task.node.name,
        around.seed,
        attempt=task.attempt,
        errors=task.lineage.errors,
        clock=around.clock.now,
        cancelled=lambda: assignment.gone or assignment.cancelled,
        is_async=task.node.is_async,
        desk=None if around.desk is None else partial(around.desk, task),
        publish=None if around.publish is None else partial(_publish, assignment, task.attempt),
    )


def _publish(assignment: Assignment, attempt: int, number: int, delta: Any) -> None:
    """Pass a chunk on, unless the attempt was given up: then the task may be in another one by now."""
    if assignment.around.publish is not None and not assignment.gone:
        assignment.around.publish(assignment.task, attempt, number, delta)


def perform(assignment: Assignment) -> Outcome:
    """Call a sync node on this thread."""
    __tracebackhide__ = True  # IPython and pytest leave such frames out of tracebacks
    clock = assignment.clock
    began = assignment.started = clock.monotonic()
    value, error = None, None
    try:
        fn: Callable[..., Any] = assignment.task.node.fn  # type: ignore[assignment]  # a gather has no assignment
        value = assignment.variables.run(fn, *assignment.arguments)
    except BaseException as raised:
        if isinstance(raised, KeyboardInterrupt) and current_thread() is main_thread():
            raise  # somebody pressed stop
        error = assignment.told(carried(raised))
    if assignment.ctx is not None and assignment.ctx.desk is not None:
        try:
            assignment.ctx.desk.finish()
        except Exception as lost:  # noqa: BLE001 - whatever the store raises
            error = error or lost
    ended = clock.monotonic()
    return Outcome(assignment, value, error, ended - began, ended)


async def aperform(assignment: Assignment) -> Outcome:
    """Await an async node on this loop; its context variables are those of the surrounding asyncio task."""
    __tracebackhide__ = True
    clock = assignment.clock
    began = assignment.started = clock.monotonic()
    value, error = None, None
    try:
        value = await assignment.task.node.fn(*assignment.arguments)  # type: ignore[misc]  # see perform
    except BaseException as raised:  # noqa: BLE001 - see perform; a cancelled node's outcome is not looked at any more
        error = assignment.told(carried(raised))
    if assignment.ctx is not None:
        try:
            await assignment.ctx.finish()
        except Exception as lost:  # noqa: BLE001 - whatever the store raises
            error = error or lost
    ended = clock.monotonic()
    return Outcome(assignment, value, error, ended - began, ended)


def isolated(assignment: Assignment, schema: Schema) -> IsolationError | None:
    """Return the error of a node that changed what it was given, None if it did not."""
    field = _changed(assignment.state, assignment.given, schema)
    return None if field is None else named(in_place(field), assignment.task.node.name)


def _changed(state: StateDict, given: Any, schema: Schema) -> str | None:
    field = state.changed() if state._copies else None  # noqa: SLF001 - the hot path skips a call
    return schema.changed_field(given, state) if field is None and given is not state else field


def named(error: IsolationError, node: str, field: str | None = None) -> IsolationError:
    """Return ``error`` with the node, and the field where it was not known yet."""
    field = error.field or field
    what = f"field {field!r} of the state" if field else "the state"
    told = IsolationError(
        f"node {node!r} changed {what} it was given, in place",
        still="nothing of this task was stored, and no other task saw the change",
        todo=error.todo,
        node=node,
        field=field,
    )
    told.__cause__ = error.__cause__
    return told.with_traceback(error.__traceback__)
