"""A value as a tree of plain data, folded where it is long: what a page is given first, and what it asks for later.

Owns the folding. A node of the tree is a dict: ``k`` its kind, ``t`` its type, ``s`` its text, ``n`` its length, ``c``
its first parts as [label, node], ``m`` how many more there are; a table has ``head``, ``types`` and ``rows``. Pure.
"""

from __future__ import annotations

from typing import Any

from nbgraph.codec import Redacted
from nbgraph.escape import plain
from nbgraph.views.inspector.parts import is_table, key_words, parts, size, words

LINE, TEXT, PIECE = 240, 600, 40_000
"""Characters of a short text, of a string before it is folded, and of a piece that was asked for."""
ITEMS, MORE = 20, 100
"""Parts of a value that are shown at first, and that a request brings."""
ROWS, COLUMNS, CELL = 8, 20, 60
DEPTH = 3
Tree = dict[str, Any]


class Budget:
    """Characters that a message may still take. What comes when they are used up is shown closed."""

    def __init__(self, left: int = 40_000) -> None:
        self.left = left

    def take(self, tree: Tree) -> Tree:
        """Count a node, without its parts."""
        self.left -= 24 + len(tree.get("s", ""))
        return tree


def shown(value: Any, budget: Budget, depth: int = DEPTH) -> Tree:
    """Return the tree of a value, ``depth`` levels of it open while the budget lasts.

    >>> shown([1, "a"], Budget())["c"]
    [['0', {'k': 'number', 't': 'int', 's': '1'}], ['1', {'k': 'text', 't': 'str', 's': 'a', 'n': 1}]]
    """
    if is_table(value):
        return budget.take(table(value))
    count = size(value)
    if count is None:
        return budget.take(_leaf(value))
    tree = budget.take({"k": _kind(value), "t": _type(value), "n": count})
    if count and depth > 0 and budget.left > 0:
        tree["c"] = _some(value, 0, ITEMS, budget, depth)
    tree["m"] = count - len(tree.get("c", ()))
    return tree


def _some(value: Any, first: int, most: int, budget: Budget, depth: int) -> list[list[Any]]:
    found = []
    for label, part in parts(value, first, most):
        found.append([_label(label), shown(part, budget, depth - 1)])
        if budget.left <= 0:
            break
    return found


def _label(label: str) -> str:
    return plain(label if len(label) <= 80 else label[:79] + "…")


def opened(value: Any, first: int = 0) -> Tree:
    """Return more of one value: its parts from ``first`` on, the text from there, or a table's rows."""
    if isinstance(value, str):
        piece = value[first : first + PIECE]
        return {"k": "text", "s": plain(piece), "first": first, "m": max(0, len(value) - first - len(piece))}
    if is_table(value):
        return {**table(value, first, MORE), "first": first}
    found = _some(value, first, MORE, Budget(), 2)
    return {"k": _kind(value), "c": found, "first": first, "m": max(0, (size(value) or 0) - first - len(found))}


def _leaf(value: Any) -> Tree:
    if isinstance(value, str):
        kept = value if len(value) <= TEXT else value[: TEXT // 2]
        tree = {"k": "text", "t": "str", "s": plain(kept), "n": len(value)}
        return tree if kept is value else {**tree, "m": len(value) - len(kept)}
    if isinstance(value, (bytes, bytearray)):
        return {"k": "bytes", "t": type(value).__name__, "s": words(bytes(value[:60]), LINE), "n": len(value)}
    kind = "none" if value is None else "bool" if isinstance(value, bool) else "other"
    kind = "redacted" if isinstance(value, Redacted) else kind
    if kind == "other" and isinstance(value, (int, float, complex)):
        kind = "number"
    return {"k": kind, "t": type(value).__name__, "s": plain(words(value, LINE))}


def _kind(value: Any) -> str:
    for kind, classes in (("dict", dict), ("list", list), ("tuple", tuple), ("set", (set, frozenset))):
        if isinstance(value, classes) and not (kind == "tuple" and hasattr(value, "_fields")):
            return kind
    return "record"


_PLAIN = {"FrozenDict": "dict", "FrozenList": "list", "FrozenSet": "set", "StateDict": "dict"}


def _type(value: Any) -> str:
    name = type(value).__name__
    if name == "Record":
        name = str(value._record_type).rpartition(":")[2]  # noqa: SLF001 - what the record stands for has no other name
    return _PLAIN.get(name, _label(name))


# -- tables


def table(value: Any, first: int = 0, most: int = ROWS) -> Tree:
    """Return rows of a DataFrame, Series or array, cell by cell as plain text."""
    try:
        return _array(value, first, most) if type(value).__name__ == "ndarray" else _frame(value, first, most)
    except Exception as error:  # noqa: BLE001 - extension types of any package may stand in a column
        return {"k": "other", "t": type(value).__name__, "s": f"cannot be shown: {plain(words(error, LINE))}"}


def _frame(value: Any, first: int, most: int) -> Tree:
    frame = value.to_frame() if value.ndim == 1 else value
    part = frame.iloc[first : first + most, :COLUMNS]
    rows = [
        [_cell(index), *(_cell(part.iat[turn, place]) for place in range(part.shape[1]))]
        for turn, index in enumerate(part.index)
    ]
    return {
        "k": "table",
        "t": type(value).__name__,
        "s": " × ".join(f"{side:,}" for side in value.shape),
        "head": ["", *(_label(key_words(name)) for name in part.columns)],
        "types": ["", *(_label(str(kind)) for kind in part.dtypes)],
        "rows": rows,
        "m": max(0, frame.shape[0] - first - len(rows)),
        "wide": max(0, frame.shape[1] - COLUMNS),
    }


def _array(value: Any, first: int, most: int) -> Tree:
    flat = value.reshape(value.shape[0], -1) if value.ndim > 1 else value.reshape(-1, 1)
    part = flat[first : first + most, :COLUMNS]
    return {
        "k": "table",
        "t": "ndarray",
        "s": f"{' × '.join(f'{side:,}' for side in value.shape) or 'scalar'} {_label(str(value.dtype))}",
        "head": ["", *(str(place) for place in range(part.shape[1]))] if value.ndim > 1 else ["", ""],
        "types": [],
        "rows": [[str(first + turn), *(_cell(cell) for cell in row)] for turn, row in enumerate(part)],
        "m": max(0, flat.shape[0] - first - len(part)),
        "wide": max(0, flat.shape[1] - COLUMNS),
    }


def _cell(value: Any) -> str:
    plainer = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
    if isinstance(plainer, float):
        return f"{plainer:.6g}"
    text = plainer if isinstance(plainer, str) else words(plainer, CELL)
    return plain(text if len(text) <= CELL else text[: CELL - 1] + "…")
