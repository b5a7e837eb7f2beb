"""One task of one drive as spans: the task, its attempts, their calls, its questions.

Owns how they lie in each other. An attempt is one execution of the node: one that asked a person and ran again with the
answer has two, of one number. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from nbgraph.analysis.costs import CallCost
from nbgraph.observe.tracing import names
from nbgraph.observe.tracing.calls import Within, call_of, exception, question_of
from nbgraph.observe.tracing.identity import Identity, attempt_span, run_span, task_span
from nbgraph.observe.tracing.paid import Sum, cost_row, sum_of
from nbgraph.observe.tracing.pairing import Pair, nested, pairs_of
from nbgraph.observe.tracing.spans import Link, Mark, Span, Stretch, lasting, nanoseconds
from nbgraph.store.protocol import CallRecord


class Try(NamedTuple):
    """One execution of a node's code, as far as the rows tell. Times are seconds since the Unix epoch."""

    attempt: int
    end: float
    outcome: str
    """"done", "caught", "retried", "failed", "waiting" (for a person), or "interrupted": nobody wrote down how it ended."""
    lines: Sequence[CallRecord] = ()
    seconds: float | None = None
    start: float | None = None
    """As recorded; None: ``seconds`` before the end, where these are known."""
    raised: str = ""
    """Type and text of what it raised."""
    pause: float | None = None
    """Seconds until the next one."""


class Ended(NamedTuple):
    """A task that a drive is done with."""

    task: str
    node: str
    tries: Sequence[Try]
    outcome: str
    until: float
    """Until when it was under way, in seconds since the Unix epoch, where its tries do not tell."""
    step: int = 0
    order: str = ""
    links: tuple[Link, ...] = ()


class Task:
    """Makes the spans of one ``Ended``. ``known``: see ``Within``."""

    def __init__(self, ended: Ended, run: Identity, drive: int, known: dict[str, Identity], *, content: bool) -> None:
        self._ended, self._run, self._drive = ended, run, drive
        self.id = task_span(run, ended.task, 0 if ended.step else drive)
        self._within = Within(run, drive, self.id, content, known)
        self.sum = Sum()

    def spans(self) -> list[Span]:
        """Return the task's span and those in it, each behind its parent. ``sum`` is what its calls used then."""
        attempts = [self._attempt(turn, one) for turn, one in enumerate(self._ended.tries, 1)]
        inner = [*chain.from_iterable(attempts), *self._questions(attempts)]
        return [self._task(inner), *inner]

    def _task(self, inner: Sequence[Span]) -> Span:
        ended, until = self._ended, nanoseconds(self._ended.until)
        place = Stretch(min([until, *(s.start for s in inner)]), max([until, *(s.end for s in inner)]))
        if ended.step:  # its row says when it ended
            place = Stretch(place.start, max(s.end for s in inner))
        last = ended.tries[-1] if ended.tries else None
        facts = {
            **self._common(),
            names.OUTCOME: ended.outcome,
            names.ATTEMPTS: last.attempt if last else 0,
            **({names.STEP: ended.step} if ended.step else {}),
            **({names.ORDER: ended.order} if ended.order else {}),
            **({names.SECONDS: last.seconds} if last and last.seconds is not None else {}),
            **self.sum.facts(),
        }
        words = last.raised if last and ended.outcome == "failed" else ""
        if words:
            facts[names.ERROR] = _kind(words)
        return Span(
            "task", self.id, run_span(self._run, self._drive), ended.node, place.start, place.end, facts, words,
            links=ended.links, drive=self._drive,
        )  # fmt: skip

    def _common(self) -> dict[str, Any]:
        return {names.RUN: self._run.run_id, names.NODE: self._ended.node, names.TASK: self._ended.task}

    # -- attempts

    def _attempt(self, turn: int, one: Try) -> list[Span]:
        """Return an attempt's span, and those of its calls."""
        pairs = nested(pairs_of(one.lines, questions=False))
        place = _place(one, [pair for pair, _ in pairs])
        costs = {id(pair): cost_row(pair) for pair, _ in pairs}
        self.sum = self.sum.with_(sum_of(costs.values()))
        span = attempt_span(self._run, self._drive, self._ended.task, turn)
        facts = {**self._common(), names.ATTEMPT: one.attempt, names.OUTCOME: one.outcome}
        if one.seconds is not None:
            facts[names.SECONDS] = one.seconds
        if one.pause is not None:
            facts[names.PAUSE] = one.pause
        marks: tuple[Mark, ...] = ()
        if one.raised:
            kind, _, words = one.raised.partition(": ")
            facts[names.ERROR], marks = kind, (exception(place.end, kind, words),)
        head = Span(
            "attempt", span, self.id, f"attempt {one.attempt}", place.start, place.end, facts, one.raised, marks,
            drive=self._drive,
        )  # fmt: skip
        return [head, *self._calls(pairs, costs, span, place)]

    def _calls(
        self, pairs: Sequence[tuple[Pair, Pair | None]], costs: Mapping[int, CallCost | None], attempt: int,
        place: Stretch,
    ) -> list[Span]:  # fmt: skip
        made: dict[int, Span] = {}
        for pair, outer in pairs:
            around = made.get(id(outer))
            room, parent = (place, attempt) if around is None else (Stretch(around.start, around.end), around.id)
            lies = pair.stretch(room.end).within(room)
            made[id(pair)] = call_of(pair, lies, costs[id(pair)], self._within._replace(parent=parent))
        return list(made.values())

    # -- questions

    def _questions(self, attempts: Sequence[Sequence[Span]]) -> list[Span]:
        """Return the task's questions: they begin in one attempt, and another one hears the answer."""
        lines = [line for one in self._ended.tries for line in one.lines]
        until = max([nanoseconds(self._ended.until), *(spans[0].end for spans in attempts)])
        first = min((spans[0].start for spans in attempts), default=until)
        return [question_of(pair, _asked(pair, first, until), self._within) for pair in pairs_of(lines, questions=True)]


def _asked(pair: Pair, first: int, until: int) -> Stretch:
    """Return where a question lies; ``first``: where its task begins, which an earlier drive's question was before."""
    end = until if pair.ended is None else nanoseconds(pair.ended.time)
    begin = nanoseconds(pair.begun.time) if pair.begun.phase == "asked" else first
    return Stretch(min(begin, end), end)


def _place(one: Try, pairs: Sequence[Pair]) -> Stretch:
    """Return where an attempt lies. Where nobody timed it, it covers its calls."""
    if one.seconds is not None:
        return lasting(one.end - one.seconds if one.start is None else one.start, one.seconds)
    end = nanoseconds(one.end)
    begun = [nanoseconds(line.time) for line in one.lines if line.phase != "answered"]
    own = Stretch(min([end, *begun]), end)
    return own.over(*(pair.stretch(end) for pair in pairs))


def _kind(raised: str) -> str:
    return raised.partition(": ")[0]
