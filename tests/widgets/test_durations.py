"""What both sides of a view say of times is the same: the page's copies of the rules are held against Python's."""

from __future__ import annotations

from random import Random

from nbgraph.views.durations import seconds_text
from nbgraph.views.timeline.ticks import spacing, tick_words, words
from nbgraph.views.widgets.modules import joined

SHARED = """import { shortDuration } from "./durations.js";
import { durationWords, spacing, tickWords } from "./timescale.js";
"""


def test_the_page_says_times_as_python_does(page):
    """Durations and ticks from a microsecond to weeks are written alike by both sides."""
    random = Random(1)
    times = [0.0, 1e-6, 0.0004, 0.5, 0.9999, 59.96, 60.0, 3599.6, 3600.0, 90_000.0]
    times += [10 ** random.uniform(-6, 6.3) for _ in range(500)]
    steps = [spacing(seconds, 5) for seconds in times]
    asked = (
        "(times) => times.map((s) => [shortDuration(s), durationWords(s), spacing(s, 5), tickWords(s, spacing(s, 5))])"
    )
    said = page.evaluate(f"(times) => {{ {joined(SHARED)}\nreturn ({asked})(times); }}", times)
    for seconds, step, (short, whole, space, tick) in zip(times, steps, said, strict=True):
        expected = seconds_text(seconds), words(seconds), f"{step:.9g}", tick_words(seconds, step)
        assert expected == (short, whole, f"{space:.9g}", tick)
