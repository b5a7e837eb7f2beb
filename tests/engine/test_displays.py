"""How graphs, runs and diffs show themselves: their text always, and one door to every view."""

from __future__ import annotations

import logging
import sys

import pytest

import nbgraph as ng
from nbgraph import faces
from tests.engine.stage import chain


def a(state):
    return {"log": "a"}


def b(state):
    return {"log": "b"}


@pytest.fixture
def engine():
    """An engine with a run ``r`` and a fork ``f`` of it."""
    made = ng.Engine(chain(a, b))
    made.run(run_id="r")
    made.fork("r", step=1, new_id="f", update={"count": 3})
    return made


@pytest.fixture
def shown(engine):
    """Everything that shows itself."""
    return {
        "graph": engine.graph, "run": engine.open("r"), "diff": engine.open("r").diff("f"), "engine": engine,
    }  # fmt: skip


@pytest.fixture
def doors(monkeypatch):
    """What was asked of which face, none of which is really opened."""
    opened = []

    def face(name):
        return lambda *given, **how: opened.append((name, given, how)) or name

    for module in ("graph.definition", "analysis.diff", "engine.run", "engine.engine"):
        monkeypatch.setattr(sys.modules[f"nbgraph.{module}"], "face", face)
    return opened


DOORS = [
    ("graph", "view", (), "graph.view"),
    ("graph", "to_svg", (), "graph.svg"),
    ("run", "view", (), "run.view"),
    ("run", "to_svg", (), "run.svg"),
    ("run", "timeline", (), "run.timeline"),
    ("run", "report", ("r.html",), "run.report"),
    ("diff", "view", (), "diff.view"),
    ("engine", "browser", (), "engine.browser"),
    ("engine", "inbox_form", (), "engine.inbox_form"),
]


@pytest.mark.parametrize(("what", "method", "given", "face"), DOORS)
def test_each_view_has_one_door(shown, doors, what, method, given, face):
    """A method hands its object and what it was given on to the view of that name, and returns what that makes."""
    assert face == getattr(shown[what], method)(*given, theme="dark")
    assert [(face, (shown[what], *given), {"theme": "dark"})] == doors


@pytest.mark.parametrize("what", ["graph", "run", "diff"])
def test_a_display_has_its_text_always(shown, what, monkeypatch, caplog):
    """Where a picture cannot be made, whatever the reason, a display is its text, and a line in the log says why."""

    def broken(name):
        raise ZeroDivisionError(name)

    monkeypatch.setattr(faces, "face", broken)
    with caplog.at_level(logging.WARNING, "nbgraph"):
        assert {"text/plain": repr(shown[what])} == shown[what]._repr_mimebundle_(include=None, exclude=None)
    assert f"{what}.bundle" in caplog.text


@pytest.mark.parametrize("what", ["graph", "run", "diff"])
def test_a_display_has_its_picture_beside_its_text(shown, what, monkeypatch):
    """What the view of that kind makes of an object is shown with its text."""
    monkeypatch.setattr(faces, "face", lambda name: lambda thing: {"text/html": name})
    bundle = shown[what]._repr_mimebundle_()
    assert {"text/plain": repr(shown[what]), "text/html": f"{what}.bundle"} == bundle


def test_every_door_leads_somewhere():
    """The names that the doors use are those in the table of faces."""
    assert {face for *_, face in DOORS} <= set(faces._FACES)
