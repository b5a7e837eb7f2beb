"""Values and paths as a person reads them, short.

Owns how they are written. Knows nothing of forms.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

SHOWN, SENTENCE = 60, 300
"""Characters of one value, and of what is told about it."""


def cut(text: str, length: int) -> str:
    """Return the text, with "..." for what is beyond ``length`` characters."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def shown(value: Any) -> str:
    """Return JSON data in one short line."""
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {cut(', '.join(map(str, value)), SHOWN)}" if value else "an empty object"
    return cut(json.dumps(value, ensure_ascii=False), SHOWN)


def name_text(name: str) -> str:
    """Return the name of a field, quoted only if it does not print."""
    return cut(name, SHOWN) if name.isprintable() else shown(name)


def path_text(path: Iterable[Any]) -> str:
    """Return a path as a person would write it.

    >>> path_text(["items", 0, "name"]), path_text(["a b"])
    ('items[0].name', "['a b']")
    """
    steps = [f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r}]" for step in path]
    return "".join(steps).removeprefix(".")
