"""Whose steps a run's steps are: a fork shares the first ones of its origin, which may be a fork itself.

Owns the arithmetic of shared pasts. Knows nothing of where runs are kept.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

ENDLESS = (1 << 32) - 1
"""Beyond every step: the last piece of a run is open."""


class Piece(NamedTuple, Generic[T]):
    """The steps ``first`` to ``last`` of a run are those of ``owner``, under the same numbers."""

    owner: T
    first: int
    last: int


def extended(line: list[Piece[T]], owner: T, step: int = 0) -> list[Piece[T]]:
    """Return the pieces of a run that goes on after ``step`` of the one whose pieces are ``line``, oldest first.

    >>> extended(extended([], "r"), "fork", 3)
    [Piece(owner='r', first=1, last=3), Piece(owner='fork', first=4, last=4294967295)]
    """
    shared = [piece if piece.last <= step else piece._replace(last=step) for piece in line if piece.first <= step]
    return [*shared, Piece(owner, step + 1, ENDLESS)]


def piece_of(line: list[Piece[T]], step: int) -> Piece[T] | None:
    """Return the piece that holds ``step``."""
    return next((piece for piece in reversed(line) if piece.first <= step <= piece.last), None)
