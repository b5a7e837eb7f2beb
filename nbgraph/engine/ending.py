"""How a drive ends: completed, failed, waiting for a person, paused or cancelled.

Owns that last decision, and its event and status in the store. Nothing of the run runs any more by then.
"""

from __future__ import annotations

from typing import Any

from nbgraph.engine.asking import Asking
from nbgraph.engine.bounds import final_failure
from nbgraph.engine.control import Halt
from nbgraph.engine.frontier import Frontier
from nbgraph.engine.ledger import Ledger
from nbgraph.engine.order import Path
from nbgraph.engine.verdict import error_text
from nbgraph.errors import NbgraphError
from nbgraph.store.protocol import RunStatus


def end(ledger: Ledger, failure: NbgraphError | None, halt: Halt | None, questions: int) -> NbgraphError | None:
    """End a drive by its ``failure``, else as ``halt`` says, else with open ``questions``, else well; return its error."""
    if failure is not None:
        return _close(ledger, "failed", failure)
    if halt is not None:
        return _close(ledger, halt.status, halt.error, why=halt.why)
    if questions:
        return _close(ledger, "waiting", None, questions=questions)
    try:
        final = ledger.final()
    except Exception as wrong:  # noqa: BLE001 - a user's reducer may raise anything
        return _close(ledger, "failed", final_failure(ledger.run_id, wrong))
    ledger.note("run.completed", **ledger.settled)
    ledger.commit((), RunStatus("completed", "", final))
    return None


def _close(ledger: Ledger, status: str, error: NbgraphError | None, **data: Any) -> NbgraphError | None:
    ledger.note(f"run.{status}", **data)
    ledger.commit((), RunStatus(status, error_text(error) if error else "", ""))
    return error


def undecided(frontier: Frontier, asking: Asking, bound: Path | None) -> bool:
    """Say whether something that comes before the first failure, at ``bound``, has yet to run.

    Then a run that stops is paused, not failed: which failure is the first is not known, and a resume finds out.
    """
    if bound is None:
        return False
    behind = frontier.waits_before(bound) is not None  # it keeps a gather before the bound waiting
    return behind or any(task.path < bound for task in frontier.ready) or asking.before(bound)
