"""A run's bars as entries of the Trace Event Format, which Perfetto and Chrome open.

Owns the entries: names of lanes, complete events, arrows, counters, instants. Times are microseconds since the run's first
span began. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from nbgraph.observe.chrome.lanes import Bar, Lane, bars_of
from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.spans import Span
from nbgraph.prices.money import plus

Entry = dict[str, Any]
PROCESS = 1
_USED = {names.INPUT_TOKENS, names.OUTPUT_TOKENS, names.EXACT}


def entries_of(spans: Sequence[Span], title: str) -> list[Entry]:
    """Return the entries of a run, those that name lanes first, then by time."""
    bars = bars_of(spans)
    threads = {lane: number for number, lane in enumerate(sorted({bar.lane for bar in bars}))}
    clock = _Clock(min((bar.start for bar in bars), default=0))
    drawn = [_complete(bar, threads[bar.lane], clock) for bar in bars]
    drawn += [*_arrows(bars, threads, clock), *_growth(spans, clock), *_instants(spans, clock)]
    drawn.sort(key=lambda entry: (entry["ts"], -entry.get("dur", 0)))  # who holds another comes first
    return [*_names(threads, title), *drawn]


class _Clock:
    """Nanoseconds since the Unix epoch -> microseconds since the beginning, exact to the nanosecond."""

    def __init__(self, zero: int) -> None:
        self._zero = zero

    def __call__(self, time: int) -> float:
        return (time - self._zero) / 1000


def _names(threads: dict[Lane, int], title: str) -> Iterator[Entry]:
    yield _meta("process_name", 0, {"name": title})
    for lane, number in threads.items():
        yield _meta("thread_name", number, {"name": _lane_name(lane)})
        yield _meta("thread_sort_index", number, {"sort_index": number})


def _meta(name: str, thread: int, args: Entry) -> Entry:
    return {"ph": "M", "name": name, "pid": PROCESS, "tid": thread, "args": args}


def _lane_name(lane: Lane) -> str:
    if lane.slot == 0:
        return "run"
    return f"slot {lane.slot}" if lane.beside == 0 else f"slot {lane.slot}, beside {lane.beside}"


def _complete(bar: Bar, thread: int, clock: _Clock) -> Entry:
    span = bar.span
    args = {name: fact for name, fact in span.facts.items() if name != names.RUN}  # the file is of one run
    if span.error:
        args["error"] = span.error
    return {
        "ph": "X", "name": span.name, "cat": span.kind, "ts": clock(bar.start), "dur": (bar.end - bar.start) / 1000,
        "pid": PROCESS, "tid": thread, "args": args,
    }  # fmt: skip


def _arrows(bars: Sequence[Bar], threads: dict[Lane, int], clock: _Clock) -> Iterator[Entry]:
    """Yield an arrow from the end of each task to the beginning of each that it led to."""
    tasks = {bar.span.id: bar for bar in bars if bar.span.kind == "task"}
    number = 0
    for bar in tasks.values():
        for link in bar.span.links:
            parent = tasks.get(link.span)
            if parent is None:  # a fork's task comes from its origin's, which is another trace
                continue
            number += 1
            common = {"name": "leads to", "cat": "flow", "id": number, "pid": PROCESS}
            # Just before its end: a bar that is over at that moment is not found.
            yield {**common, "ph": "s", "ts": clock(parent.end - 1), "tid": threads[parent.lane]}
            yield {**common, "ph": "f", "bp": "e", "ts": clock(bar.start), "tid": threads[bar.lane]}


def _growth(spans: Iterable[Span], clock: _Clock) -> Iterator[Entry]:
    """Yield how tokens and cost grew, a point for each call that used any, or was entered with its cost."""
    given, out, cost = 0, 0, Decimal(0)
    calls = (span for span in spans if span.kind == "call" and not _USED.isdisjoint(span.facts))
    for span in sorted(calls, key=lambda span: (span.end, span.id)):
        given += span.facts.get(names.INPUT_TOKENS, 0)
        out += span.facts.get(names.OUTPUT_TOKENS, 0)
        cost = plus(cost, Decimal(span.facts.get(names.EXACT, "0")))
        yield _counter("tokens", clock(span.end), {"input": given, "output": out})
        yield _counter("cost, US dollars", clock(span.end), {"known": float(cost)})


def _counter(name: str, time: float, args: Entry) -> Entry:
    return {"ph": "C", "name": name, "ts": time, "pid": PROCESS, "tid": 0, "args": args}


def _instants(spans: Iterable[Span], clock: _Clock) -> Iterator[Entry]:
    """Yield what happened to the run at one moment."""
    for span in spans:
        for mark in span.marks if span.kind == "run" else ():
            args, time = dict(mark.facts), max(0.0, clock(mark.time))
            yield {"ph": "i", "s": "p", "name": mark.name, "ts": time, "pid": PROCESS, "tid": 0, "args": args}
