"""What if: several forks of one run, side by side, as one table.

Owns starting them within one budget and reading them off. Each fork is an ordinary run afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nbgraph.analysis.costs import CallCost, as_recorded, costs_of
from nbgraph.engine.budgets import exact
from nbgraph.engine.calls.purse import SHARED, Purse
from nbgraph.engine.options import combine
from nbgraph.errors import NbgraphError, OptionsError
from nbgraph.prices.money import NAN, sum_of
from nbgraph.prices.pricing import Prices

if TYPE_CHECKING:
    from pandas import DataFrame

    from nbgraph.engine.engine import Engine
    from nbgraph.engine.run import Run


COLUMNS = ("run_id", "status", "error", "steps", "seconds", "calls", "reused", "tokens", "cost")
_OWN = {"new_id", "update"}
_OTHERS = {"state", "reuse_calls", "before", "after"}


@dataclass(frozen=True, slots=True)
class Together:
    """What all forks may use together: seconds, US dollars, tokens; None: no limit."""

    seconds: float | None = None
    dollars: Decimal | float | str | None = None
    tokens: int | None = None

    def options(self) -> dict[str, Any]:
        """Return it as options of one run."""
        return {"time_budget": self.seconds, "cost_budget": self.dollars, "token_budget": self.tokens}

    def purse(self) -> Purse | None:
        """Return what the forks pay from."""
        if self.dollars is None and self.tokens is None:
            return None
        return Purse(exact(self.dollars), self.tokens, shared=True)


@dataclass(slots=True)
class _Try:
    """One edit and what became of it."""

    edit: Any
    """What the caller gave: fields and values, if it is right."""
    run: Run | None = None
    error: str = ""
    shared: int = 0
    """Steps that are the parent's."""


class Grid:
    """Forks one run many times."""

    def __init__(self, engine: Engine, run_id: str, step: int | None, how: Mapping[str, Any]) -> None:
        self._engine, self._run_id, self._step, self._how = engine, run_id, step, dict(how)
        self._clock = engine.options.clock
        self._purse: Purse | None = None

    def run(self, edits: Sequence[Mapping[str, Any]], side_by_side: int, budget: Together) -> DataFrame:
        """Run a fork for each edit; return the table. Raises what would be wrong with every fork alike."""
        self._check(side_by_side, budget)
        self._purse = budget.purse()
        parent = self._engine.open(self._run_id)
        if self._step is None:  # one step for all, also while somebody drives the parent
            self._step = self._engine.store.run(self._run_id).steps
        parent.at(self._step)
        tries = [_Try(edit) for edit in edits]
        end = None if budget.seconds is None else self._clock.monotonic() + budget.seconds
        live: list[_Try] = []
        for tried in tries:
            if len(live) >= side_by_side:
                self._join(live.pop(0))
            if self._begin(parent, tried, end):
                live.append(tried)
        for tried in live:
            self._join(tried)
        return _frame(tries, self._paid)

    def _check(self, side_by_side: int, budget: Together) -> None:
        if type(side_by_side) is not int or side_by_side < 1:
            raise OptionsError(
                f"side_by_side is {side_by_side!r}", option="side_by_side", todo="pass a whole number of 1 or more"
            )
        for name in _OWN & self._how.keys():
            raise OptionsError(f"fork_many takes no {name}=", option=name, todo="edits= says what each fork is to edit")
        options = {name: value for name, value in self._how.items() if name not in _OTHERS}
        combine(self._engine.options, (), {**budget.options(), **options})

    def _begin(self, parent: Run, tried: _Try, end: float | None) -> bool:
        """Start a fork in the background; say whether it was."""
        how = dict(self._how)
        spent = None if self._purse is None else self._purse.used_up()
        if spent is not None:
            tried.error = f"not begun: the {spent} is spent"
            return False
        if end is not None:
            left = end - self._clock.monotonic()
            if left <= 0:
                tried.error = "not begun: the time budget is spent"
                return False
            how["time_budget"] = left
        token = SHARED.set(self._purse)
        try:
            tried.run = parent.fork(self._step, update=tried.edit, **how)
            origin = self._engine.store.origin(tried.run.id)
            tried.shared = origin.step if origin is not None else 0
        except NbgraphError as error:
            tried.error = f"{type(error).__name__}: {error.message}"
        finally:
            SHARED.reset(token)
        return tried.run is not None

    def _paid(self, tried: _Try) -> list[CallCost]:
        if tried.run is None:
            return []
        prices = as_recorded(self._engine.options.prices or Prices())
        return costs_of(self._engine.store.calls(tried.run.id), pricing=prices)

    def _join(self, tried: _Try) -> None:
        assert tried.run is not None  # noqa: S101 - it was begun
        try:
            tried.run.wait()
        except NbgraphError as error:
            tried.error = f"{type(error).__name__}: {error.message}"


def _frame(tries: Sequence[_Try], paid: Callable[[_Try], list[CallCost]]) -> DataFrame:
    import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

    rows = [_row(tried, paid(tried)) for tried in tries]
    return pd.DataFrame(rows, columns=list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])))


def _row(tried: _Try, costs: Sequence[CallCost] = ()) -> dict[str, Any]:
    edit = tried.edit if isinstance(tried.edit, Mapping) else {}
    edited = {f"edit.{name}": value for name, value in edit.items()}
    if tried.run is None:
        return {"run_id": "", "status": "not begun", "error": tried.error, **edited}
    run = tried.run
    calls = run.calls
    reused = int(calls["reused"].sum()) if len(calls) else 0
    cost = sum_of(row.cost for row in costs)
    own = run.tasks.query(f"step > {tried.shared}")
    facts = {
        "run_id": run.id,
        "status": run.status,
        "error": tried.error,
        "steps": len(own),
        "seconds": float(own["seconds"].sum()),
        "calls": len(calls) - reused,
        "reused": reused,
        "tokens": sum(row.tokens.tokens for row in costs),
        "cost": NAN if cost is None else cost,
    }
    state = run.state
    fields = state if isinstance(state, Mapping) else {name: getattr(state, name) for name in _names(state)}
    return {**facts, **edited, **dict(fields)}


def _names(record: Any) -> list[str]:
    return [name for name in vars(record) if not name.startswith("_")]
