"""Numbers, UUIDs and keys that are functions of a run and a task, and of nothing else.

Owns these functions. Pure: no clock, no state.
"""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

from nbgraph.ids import RunId, TaskId


def seeded(seed: int, task: TaskId, purpose: str) -> int:
    """Return a 256-bit number that depends on the run's seed, the task and the purpose, and on nothing else."""
    return int.from_bytes(sha256(f"{seed}/{task}/{purpose}".encode()).digest())


def uuid_of(run_id: RunId, task: TaskId, number: int) -> UUID:
    """Return the UUID (version 8) of that number.

    >>> str(uuid_of("r", "t", 1))
    '982b11b5-6d57-8c7a-b5d7-a8ecea8853f0'
    """
    digest = sha256(f"{run_id}/{task}/uuid/{number}".encode()).digest()[:16]
    bits = int.from_bytes(digest) & ~(0xF000 << 64) & ~(0xC000 << 48)
    return UUID(int=bits | (8 << 76) | (2 << 62))


def key_of(run_id: RunId, task: TaskId, n: int) -> str:
    """Return the idempotency key of that number, 64 hexadecimal digits; 0 is the task's own."""
    mark = f"/{n}" if n else ""
    return sha256(f"{run_id}/{task}{mark}".encode()).hexdigest()
