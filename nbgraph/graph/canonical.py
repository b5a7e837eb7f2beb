"""Canonical JSON of plain facts about a graph: sorted keys, no spaces, ASCII."""

from __future__ import annotations

import json
from typing import Any


def canonical_text(facts: Any) -> str:
    """Return the one JSON text of nested dicts, lists, strings and numbers.

    >>> canonical_text({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
