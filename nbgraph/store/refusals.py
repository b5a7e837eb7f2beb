"""What every store refuses, in the same words: records out of order, doubled, or not what they claim.

Owns the errors that do not depend on where runs are kept.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from nbgraph.errors import IdempotencyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbgraph.store.protocol import StepRecord


def forked(file: str) -> StoreError:
    """Return the error for a store object that came into this process by a fork."""
    message = f"the store {file!r} was opened by another process, of which this one is a fork"
    todo = "open the file again in this process"
    return StoreError(message, still="nothing was read or written", todo=todo, file=file)


def out_of_order(file: str, run_id: str, what: str, expected: int, actual: int) -> StoreError:
    """Return the error for records that do not continue the run's numbering."""
    message = f"{what} {actual} of run {run_id!r} does not continue the run: {expected} is next"
    todo = "read the run again, then go on from there"
    return StoreError(message, still="nothing of this commit was stored", todo=todo, file=file, run_id=run_id, expected=expected, actual=actual)  # fmt: skip


def doubled(run_id: str, record: StepRecord) -> IdempotencyError:
    """Return the error for a step whose key is in the store."""
    message = f"the result of node {record.node!r} in run {run_id!r} was committed before (key {record.key[:12]}...)"
    todo = "resume the run: it goes on after that commit"
    return IdempotencyError(message, still="the first commit stands", todo=todo, run_id=run_id, step=record.step, node=record.node, task=record.task)  # fmt: skip


def check_blob(file: str, digest: str, data: bytes) -> None:
    """Refuse a blob that is not what its name says: it could never be read back."""
    if sha256(data).hexdigest() != digest:
        raise StoreError(f"a blob for {file!r} is not the one of SHA-256 {digest}", todo="name it by its SHA-256")


def existing(file: str, run_id: str) -> StoreError:
    """Return the error for an id that is taken."""
    message = f"the store {file!r} has a run {run_id!r} already"
    return StoreError(message, todo="resume it, or choose another id", file=file, run_id=run_id)


def bad_rebase(file: str, run_id: str, step: int, finding: str) -> StoreError:
    """Return the error for a step that cannot become the run's beginning."""
    message = f"run {run_id!r} cannot begin at step {step}: {finding}"
    return StoreError(
        message, still="nothing was removed", todo="choose another step", file=file, run_id=run_id, step=step
    )


def has_forks(file: str, run_id: str, forks: Sequence[str]) -> StoreError:
    """Return the error for a run that others share steps with."""
    names = ", ".join(map(repr, forks))
    message = f"run {run_id!r} cannot be deleted: it was forked to {names}, which share its steps"
    return StoreError(message, still="nothing was removed", todo="delete these first", file=file, run_id=run_id, others=tuple(forks))  # fmt: skip


def no_question(file: str, run_id: str, seq: int) -> StoreError:
    """Return the error for an answer to what was never asked."""
    message = f"run {run_id!r} in {file!r} has no question {seq}"
    todo = "store.calls(run_id) lists the questions: their phase is 'asked'"
    return StoreError(message, still="no answer was kept", todo=todo, file=file, run_id=run_id, question=seq)


def answered_already(file: str, run_id: str, seq: int) -> StoreError:
    """Return the error for a second answer."""
    message = f"question {seq} of run {run_id!r} is answered already"
    return StoreError(message, still="the first answer stands", todo="resume the run: it goes on with that one", file=file, run_id=run_id, question=seq)  # fmt: skip
