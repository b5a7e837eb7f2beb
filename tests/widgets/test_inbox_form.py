"""The inbox: what is asked stands as a form, what is answered is kept, what is refused says so at its field."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Literal

import pytest

import nbgraph as ng
from nbgraph.views.widgets.inbox_form import InboxForm
from tests.widgets.still import look, stilled

HOSTILE = "</script><img src=x onerror=alert(1)><b>\u202e"


@dataclass
class Fix:
    file: str
    line: int


def asking(prompt: Any, schema: Any, **how: Any) -> ng.Engine:
    """Return an engine whose run "r1" waits for an answer."""
    graph = ng.Graph({"n": int}, name="asks")

    @graph.node
    def wonder(state, ctx):
        ctx.ask(prompt, schema=schema, **how)

    engine = ng.Engine(graph, store=":memory:")
    engine.run({"n": 1}, run_id="r1")
    return engine


@pytest.fixture
def inbox(monkeypatch, wire, mount):
    """``inbox(engine)``: the widget of it, in a page, both brought up to date by ``pump``."""
    stilled(monkeypatch)

    def shown(engine: ng.Engine, **how: Any):
        widget = InboxForm(engine, by="ada", **how)
        look(widget)
        return mount(widget)

    return shown


def press(page: Any, name: str) -> None:
    page.root.get_by_role("radio", name=name, exact=True).click()


def send(page: Any) -> None:
    page.root.get_by_role("button", name="Answer").click()
    page.pump()


def status(page: Any) -> str:
    return page.root.locator("[data-question]").get_attribute("data-status")


def test_yes_answers_a_question_and_the_card_says_who_did(inbox):
    """An answer given in the card is the engine's answer, under the name in the inbox's head."""
    engine = asking("Go on?", bool)
    page = inbox(engine)
    press(page, "Yes")
    send(page)
    assert ("answered", True) == (status(page), engine.inbox().empty)
    assert "answered by ada: yes" in page.root.inner_text()


def test_nothing_is_sent_while_something_needed_is_empty(inbox):
    """A choice that nobody made is told at the field; Python is not asked."""
    page = inbox(asking("Which?", Literal["a", "b"]))
    send(page)
    assert ([], "open") == ([said for said in page.sent if said["kind"] == "answer"], status(page))
    assert "still empty" in page.root.inner_text()


def test_a_refusal_stands_at_its_field_and_nothing_typed_is_lost(inbox):
    """What the engine refuses is told in words where it was typed, and the rest of the form stays as it was."""
    page = inbox(asking("What is wrong?", list[Fix]))
    page.root.get_by_role("button", name="Add an item").click()
    page.root.locator("textarea").fill("a.py")
    page.root.locator("input.ng-field-short").fill("twelve")
    send(page)
    wrong = page.root.locator(".ng-field-wrong")
    assert ([0, "line"], "refused") == (
        page.page.evaluate("(e) => JSON.parse(e)", wrong.get_attribute("data-path")),
        status(page),
    )
    assert 'should be a whole number, but is "twelve"' in wrong.inner_text()
    assert "a.py" == page.root.locator("textarea").input_value()


def test_a_mended_answer_is_taken(inbox):
    """After a refusal the same form answers."""
    engine = asking("How many?", int)
    page = inbox(engine)
    for typed in ("many", "12"):
        page.root.locator("input.ng-field-short").fill(typed)
        send(page)
    assert "answered" == status(page)
    assert 12 == engine.open("r1").resume().wait().calls.response.iloc[0]


def test_an_answer_from_elsewhere_turns_the_card(inbox):
    """Whoever answers, the card says so, also while somebody types into it."""
    engine = asking("Your name?", str)
    page = inbox(engine)
    page.root.locator("textarea").fill("half a wor")
    engine.answer("r1/1", "grace", by="somebody else")
    look(page.widget)
    page.pump()
    assert "answered by somebody else: grace" in page.root.inner_text()


def test_a_new_question_leaves_what_is_being_typed(inbox):
    """A question that comes in appears beside the others; no card is made anew."""
    engine = asking("Your name?", str)
    page = inbox(engine)
    page.root.locator("textarea").fill("half a wor")
    engine.run({"n": 2}, run_id="r2")
    look(page.widget)
    page.pump()
    assert ["half a wor", ""] == [area.input_value() for area in page.root.locator("textarea").all()]


@pytest.mark.parametrize("error", [ng.RunError("no"), RuntimeError("no")])
def test_a_resume_that_is_refused_says_so_until_something_else_is_done(inbox, monkeypatch, error):
    """The words stay while nothing else is asked for, although the store is looked at again and again."""
    engine = asking("Go on?", bool)
    page = inbox(engine)
    press(page, "Yes")
    send(page)
    monkeypatch.setattr(ng.Run, "resume", raising(error))
    page.root.get_by_role("button", name="Resume").click()
    page.pump()
    look(page.widget)
    assert page.widget.notice.endswith("no")
    page.widget.heard({"kind": "answer"})
    look(page.widget)
    assert page.widget.notice == ""


def raising(error: Exception) -> Any:
    """Return what raises, whatever it is called with."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    return refuse


def test_a_waiting_run_can_be_resumed_from_its_answered_card(inbox):
    """Where nobody drives the run, the card offers to go on, and it does."""
    engine = asking("Go on?", bool)
    page = inbox(engine)
    press(page, "No")
    send(page)
    page.root.get_by_role("button", name="Resume r1").click()
    page.pump()
    assert "completed" == engine.open("r1").wait().status


def test_only_the_questions_of_one_run_are_shown(inbox):
    """With ``run=``, other runs' questions stay out."""
    engine = asking("Go on?", bool)
    engine.run({"n": 2}, run_id="r2")
    assert ["r2"] == [card["run"] for card in inbox(engine, run="r2").widget.cards]


def test_an_empty_inbox_says_so(inbox):
    """No question is a state too, in words."""
    page = inbox(ng.Engine(ng.Graph({"n": int}, name="quiet"), store=":memory:"))
    assert "No open questions" in page.root.inner_text()


@pytest.mark.parametrize("message", [
    {}, {"kind": "answer"}, {"kind": "answer", "question": ["r1/1"]}, {"kind": "answer", "question": "r1/9", "draft": 1},
    {"kind": "resume", "run": "r1"}, {"kind": 7},
])  # fmt: skip
def test_what_the_page_says_wrong_changes_nothing(inbox, message):
    """A message that fits nothing is not heeded."""
    engine = asking("Go on?", bool)
    page = inbox(engine)
    page.widget.heard(message)
    assert (1, "open") == (len(engine.inbox()), page.widget.cards[0]["status"])


def test_hostile_text_makes_no_elements(inbox):
    """A prompt, a choice and a node's words stand as text: the card has the elements of any other card."""
    harmless = inbox(asking("ask", Literal["a", "b"]))
    elements = harmless.elements()
    harmless.remove()
    page = inbox(asking(HOSTILE, Literal[HOSTILE, "</b>"]))
    assert elements == page.elements()
    assert "</script><img src=x onerror=alert(1)><b>\ufffd" == page.root.locator(".ng-inbox-prompt").text_content()


def test_the_static_table_escapes_what_it_shows(inbox):
    """Where no kernel is, the questions stand in a table that holds the template's elements only."""
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign] # a counting parser
    parser.feed(inbox(asking(HOSTILE, bool)).widget.picture()["text/html"])
    assert ["div", "b", "table", "tr", *["th"] * 5, "tr", *["td"] * 5] == tags


def test_a_removed_inbox_listens_to_nothing(inbox):
    """Taken off the page, the form leaves no listener and no clock behind."""
    page = inbox(asking("Go on?", bool))
    page.remove()
    assert 0 == page.listeners


def test_an_answer_that_breaks_something_is_told_and_can_be_given_again(inbox, monkeypatch):
    """Whatever goes wrong while an answer is given, the card says so and the form is there still."""
    engine = asking("Go on?", bool)
    page = inbox(engine)
    monkeypatch.setattr(engine, "answer", lambda *_, **__: 1 / 0)
    press(page, "Yes")
    send(page)
    assert "ZeroDivisionError" in page.root.inner_text()
    monkeypatch.undo()
    assert "refused" == status(page)


def test_a_display_does_not_raise_where_the_store_is_gone(inbox, monkeypatch):
    """A store that cannot be read costs the picture, not the cell."""
    engine = asking("Go on?", bool)
    widget = inbox(engine).widget
    monkeypatch.setattr(engine, "inbox", lambda: 1 / 0)
    data, _ = widget._repr_mimebundle_()
    assert "text/html" not in data
