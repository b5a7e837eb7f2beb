"""An answer as the node gets it: an instance of the type that it asked for.

Owns ``build``. Knows nothing of how the answer was kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nbgraph.engine.forms.adapter import adapter
from nbgraph.engine.forms.checking import check
from nbgraph.engine.forms.describing import describe
from nbgraph.engine.forms.refusals import Problem, refused
from nbgraph.engine.forms.showing import shown


def build(schema: Any, value: Any) -> Any:
    """Return JSON data as an instance of the type; None and Any take it as it is.

    Raises ``AnswerError`` if it does not fit: the type in the code has changed since, or has rules that no form tells.

    >>> build(tuple[int, ...], [1, 2])
    (1, 2)
    """
    if schema is None or schema is Any:
        return value
    check(describe(schema), value)
    try:
        return adapter(schema).validate_json(json.dumps(value), strict=True)
    except Exception as error:  # a type's own __post_init__ may raise anything
        todo = "answer the question again, or give it the type back that it was asked with"
        raise refused(_problem(error, value), todo) from error


def _problem(error: Any, value: Any) -> Problem:
    if not hasattr(error, "errors"):
        return Problem((), repr(error), "refused by the type itself")
    first = error.errors(include_url=False)[0]
    path, found = _steps(first["loc"], value)
    return Problem(path, _expected(first["msg"]), shown(found))


def _expected(says: str) -> str:
    """Return what pydantic's message expects, to go behind "should be"."""
    short = says.removeprefix("Input should be ")
    return short if short != says else f"as its type wants it ({says})"


def _steps(loc: Iterable[Any], value: Any) -> tuple[tuple[Any, ...], Any]:
    """Return the steps of pydantic's location that lead into the value (the others name options), and what is there."""
    path: tuple[Any, ...] = ()
    for step in loc:
        within = isinstance(value, dict) and step in value
        if within or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            path, value = (*path, step), value[step]
    return path, value
