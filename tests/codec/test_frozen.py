"""What a node is given can be read in every way and changed in none."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

from nbgraph.codec import FrozenDict, FrozenList, FrozenSet, decode, encode, is_frozen, keep
from nbgraph.errors import IsolationError
from tests.codec.samples import TYPES, Base, Colour, Model, Point, Slotted

CALLS = {
    FrozenList: {
        "append": (1,), "extend": ([1],), "insert": (0, 1), "pop": (), "remove": (1,), "clear": (), "sort": (),
        "reverse": (), "__setitem__": (0, 1), "__delitem__": (0,), "__iadd__": ([1],), "__imul__": (2,),
    },
    FrozenDict: {
        "__setitem__": ("a", 1), "__delitem__": ("a",), "__ior__": ({},), "clear": (), "pop": ("a",), "popitem": (),
        "setdefault": ("a", 1), "update": ({},),
    },
    FrozenSet: {
        "add": (1,), "discard": (1,), "remove": (1,), "pop": (), "clear": (), "update": ([1],),
        "intersection_update": ([1],), "difference_update": ([1],), "symmetric_difference_update": ([1],),
        "__ior__": ({1},), "__iand__": ({1},), "__isub__": ({1},), "__ixor__": ({1},),
    },
}  # fmt: skip
MUTATORS = [(cls, name, args) for cls, calls in CALLS.items() for name, args in calls.items()]
PLAIN = {FrozenList: [1, 2], FrozenDict: {"a": 1}, FrozenSet: {1, 2}}


@pytest.mark.parametrize(("cls", "name", "args"), MUTATORS, ids=lambda part: getattr(part, "__name__", str(part)))
def test_every_mutator_raises_and_changes_nothing(cls, name, args):
    """Each way to change a container in place raises IsolationError, saying what to do."""
    value = cls(PLAIN[cls])
    with pytest.raises(IsolationError, match="in place") as caught:
        getattr(value, name)(*args)
    assert caught.value.todo
    assert PLAIN[cls] == value


@pytest.mark.parametrize("cls", CALLS)
def test_no_mutator_is_forgotten(cls):
    """Every method of the plain type that changes one of these samples is in the table above."""
    plain = cls.__base__
    known = {*CALLS[cls], "__init__", "__setattr__", "__delattr__"}
    for name in set(dir(plain)) - set(dir(tuple)) - set(dir(frozenset)) - known:
        for args in ((), (1,), ("a",), (0, 1), ([1],)):
            value = plain(PLAIN[cls])
            try:
                getattr(value, name)(*args)
            except Exception:
                continue
            assert PLAIN[cls] == value, name


@pytest.mark.parametrize("cls", CALLS)
def test_copies_are_plain(cls):
    """copy, deepcopy and pickle give the plain, mutable type."""
    value = cls(PLAIN[cls])
    for made in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value)), value.copy()):
        assert (cls.__base__, PLAIN[cls]) == (type(made), made)


def test_frozen_containers_read_as_plain_ones():
    """isinstance, equality, json, slices and operators work, and build plain containers."""
    items, table, members = FrozenList([1, 2]), FrozenDict(a=1), FrozenSet({1})
    assert isinstance(items, list)
    assert '[1, 2]{"a": 1}' == json.dumps(items) + json.dumps(table)
    made = [items + [3], items[:1], items * 2, [0] + items, table | {"b": 2}, {"b": 2} | table]
    made += [members | {2}, {2} | members, members - {1}, members.union({3})]
    assert {list, dict, set} == {type(one) for one in made}
    assert [1, 2] == items
    assert encode([[1, 2], {"a": 1}, {1}]) == encode([items, table, members])


def test_deepcopy_thaws_at_every_level():
    """A deep copy may be changed anywhere."""
    frozen = decode('{"a":[{"b":{"$set":[1]}}],"t":{"$tuple":[[1]]}}', frozen=True)
    plain = copy.deepcopy(frozen)
    plain["a"][0]["b"].add(2)
    plain["t"][0].append(2)
    assert {"a": [{"b": {1}}], "t": ([1],)} == frozen


def test_frozen_values_are_told_from_those_to_compare_after_use():
    """is_frozen is true where nothing can change, at any level, and false where something can."""
    frozen = [[1, {"a": (1, {2})}], np.ones(3), Slotted(Colour.RED, Point(1, [])), Point(1, []), np.float64(1), b"x"]
    loose = [Base("n"), [Base("n")], Model(items=[]), {"a": (Base("n"),)}]
    assert [True] * len(frozen) == [is_frozen(keep(one, types=TYPES)[1]) for one in frozen]
    assert [False] * len(loose) == [is_frozen(keep(one, types=TYPES)[1]) for one in loose]


def test_frozen_arrays_refuse_to_be_written():
    """A kept array is read-only, and so is what a decoded one shows of its buffer."""
    _, kept = keep(np.arange(3))
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1
    decode(encode(np.arange(3)))[0] = 1
