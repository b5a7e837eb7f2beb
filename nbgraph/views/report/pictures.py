"""The pictures of a report: the graph as the run went through it, with its scrubber, and the timeline.

Owns what scripts are given to move the drawing. The drawing itself is the one that all views share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbgraph.escape import picture_uri
from nbgraph.views.markup import Markup, tag
from nbgraph.views.palette import STATUSES
from nbgraph.views.report.gathering import Facts
from nbgraph.views.report.limits import left_out
from nbgraph.views.timeline.static import timeline


def drawing(facts: Facts) -> Markup:
    """Return the drawing with its legend, and the place for the scrubber, which scripts show."""
    label = f"{facts.row.record.graph}, coloured by run {facts.row.record.run_id}"
    picture = tag(
        "div", {"class": "wide drawing", "id": "drawing", "role": "img", "aria-label": label}, Markup(facts.drawing)
    )
    return tag("section", {"id": "graph"}, tag("h2", None, "Graph"), _scrubber(facts), picture, _legend(facts))


def _scrubber(facts: Facts) -> Markup | None:
    if len(facts.frames) < 2:
        return None
    slider = {"type": "range", "id": "step", "min": 0, "max": len(facts.frames) - 1, "value": len(facts.frames) - 1}
    shown = left_out(sum(frame.step > 0 for frame in facts.frames), len(facts.steps), "steps", "run.view()")
    return tag(
        "div", {"class": "scrubber", "id": "scrubber", "hidden": True},
        tag("button", {"type": "button", "id": "play"}, "▶ Play"),
        tag("input", {**slider, "aria-label": "Step"}), tag("output", {"id": "where", "for": "step"}, ""),
        tag("p", {"class": "note"}, shown) if shown else None,
    )  # fmt: skip


def _legend(facts: Facts) -> Markup:
    seen = {node.status for node in facts.nodes.values()}
    looks = [(name, look) for name, look in STATUSES.items() if name in seen]
    return tag(
        "p",
        {"class": "legend"},
        [[tag("span", {"class": f"chip is-{name}"}, f"{look.mark} {look.word}".strip()), " "] for name, look in looks],
    )


def frames(facts: Facts) -> list[Mapping[str, Any]]:
    """Return what the scrubber's script is given: for each place the step, its node, and what changes in the drawing."""
    return [{"step": frame.step, "node": frame.node, "patches": frame.patches} for frame in facts.frames]


def timelines(facts: Facts, theme: str) -> Markup | None:
    """Return the timeline as a picture, a dark one for dark pages where the theme follows the reader."""
    if not facts.steps and not facts.events:
        return None
    light = timeline(facts.subject)
    dark = tag(
        "source",
        {
            "srcset": picture_uri(timeline(facts.subject, theme="dark").svg()),
            "media": "screen and (prefers-color-scheme: dark)",
        },
    )
    image = tag("img", {"src": picture_uri(light.svg()), "alt": light.title})
    shown = tag("picture", None, dark if theme == "auto" else None, image)
    return tag("section", {"id": "timeline"}, tag("h2", None, "Timeline"), tag("div", {"class": "wide"}, shown))
