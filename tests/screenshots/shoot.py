"""Write pictures of every view, to be looked at: ``python -m tests.screenshots.shoot --folder build/screenshots``.

Owns which pictures there are, one function each. Looking at them is a person's part: nothing is compared.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

import nbgraph as ng
from nbgraph.faces import face
from tests.chromium import ARGS, found
from tests.screenshots import pages, scenes
from tests.widgets.alone import Pair
from tests.widgets.wire import laid

Shot = Callable[["Studio"], None]
SHOTS: dict[str, Shot] = {}
LOOKS = {"light": ("light", 1240), "dark": ("dark", 1240), "narrow": ("light", 460)}


class Studio:
    """Takes pictures into a folder."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self.browser, self.folder = browser, folder

    @contextmanager
    def page(self, theme: str, width: int) -> Iterator[Any]:
        """Open a page in this look."""
        view = {"width": width, "height": 700}
        context = self.browser.new_context(viewport=view, color_scheme=theme, reduced_motion="reduce")
        yield context.new_page()
        context.close()

    def markup(self, name: str, html: str, looks: tuple[str, ...] = ("light", "dark", "narrow")) -> None:
        """Picture what a notebook shows of a plain object."""
        for look in looks:
            theme, width = LOOKS[look]
            ground = "#111" if theme == "dark" else "#fff"
            with self.page(theme, width) as page:
                page.set_content(f'<body style="margin:16px;background:{ground}">{html}')
                self.keep(page, f"{name}-{look}")

    def widget(
        self,
        name: str,
        make: Callable[[], Any],
        act: Callable[[Any], None] | None = None,
        looks: tuple[str, ...] = tuple(LOOKS),
    ) -> None:
        """Picture a widget; ``act(page)`` does something on the page first."""
        for look in looks:
            theme, width = LOOKS[look]
            with self.page(theme, width) as page, pytest.MonkeyPatch.context() as patch:
                wire = laid(patch)
                widget = make()
                pair = Pair(page, widget, wire, theme)
                settle(pair, wire)
                if act is not None:
                    act(page)
                    settle(pair, wire)
                self.keep(page, f"{name}-{look}")
                widget.close()

    def keep(self, page: Any, name: str) -> None:
        """Write the page as a picture."""
        page.screenshot(path=self.folder / f"{name}.png", full_page=True)


def settle(pair: Pair, wire: Any) -> None:
    """Carry messages over until nothing is said for a while."""
    quiet = 0
    while quiet < 6:
        before = len(wire.messages)
        pair.pump()
        quiet = quiet + 1 if len(wire.messages) == before else 0
        time.sleep(0.06)


def shot(take: Shot) -> Shot:
    """Count a function among the pictures."""
    SHOTS[take.__name__.replace("_", "-")] = take
    return take


# -- the runs, each made once


@cache
def completed() -> ng.Run:
    """Return a run of the review that went well."""
    return scenes.ran(scenes.review(), "monday")


@cache
def failed() -> ng.Run:
    """Return one that failed late."""
    return scenes.ran(scenes.review(broken=True), "night")


@cache
def waiting() -> ng.Run:
    """Return one that waits for an answer."""
    return scenes.ran(scenes.review(asks=True), "friday")


@cache
def crowded() -> ng.Run:
    """Return one of 10,000 tasks."""
    return scenes.crowd(10_000)


# -- the pictures


def shown(thing: Any) -> str:
    """Return what a notebook shows of an object without a kernel."""
    bundle = thing._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    return data.get("text/html", "NO PICTURE")


@shot
def static_graphs(studio: Studio) -> None:
    """Draw graphs of several sizes, by themselves."""
    for name, graph in {
        "3": scenes.chain(),
        "review": scenes.review(),
        "nested": scenes.nested(),
        "30": scenes.web(30),
        "150": scenes.web(150),
    }.items():
        studio.markup(f"static-graph-{name}", shown(graph), ("light", "dark") if name != "150" else ("light",))


@shot
def static_runs(studio: Studio) -> None:
    """Draw runs in each state."""
    for run in (completed(), failed(), waiting(), scenes.stuck(scenes.review()), crowded()):
        studio.markup(f"static-run-{run.id}", shown(run))
        studio.markup(f"static-timeline-{run.id}", html_of(face("run.timeline")(run)))


@shot
def static_diff(studio: Studio) -> None:
    """Show a comparison as it is saved."""
    studio.markup("static-diff", shown(completed().diff(failed())))


def html_of(thing: Any) -> str:
    """Return the markup of whatever a static view is."""
    return (
        thing
        if isinstance(thing, str)
        else shown(thing)
        if hasattr(thing, "_repr_mimebundle_")
        else thing._repr_html_()
    )


@shot
def graph_view(studio: Studio) -> None:
    """Show the live graph: three nodes, the review, thirty, a hundred and fifty, a run in each state, a card."""
    for name, graph in {"3": scenes.chain(), "30": scenes.web(30), "150": scenes.web(150)}.items():
        studio.widget(f"graph-view-{name}", graph.view, looks=("light", "dark"))
    for run in (completed(), failed(), waiting(), crowded()):
        studio.widget(f"graph-view-{run.id}", run.view)
    studio.widget("graph-view-card", completed().view, lambda page: page.locator('[data-node="review"]').click())


@shot
def controls(studio: Studio) -> None:
    """Show the buttons of runs in each state."""
    from nbgraph.views.widgets.doors import controls as buttons

    for run in (completed(), failed(), waiting(), scenes.stuck(scenes.review())):
        studio.widget(f"controls-{run.id}", lambda run=run: buttons(run))


@shot
def timeline(studio: Studio) -> None:
    """Show the live timeline: a run with retries and calls, a failed one, 10,000 spans, lanes by branch."""
    from nbgraph.views.widgets.timeline import TimelineView

    for run in (completed(), failed(), crowded()):
        studio.widget(f"timeline-{run.id}", lambda run=run: TimelineView(run))
    branches = lambda page: page.get_by_label("Lanes").select_option("branch")  # noqa: E731 - it is read here only
    studio.widget("timeline-branches", lambda: TimelineView(completed()), branches, ("light", "dark"))


@shot
def inspector(studio: Studio) -> None:
    """Show each page of the inspector, and a failure."""
    from nbgraph.views.widgets.inspector import InspectorView

    for tab in ("State", "Changes", "Calls", "Output", "Events", "Source"):
        press = lambda page, tab=tab: page.get_by_role("tab", name=tab).click()  # noqa: E731 - as above
        studio.widget(f"inspector-{tab.lower()}", lambda: InspectorView(completed()), press)
    studio.widget("inspector-failed", lambda: InspectorView(failed()))


@shot
def dashboard(studio: Studio) -> None:
    """Show everything about a run in one output."""
    for run in (completed(), failed(), waiting(), crowded()):
        studio.widget(f"dashboard-{run.id}", lambda run=run: ng.dashboard(run))


@shot
def diff_view(studio: Studio) -> None:
    """Show two runs side by side."""
    studio.widget("diff-view", lambda: completed().diff(failed()).view())


@shot
def inbox(studio: Studio) -> None:
    """Show an open question."""
    studio.widget("inbox", waiting().engine.inbox_form)


@shot
def run_browser(studio: Studio) -> None:
    """Show the runs of a store."""
    engine = waiting().engine
    studio.widget("run-browser", engine.browser)


@cache
def spent() -> dict[str, ng.Run]:
    """Return runs that cost something, little or much, known or not."""
    return {
        "1": scenes.spender(1, 1, 1),
        "3": scenes.spender(9),
        "30": scenes.spender(90, 3, 10),
        "unknown": scenes.spender(24, 5, 2),
        "zero": scenes.spender(4, 1, 2, prices={scenes.MODELS[0]: (0, 0)}),
        "huge": scenes.spender(30, 3, prices=dict.fromkeys(scenes.MODELS, (4_000_000_000, 9_000_000_000))),
        "budget": scenes.spender(40, 3, cost_budget="1.2", max_concurrent=1),
        "10000": scenes.spender(10_000, 5),
        "none": completed(),
    }


@shot
def costs(studio: Studio) -> None:
    """Show what calls used and cost, live."""
    from nbgraph.views.widgets.costs import CostsView

    for name, run in spent().items():
        studio.widget(f"costs-{name}", lambda run=run: CostsView(run))


@shot
def static_costs(studio: Studio) -> None:
    """Show tables of costs and the chart as they are saved, and what a graph and the inspector say of them."""
    from nbgraph.views.widgets.inspector import InspectorView

    for name, run in spent().items():
        studio.markup(
            f"static-costs-{name}", f"{run.costs_by('node', 'model')._repr_html_()}<hr>{run.costs._repr_html_()}"
        )
    studio.markup("static-costs-chart", shown(spent()["budget"].cost_chart()))
    studio.markup("static-costs-run", shown(spent()["unknown"]))
    studio.widget("costs-graph", spent()["unknown"].view, lambda page: page.locator('[data-node="draft"]').click())
    press = lambda page: page.get_by_role("tab", name="Calls").click()  # noqa: E731 - it is read here only
    run = spent()["3"]
    studio.widget("costs-inspector", lambda: at_step(InspectorView(run), 4), press)
    studio.widget("costs-dashboard", lambda: ng.dashboard(run))


def at_step(view: Any, step: int) -> Any:
    """Return a view that looks at a step."""
    view.cursor.move(step)
    return view


@shot
def report(studio: Studio) -> None:
    """Show the file that is sent to a colleague, read with scripts and printed without."""
    for run in (completed(), failed(), spent()["budget"]):
        file = studio.folder / f"report-{run.id}.html"
        run.report(file)
        for look, (theme, width) in LOOKS.items():
            with studio.page(theme, width) as page:
                page.goto(file.absolute().as_uri())
                studio.keep(page, f"report-{run.id}-{look}")


@shot
def notebooks(studio: Studio) -> None:
    """Show each notebook in JupyterLab, as it is kept and after it was run."""
    pages.shoot(studio.browser, studio.folder)


def main(arguments: list[str]) -> int:
    """Take the pictures that are asked for; return how many could not be taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--only", nargs="+", choices=sorted(SHOTS), default=list(SHOTS))
    parser.add_argument("--readme", action="store_true", help="renew only the two pictures of the README")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found(), args=ARGS)
        if options.readme:
            pages.readme(browser)
            return 0
        for name in options.only:
            began = time.monotonic()
            try:
                SHOTS[name](Studio(browser, options.folder))
            except Exception:  # the other pictures are worth having
                wrong += 1
                traceback.print_exc()
            print(f"{name}: {time.monotonic() - began:.1f} s")  # noqa: T201 - a program
        browser.close()
    print(f"The pictures are in {options.folder}.")  # noqa: T201 - a program
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
