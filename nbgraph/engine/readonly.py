"""What numpy says when a node writes to a state's array, told as the broken isolation that it is.

Owns finding the field: arrays are handed out read-only, and numpy's ``ValueError`` does not say which.
Imports no numpy; knows nothing of tasks or graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from linecache import getline
from traceback import walk_tb
from typing import Any

from nbgraph.engine.view import StateDict, in_place, parts
from nbgraph.errors import IsolationError

_DEPTH = 50


def refusal(error: BaseException, state: StateDict) -> IsolationError | None:
    """Return what to report instead of numpy's refusal to write to an array of the state; None for any other error."""
    if not isinstance(error, ValueError) or "read-only" not in str(error):
        return None
    touched: dict[str, Any] = dict(dict.items(state))  # without what the node never looked at
    fields = [name for name, value in touched.items() if _any(value, _is_read_only)]
    if not fields:
        return None
    report = in_place(_blamed(error, touched, fields))
    report.__cause__ = error
    return report.with_traceback(error.__traceback__)


def _blamed(error: BaseException, state: Mapping[str, Any], fields: list[str]) -> str | None:
    """Return the field written to: the only one there is, else one that the failing frames hold or name."""
    if len(fields) == 1:
        return fields[0]
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        bases = {id(base) for value in frame.f_locals.values() if _is_array(value) for base in _bases(value)}
        text = getline(frame.f_code.co_filename, line)
        held = [name for name in fields if _any(state[name], partial(_among, bases))]
        written = [name for name in fields if f'"{name}"' in text or f"'{name}'" in text or f".{name}" in text]
        if len(held or written) == 1:
            return (held or written)[0]
    return None


def _is_array(value: Any) -> bool:
    return type(value).__name__ == "ndarray" and type(value).__module__ == "numpy"


def _is_read_only(value: Any) -> bool:
    return _is_array(value) and not value.flags.writeable


def _among(ids: set[int], value: Any) -> bool:
    return id(value) in ids


def _bases(array: Any) -> list[Any]:
    """Return an array and those that it is a view of."""
    found: list[Any] = []
    while array is not None and len(found) < _DEPTH:
        found.append(array)
        array = getattr(array, "base", None)
    return found


def _any(value: Any, test: Callable[[Any], bool], depth: int = 0) -> bool:
    return test(value) or (depth < _DEPTH and any(_any(part, test, depth + 1) for part in parts(value)))
