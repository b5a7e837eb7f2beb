"""HTML as values: what is text is escaped where it is put in, what is markup already is known by its type.

Owns the one way in which reports and tables make elements. Knows nothing of runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from nbgraph.escape import plain, safe

_VOID = frozenset(["meta", "input", "img", "source", "br"])


class Markup(str):
    """Text that is markup: it was made here, of escaped parts."""

    __slots__ = ()


Part = Any
"""A child of an element: ``Markup`` as it is, None for nothing, an iterable of parts, anything else as escaped text."""


def tag(name: str, attributes: dict[str, Any] | None = None, *children: Part) -> Markup:
    """Return an element. An attribute that is None or False is left out.

    >>> tag("b", {"class": "x", "title": None}, "1 < 2")
    '<b class="x">1 &lt; 2</b>'
    """
    said = "".join(_attribute(key, value) for key, value in (attributes or {}).items() if value not in (None, False))
    if name in _VOID:
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{join(children)}</{name}>")


def _attribute(name: str, value: Any) -> str:
    return f" {name}" if value is True else f' {name}="{safe(value)}"'


def join(parts: Iterable[Part]) -> Markup:
    """Return parts one after the other."""
    return Markup("".join(map(_part, parts)))


def _part(part: Part) -> str:
    if part is None:
        return ""
    if isinstance(part, Markup):
        return part
    if isinstance(part, (list, tuple)):
        return join(part)
    return safe(part)


def fold(summary: Part, *inside: Part, attributes: dict[str, Any] | None = None) -> Markup:
    """Return something that can be unfolded."""
    return tag("details", attributes, tag("summary", None, summary), *inside)


def table(heads: Iterable[str], rows: Iterable[Iterable[Part]], kind: str = "") -> Markup:
    """Return a table that can be scrolled sideways where it is too wide."""
    head = tag("tr", None, [tag("th", {"scope": "col"}, head) for head in heads])
    body = [tag("tr", None, [tag("td", None, cell) for cell in row]) for row in rows]
    return tag(
        "div", {"class": f"wide {kind}".strip()}, tag("table", None, tag("thead", None, head), tag("tbody", None, body))
    )


def data(value: Any) -> Markup:
    """Return JSON as it may stand in a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(plain(text))
