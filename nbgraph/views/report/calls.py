"""The calls of a report: what each asked, what came back, what it used and cost.

Owns their layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import Any

from nbgraph.analysis.calls import Call, calls_of
from nbgraph.analysis.costs import FREE, CallCost
from nbgraph.escape import cut
from nbgraph.views.costing.money import cost_text
from nbgraph.views.costing.sources import tokens_words
from nbgraph.views.durations import seconds_text
from nbgraph.views.markup import Markup, fold, tag
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
    """Return all calls and questions, each folded."""
    found = calls_of(facts.calls)
    if not found:
        return None
    note = left_out(min(CALLS, len(found)), len(found), "calls", "run.calls")
    costs = {cost.seq: cost for cost in facts.costs}
    return tag(
        "section", {"id": "calls"}, tag("h2", None, "Calls"),
        tag("div", {"class": "steps"}, [_call(call, costs.get(call.seq)) for call in found[:CALLS]]),
        tag("p", {"class": "note"}, note) if note else None,
    )  # fmt: skip


def _call(call: Call, cost: CallCost | None) -> Markup:
    look, mark = _LOOKS.get(call.outcome, ("idle", ""))
    took = seconds_text(call.seconds) if call.seconds is not None and default_times() else ""
    told = (took, *_used(cost), "from the record" if call.reused else "", f"by {call.by}" if call.by else "")
    more = " · ".join(part for part in told if part)
    name = [
        tag("span", {"class": f"chip is-{look}"}, f"{mark} {call.outcome}"),
        " ",
        tag("b", None, call.name or "call"),
        f" in {call.node}",
        tag("span", {"class": "faint"}, f" · {more}") if more else "",
    ]
    ended = call.outcome in ("returned", "raised", "answered")
    return fold(name, _block("asked", call.asked), _block("got", call.error or call.response) if ended else None)


def _used(cost: CallCost | None) -> Iterator[str]:
    """Yield what a call used and cost; nothing of one that used no model."""
    if cost is None or cost.source == FREE.source:
        return
    yield cut(cost.model, 80)
    yield tokens_words(cost.tokens)
    if not cost.reused:
        yield cost_text(cost.cost) if cost.cost is not None else "cost unknown"
    elif cost.saved is not None:
        yield f"{cost_text(cost.saved)} saved"


def _block(name: str, value: Any) -> Markup:
    text = value if isinstance(value, str) else dumps(value, ensure_ascii=False, indent=1, default=repr)
    return tag("figure", None, tag("figcaption", None, name), tag("pre", None, value_text(text, CALL)))
