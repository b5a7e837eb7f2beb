"""The algebra that merging in canonical order relies on."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgraph.codec.frozen import FrozenDict, FrozenList, FrozenSet
from nbgraph.graph.reducers import BUILTINS, add, append, custom, extend, last, merge, observed_set, union

INTS = st.integers(-50, 50)
WHO = st.sampled_from("abc")
TAGS = st.lists(st.sampled_from("tuvw"), unique=True).map(sorted)
COUNTS = st.dictionaries(WHO, st.integers(0, 9))
VALUES = {
    "set": INTS,
    "extend": st.lists(INTS),
    "add": INTS | st.lists(INTS),
    "union": st.sets(INTS),
    "merge": st.dictionaries(WHO, INTS),
    "maximum": INTS,
    "minimum": INTS,
    "last": INTS,
    "grow_counter": COUNTS,
    "updown_counter": st.fixed_dictionaries({}, optional={"up": COUNTS, "down": COUNTS}),
    "observed_set": st.fixed_dictionaries({}, optional={"added": st.dictionaries(WHO, TAGS), "removed": TAGS}),
    "lww_map": st.dictionaries(WHO, st.tuples(INTS, st.integers(0, 2), WHO).map(list)),
}
CONVERGENT = ["union", "maximum", "minimum", "grow_counter", "updown_counter", "observed_set", "lww_map"]


def triples(name):
    if name == "add":
        return st.tuples(INTS, INTS, INTS) | st.tuples(*[st.lists(INTS)] * 3)
    return st.tuples(*[VALUES[name]] * 3)


@pytest.mark.parametrize("name", sorted(VALUES))
@given(data=st.data())
def test_folding_is_associative(name, data):
    """Branches may be folded in groups: (a+b)+c is a+(b+c)."""
    fold = BUILTINS[name].fold
    a, b, c = data.draw(triples(name))
    assert fold(fold(a, b), c) == fold(a, fold(b, c))


@pytest.mark.parametrize("name", CONVERGENT)
@given(data=st.data())
def test_convergent_reducers_do_not_mind_order_or_repetition(name, data):
    """Commutative and idempotent: whoever hears what, and how often, ends with the same value."""
    fold = BUILTINS[name].fold
    a, b, _ = data.draw(triples(name))
    assert fold(a, b) == fold(b, a)
    assert fold(fold(a, b), b) == fold(a, b)


@pytest.mark.parametrize("name", sorted(name for name in VALUES if BUILTINS[name].identity))
@given(data=st.data())
def test_the_identity_changes_nothing(name, data):
    """A field that starts from its reducer's identity has the first update as its value."""
    reducer, value = BUILTINS[name], data.draw(VALUES[name])
    assert value == reducer.fold(reducer.identity(), value)
    assert value == reducer.fold(value, reducer.identity())


@pytest.mark.parametrize("name", sorted(BUILTINS))
@given(data=st.data())
def test_arguments_are_never_changed(name, data):
    """Neither by one fold nor by many at once; and both give the same value."""
    reducer = BUILTINS[name]
    value, *operands = data.draw(triples(name)) if name != "append" else ([1], 2, 3)
    before = copy.deepcopy((value, operands))
    step = reducer(reducer(value, operands[0]), operands[1])
    assert step == reducer.fold_all(value, operands)
    assert before == (value, operands)


@pytest.mark.parametrize(
    ("reducer", "value", "operand", "expected"),
    [
        (append, FrozenList([1]), 2, [1, 2]),
        (append, FrozenList([1]), FrozenList([2]), [1, [2]]),
        (extend, FrozenList([1]), FrozenList([2]), [1, 2]),
        (add, FrozenList([1]), FrozenList([2]), [1, 2]),
        (add, "a", "b", "ab"),
        (add, (1,), (2,), (1, 2)),
        (union, FrozenSet([1]), frozenset([2]), {1, 2}),
        (union, frozenset([1]), {2}, frozenset([1, 2])),
        (merge, FrozenDict(a=1), FrozenDict(a=2, b=3), {"a": 2, "b": 3}),
        (last, 1, 2, 2),
    ],
)
def test_results_are_new_plain_values(reducer, value, operand, expected):
    """What the engine froze comes in; what comes out is plain, for the engine to freeze."""
    for result in (reducer.fold(value, operand), reducer.fold_all(value, [operand])):
        assert expected == result
        assert type(expected) is type(result)


def test_ten_thousand_items_are_appended_in_one_pass():
    """The bulk form looks at each item once: the list is built by one expression, not by 10,000 copies."""
    assert list(range(10_000)) == append.fold_all([], list(range(10_000)))
    assert list(range(10_000)) == extend.fold_all([], [[number] for number in range(10_000)])


def test_an_item_added_again_elsewhere_survives_a_removal():
    """Who removes an item removes the tags that it saw, no others."""
    seen = observed_set({}, {"added": {"x": ["t1"]}})
    here, there = observed_set(seen, {"removed": ["t1"]}), observed_set(seen, {"added": {"x": ["t2"]}})
    both = observed_set(here, there)
    assert ["t2"] == [tag for tag in both["added"]["x"] if tag not in both["removed"]]


def test_two_writes_under_one_stamp_are_settled_by_their_values():
    """The order of arrival does not decide, whatever the values are."""
    fold, left, right = BUILTINS["lww_map"], {"k": [{"b": 1}, 1, "w"]}, {"k": [{"a": 1}, 1, "w"]}
    assert fold(left, right) == fold(right, left)


def test_what_a_stored_run_needs_is_there_by_name():
    """Every built-in reducer is found by the name it is stored under; lazy ones are those that cannot fail."""
    assert {"append", "extend"} == {name for name, reducer in BUILTINS.items() if reducer.lazy}
    assert all(name == reducer.name for name, reducer in BUILTINS.items())
    assert "custom" == custom(max).name
