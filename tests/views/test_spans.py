"""A run's news as spans in lanes: what runs, calls, waits and tries again, on the clock or in the order of causes."""

from __future__ import annotations

from itertools import pairwise
from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbgraph as ng
from nbgraph.store.protocol import StepRecord
from nbgraph.testing import FakeClock, finishing
from nbgraph.views.timeline.chart import chart
from nbgraph.views.timeline.columns import LOOKS, Columns, Span, packed
from nbgraph.views.timeline.folds import Folds, unfolded
from nbgraph.views.timeline.lanes import Rows
from nbgraph.views.timeline.spans import Spans
from nbgraph.views.timeline.ticks import spacing, tick_words, ticks, words
from tests.views.histories import Busy, Piece, crowd, cut, news_of, ran


def spans_of(run, by: str = "node", shared: int = 0) -> Spans:
    spans = Spans(by, shared)
    spans.take(news_of(run))
    return spans


def kinds(spans: Spans, node: str) -> list[tuple[str, str]]:
    return [
        (span.kind, span.status) for span in spans.columns if spans.names[span.name] == node and span.kind != "wait"
    ]


def test_a_task_is_a_span_in_the_lane_of_its_node():
    """Each node has a lane, in the order in which they began; each task has a span there."""
    spans = spans_of(ran(crowd(3), max_concurrent=1))
    assert ("begin", "aside", "split", "work", "gather", "last") == chart(spans, "time").labels
    assert [("attempt", "done")] == kinds(spans, "gather")


def test_an_attempt_that_failed_stands_before_the_one_that_did_not_in_one_row():
    """A task that was tried again shows its failure, its pause and its success side by side."""
    spans = spans_of(ran(crowd(3)))
    tried = next(span.step for span in spans.columns if span.status == "retried")
    own = [span for span in spans.columns if span.step == tried and span.kind in ("attempt", "pause")]
    assert [("attempt", "retried", 1), ("pause", "retried", 1), ("attempt", "done", 2)] == [
        (span.kind, span.status, span.attempt) for span in own
    ]
    assert 1 == len({span.row for span in own})
    assert ["ConnectionError: hung up"] == list(dict.fromkeys(spans.notes.values()))


def test_a_call_lies_inside_the_attempt_that_made_it():
    """A call's span begins and ends within its task's."""
    spans = spans_of(ran(crowd(3)))
    tries = {(span.step, span.attempt): span for span in spans.columns if span.kind == "attempt"}
    calls = [span for span in spans.columns if span.kind == "call"]
    assert 3 == len(calls)
    for call in calls:
        outer = tries[call.step, call.attempt]
        assert outer.start <= call.start <= call.end
        assert (outer.lane, outer.row) == (call.lane, call.row)


@pytest.mark.parametrize("by", ["node", "branch"])
def test_news_in_pieces_give_the_same_spans_as_all_at_once(by: str):
    """A view that follows a run live ends with what a view of the finished run begins with."""
    run = ran(crowd(5, ask=True, fail=True), answer=True)
    whole, live = spans_of(run, by), Spans(by)
    for piece in cut(news_of(run)):
        live.take(piece)
    assert list(whole.columns) == list(live.columns)
    assert (whole.lanes.labels, whole.names, whole.folds.folds) == (live.lanes.labels, live.names, live.folds.folds)


def test_waiting_for_a_person_is_a_span_and_the_time_without_a_driver_is_folded():
    """A question is seen from when it was asked to when it was answered; the night between takes little room."""
    spans = spans_of(ran(crowd(2, ask=True), answer=True, clock=FakeClock(tick=0.001)))
    assert [("ask", "waiting"), ("attempt", "done")] == [*kinds(spans, "Go on?"), *kinds(spans, "gather")]
    assert [7200] == [round(fold.seconds) for fold in spans.folds.folds]
    assert 10 > spans.end


def test_a_task_that_failed_for_good_is_seen_and_has_no_step():
    """A failure without a step is a span of its node with what was raised."""
    spans = spans_of(ran(crowd(2, fail=True)))
    failed = [(place, span) for place, span in enumerate(spans.columns) if span.status == "failed"]
    assert [("last", 0)] == [(spans.names[span.name], span.step) for _, span in failed]
    assert "ValueError: no way <b>out</b>" == spans.notes[failed[0][0]]


def test_what_runs_goes_on_and_keeps_its_row():
    """A running task is open-ended, beside what finishes meanwhile."""
    spans = Spans()
    first, second = (_row(step, "work", step * 1.0, 1.5) for step in (1, 2))
    spans.take(Piece([first], status="running", running=(Busy("work", "long", 0.5),)))
    spans.take(Piece([second], status="running", running=(Busy("work", "long", 0.5),)))
    (open_,) = [span for task in spans.unfinished() for span in task]
    assert ("running", True) == (open_.status, isnan(open_.end))
    assert open_.row not in {span.row for span in spans.columns if span.end > open_.start}


def test_shared_steps_of_a_fork_look_kept():
    """What a fork has from its origin is told from what it did itself."""
    run = ran(crowd(2))
    fork = run.fork(1)
    fork.wait()
    spans = spans_of(fork, shared=1)
    assert [("attempt", "reused")] == kinds(spans, "begin")
    assert {"done"} == {look for node in ("aside", "split", "last") for _, look in kinds(spans, node)}


def test_a_branch_has_a_lane_until_it_is_gathered():
    """By branch, a lane is the first split that a task descends from; what gathers stands on the trunk again."""
    spans = spans_of(ran(crowd(2), max_concurrent=1), "branch")
    lanes = {spans.names[span.name]: spans.lanes.labels[span.lane] for span in spans.columns if span.kind == "attempt"}
    assert {"begin": "trunk", "gather": "trunk", "aside": "aside", "split": "split", "work": "split"} == {
        node: lanes[node] for node in ("begin", "gather", "aside", "split", "work")
    }


@pytest.mark.parametrize("by", ["node", "branch"])
def test_the_order_of_causes_does_not_depend_on_timing(by: str):
    """Two runs of one graph have the same chart on the axis of causes, one task at a time or many."""
    slow, fast = (chart(spans_of(ran(crowd(7), max_concurrent=most), by), "order") for most in (1, 8))
    strip = [[span._replace(step=0, name=0) for span in one.spans] for one in (slow, fast)]
    assert (slow.labels, slow.heights, slow.end) == (fast.labels, fast.heights, fast.end)
    assert strip[0] == strip[1]


@pytest.mark.parametrize("by", ["node", "branch"])
def test_of_two_that_are_sent_the_first_stands_above_whoever_ends_first(by: str):
    """Tasks of one column stand in the order in which they were sent, not in that of their ends."""

    def fan(order: list[str]) -> list[tuple[str, str, float, int]]:
        graph = ng.Graph({"n": int}, name="fan")
        graph.node(name="s")(lambda state: {})
        for name in "abc":
            graph.node(name=name, after="s")(lambda state: {})
            graph.node(name=f"{name}2", after=name)(lambda state: {})
        engine = ng.Engine(graph, store=":memory:", executor=finishing(order))
        engine.run({}, run_id="r1")
        drawn = chart(spans_of(engine.open("r1"), by), "order")
        return [(drawn.names[span.name], drawn.labels[span.lane], span.start, span.row) for span in drawn.spans]

    assert fan(["s", "a", "a2", "b", "c"]) == fan(["s", "c", "c2", "b", "a"])


def test_a_running_task_moves_to_its_own_branch_when_that_is_known():
    """Before a task has a step its branch is a guess; afterwards it is not."""
    spans = Spans("branch")
    root = _row(1, "s", 0.0, 0.1)._replace(parents="[]", arrivals='[["s0","w",{}],["s1","w",{}]]')
    second = _row(2, "w", 0.2, 0.5)._replace(parents='[[1,"s1"]]', arrivals="")
    spans.take(Piece([root], status="running", running=(Busy("w", "task 2", 0.2),)))
    spans.take(Piece([second, second._replace(step=3, task="task 3", parents='[[1,"s0"]]')]))
    alone = spans_of_rows([root, second, second._replace(step=3, task="task 3", parents='[[1,"s0"]]')])
    assert [span.lane for span in alone.columns if span.step == 2] != [
        span.lane for span in alone.columns if span.step == 3
    ]
    assert 2 == len({span.lane for span in spans.columns if span.step in (2, 3)})


def spans_of_rows(rows: list[StepRecord]) -> Spans:
    spans = Spans("branch")
    spans.take(Piece(rows))
    return spans


def test_a_column_is_the_longest_way_from_the_root():
    """On the axis of causes a task stands behind all that it follows from."""
    spans = spans_of(ran(crowd(2)))
    drawn = chart(spans, "order")
    starts = {drawn.names[span.name]: int(span.start) for span in drawn.spans if span.kind == "attempt"}
    assert {"begin": 0, "aside": 1, "split": 1, "work": 2, "gather": 3, "last": 4} == starts


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10))))
def test_spans_of_a_row_never_overlap(stretches):
    """Spans that come in the order of their ends are stacked so that no two in a row overlap."""
    rows, found = Rows(), dict[int, list[tuple[float, float]]]()
    for start, length in sorted(stretches, key=sum):
        found.setdefault(rows.take(start, start + length), []).append((start, start + length))
    for row in found.values():
        assert all(one[1] <= other[0] for one, other in pairwise(row))


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), max_size=6), st.lists(st.floats(0, 1e5), min_size=2))
def test_folded_time_never_goes_back(gaps, times):
    """Folding keeps what comes later to the right."""
    folds, last = Folds(), 0.0
    folds.place(0.0)
    for busy, idle in gaps:
        folds.idle(last + busy, last + busy + idle)
        last += busy + idle
    places = [folds.place(time) for time in sorted(times)]
    assert all(one <= other + 1e-9 for one, other in pairwise(places))


def test_ticks_count_the_time_in_which_somebody_drove_the_run():
    """A gap is stepped over: the tick behind it goes on counting where the one before it stopped."""
    folds = Folds()
    folds.place(0.0)
    folds.idle(1.0, 3601.0)
    width = folds.folds[0].width
    assert (1.0, 1.5 + width) == (unfolded(folds.folds, 1.0), unfolded(folds.folds, 1.5))
    assert pytest.approx(1.5 + width) == folds.place(3601.5)


@given(st.floats(1e-6, 1e7), st.integers(2, 12))
def test_ticks_are_round_and_few(seconds: float, most: int):
    """However long a run was, its axis has a handful of ticks at round numbers."""
    found, step = ticks(0.0, seconds, most), spacing(seconds, most)
    assert 1 <= len(found) <= most + 1
    assert all(abs(tick / step - round(tick / step)) < 1e-3 for tick in found)
    assert len(found) == len({tick_words(tick, step) for tick in found})
    assert words(seconds)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 9), st.sampled_from(LOOKS), st.integers(0, 511))
    )
)
def test_columns_give_back_what_was_put_in(drawn):
    """Packing loses nothing."""
    columns = Columns()
    spans = [Span(start, end, lane, lane, "call", look, attempt, lane, 7) for start, end, lane, look, attempt in drawn]
    for span in spans:
        columns.add(span)
    assert spans == list(columns)


def test_ten_thousand_spans_are_a_third_of_a_megabyte():
    """What a page is sent stays small: 28 bytes a span."""
    span = Span(0.0, 1.0, 1, 0, "attempt", "done", 1, 0, 5)
    assert 280_000 == sum(map(len, packed([span] * 10_000)))


def _row(step: int, node: str, started: float, seconds: float) -> StepRecord:
    facts = f'{{"seconds":{seconds},"started":{started}}}'
    parents = f'[[{step - 1},"e0"]]'
    return StepRecord(
        step, f"task {step}", node, "done", 1, step - 1, parents, "", "", "", f'[["e0","{node}"]]', "", "", facts, ""
    )
