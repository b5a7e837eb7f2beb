"""The calls of a report: what each asked and what came back, and what all of them used.

Owns their layout.
"""

from __future__ import annotations

from json import dumps
from typing import Any

from nbgraph.analysis.calls import Call, calls_of
from nbgraph.analysis.costs import CallCost, CostRow, cost_rows, costs_of, total_of, used_by
from nbgraph.prices import Usage
from nbgraph.views.costing.money import cost_text
from nbgraph.views.durations import seconds_text
from nbgraph.views.markup import Markup, Part, fold, table, tag
from nbgraph.views.report.gathering import Facts
from nbgraph.views.report.limits import CALL, CALLS, left_out
from nbgraph.views.settings import default_times
from nbgraph.views.values import value_text

_LOOKS = {
    "returned": ("done", "✓"),
    "answered": ("done", "✓"),
    "raised": ("failed", "✗"),
    "asked": ("waiting", "?"),
    "started": ("running", "▶"),
}


def calls(facts: Facts) -> Markup | None:
    """Return all calls and questions, each folded, and what they used per node and model."""
    found = calls_of(facts.calls)
    if not found:
        return None
    note = left_out(min(CALLS, len(found)), len(found), "calls", "run.calls")
    return tag(
        "section", {"id": "calls"}, tag("h2", None, "Calls"), _used(costs_of(facts.calls)),
        tag("div", {"class": "steps"}, [_call(call) for call in found[:CALLS]]),
        tag("p", {"class": "note"}, note) if note else None,
    )  # fmt: skip


def _call(call: Call) -> Markup:
    look, mark = _LOOKS.get(call.outcome, ("idle", ""))
    used = _tokens_text(used_by(call))
    took = seconds_text(call.seconds) if call.seconds is not None and default_times() else ""
    more = " · ".join(
        part
        for part in (took, used, "from the record" if call.reused else "", f"by {call.by}" if call.by else "")
        if part
    )
    name = [
        tag("span", {"class": f"chip is-{look}"}, f"{mark} {call.outcome}"),
        " ",
        tag("b", None, call.name or "call"),
        f" in {call.node}",
        tag("span", {"class": "faint"}, f" · {more}") if more else "",
    ]
    ended = call.outcome in ("returned", "raised", "answered")
    return fold(name, _block("asked", call.asked), _block("got", call.error or call.response) if ended else None)


def _block(name: str, value: Any) -> Markup:
    text = value if isinstance(value, str) else dumps(value, ensure_ascii=False, indent=1, default=repr)
    return tag("figure", None, tag("figcaption", None, name), tag("pre", None, value_text(text, CALL)))


def _used(costs: list[CallCost]) -> Markup | None:
    total = total_of(costs)
    if not total.tokens.tokens and not total.known and not total.unknown:
        return None
    lines = [_line(row.key[0], row.key[1] or "not said", row) for row in cost_rows(costs)]
    return table(
        ["node", "model", "calls", "tokens in", "tokens out", "cost"],
        [*lines, _line(tag("b", None, "all"), "", total)],
        "costs",
    )


def _line(node: Part, model: str, row: CostRow) -> list[Part]:
    reused = f" ({row.reused} from the record)" if row.reused else ""
    return [
        node,
        model,
        f"{row.calls:,}{reused}",
        f"{row.tokens.input:,}",
        f"{row.tokens.output:,}",
        cost_text(row.cost),
    ]


def _tokens_text(used: Usage | None) -> str:
    return f"{used.input:,} + {used.output:,} tokens" if used is not None and used.tokens else ""
