"""What the inspector says of a step: head, tabs, and that what is sent first stays small."""

from __future__ import annotations

from json import dumps, loads
from typing import Any, TypedDict

import pytest

import nbgraph as ng
from nbgraph.views.inspector.index import Index
from nbgraph.views.inspector.page import TABS, Page
from nbgraph.views.inspector.search import hits
from nbgraph.views.tracebacks import failing_line, own_frames
from tests.views.histories import crowd, news_of, ran


def page_of(run: Any, step: int, *, trouble: bool = False) -> Page:
    index = Index()
    index.take(news_of(run))
    return Page(run, index, step, index.troubles()[0] if trouble else None)


def step_of(run: Any, node: str, turn: int = 0) -> int:
    return [row.step for row in run.store.steps(run.id) if row.node == node][turn]


def test_the_head_names_the_step_and_where_it_came_from():
    """A step says its node, how it went, its parents, and where it led."""
    run = ran(crowd(2))
    head = page_of(run, step_of(run, "gather")).head()
    assert ("gather", "done", ["last"]) == (head["node"], head["status"], head["ways"])
    assert {"work", "aside"} == {node for _, node in head["parents"]}
    assert {"calls": 0, "changes": 1} == head["counts"]


def test_a_state_says_of_each_field_who_wrote_it_last_and_what_is_new():
    """A field comes with the step that wrote it, and a mark where it was this one."""
    run = ran(crowd(2))
    state = page_of(run, step_of(run, "gather")).tab("state")
    fields = {field["name"]: (field["how"], field["by"][1]) for field in state["fields"]}
    assert ("added", "gather") == fields["ok"]
    assert ("", "begin") == fields["n"]
    assert ("", "aside") == fields["left"]


def test_what_a_send_gave_along_is_shown_with_its_task():
    """A private field is no field of the state; it stands beside it."""
    run = ran(crowd(2), max_concurrent=1)
    state = page_of(run, step_of(run, "work", 1)).tab("state")
    assert [("item", "1")] == [(name, node["s"]) for name, node, _ in state["sent"]]
    assert "item" not in {field["name"] for field in state["fields"]}


def test_calls_come_with_request_response_and_duration():
    """A recorded call shows what was asked and what came back; both can be opened further."""
    run = ran(crowd(3), max_concurrent=1)
    page = page_of(run, step_of(run, "work"))
    (call,) = page.tab("calls")["calls"]
    assert ("double", "returned") == (call["call"].rpartition(".")[2], call["phase"])
    assert "0" == call["response"]["s"]
    assert 0 <= call["seconds"]
    assert {"args": [0], "kwargs": {}} == page.root(f"{call['seq']}/request")


def test_a_question_shows_its_prompt_and_its_answer():
    """What a person was asked, what was accepted, and what they said."""
    run = ran(crowd(1, ask=True), answer=True)
    (call,) = page_of(run, step_of(run, "gather")).tab("calls")["calls"]
    assert ("question", "answered", "Go on?", "True") == (
        call["call"], call["phase"], call["request"]["s"], call["response"]["s"]
    )  # fmt: skip
    assert "yes or no" in call["hint"]


def test_prints_are_shown_attempt_by_attempt():
    """What the failed attempt printed is not lost behind what the next one did."""
    run = ran(crowd(2), max_concurrent=1)
    assert [[1, "item 1\n", 0], [2, "item 1\n", 0]] == page_of(run, step_of(run, "work", 1)).tab("output")["printed"]


def test_a_failed_task_shows_its_error_and_the_line_that_raised():
    """A task without a step can be looked at: its error, its source, the line, and a traceback without our frames."""
    page = page_of(ran(crowd(1, fail=True)), 5, trouble=True)
    source = page.tab("source")
    assert ("last", "failed", "ValueError: no way <b>out</b>") == tuple(
        page.head()[k] for k in ("node", "status", "error")
    )
    assert 'raise ValueError("no way <b>out</b>")' == source["source"].splitlines()[source["line"] - 1].strip()
    assert "nbgraph/engine/" not in source["traceback"]
    assert source["traceback"].endswith("ValueError: no way <b>out</b>\n")


def test_a_waiting_task_can_be_looked_at():
    """A question that is open is the trouble of the run, and shown with its prompt."""
    page = page_of(ran(crowd(1, ask=True)), 4, trouble=True)
    (call,) = page.tab("calls")["calls"]
    assert ("gather", "waiting", "waits for an answer") == (page.node, page.status, call["phase"])


def test_calls_of_shared_steps_are_those_of_the_origin():
    """A fork shows the calls of what it shares, though they are in another run's log."""
    run = ran(crowd(2), max_concurrent=1)
    fork = run.fork(step_of(run, "work", 1))
    fork.wait()
    assert 1 == len(page_of(fork, step_of(run, "work", 1)).tab("calls")["calls"])


def test_events_around_a_step_are_those_of_its_task_and_its_neighbours():
    """What happened right before, and to this task at any time."""
    run = ran(crowd(2), max_concurrent=1)
    events = page_of(run, step_of(run, "work", 1)).tab("events")["events"]
    assert ("task.retried", "work", "ConnectionError: hung up", True) in [
        (e[0], e[1], e[4].split(" · ")[0], e[5]) for e in events
    ]


class Big(TypedDict, total=False):
    text: str
    items: list[int]
    rows: list[dict[str, str]]
    tree: dict[str, Any]


@pytest.mark.parametrize("tab", TABS)
def test_a_state_of_megabytes_is_sent_in_a_small_message(tab: str):
    """However large a state is, what a page is sent first stays below 64 kB, and all of it can be opened."""
    graph = ng.Graph(Big, name="big")

    @graph.node
    def fill(state):
        rows = [{f"key {i} {j}": "v" * 500 for j in range(40)} for i in range(50)]
        return {
            "text": "line\n" * 200_000,
            "items": list(range(50_000)),
            "rows": rows,
            "tree": {str(i): rows for i in range(3)},
        }

    page = page_of(ran(graph), 1)
    assert 64_000 > len(dumps({**page.head(), **page.tab(tab)}).encode())


def test_search_finds_names_and_values_whatever_their_case():
    """A word is found in keys, texts and numbers, with the way that leads there."""
    state = {"Report": {"lines": ["a", "The END"], "end": 5}, "n": 1234}
    found = hits(state, "end")["hits"]
    assert [["Report › lines › 1", "The END", [0, 0, 1]], ["Report › end", "5", [0, 1]]] == found
    assert [["n", "1234", [1]]] == hits(state, "23")["hits"]
    assert {"hits": [], "more": False} == hits(state, "")


def test_a_search_is_bounded():
    """A word that is everywhere gives the first hundred places and says that there are more."""
    found = hits({"items": ["x"] * 5000}, "x")
    assert (100, True) == (len(found["hits"]), found["more"])


def test_a_line_is_found_by_what_it_says():
    """The failing line is the node's own last one that the traceback came through, wherever the file is by now."""
    trace = 'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    helper(1)\n  File "b.py", line 7, in helper\n    raise X\n'
    assert 2 == failing_line("def f(state):\n    helper(1)\n    return {}", trace)
    assert 3 == failing_line("def f(state):\n    helper(1)\n    raise X", trace)
    assert 0 == failing_line("def f(state):\n    other()", trace)
    ours = trace.replace("a.py", "lib/nbgraph/engine/attempt.py")
    assert own_frames(ours).startswith('Traceback (most recent call last):\n  File "b.py"')


def test_everything_said_is_plain_data():
    """Each tab of each step can be written as JSON and read again."""
    run = ran(crowd(2, ask=True, fail=True), answer=True)
    for step in range(run.store.run(run.id).steps + 1):
        for tab in TABS:
            page = page_of(run, step)
            said = {**page.head(), **page.tab(tab)}
            assert said == loads(dumps(said))
