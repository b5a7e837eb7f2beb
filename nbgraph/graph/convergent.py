"""Merges of replicated values: commutative, associative, idempotent, whatever order updates come in.

Owns the four merges, over plain dicts and lists so that any codec can keep them. Knows nothing of
fields or graphs; ``reducers`` gives them their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge_counts(value: Mapping[Any, Any], operand: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the larger count of each participant.

    >>> merge_counts({"a": 1, "b": 5}, {"a": 3})
    {'a': 3, 'b': 5}
    """
    result = dict(value)
    for who, count in operand.items():
        result[who] = max(result.get(who, count), count)
    return _sorted(result)


def merge_updown(value: Mapping[str, Any], operand: Mapping[str, Any]) -> dict[str, Any]:
    """Merge the two growing counters that make one that goes both ways.

    >>> merge_updown({"up": {"a": 1}}, {"down": {"a": 2}})
    {'down': {'a': 2}, 'up': {'a': 1}}
    """
    sides = sorted(value.keys() | operand.keys())
    return {side: merge_counts(value.get(side, {}), operand.get(side, {})) for side in sides}


def merge_observed(value: Mapping[str, Any], operand: Mapping[str, Any]) -> dict[str, Any]:
    """Unite what was added, by item, and what was removed, by tag.

    >>> merge_observed({"added": {"x": ["t1"]}}, {"added": {"x": ["t2"]}, "removed": ["t1"]})
    {'added': {'x': ['t1', 't2']}, 'removed': ['t1']}
    """
    added: dict[Any, set[Any]] = {}
    for side in (value, operand):
        for item, tags in side.get("added", {}).items():
            added.setdefault(item, set()).update(tags)
    removed = {tag for side in (value, operand) for tag in side.get("removed", ())}
    named = {"added": _sorted({item: _in_order(tags) for item, tags in added.items()}), "removed": _in_order(removed)}
    return {part: named[part] for part in ("added", "removed") if part in value or part in operand}


def merge_stamped(value: Mapping[Any, Any], operand: Mapping[Any, Any]) -> dict[Any, Any]:
    """Keep, of each key, the entry ``[value, stamp, who]`` with the greatest (stamp, who).

    >>> merge_stamped({"k": ["old", 1, "a"]}, {"k": ["new", 2, "a"]})
    {'k': ['new', 2, 'a']}
    """
    result = dict(value)
    for key, entry in operand.items():
        result[key] = _later(result[key], entry) if key in result else entry
    return _sorted(result)


def _later(left: Any, right: Any) -> Any:
    here, there = (left[1], left[2]), (right[1], right[2])
    if here == there and left[0] != right[0]:
        # One who writes twice under one stamp: the values' own text decides, lest the order of arrival does.
        return max(left, right, key=lambda entry: _text(entry[0]))
    return right if there > here else left


def _text(value: Any) -> str:
    from nbgraph.codec import encode  # noqa: PLC0415 - a tie is rare, and the reducers load without the codec

    return encode(value)


def _in_order(tags: set[Any]) -> list[Any]:
    return sorted(tags, key=lambda tag: (type(tag).__name__, repr(tag)))


def _sorted(entries: dict[Any, Any]) -> dict[Any, Any]:
    """Return the entries by key, so that equal values are equal byte for byte."""
    return {key: entries[key] for key in sorted(entries, key=lambda key: (type(key).__name__, repr(key)))}
