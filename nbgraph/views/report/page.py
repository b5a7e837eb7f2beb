"""The page of a report: its parts one below the other, its style, its one script, and what it forbids the browser.

Owns the skeleton. The policy lets nothing be loaded from anywhere, and one script run: the one here, by its digest.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from nbgraph.views.drawing import rules
from nbgraph.views.markup import Markup, data, join, tag
from nbgraph.views.palette import STATUSES, css_variables
from nbgraph.views.report import calls, costs, head, pictures, sources, states, tasks
from nbgraph.views.report.gathering import Facts

MARK = '<meta name="generator" content="nbgraph report">'
"""How a report is known again: it may be overwritten by another one."""
_STATIC = Path(__file__).parent / "static"


def page(facts: Facts, theme: str) -> str:
    """Return the whole page. ``theme``: "light", or "auto" for the one that the reader's system has."""
    parts = [
        head.head(facts), head.error(facts), pictures.drawing(facts), pictures.timelines(facts, theme), states.final(facts),
        tasks.tasks(facts), states.along(facts), costs.costs(facts), calls.calls(facts), tasks.prints(facts), tasks.events(facts),
        sources.sources(facts),
    ]  # fmt: skip
    body = tag("body", None, tag("main", None, _contents(parts), parts, _foot(facts)), _scripts(facts))
    return f"<!doctype html>\n{tag('html', {'lang': 'en'}, _head(facts, theme), body)}\n"


def _head(facts: Facts, theme: str) -> Markup:
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{_digest()}'; base-uri 'none'; form-action 'none'"
    return tag(
        "head", None, tag("meta", {"charset": "utf-8"}), Markup(MARK),
        tag("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("title", None, head.title_of(facts)), tag("style", None, Markup(style(theme))),
    )  # fmt: skip


def _contents(parts: list[Markup | None]) -> Markup:
    """Return links to the parts that are there."""
    names = {
        "error": "Error",
        "graph": "Graph",
        "timeline": "Timeline",
        "state": "State",
        "tasks": "Tasks",
        "states": "Step by step",
        "costs": "Costs",
        "calls": "Calls",
        "printed": "Printed",
        "events": "Events",
        "sources": "Source",
    }
    there = [name for name in names if any(part is not None and f'id="{name}"' in part[:200] for part in parts)]
    return tag(
        "nav", {"aria-label": "Contents"}, [[tag("a", {"href": f"#{name}"}, names[name]), " "] for name in there]
    )


def _foot(facts: Facts) -> Markup:
    return tag(
        "footer",
        None,
        f"Written by nbgraph from the record of run {facts.row.record.run_id}, as it stood after step {facts.row.steps}. This page loads nothing and sends nothing.",
    )


def _scripts(facts: Facts) -> Markup | None:
    if len(facts.frames) < 2:
        return None
    told = tag("script", {"type": "application/json", "id": "frames"}, data(pictures.frames(facts)))
    return join([told, tag("script", None, Markup(script()))])


@cache
def script() -> str:
    """Return the page's script."""
    return (_STATIC / "report.js").read_text(encoding="utf-8")


def _digest() -> str:
    return f"sha256-{b64encode(sha256(script().encode()).digest()).decode()}"


@cache
def style(theme: str) -> str:
    """Return the page's style sheet."""
    light, dark = css_variables("light"), css_variables("dark")
    looks = "\n".join(
        f".is-{name} {{ background: var(--ng-{name}-fill); border-color: var(--ng-{name}-line); color: var(--ng-{name}-text); }}"
        for name in STATUSES
    )
    follow = (
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ color-scheme: dark; {dark} }} }}"
        if theme == "auto"
        else ""
    )
    own = (_STATIC / "report.css").read_text(encoding="utf-8")
    return "\n".join([f":root {{ color-scheme: light; {light} }}", follow, own, looks, rules()])
