"""Widgets without their threads: a tick is taken when a test says so, a job is done where it is given.

Owns that stand-in. Knows nothing of any one widget.
"""

from __future__ import annotations

from typing import Any

import pytest

from nbgraph.views.widgets.pace import Pace
from nbgraph.views.widgets.scene import Hands, Scene


def stilled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have widgets that are made from now on do everything on the thread of the test."""
    monkeypatch.setattr(Scene, "attach", lambda _scene, _view: None)
    monkeypatch.setattr(Scene, "post", lambda _scene, job: job())
    monkeypatch.setattr(Hands, "do", lambda _hands, job: job())


def look(widget: Any) -> None:
    """Have a widget look for news now."""
    if isinstance(getattr(widget, "_pace", None), Pace):
        widget._pace.hurry()
    widget.tick()
