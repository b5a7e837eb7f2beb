"""An answer as JSON data, whatever it is given as.

Owns what JSON can hold of an answer (``plain``), and how deep it may nest. Knows nothing of forms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nbgraph.engine.forms.refusals import unkept

MAX_LEVELS = 100
"""Levels of lists and objects inside an answer; deeper is refused."""


def plain(value: Any) -> Any:
    """Return an answer as JSON data: a dataclass, model, Enum member, datetime, tuple, numpy number...

    Raises ``AnswerError`` for what JSON cannot hold: other objects, NaN and infinities, bytes that are no UTF-8 text.

    >>> from datetime import date
    >>> plain({"when": date(2024, 12, 31), "of": (1, 2)})
    {'when': '2024-12-31', 'of': [1, 2]}
    """
    import pydantic_core  # noqa: PLC0415 - most runs ask nothing

    if hasattr(value, "get_secret_value"):
        raise unkept(value, "a secret is not kept")
    try:
        found = pydantic_core.to_jsonable_python(value, round_trip=True, fallback=_listed)
    except Exception as error:  # a model's own serializer may raise anything
        raise unkept(value, str(error)) from error
    return json.loads(json_text(found))


def json_text(value: Any) -> str:
    """Return JSON data as text; raises ``AnswerError`` for what is none, or nests too deep."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()  # half of a surrogate pair is no text for a file
    except (TypeError, ValueError, RecursionError) as error:
        raise unkept(value, str(error)) from error
    _require_levels(value)
    return text


def _require_levels(value: Any) -> None:
    level, inside = 0, [value]
    while inside := [one for part in inside for one in _parts(part)]:
        level += 1
        if level > MAX_LEVELS:
            raise unkept(value, f"it nests deeper than {MAX_LEVELS} levels")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def _listed(value: Any) -> Any:
    """Return numpy's numbers and arrays, and pandas' columns, as Python's."""
    if isinstance(value, type) or not hasattr(value, "tolist"):
        raise TypeError(f"JSON has nothing for a value of type {type(value).__qualname__}")
    return value.tolist()
