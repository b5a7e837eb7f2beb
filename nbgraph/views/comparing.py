"""Two runs side by side, as a picture needs them: a line for each task, a look for each node, a value's change in pieces.

Owns what an outcome looks like, and where bars begin and end. Pure: works on a ``Diff``, which works on rows. Knows no
widget.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from json import loads
from typing import Any, NamedTuple

from nbgraph.analysis import ABSENT, Diff, Side
from nbgraph.views.tally import NodeFacts
from nbgraph.views.topology import Topology, topology_from
from nbgraph.views.values import value_text

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "same": ("done", "="),
    "changed": ("retried", "≠"),
    "only left": ("failed", "−"),
    "only right": ("waiting", "+"),
}
"""Outcome of a task -> the palette's status whose colours it has, and its mark."""
_WEIGHT = {"same": 0, "only right": 1, "only left": 2, "changed": 3}
_TEXT, _PIECES = 20_000, 2_000
"""Characters of a value that are compared piece by piece, and pieces."""


class Bar(NamedTuple):
    """When a task ran on one side: its step, and seconds. Without times, places in order.

    Seconds count from that run's beginning. Time in which none of its tasks ran is left out: a fork may be a week
    younger than what it shares, a person may take a day to answer, and bars would be too small to see.
    """

    step: int
    start: float
    seconds: float


class Line(NamedTuple):
    """One task. A bar is None where it did not run on that side; ``first`` is the place of its first difference, -1: none."""

    node: str
    outcome: str
    left: Bar | None
    right: Bar | None
    first: int


def lines_of(diff: Diff, *, times: bool = True) -> list[Line]:
    """Return a line for every task of either side, in canonical order."""
    firsts: dict[str, int] = {}
    for place, difference in enumerate(diff.differences):
        firsts.setdefault(difference.task, place)
    left, right = (_bars(side, times=times) for side in (diff.left, diff.right))
    return [
        Line(
            diff.left.node(task) or diff.right.node(task), outcome_of(diff, task, firsts), left.get(task), right.get(task),
            firsts.get(task, -1),
        )
        for task in diff.order
    ]  # fmt: skip


def outcome_of(diff: Diff, task: str, changed: Mapping[str, Any]) -> str:
    """Return how a task compares; ``changed`` holds the tasks with a difference."""
    if not diff.right.has(task):
        return "only left"
    if not diff.left.has(task):
        return "only right"
    return "changed" if task in changed else "same"


def _bars(side: Side, *, times: bool) -> dict[str, Bar]:
    read = {row.task: (row.step, loads(row.facts) if row.facts else {}) for row in side.steps}
    began = [facts["started"] for _, facts in read.values() if facts.get("started")]
    if not times or not began:
        return {task: Bar(step, step - 1.0, 1.0) for task, (step, _) in read.items()}
    spans = {
        task: (facts.get("started") or min(began), float(facts.get("seconds") or 0.0))
        for task, (_, facts) in read.items()
    }
    return {task: Bar(read[task][0], start, spans[task][1]) for task, start in _closed_up(spans).items()}


def _closed_up(spans: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return when each (start, seconds) begins if there were no time between them in which none goes on.

    >>> _closed_up({"a": (100.0, 2.0), "b": (101.0, 2.0), "c": (900.0, 1.0)})
    {'a': 0.0, 'b': 1.0, 'c': 3.0}
    """
    starts: dict[str, float] = {}
    left_out, end = 0.0, 0.0
    for name, (start, seconds) in sorted(spans.items(), key=lambda item: item[1]):
        left_out += max(0.0, start - end)
        end = max(end, start + seconds)
        starts[name] = start - left_out
    return starts


def topology_of(diff: Diff) -> Topology | None:
    """Return the graphs of both sides in one drawing; None where no side knows its graph."""
    graphs = [topology_from(side.description) for side in (diff.right, diff.left) if side.description]
    if not graphs:
        return None
    return Topology(
        graphs[0].name,
        tuple({node.name: node for graph in reversed(graphs) for node in graph.nodes}.values()),
        tuple({link.id: link for graph in reversed(graphs) for link in graph.links}.values()),
        tuple({cluster.name: cluster for graph in reversed(graphs) for cluster in graph.clusters}.values()),
    )


def nodes_of(lines: Sequence[Line]) -> dict[str, NodeFacts]:
    """Return how each node that ran looks: as the strongest of its tasks' outcomes."""
    return {
        node: NodeFacts(OUTCOMES[max(counts, key=_WEIGHT.__getitem__)][0], done=counts.total())
        for node, counts in counts_of(lines).items()
    }


def counts_of(lines: Sequence[Line]) -> dict[str, Counter[str]]:
    """Return, for each node, how many of its tasks had which outcome."""
    counts: dict[str, Counter[str]] = {}
    for line in lines:
        counts.setdefault(line.node, Counter())[line.outcome] += 1
    return counts


def counted(counts: Counter[str]) -> str:
    """Return a node's outcomes in short.

    >>> counted(Counter({"same": 3, "only right": 1}))
    '= 3  + 1'
    """
    return "  ".join(f"{mark} {counts[outcome]}" for outcome, (_, mark) in OUTCOMES.items() if counts[outcome])


# -- one value's change


Piece = tuple[str, str]
"""(how, text): "=" on both sides, "-" on the left only, "+" on the right only."""


def pieces_of(left: Any, right: Any) -> list[Piece]:
    """Return how one value becomes another, in pieces; of a large one only its beginning.

    >>> pieces_of("one two three", "one 2 three")
    [('=', 'one '), ('-', 'two'), ('+', '2'), ('=', ' three')]
    """
    texts = ["" if value is ABSENT else value_text(value, _TEXT) for value in (left, right)]
    return list(_joined(_changes(*map(_split, texts))))


def _split(text: str) -> list[str]:
    """Return a text's words, or its lines where those would be too many."""
    words = re.findall(r"\w+|\s+|[^\w\s]", text)
    return words if len(words) <= _PIECES else text.splitlines(keepends=True)


def _changes(left: list[str], right: list[str]) -> Iterator[Piece]:
    matcher = SequenceMatcher(None, left, right, autojunk=len(left) + len(right) > _PIECES)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield "=", "".join(left[i1:i2])
        else:
            yield "-", "".join(left[i1:i2])
            yield "+", "".join(right[j1:j2])


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Return pieces without empty ones."""
    return (piece for piece in pieces if piece[1])
