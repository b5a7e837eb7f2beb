"""Two runs compared: what differs is found at its task and field, and nothing else is called a difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import pytest

import nbgraph as ng
from nbgraph.analysis import ABSENT, compare
from nbgraph.codec import Types
from nbgraph.store import EventRecord
from tests.analysis.sides import Report, chain, finishing, gives, pair, side, told


def fan(*, items=(1, 2, 3), work=lambda item: item):
    """Return a graph of a Send per item, gathered."""
    graph = ng.Graph(Report, name="fan")
    graph.node(name="split", sends="work")(lambda state: [ng.Send("work", item=item) for item in items])
    graph.node(name="work")(lambda state: {"log": work(state["item"])})
    graph.node(name="gather", after="work")(lambda state: None)
    return graph


def choosing(target):
    """Return a graph that goes to ``left`` or ``right``, then to the end."""
    graph = ng.Graph(Report, name="choosing")
    graph.node(name="choose", routes=["left", "right"])(lambda state: ng.Goto(target))
    graph.node(name="left")(gives(text="l"))
    graph.node(name="right")(gives(text="r"))
    graph.node(name="end", after=["left", "right"])(lambda state: None)
    return graph


def fails(words):
    """Return a node that fails."""

    def failing(state):
        raise ValueError(words)

    return failing


# -- the same


def test_runs_that_did_the_same_are_the_same_however_they_were_timed(tmp_path):
    """Commit order, step numbers and durations are no difference."""
    left = side(fan(), "r1", store=tmp_path / "a", options={"executor": finishing(last_first=False)})
    right = side(fan(), "r2", store=tmp_path / "a", options={"executor": finishing(last_first=True)})
    diff = compare(left, right)
    assert [row.task for row in left.steps] != [row.task for row in right.steps]
    assert (diff.same, diff.first, len(diff), len(diff.table)) == (True, None, 0, 0)
    assert set(diff.tasks.outcome) == {"same"}
    assert diff.summary.startswith("5 tasks on both sides, all the same.")


# -- one task


@pytest.mark.parametrize(
    ("left", "right", "field", "parts"),
    [
        ("a", "b", "text", ("a", "b")),
        ({"items": [{"price": 1}] * 4}, {"items": [{"price": 1}] * 3 + [{"price": 2}]}, "text.items[3].price", (1, 2)),
        ({"a b": 1, "c": 1}, {"a b": 2, "c": 1}, "text['a b']", (1, 2)),
        ([1, 2], [1, 2, 3], "text[2]", (ABSENT, 3)),
        ((1, 2), (1, 3), "text[1]", (2, 3)),
        ([], ["x"], "text", ([], ["x"])),
        ([1, 2, 3, 4, 5], [1, 0, 0, 0, 0], "text", ([1, 2, 3, 4, 5], [1, 0, 0, 0, 0])),
        (1, True, "text", (1, True)),
        (0.0, -0.0, "text", (0.0, -0.0)),
        ({1, 2}, {1, 3}, "text", ({1, 2}, {1, 3})),
        ({"a": None}, {}, "text", ({"a": None}, {})),
    ],
)
def test_a_changed_value_is_found_with_its_path(tmp_path, left, right, field, parts):
    """Small differences come with the path inside the value, large ones as a whole, also of equal numbers."""
    graphs = (chain(gives(log=1), gives(text=value, log=2), gives(log=3)) for value in (left, right))
    diff = compare(*pair(*graphs, tmp_path))
    assert told(diff) == [("b", "update", field, *parts)]
    assert [(d.node, d.what, d.field) for d in diff.differences][1:] == [("(final state)", "final", field)]
    assert repr(diff.first.right) == repr(parts[1])


def test_nan_is_itself(tmp_path):
    """A NaN is no difference."""
    assert compare(*pair(chain(gives(text=[float("nan")])), chain(gives(text=[float("nan")])), tmp_path)).same


def test_a_field_that_one_side_did_not_write_is_absent_there(tmp_path):
    """A field that is missing in one update is shown as "-" on that side."""
    diff = compare(*pair(chain(gives(text=None, log=1)), chain(gives(log=1)), tmp_path))
    assert told(diff) == [("a", "update", "text", None, ABSENT)]
    assert list(diff.table.right[:1]) == ["-"]
    assert "field text: None, only in r1" in diff.summary


@dataclass(frozen=True)
class Item:
    """A class that the graph knows, and who compares does not."""

    name: str
    price: int


def test_records_are_gone_into_without_their_class(tmp_path):
    """A changed field of a dataclass has a path, and whole records come without their class being imported."""
    schema = {"items": list[Item] | Item}
    left, right = pair(*(chain(gives(items=[Item("pen", p)]), schema=schema) for p in (3, 4)), tmp_path)
    assert told(compare(left, right)) == [("a", "update", "items[0].price", 3, 4)]
    other = side(chain(gives(items=Item("pen", 3)), schema=schema))
    whole = compare(left, other).first
    assert (type(whole.right).__name__, whole.right.price) == ("Record", 3)


def test_values_are_rebuilt_where_the_side_knows_their_types():
    """A side's ``types`` are for showing its values."""
    schema = {"items": list[Item] | Item}
    left, right = (side(chain(gives(items=item), schema=schema)) for item in ([], Item("pen", 3)))
    assert compare(left, replace(right, types=Types.of(Item))).first.right == Item("pen", 3)


def own(fold):
    """Return a schema with a reducer of one's own."""
    return {"own": Annotated[str, fold], "text": str}


def test_what_a_reducer_of_ones_own_made_is_compared(tmp_path):
    """The same operand with another result is a difference of the result; another operand is told once."""
    schemas = own(lambda old, new: old + new), own(lambda old, new: old + new.upper())
    left, right = pair(*(chain(gives(own="x"), schema=schema) for schema in schemas), tmp_path, given={"own": "o"})
    assert told(compare(left, right)) == [("a", "result", "own", "ox", "oX")]
    other = side(chain(gives(own="y"), schema=schemas[1]), given={"own": "o"})
    assert told(compare(left, other)) == [("a", "update", "own", "x", "y")]


def test_what_a_gather_made_is_compared(tmp_path):
    """Two branches that are folded another way are a difference of the task that gathers them."""
    runs = []
    for number, between in enumerate("+-"):
        schema = own(lambda old, new, between=between: old + (between if len(old) > 1 else "") + new)
        graph = chain(gives(text="t"), schema=schema)
        for name in ("left", "right"):
            graph.node(name=name, after="a")(gives(own=name))
        graph.node(name="gather", after=["left", "right"])(lambda state: None)
        runs.append(side(graph, f"r{number}", store=tmp_path / "runs.sqlite", given={"own": ""}))
    assert told(compare(*runs)) == [("gather", "gather", "own", "left+right", "left-right")]


def test_another_failure_that_was_caught_is_a_difference_of_the_status(tmp_path):
    """A failure that an edge took over is compared by its type and words."""

    def catching(words):
        graph = chain(fails(words), gives(text=1))
        graph.node(name="rescue")(gives(text=2))
        graph.edge("a", "rescue", on_error=True)
        return graph

    diff = compare(*pair(catching("no"), catching("never"), tmp_path))
    assert told(diff) == [("a", "status", "status", "caught: ValueError: no", "caught: ValueError: never")]


def test_a_task_that_failed_and_was_caught_is_not_one_that_ran():
    """A caught failure against a task that was done is a difference of the status, either way round."""
    left = side(chain(gives(log=1)))
    caught = left.steps[0]._replace(status="caught", facts='{"caught":["a","KeyError","no"]}')
    right = replace(left, steps=[caught])
    assert told(compare(left, right)) == [("a", "status", "status", "done", "caught: KeyError: no")]
    assert told(compare(right, left)) == [("a", "status", "status", "caught: KeyError: no", "done")]


def test_what_a_send_carries_is_compared(tmp_path):
    """Another private field is a difference of the route, at the task that sent it."""
    diff = compare(*pair(fan(), fan(items=(1, 5, 3)), tmp_path))
    assert told(diff) == [("split", "route", "route[1].item", 2, 5), ("work", "update", "log", 2, 5)]


# -- tasks on one side only


def test_another_route_comes_before_what_it_led_to(tmp_path):
    """Tasks on one side only have one row each, behind the route of the parent that parted."""
    diff = compare(*pair(choosing("left"), choosing("right"), tmp_path))
    assert diff.first.field == "route"
    assert [way.target for way in (*diff.first.left, *diff.first.right)] == ["left", "right"]
    assert told(diff)[1:] == [
        ("right", "task", "task", ABSENT, "ran"),
        ("end", "task", "task", ABSENT, "ran"),
        ("left", "task", "task", "ran", ABSENT),
        ("end", "task", "task", "ran", ABSENT),
    ]
    assert list(diff.tasks.outcome) == ["changed", "only right", "only right", "only left", "only left"]


def test_a_failed_task_is_compared_with_the_one_that_ran(tmp_path):
    """A failure has no step: its words come from its event."""
    diff = compare(*pair(chain(gives(log=1), fails("no"), gives(log=3)), chain(*[gives(log=1)] * 3), tmp_path))
    (first, second) = told(diff)
    assert first[:3] == ("b", "status", "status")
    assert (first[3][:8], first[3][-2:], first[4]) == ("failed: ", "no", "done")
    assert second == ("c", "task", "task", ABSENT, "ran")


def test_failures_are_compared_by_their_words(tmp_path):
    """The same failure on both sides is none, another one is."""
    left, right = pair(chain(fails("no")), chain(fails("never")), tmp_path)
    assert compare(left, left).same
    assert [each[1] for each in told(compare(left, right))] == ["status"]


def test_a_failure_of_a_task_that_the_other_side_does_not_have(tmp_path):
    """It is a task on one side only, with its words."""
    left = side(chain(gives(log=1)))
    event = EventRecord(1, 1, 0.0, "task.failed", "x", "0" * 64, '{"error":"gone"}')
    assert told(compare(left, replace(left, events=[event]))) == [("x", "task", "task", ABSENT, "failed: gone")]


def edited(parent, row, edit):
    """Return a fork of ``parent`` whose state was edited behind step ``row.step``, as the engine writes it."""
    before, behind = (parent.steps[: row.step], parent.steps[row.step :])
    edit = {"step": row.step + 1, "task": "e" * 64, "status": "edited", "base": row.step, "update": "", **edit}
    edit |= {"parents": f'[[{row.step},"edited"]]', "facts": '{"started":1.0}'}
    return replace(parent, name="r2", steps=[*before, row._replace(**edit), *behind])


def test_edits_of_a_fork_are_named_as_edits():
    """A pseudo-step gives one difference an edited field, behind the step that it follows."""
    parent = side(chain(gives(text=1), gives(log=2), gives(log=3)), "r1")
    fork = edited(parent, parent.steps[0], {"update": '{"log":7}', "results": '{"text":5}'})
    diff = compare(parent, fork)
    assert told(diff) == [("a", "edit", "log", ABSENT, 7), ("a", "edit", "text", ABSENT, 5)]
    assert told(compare(fork, parent)) == [("a", "edit", "log", 7, ABSENT), ("a", "edit", "text", 5, ABSENT)]
    assert list(diff.tasks.node) == ["a", "a", "b", "c"]
    assert "First: task a [step 2 of r2] field log edited in r2: 7." in diff.summary
    assert diff.summary.startswith("3 tasks on both sides, 3 the same; edited once in r2.")


def test_another_way_on_after_an_edit_is_a_difference_of_the_route():
    """Edges decide again by the edited state: the way that was taken before is on the other side."""
    parent = side(chain(gives(text=1), gives(log=2)))
    fork = edited(parent, parent.steps[0], {"results": '{"text":5}', "arrivals": '[["e1","b"]]'})
    _, route = told(compare(parent, fork))
    assert repr(route) == "('a', 'route', 'route', (b by e0,), (b by e1,))"
    assert repr(told(compare(fork, parent))[1]) == "('a', 'route', 'route', (b by e1,), (b by e0,))"
    assert ">b by e0</td>" in compare(parent, fork)._repr_html_()


def test_two_forks_are_compared_by_their_edits():
    """The same edit on both sides is none; of another one both values are told."""
    parent = side(chain(gives(text=1), gives(log=2)))
    one, other = (edited(parent, parent.steps[0], {"results": f'{{"text":{value}}}'}) for value in (5, 6))
    assert compare(one, one).same
    assert told(compare(one, other)) == [("a", "edit", "text", 5, 6)]


def test_the_input_of_a_fork_can_be_edited():
    """An edit of the input stands before the first task."""
    parent = side(chain(gives(text=1)))
    row = parent.steps[0]._replace(step=0, node="", task="", arrivals="")
    diff = compare(parent, edited(parent, row, {"results": '{"text":5}'}))
    assert told(diff) == [("", "edit", "text", ABSENT, 5)]
    assert len(diff.tasks) == 2


# -- order and states


@pytest.mark.parametrize("last_first", [True, False])
def test_the_first_difference_does_not_depend_on_who_finished_first(tmp_path, last_first):
    """Of concurrent tasks the one that stands first in the graph is told first, whatever the timing."""
    options = {"options": {"executor": finishing(last_first)}}
    diff = compare(*pair(fan(), fan(work=lambda item: -item), tmp_path, **options))
    assert [each[3] for each in told(diff)] == [1, 2, 3]


def test_a_given_order_counts():
    """Tasks come in the order that the left side gives, where it gives one."""
    left, right = side(fan()), side(fan(work=lambda item: -item))
    order = {row.task: -row.step for row in left.steps}
    assert [each[3] for each in told(compare(replace(left, order=order), right))] == [3, 2, 1]


def test_inputs_come_first_and_final_states_last(tmp_path):
    """States are compared field by field, where both are known."""
    left, right = side(chain(gives(log=1)), given={"text": "a"}), side(chain(gives(log=2)), "r2", given={"text": "b"})
    diff = compare(left, right)
    assert [each.node for each in diff.differences] == ["(input)", "a", "(final state)", "(final state)"]
    assert [each.field for each in diff.differences] == ["text", "log", "log[0]", "text"]
    unknown = compare(replace(left, final=None, input=None), right)
    assert [each.node for each in unknown.differences] == ["a"]


def test_a_pruned_run_can_be_compared():
    """Steps that are gone from one side are tasks on the other side only."""
    left = side(chain(*[gives(log=n) for n in range(4)]))
    diff = compare(left, replace(left, steps=left.steps[2:]))
    assert told(diff) == [(node, "task", "task", "ran", ABSENT) for node in "ab"]
