"""What a run says when it meets a bound, or cannot end: errors that leave it paused, or failed, and resumable.

Owns the words. Pure: whether a bound is met is the driver's to find.
"""

from __future__ import annotations

from typing import Any

from nbgraph.engine.calls.purse import OutOfBudget
from nbgraph.errors import BackpressureError, BudgetError, GraphError, MaxStepsError, NbgraphError


def full_queue(run_id: str, depth: int, seconds: float) -> BackpressureError:
    """Return the error of a queue that stayed full for too long."""
    return BackpressureError(
        f"the workers' queue of run {run_id!r} stayed full ({depth}) for more than {seconds:g} s",
        still="the run is paused; every committed step is kept",
        todo="raise queue_depth, max_concurrent or backpressure_timeout and resume",
        run_id=run_id,
        limit=depth,
        seconds=seconds,
    )


def over_budget(run_id: str, budget: float, seconds: float) -> BudgetError:
    """Return the error of a run that used its time budget: ``seconds`` passed."""
    return BudgetError(
        f"run {run_id!r} used its time budget of {budget:g} s",
        still="the run is paused; every committed step is kept",
        todo=f"engine.resume({run_id!r}, time_budget=...) with more",
        run_id=run_id,
        option="time_budget",
        limit=budget,
        spent=seconds,
    )


def out_of_budget(run_id: str, refused: OutOfBudget, node: str | None = None) -> BudgetError:
    """Return the error of a call that was not made in ``node``, or, without one, of a budget that was overdrawn."""
    said, todo = _unpriced(run_id, refused) if refused.unpriced is not None else _spent(run_id, refused)
    call = "" if node is None else f"; the next call, {refused.call} in node {node!r}, {_estimate(refused)}"
    made = "" if node is None else "that call was not made; "
    return BudgetError(
        f"run {run_id!r} {said}{call}",
        still=f"{made}the run is paused; every committed step and every call that returned is kept",
        todo=todo,
        run_id=run_id,
        node=node,
        call=refused.call or None,
        option=refused.why,
        limit=refused.limit,
        spent=refused.spent,
        estimate=refused.estimate,
    )


def _spent(run_id: str, refused: OutOfBudget) -> tuple[str, str]:
    why = refused.why
    under_way = f" (calls under way may use {shown(why, refused.reserved)} more)" if refused.reserved else ""
    who, whose = ("and the forks beside it ", "their") if refused.shared else ("", "its")
    said = f"{who}spent {shown(why, refused.spent)} of {whose} {why} of {shown(why, refused.limit)}{under_way}"
    return said, f"engine.resume({run_id!r}, {why}=...) with more"


def _unpriced(run_id: str, refused: OutOfBudget) -> tuple[str, str]:
    limit, model = shown(refused.why, refused.limit), refused.unpriced
    if not model:
        said = f"has a {refused.why} of {limit}, and a call told what it used but of which model"
        return said, 'let the response say its "model" too, or pass prices= a function (model, usage) -> dollars'
    price = f"prices={{{model!r}: (dollars in, dollars out)}}, per million tokens"
    said = f"has a {refused.why} of {limit}, and nobody knows what model {model!r} costs"
    return said, f"engine.resume({run_id!r}, {price}); or {refused.why}=None"


def _estimate(refused: OutOfBudget) -> str:
    if refused.why == "time_budget" or refused.unpriced is not None:
        return "was not made"
    return f"may use {shown(refused.why, refused.estimate)}"


def shown(budget: str, amount: Any) -> str:
    """Return an amount of a budget with its unit.

    >>> from decimal import Decimal
    >>> shown("cost_budget", Decimal("0.12500")), shown("token_budget", 12000), shown("time_budget", 2.5)
    ('$0.125', '12,000 tokens', '2.5 s')
    """
    if budget == "cost_budget":
        digits = f"{amount:f}"
        return f"${digits.rstrip('0').rstrip('.') if '.' in digits else digits}"
    return f"{amount:,} tokens" if budget == "token_budget" else f"{amount:g} s"


def over_steps(run_id: str, limit: int) -> MaxStepsError:
    """Return the error of a run that reached ``max_steps``."""
    return MaxStepsError(
        f"run {run_id!r} reached max_steps={limit}",
        still="the run is paused; every committed step is kept",
        todo=f"engine.resume({run_id!r}, max_steps=...) with more, or give the loop a way out",
        run_id=run_id,
        limit=limit,
    )


def final_failure(run_id: str, wrong: Exception) -> NbgraphError:
    """Return the error of branch ends that cannot be merged."""
    if isinstance(wrong, NbgraphError):
        return wrong
    error = GraphError(
        f"run {run_id!r}: merging the branch ends raised {type(wrong).__name__}: {wrong}",
        still="every step is kept",
        todo="mend the reducer and resume",
        run_id=run_id,
    )
    error.__cause__ = wrong
    return error
