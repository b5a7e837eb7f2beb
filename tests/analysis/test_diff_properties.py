"""What holds of every comparison, on values that Hypothesis draws, through real runs."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nbgraph.analysis import Side, compare
from nbgraph.codec import encode
from nbgraph.testing import GatedCrew
from tests.analysis.sides import chain, gives, side
from tests.contracts.drawn import build, graphs

ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3)
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)
UPDATES = st.lists(
    st.fixed_dictionaries({}, optional={"text": VALUES, "log": VALUES, "own": st.text()}), min_size=1, max_size=4
)


def ran(updates: list[dict[str, Any]], name: str = "r1") -> Side:
    """Run a chain of nodes that give these updates."""
    return side(chain(*[gives(**update) for update in updates]), name, given={"own": ""})


def keyed(diff, *, swap: bool = False) -> list[tuple[Any, ...]]:
    """Return the differences as comparable rows; ``swap``: as the other direction would say them."""
    rows = []
    for each in diff.differences:
        pair = [(step, repr(value)) for step, value in ((each.step_left, each.left), (each.step_right, each.right))]
        rows.append((each.task, each.node, each.what, each.field, *(pair[::-1] if swap else pair)))
    return sorted(rows)


@given(UPDATES)
def test_a_run_is_the_same_as_itself_and_as_its_twin(updates):
    """Whatever nodes wrote, the same again is no difference."""
    run = ran(updates)
    assert compare(run, run).same
    assert compare(run, ran(updates, "r2")).same


@given(UPDATES, UPDATES)
def test_the_other_way_round_left_and_right_are_swapped(one, other):
    """compare(b, a) says what compare(a, b) says, mirrored."""
    left, right = ran(one), ran(other, "r2")
    assert keyed(compare(left, right)) == keyed(compare(right, left), swap=True)


@given(UPDATES, UPDATES)
def test_same_means_equal_rows(one, other):
    """Runs are the same exactly if every node wrote the same."""
    assert compare(ran(one), ran(other)).same == (encode(one) == encode(other))


@given(UPDATES, st.data())
def test_one_changed_value_is_found_at_its_task_and_field(updates, data):
    """A single change is told once among the tasks, at that task and below that field, with both parts."""
    place = data.draw(st.integers(0, len(updates) - 1))
    changed = deepcopy(updates)
    before, after = data.draw(VALUES), data.draw(VALUES)
    assume(encode(before) != encode(after))
    head = data.draw(st.lists(st.integers(), max_size=3))
    updates[place]["text"], changed[place]["text"] = (
        {"head": head, "deep": [*head, v], "n": 1} for v in (before, after)
    )
    told = [each for each in compare(ran(updates), ran(changed, "r2")).differences if each.task]
    assert {(each.node, each.what) for each in told} == {("abcd"[place], "update")}
    assert all(each.field.startswith(f"text.deep[{len(head)}]" if head else "text.deep") for each in told)
    assert len(told) <= 3
    if type(before) is not type(after):
        assert [(encode(told[0].left), encode(told[0].right))] == [(encode(before), encode(after))]


@settings(max_examples=20)
@given(graphs(), st.integers(), st.integers(1, 8))
def test_drawn_graphs_are_the_same_in_every_completion_order(shape, order, width):
    """Of a run that completes, neither the differences nor the order of tasks depend on who finished when."""
    chance, sides = Random(order), []
    for crew in (GatedCrew(lambda waiting: 0), GatedCrew(lambda waiting: chance.randrange(len(waiting)))):
        options = {"executor": crew, "max_concurrent": width, "max_steps": 100}
        sides.append(side(build(shape), options=options, given={"odd": ""}))
    assume(None not in [each.final for each in sides])
    diff = compare(*sides)
    assert diff.same
    assert diff.order == compare(*reversed(sides)).order
    places = {task: place for place, task in enumerate(diff.order)}
    assert all(places[parent] < places[task] for task in diff.order for parent, _ in sides[0].parents[task])
