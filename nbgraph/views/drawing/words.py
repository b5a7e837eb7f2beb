"""What stands under a node's name and in the tooltips: facts in few words.

Owns the wording, and what is left out where there is no room. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from nbgraph.views.costing.money import NOBODY_KNOWS
from nbgraph.views.durations import seconds_text
from nbgraph.views.layout.measure import SMALL, text_width
from nbgraph.views.palette import STATUSES
from nbgraph.views.tally import NodeFacts
from nbgraph.views.topology import Link, Node

_TEXT_MARK = "\ufe0e"
"""Asks for a mark as text where a font would rather paint a coloured picture."""


def mark_of(status: str) -> str:
    """Return a status's mark as it is written in a drawing."""
    return as_text(STATUSES[status].mark)


def as_text(mark: str) -> str:
    """Return a mark so that no font paints it as a coloured picture."""
    return f"{mark}{_TEXT_MARK}" if mark else ""


def facts_line(facts: NodeFacts, width: float, *, times: bool = True) -> str:
    """Return the line under a node's name, as much of it as ``width`` pixels hold.

    >>> facts_line(NodeFacts("done", done=3, seconds=1.24), 100).replace("\ufe0e", "")
    '✓ 3× · 1.2 s'
    """
    whole = list(_parts(facts, times=times))
    if facts.cost:  # money stays rather than time
        timeless = list(_parts(facts, times=False))
        tries = (_BETWEEN.join(whole), _BETWEEN.join(timeless), " ".join(timeless))
        found = next((line for line in tries if _fits(line, width)), "")
        if found:
            return found
    while len(whole) > 1 and not _fits(_BETWEEN.join(whole), width):
        whole.pop()
    return _BETWEEN.join(whole)


_BETWEEN = " · "


def _fits(line: str, width: float) -> bool:
    return text_width(line, SMALL) <= width


def _parts(facts: NodeFacts, *, times: bool) -> Iterator[str]:
    now, mark = _now(facts), mark_of(facts.status)
    done = mark_of("done") if now else mark
    again = f"{mark_of('retried')}{facts.retried}" if facts.retried and not now else ""
    took = seconds_text(facts.seconds) if facts.done and facts.seconds and times else ""
    if now:
        yield f"{mark} {now}".strip()
    if facts.done == 1 and not now:
        yield " ".join(part for part in (done, took, again) if part)
        took = ""
    elif facts.done:
        yield " ".join(part for part in (done, f"{facts.done}×", again) if part)
    if took:
        yield took
    if facts.cost:
        yield facts.cost


def _now(facts: NodeFacts) -> str:
    """Return what the node is in the midst of."""
    counts = {
        "running": ("running", facts.running), "ready": ("ready", facts.ready), "waiting": ("waits", facts.waiting),
        "failed": ("failed", facts.failed), "retried": ("again", 0), "skipped": ("not taken", 0),
    }  # fmt: skip
    word, count = counts.get(facts.status, ("", 0))
    return f"{count} {word}" if count > 1 else word


def node_title(node: Node, facts: NodeFacts | None, *, times: bool = True) -> str:
    """Return a node's tooltip: what it is, and how far."""
    return "\n".join(line for line in (node.name, node_kind(node), _how_far(facts, times=times)) if line)


def node_kind(node: Node) -> str:
    """Return what a node is, and what its graph says of it."""
    kinds = {
        "sync": "function", "async": "async function", "end": "end of a subgraph", "graph": "subgraph",
        "missing": "not defined yet",
    }  # fmt: skip
    told = [kinds.get(node.kind, node.kind)]
    told += ["a run begins here"] if node.start else []
    told += ["fires for every arrival"] if node.join == "each" else []
    told += [f"up to {node.attempts} attempts"] if node.attempts > 1 else []
    return ", ".join(told)


def _how_far(facts: NodeFacts | None, *, times: bool) -> str:
    if facts is None:
        return ""
    counts = {
        "running": facts.running, "ready": facts.ready, "waiting": facts.waiting, "failed": facts.failed,
        "done": facts.done, "retried": facts.retried, "kept from before": facts.reused,
    }  # fmt: skip
    told = [STATUSES[facts.status].word, *(f"{count} {word}" for word, count in counts.items() if count)]
    told += [seconds_text(facts.seconds)] if times and facts.done and facts.seconds else []
    told += [cost_words(facts.cost)] if facts.cost else []
    told += ["its code has changed since"] if facts.stale else []
    return ", ".join(dict.fromkeys(told))


def cost_words(cost: str) -> str:
    """Return a node's cost in words where there is room for them."""
    return "cost unknown" if cost == NOBODY_KNOWS else cost


_KINDS = {
    "edge": "always",
    "when": "when it holds",
    "otherwise": "otherwise",
    "error": "on an error",
    "goto": "decided in code: Goto",
    "send": "one task for each Send",
}


def link_title(link: Link, taken: int | None) -> str:
    """Return a link's tooltip."""
    told = _KINDS.get(link.kind, link.kind) + (f": {link.label}" if link.label and link.kind != "otherwise" else "")
    count = "" if taken is None else "\nnot taken" if not taken else f"\ntaken {taken}×"
    return f"{link.src} → {link.dst}\n{told}{count}"
