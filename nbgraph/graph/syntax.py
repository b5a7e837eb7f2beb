"""Syntax trees of text, also while other threads make some.

Owns asking again. CPython 3.11 counts how deep it is in a tree in one place for all threads, and raises ``SystemError``
where two of them mixed their counts (its issue 106905). Who made the other one may be anybody: formatting a traceback does.
"""

from __future__ import annotations

import ast
from contextlib import suppress

_TRIES = 20
"""How often another thread may come between; each time takes a garbage collection within a millisecond or so."""


def parsed(text: str) -> ast.Module:
    """Return the syntax tree of ``text``; raises what ``ast.parse`` does, such as ``SyntaxError``.

    >>> len(parsed("a = 1; b = 2").body)
    2
    """
    for _ in range(_TRIES):
        with suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)
