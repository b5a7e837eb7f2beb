"""What a run says when it meets a bound, or cannot end: errors that leave it paused, or failed, and resumable.

Owns the words. Pure: whether a bound is met is the driver's to find.
"""

from __future__ import annotations

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


def over_budget(run_id: str, budget: float) -> BudgetError:
    """Return the error of a run that used its time budget."""
    return BudgetError(
        f"run {run_id!r} used its time budget of {budget:g} s",
        still="the run is paused; every committed step is kept",
        todo=f"engine.resume({run_id!r}, time_budget=...) with more",
        run_id=run_id,
        limit=budget,
    )


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
