"""A comparison as tables, in words and on a page."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from math import isnan

import numpy as np
import pytest

from nbgraph.analysis import compare
from nbgraph.store.protocol import CallRecord
from tests.analysis.sides import chain, gives, pair, side


def timed(given, *seconds):
    """Return the side with other durations."""
    rows = [row._replace(facts=f'{{"seconds":{s}}}') for row, s in zip(given.steps, seconds, strict=True)]
    return replace(given, steps=rows)


def call(task, name, phase):
    """Return a line of the log of calls."""
    return CallRecord(0, 0.0, task, "a", 1, name, phase, "", "{}")


def test_the_table_has_one_row_a_difference(tmp_path):
    """The columns are as documented; small values are themselves."""
    table = compare(*pair(chain(gives(text=1), gives(log=1)), chain(gives(text=2), gives(log=1)), tmp_path)).table
    columns = [
        "task",
        "node",
        "step_left",
        "step_right",
        "field",
        "left",
        "right",
        "seconds_left",
        "seconds_right",
        "what",
    ]
    assert list(table.columns) == columns
    assert table[["node", "step_left", "field", "left", "right", "what"]].to_numpy().tolist()[0] == [
        "a", 1, "text", 1, 2, "update",
    ]  # fmt: skip
    assert isinstance(table.left[0], int)


def test_seconds_and_costs_have_deltas():
    """Deltas are right minus left; what is not known is NaN, what made no call cost nothing."""
    left = side(chain(gives(log=1), gives(log=2), gives(log=3)))
    a, b, c = (row.task for row in left.steps)
    left = timed(left, 1.0, 2.0, 0.5)
    right = replace(timed(left, 1.5, 2.0, 0.5), calls=[call(b, "0", "started")], costs={a: 0.25, c: None})
    left = replace(left, costs={a: 1.0})
    tasks = compare(left, right).tasks
    assert list(tasks.seconds_delta) == [0.5, 0.0, 0.0]
    assert list(tasks.cost_left) == [1.0, 0.0, 0.0]
    assert tasks.cost_delta[0] == -0.75
    assert list(tasks.cost_right.isna()) == list(tasks.cost_delta.isna()) == [False, True, True]


def test_without_costs_nothing_is_said_to_cost_nothing():
    """Costs of a run without prices are NaN, and unknown in words."""
    left = side(chain(gives(log=1)))
    diff = compare(left, replace(left, costs={left.steps[0].task: 0.5}, name="r2"))
    assert diff.tasks[["cost_left", "cost_delta"]].isna().all().all()
    assert "Cost: $0.50 instead of unknown in r1." in diff.summary
    assert "Cost: unknown." in compare(left, left).summary


def test_a_task_on_one_side_counts_whole():
    """A delta of a task that did not run on a side is all of it, so that deltas add up."""
    left = timed(side(chain(gives(log=1), gives(log=2))), 1.0, 2.0)
    tasks = compare(left, replace(left, steps=left.steps[:1])).tasks
    assert list(tasks.seconds_delta) == [0.0, -2.0]
    assert isnan(tasks.seconds_right[1])


def test_calls_are_counted_once_however_often_they_were_tried():
    """A call is its name within the task; a question is none."""
    left = side(chain(gives(log=1)))
    task = left.steps[0].task
    phases = [("0", "started"), ("0", "raised"), ("0", "returned"), ("1", "started"), ("q", "asked")]
    diff = compare(left, replace(left, calls=[call(task, *each) for each in phases]))
    assert (diff.tasks.calls_left[0], diff.tasks.calls_right[0]) == (0, 2)
    assert diff.same


def test_the_summary_says_how_many_where_first_and_how_long(tmp_path):
    """A few lines: counts, the first difference, time and cost."""
    left, right = pair(
        chain(gives(log=1), gives(text="a"), gives(log=3)), chain(gives(log=1), gives(text="b"), gives(log=3)), tmp_path
    )
    left, right = timed(left, 12.0, 0.2, 0.1), timed(right, 0.5, 0.2, 0.1)
    assert compare(left, right).summary.splitlines() == [
        "3 tasks on both sides, 2 the same, 1 changed (b: field text); the final state differs (field text).",
        "First: task b [step 2 / step 2] field text: 'a' became 'b'.",
        "Nodes took 0.8 s instead of 12.3 s. Cost: unknown.",
    ]


def test_large_values_are_shown_where_they_part(tmp_path):
    """Display is short and shows the difference; the difference itself holds the whole value."""
    graphs = (chain(gives(text="x" * 100_000 + end)) for end in ("left", "right"))
    diff = compare(*pair(*graphs, tmp_path))
    assert diff.first.left == "x" * 100_000 + "left"
    shown = diff.table.left[0]
    assert (shown[:4], shown[-5:], len(shown) <= 60) == ("'xxx", "left'", True)
    assert len(diff._repr_html_()) < 3000


def test_values_that_look_alike_are_told_apart(tmp_path):
    """The inside of a large array, which its repr leaves out, is shown where it parts."""
    one, other = np.zeros(2000), np.zeros(2000)
    other[1000] = 1
    table = compare(*pair(chain(gives(text=one)), chain(gives(text=other)), tmp_path)).table
    assert repr(one) == repr(other)
    assert table.left[0] != table.right[0]


def test_a_page_is_escaped_and_brings_no_colours_of_its_own(tmp_path):
    """Whatever stands in values, fields and names is text; colours are the page's."""
    graphs = (chain(gives(text={"<i>": "<script>" + end, "k": 1})) for end in "ab")
    left, right = pair(*graphs, tmp_path)
    html = compare(left, replace(right, name="<b>r2"))._repr_html_()
    assert [] == [tag for tag in ("<script>", "<i>", "<b>r2") if tag in html]
    assert "&lt;script&gt;a" in html
    assert "#" not in html.replace("&#x27;", "")


@pytest.mark.parametrize("text", ["\ud800", "\x00", "a\nb", "\u202e"])
def test_a_page_can_always_be_written(tmp_path, text):
    """Lone surrogates and control characters do not break a display."""
    left, right = pair(chain(gives(text=text)), chain(gives(text=text * 2)), tmp_path)
    diff = compare(left, replace(right, name=text))
    assert diff._repr_html_().encode()
    assert repr(diff).splitlines()[0] == f"<Diff of 'r1' and {text!r}: 2 differences>"


def test_a_value_whose_repr_raises_is_shown_all_the_same():
    """A display never raises."""

    class Sullen:
        def __repr__(self):
            raise RuntimeError

    diff = compare(side(chain(gives(log=1))), side(chain(gives(log=2))))
    diff = replace(diff, differences=(replace(diff.first, left=Sullen()),))
    assert [] == [text for text in (diff._repr_html_(), repr(diff), diff.table.left[0]) if "repr raised" not in text]


def test_comparing_does_not_load_pandas():
    """Comparing and the words for it are at hand at once; pandas comes with the first table."""
    program = (
        "import sys\n"
        "from nbgraph.analysis import Side, compare\n"
        "assert compare(Side('a', []), Side('b', [])).summary\n"
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
