"""The style sheet of a drawing: one text for the page, where colours are variables, and for files, where they are not.

Owns every colour, line style and font of a drawing. Knows nothing of where things stand.
"""

from __future__ import annotations

import re

from nbgraph.views.palette import STATUSES, css_variables

_FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif'

_RULES = f"""
.ng-drawing {{ font-family: {_FONT}; font-size: 13px; background: var(--ng-paper); }}
.ng-ground {{ fill: var(--ng-paper); }}
.ng-cluster-box {{ fill: var(--ng-ink); fill-opacity: .035; stroke: var(--ng-faint); stroke-opacity: .55; stroke-width: 1; }}
.ng-cluster-name {{ font-size: 12px; font-weight: 600; fill: var(--ng-faint); }}
.ng-line {{ fill: none; stroke: var(--ng-faint); stroke-width: 1.4; stroke-linecap: butt; }}
.ng-head {{ fill: var(--ng-faint); stroke: none; }}
.ng-hit {{ fill: none; stroke: transparent; stroke-width: 12; pointer-events: stroke; }}
.ng-goto > .ng-line {{ stroke-dasharray: 6 4; }}
.ng-error > .ng-line {{ stroke: var(--ng-failed-line); stroke-dasharray: 1.5 3.5; stroke-linecap: round; stroke-width: 1.8; }}
.ng-error > .ng-head {{ fill: var(--ng-failed-line); }}
.ng-send > .ng-line {{ stroke-width: 4.6; }}
.ng-core {{ fill: none; stroke: var(--ng-paper); stroke-width: 2; }}
.ng-untaken > .ng-line {{ stroke-opacity: .5; }}
.ng-untaken > .ng-head {{ fill-opacity: .5; }}
.ng-taken > .ng-line {{ stroke: var(--ng-ink); stroke-width: 2.5; }}
.ng-taken > .ng-head {{ fill: var(--ng-ink); }}
.ng-taken.ng-send > .ng-line {{ stroke-width: 5.6; }}
.ng-taken.ng-error > .ng-line {{ stroke: var(--ng-failed-line); }}
.ng-taken.ng-error > .ng-head {{ fill: var(--ng-failed-line); }}
.ng-words {{ font-size: 11px; stroke: var(--ng-paper); stroke-width: 4; stroke-linejoin: round; paint-order: stroke; }}
.ng-alone {{ text-anchor: middle; }}
.ng-before {{ text-anchor: end; }}
.ng-label {{ fill: var(--ng-faint); }}
.ng-count {{ font-weight: 600; fill: var(--ng-ink); }}
.ng-taken .ng-label {{ fill: var(--ng-ink); }}
.ng-error .ng-label {{ fill: var(--ng-failed-line); }}
.ng-box {{ stroke-width: 1.5; }}
.ng-name {{ text-anchor: middle; font-weight: 500; }}
.ng-facts {{ text-anchor: middle; font-size: 11px; }}
.ng-join, .ng-start {{ stroke: none; }}
.ng-missing > .ng-box {{ stroke-dasharray: 5 4; }}
.ng-is-skipped > .ng-box {{ stroke-dasharray: 2 3; }}
.ng-is-running > .ng-box, .ng-is-failed > .ng-box, .ng-is-waiting > .ng-box {{ stroke-width: 2.4; }}
.ng-flag-box {{ fill: var(--ng-paper); stroke: var(--ng-ink); stroke-width: 1; }}
.ng-flag-text {{ font-size: 9px; text-anchor: middle; fill: var(--ng-ink); }}
.ng-break {{ fill: var(--ng-failed-line); stroke: var(--ng-paper); stroke-width: 2; }}
"""


def _status_rules() -> str:
    return "\n".join(
        f".ng-node.ng-is-{name} > .ng-box {{ fill: var(--ng-{name}-fill); stroke: var(--ng-{name}-line); }}\n"
        f".ng-node.ng-is-{name} > text {{ fill: var(--ng-{name}-text); }}\n"
        f".ng-node.ng-is-{name} > .ng-join, .ng-node.ng-is-{name} > .ng-start {{ fill: var(--ng-{name}-line); }}\n"
        f".ng-cluster.ng-is-{name} > .ng-cluster-box {{ {_cluster_rule(name)} }}"
        for name in STATUSES
    )


def _cluster_rule(name: str) -> str:
    if name in ("idle", "ready", "skipped"):
        return ""
    return f"stroke: var(--ng-{name}-line); stroke-opacity: 1; fill: var(--ng-{name}-fill); fill-opacity: .3;"


def rules(theme: str = "page") -> str:
    """Return the style sheet of drawings.

    ``theme``: "light" or "dark" with the colours themselves, for a file that stands alone; "page" with the palette's
    CSS variables, for a page that defines them.
    """
    text = _RULES.strip() + "\n" + _status_rules() + "\n"
    if theme == "page":
        return text
    colours = dict(re.findall(r"--(ng-[\w-]+): (#\w+);", css_variables(theme)))
    return re.sub(r"var\(--(ng-[\w-]+)\)", lambda found: colours[found[1]], text)
