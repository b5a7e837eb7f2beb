"""A timeline in letters: one line a lane, for terminals and for ``text/plain``.

Owns that table. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from nbgraph.escape import cut
from nbgraph.views.timeline.chart import Chart
from nbgraph.views.timeline.columns import Span
from nbgraph.views.timeline.ticks import words

_LETTERS = {"done": "█", "reused": "▓", "running": "▒", "retried": "↻", "waiting": "?", "failed": "✗", "ready": "─"}
_WEIGHT = {letter: place for place, letter in enumerate(" ─█▓▒↻?✗")}
_BINS, _MOST = 40, 20


def table(chart: Chart, title: str, *, times: bool) -> str:
    """Return the title and a line for each lane, at most ``_MOST``: its bar, its tasks, its seconds where it has a clock."""
    lanes: list[list[Span]] = [[] for _ in chart.labels]
    for span in chart.spans:
        lanes[span.lane].append(span)
    timed = times and chart.axis == "time"  # on the other axis spans are measured in columns
    shown = list(zip(chart.labels, lanes, strict=True))[:_MOST]
    wide = max((len(cut(label, 24)) for label, _ in shown), default=0)
    lines = [f"{cut(label, 24):<{wide}}  {_bar(chart, spans)}  {_facts(spans, times=timed)}" for label, spans in shown]
    more = len(chart.labels) - len(shown)
    return "\n".join([title, *(line.rstrip() for line in lines), *([f"… and {more} more lanes"] if more else [])])


def _bar(chart: Chart, spans: list[Span]) -> str:
    letters = [" "] * _BINS
    for span in spans:
        if span.kind in ("attempt", "ask", "wait", "edit"):
            for place in _bins(chart, span):
                letters[place] = max(letters[place], _LETTERS[span.status], key=_WEIGHT.__getitem__)
    return "".join(letters)


def _bins(chart: Chart, span: Span) -> Iterator[int]:
    scale = _BINS / chart.end if chart.end > 0 else 0.0
    end = chart.end if isnan(span.end) else span.end
    first = min(int(span.start * scale), _BINS - 1)
    yield from range(first, max(first + 1, min(_BINS, round(end * scale))))


def _facts(spans: list[Span], *, times: bool) -> str:
    tries = [span for span in spans if span.kind == "attempt"]
    done = sum(span.status in ("done", "reused") for span in tries)
    parts = [f"{done} done"]
    for status, word in (("retried", "tried again"), ("failed", "failed"), ("running", "running")):
        count = sum(span.status == status for span in tries)
        parts += [f"{count} {word}"] if count else []
    asked = sum(span.kind == "ask" and isnan(span.end) for span in spans)
    parts += [f"{asked} waiting"] if asked else []
    seconds = sum(span.end - span.start for span in tries if span.end == span.end)
    return ", ".join(parts + ([words(seconds)] if times and seconds > 0 else []))
