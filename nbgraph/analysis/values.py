"""Where two values part: the smallest parts of them that differ, each with its path.

Works on JSON trees, the codec's own form, and not on values: a NaN is itself there, 1 is not True, and
nothing of a user's ``__eq__`` runs. Knows nothing of tasks or runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from nbgraph.codec.text import to_text

SMALL = 3
"""Parts of a value that are shown one by one; where more differ, the whole is shown."""


class Absent(Enum):
    """Stands where a side has no value at all; shows as "-"."""

    ABSENT = "-"

    def __repr__(self) -> str:
        return "-"

    __str__ = __repr__


ABSENT = Absent.ABSENT


class Parting(NamedTuple):
    """A place where two trees differ. ``ABSENT`` on the side that has nothing there."""

    path: str
    left: Any
    right: Any


def partings(path: str, left: Any, right: Any) -> list[Parting]:
    """Return where two trees part, in order; empty if they are the same.

    A list, tuple, dict or record is gone into while at most ``SMALL`` of its parts differ and something of it
    is shared.

    >>> partings("report", {"items": [1, 2], "n": 2}, {"items": [1, 5], "n": 2})
    [Parting(path='report.items[1]', left=2, right=5)]
    >>> partings("n", 1, True)
    [Parting(path='n', left=1, right=True)]
    """
    if _same(left, right):
        return []
    return _inside(_parts(path, left, right)) or [Parting(path, left, right)]


def _same(left: Any, right: Any) -> bool:
    # Python's == is quick to say no; that 1 == True == 1.0 and 0.0 == -0.0 only the text knows.
    return left is right or (
        left is not ABSENT and right is not ABSENT and left == right and to_text(left) == to_text(right)
    )


def _inside(parts: list[Parting]) -> list[Parting]:
    """Return where pairs of parts differ, nothing where the whole says it better."""
    found: list[Parting] = []
    shared = False
    for part in parts:
        parted = partings(*part)
        found += parted
        shared = shared or not parted or parted[0].path != part.path
        if len(found) > SMALL:
            return []
    alone = len(parts) == 1 and ABSENT not in (parts[0].left, parts[0].right)
    return found if shared or alone else []


def _parts(path: str, left: Any, right: Any) -> list[Parting]:
    """Return the parts that two trees of one kind have, in pairs; nothing for what has no parts."""
    if type(left) is not type(right):
        return []
    if type(left) is list:
        return _items(path, left, right)
    if type(left) is not dict:
        return []
    if not _tagged(left) and not _tagged(right):
        return _entries(path, left, right)
    if left.keys() == right.keys() == {"$tuple"}:
        return _items(path, left["$tuple"], right["$tuple"])
    return _fields(path, left, right)


def _tagged(tree: Mapping[str, Any]) -> bool:
    return any(key[:1] == "$" for key in tree)


def _items(path: str, left: list[Any], right: list[Any]) -> list[Parting]:
    sides = [*left, *[ABSENT] * (len(right) - len(left))], [*right, *[ABSENT] * (len(left) - len(right))]
    return [Parting(f"{path}[{place}]", *pair) for place, pair in enumerate(zip(*sides, strict=True))]


def _entries(path: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Parting]:
    names = sorted(left.keys() | right.keys())
    return [Parting(path + _step(name), left.get(name, ABSENT), right.get(name, ABSENT)) for name in names]


def _step(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{name!r}]"


def _fields(path: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Parting]:
    """Return the fields of two records (dataclass, NamedTuple, model) of one class."""
    heads = [{name: part for name, part in tree.items() if name != "fields"} for tree in (left, right)]
    both = type(left.get("fields")) is dict and type(right.get("fields")) is dict
    return _entries(path, left["fields"], right["fields"]) if both and _same(*heads) else []
