"""Finding a word in a state: in the names of fields, in keys, in texts and in numbers.

Owns the walk and its bounds. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbgraph.escape import cut
from nbgraph.views.inspector.parts import is_table, parts, size, words

MOST, VISITED = 100, 100_000
_AROUND = 30


def hits(state: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return where ``text`` stands, whatever its case: label, the words around it, and the path that leads there.

    At most ``MOST`` places; ``more`` says that the search ended before the state did.

    >>> hits({"a": {"colour": "blue"}}, "Blue")["hits"]
    [['a › colour', 'blue', [0, 0]]]
    """
    wanted, found = text.casefold(), list[list[Any]]()
    for visited, (label, value, path) in enumerate(_walk(dict(state)) if wanted else ()):
        if len(found) >= MOST or visited > VISITED:
            return {"hits": found, "more": True}
        said = _said(value)
        place = said.casefold().find(wanted)
        if place >= 0 or wanted in label.rpartition(" › ")[2].casefold():
            found.append([cut(label, 120), _snippet(said, max(0, place), len(wanted)), path])
    return {"hits": found, "more": False}


def _walk(state: Any) -> Iterator[tuple[str, Any, list[int]]]:
    stack: list[tuple[str, Any, list[int]]] = [("", state, [])]
    while stack:
        label, value, path = stack.pop()
        if path:
            yield label, value, path
        if len(path) < 30:
            inside = parts(value)
            joint = " › " if label else ""
            stack += [(f"{label}{joint}{name}", part, [*path, turn]) for turn, (name, part) in enumerate(inside)][::-1]


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if is_table(value) or size(value) is not None else words(value, 400)


def _snippet(said: str, place: int, length: int) -> str:
    begin, end = max(0, place - _AROUND), place + length + _AROUND
    return ("…" if begin else "") + cut(said[begin:end], 2 * _AROUND + length + 20) + ("…" if end < len(said) else "")
