"""The digest chain: what makes a flipped byte, a missing row or a swapped row visible.

Owns one formula. Each row's digest covers its content and the digest before it; a chain starts at the
digest of the run's own row. Knows nothing of tables.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_BETWEEN = "\x1f"
START = b"nbgraph/store/1"
"""What comes before the first row of all: a run's own."""


def chain(previous: bytes, fields: Iterable[object]) -> bytes:
    """Return SHA-256 over ``previous`` and the fields, framed so that no two lists of one length collide.

    Fields are texts, whole numbers and floats; bytes that came back where a text was written never match.

    >>> chain(START, ("ab", "c")) == chain(START, ("a", "bc"))
    False
    """
    texts = list(map(str, fields))
    body = _BETWEEN.join(texts)
    # Lengths are needed only where a text has the separator itself, which then shows in the number of them.
    if body.count(_BETWEEN) >= len(texts):
        body = f"{list(map(len, texts))}{body}"
    return sha256(previous + body.encode()).digest()


def root(run_digest: bytes, first: int) -> bytes:
    """Return what comes before step ``first`` when nothing is before it: the chain starts at the run."""
    return chain(run_digest, ("steps", first))


def event_root(run_digest: bytes, first: int) -> bytes:
    """Return what comes before event ``first`` when it is the oldest one kept."""
    return chain(run_digest, ("events", first))


def call_root(run_digest: bytes, first: int) -> bytes:
    """Return what comes before line ``first`` of the log of calls when it is the oldest one kept."""
    return chain(run_digest, ("calls", first))


def fork_start(parent: int, step: int) -> bytes:
    """Return what comes before the run row of a fork: it is bound to its origin as long as it is there."""
    return chain(START, ("fork", parent, step))


def fork_root(run_digest: bytes, step: int) -> bytes:
    """Return what comes before a fork's own first step, the one after ``step``."""
    return chain(run_digest, ("forked steps", step + 1))
