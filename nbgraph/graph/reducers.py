"""How a field takes in an update: ``Annotated[list[str], append]``.

Owns the ``Reducer`` and the built-in ones; the convergent ones are in ``convergent``. Pure functions over
values: no argument is ever changed, and a container that comes out is a new, plain one.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

from nbgraph.graph.convergent import merge_counts, merge_observed, merge_stamped, merge_updown


def _unchecked(_annotation: Any) -> Any:
    return None


def _same(annotation: Any) -> Any:
    return annotation


@dataclass(frozen=True, slots=True)
class Reducer:
    """A field's way of taking in updates. ``fold(value, operand)`` returns the new value and changes neither.

    >>> add(2, 3), append([1], 2), last(1, 2)
    (5, [1, 2], 2)
    """

    name: str
    fold: Callable[[Any, Any], Any]
    identity: Callable[[], Any] | None = None
    """Makes the value that leaves every operand as it is; None: the first operand is the value."""
    lazy: bool = False
    """``fold`` cannot fail on a checked operand, so that it may wait until somebody looks."""
    operand_type: Callable[[Any], Any] = _unchecked
    """The field's annotation -> the annotation of an update, or None: any update will do."""
    bulk: Callable[[Any, Sequence[Any]], Any] | None = None
    """``fold_all`` in one pass, where there is a faster way than folding one by one."""
    works_on: tuple[type, ...] = ()
    """Classes of fields that the reducer can be used on; empty: any."""

    def __call__(self, value: Any, operand: Any) -> Any:
        """Return ``fold(value, operand)``."""
        return self.fold(value, operand)

    def fold_all(self, value: Any, operands: Sequence[Any]) -> Any:
        """Return ``value`` with all ``operands`` folded in, in order."""
        if self.bulk is not None and operands:
            return self.bulk(value, operands)
        for operand in operands:
            value = self.fold(value, operand)
        return value


def custom(fold: Callable[[Any, Any], Any]) -> Reducer:
    """Return a user's function as a reducer; its results are checked, its operands are not."""
    return Reducer("custom", fold)


def _item(annotation: Any) -> Any:
    """Return the type of one item of ``list[X]``, None if the annotation does not say."""
    if typing.get_origin(annotation) is list:
        return typing.get_args(annotation)[0]
    return None


def _set_operand(annotation: Any) -> Any:
    item: Any = (typing.get_args(annotation) or (Any,))[0]
    known = typing.get_origin(annotation) or annotation in (set, frozenset)
    return typing.Union[set[item], frozenset[item]] if known else None  # noqa: UP007 - made at run time


def _append(value: Iterable[Any], operand: Any) -> Any:
    return [*value, operand]


def _append_all(value: Iterable[Any], operands: Sequence[Any]) -> Any:
    return [*value, *operands]


def _extend(value: Iterable[Any], operand: Iterable[Any]) -> Any:
    return [*value, *operand]


def _extend_all(value: Iterable[Any], operands: Sequence[Any]) -> Any:
    return [*value, *chain.from_iterable(operands)]


def _add(value: Any, operand: Any) -> Any:
    return value + operand


def _add_all(value: Any, operands: Sequence[Any]) -> Any:
    if isinstance(value, list):
        return _extend_all(value, operands)
    if isinstance(value, str):
        return "".join([value, *operands])
    for operand in operands:
        value = value + operand
    return value


def _union(value: Any, operand: Any) -> Any:
    return _union_all(value, (operand,))


def _union_all(value: Any, operands: Sequence[Any]) -> Any:
    # set(value) first: a frozen stand-in's own union is of no use to the engine, which freezes afresh.
    result = set(value).union(*operands)
    return frozenset(result) if isinstance(value, frozenset) else result


def _merge(value: Mapping[Any, Any], operand: Mapping[Any, Any]) -> Any:
    return {**value, **operand}


def _merge_all(value: Mapping[Any, Any], operands: Sequence[Any]) -> Any:
    result = dict(value)
    for operand in operands:
        result.update(operand)
    return result


def _maximum(value: Any, operand: Any) -> Any:
    return operand if operand > value else value  # noqa: FURB136 - says which of two equal ones stays


def _minimum(value: Any, operand: Any) -> Any:
    return operand if operand < value else value  # noqa: FURB136 - as above


def _later(_value: Any, operand: Any) -> Any:
    return operand


def _any_dict(_annotation: Any) -> Any:
    return dict


SET = Reducer("set", _later, operand_type=_same)
"""No reducer: the update is the new value, and two concurrent ones are a conflict."""

append = Reducer("append", _append, list, True, _item, _append_all, (list,))
"""The update is one item, which goes to the end of the list."""
extend = Reducer("extend", _extend, list, True, _same, _extend_all, (list,))
"""The update is a list of items, which go to the end of the list."""
add = Reducer("add", _add, None, False, _same, _add_all)
"""``value + update``: numbers, strings, tuples, lists, anything that adds."""
union = Reducer("union", _union, set, False, _set_operand, _union_all, (set, frozenset))
"""The update is a set; the field has the items of both."""
merge = Reducer("merge", _merge, dict, False, _same, _merge_all, (dict,))
"""The update is a dict; its entries replace those of the same key. Shallow."""
maximum = Reducer("maximum", _maximum, None, False, _same)
"""The larger of value and update; the value where they are equal."""
minimum = Reducer("minimum", _minimum, None, False, _same)
"""The smaller of value and update; the value where they are equal."""
last = Reducer("last", _later, None, False, _same)
"""The later update in canonical order wins; concurrent updates are no conflict."""

grow_counter = Reducer("grow_counter", merge_counts, dict, False, _any_dict, None, (dict,))
"""A counter that only grows. Value and update: ``{"who": count so far}``; the count is the sum of the values."""
updown_counter = Reducer("updown_counter", merge_updown, dict, False, _any_dict, None, (dict,))
"""A counter that goes both ways. Value and update: ``{"up": {"who": n}, "down": {"who": n}}``, either may be missing."""
observed_set = Reducer("observed_set", merge_observed, dict, False, _any_dict, None, (dict,))
"""A set that can forget. Value and update: ``{"added": {item: [tags]}, "removed": [tags]}``, either may be missing.

An item is in the set while one of its tags is not removed: who removes an item lists the tags that it
saw, so that adding it again elsewhere, under a new tag, wins.
"""
lww_map = Reducer("lww_map", merge_stamped, dict, False, _any_dict, None, (dict,))
"""A map where the last writer wins. Value and update: ``{key: [value, stamp, "who"]}``; the greater (stamp, who) stays."""

BUILTINS: Mapping[str, Reducer] = MappingProxyType(
    {
        reducer.name: reducer
        for reducer in (
            SET, append, extend, add, union, merge, maximum, minimum, last,
            grow_counter, updown_counter, observed_set, lww_map,
        )
    }
)  # fmt: skip
"""The built-in reducers by name: what reading a stored run without its code needs."""
