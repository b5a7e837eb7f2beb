"""The top of a report: what ran, how it went, and what went wrong.

Owns the summary and the error with the line of code that it comes from. Knows nothing of the rest of the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from json import loads
from typing import Any

from nbgraph.analysis.costs import CallCost, total_of
from nbgraph.views.costing.money import cost_text, sum_text
from nbgraph.views.durations import seconds_text
from nbgraph.views.markup import Markup, Part, fold, tag
from nbgraph.views.report.gathering import Facts
from nbgraph.views.report.limits import SOURCE, TRACEBACK
from nbgraph.views.runs import RUN_LOOKS
from nbgraph.views.settings import default_times
from nbgraph.views.tracebacks import failing_line


def title_of(facts: Facts) -> str:
    """Return what the page is called."""
    return f"{facts.row.record.graph} · {facts.row.record.run_id}"


def head(facts: Facts) -> Markup:
    """Return the page's head: names, status, numbers."""
    record = facts.row.record
    named = (
        tag("h1", None, record.graph),
        tag("p", {"class": "run"}, "run ", tag("code", None, record.run_id), " ", chip(facts.status)),
    )
    numbers = [tag("div", None, tag("dt", None, name), tag("dd", None, said)) for name, said in _numbers(facts)]
    return tag("header", {"class": "top"}, tag("div", None, *named), tag("dl", {"class": "numbers"}, numbers))


def chip(status: str) -> Markup:
    """Return a run's status as a coloured word with its mark."""
    look, mark = RUN_LOOKS.get(status, ("idle", ""))
    return tag("span", {"class": f"chip is-{look}"}, f"{mark} {status}".strip())


def _numbers(facts: Facts) -> Iterator[tuple[str, Part]]:
    nodes = facts.nodes.values()
    yield "steps", f"{facts.row.steps:,}"
    yield "nodes", f"{len(facts.topology.nodes)}"
    for name, count in (
        ("failed", sum(node.failed for node in nodes)),
        ("tried again", sum(node.retried for node in nodes)),
        ("kept from before", sum(node.reused for node in nodes)),
    ):
        if count:
            yield name, f"{count:,}"
    yield from _calls(facts.costs)
    if default_times():
        yield "in nodes", seconds_text(sum(node.seconds for node in nodes))
        yield "created", datetime.fromtimestamp(facts.row.record.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if facts.origin is not None:
        yield "fork of", [tag("code", None, facts.origin.run_id), f" at step {facts.origin.step}"]
    yield "seed", f"{facts.row.record.seed}"


def _calls(costs: Sequence[CallCost]) -> Iterator[tuple[str, Part]]:
    if costs:
        total = total_of(costs)
        yield "calls", f"{total.calls:,}"
        if total.tokens.tokens:
            yield "tokens", f"{total.tokens.tokens:,}"
        if total.prices:
            yield "cost", sum_text(total.known, total.unknown)
        if total.saved:
            yield "saved", cost_text(total.saved)


def error(facts: Facts) -> Markup | None:
    """Return what went wrong: the words, the node's code with the line that raised, the recorded traceback."""
    told = facts.error
    if not told:
        return None
    node, trace = _node(told), str(told.get("traceback") or "")
    also = [
        tag("p", None, tag("b", None, f"{name}: "), str(told[key]))
        for name, key in (("Still true", "still"), ("Next", "todo"))
        if told.get(key)
    ]
    return tag(
        "section", {"class": "error", "id": "error"},
        tag("h2", None, str(told.get("type", "Error"))), tag("p", {"class": "message"}, str(told.get("message", ""))), also,
        _code(facts, node, trace), fold("Recorded traceback", tag("pre", None, trace[-TRACEBACK:])) if trace else None,
    )  # fmt: skip


def _node(told: Any) -> str:
    facts = told.get("facts")
    return str(facts.get("node") or "") if isinstance(facts, dict) else ""


def _code(facts: Facts, node: str, trace: str) -> Markup | None:
    source = next((each.source for each in facts.topology.nodes if each.name == node), "")[:SOURCE]
    if not source:
        return None
    return tag(
        "figure",
        None,
        tag("figcaption", None, "node ", tag("code", None, node)),
        source_block(source, failing_line(source, trace)),
    )


def source_block(source: str, marked: int = 0) -> Markup:
    """Return code, line by line, one of them marked; lines count from 1."""
    lines = [
        tag("span", {"class": "line marked" if place == marked else "line"}, line)
        for place, line in enumerate(source.splitlines(), 1)
    ]
    return tag("pre", {"class": "code"}, lines)


def facts_of(text: str) -> dict[str, Any]:
    """Return a row's JSON object; empty where there is none."""
    found = loads(text) if text else {}
    return found if isinstance(found, dict) else {}
