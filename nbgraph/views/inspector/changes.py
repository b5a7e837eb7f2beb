"""What a task changed: its state before and after, field by field, as small as it can be said.

Owns the wording of a difference: lines of a text, items that a list gained, the few parts of a value that differ. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from itertools import islice
from typing import Any

from nbgraph.analysis.values import ABSENT, partings
from nbgraph.codec import encode
from nbgraph.codec.text import from_text
from nbgraph.errors import CodecError
from nbgraph.escape import plain
from nbgraph.views.inspector.parts import words
from nbgraph.views.inspector.values import Budget, Tree, shown

_LINES, _LONG, _CONTEXT = 120, 400_000, 2
_MISSING = object()


def changes(before: Mapping[str, Any], after: Mapping[str, Any], wrote: Iterable[str]) -> list[Tree]:
    """Return what became of each field in ``wrote``: "added", "changed", "removed" or "same"."""
    budget = Budget()
    return [_change(name, before.get(name, _MISSING), after.get(name, _MISSING), budget) for name in wrote]


def _change(name: str, before: Any, after: Any, budget: Budget) -> Tree:
    change: Tree = {"name": plain(name)}
    if before is _MISSING or after is _MISSING:
        how, side, value = ("added", "after", after) if before is _MISSING else ("removed", "before", before)
        return {**change, "how": how if value is not _MISSING else "same", side: shown(value, budget, 2)}
    if isinstance(before, str) and isinstance(after, str) and before != after:
        return {**change, "how": "changed", **_texts(before, after, budget)}
    if _grew(before, after):
        gained = list(after[len(before) :])
        return {**change, "how": "changed", "gained": shown(gained, budget, 2), "had": len(before)}
    return {**change, **_parted(name, before, after, budget)}


def _grew(before: Any, after: Any) -> bool:
    if not (isinstance(before, list) and isinstance(after, list) and len(before) < len(after)):
        return False
    try:
        return bool(after[: len(before)] == before)
    except Exception:  # noqa: BLE001 - arrays and frames do not say yes or no
        return False


def _parted(name: str, before: Any, after: Any, budget: Budget) -> Tree:
    left, right = _tree(before), _tree(after)
    found = partings(name, left, right)
    if not found:
        return {"how": "same", "after": shown(after, budget, 1)}
    small = [part for part in found if part.path != name]
    sides = {"before": shown(before, budget, 1), "after": shown(after, budget, 1)}
    told = [[plain(part.path), _side(part.left), _side(part.right)] for part in small[:6]]
    return {"how": "changed", **sides, **({"parts": told} if told else {})}


def _tree(value: Any) -> Any:
    try:
        return from_text(encode(value, blobs={}))
    except CodecError:
        return words(value, 10_000)


def _side(tree: Any) -> str:
    return "" if tree is ABSENT else plain(words(tree, 200))


def _texts(before: str, after: str, budget: Budget) -> Tree:
    """Return the lines that differ between two texts, with a few around; of long ones, both beginnings."""
    if len(before) + len(after) > _LONG:
        return {"before": shown(before, budget), "after": shown(after, budget)}
    old, new = before.splitlines(), after.splitlines()
    lines: list[list[str]] = []
    for group in SequenceMatcher(None, old, new, autojunk=True).get_grouped_opcodes(_CONTEXT):
        lines += [[" ", "⋯"]] if lines else []
        for tag, a, b, c, d in group:
            if tag == "equal":
                lines += [[" ", line] for line in old[a:b]]
            else:
                lines += [["-", line] for line in old[a:b]] + [["+", line] for line in new[c:d]]
    kept = [[sign, plain(line[:400])] for sign, line in islice(lines, _LINES)]
    budget.left -= sum(len(line) for _, line in kept)
    return {"lines": kept, "m": max(0, len(lines) - len(kept))}
