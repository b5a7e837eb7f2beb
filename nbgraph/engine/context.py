"""What a node gets beside the state: seeded randomness, recorded time, stable ids, a flag to stop.

Owns DESIGN section 3, rule 7 at the node's side. Every answer is a function of the run's seed or id and
the task's identity, or is recorded. Knows nothing of scheduling or stores.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from nbgraph.engine.task import Failure
from nbgraph.ids import RunId, TaskId

if TYPE_CHECKING:
    from random import Random


def seeded(seed: int, task: TaskId, purpose: str) -> int:
    """Return a 256-bit number that depends on the run's seed, the task and the purpose, and on nothing else."""
    return int.from_bytes(sha256(f"{seed}/{task}/{purpose}".encode()).digest())


class Context:
    """What a node may ask its run. One object per attempt; it stays valid only while the node runs.

    ``run_id``, ``task_id``, ``node``, ``attempt`` (counts from 1) and ``errors`` (the failures that an
    ``on_error`` edge brought here, oldest first) say where the node is.
    """

    __slots__ = (
        "_cancelled",
        "_clock",
        "_drew",
        "_rng",
        "_seed",
        "_uuids",
        "attempt",
        "errors",
        "node",
        "nows",
        "run_id",
        "task_id",
    )

    def __init__(
        self,
        run_id: RunId,
        task_id: TaskId,
        node: str,
        seed: int,
        *,
        attempt: int = 1,
        errors: tuple[Failure, ...] = (),
        clock: Callable[[], float],
        cancelled: Callable[[], bool],
    ) -> None:
        self.run_id, self.task_id, self.node = run_id, task_id, node
        self.attempt, self.errors = attempt, errors
        self._seed, self._clock, self._cancelled = seed, clock, cancelled
        self._rng: Random | None = None
        self._uuids = 0
        self._drew = False
        self.nows: list[float] = []
        """The clock readings taken so far: seconds since the Unix epoch."""

    @property
    def rng(self) -> Random:
        """A ``random.Random`` of this task's own: the same numbers in every run of the same seed, and in every attempt."""
        if self._rng is None:
            from random import Random  # noqa: PLC0415 - 3 ms that most runs do without

            self._rng = Random(seeded(self._seed, self.task_id, "rng"))  # noqa: S311 - for reproducing, not for secrets
        return self._rng

    def uuid(self) -> UUID:
        """Return a UUID (version 8) of this run, this task and the number of the question: unique between runs."""
        self._uuids += 1
        digest = sha256(f"{self.run_id}/{self.task_id}/uuid/{self._uuids}".encode()).digest()[:16]
        bits = int.from_bytes(digest) & ~(0xF000 << 64) & ~(0xC000 << 48)
        return UUID(int=bits | (8 << 76) | (2 << 62))

    def now(self) -> datetime:
        """Return the time in UTC; the answer is recorded with the step."""
        self.nows.append(self._clock())
        return datetime.fromtimestamp(self.nows[-1], UTC)

    @property
    def idempotency_key(self) -> str:
        """64 hexadecimal digits of run and task: stable across attempts, resumes and replays."""
        return sha256(f"{self.run_id}/{self.task_id}".encode()).hexdigest()

    @property
    def cancelled(self) -> bool:
        """True once the run was cancelled, or this attempt timed out: a sync node should return soon."""
        return self._cancelled()

    @property
    def drew(self) -> bool:
        """True once the node used randomness, ids or the clock: then a cycle may end by itself."""
        return self._drew or self._rng is not None or self._uuids > 0 or bool(self.nows)

    def absorb(self, nows: list[float], *, drew: bool) -> None:
        """Take over what the same context was asked in another process."""
        self.nows += nows
        self._drew = self._drew or drew
