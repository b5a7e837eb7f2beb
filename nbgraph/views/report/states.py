"""The states of a report: the one at the end, and those along the way, folded.

Owns what is shown of a state, and which fields a step wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nbgraph.errors import NbgraphError
from nbgraph.views.markup import Markup, fold, tag
from nbgraph.views.report.gathering import Facts
from nbgraph.views.report.head import facts_of
from nbgraph.views.report.limits import FIELD, FINAL, STATE, STATES, left_out
from nbgraph.views.values import fields_of, value_text


def final(facts: Facts) -> Markup:
    """Return the state at the end, or as far as the run came."""
    state = getattr(facts.subject, "state", None) if facts.status == "completed" else _at(facts, facts.row.steps)
    name = "State at the end" if facts.status == "completed" else f"State after step {facts.row.steps}"
    return tag("section", {"id": "state"}, tag("h2", None, name), _fields(state, FINAL, FIELD, ()))


def along(facts: Facts) -> Markup | None:
    """Return the state after each step that is shown, folded; the scrubber takes them from here."""
    if not facts.steps:
        return None
    blocks = list(_blocks(facts))
    note = left_out(sum(step > 0 for step in facts.kept), len(facts.steps), "states", "run.at(step).state")
    return tag(
        "section", {"id": "states"}, tag("h2", None, "Step by step"), tag("p", {"class": "note"}, note) if note else None,
        tag("div", {"class": "now", "id": "now", "hidden": True}), tag("div", {"class": "steps"}, blocks),
    )  # fmt: skip


def _blocks(facts: Facts) -> Iterator[Markup]:
    rows = {row.step: row for row in facts.steps}
    left = STATES
    for step in facts.kept:
        row = rows.get(step)
        wrote = [] if row is None else [*facts_of(row.update), *facts_of(row.results)]
        body = _fields(_at(facts, step), min(STATE, max(left, 0)), STATE, wrote)
        left -= len(body)
        name = (
            [tag("b", None, f"{step} {row.node}"), " wrote " + ", ".join(wrote) if wrote else ""]
            if row
            else tag("b", None, "0 input")
        )
        yield fold(name, body, attributes={"id": f"step-{step}", "data-step": step})


def _at(facts: Facts, step: int) -> Any:
    try:
        return facts.subject.at(step).state
    except NbgraphError as error:
        return {"(not readable)": error.message}


def _fields(state: Any, most: int, each: int, wrote: Sequence[str]) -> Markup:
    """Return a state field by field; those that a step wrote first, as they may not all have room."""
    fields, rows, missing = fields_of(state), [], []
    for name in sorted(fields, key=lambda name: name not in wrote):
        if most <= 0:
            missing.append(name)
            continue
        text = value_text(fields[name], min(most, each))
        most -= len(text)
        mark = tag("span", {"class": "wrote", "title": "written by this step"}, "✎ ") if name in wrote else None
        rows.append(tag("div", None, tag("dt", None, mark, name), tag("dd", None, tag("pre", None, text))))
    told = (
        tag("p", {"class": "note"}, f"No room here for {', '.join(missing)}; run.at(step).state has them.")
        if missing
        else None
    )
    return tag(
        "div",
        None,
        tag("dl", {"class": "state"}, rows) if rows else None,
        told or (None if rows else tag("p", {"class": "note"}, "empty")),
    )
