"""What a replay found: nothing, or where today's code does something else than was recorded.

Owns how that is shown: as a table, as words, as a small diff, as HTML. All text is escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import ndiff
from typing import TYPE_CHECKING, Any

from nbgraph.analysis.calls import ended_calls
from nbgraph.analysis.costs import as_recorded, outermost, used_by
from nbgraph.errors import NbgraphError, parting
from nbgraph.escape import NO_FORMULA, safe
from nbgraph.prices.money import NAN, clean, sum_of

if TYPE_CHECKING:
    from pandas import DataFrame

    from nbgraph.prices import Prices
    from nbgraph.store.protocol import CallRecord, StepRecord

COLUMNS = ("step", "node", "task", "field", "expected", "actual", "error")


@dataclass(frozen=True, slots=True)
class Replay:
    """The outcome of a replay. ``ok`` is True where every task did what was recorded."""

    run_id: str
    tasks: int
    """Tasks whose node ran again."""
    skipped: Sequence[tuple[int, str, str]]
    """(step, node, why) of the tasks whose node did not run again."""
    calls: int
    """Calls, questions and the like that the record answered."""
    problems: Sequence[NbgraphError]
    """The differences, in step order."""
    state: Any
    """The recorded state at the end, which the replayed tasks led to."""
    rows: Mapping[str, StepRecord] = field(default_factory=dict, repr=False)
    """Task -> the row that it would get today, where it ran to its end."""
    saved: Decimal = Decimal(0)
    """US dollars that the calls which the record answered cost when they were made, exact; NaN where nobody knows."""

    @property
    def ok(self) -> bool:
        """True where nothing differs."""
        return not self.problems

    @property
    def mismatches(self) -> DataFrame:
        """One row a difference: step, node, task, field, expected, actual, error."""
        import pandas as pd  # noqa: PLC0415 - loaded when a table is first asked for

        rows = [[*(getattr(error, name) for name in COLUMNS[:-1]), error.message] for error in self.problems]
        return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"step": "Int64"})

    def __repr__(self) -> str:
        found = "no difference" if self.ok else f"{len(self.problems)} differences, first: {self.problems[0].message}"
        left = f", {len(self.skipped)} not run again" if self.skipped else ""
        served = f"{self.calls} calls from the record{self._saved_text()}"
        return f"<Replay of {self.run_id!r}: {self.tasks} tasks, {served}{left}; {found}>"

    def _saved_text(self) -> str:
        if self.saved.is_nan():
            return ", an unknown cost saved, nothing called"
        return f", ${self.saved:f} saved, nothing called" if self.saved else ""

    def _repr_html_(self) -> str:
        return f'<p class="{NO_FORMULA}">{safe(repr(self)[1:-1])}</p>' + "".join(
            _html_of(error) for error in self.problems
        )


def saved_by(lines: Sequence[CallRecord], prices: Prices) -> Decimal:
    """Return what calls cost when they were made, wherever that was; NaN where one of them is not known.

    ``prices``: for calls whose lines say no cost, those of older versions.
    """
    pricing = as_recorded(prices)
    saved = sum_of(pricing(call, used_by(call)).cost for call in outermost(ended_calls(lines)))
    return NAN if saved is None else clean(saved)


def diff_text(expected: str, actual: str) -> str:
    """Return two texts as a small diff, "-" what was recorded, "+" what came now, "^" where they part.

    >>> print(diff_text('{"price": 10}', '{"price": 12}'))
    - {"price": 10}
    ?            ^
    + {"price": 12}
    ?            ^
    """
    left, right = parting(expected, actual)
    return "\n".join(line.rstrip() for line in ndiff(left.splitlines() or [""], right.splitlines() or [""]))


def _html_of(error: NbgraphError) -> str:
    shown = getattr(error, "_repr_html_", None)
    return str(shown()) if shown is not None else f"<pre>{safe(error.message)}</pre>"
