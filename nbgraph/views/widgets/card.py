"""What the card of a node says: its tasks, its code, what it was last given and what it made of it, its failure.

Owns the collecting of a run's latest tasks by node, and the shortening of values: a card stays small whatever the state
holds. Knows nothing of widgets; a state's values are only ever shown as text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from json import dumps, loads
from reprlib import Repr
from typing import Any, NamedTuple

from nbgraph.escape import cut, plain
from nbgraph.store.protocol import EventRecord, StepRecord
from nbgraph.views.drawing.words import cost_words, node_kind
from nbgraph.views.subject import News, Running, Subject
from nbgraph.views.tally import NodeFacts
from nbgraph.views.topology import Node
from nbgraph.views.values import fields_of

MOST_TASKS, MOST_FIELDS = 50, 40
_VALUE, _SOURCE, _PRINTED, _ERROR = 400, 20_000, 4_000, 1_000
"""Characters of one value, of a node's source, of what it printed, of what it failed with."""


class _Row(NamedTuple):
    """A committed task, as little of it as a card needs; facts are read when they are shown."""

    step: int
    task: str
    status: str
    attempts: int
    facts: str


class Cards:
    """The latest tasks of every node of one run. ``take`` what is new; ``card`` says what is known of a node."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._rows: dict[str, deque[_Row]] = {}
        self._troubles: dict[str, EventRecord] = {}
        """Node -> its latest failure, retry or question, while its task is not committed."""
        self._running: Mapping[str, list[Running]] = {}

    def take(self, news: News) -> set[str]:
        """Take what is new; return the nodes that it is about."""
        nodes = {row.node for row in news.steps}
        about = nodes | self._running.keys()
        for row in _latest(news.steps, nodes):
            kept = _Row(row.step, row.task, row.status, row.attempts, row.facts)
            self._rows.setdefault(row.node, deque(maxlen=MOST_TASKS)).append(kept)
        for event in news.events:
            if event.kind in ("task.failed", "task.retried", "task.waiting"):
                self._troubles[event.node] = event
                about.add(event.node)
        self._settle(news.steps)
        running: dict[str, list[Running]] = {}
        for task in news.running:
            running.setdefault(task.node, []).append(task)
        self._running = running
        return about | running.keys()

    def _settle(self, steps: Iterable[StepRecord]) -> None:
        """Forget the troubles of tasks that got through."""
        if self._troubles:
            done = {row.task for row in steps}
            self._troubles = {node: event for node, event in self._troubles.items() if event.task not in done}

    def card(self, node: Node, facts: NodeFacts, at: int | None) -> dict[str, Any]:
        """Return the card of a node; ``at`` is the step that is looked at, None: the latest."""
        rows = self._before(node.name, at)
        live = self._running.get(node.name, []) if at is None else []
        return {
            **about(node),
            "status": facts.status,
            "stale": facts.stale,
            "cost": cost_words(facts.cost),
            "running": [[task.attempt, task.started or 0.0] for task in live[:MOST_TASKS]],
            "tasks": [_task(row) for row in reversed(rows)],
            "error": self._error(node.name, at),
            "last": self._last(rows[-1]) if rows else {},
        }

    def _before(self, node: str, at: int | None) -> list[_Row]:
        rows = list(self._rows.get(node, ()))
        if at is None:
            return rows
        early = [row for row in rows if row.step <= at]
        return early if early or len(rows) < MOST_TASKS else self._found(node, at)

    def _found(self, node: str, at: int) -> list[_Row]:
        """Return the latest task of a node that is longer ago than those that are kept."""
        steps = self._subject.store.steps(str(self._subject.id), 1, at)
        found = deque((row for row in steps if row.node == node), maxlen=MOST_TASKS)
        return [_Row(row.step, row.task, row.status, row.attempts, row.facts) for row in found]

    def _error(self, node: str, at: int | None) -> dict[str, Any]:
        event = self._troubles.get(node) if at is None else None
        if event is None:
            return {}
        told = loads(event.data or "{}")
        text = told.get("raised") or told.get("error") or ""
        return {"kind": event.kind, "text": _long(text, _ERROR), "printed": _long(told.get("printed") or "", _PRINTED)}

    def _last(self, row: _Row) -> dict[str, Any]:
        """Return what a committed task was given, returned and printed."""
        given, record = (
            self._given(row.step),
            next(iter(self._subject.store.steps(str(self._subject.id), row.step, row.step)), None),
        )
        made = loads(record.update or "{}") if record is not None else {}
        texts = [[plain(name), cut(dumps(value, ensure_ascii=False), _VALUE)] for name, value in made.items()]
        printed = loads(row.facts or "{}").get("printed") or ""
        return {"step": row.step, "given": given, "made": texts[:MOST_FIELDS], "printed": _long(printed, _PRINTED)}

    def _given(self, step: int) -> list[list[str]]:
        try:
            items = list(fields_of(self._subject.given(step)).items())
        except Exception:  # noqa: BLE001 - a pruned step, a value of a type that is gone: the card says the rest
            return []
        return [[plain(name), short(value)] for name, value in items[:MOST_FIELDS]]


def _latest(steps: Sequence[StepRecord], nodes: set[str]) -> list[StepRecord]:
    """Return the steps that a card may show, in order: of many, it is found soon that the rest are too old."""
    wanted, found = dict.fromkeys(nodes, MOST_TASKS), list[StepRecord]()
    for row in reversed(steps):
        left = wanted.get(row.node)
        if left is not None:
            found.append(row)
            if left > 1:
                wanted[row.node] = left - 1
            else:
                del wanted[row.node]
                if not wanted:
                    break
    found.reverse()
    return found


def about(node: Node) -> dict[str, Any]:
    """Return what a card says of a node without any run."""
    return {"node": plain(node.name), "tells": node_kind(node), "source": _long(node.source, _SOURCE)}


def short(value: Any) -> str:
    """Return a value as text of at most 400 characters, in time that does not grow with what it holds.

    >>> short({"files": list(range(1000))})
    "{'files': [0, 1, 2, 3, 4, 5, ...]}"
    """
    return cut(_SHORT.repr(value), _VALUE)


_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _VALUE
_SHORT.maxdict = 12
_SHORT.maxlevel = 4


def _task(row: _Row) -> list[Any]:
    facts = loads(row.facts or "{}")
    return [row.step, row.status, row.attempts, facts.get("started") or 0.0, facts.get("seconds") or 0.0]


def _long(text: Any, most: int) -> str:
    """Return a text of several lines, its end left out where it is long."""
    whole = plain(text)
    return whole if len(whole) <= most else whole[: most - 1] + "…"
