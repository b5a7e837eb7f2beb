"""How often a view looks: it takes its share of a core, and never keeps a person waiting for long."""

from __future__ import annotations

import pytest

from nbgraph.views.widgets import pace


@pytest.mark.parametrize(("took", "pause"), [(0.001, 0.5), (0.05, 1.0), (3.0, 2.0)])
def test_a_pause_is_as_long_as_the_work_asks_for(monkeypatch, took: float, pause: float):
    """A quick look is followed by the least pause, a longer one by twenty times its length, a slow one by two seconds."""
    readings = iter([0.0, took, took + pause - 0.01, took + pause + 0.01])
    monkeypatch.setattr(pace, "monotonic", lambda: next(readings))
    one = pace.Pace(0.5)
    with one.work():
        pass
    assert (False, True) == (one.due(), one.due())
