"""What a run left in its store: state at any step, tasks, events, calls, from rows alone.

Owns the reading of one run, live or past. Runs no code and drives nothing; ``run`` adds what a person does with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from operator import index
from typing import TYPE_CHECKING, Any

from nbgraph.codec import NO_TYPES, Types, encode
from nbgraph.engine import tables
from nbgraph.engine.history import History, resolved
from nbgraph.engine.verdict import stored_error
from nbgraph.engine.view import StateDict
from nbgraph.errors import RunError, StoreError
from nbgraph.faces import face
from nbgraph.graph.schema import Schema
from nbgraph.ids import RunId
from nbgraph.prices import Prices, prices_of
from nbgraph.store.protocol import RunRow, StepRecord, Store

if TYPE_CHECKING:
    from pathlib import Path

    from pandas import DataFrame

    from nbgraph.analysis.costs import CallCost


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a run: who, and the state as that task left it. Step 0 is the input."""

    step: int
    node: str
    task: str
    status: str
    state: Any


class Past:
    """One run's rows, read. ``schema``, if known, says which classes its values are of."""

    def __init__(self, store: Store, run_id: str, schema: Schema | None = None) -> None:
        self._store, self._made_with = store, schema
        self.id = RunId(run_id)

    @property
    def _schema(self) -> Schema | None:
        return self._made_with

    @property
    def _types(self) -> Types:
        schema = self._schema
        return NO_TYPES if schema is None else Types.of(*schema.types)

    def _history(self) -> History:
        return History(self._store, self.id, self._types)

    def _row(self) -> RunRow:
        return self._store.run(self.id)

    @property
    def status(self) -> str:
        """Where the run stands, in a word."""
        return self._row().standing

    @property
    def store(self) -> Store:
        """Where the run's rows are."""
        return self._store

    @property
    def input(self) -> Any:
        """The state before the first step."""
        return self._shown(self._history().initial())

    @property
    def state(self) -> Any:
        """The final state; of a run that has not completed, the state after its latest step."""
        row = self._row()
        if row.status.final:
            return self._shown(self._history().final(row.status.final))
        return self._shown(self._history().at(row.steps))

    def _shown(self, fields: Mapping[str, Any], later: Mapping[str, Any] | None = None) -> Any:
        state, schema = StateDict(fields, later), self._schema
        return state if schema is None or schema.kind not in ("dataclass", "pydantic") else schema.record(state)

    def at(self, step: int) -> StepView:
        """Return the state right after ``step`` (0: the input), read from the file without running code.

        Raises ``RunError`` for a step that the run does not have.
        """
        row = self._step(step)
        if row is None:
            return StepView(0, "", "", "done", self.input)
        return StepView(row.step, row.node, row.task, row.status, self._shown(self._history().at(row.step)))

    def _step(self, step: int) -> StepRecord | None:
        """Return a step's row, None for the input; raises ``RunError`` for one that is not there."""
        step, steps = index(step), self._row().steps
        if not 0 <= step <= steps:
            raise RunError(
                f"run {self.id!r} has no step {step}", todo=f"its steps are 0 to {steps}", run_id=self.id, step=step
            )
        row = next(iter(self._store.steps(self.id, step, step)), None) if step else None
        if step and row is None:
            raise RunError(
                f"step {step} of run {self.id!r} was pruned", todo="look at a later one", run_id=self.id, step=step
            )
        return row

    def history(self) -> Iterator[StepView]:
        """Yield every step with the state after it, in commit order; each state is folded when looked at."""
        for row, fields in self._history().states():
            yield StepView(row.step, row.node, row.task, row.status, self._lazily(fields))

    def _lazily(self, fields: Mapping[str, Any]) -> Any:
        from nbgraph.engine.folding import Folded  # noqa: PLC0415 - one name, used here only

        later = {name: value for name, value in fields.items() if type(value) is Folded}
        return self._shown({name: value for name, value in fields.items() if name not in later}, later)

    def _steps(self) -> Iterator[StepRecord]:
        return self._store.steps(self.id)

    @property
    def tasks(self) -> DataFrame:
        """One row a task: step, node, status, attempts, started (UTC), seconds, steps of its parents, id, what it printed."""
        return tables.tasks(self._steps(), self._store.events(self.id))

    @property
    def steps(self) -> DataFrame:
        """One row a step, in commit order: node, update, where it went, idempotency key."""
        return tables.steps(self._steps())

    @property
    def events(self) -> DataFrame:
        """Everything that happened, in order."""
        return tables.events(self._steps(), self._store.events(self.id))

    @property
    def calls(self) -> DataFrame:
        """One row a call or question of this run, in order: what was asked, what came back, seconds, usage.

        A fork's own; those of the steps that it shares are its origin's.
        """
        return tables.calls(self._store.calls(self.id))

    @property
    def costs(self) -> DataFrame:
        """What each call of this run used and cost, in the order in which they began: one row a call that ended.

        Columns: step, node, call, model, tokens (input, output, cache_read, cache_write, reasoning), cost, saved,
        seconds, share, source, rate, as_of, reused, attempt, seq, task. ``cost`` is in US dollars, an exact Decimal,
        with the price that held when the call was made: ``source`` says whose, ``rate`` and ``as_of`` which and of
        when. What nobody knows is ``Decimal("NaN")``. ``saved``: what was not paid again, since a record answered: of
        another run (then tokens and cost are 0 here), or of an attempt before. ``share``: of the run's known cost, 0 to 1.

        A fork's own calls; those of the steps that it shares are its origin's. Reads the file, runs no code.
        """
        return self._cost_frame(self._call_costs(), f"Costs of run {self.id}")

    def costs_by(self, *names: str) -> DataFrame:
        """Return costs summed by "node", "model", "step", "task", "attempt", "call" or "provider", or several of them.

        One row a group, in the order of their first call; without a name one row for all. Columns: the names, calls,
        reused, tokens as in ``costs``, cost (NaN if a part is not known), known (the sum of what is), unknown (calls),
        saved, seconds, share, and source, rate, as_of where one price holds for all. ``attrs["total"]`` is the sum of
        all groups; it is the same to the last digit whatever they are. Raises ``OptionsError`` for another name.
        """
        from nbgraph.analysis.cost_frames import groups_frame  # noqa: PLC0415 - only when asked

        by = f" by {' and '.join(map(str, names))}" if names else ""
        return groups_frame(self._call_costs(), names, f"Costs of run {self.id}{by}")

    def reprice(self, prices: Any) -> DataFrame:
        """Return ``costs`` as they would be with other prices; nothing is written.

        ``prices`` as in the option: a mapping from models to prices, a function, or ``ng.prices.Prices`` (such as
        ``ng.prices.listed``). A cost that a node gave itself stays where these prices do not know the model.
        """
        return self._cost_frame(self._call_costs(prices_of(prices)), f"Costs of run {self.id} with other prices")

    @property
    def _prices(self) -> Prices:
        """What prices calls whose lines say no cost: those of older versions."""
        return prices_of(None)

    def _call_costs(self, other: Prices | None = None) -> list[CallCost]:
        """Return a row for each call, with the prices that held then, or with ``other`` ones."""
        from nbgraph.analysis.costs import as_recorded, as_with, costs_of  # noqa: PLC0415 - only when asked

        pricing = as_recorded(self._prices) if other is None else as_with(other)
        return costs_of(self._store.calls(self.id), self._steps(), self._store.events(self.id), pricing)

    def _cost_frame(self, costs: list[CallCost], title: str) -> DataFrame:
        from nbgraph.analysis.cost_frames import calls_frame  # noqa: PLC0415 - only when asked

        return calls_frame(costs, title, last=self._row().steps)

    def export_otel(self, provider: Any = None, *, content: bool = False) -> int:
        """Hand the run to OpenTelemetry as spans, run > task > attempt > call, and return how many; as it stands now.

        With the times of the rows, and the ids that the same spans have live (``ng.tracing.Tracing``) and each time. A
        call of a model follows the GenAI conventions; ``ng.tracing.table()`` has every attribute. ``provider``: a
        ``TracerProvider``, None: the global one; ``content``: with what was said to models and by them, as stored.

        Reads the file, runs no code. Needs ``pip install opentelemetry-sdk`` (the extra ``otel``), else raises
        ``NbgraphError``; raises ``OptionsError`` where there is no provider.
        """
        return int(face("run.otel")(self, provider, content=content))

    def export_trace(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the run as a trace that ui.perfetto.dev and chrome://tracing open; return its path.

        A lane for each task that ran beside others, attempts and calls inside them, arrows from tasks to those that
        they led to, and how tokens and cost grew. Times in microseconds since the run began. Equal rows make an equal
        file. A name that ends in ".gz" is compressed. ``overwrite`` a file that is no such trace. Reads the file, runs no
        code; raises ``OptionsError`` where the path is taken.
        """
        written: Path = face("run.trace")(self, path, overwrite=overwrite)
        return written

    def given(self, step: int) -> Any:
        """Return the state that the task of ``step`` was given: what it gathered, before its own update; 0: the input.

        With the fields of the ``Send`` that it came from. Read from the file without running code. Raises
        ``RunError`` for a step that the run does not have.
        """
        row = self._step(step)
        if row is None:
            return self.input
        from nbgraph.engine.sent import sent_to  # noqa: PLC0415 - only when asked

        history = self._history()
        return self._shown({**resolved(history.gathered(row)), **sent_to(self._store, self.id, row, self._types)})

    @property
    def digest(self) -> str:
        """SHA-256 over every task's id and update and the final state: equal for runs with equal results."""
        lines = sorted(f"{row.task} {row.status} {row.update} {row.results}" for row in self._steps())
        state = self.state
        final = encode(dict(state) if isinstance(state, Mapping) else state, blobs={})
        return sha256("\n".join([*lines, final]).encode()).hexdigest()

    def __repr__(self) -> str:
        try:
            row = self._row()
        except StoreError as error:
            return f"<Run {self.id!r}: {type(error).__name__}>"  # a display never raises
        stored = stored_error(row.status.error)
        told = f": {stored.message}" if stored is not None else ""
        return f"<Run {self.id!r} of {row.record.graph!r}: {row.standing}, {row.steps} steps{told}>"
